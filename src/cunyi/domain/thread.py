"""Threads (往来): what several people write in turn about one person, every note signed and never changed.

A referral, a consultation and a critical value are threads. Their state is made from their notes, in an order that needs no
clock: a note names those its author had before them, so nodes that have the same notes agree, however they came by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from cunyi.domain.encounter import PersonAsSigned, Signer


class ThreadKind(StrEnum):
    """What a thread is about (往来种类: 转诊 / 会诊 / 危急值)."""

    REFERRAL = "referral"
    CONSULTATION = "consultation"
    CRITICAL_VALUE = "critical_value"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One signed note of a thread (往来记录). Its canonical bytes are hashed, signed by the node, stored and sent as they are.

    `kind` says what was done, in the words of the thread's kind; `content` its particulars. `after` are the ids of the notes
    that nobody had answered yet when it was written; empty for the first. `author` is the program where nobody acted.
    """

    format: int
    id: str
    organisation: str
    thread: str
    thread_kind: ThreadKind
    kind: str
    after: tuple[str, ...]
    facility: str
    facility_name: str
    node: str
    person: PersonAsSigned
    village_code: str
    author: Signer
    signed_at: datetime
    clock_doubtful: bool
    content: dict[str, Any]


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A thread as it stands (往来现状), made from its notes.

    `urgency` is 0 for routine, 1 for soon, 2 for at once. `from_facility` opened it, `to_facility` is to answer. `due_at` is when
    the next step is late. `details` is what lists and pages show of it.
    """

    id: str
    organisation: str
    kind: ThreadKind
    person_id: str
    village_code: str
    state: str
    closed: bool
    urgency: int
    from_facility: str
    to_facility: str
    opened_at: datetime
    changed_at: datetime
    due_at: datetime | None = None
    details: dict[str, Any] = {}


def in_order(notes: Sequence[Note]) -> list[Note]:
    """Notes so that each follows those it was written after; where nothing decides, by id. A note not here decides nothing."""
    waiting = {note.id: note for note in notes}
    ordered: list[Note] = []
    placed: set[str] = set()
    while waiting:
        ready = [
            note for note in waiting.values() if all(before in placed or before not in waiting for before in note.after)
        ]
        # Notes that name each other in a circle can only be forged: they are taken by id.
        chosen = min(ready or waiting.values(), key=lambda note: note.id)
        ordered.append(chosen)
        placed.add(chosen.id)
        del waiting[chosen.id]
    return ordered


def due_after(since: datetime, minutes: int) -> datetime | None:
    """When a step is late that has so many minutes; None where it has no limit, or one beyond all calendars."""
    try:
        return since + timedelta(minutes=minutes) if minutes > 0 else None
    except OverflowError:
        return None


def heads(notes: Sequence[Note]) -> tuple[str, ...]:
    """The notes that no other note of the thread follows: what the next one comes after."""
    answered = {before for note in notes for before in note.after}
    return tuple(sorted(note.id for note in notes if note.id not in answered))
