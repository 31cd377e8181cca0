"""The addresses that print referrals; each print is written down."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from cunyi.domain.errors import UserError
from cunyi.domain.referral import ReferralSlip
from cunyi.journeys.referring import OpenReferral, open_referral
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.facilities import facility_by_code
from cunyi.web.doctor.referral_form import ReferralFormPages
from cunyi.web.gate import Gate
from cunyi.web.printing.pages import paper_of, print_sheet
from cunyi.web.printing.referral_sheets import handover_sheet, returned_sheet, slip_sheet
from cunyi.web.printing.typesetting import Typesetter


class ReferralPrinting:
    """The work behind the handlers that print referrals (转诊单打印), over one knowledge base."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.typesetter = Typesetter()
        self.forms = ReferralFormPages(gate, knowledge)

    def slip(self, request: Request[Any, Any, Any], thread_id: str) -> Response[bytes]:
        """The official slip with its stub."""
        me, opened, slip = self._opened(request, thread_id)
        values = slip_sheet(opened.referral, opened.person, slip)
        return self._printed(request, me, "referral", values, person=opened.person.id, subject=thread_id)

    def returned(self, request: Request[Any, Any, Any], thread_id: str) -> Response[bytes]:
        """The return slip, once there is one."""
        me, opened, slip = self._opened(request, thread_id)
        back = opened.referral.last_return()
        if back is None:
            raise UserError("还没有回转单；对方写了以后才能打印", field="return")
        values = returned_sheet(opened.referral, opened.person, slip, back)
        return self._printed(request, me, "returned", values, person=opened.person.id, subject=thread_id)

    def handover(self, request: Request[Any, Any, Any], thread_id: str) -> Response[bytes]:
        """The one page for the ambulance."""
        me, opened, slip = self._opened(request, thread_id)
        begun = opened.referral.events[0].note
        values = handover_sheet(
            slip,
            opened.person,
            thread_id=thread_id,
            on=begun.signed_at.astimezone().date(),
            facility=opened.referral.from_name,
            doctor=begun.author.name,
            **self._telephones(me, slip),
        )
        return self._printed(request, me, "handover", values, person=opened.person.id, subject=thread_id)

    def handover_of_draft(self, request: Request[Any, Any, Any], draft_id: str) -> Response[bytes]:
        """The same page from an encounter that is still being written."""
        me = self.gate.me(request)
        record, slip = self.forms.of_draft(me, draft_id)
        values = handover_sheet(
            slip,
            record.person,
            thread_id="",
            on=self.gate.seat.now().astimezone().date(),
            facility=self.gate.seat.store.node.facility_name,
            doctor=me.account.name,
            **self._telephones(me, slip),
        )
        return self._printed(request, me, "handover", values, person=record.person.id, subject=draft_id)

    def _opened(self, request: Request[Any, Any, Any], thread_id: str) -> tuple[SignedIn, OpenReferral, ReferralSlip]:
        me = self.gate.me(request)
        opened = open_referral(self.gate.seat.store, me.account, thread_id)
        slip = opened.referral.slip
        if slip is None:
            raise UserError("转诊单还没有传到这台电脑；同步以后再打印", field="slip")
        return me, opened, slip

    def _telephones(self, me: SignedIn, slip: ReferralSlip) -> dict[str, str]:
        loop = self.knowledge.content.referral_loop
        place = None
        if slip.place.facility:
            with self.gate.seat.store.reading() as connection:
                place = facility_by_code(connection, me.account.organisation, slip.place.facility)
        return {
            "emergency_number": loop.emergency_number if loop else "",
            "emergency_phone": place.emergency_phone if place else "",
        }

    def _printed(
        self,
        request: Request[Any, Any, Any],
        me: SignedIn,
        sheet: str,
        values: dict[str, Any],
        *,
        person: str,
        subject: str,
    ) -> Response[bytes]:
        paper = paper_of(request)
        return print_sheet(self.gate, self.typesetter, me, sheet, paper, values, person=person, subject=subject)


def referral_printing_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers that print referrals."""
    pages = ReferralPrinting(gate, knowledge)

    @get("/print/referral/{thread_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def slip(request: Request[Any, Any, Any], thread_id: FromPath[UUID]) -> Response[bytes]:
        return pages.slip(request, str(thread_id))

    @get("/print/returned/{thread_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def returned(request: Request[Any, Any, Any], thread_id: FromPath[UUID]) -> Response[bytes]:
        return pages.returned(request, str(thread_id))

    @get("/print/handover/{thread_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def handover(request: Request[Any, Any, Any], thread_id: FromPath[UUID]) -> Response[bytes]:
        return pages.handover(request, str(thread_id))

    @get("/print/handover/draft/{draft_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def of_draft(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Response[bytes]:
        return pages.handover_of_draft(request, str(draft_id))

    return [slip, returned, handover, of_draft]
