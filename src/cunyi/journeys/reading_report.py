"""A paper laboratory report into an encounter: read from a photograph, doubted, confirmed row by row, then part of the draft."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime

import msgspec

from cunyi.devices.paper.engine import LineReader
from cunyi.devices.paper.heading import ReportHeading, heading_of
from cunyi.devices.paper.page import Page, open_page
from cunyi.devices.paper.table import ReportRow, rows_of, slope_of
from cunyi.domain.account import Account, Permission
from cunyi.domain.errors import InvalidFormError, UserError
from cunyi.domain.person import Person
from cunyi.journeys.access import require
from cunyi.journeys.consulting import keep_draft, open_draft
from cunyi.journeys.doubting_report import (
    Box,
    Entry,
    doubts_of,
    is_sound,
    item_named,
    known_row,
    resolved_name,
    trouble_with,
)
from cunyi.journeys.doubting_sheet import PaperSheet, day_of, sheets_of, unanswered
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.drafts import Draft
from cunyi.store.unfinished import drop_unfinished, keep_unfinished, unfinished_form
from cunyi.store.unit import Store, Writing

LAB_FIELDS = ("lab_name", "lab_value", "lab_unit", "lab_on")
# To the draft the page of the report is a window of its own, so that an encounter open elsewhere is told of the change.
_WINDOW = "paper"
_MOST_ROWS = 150
# Quarters of a circle to turn a page by that lies on its side, or stands on its head.
_SIDES_FIRST, _HEAD_FIRST = (1, 3, 2), (2, 1, 3)


class PaperRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the report on the page (化验单待核对的一行): its strip of the photograph, what stands in its boxes, the doubts.

    `strips` are PNGs in base64: the row, and its figure alone where that stands for itself. `entry.box.sure` is the
    doctor's own mark; nothing is marked by the program.
    """

    id: str
    entry: Entry
    strips: tuple[str, ...]
    doubts: tuple[UserError, ...]


class PaperReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from the photographs of one encounter and is not in its record yet (化验单草稿)."""

    draft: Draft
    person: Person
    sheets: tuple[PaperSheet, ...]
    rows: tuple[PaperRow, ...]
    kept_at: datetime | None


def paper_page(draft_id: str) -> str:
    """Under which name the rows of an encounter's report are kept among the unfinished forms."""
    return f"/encounters/{draft_id}/paper"


def read_report(
    store: Store,
    by: Account,
    draft_id: str,
    photo: bytes,
    *,
    reader: LineReader,
    knowledge: Knowledge,
) -> int:
    """Reads a photograph; its rows are kept beside those read before. How many were found.

    UserError where it is no picture or no row was found. It takes seconds: call it in a thread.
    """
    open_draft(store, by, draft_id)
    page, rows, heading = _read(open_page(photo), reader, knowledge)
    if not rows:
        raise UserError(
            "照片上没有读出化验结果；请让化验单平整、占满画面、光线均匀，再拍一张，或手工填写", field="photo"
        )
    with store.writing(by.id, working_state=True) as writing:
        entries, strips = _kept(writing, by, draft_id)
        if len(entries) + len(rows) > _MOST_ROWS:
            raise UserError("没处理完的行太多；请先确认或放弃前面的，再拍下一张", field="photo")
        sheet = writing.new_id()
        for row in rows:
            row_id = writing.new_id()
            entries[row_id] = _entry(row, sheet, heading, knowledge)
            strips[row_id] = [_base64(page.strip(*row.box))]
            if row.figure_box is not None and row.figure_box != row.box:
                strips[row_id].append(_base64(page.strip(*row.figure_box)))
        _keep(writing, by, draft_id, entries)
        keep_unfinished(writing, by.id, _strips_page(draft_id), strips)
    return len(rows)


