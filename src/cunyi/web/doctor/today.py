"""The first page: who waits and how urgently, who is due for a visit, what is unfinished."""

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
from cunyi.domain.triage import TriageLevel
from cunyi.journeys.finding_people import every_village
from cunyi.journeys.preconsulting_clinic import clinic_interviews, is_alarming
from cunyi.journeys.preconsulting_handover import complaint_in_words
from cunyi.journeys.queueing import InQueue, arrive, leave_queue, set_level, show_queue, the_queue
from cunyi.journeys.referral_lists import counts_of, my_referrals
from cunyi.journeys.ringing import thread_counts
from cunyi.journeys.seat import SignedIn
from cunyi.journeys.today import open_today
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.gate import (
    COOKIE,
    Gate,
    NotSignedInError,
    ScreenLockedError,
    first,
    language_of,
    messages_of,
    sent_form,
)
from cunyi.web.rendering import render

_HTML = "text/html; charset=utf-8"
_LEVELS = [level.code for level in reversed(TriageLevel)]


class TodayPages:
    """The work behind the first page's handlers (今日)."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge

    def page(
        self,
        request: Request[Any, Any, Any],
        *,
        errors: dict[str, str] | None = None,
        sent: dict[str, str] | None = None,
    ) -> str:
        """The whole page; `errors` and `sent` of a change of level that was refused."""
        me = self.gate.me(request)
        now = self.gate.seat.now()
        today = open_today(self.gate.seat.store, me.account, now)
        return self.gate.page(
            request,
            me,
            "doctor/today.html",
            today=today,
            threads=thread_counts(self.gate.seat.store, me.account, now),
            **self._queue_values(request, me, today.queue),
            errors=errors or {},
            sent=sent or {},
        )

    def queue(self, request: Request[Any, Any, Any]) -> str:
        """Who comes to be seen, for a page that is open. Looking does not keep a session awake."""
        me = self.gate.seat.who(request.cookies.get(COOKIE), watching=True)
        if me is None:
            raise NotSignedInError
        if me.locked:
            raise ScreenLockedError
        queue = the_queue(self.gate.seat.store, me.account, self.gate.seat.now())
        values = self._queue_values(request, me, queue)
        return render("doctor/coming.html", language_of(request), **values, errors={}, sent={})

    def arrive(self, request: Request[Any, Any, Any], person_id: str, why: str) -> None:
        """Puts somebody in the queue with the level that their words give."""
        me = self.gate.me(request)
        now, reason = self.gate.seat.now().astimezone(), me.opened.get(person_id, "")
        arrive(self.gate.seat.store, me.account, person_id, why, self.knowledge, now=now, reason=reason)

    def _queue_values(self, request: Request[Any, Any, Any], me: SignedIn, queue: list[InQueue]) -> dict[str, Any]:
        known = every_village(self.gate.seat.store, me.account)
        villages = {code: name for code, name in known.items() if me.account.looks_after(code)}
        village = request.query_params.get("village", "")
        village = village if village in villages else ""
        now = self.gate.seat.now()
        may_write = me.account.may(Permission.WRITE_DRAFT)
        return {
            "answered": clinic_interviews(self.gate.seat.store, me.account, now=now).ready if may_write else [],
            "is_alarming": is_alarming,
            "complaint_in_words": complaint_in_words,
            "queue": show_queue(queue, village),
            "village": village,
            "villages": villages,
            "levels": _LEVELS,
            "referrals": counts_of(my_referrals(self.gate.seat.store, me.account, self.knowledge, now))
            if me.account.may(Permission.READ_RECORD)
            else None,
            "now": now,
            "on": now.astimezone().date(),
            "may_write": may_write,
        }


def today_routes(gate: Gate, knowledge: Knowledge, at: str = "/") -> list[ControllerRouterHandler]:
    """The handlers of the first page, which a hub has elsewhere."""
    pages = TodayPages(gate, knowledge)

    @get(at, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def today(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @get("/queue", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def queue(request: Request[Any, Any, Any]) -> str:
        return pages.queue(request)

    @post("/people/{person_id:uuid}/check-in", include_in_schema=False)
    async def come(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Redirect:
        form = await sent_form(request)
        await sync_to_thread(pages.arrive, request, str(person_id), first(form, "why"))
        return Redirect(at, status_code=303)

    @post("/people/{person_id:uuid}/leave", include_in_schema=False)
    async def leave(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Redirect:
        await sync_to_thread(lambda: leave_queue(gate.seat.store, gate.me(request).account, str(person_id)))
        return Redirect(at, status_code=303)

    @post("/people/{person_id:uuid}/level", media_type=MediaType.HTML, include_in_schema=False)
    async def level(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        form = await sent_form(request)
        chosen, why = first(form, "level"), first(form, "why")

        def work() -> Response[Any]:
            me = gate.me(request)
            try:
                set_level(gate.seat.store, me.account, str(person_id), chosen, why)
            except UserError as error:
                sent = {"person": str(person_id), "level": chosen, "why": why}
                html = pages.page(request, errors=messages_of(error, language_of(request)), sent=sent)
                return Response(html, status_code=400, media_type=_HTML)
            return Redirect(at, status_code=303)

        return await sync_to_thread(work)

    return [today, queue, come, leave, level]
