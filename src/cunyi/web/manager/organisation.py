"""The organisation of a county: its places and facilities, a file that describes them, which facility takes nobody now."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import InvalidFormError, UserError
from cunyi.journeys.access import require
from cunyi.journeys.organisation_file import read_organisation
from cunyi.journeys.organising import Loaded, known_areas, load_organisation, open_or_close, show_organisation
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.photo_sent import file_in
from cunyi.web.gate import Gate, first, language_of, sent_form
from cunyi.web.language import ENGLISH, catalogue

_HTML = "text/html; charset=utf-8"


class OrganisationPages:
    """The work behind the handlers of the organisation (组织机构)."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge

    def page(
        self, request: Request[Any, Any, Any], *, loaded: Loaded | None = None, error: UserError | None = None
    ) -> str:
        """The page; after a file was sent with what became of it."""
        me = self.gate.me(request)
        require(me.account, Permission.SEE_COUNTS)
        english = language_of(request) == ENGLISH
        departments = {
            each.id: each.name_en if english else each.name for each in self.knowledge.content.departments.values()
        }
        told = catalogue(language_of(request)).gettext
        errors = error.errors if isinstance(error, InvalidFormError) else (error,) if error else ()
        return self.gate.page(
            request,
            me,
            "manager/organisation.html",
            organisation=show_organisation(self.gate.seat.store),
            departments=departments,
            manages=me.account.may(Permission.MANAGE_NODES) and self.gate.hub,
            loaded=loaded,
            errors=[each.told(told) for each in errors],
        )

    def load(self, request: Request[Any, Any, Any], data: bytes) -> str:
        """Reads a file and keeps what it says, whole or not at all."""
        me = self.gate.me(request)
        require(me.account, Permission.MANAGE_NODES)
        store = self.gate.seat.store
        if not data:
            raise UserError("没有选文件；请选一个机构表", field="file")
        found = read_organisation(data, self.knowledge, organisation=store.node.organisation, known=known_areas(store))
        return self.page(request, loaded=load_organisation(store, found, me.account))

    def open_or_close(self, request: Request[Any, Any, Any], code: str, sent: dict[str, list[str]]) -> None:
        """Says that a facility takes patients, or none for a reason."""
        me = self.gate.me(request)
        is_open = first(sent, "act") == "open"
        open_or_close(self.gate.seat.store, me.account, code, is_open=is_open, reason=first(sent, "reason"))


def organisation_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of the organisation; only a hub can change it."""
    pages = OrganisationPages(gate, knowledge)

    @get("/organisation", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def organisation(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @post("/organisation", media_type=MediaType.HTML, include_in_schema=False)
    async def load(request: Request[Any, Any, Any]) -> Response[Any]:
        body = await request.body()

        def work() -> tuple[str, int]:
            pages.gate.me(request)
            try:
                data = file_in(body, request.headers.get("content-type", ""), "file")
                return pages.load(request, data), 200
            except UserError as error:
                return pages.page(request, error=error), 400

        html, status = await sync_to_thread(work)
        return Response(html, status_code=status, media_type=_HTML)

    @post("/organisation/facilities/{code:str}", include_in_schema=False)
    async def change(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
        sent = await sent_form(request)

        def work() -> Response[Any]:
            try:
                pages.open_or_close(request, code, sent)
            except UserError as error:
                return Response(pages.page(request, error=error), status_code=400, media_type=_HTML)
            return Redirect("/organisation", status_code=303)

        return await sync_to_thread(work)

    return [organisation, load, change] if gate.hub else [organisation]