def kept_report(store: Store, by: Account, draft_id: str, knowledge: Knowledge) -> PaperReport:
    """The rows that wait for the doctor, with their doubts as they are now."""
    shown = open_draft(store, by, draft_id)
    with store.reading() as connection:
        kept = unfinished_form(connection, by.organisation, by.id, paper_page(draft_id))
        strips = unfinished_form(connection, by.organisation, by.id, _strips_page(draft_id))
    entries = _entries(kept.form if kept else {})
    doubts = doubts_of(entries, _lab_names(shown.draft), knowledge)
    return PaperReport(
        draft=shown.draft,
        person=shown.person,
        sheets=tuple(sheets_of(entries, shown.person, _day_of_encounter(store, shown.draft)).values()),
        rows=tuple(
            PaperRow(
                id=row_id,
                entry=entry,
                strips=tuple(strips.form.get(row_id, ())) if strips else (),
                doubts=doubts[row_id],
            )
            for row_id, entry in entries.items()
        ),
        kept_at=kept.kept_at if kept else None,
    )


def keep_boxes(store: Store, by: Account, draft_id: str, boxes: Mapping[str, Box]) -> datetime:
    """Keeps what stands in the boxes of the rows, by the rows' ids; when that was."""
    open_draft(store, by, draft_id)
    with store.writing(by.id, working_state=True) as writing:
        entries, _ = _kept(writing, by, draft_id)
        _keep(writing, by, draft_id, _filled(entries, boxes))
        return writing.latest


def take_confirmed(
    store: Store,
    by: Account,
    draft_id: str,
    boxes: Mapping[str, Box],
    knowledge: Knowledge,
    *,
    theirs: Collection[str] = (),
) -> int:
    """Puts the confirmed rows into the draft as laboratory results; how many. The other rows stay for later.

    `theirs` are the sheets of which the doctor says that they are this person's in spite of the doubts. InvalidFormError, by
    the ids of rows and sheets, where a confirmed row cannot be kept as it stands: then none is taken.
    """
    keep_boxes(store, by, draft_id, boxes)
    shown = open_draft(store, by, draft_id)
    draft, on = shown.draft, _day_of_encounter(store, shown.draft)
    with store.reading() as connection:
        kept = unfinished_form(connection, by.organisation, by.id, paper_page(draft_id))
    confirmed = {row_id: entry for row_id, entry in _entries(kept.form if kept else {}).items() if entry.box.sure}
    if not confirmed:
        # Sent twice, the second time finds nothing that is not in the record yet.
        if kept is None:
            return 0
        raise UserError("还没有确认任何一行；请和纸上逐项核对，对的点“确认”", field="rows")
    wrong = [
        unanswered(sheet)
        for sheet in sheets_of(confirmed, shown.person, on).values()
        if sheet.doubts and sheet.id not in theirs
    ]
    wrong += [
        error
        for row_id, entry in confirmed.items()
        if (error := trouble_with(row_id, entry.box, knowledge)) is not None
    ]
    if wrong:
        raise InvalidFormError(wrong)
    keep_draft(
        store,
        by,
        draft_id,
        _with_labs(draft.form, list(confirmed.values()), on, knowledge),
        revision=draft.revision,
        window=_WINDOW,
    )
    with store.writing(by.id, working_state=True) as writing:
        entries, strips = _kept(writing, by, draft_id)
        left = {row_id: entry for row_id, entry in entries.items() if row_id not in confirmed}
        _keep(writing, by, draft_id, left)
        if left:
            keep_unfinished(writing, by.id, _strips_page(draft_id), {row_id: strips.get(row_id, []) for row_id in left})
        else:
            drop_unfinished(writing, by.id, _strips_page(draft_id))
    return len(confirmed)


def forget_report(store: Store, by: Account, draft_id: str) -> None:
    """Throws away what was read and not taken, strips included."""
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id, working_state=True) as writing:
        drop_unfinished(writing, by.id, paper_page(draft_id))
        drop_unfinished(writing, by.id, _strips_page(draft_id))


def _read(page: Page, reader: LineReader, knowledge: Knowledge) -> tuple[Page, list[ReportRow], ReportHeading]:
    """The level page with its rows and whose it says it is; turned by quarters where they make no sense as it lies.

    Figures on their head are figures too (98 and 86), names are not: the rows decide which way is up.
    """
    best_page, best, heading, on_its_side = _rows_on(page, reader, knowledge)
    for quarters in _SIDES_FIRST if on_its_side else _HEAD_FIRST:
        if 2 * _sense(best, knowledge)[0] > len(best):
            break
        turned, rows, said, _ = _rows_on(page.turned(quarters), reader, knowledge)
        if _sense(rows, knowledge) > _sense(best, knowledge):
            best_page, best, heading = turned, rows, said
    return best_page, best if any(_sense(best, knowledge)) else [], heading


