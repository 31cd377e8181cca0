"""The encounter: the record being written, the assessment beside it, the prescription checked, the signature."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.devices.paper import is_available
from cunyi.domain.account import Permission
from cunyi.domain.case import TEXT_FIELDS, Case
from cunyi.domain.encounter import Certainty, Encounter, EncounterKind
from cunyi.domain.errors import UserError
from cunyi.domain.person import Programme
from cunyi.domain.prescription import Concern
from cunyi.domain.queue import QueueSource
from cunyi.journeys.assess_case import Opinion, assess_case, find_diseases
from cunyi.journeys.bench import Bench
from cunyi.journeys.case_of_person import background_of, case_of, patient_for
from cunyi.journeys.consulting import (
    DraftOfElsewhereError,
    DraftShown,
    begin_amendment,
    begin_draft,
    concern_key,
    discard,
    keep_draft,
    open_draft,
    sign,
)
from cunyi.journeys.drugs_in_use import drugs_in_use
from cunyi.journeys.hospital_names import own_names, with_own_names
from cunyi.journeys.opening_record import encounter_versions, open_record
from cunyi.journeys.preconsulting_handover import take_along
from cunyi.journeys.queueing import retriage, triaged
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.checking_patient import may_bear
from cunyi.reasoning.contradicting import OnRecord
from cunyi.reasoning.following_up import next_visit
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.prescribing import check_prescription
from cunyi.web.doctor.arriving import ArrivingPages
from cunyi.web.doctor.encounter_form import (
    LEVELS,
    Fields,
    fields_of,
    kind_of,
    one,
    overrides_of,
    prescription_of,
    read_encounter,
    reasons_given,
)
from cunyi.web.doctor.encounter_sheet import ConcernView, NextVisitView, Sheet
from cunyi.web.doctor.follow_up import first_fields, programme_of
from cunyi.web.doctor.form import read_form
from cunyi.web.doctor.presenting import present
from cunyi.web.doctor.reading import READING_FIELDS
from cunyi.web.doctor.villager_said import told_before, villager_view
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form
from cunyi.web.language import ENGLISH, LANGUAGES
from cunyi.web.rendering import render

_CHOICES = 6
_HTML = "text/html; charset=utf-8"


class EncounterPages:
    """The work behind the encounter's handlers, over one knowledge base."""

    def __init__(self, gate: Gate, knowledge: Knowledge, bench: Bench | None = None) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.arriving = ArrivingPages(gate, knowledge, bench) if bench else None
        self.wordings = {language: Wording(knowledge, language) for language in LANGUAGES}

    def begin(self, request: Request[Any, Any, Any], person_id: str, sent: dict[str, list[str]]) -> str:
        """The draft of a person's encounter, new or gone on with; its id."""
        me = self.gate.me(request)
        store, now = self.gate.seat.store, self.gate.seat.now().astimezone()
        record = open_record(store, me.account, person_id, today=now.date(), reason=me.opened.get(person_id, ""))
        fields = first_fields(record, first(sent, "follow_up"), self.knowledge, now.date())
        kind = first(sent, "kind")
        fields |= {
            "kind": [kind if kind in list(EncounterKind) else EncounterKind.OUTPATIENT],
            "occurred_on": ["" if self.gate.seat.clock_is_doubtful() else now.date().isoformat()],
            "occurred_time": [f"{now:%H:%M}"],
        }
        if Programme.PREGNANCY in record.person.programmes:
            fields["pregnant"] = ["yes"]
        draft = begin_draft(store, me.account, record.person.id, fields, reason=me.opened.get(person_id, ""))
        return take_along(store, me.account, draft, self.knowledge).id

    def amend(self, request: Request[Any, Any, Any], encounter_id: str) -> str:
        """The draft that will supersede a signed encounter; its id."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        kept = encounter_versions(store, me.account, encounter_id, opened=me.opened)
        if not kept:
            raise UserError("没有这条记录；请重新打开居民的档案", field="encounter")
        return begin_amendment(store, me.account, encounter_id, fields_of(kept[-1].record.encounter)).id

    def page(
        self,
        request: Request[Any, Any, Any],
        draft_id: str,
        *,
        sent: dict[str, list[str]] | None = None,
        errors: dict[str, str] | None = None,
    ) -> str:
        """The page of a draft, with what was sent last where it could not be signed."""
        me = self.gate.me(request)
        now = self.gate.seat.now().astimezone()
        shown = open_draft(self.gate.seat.store, me.account, draft_id)
        record = open_record(self.gate.seat.store, me.account, shown.person.id, today=now.date(), reason="打开草稿")
        fields = shown.draft.form if sent is None else sent
        wording = self.wordings[language_of(request)]
        sheet = self.sheet(fields, shown, me, wording, now)
        self._look_again(shown, sheet, me)
        raw = {name: one(fields, name) for name in READING_FIELDS}
        content = self.knowledge.content
        return self.gate.page(
            request,
            me,
            "doctor/encounter.html",
            paper=is_available(),
            arriving=self.arriving.panel(request, me, draft_id) if self.arriving else None,
            draft=shown.draft,
            record=record,
            today=now.date(),
            drugs_in_use=drugs_in_use([e.name for e in record.medications], record.prescribed, self.knowledge, now),
            may_be_pregnant=bool(one(fields, "pregnant"))
            or may_bear(record.person.sex, record.age_years, self.knowledge),
            fields=fields,
            sheet=sheet,
            view=sheet.view,
            readings=[
                msgspec.structs.replace(box, value=raw.get(box.field) or box.value) for box in sheet.view.readings
            ],
            texts=TEXT_FIELDS,
            villager=villager_view(fields, self._on_record(shown, me, now), self.knowledge),
            errors=errors or {},
            levels=LEVELS,
            kinds=[kind.value for kind in EncounterKind],
            kind=kind_of(fields),
            unit=wording.unit,
            names={point: wording.item(point) for point in record.latest if point in content.items},
            follow_up=programme_of(one(fields, "follow_up"), self.knowledge),
            routes=content.formulary.rules.routes if content.formulary.rules else (),
            frequencies=content.formulary.rules.frequencies if content.formulary.rules else (),
            may_sign=me.account.may(Permission.SIGN_RECORD),
            may_prescribe=me.account.may(Permission.PRESCRIBE),
            may_refer=me.account.may(Permission.REFER),
            diseases=sorted(wording.disease(disease) for disease in content.diseases),
            drugs=[
                drug.name_en if wording.language == ENGLISH else drug.name for drug in content.formulary.drugs.values()
            ],
            items=[
                (wording.item(item.id), wording.unit(item.unit))
                for item in content.items.values()
                if item.id not in READING_FIELDS
            ],
        )

    def _on_record(self, shown: DraftShown, me: SignedIn, now: datetime) -> OnRecord:
        return background_of(self.gate.seat.store, me.account, shown.person, self.knowledge, now).on_record

    def keep(self, request: Request[Any, Any, Any], draft_id: str, sent: dict[str, list[str]]) -> str:
        """Keeps what was typed and gives back the assessment of it, in pieces for the page."""
        me = self.gate.me(request)
        store, now = self.gate.seat.store, self.gate.seat.now().astimezone()
        wording = self.wordings[language_of(request)]
        elsewhere = None
        try:
            draft = keep_draft(
                store,
                me.account,
                draft_id,
                sent,
                revision=_count(sent, "revision"),
                window=first(sent, "window")[:40],
                stroke=_count(sent, "stroke"),
                over=first(sent, "over") == "yes",
            )
        except DraftOfElsewhereError as error:
            elsewhere = error
        shown = open_draft(store, me.account, draft_id)
        draft = shown.draft if elsewhere is not None else draft
        sheet = self.sheet(sent, shown, me, wording, now)
        self._look_again(shown, sheet, me)
        return render(
            "doctor/encounter_kept.html",
            language_of(request),
            view=sheet.view,
            sheet=sheet,
            texts=TEXT_FIELDS,
            draft=draft,
            elsewhere=elsewhere,
            kept_at=now,
        )

    def _look_again(self, shown: DraftShown, sheet: Sheet, me: SignedIn) -> None:
        """Who waits is put where what is written about them today puts them."""
        if shown.draft.amends is None and shown.draft.aside_of is None:
            retriage(self.gate.seat.store, me.account, shown.person.id, triaged(sheet.assessment, QueueSource.DRAFT))

    def sign(self, request: Request[Any, Any, Any], draft_id: str, sent: dict[str, list[str]]) -> str:
        """Signs; the id of the encounter. UserError where something is missing: what was typed is kept first."""
        me = self.gate.me(request)
        store, now = self.gate.seat.store, self.gate.seat.now().astimezone()
        keep_draft(
            store,
            me.account,
            draft_id,
            sent,
            revision=_count(sent, "revision"),
            window=first(sent, "window")[:40],
            stroke=_count(sent, "stroke"),
        )
        shown = open_draft(store, me.account, draft_id)
        sheet = self.sheet(sent, shown, me, self.wordings["zh"], now)
        messages = {concern_key(concern): concern.message for concern in sheet.concerns}
        given = sheet.assessment
        encounter: Encounter = read_encounter(
            sent,
            sheet.form,
            self.knowledge,
            zone=now,
            by=me.account.name,
            proposed_level=given.triage.level,
            proposed_diseases=[candidate.disease for candidate in given.differential],
            overrides=overrides_of(sent, messages),
        )
        record = sign(
            store,
            me.account,
            draft_id,
            encounter,
            sheet.concerns,
            proposed=given,
            reason=first(sent, "amendment_reason"),
            now=now,
            answering=self.knowledge.content.answering,
        )
        self.leave(draft_id)
        return record.encounter_id

    def leave(self, draft_id: str) -> None:
        """Readings of instruments no longer go to this draft."""
        if self.arriving:
            self.arriving.bench.leave(draft_id)

    def sheet(self, fields: Fields, shown: DraftShown, me: SignedIn, wording: Wording, now: datetime) -> Sheet:
        """The assessment, the checked prescription and what the page shows of both."""
        background = background_of(self.gate.seat.store, me.account, shown.person, self.knowledge, now)
        written = read_form(fields, self.knowledge)
        case = case_of(written.case, shown.person, background, now.date())
        form = msgspec.structs.replace(written, case=case)
        found = find_diseases(form.why_not, self.knowledge)
        opinion: Opinion = assess_case(case, self.knowledge, found[0] if len(found) == 1 else None)
        named = with_own_names(opinion.assessment, own_names(self.gate.seat.store), self.knowledge)
        opinion = msgspec.structs.replace(opinion, assessment=named)
        concerns = self._concerns(fields, case, shown, me, opinion)
        reasons = reasons_given(fields)
        english = wording.language == ENGLISH
        return Sheet(
            form=form,
            assessment=opinion.assessment,
            view=present(form, opinion, self.knowledge, wording),
            concerns=concerns,
            concern_views=[
                ConcernView(
                    key=concern_key(concern),
                    severity=concern.severity,
                    message=concern.message_en if english and concern.message_en else concern.message,
                    message_lang="en" if english and concern.message_en else "zh",
                    needs_reason=concern.needs_reason,
                    reason=reasons.get(concern_key(concern), ""),
                )
                for concern in concerns
            ],
            choices=[]
            if form.is_empty
            else [
                (wording.disease(candidate.disease), candidate.icd10)
                for candidate in opinion.assessment.differential[:_CHOICES]
            ],
            next_visit=self._next_visit(fields, case, english=english, today=now.date()),
            told_before=told_before(fields, opinion.assessment.triage.level, wording),
        )

    def _next_visit(self, fields: Fields, case: Case, *, english: bool, today: date) -> NextVisitView | None:
        programme = programme_of(one(fields, "follow_up"), self.knowledge)
        if programme is None:
            return None
        soon = next_visit(programme, case, self.knowledge)
        on = (today + timedelta(days=soon.days)).isoformat()
        if not soon.why or on == one(fields, "next_visit_on"):
            return None
        return NextVisitView(on, soon.why_en if english else soon.why, "en" if english else "zh")

    def _concerns(
        self,
        fields: Fields,
        case: Case,
        shown: DraftShown,
        me: SignedIn,
        opinion: Opinion,
    ) -> list[Concern]:
        lines = prescription_of(fields)
        if not lines:
            return []
        confirmed = [
            name
            for name, certainty in zip(
                fields.get("diagnosis_name", ()), fields.get("diagnosis_certainty", ()), strict=False
            )
            if name.strip() and certainty == Certainty.CONFIRMED
        ]
        patient = patient_for(
            case,
            shown.person,
            me.account,
            kind_of(fields),
            self.knowledge,
            emergency=opinion.assessment.triage.level == "emergency",
            chronic_reason=one(fields, "chronic_reason"),
            confirmed=confirmed,
        )
        return check_prescription(lines, patient, self.knowledge)


def encounter_routes(gate: Gate, knowledge: Knowledge, bench: Bench | None = None) -> list[ControllerRouterHandler]:
    """The handlers of the encounter."""
    pages = EncounterPages(gate, knowledge, bench)

    @post("/people/{person_id:uuid}/encounter", include_in_schema=False)
    async def begin(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Redirect:
        sent = await sent_form(request)
        draft_id = await sync_to_thread(pages.begin, request, str(person_id), sent)
        return Redirect(f"/encounters/{draft_id}", status_code=303)

    @post("/records/{encounter_id:uuid}/amend", include_in_schema=False)
    async def amend(request: Request[Any, Any, Any], encounter_id: FromPath[UUID]) -> Redirect:
        draft_id = await sync_to_thread(pages.amend, request, str(encounter_id))
        return Redirect(f"/encounters/{draft_id}", status_code=303)

    @get("/encounters/{draft_id:uuid}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def encounter(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        return pages.page(request, str(draft_id))

    @post("/encounters/{draft_id:uuid}/keep", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def keep(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        sent = await sent_form(request)
        return await sync_to_thread(pages.keep, request, str(draft_id), sent)

    @post("/encounters/{draft_id:uuid}/sign", media_type=MediaType.HTML, include_in_schema=False)
    async def sign_it(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)

        def work() -> Response[Any]:
            try:
                return Redirect(f"/records/{pages.sign(request, str(draft_id), sent)}", status_code=303)
            except UserError as error:
                html = pages.page(request, str(draft_id), sent=sent, errors=messages_of(error, language_of(request)))
                return Response(html, status_code=400, media_type=_HTML)

        return await sync_to_thread(work)

    @post("/encounters/{draft_id:uuid}/discard", include_in_schema=False)
    async def throw_away(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Redirect:
        def work() -> str:
            me = gate.me(request)
            shown = open_draft(gate.seat.store, me.account, str(draft_id))
            discard(gate.seat.store, me.account, str(draft_id))
            pages.leave(str(draft_id))
            return shown.person.id

        return Redirect(f"/people/{await sync_to_thread(work)}", status_code=303)

    return [begin, amend, encounter, keep, sign_it, throw_away]


def _count(sent: dict[str, list[str]], name: str) -> int:
    words = first(sent, name)
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else 0
