"""A case (病例): what goes into an assessment. The fields are those of the case format and are never renamed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from cunyi.domain.finding import Fact, Reading

TEXT_FIELDS = (
    "chief_complaint",
    "history_of_present_illness",
    "past_history",
    "personal_history",
    "family_history",
    "physical_examination",
    "auxiliary_examination",
)
COMPLAINT_FIELDS = ("chief_complaint", "history_of_present_illness")
"""Where a patient's own telling stands."""
VITAL_FIELDS = (
    "temperature_c",
    "pulse_bpm",
    "respiratory_rate_bpm",
    "systolic_mmhg",
    "diastolic_mmhg",
    "spo2_pct",
    "weight_kg",
    "height_cm",
    "glucose_mmol_l",
)
SYSTOLIC, DIASTOLIC = "systolic_mmhg", "diastolic_mmhg"


def is_swapped(vitals: Mapping[str, float]) -> bool:
    """Whether the systolic pressure is not above the diastolic one: the two were swapped, or one is wrong."""
    return SYSTOLIC in vitals and DIASTOLIC in vitals and vitals[SYSTOLIC] <= vitals[DIASTOLIC]


class Sex(StrEnum):
    """Sex (性别); unknown is None and never guessed."""

    MALE = "male"
    FEMALE = "female"


class Lab(msgspec.Struct, frozen=True):
    """A laboratory result as it was reported (检验结果): `value` is a number or the text of an ordinal result ("2+")."""

    name: str
    value: float | str
    unit: str | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One patient's encounter as the engine reads it (病例). Every field but `id` may be missing."""

    id: str = ""
    sex: Sex | None = None
    age_years: float | None = None
    chief_complaint: str = ""
    history_of_present_illness: str = ""
    past_history: str = ""
    personal_history: str = ""
    family_history: str = ""
    physical_examination: str = ""
    auxiliary_examination: str = ""
    vitals: dict[str, float] = {}
    labs: tuple[Lab, ...] = ()
    findings: tuple[Fact, ...] = ()
    medications: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    previous: tuple[Reading, ...] = ()
    pregnant: bool | None = None
    month: int | None = None
    own_words: bool = False
    """The text is what the patient or a relative said, not a doctor's record."""
    candidates: tuple[str, ...] = ()
