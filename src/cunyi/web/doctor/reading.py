"""What was read in the texts and boxes: marks that align with the words, and notes at the readings."""

from __future__ import annotations

from cunyi.domain.assessment import Assessment, FindingShown
from cunyi.domain.case import TEXT_FIELDS
from cunyi.domain.finding import Span
from cunyi.journeys.assess_case import normal_band
from cunyi.knowledge.conditions import Bounds
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.form import FASTING_GLUCOSE, GLUCOSE, Form
from cunyi.web.doctor.view_model import ChipView, ReadingView
from cunyi.web.doctor.wording import Wording
from cunyi.web.language import catalogue

READING_FIELDS = (
    "temperature_c",
    "pulse_bpm",
    "respiratory_rate_bpm",
    "systolic_mmhg",
    "diastolic_mmhg",
    "spo2_pct",
    "glucose_mmol_l",
    "weight_kg",
    "height_cm",
)
_CYCLE = ("present", "absent", "unknown")


def chips(given: Assessment, form: Form, wording: Wording) -> dict[str, list[ChipView]]:
    """For each text the findings and values read in it, each once with every place where it stands, in text order."""
    found: dict[str, list[ChipView]] = {field: [] for field in TEXT_FIELDS}
    for finding in given.findings:
        if finding.span is not None and finding.origin == "text":
            found[finding.span.field].append(_finding_chip(finding, finding.span, form, wording))
    for reading in given.readings:
        if reading.span is not None:
            value = reading.value if isinstance(reading.value, str) else f"{reading.value:g}"
            name = " ".join(part for part in (wording.item(reading.item), value, wording.unit(reading.unit)) if part)
            place = (reading.span.start, reading.span.end)
            found[reading.span.field].append(ChipView([place], name, "value", None, "", False))
    return {field: _merged(field_chips) for field, field_chips in found.items()}


def _merged(found: list[ChipView]) -> list[ChipView]:
    merged: dict[tuple[str, str], ChipView] = {}
    for chip in sorted(found, key=lambda chip: chip.spans):
        known = merged.get((chip.name, chip.mark))
        if known is None:
            merged[chip.name, chip.mark] = chip
        elif chip.spans[0] not in known.spans:
            known.spans.extend(chip.spans)
    return list(merged.values())


def _finding_chip(finding: FindingShown, span: Span, form: Form, wording: Wording) -> ChipView:
    as_written = _written_mark(finding)
    steps = ["", *(status for status in _CYCLE if status != as_written)]
    answer = form.answers.get(finding.finding, "")
    place = steps.index(answer) if answer in steps else 0
    return ChipView(
        spans=[(span.start, span.end)],
        name=wording.finding(finding.finding),
        mark=answer or as_written,
        finding=finding.finding,
        next=steps[(place + 1) % len(steps)],
        corrected=bool(answer),
    )


def _written_mark(finding: FindingShown) -> str:
    if finding.who == "family":
        return "family"
    if finding.status == "absent":
        return "absent"
    return "past" if finding.when == "past" else finding.status


def readings(form: Form, knowledge: Knowledge, wording: Wording) -> list[ReadingView]:
    """The reading boxes with the usual values for this person, and whether a value is beyond them."""
    boxes = []
    translated = catalogue(wording.language).gettext
    for field in READING_FIELDS:
        fasting = form.fasting and field == GLUCOSE
        item = knowledge.content.items.get(FASTING_GLUCOSE if fasting else field)
        if item is None:
            continue
        value = form.fasting_glucose if fasting else form.case.vitals.get(field)
        band = normal_band(item, form.case)
        flag = "unusable" if field in form.unusable else None
        if flag is None and value is not None and band is not None:
            flag = _beyond(value, band.bounds)
        boxes.append(
            ReadingView(
                field=field,
                name=wording.item(field),
                unit=wording.unit(item.unit),
                value=form.beyond.get(field, "" if value is None else f"{value:g}"),
                normal="" if band is None else _written(band.bounds),
                for_adult=band is not None and band.for_adult,
                flag=flag,
                trouble=form.unusable[field].told(translated) if field in form.unusable else "",
                judged=f"{value:g}" if field in form.beyond else "",
            )
        )
    return boxes


def _beyond(value: float, bounds: Bounds) -> str | None:
    if bounds.lower is not None and value < bounds.lower:
        return "low"
    if bounds.upper is not None and value >= bounds.upper:
        return "high"
    return None


def _written(bounds: Bounds) -> str:
    """Both ends inclusive, as people write them: up to the last value that is still usual."""
    if bounds.upper is None:
        return f"≥{bounds.lower:g}"
    if bounds.lower is None:
        return f"<{bounds.upper:g}"
    decimals = max(len(f"{end:g}".partition(".")[2]) for end in (bounds.lower, bounds.upper))
    return f"{bounds.lower:g}–{round(bounds.upper - 10.0**-decimals, decimals):g}"
