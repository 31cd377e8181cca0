"""Readings against the ranges: what a value means for a patient of this age and sex, and whether it is critical."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.finding import Fact, Origin, Reading, Status
from cunyi.knowledge.model import Band, Item


class Person(msgspec.Struct, frozen=True):
    """Whose value it is: what the bands ask about."""

    sex: Sex | None
    age_years: float | None
    pregnant: bool | None


class CriticalValue(msgspec.Struct, frozen=True):
    """A value beyond its critical limit (危急值)."""

    item: Item
    reading: Reading
    band: Band


def _concerns(band: Band, person: Person) -> bool | None:
    """Whether a band is for this person; None when that is not known."""
    unknown = False
    if band.sex is not None:
        if person.sex is None:
            unknown = True
        elif band.sex != person.sex:
            return False
    if band.age is not None:
        if person.age_years is None:
            unknown = True
        elif not band.age.holds(person.age_years):
            return False
    if band.pregnant is not None:
        if person.sex == Sex.MALE:
            if band.pregnant:
                return False
        elif person.pregnant is None:
            unknown = True
        elif band.pregnant != person.pregnant:
            return False
    return None if unknown else True


def _inside(band: Band, value: float | str) -> bool:
    if isinstance(value, str):
        return value in band.ordinals
    return band.value is not None and band.value.holds(value)


def is_possible(item: Item, value: float | str) -> bool:
    """Whether a value can be at all: inside the item's limits, or on its scale."""
    if isinstance(value, str):
        return value in item.scale
    return item.possible is None or item.possible.holds(value)


def possible_range(item: Item, *, english: bool = False) -> str:
    """Between which values an item can be, in words; empty where every number is possible."""
    if item.possible is None:
        return ""
    least, less, joined = ("at least", "below", " and ") if english else ("不低于", "低于", "、")
    ends = ((least, item.possible.lower), (less, item.possible.upper))
    return joined.join(f"{word} {end:g} {item.unit or ''}".strip() for word, end in ends if end is not None)


def facts_of(reading: Reading, item: Item, person: Person, mark: str | None = None) -> list[Fact]:
    """The findings that a value decides: present, absent, or nothing where age, sex or pregnancy are needed and unknown.

    `mark`: "low" or "high" where the laboratory's own limits say so; then the value never denies that it is.
    """
    inside: dict[str, list[bool | None]] = {}
    for band in item.bands:
        if band.finding is None:
            continue
        concerned = _concerns(band, person)
        if concerned is False:
            continue
        hit = _inside(band, reading.value)
        # A band for somebody this may not be: inside is unknown, outside is outside.
        inside.setdefault(band.finding, []).append((True if concerned else None) if hit else False)
    facts = []
    for finding, hits in inside.items():
        if True in hits or (hits and all(hit is None for hit in hits)):
            status = Status.PRESENT
        elif None in hits or (mark is not None and _is_beyond(finding, item, reading.value, mark)):
            continue
        else:
            status = Status.ABSENT
        facts.append(
            Fact(
                finding=finding,
                status=status,
                span=reading.span,
                value=reading.value,
                unit=reading.unit,
                origin=Origin.MEASURED,
            )
        )
    return facts


def _is_beyond(finding: str, item: Item, value: float | str, mark: str) -> bool:
    """Whether a finding's values lie on the side of a value to which its mark points."""
    if isinstance(value, str):
        return False
    bands = [band.value for band in item.bands if band.finding == finding and band.value is not None]
    if mark == "low":
        return any(band.upper is not None and band.upper <= value for band in bands)
    return any(band.lower is not None and band.lower > value for band in bands)


def critical_values(values: Iterable[Reading], items: Mapping[str, Item], person: Person) -> list[CriticalValue]:
    """The values beyond a critical limit, in the order given. Unknown age or sex counts as concerned: safer so."""
    found = []
    for reading in values:
        item = items[reading.item]
        for band in item.critical:
            if _concerns(band, person) is not False and _inside(band, reading.value):
                found.append(CriticalValue(item, reading, band))
                break
    return found
