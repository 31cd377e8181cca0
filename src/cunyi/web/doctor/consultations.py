"""Consultations: the list with how soon answers come, and one thread with what may be done next; the same pages on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.consultation import (
    ConsultationAsked,
    ConsultationDetails,
    ConsultationState,
    ConsultationStep,
    ConsultationWritten,
    consultation_details,
    content_of,
)
from cunyi.domain.errors import UserError
from cunyi.domain.thread import Note, Thread
from cunyi.domain.triage import REFERRAL_DEADLINES
from cunyi.journeys.consulting_experts import answer_times, consultations_here, open_consultation, write_step
from cunyi.journeys.seat import SignedIn
from cunyi.journeys.thread_notes import facility_of
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.unit import SYSTEM
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form
from cunyi.web.language import ENGLISH

_HTML = "text/html; charset=utf-8"
_COUNTED = timedelta(days=90)
_STEPS = frozenset(ConsultationStep) - {ConsultationStep.ASK, ConsultationStep.ESCALATE, ConsultationStep.READ}
_FIELDS = ("diagnosis", "plan", "words", "refer", "taken", "to_facility")


class ConsultationLine(msgspec.Struct, frozen=True):
    """A consultation as a line of a list (会诊一览). `late` are the minutes since its next step was due."""

    thread: Thread
    details: ConsultationDetails
    urgency: str
    late: int


class NoteView(msgspec.Struct, frozen=True):
    """A note as its thread shows it (往来一条): by whom, on which side, with its content in its shape."""

    note: Note
    side: str
    asked: ConsultationAsked | None
    written: ConsultationWritten


class ConsultationPages:
    """The work behind the handlers of consultations (会诊页)."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge

    def listing(self, request: Request[Any, Any, Any]) -> str:
        """What waits for this facility, what it waits for itself, what ended of late, how soon answers come."""
        me = self.gate.me(request)
        store, now = self.gate.seat.store, self.gate.seat.now()
        language = language_of(request)
        threads = consultations_here(store, me.account, now) if me.account.may(Permission.READ_RECORD) else []
        own = facility_of(store, me.account)
        counts = me.account.may(Permission.SEE_COUNTS)
        return self.gate.page(
            request,
            me,
            "doctor/consultations.html",
            groups=self._groups(threads, own, now, language),
            may_read=me.account.may(Permission.READ_RECORD),
            times=answer_times(store, me.account, now - _COUNTED, now) if counts else [],
            today=now.astimezone().date(),
        )

    def one(
        self,
        request: Request[Any, Any, Any],
        thread_id: str,
        *,
        sent: dict[str, list[str]] | None = None,
        errors: dict[str, str] | None = None,
        step: str = "",
    ) -> str:
        """One consultation; `sent`, `errors` and `step` of what could not be kept."""
        me = self.gate.me(request)
        now, language = self.gate.seat.now(), language_of(request)
        opened = open_consultation(self.gate.seat.store, me.account, thread_id)
        return self.gate.page(
            request,
            me,
            "doctor/consultation.html",
            it=opened,
            line=self._line(opened.thread, now, language),
            notes=[_note_view(note, opened.thread) for note in opened.notes],
            steps=[each.value for each in opened.steps],
            deadlines=REFERRAL_DEADLINES,
            urgency_name=self._urgency(opened.details.urgency, language),
            sent={name: first(sent or {}, name) for name in _FIELDS},
            picture_ids=(sent or {}).get("picture", []),
            errors=errors or {},
            step=step,
            today=now.astimezone().date(),
        )

    def take_step(
        self, request: Request[Any, Any, Any], thread_id: str, step: str, sent: dict[str, list[str]]
    ) -> Response[Any]:
        """Keeps a step; shows the page again with what was typed where it cannot be."""
        me = self.gate.me(request)
        try:
            self._write(me, thread_id, step, sent)
        except UserError as error:
            errors = messages_of(error, language_of(request))
            html = self.one(request, thread_id, sent=sent, errors=errors, step=step)
            return Response(html, status_code=400, media_type=_HTML)
        return Redirect(f"/consultations/{thread_id}", status_code=303)

    def _write(self, me: SignedIn, thread_id: str, step: str, sent: dict[str, list[str]]) -> None:
        if step not in _STEPS:
            raise UserError("没有这一步；请重新打开页面", field="step")
        refer = first(sent, "refer")
        written = ConsultationWritten(
            diagnosis=first(sent, "diagnosis"),
            plan=first(sent, "plan"),
            words=first(sent, "words"),
            refer=refer if refer in REFERRAL_DEADLINES else "",
            taken={"yes": True, "no": False}.get(first(sent, "taken")),
            to_facility=first(sent, "to_facility"),
        )
        write_step(
            self.gate.seat.store,
            me.account,
            thread_id,
            ConsultationStep(step),
            written,
            pictures=sent.get("picture", []),
        )

    def _groups(
        self, threads: Sequence[Thread], own: str, now: datetime, language: str
    ) -> list[tuple[str, list[ConsultationLine]]]:
        """The lines by what is to be done with them."""
        groups: dict[str, list[ConsultationLine]] = {
            name: [] for name in ("to_answer", "to_read", "waiting", "answered", "ended")
        }
        waiting = (ConsultationState.ASKED, ConsultationState.SEEN)
        for thread in threads:
            line = self._line(thread, now, language)
            asker = own == thread.from_facility
            if asker and line.details.unread:
                groups["to_read"].append(line)
            elif thread.closed:
                groups["ended"].append(line)
            elif thread.state in waiting:
                groups["waiting" if asker else "to_answer"].append(line)
            elif asker:
                groups["to_read"].append(line)
            else:
                groups["answered"].append(line)
        return list(groups.items())

    def _line(self, thread: Thread, now: datetime, language: str) -> ConsultationLine:
        details = consultation_details(thread)
        late = 0
        if thread.due_at is not None and thread.due_at < now and not thread.closed:
            late = max(1, int((now - thread.due_at).total_seconds() // 60))
        return ConsultationLine(thread, details, self._urgency(details.urgency, language), late)

    def _urgency(self, name: str, language: str) -> str:
        rules = self.knowledge.content.answering
        known = rules.urgency(name) if rules else None
        if known is None:
            return name
        return known.name_en if language == ENGLISH else known.name


def _note_view(note: Note, thread: Thread) -> NoteView:
    side = (
        "program" if note.author.account == SYSTEM else "asker" if note.facility == thread.from_facility else "experts"
    )
    asked = content_of(note, ConsultationAsked) if note.kind == ConsultationStep.ASK else None
    return NoteView(note, side, asked, content_of(note, ConsultationWritten))


def consultation_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of the list and the threads."""
    pages = ConsultationPages(gate, knowledge)

    @get("/consultations", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def listing(request: Request[Any, Any, Any]) -> str:
        return pages.listing(request)

    @get("/consultations/{thread_id:uuid}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def one(request: Request[Any, Any, Any], thread_id: FromPath[UUID]) -> str:
        return pages.one(request, str(thread_id))

    @post("/consultations/{thread_id:uuid}/{step:str}", media_type=MediaType.HTML, include_in_schema=False)
    async def take_step(
        request: Request[Any, Any, Any], thread_id: FromPath[UUID], step: FromPath[str]
    ) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.take_step, request, str(thread_id), step, sent)

    return [listing, one, take_step]
