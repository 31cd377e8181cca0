"""The rules of visit rounds as the knowledge base has them: who is to be visited at home, and how soon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cunyi.knowledge.conditions import Bounds

URGENCIES = ("today", "soon", "week")
# What a rule may look at, and which of its keys belong to each.
GROUNDS: Mapping[str, frozenset[str]] = {
    "thread": frozenset({"thread", "states"}),
    "reading": frozenset({"critical", "findings", "age_of_reading_days"}),
    "age": frozenset({"age_years", "age_days"}),
    "childbirth": frozenset({"child_age_days"}),
    "plan": frozenset({"overdue_days"}),
    "follow_up_sooner": frozenset(),
    "follow_up_missed": frozenset(),
    "programme": frozenset({"programmes"}),
    "words": frozenset({"words", "within_days"}),
}


class UrgencyName(msgspec.Struct, frozen=True):
    """What an urgency is called (缓急名称)."""

    name: str
    name_en: str


class PuttingOff(msgspec.Struct, frozen=True, kw_only=True):
    """How a visit may be put off (推迟规则): for how many days by urgency, and reasons to choose from."""

    longest_days: dict[str, int]
    reasons: tuple[str, ...]


class VisitRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of visit rounds (巡诊规则). `ground` is what it looks at; every bound that it has must hold.

    `unseen_days`: only who was not seen for at least so long. `never_seen`: only who was never seen, after a childbirth since then.
    """

    id: str
    name: str
    name_en: str
    urgency: str
    ground: str
    thread: str
    states: tuple[str, ...]
    critical: bool
    findings: tuple[str, ...]
    age_of_reading_days: Bounds
    age_years: Bounds
    age_days: Bounds
    child_age_days: Bounds
    overdue_days: Bounds
    programmes: tuple[str, ...]
    words: tuple[str, ...]
    within_days: int | None
    unseen_days: int
    never_seen: bool
    sources: tuple[str, ...]


class VisitRules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the knowledge says of visit rounds (巡诊规则表); `rules` in the order of danger."""

    urgencies: dict[str, UrgencyName]
    done_days: int
    most_residents: int
    first_shown: int
    readings_shown: tuple[str, ...]
    put_off: PuttingOff
    rules: tuple[VisitRule, ...]
    review_status: str


def read_visit_rules(raw: Mapping[str, Any] | None) -> VisitRules | None:
    """The rules of a compiled document; None where none were compiled."""
    if not raw:
        return None
    return VisitRules(
        urgencies={key: UrgencyName(each["name"], each["name_en"]) for key, each in raw["urgencies"].items()},
        done_days=int(raw["done_days"]),
        most_residents=int(raw["most_residents"]),
        first_shown=int(raw["first_shown"]),
        readings_shown=tuple(raw["readings_shown"]),
        put_off=PuttingOff(
            longest_days={key: int(days) for key, days in raw["put_off"]["longest_days"].items()},
            reasons=tuple(raw["put_off"]["reasons"]),
        ),
        rules=tuple(_rule(each) for each in raw["rules"]),
        review_status=(raw.get("review") or {}).get("status", "draft"),
    )


def _rule(raw: Mapping[str, Any]) -> VisitRule:
    return VisitRule(
        id=raw["id"],
        name=raw["name"],
        name_en=raw["name_en"],
        urgency=raw["urgency"],
        ground=raw["ground"],
        thread=raw.get("thread", ""),
        states=tuple(raw.get("states", ())),
        critical=bool(raw.get("critical", False)),
        findings=tuple(raw.get("findings", ())),
        age_of_reading_days=_bounds(raw.get("age_of_reading_days")),
        age_years=_bounds(raw.get("age_years")),
        age_days=_bounds(raw.get("age_days")),
        child_age_days=_bounds(raw.get("child_age_days")),
        overdue_days=_bounds(raw.get("overdue_days")),
        programmes=tuple(raw.get("programmes", ())),
        words=tuple(raw.get("words", ())),
        within_days=raw.get("within_days"),
        unseen_days=int(raw.get("unseen_days", 0)),
        never_seen=bool(raw.get("never_seen", False)),
        sources=tuple(raw["sources"]),
    )


def _bounds(raw: Mapping[str, Any] | None) -> Bounds:
    return Bounds((raw or {}).get("from"), (raw or {}).get("below"))
