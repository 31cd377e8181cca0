"""Writing a referral: the slip filled from the record or an encounter, the places that can take the patient, the emergency path."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.encounter import Encounter
from cunyi.domain.errors import NeedsReasonError, UserError
from cunyi.domain.referral import ReferralDirection, ReferralSlip, ReferralUrgency
from cunyi.domain.thread import Thread
from cunyi.journeys.access import require
from cunyi.journeys.consulting import DraftShown, open_draft
from cunyi.journeys.filling_slip import FilledSlip, SlipGround, fill_slip
from cunyi.journeys.onward_referral import under_way
from cunyi.journeys.opening_record import PersonRecord, encounter_versions, open_record
from cunyi.journeys.referring import send_referral
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.encounter_form import read_encounter
from cunyi.web.doctor.form import read_form
from cunyi.web.doctor.referral_reading import BY_HAND, Sent, said, slip_from
from cunyi.web.doctor.referral_view import check_rows, place_views
from cunyi.web.gate import Gate, language_of, messages_of, sent_form

_HTML = "text/html; charset=utf-8"


class ReferralFormPages:
    """The work behind the handlers of writing a referral, over one knowledge base."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge

    def page(
        self,
        request: Request[Any, Any, Any],
        person_id: str,
        asked: Sent,
        *,
        sent: Sent | None = None,
        error: UserError | None = None,
    ) -> Response[Any]:
        """The form, filled; with what was sent last where it could not be kept."""
        me = self.gate.me(request)
        require(me.account, Permission.REFER)
        try:
            record, filled = self._filled(me, person_id, asked)
        except NeedsReasonError:
            return Redirect(f"/people/{person_id}", status_code=303)
        language = language_of(request)
        loop = self.knowledge.content.referral_loop
        html = self.gate.page(
            request,
            me,
            "doctor/referral_form.html",
            person=record.person,
            today=self._now().date(),
            filled=filled,
            slip=filled.slip,
            values=_values(filled.slip) if sent is None else {name: said(sent, name) for name in _NAMES},
            checks=check_rows(sent),
            places=place_views(filled.places, self.knowledge, language),
            urgencies=[each.value for each in ReferralUrgency],
            purposes=loop.purposes[filled.slip.direction] if loop else (),
            emergency_number=loop.emergency_number if loop else "",
            draft=said(asked, "draft"),
            encounter=said(asked, "encounter"),
            by_hand=BY_HAND,
            going=self._under_way(me, person_id),
            errors=messages_of(error, language) if error else {},
        )
        return Response(html, status_code=400 if error else 200, media_type=_HTML)

    def send(self, request: Request[Any, Any, Any], person_id: str, sent: Sent) -> Response[Any]:
        """Sends the patient; the page of the referral, or the form with what is missing."""
        me = self.gate.me(request)
        require(me.account, Permission.REFER)
        record, filled = self._filled(me, person_id, sent)
        try:
            slip = slip_from(sent, filled.slip, filled.places, self.knowledge)
            reason = me.opened.get(record.person.id, "")
            thread = send_referral(
                self.gate.seat.store,
                me.account,
                record.person.id,
                slip,
                self.knowledge,
                reason=reason,
                again=said(sent, "again") == "yes",
            )
        except UserError as error:
            return self.page(request, person_id, sent, sent=sent, error=error)
        return Redirect(f"/referrals/{thread}", status_code=303)

    def _under_way(self, me: SignedIn, person_id: str) -> list[Thread]:
        """The person's referrals that are not over, so that nobody is sent twice unawares."""
        with self.gate.seat.store.reading() as connection:
            return under_way(connection, me.account.organisation, person_id)

    def of_draft(self, me: SignedIn, draft_id: str) -> tuple[PersonRecord, ReferralSlip]:
        """The slip of a draft as it would be proposed, for a handover that cannot wait for a signature."""
        person = open_draft(self.gate.seat.store, me.account, draft_id).person
        record, filled = self._filled(me, person.id, {"draft": [draft_id]})
        return record, filled.slip

    def _filled(self, me: SignedIn, person_id: str, asked: Sent) -> tuple[PersonRecord, FilledSlip]:
        store, now = self.gate.seat.store, self._now()
        reason = me.opened.get(person_id, "")
        record = open_record(store, me.account, person_id, today=now.date(), reason=reason)
        direction = ReferralDirection.DOWN if said(asked, "direction") == "down" else ReferralDirection.UP
        ground = self._ground(me, record, asked, now)
        filled = fill_slip(store, me.account, record, ground, self.knowledge, direction=direction, now=now)
        return record, filled

    def _ground(self, me: SignedIn, record: PersonRecord, asked: Sent, now: datetime) -> SlipGround:
        """The draft or the signed encounter that the referral comes from. A draft that was signed meanwhile is the signed one."""
        encounter_id = _id(said(asked, "encounter"))
        draft_id = _id(said(asked, "draft"))
        if draft_id:
            try:
                shown = open_draft(self.gate.seat.store, me.account, draft_id)
            except UserError:
                if not encounter_id:
                    raise
            else:
                if shown.person.id != record.person.id:
                    raise UserError("这份草稿是别人的；请从居民档案重新开始", field="draft")
                return SlipGround(encounter=self._drafted(shown, me, now))
        if not encounter_id:
            return SlipGround()
        kept = encounter_versions(self.gate.seat.store, me.account, encounter_id, opened=me.opened)
        visits = {visit.encounter_id for visit in record.visits}
        if not kept or encounter_id not in visits:
            raise UserError("没有这条记录；请重新打开居民的档案", field="encounter")
        return SlipGround(encounter=kept[-1].record.encounter, record=kept[-1].record.id)

    def _drafted(self, shown: DraftShown, me: SignedIn, now: datetime) -> Encounter:
        fields = shown.draft.form
        form = read_form(fields, self.knowledge)
        return read_encounter(
            fields if said(fields, "occurred_on") else {**fields, "occurred_on": [now.date().isoformat()]},
            form,
            self.knowledge,
            zone=now,
            by=me.account.name,
            proposed_level="",
            proposed_diseases=(),
            overrides=(),
        )

    def _now(self) -> datetime:
        return self.gate.seat.now().astimezone()


