"""The workbench's form as it was sent: a case for the engine, and what cannot be used, told beside its box."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cunyi.domain.case import TEXT_FIELDS, Case
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Status
from cunyi.domain.intake import parse_case
from cunyi.journeys.typed_readings import plain_number, read_typed
from cunyi.knowledge.model import Item
from cunyi.reasoning.measuring import is_possible, possible_range
from cunyi.reasoning.prepared import Knowledge

LIST_FIELDS = ("allergies", "problems", "medications")
ORDERS = ("likely", "danger")
GLUCOSE, FASTING_GLUCOSE = "glucose_mmol_l", "glucose_fasting"
_OLDEST_YEARS = 130
_SEPARATORS = re.compile(r"[\n,，;；、]+")
_TAPPED = (Status.PRESENT, Status.ABSENT, Status.UNKNOWN)


class LabRow(msgspec.Struct, frozen=True):
    """A result as it was typed (检验结果); `on` is the day it is of where that is not the encounter's."""

    name: str = ""
    value: str = ""
    unit: str = ""
    on: str = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the page sent (工作台表单): the case it makes, and what stands beside it.

    `answers` are the doctor's taps, finding id to status, and override the text. `unusable` says of fields why their words
    cannot be used; they are left out of the case, never guessed. `beyond` holds the word of a meter (HI) by field: the case
    has the end of the meter's range for it. `fasting`: the glucose in its box was taken fasting; it is then a result of that
    name in the case and no random value.
    """

    case: Case = Case()
    texts: dict[str, str] = {}
    labs: tuple[LabRow, ...] = ()
    unread_labs: tuple[str, ...] = ()
    impossible_labs: tuple[UserError, ...] = ()
    answers: dict[str, str] = {}
    unusable: dict[str, UserError] = {}
    beyond: dict[str, str] = {}
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
    typed = read_typed(one, knowledge)
    unusable = dict(typed.trouble)
    labs = _lab_rows(sent)
    used, unread, impossible = _labs(labs, knowledge)
    fasting = one.get("glucose_taken") == "fasting" and FASTING_GLUCOSE in knowledge.content.items
    vitals = dict(typed.values)
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
        impossible_labs=impossible,
        answers=answers,
        unusable=unusable,
        beyond=typed.beyond,
        fasting=fasting,
        fasting_glucose=fasting_glucose,
        order=one.get("order", "") if one.get("order") in ORDERS else ORDERS[0],
        why_not=one.get("why_not", "").strip(),
    )


def _age(one: Mapping[str, str], unusable: dict[str, UserError]) -> float | None:
    words = one.get("age", "")
    if not words.strip():
        return None
    months = one.get("age_unit") == "months"
    age = plain_number(words)
    if age is None or not 0 <= age <= (_OLDEST_YEARS * 12 if months else _OLDEST_YEARS):
        unusable["age"] = UserError("这一栏填的不是可能的数值；请改正，或清空不记", field="age")
        return None
    return age / 12 if months else age


def _month(words: str) -> int | None:
    return int(words) if words.isascii() and words.isdigit() and 1 <= int(words[:3]) <= 12 else None


def _list(words: str) -> list[str]:
    return [part.strip() for part in _SEPARATORS.split(words) if part.strip()]


def _lab_rows(sent: Mapping[str, Iterable[str]]) -> tuple[LabRow, ...]:
    columns = [list(sent.get(f"lab_{part}", ())) for part in ("name", "value", "unit", "on")]
    rows = []
    for index in range(len(columns[0])):
        row = LabRow(*[column[index].strip() if index < len(column) else "" for column in columns])
        if row.name or row.value:
            rows.append(row)
    return tuple(rows)


def _labs(
    rows: Iterable[LabRow], knowledge: Knowledge
) -> tuple[list[dict[str, Any]], tuple[str, ...], tuple[UserError, ...]]:
    """The results that the engine can read, the names of those that it cannot, and what is told of impossible ones."""
    english = {item.name_en.casefold(): item.name for item in knowledge.content.items.values()}
    used: list[dict[str, Any]] = []
    unread, impossible = [], []
    for row in rows:
        if not row.name or not row.value:
            continue
        name = english.get(row.name.casefold(), row.name)
        number = plain_number(row.value)
        value = row.value if number is None else number
        unit = row.unit or None
        read = knowledge.language.read_result(name, value, unit)
        if read is None:
            unread.append(row.name)
            continue
        if not is_possible(item := knowledge.content.items[read.item], read.value):
            impossible.append(_impossible(row, item))
            continue
        used.append({"name": name, "value": value, "unit": unit})
    return used, tuple(unread), tuple(impossible)


def _impossible(row: LabRow, item: Item) -> UserError:
    return UserError(
        "{item} {value} 不可能（应{range}），没有采用；请核对数值和单位",
        field="labs",
        item=item.name,
        item_en=item.name_en,
        value=f"{row.value} {row.unit}".strip(),
        range=possible_range(item),
        range_en=possible_range(item, english=True),
    )


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
