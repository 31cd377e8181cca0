"""The closed condition language (条件): three-valued rules over one presentation. No expressions, no code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.finding import Onset, Severity, Status
from cunyi.domain.presentation import Presentation

_SEVERITY_ORDER = (Severity.MILD, Severity.MODERATE, Severity.SEVERE)
FINDING_KEYS = ("finding", "history", "exposure", "drug")


class Bounds(msgspec.Struct, frozen=True):
    """A half-open interval: lower bound inclusive, upper exclusive; None is open."""

    lower: float | None = None
    upper: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value lies inside."""
        return (self.lower is None or value >= self.lower) and (self.upper is None or value < self.upper)


class FindingIs(msgspec.Struct, frozen=True):
    """A finding has a status and, where asked for, an onset, a least severity or a duration."""

    finding: str
    status: Status
    onset: Onset | None
    severity: Severity | None
    duration_days: Bounds | None


class ValueIs(msgspec.Struct, frozen=True):
    """This encounter's reading of a vital sign or laboratory item lies inside bounds."""

    item: str
    bounds: Bounds


class AgeIs(msgspec.Struct, frozen=True):
    """Age in years lies inside bounds."""

    bounds: Bounds


class SexIs(msgspec.Struct, frozen=True):
    """The patient's sex."""

    sex: Sex


class PregnantIs(msgspec.Struct, frozen=True):
    """Whether the patient is pregnant."""

    pregnant: bool


class MonthIs(msgspec.Struct, frozen=True):
    """The month of the encounter is one of these."""

    months: tuple[int, ...]


class PreviousIs(msgspec.Struct, frozen=True):
    """An older reading, no older than so many days, lies inside bounds."""

    item: str
    bounds: Bounds
    within_days: float


class TrendIs(msgspec.Struct, frozen=True):
    """This encounter's reading differs from an older one by at least so many per cent (falls negative)."""

    item: str
    change_pct: float
    within_days: float


class All(msgspec.Struct, frozen=True):
    """Every part holds."""

    parts: tuple[Condition, ...]


class AtLeast(msgspec.Struct, frozen=True):
    """At least `count` parts hold (`any` is a count of one)."""

    count: int
    parts: tuple[Condition, ...]


class NoneOf(msgspec.Struct, frozen=True):
    """No part holds; not allowed in red flags nor in derived findings."""

    parts: tuple[Condition, ...]


Condition = All | AtLeast | NoneOf | FindingIs | ValueIs | AgeIs | SexIs | PregnantIs | MonthIs | PreviousIs | TrendIs


def parse_condition(raw: Mapping[str, Any]) -> Condition:
    """A condition from its text form. ValueError, in Chinese, for anything outside the language."""
    keys = set(raw)
    for key in FINDING_KEYS:
        if key in keys:
            return _parse_finding(key, raw)
    if len(keys) == 1:
        key, value = next(iter(raw.items()))
        match key:
            case "all":
                return All(_parts(value))
            case "any":
                return AtLeast(1, _parts(value))
            case "none":
                return NoneOf(_parts(value))
            case "at_least":
                _only(value, {"count", "of"})
                return AtLeast(int(value["count"]), _parts(value["of"]))
            case "age":
                return AgeIs(_bounds(value))
            case "sex":
                return SexIs(Sex(value))
            case "pregnant":
                return PregnantIs(bool(value))
            case "month":
                return MonthIs(tuple(int(month) for month in value))
    for key in ("vital", "lab"):
        if key in keys:
            _only(raw, {key, "from", "below"})
            return ValueIs(raw[key], _bounds({k: v for k, v in raw.items() if k != key}))
    if "previous" in keys:
        _only(raw, {"previous", "from", "below", "within_days"})
        bounds = _bounds({k: v for k, v in raw.items() if k in ("from", "below")})
        return PreviousIs(raw["previous"], bounds, float(raw["within_days"]))
    if "trend" in keys:
        _only(raw, {"trend", "falls_pct", "rises_pct", "within_days"})
        change = -float(raw["falls_pct"]) if "falls_pct" in raw else float(raw["rises_pct"])
        return TrendIs(raw["trend"], change, float(raw["within_days"]))
    raise ValueError(f"条件里没有这种写法：{'、'.join(sorted(map(str, keys)))}")


def _parts(raw: Any) -> tuple[Condition, ...]:
    if not isinstance(raw, list) or not raw:
        raise ValueError("all、any、none、at_least 后面要有至少一个条件的列表")
    return tuple(parse_condition(part) for part in raw)


def _only(raw: Mapping[str, Any], allowed: set[str]) -> None:
    unknown = set(raw) - allowed
    if unknown:
        raise ValueError(f"条件里不认识的键：{'、'.join(sorted(unknown))}")


def _bounds(raw: Mapping[str, Any]) -> Bounds:
    _only(raw, {"from", "below"})
    lower, upper = raw.get("from"), raw.get("below")
    if lower is None and upper is None:
        raise ValueError("要写 from（含）或 below（不含）")
    if lower is not None and upper is not None and lower >= upper:
        raise ValueError(f"from {lower} 不小于 below {upper}，永远不成立")
    return Bounds(None if lower is None else float(lower), None if upper is None else float(upper))


