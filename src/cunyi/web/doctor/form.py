"""The workbench's form as it was sent: a case for the engine, and what cannot be used, told beside its box."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cunyi.domain.case import TEXT_FIELDS, VITAL_FIELDS, Case
from cunyi.domain.finding import Status
from cunyi.domain.intake import parse_case
from cunyi.reasoning.measuring import is_possible
from cunyi.reasoning.prepared import Knowledge

LIST_FIELDS = ("allergies", "problems", "medications")
ORDERS = ("likely", "danger")
GLUCOSE, FASTING_GLUCOSE = "glucose_mmol_l", "glucose_fasting"
_OLDEST_YEARS = 130
_SEPARATORS = re.compile(r"[\n,，;；、]+")
_TAPPED = (Status.PRESENT, Status.ABSENT, Status.UNKNOWN)


class LabRow(msgspec.Struct, frozen=True):
    """A result as it was typed (检验结果)."""

    name: str = ""
    value: str = ""
    unit: str = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the page sent (工作台表单): the case it makes, and what stands beside it.

    `answers` are the doctor's taps, finding id to status, and override the text. `unusable` names fields whose words
    are not a number or not possible; they are left out of the case, never guessed. `fasting`: the glucose in its box was
    taken fasting; it is then a result of that name in the case and no random value.
    """

    case: Case = Case()
    texts: dict[str, str] = {}
    labs: tuple[LabRow, ...] = ()
    unread_labs: tuple[str, ...] = ()
    answers: dict[str, str] = {}
    unusable: frozenset[str] = frozenset()
    fasting: bool = False
    fasting_glucose: float | None = None
    order: str = ORDERS[0]
    why_not: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written that could be assessed."""
        case = self.case
        written = any(getattr(case, field).strip() for field in TEXT_FIELDS)
        return not (written or case.vitals or case.labs or case.findings)


def read_form(sent: Mapping[str, Iterable[str]], knowledge: Knowledge) -> Form:
    """The form of a page. `sent` holds every value of each field; anything may be missing or senseless."""
    one = {name: next(iter(values), "") for name, values in sent.items()}
    unusable: set[str] = set()
    vitals = {}
    for field in VITAL_FIELDS:
        value = _number(one.get(field, ""), field, unusable)
        if value is None:
            continue
        item = knowledge.content.items.get(field)
        if item is not None and not is_possible(item, value):
            unusable.add(field)
            continue
        vitals[field] = value
    labs = _lab_rows(sent)
    used, unread = _labs(labs, knowledge)
    fasting = one.get("glucose_taken") == "fasting" and FASTING_GLUCOSE in knowledge.content.items
    fasting_glucose = vitals.pop(GLUCOSE, None) if fasting else None
    if fasting_glucose is not None:
        item = knowledge.content.items[FASTING_GLUCOSE]
        used = [{"name": item.name, "value": fasting_glucose, "unit": item.unit}, *used]
    answers = _answers(one.get("answers", ""), knowledge)
    texts = {field: one.get(field, "").replace("\r\n", "\n") for field in TEXT_FIELDS}
    raw: dict[str, Any] = {
        "id": "",
        "sex": one.get("sex") if one.get("sex") in ("male", "female") else None,
        "age_years": _age(one, unusable),
        "pregnant": {"yes": True, "no": False}.get(one.get("pregnant", "")),
        "month": _month(one.get("month", "")),
        "vitals": vitals,
        "labs": used,
        "findings": [{"finding": finding, "status": status} for finding, status in answers.items()],
        **texts,
        **{field: _list(one.get(field, "")) for field in LIST_FIELDS},
    }
    if raw["sex"] == "male":
        raw["pregnant"] = None
    return Form(
        case=parse_case(raw),
        texts=texts,
        labs=labs,
        unread_labs=unread,
        answers=answers,
        unusable=frozenset(unusable),
        fasting=fasting,
        fasting_glucose=fasting_glucose,
        order=one.get("order", "") if one.get("order") in ORDERS else ORDERS[0],
        why_not=one.get("why_not", "").strip(),
    )


def plain_number(words: str) -> float | None:
    """The number that some words are, in any width; None where they are none."""
    try:
        value = float(unicodedata.normalize("NFKC", words).strip().replace("。", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _number(words: str, field: str, unusable: set[str], highest: float = 1000) -> float | None:
    if not words.strip():
        return None
    value = plain_number(words)
    if value is None or not 0 <= value <= highest:
        unusable.add(field)
        return None
    return value


def _age(one: Mapping[str, str], unusable: set[str]) -> float | None:
    months = one.get("age_unit") == "months"
    age = _number(one.get("age", ""), "age", unusable, _OLDEST_YEARS * 12 if months else _OLDEST_YEARS)
    return age / 12 if age is not None and months else age


def _month(words: str) -> int | None:
    return int(words) if words.isascii() and words.isdigit() and 1 <= int(words[:3]) <= 12 else None


def _list(words: str) -> list[str]:
    return [part.strip() for part in _SEPARATORS.split(words) if part.strip()]


def _lab_rows(sent: Mapping[str, Iterable[str]]) -> tuple[LabRow, ...]:
    names, values, units = (list(sent.get(field, ())) for field in ("lab_name", "lab_value", "lab_unit"))
    rows = []
    for index, name in enumerate(names):
        value = values[index] if index < len(values) else ""
        unit = units[index] if index < len(units) else ""
        if name.strip() or value.strip():
            rows.append(LabRow(name.strip(), value.strip(), unit.strip()))
    return tuple(rows)


def _labs(rows: Iterable[LabRow], knowledge: Knowledge) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The results that the engine can read, and the names of those that it cannot."""
    english = {item.name_en.casefold(): item.name for item in knowledge.content.items.values()}
    used: list[dict[str, Any]] = []
    unread = []
    for row in rows:
        if not row.name or not row.value:
            continue
        name = english.get(row.name.casefold(), row.name)
        number = plain_number(row.value)
        value = row.value if number is None else number
        unit = row.unit or None
        read = knowledge.language.read_result(name, value, unit)
        if read is None or not is_possible(knowledge.content.items[read.item], read.value):
            unread.append(row.name)
            continue
        used.append({"name": name, "value": value, "unit": unit})
    return used, tuple(unread)


def _answers(words: str, knowledge: Knowledge) -> dict[str, str]:
    try:
        raw = msgspec.json.decode(words) if words else {}
    except (msgspec.DecodeError, RecursionError):
        return {}
    if not isinstance(raw, dict):
        return {}
    return {
        str(finding): str(status)
        for finding, status in raw.items()
        if finding in knowledge.content.findings and status in _TAPPED
    }
