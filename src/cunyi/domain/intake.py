"""A case from the outside world: checked field by field, with a message that names the field and the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cunyi.domain.case import TEXT_FIELDS, VITAL_FIELDS, Case, Lab, Sex
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Fact, Onset, Origin, Reading, Severity, Status, When, Who

_OLDEST_YEARS = 130


def parse_case(raw: Any) -> Case:
    """The case of a JSON object; unknown top-level fields are ignored. UserError names the first bad field."""
    if not isinstance(raw, Mapping):
        raise UserError('病例要写成一个 JSON 对象，如 {"id": "1", "chief_complaint": "咳嗽3天"}', field="")
    return Case(
        id=_identifier(raw.get("id", "")),
        sex=_choice(Sex, raw.get("sex"), "sex"),
        age_years=_number(raw.get("age_years"), "age_years", 0, _OLDEST_YEARS),
        vitals=_vitals(raw.get("vitals")),
        labs=_labs(raw.get("labs")),
        findings=_findings(raw.get("findings")),
        medications=_texts(raw.get("medications"), "medications"),
        allergies=_texts(raw.get("allergies"), "allergies"),
        problems=_texts(raw.get("problems"), "problems"),
        previous=_previous(raw.get("previous")),
        pregnant=_truth(raw.get("pregnant"), "pregnant"),
        month=_month(raw.get("month")),
        own_words=_truth(raw.get("own_words"), "own_words") or False,
        candidates=_texts(raw.get("candidates"), "candidates"),
        **{field: _text(raw.get(field), field) for field in TEXT_FIELDS},
    )


def _identifier(value: Any) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise UserError("id 要写文字", field="id")


def _text(value: Any, field: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise UserError(f"{field} 要写文字，不要写{_kind(value)}", field=field)


def _kind(value: Any) -> str:
    kinds = {bool: "真假值", int: "数字", float: "数字", list: "列表", dict: "对象"}
    return kinds.get(type(value), "别的类型")


def _number(value: Any, field: str, lowest: float, highest: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{field} 要写数字；不知道就不写", field=field)
    if not lowest <= value <= highest:
        raise UserError(f"{field} 是 {value}，应在 {lowest:g} 到 {highest:g} 之间；请核对", field=field)
    return float(value)


def _choice(kind: Any, value: Any, field: str) -> Any:
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        words = "、".join(kind)
        raise UserError(f"{field} 只能写 {words}；不知道就不写", field=field) from None


def _truth(value: Any, field: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise UserError(f"{field} 只能写 true、false；不知道就不写", field=field)


def _month(value: Any) -> int | None:
    month = _number(value, "month", 1, 12)
    if month is not None and month != int(month):
        raise UserError("month 要写 1 到 12 的整数", field="month")
    return None if month is None else int(month)


def _list(value: Any, field: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return list(value)
    raise UserError(f"{field} 要写列表", field=field)


def _texts(value: Any, field: str) -> tuple[str, ...]:
    texts = []
    for index, entry in enumerate(_list(value, field)):
        name = entry.get("name") if isinstance(entry, Mapping) else entry
        if not isinstance(name, str):
            raise UserError(f"{field} 第 {index + 1} 项要写文字或带 name 的对象", field=f"{field}[{index}]")
        texts.append(name)
    return tuple(texts)


def _vitals(value: Any) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UserError('vitals 要写对象，如 {"temperature_c": 38.5}', field="vitals")
    vitals = {}
    for name, reading in value.items():
        if name not in VITAL_FIELDS:
            raise UserError(f"vitals 里没有 {name}，可用的有 {'、'.join(VITAL_FIELDS)}", field=f"vitals.{name}")
        number = _number(reading, f"vitals.{name}", 0, 1000)
        if number is not None:
            vitals[name] = number
    return vitals


def _labs(value: Any) -> tuple[Lab, ...]:
    labs = []
    for index, entry in enumerate(_list(value, "labs")):
        field = f"labs[{index}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            raise UserError(f"labs 第 {index + 1} 项要写 name 和 value", field=field)
        result = entry.get("value")
        if isinstance(result, bool) or not isinstance(result, str | int | float):
            raise UserError(f"labs 第 {index + 1} 项（{entry['name']}）的 value 要写数字或文字", field=f"{field}.value")
        unit = entry.get("unit")
        labs.append(Lab(entry["name"], result, unit if isinstance(unit, str) else None))
    return tuple(labs)


def _findings(value: Any) -> tuple[Fact, ...]:
    facts = []
    for index, entry in enumerate(_list(value, "findings")):
        field = f"findings[{index}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("finding"), str):
            raise UserError(f"findings 第 {index + 1} 项要写 finding 和 status", field=field)
        facts.append(
            Fact(
                finding=entry["finding"],
                status=_choice(Status, entry.get("status", "present"), f"{field}.status"),
                who=_choice(Who, entry.get("who") or "patient", f"{field}.who"),
                when=_choice(When, entry.get("when") or "now", f"{field}.when"),
                onset=_choice(Onset, entry.get("onset"), f"{field}.onset"),
                duration_days=_number(entry.get("duration_days"), f"{field}.duration_days", 0, 50_000),
                severity=_choice(Severity, entry.get("severity"), f"{field}.severity"),
                origin=Origin.STATED,
            )
        )
    return tuple(facts)


def _previous(value: Any) -> tuple[Reading, ...]:
    readings = []
    for index, entry in enumerate(_list(value, "previous")):
        field = f"previous[{index}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("item"), str):
            raise UserError(f"previous 第 {index + 1} 项要写 item、value 和 days_ago", field=field)
        number = _number(entry.get("value"), f"{field}.value", 0, 1_000_000)
        days = _number(entry.get("days_ago"), f"{field}.days_ago", 0, 50_000)
        if number is None or days is None:
            raise UserError(f"previous 第 {index + 1} 项要写 value 和 days_ago", field=field)
        readings.append(Reading(item=entry["item"], value=number, when=When.PAST, days_ago=days))
    return tuple(readings)
