"""Levels of care and of danger, ordered as medicine orders them."""

from __future__ import annotations

from enum import IntEnum


class TriageLevel(IntEnum):
    """How soon and where a patient must be seen (分诊级别): graver compares greater."""

    SELF_CARE = 0
    ROUTINE = 1
    URGENT = 2
    EMERGENCY = 3

    @property
    def code(self) -> str:
        """The word used in cases, assessments and knowledge files."""
        return self.name.lower()

    @classmethod
    def from_code(cls, code: str) -> TriageLevel:
        """The level of a word; KeyError for any other word."""
        return cls[code.upper()]


class Criticality(IntEnum):
    """How dangerous a disease is if it is missed (危急程度)."""

    MINOR = 0
    ROUTINE = 1
    URGENT = 2
    CRITICAL = 3

    @property
    def code(self) -> str:
        """The word used in assessments and knowledge files."""
        return self.name.lower()

    @classmethod
    def from_code(cls, code: str) -> Criticality:
        """The criticality of a word; KeyError for any other word."""
        return cls[code.upper()]


REFERRAL_TARGETS = ("village", "township", "county", "120")
REFERRAL_DEADLINES = ("now", "2h", "24h", "2w")
