"""What the pages of referrals show, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from cunyi.journeys.referral_lists import WhomToRing
from cunyi.knowledge.referral_loops import Reminder
from cunyi.reasoning.choosing_facility import ProposedFacility
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.language import ENGLISH

_CHECK_ROWS = 3


class PlaceView(msgspec.Struct, frozen=True):
    """A facility to choose (可选机构): its department there, minutes away, why it is proposed."""

    code: str
    name: str
    level: str
    department: str
    minutes: int | None
    phone: str
    emergency_phone: str
    merits: list[str]
    can_take: bool


class RingView(msgspec.Struct, frozen=True):
    """What to do about something late, and the telephone (催办)."""

    text: str
    lang: str
    name: str
    phone: str


def place_views(places: Sequence[ProposedFacility], knowledge: Knowledge, language: str) -> list[PlaceView]:
    """The facilities to choose from, the best first."""
    departments = knowledge.content.departments

    def department(each: ProposedFacility) -> str:
        if not each.department:
            return ""
        known = departments[each.department]
        return known.name_en if language == ENGLISH else known.name

    return [
        PlaceView(
            code=each.facility.code,
            name=each.facility.name,
            level=each.facility.level.value,
            department=department(each),
            minutes=each.minutes,
            phone=each.facility.phone,
            emergency_phone=each.facility.emergency_phone,
            merits=[merit.value for merit in each.merits],
            can_take=each.can_take,
        )
        for each in places
    ]


def check_rows(sent: Mapping[str, Sequence[str]] | None) -> list[tuple[str, str]]:
    """The rows of days and checks as they were sent, and empty ones to write in."""
    days, whats = ((list(sent.get(name, ())) if sent else []) for name in ("check_on", "check_what"))
    rows = list(zip(days, whats, strict=False))
    return [*rows, *[("", "")] * (_CHECK_ROWS - len(rows))]


def reminder_words(reminder: Reminder | None, language: str) -> tuple[str, str]:
    """A reminder with the language of its words; empty where there is none."""
    if reminder is None:
        return "", language
    return (reminder.text_en, ENGLISH) if language == ENGLISH else (reminder.text, "zh")


def ring_views(rings: Sequence[WhomToRing], language: str) -> list[RingView]:
    """What to do about a late referral."""
    return [RingView(*reminder_words(each.reminder, language), each.name, each.phone) for each in rings]


def how_long(late: timedelta | None) -> tuple[str, int]:
    """A stretch of time in its largest whole unit: days, hours or minutes."""
    minutes = int(late.total_seconds() // 60) if late else 0
    for unit, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return unit, minutes // size
    return "minutes", minutes
