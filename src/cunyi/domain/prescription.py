"""What a doctor wrote on a prescription, whom it is for, and what a check of it has to say."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cunyi.domain.case import Lab, Sex
from cunyi.domain.finding import Reading


class PrescriptionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One drug of a prescription (处方药品) as the doctor wrote it. A line without a drug name is an empty row."""

    drug: str
    strength: str = ""
    dose: str = ""
    route: str = ""
    frequency: str = ""
    days: float | None = None
    quantity: str = ""
    note: str = ""


class PatientForPrescribing(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a prescription is for and who writes it (处方对象). What is None is not known, and unknown is not "no".

    `weight_kg` and `labs` are today's, `previous` what was measured before. `allergies` and `current_drugs` are texts as
    written, `problems` texts or ids of diseases and findings, `findings` ids of the findings that are there today. `role`
    is the prescriber's, `emergency_visit` and `chronic_reason` (为何开长期处方) decide how many days may be given.
    """

    age_years: float | None = None
    sex: Sex | None = None
    pregnant: bool | None = None
    lactating: bool | None = None
    weight_kg: float | None = None
    labs: tuple[Lab, ...] = ()
    previous: tuple[Reading, ...] = ()
    allergies: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    current_drugs: tuple[str, ...] = ()
    role: str = ""
    emergency_visit: bool = False
    chronic_reason: str = ""


class ConcernKind(StrEnum):
    """What a prescription check may object to (提醒类别), the more dangerous first."""

    ALLERGY = "allergy"
    CROSS_ALLERGY = "cross_allergy"
    INTERACTION = "interaction"
    CONTRAINDICATION = "contraindication"
    DOSE = "dose"
    AGE = "age"
    PREGNANCY = "pregnancy"
    LACTATION = "lactation"
    DUPLICATE = "duplicate"
    ANTIMICROBIAL_LEVEL = "antimicrobial_level"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    SKIN_TEST = "skin_test"
    NOT_IN_LIST = "not_in_list"


class ConcernSeverity(StrEnum):
    """How grave a concern is (提醒程度): stop and warn ask for the doctor's reason, a note does not."""

    STOP = "stop"
    WARN = "warn"
    NOTE = "note"


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look at before a prescription is signed (用药提醒).

    `lines` are the prescription lines it is about, counted from 0, empty where it is about the patient's record; `drugs`
    the names shown, drugs in use included; `source` an id of the knowledge base's sources.
    """

    kind: ConcernKind
    severity: ConcernSeverity
    lines: tuple[int, ...]
    drugs: tuple[str, ...]
    drugs_en: tuple[str, ...]
    message: str
    message_en: str
    source: str

    @property
    def needs_reason(self) -> bool:
        """Whether the doctor must write down why he prescribes all the same."""
        return self.severity != ConcernSeverity.NOTE