def referral_form_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of writing a referral."""
    pages = ReferralFormPages(gate, knowledge)

    @get("/people/{person_id:uuid}/refer", media_type=MediaType.HTML, include_in_schema=False)
    async def form(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        asked = {name: [request.query_params.get(name, "")] for name in ("direction", "draft", "encounter")}
        return await sync_to_thread(pages.page, request, str(person_id), asked)

    @post("/people/{person_id:uuid}/refer", media_type=MediaType.HTML, include_in_schema=False)
    async def send(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.send, request, str(person_id), sent)

    return [form, send]


_TEXTS = (
    *("reason", "purpose", "complaint", "history", "past_history", "findings", "treatment", "patient_phone"),
    *("results", "first_aid", "diagnosis", "current_drugs", "plan", "drugs", "targets"),
)
_NAMES = (*_TEXTS, "urgency", "place", "place_name", "place_department", "place_phone")


def _values(slip: ReferralSlip) -> dict[str, str]:
    """The fields of the form as they are proposed."""
    raw = msgspec.structs.asdict(slip)
    values = {name: raw[name] for name in _TEXTS if isinstance(raw.get(name), str)}
    return {
        **values,
        "results": "\n".join(slip.results),
        "current_drugs": "\n".join(slip.current_drugs),
        "first_aid": "\n".join(slip.first_aid),
        "diagnosis": "\n".join(each.name for each in slip.diagnoses),
        "plan": slip.home.plan,
        "drugs": "\n".join(slip.home.drugs),
        "targets": slip.home.targets,
        "urgency": slip.urgency.value,
        "place": slip.place.facility,
        "place_name": "",
        "place_department": "",
        "place_phone": "",
    }


def _id(words: str) -> str:
    try:
        return str(UUID(words))
    except ValueError:
        return ""
