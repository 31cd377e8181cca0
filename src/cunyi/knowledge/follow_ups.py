"""Follow-up programmes: what a chronic disease's visit asks and measures, and when the next one is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cunyi.knowledge.conditions import Condition, parse_condition


class Sooner(msgspec.Struct, frozen=True, kw_only=True):
    """When a follow-up comes sooner than usual (提前随访), and why."""

    when: Condition
    within_days: int
    why: str
    why_en: str


class FollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """A follow-up programme (随访方案) of one chronic disease. `readings` are taken each time; intervals in days."""

    id: str
    name: str
    name_en: str
    disease: str
    readings: tuple[str, ...]
    no_complaints: str
    interval_days: int
    sooner: Sooner | None
    sources: tuple[str, ...]
    review_status: str


def read_follow_up(raw: Mapping[str, Any]) -> FollowUp:
    """A programme of a compiled document."""
    sooner = raw.get("sooner")
    return FollowUp(
        id=raw["id"],
        name=raw["name"],
        name_en=raw["name_en"],
        disease=raw["disease"],
        readings=tuple(raw["readings"]),
        no_complaints=raw["no_complaints"],
        interval_days=int(raw["interval_days"]),
        sooner=None
        if not sooner
        else Sooner(
            when=parse_condition(sooner["when"]),
            within_days=int(sooner["within_days"]),
            why=sooner["why"],
            why_en=sooner["why_en"],
        ),
        sources=tuple(raw["sources"]),
        review_status=(raw.get("review") or {}).get("status", "draft"),
    )