def _parse_finding(key: str, raw: Mapping[str, Any]) -> FindingIs:
    _only(raw, {key, "status", "onset", "severity", "duration_days"})
    duration = raw.get("duration_days")
    return FindingIs(
        finding=raw[key],
        status=Status(raw.get("status", "present")),
        onset=None if raw.get("onset") is None else Onset(raw["onset"]),
        severity=None if raw.get("severity") is None else Severity(raw["severity"]),
        duration_days=None if duration is None else _bounds(duration),
    )


def evaluate(condition: Condition, presentation: Presentation) -> bool | None:
    """True, False, or None where what is known does not decide it (Kleene's three values)."""
    # A table of kinds, because rules are the most evaluated thing of an assessment and `match` tries kinds in turn.
    return _EVALUATORS[type(condition)](condition, presentation)


def _all_hold(condition: All, presentation: Presentation) -> bool | None:
    unknown = False
    for part in condition.parts:
        value = _EVALUATORS[type(part)](part, presentation)
        if value is False:
            return False
        unknown = unknown or value is None
    return None if unknown else True


def _enough_hold(condition: AtLeast, presentation: Presentation) -> bool | None:
    true = unknown = 0
    for part in condition.parts:
        value = _EVALUATORS[type(part)](part, presentation)
        if value is True:
            true += 1
            if true >= condition.count:
                return True
        elif value is None:
            unknown += 1
    return None if true + unknown >= condition.count else False


def _none_hold(condition: NoneOf, presentation: Presentation) -> bool | None:
    value = _enough_hold(AtLeast(1, condition.parts), presentation)
    return None if value is None else not value


def _value_holds(condition: ValueIs, presentation: Presentation) -> bool | None:
    reading = presentation.values.get(condition.item)
    if reading is None or not isinstance(reading.value, int | float):
        return None
    return condition.bounds.holds(reading.value)


def _age_holds(condition: AgeIs, presentation: Presentation) -> bool | None:
    return None if presentation.age_years is None else condition.bounds.holds(presentation.age_years)


def _sex_holds(condition: SexIs, presentation: Presentation) -> bool | None:
    return None if presentation.sex is None else presentation.sex == condition.sex


def _pregnancy_holds(condition: PregnantIs, presentation: Presentation) -> bool | None:
    return None if presentation.pregnant is None else presentation.pregnant == condition.pregnant


def _month_holds(condition: MonthIs, presentation: Presentation) -> bool | None:
    return None if presentation.month is None else presentation.month in condition.months


def _finding_holds(condition: FindingIs, presentation: Presentation) -> bool | None:
    fact = presentation.facts.get(condition.finding)
    if fact is None:
        return None
    status = fact.status
    if status is Status.UNKNOWN or status is Status.POSSIBLE:
        return None
    if status is not condition.status:
        return False
    if condition.onset is None and condition.severity is None and condition.duration_days is None:
        return True
    known: list[bool | None] = []
    if condition.onset is not None:
        known.append(None if fact.onset is None else fact.onset == condition.onset)
    if condition.severity is not None:
        least = _SEVERITY_ORDER.index(condition.severity)
        known.append(None if fact.severity is None else _SEVERITY_ORDER.index(fact.severity) >= least)
    if condition.duration_days is not None:
        known.append(None if fact.duration_days is None else condition.duration_days.holds(fact.duration_days))
    if False in known:
        return False
    return None if None in known else True


def _history_holds(condition: PreviousIs | TrendIs, presentation: Presentation) -> bool | None:
    older = [
        float(reading.value)
        for reading in presentation.previous
        if reading.item == condition.item
        and reading.days_ago <= condition.within_days
        and isinstance(reading.value, int | float)
    ]
    if not older:
        return None
    if isinstance(condition, PreviousIs):
        return any(condition.bounds.holds(value) for value in older)
    now = presentation.values.get(condition.item)
    if now is None or not isinstance(now.value, int | float):
        return None
    changes = [(now.value - value) / value * 100 for value in older if value]
    if condition.change_pct < 0:
        return any(change <= condition.change_pct for change in changes)
    return any(change >= condition.change_pct for change in changes)


def leaves(condition: Condition) -> Iterator[Condition]:
    """Every leaf of a condition, in the order it is written."""
    match condition:
        case All(parts) | AtLeast(_, parts) | NoneOf(parts):
            for part in parts:
                yield from leaves(part)
        case _:
            yield condition


def asked_findings(condition: Condition) -> tuple[FindingIs, ...]:
    """The leaves of a condition that ask for findings, in the order it is written."""
    return tuple(leaf for leaf in leaves(condition) if isinstance(leaf, FindingIs))


def undecided_findings(condition: Condition, presentation: Presentation) -> list[str]:
    """The unknown findings that could still make an undecided condition true, in the order it is written."""
    return undecided(asked_findings(condition), presentation)


def undecided(asked: Iterable[FindingIs], presentation: Presentation) -> list[str]:
    """The findings of those asked for that are unknown, each once."""
    return list(dict.fromkeys(leaf.finding for leaf in asked if _finding_holds(leaf, presentation) is None))


_EVALUATORS: dict[type, Callable[[Any, Presentation], bool | None]] = {
    FindingIs: _finding_holds,
    All: _all_hold,
    AtLeast: _enough_hold,
    NoneOf: _none_hold,
    ValueIs: _value_holds,
    AgeIs: _age_holds,
    SexIs: _sex_holds,
    PregnantIs: _pregnancy_holds,
    MonthIs: _month_holds,
    PreviousIs: _history_holds,
    TrendIs: _history_holds,
}
