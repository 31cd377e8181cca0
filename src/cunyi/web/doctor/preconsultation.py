"""Interviews before the consultation on the doctor's pages: who is ready, whose it is, into the encounter; ways in to hand out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.errors import UserError
from cunyi.interop.questionnaire import questionnaire_response
from cunyi.journeys.finding_people import find, shown
from cunyi.journeys.form_reading import record_id
from cunyi.journeys.preconsulting_clinic import (
    acknowledge,
    clinic_interviews,
    discard_interview,
    doubts,
    is_alarming,
    known_interview,
    open_interview,
    pick_up,
)
from cunyi.journeys.preconsulting_handover import complaint_in_words, hand_over, queue_confirmed
from cunyi.journeys.preconsulting_rules import Limits
from cunyi.journeys.today import open_today
from cunyi.reasoning.interviewing import next_step
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.interviews import OPEN, Claim
from cunyi.web.doctor.registering import RegisteringPages
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form
from cunyi.web.language import LANGUAGES
from cunyi.web.patient.question_form import answer_view

_HTML = "text/html; charset=utf-8"


class PreconsultationPages:
    """The work behind the handlers of the doctor's side (预问诊管理)."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.limits = Limits(gate.seat.now)
        self.registering = RegisteringPages(gate)
        self.wordings = {language: Wording(knowledge, language) for language in LANGUAGES}

    def page(self, request: Request[Any, Any, Any], *, errors: dict[str, str] | None = None, code: str = "") -> str:
        """Everybody who has answered, and the ways in."""
        me = self.gate.me(request)
        now = self.gate.seat.now().astimezone()
        return self.gate.page(
            request,
            me,
            "doctor/preconsultations.html",
            interviews=clinic_interviews(self.gate.seat.store, me.account, now=now),
            is_alarming=is_alarming,
            complaint_in_words=complaint_in_words,
            queue=open_today(self.gate.seat.store, me.account, now).queue,
            errors=errors or {},
            code=code,
            today=now.date(),
        )

    def pick_up(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[Any]:
        """To the interview of a pick-up code."""
        me = self.gate.me(request)
        code = first(sent, "code")
        try:
            return _to(pick_up(self.gate.seat.store, me.account, code, self.limits))
        except UserError as error:
            html = self.page(request, errors={"code": next(iter(messages_of(error, language_of(request)).values()))})
            return Response(html, status_code=400, media_type=_HTML)

    def one(
        self,
        request: Request[Any, Any, Any],
        interview_id: str,
        *,
        words: str = "",
        errors: dict[str, str] | None = None,
    ) -> str:
        """One interview: what was said, who it may be."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        opened = open_interview(store, me.account, interview_id)
        stored = opened.stored
        interview = stored.record.interview
        found = find(store, me.account, words).lines if words.strip() else []
        language, today = language_of(request), self.gate.seat.now().astimezone().date()
        return self.gate.page(
            request,
            me,
            "doctor/preconsultation.html",
            it=stored,
            alarming=is_alarming(stored),
            reasons=[self.wordings[language].red_flag(r.rule, r.text, r.source) for r in stored.record.reasons],
            complaint_in_words=complaint_in_words,
            claim=stored.record.claim or Claim(),
            likely=shown(store, me.account, opened.likely),
            found=found,
            doubts_of=lambda person: doubts(stored, person, today),
            words_typed=words.strip(),
            step=next_step(interview, self.knowledge) if interview else None,
            answers=[answer_view(each, language) for each in interview.answers] if interview else [],
            errors=errors or {},
            today=today,
        )

    def fhir(self, request: Request[Any, Any, Any], interview_id: str) -> Response[bytes]:
        """The answers as a FHIR QuestionnaireResponse; the patient in it only where the doctor has confirmed who it is."""
        me = self.gate.me(request)
        stored = open_interview(self.gate.seat.store, me.account, interview_id, why="FHIR").stored
        interview = stored.record.interview
        if interview is None:
            raise UserError("病人还没有答任何问题；请直接问诊", field="interview")
        made = questionnaire_response(
            interview,
            version=self.knowledge.version,
            names={each.id: each.name for each in self.knowledge.content.findings.values()},
            authored=stored.updated_at,
            finished=stored.state not in OPEN,
            subject=f"Patient/{stored.person_id}" if stored.person_id else None,
        )
        headers = {"Content-Disposition": f'attachment; filename="questionnaire-response-{stored.id}.json"'}
        return Response(msgspec.json.encode(made), media_type="application/fhir+json", headers=headers)

    def acknowledge(self, request: Request[Any, Any, Any], interview_id: str) -> Response[Any]:
        """Somebody sees to the emergency."""
        me = self.gate.me(request)
        acknowledge(self.gate.seat.store, me.account, interview_id)
        return _to(interview_id)

    def discard(self, request: Request[Any, Any, Any], interview_id: str, why: str) -> Response[Any]:
        """Throws an interview away."""
        me = self.gate.me(request)
        try:
            discard_interview(self.gate.seat.store, me.account, interview_id, why)
        except UserError as error:
            html = self.one(request, interview_id, errors=messages_of(error, language_of(request)))
            return Response(html, status_code=400, media_type=_HTML)
        return Redirect("/preconsultations", status_code=303)

    def take_over(
        self, request: Request[Any, Any, Any], interview_id: str, sent: dict[str, list[str]]
    ) -> Response[Any]:
        """The person is confirmed: into the encounter, or into the queue where `queue` was tapped."""
        me = self.gate.me(request)
        person_id = record_id(first(sent, "person_id"))
        store, now = self.gate.seat.store, self.gate.seat.now().astimezone()
        if first(sent, "queue") == "yes":
            queue_confirmed(store, me.account, interview_id, person_id, self.knowledge, now=now)
            return Redirect("/", status_code=303)
        occurred_on = "" if self.gate.seat.clock_is_doubtful() else now.date().isoformat()
        draft_id = hand_over(
            store,
            me.account,
            interview_id,
            person_id,
            self.knowledge,
            form={"kind": ["outpatient"], "occurred_on": [occurred_on], "occurred_time": [f"{now:%H:%M}"]},
        )
        return Redirect(f"/encounters/{draft_id}", status_code=303)

    def register(self, request: Request[Any, Any, Any], interview_id: str) -> str:
        """The form of registering, filled in with what the villager said; whoever is registered is found by it afterwards."""
        me = self.gate.me(request)
        stored = known_interview(self.gate.seat.store, me.account, interview_id)
        claim = stored.record.claim or Claim()
        interview = stored.record.interview
        fields = {
            "name": [claim.name],
            "identifier": [claim.number],
            "phone": [claim.phone],
            "sex": [interview.sex.value if interview and interview.sex else ""],
        }
        return self.registering.prefilled(request, fields)


def preconsultation_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of the doctor's side."""
    pages = PreconsultationPages(gate, knowledge)

    @get("/preconsultations", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def everybody(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @post("/preconsultations/pick-up", status_code=200, include_in_schema=False)
    async def by_code(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.pick_up, request, sent)

    @get("/preconsultations/{interview_id:uuid}", media_type=MediaType.HTML, include_in_schema=False)
    async def one(request: Request[Any, Any, Any], interview_id: FromPath[UUID]) -> str:
        return await sync_to_thread(pages.one, request, str(interview_id))

    @post(
        "/preconsultations/{interview_id:uuid}/find",
        media_type=MediaType.HTML,
        status_code=200,
        include_in_schema=False,
    )
    async def look_for(request: Request[Any, Any, Any], interview_id: FromPath[UUID]) -> str:
        words = first(await sent_form(request), "words")
        return await sync_to_thread(lambda: pages.one(request, str(interview_id), words=words))

    @get("/preconsultations/{interview_id:uuid}/fhir", include_in_schema=False)
    async def export(request: Request[Any, Any, Any], interview_id: FromPath[UUID]) -> Response[bytes]:
        return await sync_to_thread(pages.fhir, request, str(interview_id))

    @post("/preconsultations/{interview_id:uuid}/acknowledge", include_in_schema=False)
    async def seen(request: Request[Any, Any, Any], interview_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(pages.acknowledge, request, str(interview_id))

    @post("/preconsultations/{interview_id:uuid}/discard", include_in_schema=False)
    async def throw_away(request: Request[Any, Any, Any], interview_id: FromPath[UUID]) -> Response[Any]:
        why = first(await sent_form(request), "why")
        return await sync_to_thread(pages.discard, request, str(interview_id), why)

    @post("/preconsultations/{interview_id:uuid}/take-over", include_in_schema=False)
    async def take_over(request: Request[Any, Any, Any], interview_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.take_over, request, str(interview_id), sent)

    @post(
        "/preconsultations/{interview_id:uuid}/register",
        media_type=MediaType.HTML,
        status_code=200,
        include_in_schema=False,
    )
    async def register(request: Request[Any, Any, Any], interview_id: FromPath[UUID]) -> str:
        return await sync_to_thread(pages.register, request, str(interview_id))

    return [everybody, by_code, one, export, look_for, seen, throw_away, take_over, register]


def _to(interview_id: str) -> Response[Any]:
    return Redirect(f"/preconsultations/{interview_id}", status_code=303)
