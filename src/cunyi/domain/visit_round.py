"""Visit rounds (巡诊): why somebody is to be visited at home, how soon, and what of their record decides it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from cunyi.domain.case import Sex

# The code of a planned visit that was put off on the round.
PUT_OFF = "visit_round"


class VisitUrgency(StrEnum):
    """How soon somebody is to be visited (巡诊缓急: 今天去 / 三天内去 / 本周去), the most urgent first."""

    TODAY = "today"
    SOON = "soon"
    WEEK = "week"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(VisitUrgency).index(self)


class VisitReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why somebody is to be visited (巡诊原因): the rule of the knowledge, and what of the record it was found in.

    `words` is the name of a plan, a problem or a programme; `item` and `value` a reading; `on` the day that it is about
    and `days` how many have passed since then, where the rule counts them (negative for days to come).
    """

    rule: str
    urgency: VisitUrgency
    words: str = ""
    item: str = ""
    value: float | None = None
    on: date | None = None
    days: int | None = None


class LastReading(msgspec.Struct, frozen=True):
    """The last value of an item, in its own unit (最近读数)."""

    item: str
    value: float
    at: datetime


class PlannedVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A planned visit as far as a round asks about it (计划随访); `put_off` where the round itself moved it."""

    name: str
    detail: str
    due_on: date
    since_on: date | None
    put_off: bool


class NotedProblem(msgspec.Struct, frozen=True):
    """A problem of the list in its own words (问题), with the ICD-10 code and the day it began where they are known."""

    words: str
    name: str
    code: str
    since_on: date | None


class OpenMatter(msgspec.Struct, frozen=True):
    """A thread about a person that is not closed (未了的往来): its kind, its state, the day it last changed."""

    kind: str
    state: str
    changed_on: date


class Standing(msgspec.Struct, kw_only=True):
    """How somebody stands, as far as a round asks about it (居民现状).

    `last_seen` is the day of the last encounter that was not by phone; `youngest_born` the birth of a woman's youngest child.
    """

    sex: Sex | None
    age_years: float | None
    age_days: int | None
    programmes: tuple[str, ...]
    note: str = ""
    last_seen: date | None = None
    youngest_born: date | None = None
    plans: list[PlannedVisit] = []
    problems: list[NotedProblem] = []
    readings: list[LastReading] = []
    matters: list[OpenMatter] = []
