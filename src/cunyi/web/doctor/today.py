"""The first page: who waits, who is due for a visit, what is unfinished."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import MediaType, Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.journeys.today import check_in, leave_queue, open_today
from cunyi.web.gate import Gate, first, sent_form


def today_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of the first page."""

    @get("/", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def today(request: Request[Any, Any, Any]) -> str:
        me = gate.me(request)
        now = gate.seat.now()
        return gate.page(
            request,
            me,
            "doctor/today.html",
            today=open_today(gate.seat.store, me.account, now),
            now=now,
            may_write=me.account.may(Permission.WRITE_DRAFT),
        )

    @post("/people/{person_id:uuid}/check-in", include_in_schema=False)
    async def arrive(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Redirect:
        form = await sent_form(request)

        def work() -> None:
            me = gate.me(request)
            person = str(person_id)
            check_in(gate.seat.store, me.account, person, first(form, "why"), reason=me.opened.get(person, ""))

        await sync_to_thread(work)
        return Redirect("/", status_code=303)

    @post("/people/{person_id:uuid}/leave", include_in_schema=False)
    async def leave(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Redirect:
        await sync_to_thread(lambda: leave_queue(gate.seat.store, gate.me(request).account, str(person_id)))
        return Redirect("/", status_code=303)

    return [today, arrive, leave]
