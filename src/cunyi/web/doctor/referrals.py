"""The referrals of a facility: the list by what is to be done, each one with its course and its next steps, what came of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import UserError
from cunyi.domain.referral import Party, ReferralStep, ReferralUrgency
from cunyi.domain.referral_comparing import compare
from cunyi.domain.referral_course import ReferralCourse, tells_for_the_other
from cunyi.journeys.filling_slip import places_for
from cunyi.journeys.onward_referral import may_send_on
from cunyi.journeys.referral_lists import Pile, counts_of, my_referrals, whom_to_ring
from cunyi.journeys.referral_statistics import referral_statistics
from cunyi.journeys.referring import OpenReferral, open_referral, write_step
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.choosing_facility import ProposedFacility
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.referral_reminders import call_again_at
from cunyi.web.doctor.referral_reading import BY_HAND, Sent, content_from, said
from cunyi.web.doctor.referral_view import check_rows, how_long, place_views, reminder_words, ring_views
from cunyi.web.gate import Gate, language_of, messages_of, sent_form

_HTML = "text/html; charset=utf-8"
_YEAR = timedelta(days=365)


class ReferralPages:
    """The work behind the handlers of referrals, over one knowledge base."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge

    def overview(self, request: Request[Any, Any, Any], *, errors: dict[str, str] | None = None) -> Response[Any]:
        """Everything of the facility that goes on."""
        me, language = self.gate.me(request), language_of(request)
        lines = my_referrals(self.gate.seat.store, me.account, self.knowledge, self.gate.seat.now())
        html = self.gate.page(
            request,
            me,
            "doctor/referrals.html",
            piles=[(pile.value, [each for each in lines if each.pile is pile]) for pile in Pile],
            counts=counts_of(lines),
            how_long=how_long,
            now=self.gate.seat.now(),
            reminder_of=lambda line: reminder_words(line.reminder, language),
            may_refer=me.account.may(Permission.REFER),
            errors=errors or {},
        )
        return Response(html, status_code=400 if errors else 200, media_type=_HTML)

    def find(self, request: Request[Any, Any, Any], sent: Sent) -> Response[Any]:
        """Opens the referral of a slip by the number of its code."""
        self.gate.me(request)
        try:
            return Redirect(f"/referrals/{UUID(said(sent, 'code'))}", status_code=303)
        except ValueError:
            error = UserError("转诊编号不对；请再扫一次单子上的二维码", field="code")
            return self.overview(request, errors=messages_of(error, language_of(request)))

    def thread(
        self,
        request: Request[Any, Any, Any],
        thread_id: str,
        *,
        sent: Sent | None = None,
        step: str = "",
        error: UserError | None = None,
    ) -> Response[Any]:
        """One referral, on either side."""
        me, language = self.gate.me(request), language_of(request)
        store, now = self.gate.seat.store, self.gate.seat.now()
        opened = open_referral(store, me.account, thread_id)
        referral = opened.referral
        back = referral.last_return()
        slip = referral.slip
        loop = self.knowledge.content.referral_loop
        late = now - referral.due_at if referral.due_at and now > referral.due_at else None
        places = self._places(me, opened)
        parties = referral.parties_of(opened.facility)
        for_other = [each for each in opened.steps if tells_for_the_other(referral, opened.facility, each)]
        emergency = referral.urgency is ReferralUrgency.EMERGENCY and ReferralStep.ARRIVE in opened.steps
        html = self.gate.page(
            request,
            me,
            "doctor/referral.html",
            opened=opened,
            referral=referral,
            person=opened.person,
            slip=slip,
            back=back.content.returned if back else None,
            compared=compare(slip, back.content.returned) if slip and back and back.content.returned else None,
            mine=referral.waits_for in parties,
            may_send_on=Party.RECEIVER in parties and may_send_on(referral) and me.account.may(Permission.REFER),
            today=now.astimezone().date(),
            now=now,
            late=how_long(late) if late else None,
            called=referral.last_call if late else None,
            again_at=self._again_at(referral),
            rings=ring_views(whom_to_ring(store, me.account, referral, self.knowledge, now), language),
            own_steps=[each.value for each in opened.steps if each not in for_other],
            for_other=[each.value for each in for_other],
            places=place_views(places, self.knowledge, language),
            emergency=emergency and Party.SENDER in parties,
            emergency_phone=next(
                (each.facility.emergency_phone for each in places if each.facility.code == referral.place.facility), ""
            ),
            emergency_number=loop.emergency_number if loop else "",
            by_hand=BY_HAND,
            checks=check_rows(sent),
            values={name: said(sent, name) for name in sent} if sent else {},
            tried=step,
            errors=messages_of(error, language) if error else {},
        )
        return Response(html, status_code=400 if error else 200, media_type=_HTML)

    def write(self, request: Request[Any, Any, Any], thread_id: str, step: str, sent: Sent) -> Response[Any]:
        """A further step; the page again with what is missing where it cannot be kept."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        if step not in set(ReferralStep):
            raise UserError("没有这一步；请重新打开这次转诊", field="step")
        wanted = ReferralStep(step)
        try:
            places = self._places(me, open_referral(store, me.account, thread_id))
            content = content_from(sent, wanted, places, self.knowledge)
            today = self.gate.seat.now().astimezone().date()
            write_step(store, me.account, thread_id, wanted, content, self.knowledge, today=today)
        except UserError as error:
            return self.thread(request, thread_id, sent=sent, step=step, error=error)
        return Redirect(f"/referrals/{thread_id}", status_code=303)

    def statistics(self, request: Request[Any, Any, Any]) -> str:
        """What came of the referrals of a time; the last year where none is asked for."""
        me = self.gate.me(request)
        now = self.gate.seat.now().astimezone()
        since = _day(request.query_params.get("since", "")) or (now - _YEAR).date()
        until = _day(request.query_params.get("until", "")) or now.date()
        found = referral_statistics(
            self.gate.seat.store,
            me.account,
            since=datetime.combine(since, datetime.min.time(), now.tzinfo),
            until=datetime.combine(until + timedelta(days=1), datetime.min.time(), now.tzinfo),
        )
        return self.gate.page(request, me, "doctor/referral_statistics.html", found=found)

    def _again_at(self, referral: ReferralCourse) -> datetime | None:
        """When to ring again where somebody has rung since the last step."""
        loop, called = self.knowledge.content.referral_loop, referral.last_call
        return call_again_at(loop, referral.urgency, called.note.signed_at) if loop and called else None

    def _places(self, me: SignedIn, opened: OpenReferral) -> list[ProposedFacility]:
        """Other facilities that could take the patient."""
        slip = opened.referral.slip
        if slip is None:
            return []
        village = opened.person.village_code
        return places_for(self.gate.seat.store, me.account, village, slip, self.knowledge)


def referral_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of referrals."""
    pages = ReferralPages(gate, knowledge)

    @get("/referrals", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def everything(request: Request[Any, Any, Any]) -> Response[Any]:
        return pages.overview(request)

    @post("/referrals/find", media_type=MediaType.HTML, include_in_schema=False)
    async def find(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.find, request, sent)

    @get("/referrals/statistics", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def statistics(request: Request[Any, Any, Any]) -> str:
        return pages.statistics(request)

    @get("/referrals/{thread_id:uuid}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def thread(request: Request[Any, Any, Any], thread_id: FromPath[UUID]) -> Response[Any]:
        return pages.thread(request, str(thread_id))

    @post("/referrals/{thread_id:uuid}/{step:str}", media_type=MediaType.HTML, include_in_schema=False)
    async def write(request: Request[Any, Any, Any], thread_id: FromPath[UUID], step: FromPath[str]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.write, request, str(thread_id), step, sent)

    return [everything, find, statistics, thread, write]


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None
