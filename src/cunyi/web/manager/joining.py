"""Joining a hub on a kit: its address and the code that an administrator of the hub read out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import ENROL_PATH, HubLine, LineSettings, NoAnswerError, check_address
from cunyi.journeys.access import require
from cunyi.journeys.joining import Joined, join
from cunyi.store.links import hub_link
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form

_HTML = "text/html; charset=utf-8"


class JoiningPages:
    """The work behind the handlers of joining (加入中心). `joined` is called when it was done, so that the exchange begins."""

    def __init__(self, gate: Gate, line: LineSettings | None, joined: Callable[[], None]) -> None:
        self.gate = gate
        self.line = line
        self.joined = joined

    def page(
        self,
        request: Request[Any, Any, Any],
        *,
        done: Joined | None = None,
        errors: dict[str, str] | None = None,
        sent: dict[str, list[str]] | None = None,
    ) -> str:
        """The page: whom this node belongs to, and the form."""
        me = self.gate.me(request)
        require(me.account, Permission.MANAGE_NODES)
        store = self.gate.seat.store
        with store.reading() as connection:
            link = hub_link(connection, store.node.organisation)
        values = {name: first(sent or {}, name) for name in ("address", "code")}
        if link is not None and not sent:
            values["address"] = link.address
        return self.gate.page(
            request, me, "manager/joining.html", link=link, done=done, errors=errors or {}, form=values
        )

    def join(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> str:
        """Shows the code to the hub and keeps what it grants."""
        me = self.gate.me(request)
        require(me.account, Permission.MANAGE_NODES)
        address = check_address(first(sent, "address"), "address")
        seat = self.gate.seat
        try:
            with HubLine(address, self.line, ENROL_PATH) as line:
                done = join(
                    seat.store,
                    seat.database_key,
                    me.account.id,
                    code=first(sent, "code"),
                    send=line.send,
                    address=address,
                )
        except NoAnswerError:
            raise UserError(
                "没有连上中心；请核对地址、网络和中心的证书，再试一次，登记码还可以用", field="address"
            ) from None
        self.joined()
        return self.page(request, done=done)


def joining_routes(gate: Gate, line: LineSettings | None, joined: Callable[[], None]) -> list[ControllerRouterHandler]:
    """The handlers of joining a hub."""
    pages = JoiningPages(gate, line, joined)

    @get("/enrolment", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def form(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @post("/enrolment", media_type=MediaType.HTML, include_in_schema=False)
    async def enrol(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)

        def work() -> Response[Any]:
            try:
                return Response(pages.join(request, sent), status_code=200, media_type=_HTML)
            except UserError as error:
                errors = messages_of(error, language_of(request))
                errors = {{"hub": "address"}.get(field, field): message for field, message in errors.items()}
                return Response(pages.page(request, errors=errors, sent=sent), status_code=400, media_type=_HTML)

        return await sync_to_thread(work)

    return [form, enrol]