def _rows_on(page: Page, reader: LineReader, knowledge: Knowledge) -> tuple[Page, list[ReportRow], ReportHeading, bool]:
    lines = reader.read(page.png())
    long = [line for line in lines if len(line.text) > 2]
    on_its_side = sum(line.height > line.right - line.left for line in long) * 2 > len(long)
    level, moved = page.straightened(slope_of(lines), lines)
    rows = rows_of(moved, _unit_test(knowledge))
    return level, [row for row in rows if known_row(row, knowledge)], heading_of(moved), on_its_side


def _sense(rows: Sequence[ReportRow], knowledge: Knowledge) -> tuple[int, int]:
    """How many rows make sense altogether, and how many at least name a test that is known."""
    named = sum(item_named(resolved_name(row, knowledge), knowledge) is not None for row in rows)
    return sum(is_sound(row, knowledge) for row in rows), named


def _unit_test(knowledge: Knowledge) -> Callable[[str], bool]:
    items = knowledge.language.items
    return lambda text: items.unit(text) in items.units


def _day_of_encounter(store: Store, draft: Draft) -> date:
    words = next(iter(draft.form.get("occurred_on", ())), "")
    try:
        return date.fromisoformat(words)
    except ValueError:
        return store.clock().astimezone().date()


def _entry(row: ReportRow, sheet: str, heading: ReportHeading, knowledge: Knowledge) -> Entry:
    box = Box(name=resolved_name(row, knowledge), value=row.value, unit=row.unit)
    return Entry(row=row, box=box, sheet=sheet, heading=heading)


def _filled(entries: Mapping[str, Entry], boxes: Mapping[str, Box]) -> dict[str, Entry]:
    return {
        row_id: msgspec.structs.replace(entry, box=boxes.get(row_id, entry.box)) for row_id, entry in entries.items()
    }


def _with_labs(
    form: Mapping[str, Sequence[str]], confirmed: Sequence[Entry], on: date, knowledge: Knowledge
) -> dict[str, list[str]]:
    """The form with the confirmed results behind those that are there; empty rows go, the same result is not put twice."""
    columns = [list(form.get(field, ())) for field in LAB_FIELDS]
    most = max(map(len, columns))
    rows = [tuple(column[index] if index < len(column) else "" for column in columns) for index in range(most)]
    rows = [row for row in rows if any(words.strip() for words in row)]
    for entry in confirmed:
        box, day = entry.box, day_of(entry.heading, on)
        item = item_named(box.name, knowledge)
        name = knowledge.content.items[item].name if item else box.name
        if (row := (name, box.value, box.unit, day.isoformat() if day else "")) not in rows:
            rows.append(row)
    labs = {field: [row[index] for row in rows] for index, field in enumerate(LAB_FIELDS)}
    return {name: list(values) for name, values in form.items()} | labs


def _lab_names(draft: Draft) -> list[str]:
    return [name for name in draft.form.get("lab_name", ()) if name.strip()]


def _strips_page(draft_id: str) -> str:
    return f"{paper_page(draft_id)}#strips"


def _kept(writing: Writing, by: Account, draft_id: str) -> tuple[dict[str, Entry], dict[str, list[str]]]:
    rows = unfinished_form(writing.connection, by.organisation, by.id, paper_page(draft_id))
    strips = unfinished_form(writing.connection, by.organisation, by.id, _strips_page(draft_id))
    return _entries(rows.form if rows else {}), dict(strips.form) if strips else {}


def _entries(form: Mapping[str, Sequence[str]]) -> dict[str, Entry]:
    return {row_id: msgspec.json.decode(values[0], type=Entry) for row_id, values in form.items()}


def _keep(writing: Writing, by: Account, draft_id: str, entries: Mapping[str, Entry]) -> None:
    if not entries:
        drop_unfinished(writing, by.id, paper_page(draft_id))
        return
    form = {row_id: [msgspec.json.encode(entry).decode()] for row_id, entry in entries.items()}
    keep_unfinished(writing, by.id, paper_page(draft_id), form)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
