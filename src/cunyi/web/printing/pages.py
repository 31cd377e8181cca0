"""The addresses that give sheets to print, each print written into the audit log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.audit import Action
from cunyi.domain.errors import NeedsReasonError, UserError
from cunyi.journeys.opening_record import encounter_versions, open_record
from cunyi.journeys.organising import facility_name, workplace
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.people import person_in_use
from cunyi.store.records import Kept, versions
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import Gate
from cunyi.web.language import CHINESE
from cunyi.web.printing.sheets import encounter_sheet, prescription_sheet, readings_sheet
from cunyi.web.printing.typesetting import Paper, Typesetter


class PrintingPages:
    """The work behind the handlers of printing (打印), over one knowledge base."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.wording = Wording(knowledge, CHINESE)
        self.typesetter = Typesetter()

    def encounter(self, request: Request[Any, Any, Any], encounter_id: str) -> Response[bytes]:
        """A signed encounter; an earlier version where `?version=` asks for it."""
        me, paper = self.gate.me(request), paper_of(request)
        kept, shown = self._signed(request, me, encounter_id)
        values = encounter_sheet(kept, shown, facility=self._facility(shown), wording=self.wording)
        return print_sheet(
            self.gate,
            self.typesetter,
            me,
            "encounter",
            paper,
            values,
            person=shown.record.person.id,
            subject=shown.record.id,
        )

    def prescription(self, request: Request[Any, Any, Any], encounter_id: str) -> Response[bytes]:
        """The prescription of a signed encounter; never that of a draft."""
        me, paper = self.gate.me(request), paper_of(request)
        kept, shown = self._signed(request, me, encounter_id)
        record = shown.record
        if not record.encounter.prescription:
            raise UserError("这次接诊没有开药，没有处方可以打印；请回到接诊记录", field="prescription")
        with self.gate.seat.store.reading() as connection:
            person = person_in_use(connection, me.account.organisation, record.person.id)
        values = prescription_sheet(
            kept, shown, facility=self._facility(shown), person=person, knowledge=self.knowledge
        )
        return print_sheet(
            self.gate, self.typesetter, me, "prescription", paper, values, person=record.person.id, subject=record.id
        )

    def readings(self, request: Request[Any, Any, Any], person_id: str) -> Response[Any]:
        """The last readings of a villager; for somebody of elsewhere their record asks for the reason first."""
        me, paper = self.gate.me(request), paper_of(request)
        store, today = self.gate.seat.store, self.gate.seat.now().astimezone().date()
        try:
            record = open_record(store, me.account, person_id, today=today, reason=me.opened.get(person_id, ""))
        except NeedsReasonError:
            return Redirect(f"/people/{person_id}", status_code=303)
        latest = None
        if record.visits:
            with store.reading() as connection:
                latest = versions(connection, me.account.organisation, record.visits[0].encounter_id)[-1].record
        values = readings_sheet(
            record,
            latest,
            facility=workplace(store, me.account).name,
            phone=me.account.phone,
            today=today,
            knowledge=self.knowledge,
            wording=self.wording,
        )
        return print_sheet(
            self.gate, self.typesetter, me, "readings", paper, values, person=record.person.id, subject=None
        )

    def _signed(self, request: Request[Any, Any, Any], me: SignedIn, encounter_id: str) -> tuple[list[Kept], Kept]:
        kept = encounter_versions(self.gate.seat.store, me.account, encounter_id, opened=me.opened)
        if not kept:
            raise UserError("只有签名以后才能打印：这次接诊还是草稿，或没有这条记录；请先由医生签名", field="encounter")
        wanted = request.query_params.get("version") or str(kept[-1].record.version)
        shown = next((each for each in kept if str(each.record.version) == wanted), None)
        if shown is None:
            raise UserError("没有这一版；请从接诊记录页选择要打印的版本", field="version")
        return kept, shown

    def _facility(self, shown: Kept) -> str:
        return facility_name(self.gate.seat.store, shown.record.facility)


def printing_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of printing."""
    pages = PrintingPages(gate, knowledge)

    @get("/print/encounter/{encounter_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def encounter(request: Request[Any, Any, Any], encounter_id: FromPath[UUID]) -> Response[bytes]:
        return pages.encounter(request, str(encounter_id))

    @get("/print/prescription/{encounter_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def prescription(request: Request[Any, Any, Any], encounter_id: FromPath[UUID]) -> Response[bytes]:
        return pages.prescription(request, str(encounter_id))

    @get("/print/readings/{person_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def readings(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return pages.readings(request, str(person_id))

    return [encounter, prescription, readings]


def print_sheet(
    gate: Gate,
    typesetter: Typesetter,
    me: SignedIn,
    sheet: str,
    paper: Paper,
    values: dict[str, Any],
    *,
    person: str,
    subject: str | None,
) -> Response[bytes]:
    """A sheet about a person as PDF, and the line in the log that it was printed."""
    made = typesetter.pdf(sheet, paper, values)
    with gate.seat.store.writing(me.account.id) as writing:
        writing.audit(Action.PRINT, person=person, subject=subject, detail=f"{sheet} {paper}")
    headers = {"Content-Disposition": f'inline; filename="{sheet}-{paper}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


def paper_of(request: Request[Any, Any, Any]) -> Paper:
    """The paper that was asked for; UserError for any other than A5 and A4."""
    match request.query_params.get("paper", "a5"):
        case "a5":
            return "a5"
        case "a4":
            return "a4"
    raise UserError("纸张只有 A5 和 A4；请重新选择", field="paper")
