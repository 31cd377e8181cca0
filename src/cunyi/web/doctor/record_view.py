"""What the record's pages show: last values with their normal bands, trends, a signed record in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from cunyi.domain.case import TEXT_FIELDS, Case
from cunyi.domain.encounter import Encounter, Measured, PersonAsSigned
from cunyi.journeys.assess_case import normal_band
from cunyi.journeys.opening_record import PersonRecord
from cunyi.knowledge.conditions import Bounds
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.records import Kept, Point, Visit
from cunyi.web.doctor.presenting import percent
from cunyi.web.doctor.view_model import Phrase
from cunyi.web.doctor.wording import Wording

# Drawn together, as they are measured together.
_TOGETHER = (("systolic_mmhg", "diastolic_mmhg"),)
_ORDER = (
    "systolic_mmhg",
    "diastolic_mmhg",
    "glucose_mmol_l",
    "weight_kg",
    "pulse_bpm",
    "temperature_c",
    "spo2_pct",
    "respiratory_rate_bpm",
)
_FEWEST = 2
_MANY_VISITS = 12


class ValueView(msgspec.Struct, frozen=True):
    """The last value of an item (最近一次测量): high or low in a word, typed or from which device."""

    name: str
    value: str
    unit: str
    on: str
    normal: str
    for_adult: bool
    flag: str
    device: str
    by: str


class Timeline(msgspec.Struct, frozen=True):
    """The encounters shown (就诊一览), of one kind or year where there are so many that they are chosen from."""

    visits: list[Visit]
    many: bool
    years: list[str]
    kind: str
    year: str


class MeasuredView(msgspec.Struct, frozen=True):
    """A reading or result of a signed record (签名时的测量): from which device, empty where it was typed, and by whom.

    `on` is its day where that is not the encounter's.
    """

    name: str
    value: str
    unit: str
    device: str
    by: str
    on: str = ""


class Line(msgspec.Struct, frozen=True):
    """One item of a chart (一条曲线): [time, value, device] oldest first, the device empty where it was typed; the normal band where there is one."""

    name: str
    points: list[tuple[str, float, str]]
    lower: float | None
    upper: float | None


class Trend(msgspec.Struct, frozen=True):
    """A chart (趋势图) of one item, or of those that are measured together."""

    id: str
    title: str
    unit: str
    lines: list[Line]


class TrendTable(msgspec.Struct, frozen=True):
    """The same values as a table (趋势表), newest first, for those who do not see the chart."""

    trend: Trend
    rows: list[tuple[str, list[str], str]]


class SignedView(msgspec.Struct, frozen=True):
    """A signed record in the words of the page (已签名记录)."""

    encounter_id: str
    person: PersonAsSigned
    version: int
    reason: str
    kind: str
    occurred_at: datetime
    signed_at: datetime
    clock_doubtful: bool
    signer: str
    signer_role: str
    facility: str
    hash: str
    texts: list[tuple[str, str]]
    measured: list[MeasuredView]
    proposed: list[tuple[str, str, str]]
    something_else: str
    reasons: list[Phrase]
    must_exclude: list[str]
    content: Encounter


def latest_values(record: PersonRecord, case: Case, knowledge: Knowledge, wording: Wording) -> list[ValueView]:
    """The last value of every item, those that every visit takes first."""
    found = []
    for point in sorted(record.latest.values(), key=lambda point: _place(point.item)):
        item = knowledge.content.items.get(point.item)
        band = normal_band(item, case) if item is not None else None
        bounds = band.bounds if band is not None else None
        found.append(
            ValueView(
                name=wording.item(point.item) if item is not None else point.item,
                value=point.words if point.number is None else f"{point.number:g}",
                unit=wording.unit(point.unit),
                on=f"{point.at.astimezone():%Y-%m-%d}",
                normal=_written(bounds),
                for_adult=band is not None and band.for_adult,
                flag=beyond(point.number, bounds),
                device=point.device,
                by=point.by,
            )
        )
    return found


def timeline_of(visits: Sequence[Visit], *, kind: str, year: str) -> Timeline:
    """The encounters of a kind and a year, newest first; all where neither is chosen."""
    years = sorted({_year(visit) for visit in visits}, reverse=True)
    chosen = [visit for visit in visits if kind in ("", visit.kind) and year in ("", _year(visit))]
    return Timeline(chosen, len(visits) > _MANY_VISITS, years, kind, year)


def trend_of(points: dict[str, list[Point]], case: Case, knowledge: Knowledge, wording: Wording) -> list[Trend]:
    """The charts of everything that was measured at least twice."""
    groups: list[tuple[str, ...]] = list(_TOGETHER)
    grouped = {item for group in groups for item in group}
    groups += [(item,) for item in points if item not in grouped]
    found = []
    for group in sorted(groups, key=lambda group: _place(group[0])):
        lines = [
            _line(item, points[item], case, knowledge, wording)
            for item in group
            if len([point for point in points.get(item, ()) if point.number is not None]) >= _FEWEST
        ]
        if lines:
            unit = next((point.unit for item in group for point in points.get(item, ()) if point.unit), "")
            found.append(Trend(group[0], " / ".join(line.name for line in lines), wording.unit(unit), lines))
    return found


def trend_tables(trends: list[Trend]) -> list[TrendTable]:
    """Each chart with its values in rows of one time each."""
    tables = []
    for trend in trends:
        times = sorted({at for line in trend.lines for at, _, _ in line.points}, reverse=True)
        values = [{at: (value, by) for at, value, by in line.points} for line in trend.lines]
        rows = []
        for at in times:
            cells = [f"{line[at][0]:g}" if at in line else "" for line in values]
            source = next((line[at][1] for line in values if at in line), "")
            rows.append((at.replace("T", " "), cells, source))
        tables.append(TrendTable(trend, rows))
    return tables


def signed_view(kept: Kept, wording: Wording) -> SignedView:
    """A signed record for its page; nothing in it is computed anew."""
    record, content = kept.record, kept.record.encounter
    return SignedView(
        encounter_id=record.encounter_id,
        person=record.person,
        version=record.version,
        reason=record.reason,
        kind=content.kind,
        occurred_at=content.occurred_at.astimezone(),
        signed_at=record.signed_at.astimezone(),
        clock_doubtful=record.clock_doubtful,
        signer=record.signer.name,
        signer_role=record.signer.role,
        facility=record.facility,
        hash=kept.hash.hex()[:12],
        texts=[(field, content.texts[field]) for field in TEXT_FIELDS if content.texts.get(field)],
        measured=[
            MeasuredView(
                name=_item_name(each.item, wording),
                value=each.value if isinstance(each.value, str) else f"{each.value:g}",
                unit=wording.unit(each.unit),
                device=each.device,
                by=each.by,
                on=_another_day(each, content.occurred_at),
            )
            for each in content.measured
        ],
        proposed=[
            (_disease_name(disease, name, wording), icd10, percent(probability))
            for disease, name, icd10, probability in (content.assessment.differential if content.assessment else ())
        ],
        something_else=percent(content.assessment.something_else) if content.assessment else "",
        reasons=[wording.prose(text) for text in (content.assessment.reasons if content.assessment else ())],
        must_exclude=[
            wording.disease_named(name) or name
            for name in (content.assessment.must_exclude if content.assessment else ())
        ],
        content=content,
    )


def _another_day(measured: Measured, occurred_at: datetime) -> str:
    if measured.at is None:
        return ""
    on = measured.at.astimezone().date()
    return "" if on >= occurred_at.astimezone().date() else on.isoformat()


def beyond(value: float | None, bounds: Bounds | None) -> str:
    """Whether a value is above or below its normal band; empty where it is within, or nothing is known."""
    if value is None or bounds is None:
        return ""
    if bounds.lower is not None and value < bounds.lower:
        return "low"
    return "high" if bounds.upper is not None and value >= bounds.upper else ""


def _line(item: str, points: list[Point], case: Case, knowledge: Knowledge, wording: Wording) -> Line:
    known = knowledge.content.items.get(item)
    band = normal_band(known, case) if known is not None else None
    return Line(
        name=wording.item(item) if known is not None else item,
        points=[
            (f"{point.at.astimezone():%Y-%m-%dT%H:%M}", point.number, point.device)
            for point in points
            if point.number is not None
        ],
        lower=band.bounds.lower if band is not None else None,
        upper=band.bounds.upper if band is not None else None,
    )


def _place(item: str) -> tuple[int, str]:
    return (_ORDER.index(item) if item in _ORDER else len(_ORDER), item)


def _year(visit: Visit) -> str:
    return f"{visit.occurred_at.astimezone():%Y}"


def _written(bounds: Bounds | None) -> str:
    """Both ends inclusive, as at the boxes of an encounter: up to the last value that is still usual."""
    if bounds is None:
        return ""
    if bounds.upper is None:
        return f"≥{bounds.lower:g}"
    if bounds.lower is None:
        return f"<{bounds.upper:g}"
    decimals = max(len(f"{end:g}".partition(".")[2]) for end in (bounds.lower, bounds.upper))
    return f"{bounds.lower:g}–{round(bounds.upper - 10.0**-decimals, decimals):g}"


def _item_name(item: str, wording: Wording) -> str:
    try:
        return wording.item(item)
    except KeyError:
        return item


def _disease_name(disease: str, name: str, wording: Wording) -> str:
    try:
        return wording.disease(disease)
    except KeyError:
        return name
