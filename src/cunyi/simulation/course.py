"""How threads went, from the notes on the hub: how many were opened, where they stand, how long each step took."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta

import msgspec
from sqlalchemy import select

from cunyi.domain.thread import Note
from cunyi.simulation.report import Course
from cunyi.store import packing
from cunyi.store.township_schema import note as notes
from cunyi.store.township_schema import thread as threads
from cunyi.store.unit import Store


def course_of(hub: Store) -> Course:
    """The course of every thread that the hub has."""
    found = Course()
    with hub.reading() as connection:
        states: dict[str, Counter[str]] = defaultdict(Counter)
        for kind, state in connection.execute(select(threads.c.kind, threads.c.state)):
            states[kind][state] += 1
        by_thread: dict[str, list[Note]] = defaultdict(list)
        for body in connection.execute(select(notes.c.body)).scalars():
            written = msgspec.json.decode(packing.unpack(body), type=Note)
            by_thread[written.thread].append(written)
    found.states = {kind: dict(counted) for kind, counted in states.items()}
    found.opened = {kind: sum(counted.values()) for kind, counted in states.items()}
    for written_in in by_thread.values():
        for step, wait in _waits(written_in):
            found.waits.setdefault(step, []).append(wait)
    return found


def _waits(written: list[Note]) -> list[tuple[str, timedelta]]:
    """The time from the first note of a thread to the first one of each later kind, as they were signed."""
    ordered = sorted(written, key=lambda each: (each.signed_at, each.id))
    first: dict[str, Note] = {}
    for each in ordered:
        first.setdefault(each.kind, each)
    return [
        (f"{each.thread_kind}: {kind}", each.signed_at - ordered[0].signed_at)
        for kind, each in first.items()
        if each is not ordered[0]
    ]
