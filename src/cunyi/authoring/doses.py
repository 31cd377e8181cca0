"""Joins the two independent passes over the doses: what both say is kept, what they do not agree on is dropped and listed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from cunyi.authoring.load import Entry, Library
from cunyi.text.normalize import plain

AMOUNTS = ("single", "daily", "single_per_kg", "daily_per_kg")
"""The parts of a dose that are amounts with a unit."""
NO_END = math.inf
_ENDS = ("low", "high")

Units = Mapping[str, tuple[str, float]]
"""A spelling of a unit → the unit it is compared in, and the factor to it."""


class Figure(NamedTuple):
    """One figure of one pass: its value in the unit compared in (None: words, as the liver's), and as it was written."""

    value: float | None
    kind: str
    written: str


class Disagreement(NamedTuple):
    """A figure that was dropped: what each pass says, empty where it says nothing."""

    drug: str
    route: str
    age: str
    field: str
    first: str
    second: str


class JoinedDoses(NamedTuple):
    """The compiled records, how many figures are in them, and the figures that were dropped."""

    agreed: list[dict[str, Any]]
    figures: int
    disagreements: list[Disagreement]


def join_doses(library: Library) -> JoinedDoses:
    """Both passes of a library without fatal problems, by drug, route and every stretch of age where either changes."""
    if library.prescribing is None:
        return JoinedDoses([], 0, [])
    rules = library.prescribing.raw["doses"]
    units, tolerance, general = units_of(rules), float(rules["agreement"]), rules["unverified_sources"]
    first, second = _by_drug_and_route(library.doses_first), _by_drug_and_route(library.doses_second)
    agreed: list[dict[str, Any]] = []
    dropped: list[tuple[float, float, Disagreement]] = []
    for drug, route in sorted(first.keys() | second.keys()):
        passes = (first.get((drug, route), []), second.get((drug, route), []))
        for lower, upper in _stretches([*passes[0], *passes[1]]):
            one, other = (_covering(entries, lower) for entries in passes)
            mine, theirs = figures_of(one, units), figures_of(other, units)
            kept = {
                field: _joined(field, mine[field], theirs[field])
                for field in mine.keys() & theirs.keys()
                if _agree(mine[field], theirs[field], tolerance)
            }
            if kept and one is not None and other is not None:
                record = _record(kept, mine) | {"drug": drug, "route": route, "sources": _sources(one, other, general)}
                _add(agreed, record, lower, upper)
            for field in sorted((mine.keys() | theirs.keys()) - kept.keys()):
                says = [figures[field].written if field in figures else "" for figures in (mine, theirs)]
                dropped.append((lower, upper, Disagreement(drug, route, "", field, *says)))
    return JoinedDoses(agreed, sum(map(_count, agreed)), _with_ages(dropped))


def units_of(rules: Mapping[str, Any]) -> dict[str, tuple[str, float]]:
    """The units of the dose rules as they were written, by every spelling."""
    return {plain(str(unit)): (base, float(f)) for base, units in rules["units"].items() for unit, f in units.items()}


def age_of(entry: Entry) -> tuple[float, float]:
    """The years a record is for, half-open; the end is infinite where it has none."""
    age = entry.raw.get("age") or {}
    return float(age.get("from") or 0), float(age["below"]) if age.get("below") is not None else NO_END


def figures_of(entry: Entry | None, units: Units) -> dict[str, Figure]:
    """Every figure of a record, by its place in it (`single.high`)."""
    if entry is None:
        return {}
    found: dict[str, Figure] = {}
    for part in (*AMOUNTS, "times"):
        amount = entry.raw.get(part) or {}
        for end in _ENDS:
            if amount.get(end) is not None:
                base, factor = units[plain(str(amount["unit"]))] if part in AMOUNTS else ("", 1.0)
                written = f"{amount[end]:g} {amount.get('unit', '')}".strip()
                found[f"{part}.{end}"] = Figure(round(float(amount[end]) * factor, 9), base, written)
    kidney = entry.raw.get("kidney")
    if kidney:
        found["kidney"] = Figure(float(kidney["below"]), kidney["action"], f"<{kidney['below']:g} {kidney['action']}")
    if entry.raw.get("liver"):
        found["liver"] = Figure(None, entry.raw["liver"], entry.raw["liver"])
    return found


def _by_drug_and_route(entries: Iterable[Entry]) -> dict[tuple[str, str], list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.raw["drug"], entry.raw["route"]), []).append(entry)
    return found


def _stretches(entries: Iterable[Entry]) -> list[tuple[float, float]]:
    bounds = sorted({bound for entry in entries for bound in age_of(entry)})
    return list(pairwise(bounds))


def _covering(entries: Iterable[Entry], age: float) -> Entry | None:
    return next((entry for entry in entries if age_of(entry)[0] <= age < age_of(entry)[1]), None)


def _agree(one: Figure, other: Figure, tolerance: float) -> bool:
    if one.kind != other.kind or one.value is None or other.value is None:
        return one.kind == other.kind and one.value == other.value
    return abs(one.value - other.value) <= tolerance * max(one.value, other.value) * (1 + 1e-9)


def _joined(field: str, one: Figure, other: Figure) -> float | str | dict[str, Any]:
    """Of two figures that agree the one that makes the check stricter at the top and quieter at the bottom."""
    if one.value is None or other.value is None:
        return one.kind
    if field == "kidney":
        return {"below": max(one.value, other.value), "action": one.kind}
    # A drug given once a week is most often given at the higher number; an amount is most at the lower.
    return max(one.value, other.value) if field == "times.high" else min(one.value, other.value)


def _record(kept: Mapping[str, Any], figures: Mapping[str, Figure]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field, value in sorted(kept.items()):
        part, _, end = field.partition(".")
        if not end:
            record[part] = value
            continue
        record.setdefault(part, {})[end] = value
        if part in AMOUNTS:
            record[part]["unit"] = figures[field].kind
    return record


def _sources(one: Entry, other: Entry, general: Collection[str]) -> list[str]:
    """The sources of both, those that are more than general knowledge first."""
    return sorted({*one.raw["sources"], *other.raw["sources"]}, key=lambda source: (source in general, source))


def _add(agreed: list[dict[str, Any]], record: dict[str, Any], lower: float, upper: float) -> None:
    """Adds a record, or lengthens the one before where only the age goes on."""
    ages = {"age_from", "age_below"}
    if agreed:
        before = agreed[-1]
        same = {key: value for key, value in before.items() if key not in ages} == record
        if same and before.get("age_below") == lower:
            before["age_below"] = upper
            if upper == NO_END:
                del before["age_below"]
            return
    record["age_from"] = lower
    if upper != NO_END:
        record["age_below"] = upper
    agreed.append(record)


def _count(record: Mapping[str, Any]) -> int:
    parts = [record[part] for part in (*AMOUNTS, "times") if part in record]
    return sum(end in part for part in parts for end in _ENDS) + ("kidney" in record) + ("liver" in record)


def _with_ages(dropped: Iterable[tuple[float, float, Disagreement]]) -> list[Disagreement]:
    """The dropped figures with their ages, neighbouring stretches with the same words as one."""
    together: dict[Disagreement, list[tuple[float, float]]] = {}
    for lower, upper, one in dropped:
        ages = together.setdefault(one, [])
        if ages and ages[-1][1] == lower:
            ages[-1] = (ages[-1][0], upper)
        else:
            ages.append((lower, upper))
    return [one._replace(age=_years(*age)) for one, ages in together.items() for age in ages]


def _years(lower: float, upper: float) -> str:
    return f"{lower:g}-" if upper == NO_END else f"{lower:g}-{upper:g}"
