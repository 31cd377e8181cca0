"""Assessing one case at the bench: the assessment, and the evidence for a disease that the doctor asks about."""

from __future__ import annotations

import msgspec

from cunyi.domain.assessment import Assessment, Candidate
from cunyi.domain.case import Case
from cunyi.knowledge.conditions import Bounds
from cunyi.knowledge.model import Band, Item
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge

_ADULT_YEARS = 18
_SUGGESTED = 8


class Opinion(msgspec.Struct, frozen=True):
    """An assessment and, where the doctor asked "why not …?", that disease's own evidence (评估与反问)."""

    assessment: Assessment
    asked: Candidate | None


class NormalBand(msgspec.Struct, frozen=True):
    """The usual values of an item for one person (正常范围); an adult's (`for_adult`) where the age is not known."""

    bounds: Bounds
    for_adult: bool


def assess_case(case: Case, knowledge: Knowledge, why_not: str | None = None) -> Opinion:
    """Assesses a case; `why_not` is the id of a disease whose evidence is wanted though it may not be in the list."""
    if why_not is None or why_not not in knowledge.content.diseases:
        return Opinion(assess(case, knowledge), None)
    # The same numbers, with a list long enough to hold every disease; then cut to its usual length.
    usual = knowledge.settings.shown["differential"]
    everything = {**knowledge.settings.shown, "differential": len(knowledge.content.diseases)}
    wide = msgspec.structs.replace(knowledge, settings=msgspec.structs.replace(knowledge.settings, shown=everything))
    full = assess(case, wide)
    asked = next((candidate for candidate in full.differential if candidate.disease == why_not), None)
    return Opinion(msgspec.structs.replace(full, differential=full.differential[:usual]), asked)


def find_diseases(words: str, knowledge: Knowledge) -> list[str]:
    """Ids of the diseases that `words` may mean: one when it is a name, an alias or a code, else the closest few."""
    wanted = words.strip().casefold()
    if not wanted:
        return []
    containing = []
    for disease in knowledge.content.diseases.values():
        names = [name.casefold() for name in (disease.name, disease.name_en, disease.icd10, *disease.aliases)]
        if wanted in names or wanted == disease.id:
            return [disease.id]
        if any(wanted in name for name in names):
            containing.append((min(len(name) for name in names if wanted in name), disease.id))
    return [disease for _, disease in sorted(containing)[:_SUGGESTED]]


def normal_band(item: Item, case: Case) -> NormalBand | None:
    """The usual values of an item for this person; an adult's where the age is not known; None where there are none."""
    for_adult = case.age_years is None
    age = _ADULT_YEARS if case.age_years is None else case.age_years
    for band in item.normal:
        if band.value is not None and _concerns(band, age, case):
            return NormalBand(band.value, for_adult and band.age is not None)
    return None


def _concerns(band: Band, age: float, case: Case) -> bool:
    if band.age is not None and not band.age.holds(age):
        return False
    if band.sex is not None and band.sex != case.sex:
        return False
    return band.pregnant is None or band.pregnant == bool(case.pregnant)
