"""Critical values (危急值) as threads: notified by the program, acknowledged by somebody, acted on, closed; passed on where nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from cunyi.domain.consultation import as_kept, content_of
from cunyi.domain.thread import Note, Thread, ThreadKind, due_after


class CriticalStep(StrEnum):
    """What a note of a critical value does (危急值步骤: 通报 / 接报 / 处置 / 升级提醒 / 结束)."""

    NOTIFY = "notify"
    ACKNOWLEDGE = "acknowledge"
    ACT = "act"
    ESCALATE = "escalate"
    CLOSE = "close"


class CriticalState(StrEnum):
    """Where a critical value stands (危急值状态: 待接报 / 已接报 / 已处置 / 已结束)."""

    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    ACTED = "acted"
    CLOSED = "closed"


class CriticalLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The minutes within which each step is due (危急值时限), as they held when the value was found."""

    acknowledge: int = 0
    act: int = 0
    close: int = 0


class CriticalNotice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found (危急值通报): the value, the limit that it passes, in which encounter, and who is told."""

    item: str = ""
    value: str = ""
    unit: str = ""
    threshold: str = ""
    source: str = ""
    encounter: str = ""
    found_by: str = ""
    to_facility: str = ""
    facilities: dict[str, str] = {}
    limits: CriticalLimits = CriticalLimits()


class CriticalAct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was done about it (危急值处置), and the words of every other step; `act` is an id of the knowledge, `act_name` its words then, `referral` the thread of the referral that was written."""

    act: str = ""
    act_name: str = ""
    words: str = ""
    referral: str = ""
    to_facility: str = ""
    to_name: str = ""


class CriticalDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What lists show of a critical value (危急值概要). `facilities` are told of it, by code with their names."""

    name: str = ""
    sex: str | None = None
    birth_on: date | None = None
    from_name: str = ""
    facilities: dict[str, str] = {}
    item: str = ""
    value: str = ""
    unit: str = ""
    threshold: str = ""
    encounter: str = ""
    found_by: str = ""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    acknowledge_minutes: int | None = None
    acted_by: str = ""
    acted_at: datetime | None = None
    acts: tuple[str, ...] = ()
    escalations: int = 0


class _Course(msgspec.Struct, kw_only=True):
    """A critical value as it goes from note to note."""

    state: CriticalState
    to_facility: str
    limits: CriticalLimits
    since: datetime
    details: dict[str, Any]


_OPEN = {
    CriticalState.NOTIFIED: (CriticalStep.ACKNOWLEDGE,),
    CriticalState.ACKNOWLEDGED: (CriticalStep.ACT,),
    CriticalState.ACTED: (CriticalStep.ACT, CriticalStep.CLOSE),
}


def critical_details(thread: Thread) -> CriticalDetails:
    """What lists show of a critical value."""
    return msgspec.convert(thread.details, CriticalDetails)


def open_critical_steps(thread: Thread, facility: str) -> tuple[CriticalStep, ...]:
    """What somebody of a facility may do next."""
    told = facility == thread.from_facility or facility in critical_details(thread).facilities
    return _OPEN.get(CriticalState(thread.state), ()) if told else ()


def fold_critical_value(notes: Sequence[Note]) -> Thread:
    """A critical value from its notes in order. Every sequence folds; what does not fit the state changes nothing."""
    first, latest = notes[0], max(note.signed_at for note in notes)
    found = content_of(first, CriticalNotice) if first.kind == CriticalStep.NOTIFY else CriticalNotice()
    course = _Course(
        state=CriticalState.NOTIFIED,
        to_facility=found.to_facility or first.facility,
        limits=found.limits,
        since=first.signed_at,
        details={
            "name": first.person.name,
            "sex": first.person.sex,
            "birth_on": first.person.birth_on,
            "from_name": first.facility_name,
            "facilities": dict(found.facilities),
            "item": found.item,
            "value": found.value,
            "unit": found.unit,
            "threshold": found.threshold,
            "encounter": found.encounter,
            "found_by": found.found_by,
        },
    )
    for note in notes[1:]:
        _take(course, note, first)
    return Thread(
        id=first.thread,
        organisation=first.organisation,
        kind=ThreadKind.CRITICAL_VALUE,
        person_id=first.person.id,
        village_code=first.village_code,
        state=course.state,
        closed=course.state is CriticalState.CLOSED,
        urgency=2,
        from_facility=first.facility,
        to_facility=course.to_facility,
        opened_at=first.signed_at,
        changed_at=latest,
        due_at=_due(course),
        details=as_kept(CriticalDetails(**course.details)),
    )


def _take(course: _Course, note: Note, first: Note) -> None:
    """One further note."""
    if course.state is CriticalState.CLOSED:
        return
    written, details = content_of(note, CriticalAct), course.details
    if note.kind == CriticalStep.ACKNOWLEDGE and course.state is CriticalState.NOTIFIED:
        course.state, course.since = CriticalState.ACKNOWLEDGED, note.signed_at
        _acknowledged(details, note, first)
    elif note.kind == CriticalStep.ACT:
        if "acknowledged_at" not in details:
            _acknowledged(details, note, first)
        course.state, course.since = CriticalState.ACTED, note.signed_at
        details.setdefault("acted_by", note.author.name)
        details.setdefault("acted_at", note.signed_at)
        details["acts"] = (*details.get("acts", ()), written.act_name)
    elif note.kind == CriticalStep.ESCALATE and written.to_facility:
        details["facilities"] = {**details["facilities"], written.to_facility: written.to_name}
        details["escalations"] = details.get("escalations", 0) + 1
        course.to_facility, course.since = written.to_facility, note.signed_at
    elif note.kind == CriticalStep.CLOSE:
        course.state = CriticalState.CLOSED


def _acknowledged(details: dict[str, Any], note: Note, first: Note) -> None:
    details["acknowledged_by"], details["acknowledged_at"] = note.author.name, note.signed_at
    details["acknowledge_minutes"] = max(0, int((note.signed_at - first.signed_at).total_seconds() // 60))


def _due(course: _Course) -> datetime | None:
    limits = course.limits
    minutes = {
        CriticalState.NOTIFIED: limits.acknowledge,
        CriticalState.ACKNOWLEDGED: limits.act,
        CriticalState.ACTED: limits.close,
    }.get(course.state, 0)
    return due_after(course.since, minutes)
