"""What the hospital found against what was thought before: how far two diagnoses agree, and which rank the right one had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from cunyi.domain.encounter import Diagnosis
from cunyi.domain.referral import ReferralReturn, ReferralSlip

_CATEGORY = 3


class Match(StrEnum):
    """How far a thought agrees with the hospital's main diagnosis (符合程度: 一致 / 同类 / 不同 / 没有可比的)."""

    SAME = "same"
    ALIKE = "alike"
    OTHER = "other"
    NOTHING = "nothing"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One referral compared (转诊前后对照). `rank` is the place of the hospital's diagnosis in the program's list, 0 where it was not in it."""

    hospital: str
    icd10: str
    doctor_thought: tuple[str, ...]
    program_thought: tuple[str, ...]
    doctor: Match
    program: Match
    rank: int


def compare(slip: ReferralSlip, returned: ReferralReturn) -> Compared | None:
    """The comparison with the hospital's main diagnosis, the first on the return slip; None where it has none."""
    if not returned.diagnoses:
        return None
    main = returned.diagnoses[0]
    listed = [
        Diagnosis(name=name, icd10=icd10, disease=disease) for disease, name, icd10, _ in slip.thought.differential
    ]
    ranks = [place for place, each in enumerate(listed, start=1) if match(each, main) is Match.SAME]
    return Compared(
        hospital=main.name,
        icd10=main.icd10,
        doctor_thought=tuple(each.name for each in slip.diagnoses),
        program_thought=tuple(each.name for each in listed[:_CATEGORY]),
        doctor=_best(slip.diagnoses, main),
        program=_best(listed, main),
        rank=ranks[0] if ranks else 0,
    )


def match(thought: Diagnosis, found: Diagnosis) -> Match:
    """The same disease by its id, its whole code or its name; alike where the first three characters of the codes agree."""
    if thought.disease and thought.disease == found.disease:
        return Match.SAME
    if thought.icd10 and thought.icd10 == found.icd10:
        return Match.SAME
    if thought.name.strip() and thought.name.strip() == found.name.strip():
        return Match.SAME
    same_category = bool(thought.icd10) and thought.icd10[:_CATEGORY] == found.icd10[:_CATEGORY]
    return Match.ALIKE if same_category else Match.OTHER


def compared_from(details: dict[str, Any]) -> Compared | None:
    """The comparison as a projection keeps it."""
    raw = details.get("compared")
    return msgspec.convert(raw, Compared) if raw else None


def _best(thoughts: Sequence[Diagnosis], found: Diagnosis) -> Match:
    return min(_matches(thoughts, found), key=list(Match).index, default=Match.NOTHING)


def _matches(thoughts: Iterable[Diagnosis], found: Diagnosis) -> Iterable[Match]:
    return (match(each, found) for each in thoughts)
