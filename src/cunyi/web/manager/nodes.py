"""The nodes of a township at its hub: how each stands, a code for a new one, taking one out that was lost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import NodeState
from cunyi.journeys.access import require
from cunyi.journeys.enrolling import NewCode, grant_more_serials, make_code, waiting_codes
from cunyi.journeys.hub_home import nodes_of
from cunyi.journeys.organising import show_organisation
from cunyi.journeys.revoking import revoke
from cunyi.store.areas import VILLAGE_DIGITS
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form

_HTML = "text/html; charset=utf-8"
_USUAL_SERIALS = "500"


class NodePages:
    """The work behind the handlers of the nodes (设备管理)."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def page(
        self,
        request: Request[Any, Any, Any],
        *,
        made: NewCode | None = None,
        errors: dict[str, str] | None = None,
        sent: dict[str, list[str]] | None = None,
        at: str = "",
    ) -> str:
        """The page; `made` is a code that was just made and is shown this once. `errors` belong to the form of the node `at`."""
        me = self.gate.me(request)
        require(me.account, Permission.SEE_COUNTS)
        manages = me.account.may(Permission.MANAGE_NODES)
        store = self.gate.seat.store
        known = show_organisation(store)
        nodes = nodes_of(store, self.gate.seat.now())
        in_use = [each for each in nodes if each.node.state is NodeState.ENROLLED]
        form = {name: first(sent or {}, name) for name in ("facility", "name", "scope", "reason", "village")}
        return self.gate.page(
            request,
            me,
            "manager/nodes.html",
            nodes=in_use,
            astray=errors if at and all(each.node.id != at for each in in_use) else {},
            revoked=[each for each in nodes if each.node.state is NodeState.REVOKED],
            codes=waiting_codes(store, me.account) if manages else [],
            # A code is mostly for a village.
            facilities=list(reversed(known.facilities)),
            villages={area.code: area.name for area in known.areas if len(area.code) == VILLAGE_DIGITS},
            manages=manages,
            made=made,
            errors=errors or {},
            at=at,
            form={**form, "serials": first(sent or {}, "serials") or _USUAL_SERIALS},
            address=_address(request),
        )

    def make_code(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> str:
        """A code for a new node, on the page this once."""
        me = self.gate.me(request)
        made = make_code(
            self.gate.seat.store,
            me.account,
            facility=first(sent, "facility"),
            scope=tuple(first(sent, "scope").replace("，", " ").replace(",", " ").split()),
            name=first(sent, "name"),
            serials=_count(first(sent, "serials"), "serials"),
        )
        return self.page(request, made=made)

    def act(self, request: Request[Any, Any, Any], node_id: str, sent: dict[str, list[str]]) -> None:
        """Takes a node out, or gives it more archive serials."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        if first(sent, "act") == "serials":
            grant_more_serials(
                store, me.account, node_id, first(sent, "village"), _count(first(sent, "serials"), "serials")
            )
            return
        kind = first(sent, "kind")
        if kind not in ("lost", "retired"):
            raise UserError("请选择遗失还是退役", field="kind")
        revoke(store, me.account, node_id, reason=first(sent, "reason"), retired=kind == "retired")


def node_management_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of a hub's nodes."""
    pages = NodePages(gate)

    @get("/nodes", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def nodes(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @post("/nodes/codes", media_type=MediaType.HTML, include_in_schema=False)
    async def new_code(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)

        def work() -> Response[Any]:
            try:
                return Response(pages.make_code(request, sent), status_code=200, media_type=_HTML)
            except UserError as error:
                errors = messages_of(error, language_of(request))
                return Response(pages.page(request, errors=errors, sent=sent), status_code=400, media_type=_HTML)

        return await sync_to_thread(work)

    @post("/nodes/{node_id:uuid}", include_in_schema=False)
    async def act(request: Request[Any, Any, Any], node_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)

        def work() -> Response[Any]:
            try:
                pages.act(request, str(node_id), sent)
            except UserError as error:
                errors = messages_of(error, language_of(request))
                html = pages.page(request, errors=errors, sent=sent, at=str(node_id))
                return Response(html, status_code=400, media_type=_HTML)
            return Redirect("/nodes", status_code=303)

        return await sync_to_thread(work)

    return [nodes, new_code, act]


def _count(words: str, field: str) -> int:
    if not words.isascii() or not words.isdigit():
        raise UserError("要写一个数", field=field)
    return int(words)


def _address(request: Request[Any, Any, Any]) -> str:
    """Where this hub was reached just now, as a kit would be told."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"
