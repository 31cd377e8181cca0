"""What is known about a patient: facts (征象) and readings (读数), each with where it came from."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec


class Status(StrEnum):
    """Whether a finding is there (有 / 没有 / 可能 / 不清楚). Unknown is not absent."""

    PRESENT = "present"
    ABSENT = "absent"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


class Who(StrEnum):
    """Whose finding it is (患者 / 家人)."""

    PATIENT = "patient"
    FAMILY = "family"


class When(StrEnum):
    """Whether it belongs to this illness or to the past (现在 / 既往)."""

    NOW = "now"
    PAST = "past"


class Onset(StrEnum):
    """How it began (突发 / 渐起)."""

    SUDDEN = "sudden"
    GRADUAL = "gradual"


class Severity(StrEnum):
    """How bad it is (轻 / 中 / 重)."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class Origin(StrEnum):
    """How a fact came to be known (文字 / 直接填写 / 测量 / 病历 / 推出)."""

    TEXT = "text"
    STATED = "stated"
    MEASURED = "measured"
    RECORD = "record"
    DERIVED = "derived"


class Span(NamedTuple):
    """Where in the case a fact stands (原文位置): field name and Unicode code points of the original text, end exclusive."""

    field: str
    start: int
    end: int


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One finding about one patient (征象): its status, whose, when, how, and the exact words it was read from."""

    finding: str
    status: Status
    who: Who = Who.PATIENT
    when: When = When.NOW
    onset: Onset | None = None
    duration_days: float | None = None
    severity: Severity | None = None
    span: Span | None = None
    value: float | str | None = None
    unit: str | None = None
    origin: Origin = Origin.TEXT


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value (读数) of a vital sign or laboratory item, in the item's own unit.

    `item` is an id of `knowledge/ranges`; `value` a number, or a text of the item's scale ("2+"); `raw` what was written.
    `days_ago` is 0 for a reading of this encounter.
    """

    item: str
    value: float | str
    unit: str | None = None
    raw: str | None = None
    span: Span | None = None
    when: When = When.NOW
    days_ago: float = 0
