"""A paper laboratory report: photographed, every row beside its strip of the photograph, confirmed one by one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.devices.paper import is_available
from cunyi.devices.paper.engine import FasterPaddle, LineReader
from cunyi.devices.paper.page import MOST_BYTES
from cunyi.domain.errors import UserError
from cunyi.journeys.doubting_report import Box
from cunyi.journeys.reading_report import (
    PaperReport,
    forget_report,
    keep_boxes,
    kept_report,
    paper_page,
    read_report,
    take_confirmed,
)
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.photo_sent import file_in
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import Gate, language_of, messages_of, sent_form
from cunyi.web.language import LANGUAGES, catalogue
from cunyi.web.rendering import render

_HTML = "text/html; charset=utf-8"
_PHOTO = "photo"
# The limits of a form around the photograph.
_FRAME_BYTES = 64_000


class RowView(msgspec.Struct, frozen=True):
    """A row as the page shows it (化验单的一行)."""

    id: str
    name: str
    value: str
    unit: str
    sure: bool
    strip: str
    figure: str
    printed: str
    doubts: list[str]


class SheetView(msgspec.Struct, frozen=True):
    """A photographed report as the page shows it (一张化验单): whose it says it is, and what the doctor has to confirm."""

    id: str
    name: str
    sex: str | None
    age: str
    on: str
    doubts: list[str]


class PaperPages:
    """The work behind the handlers of a paper report (拍化验单)."""

    def __init__(self, gate: Gate, knowledge: Knowledge, reader: LineReader) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.reader = reader
        self.wordings = {language: Wording(knowledge, language) for language in LANGUAGES}

    def page(self, request: Request[Any, Any, Any], draft_id: str, errors: dict[str, str] | None = None) -> str:
        """The page: the photograph to take, the rows that wait to be confirmed."""
        me = self.gate.me(request)
        report = kept_report(self.gate.seat.store, me.account, draft_id, self.knowledge)
        wording = self.wordings[language_of(request)]
        return self.gate.page(
            request,
            me,
            "doctor/paper_report.html",
            draft=report.draft,
            person=report.person,
            today=self.gate.seat.now().astimezone().date(),
            sheets=self._sheets(report, language_of(request)),
            rows=self._rows(report, language_of(request)),
            kept_at=report.kept_at,
            errors=errors or {},
            reader=self.reader.name,
            most_bytes=MOST_BYTES,
            items=[(wording.item(item.id), wording.unit(item.unit)) for item in self.knowledge.content.items.values()],
        )

    def read(self, request: Request[Any, Any, Any], draft_id: str, body: bytes) -> Response[Any]:
        """Reads a photograph that was sent, and leads to its rows."""
        me = self.gate.me(request)
        try:
            photo = file_in(body, request.headers.get("content-type", ""), _PHOTO)
            read_report(self.gate.seat.store, me.account, draft_id, photo, reader=self.reader, knowledge=self.knowledge)
        except UserError as error:
            return self._again(request, draft_id, error)
        return Redirect(paper_page(draft_id), status_code=303)

    def keep(self, request: Request[Any, Any, Any], draft_id: str, sent: dict[str, list[str]]) -> str:
        """Keeps what stands in the boxes; when that was and what is doubtful now, in pieces for the page."""
        me = self.gate.me(request)
        keep_boxes(self.gate.seat.store, me.account, draft_id, _boxes(sent))
        report = kept_report(self.gate.seat.store, me.account, draft_id, self.knowledge)
        rows = self._rows(report, language_of(request))
        now = self.gate.seat.now().astimezone()
        return render("doctor/paper_kept.html", language_of(request), rows=rows, kept_at=now)

    def take(self, request: Request[Any, Any, Any], draft_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Puts the confirmed rows into the record and leads back to the encounter."""
        me = self.gate.me(request)
        try:
            take_confirmed(
                self.gate.seat.store, me.account, draft_id, _boxes(sent), self.knowledge, theirs=sent.get("theirs", ())
            )
        except UserError as error:
            return self._again(request, draft_id, error)
        return Redirect(f"/encounters/{draft_id}", status_code=303)

    def forget(self, request: Request[Any, Any, Any], draft_id: str) -> None:
        """Throws the rows away that were not taken."""
        forget_report(self.gate.seat.store, self.gate.me(request).account, draft_id)

    def _again(self, request: Request[Any, Any, Any], draft_id: str, error: UserError) -> Response[Any]:
        html = self.page(request, draft_id, messages_of(error, language_of(request)))
        return Response(html, status_code=400, media_type=_HTML)

    def _sheets(self, report: PaperReport, language: str) -> list[SheetView]:
        translated = catalogue(language).gettext
        return [
            SheetView(
                id=sheet.id,
                name=sheet.heading.name,
                sex=sheet.heading.sex,
                age="" if sheet.heading.age_years is None else f"{sheet.heading.age_years:.3g}",
                on="" if sheet.heading.on is None else sheet.heading.on.isoformat(),
                doubts=[doubt.told(translated) for doubt in sheet.doubts],
            )
            for sheet in report.sheets
        ]

    def _rows(self, report: PaperReport, language: str) -> list[RowView]:
        translated = catalogue(language).gettext
        return [
            RowView(
                id=row.id,
                name=row.entry.box.name,
                value=row.entry.box.value,
                unit=row.entry.box.unit,
                sure=row.entry.box.sure,
                strip=next(iter(row.strips), ""),
                figure=next(iter(row.strips[1:]), ""),
                printed=row.entry.row.reference,
                doubts=[doubt.told(translated) for doubt in row.doubts],
            )
            for row in report.rows
        ]


def paper_routes(gate: Gate, knowledge: Knowledge, reader: LineReader | None = None) -> list[ControllerRouterHandler]:
    """The handlers of paper reports; none where what reads them is not installed. `reader` stands in for it in tests."""
    if reader is None:
        if not is_available():
            return []
        reader = FasterPaddle()
    pages = PaperPages(gate, knowledge, reader)

    @get("/encounters/{draft_id:uuid}/paper", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def paper(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        return pages.page(request, str(draft_id))

    @post(
        "/encounters/{draft_id:uuid}/paper",
        media_type=MediaType.HTML,
        include_in_schema=False,
        request_max_body_size=MOST_BYTES + _FRAME_BYTES,
    )
    async def photograph(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Response[Any]:
        # Asked before a large body is taken from somebody unknown.
        await sync_to_thread(gate.me, request)
        body = await request.body()
        return await sync_to_thread(pages.read, request, str(draft_id), body)

    @post("/encounters/{draft_id:uuid}/paper/keep", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def keep(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        sent = await sent_form(request)
        return await sync_to_thread(pages.keep, request, str(draft_id), sent)

    @post("/encounters/{draft_id:uuid}/paper/take", media_type=MediaType.HTML, include_in_schema=False)
    async def take(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.take, request, str(draft_id), sent)

    @post("/encounters/{draft_id:uuid}/paper/forget", include_in_schema=False)
    async def forget(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Redirect:
        await sync_to_thread(pages.forget, request, str(draft_id))
        return Redirect(f"/encounters/{draft_id}", status_code=303)

    return [paper, photograph, keep, take, forget]


def _boxes(sent: dict[str, list[str]]) -> dict[str, Box]:
    """What stands in the boxes of each row, by the row's id."""
    sure = set(sent.get("sure", ()))
    columns = [sent.get(name, []) for name in ("row", "name", "value", "unit")]
    return {
        row_id: Box(name=name.strip(), value=value.strip(), unit=unit.strip(), sure=row_id in sure)
        for row_id, name, value, unit in zip(*columns, strict=False)
    }
