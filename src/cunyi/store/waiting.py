"""Who is waiting to be seen today, how urgently and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from cunyi.domain.queue import QueueTriage
from cunyi.store import packing, schema
from cunyi.store.unit import Writing


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in the queue (候诊): since when, why in a few words, and how urgently."""

    id: str
    person_id: str
    village_code: str
    reason: str
    arrived_at: datetime
    triage: QueueTriage


def add_waiting(writing: Writing, person_id: str, village_code: str, reason: str, *, since: datetime) -> Waiting:
    """Puts a person in the queue. Whoever came since and waits already stays where they are."""
    known = waiting_of(writing.connection, writing.organisation, person_id, since)
    if known is not None:
        return known
    # Who was never taken off the queue of an earlier day comes anew.
    end_waiting(writing, person_id)
    waiting = Waiting(
        id=writing.new_id(),
        person_id=person_id,
        village_code=village_code,
        reason=reason,
        arrived_at=writing.latest,
        triage=QueueTriage(),
    )
    writing.connection.execute(
        insert(schema.waiting).values(
            **{**msgspec.structs.asdict(waiting), "triage": _packed(waiting.triage)},
            organisation=writing.organisation,
            level=waiting.triage.level,
        )
    )
    return waiting


def set_triage(writing: Writing, waiting_id: str, triage: QueueTriage) -> None:
    """Keeps every look at somebody who waits, the level that holds beside it."""
    table = schema.waiting
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.id == waiting_id)
        .values(triage=_packed(triage), level=triage.level)
    )


def end_waiting(writing: Writing, person_id: str) -> None:
    """Takes a person out of the queue: seen, or gone."""
    table = schema.waiting
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.person_id == person_id, table.c.done_at.is_(None))
        .values(done_at=writing.latest)
    )


def waiting_of(connection: Connection, organisation: str, person_id: str, since: datetime) -> Waiting | None:
    """The entry of a person who came since and was not seen yet."""
    table = schema.waiting
    row = connection.execute(
        select(table).where(
            table.c.organisation == organisation,
            table.c.person_id == person_id,
            table.c.done_at.is_(None),
            table.c.arrived_at >= since,
        )
    ).one_or_none()
    return None if row is None else _waiting(row)


def everybody_waiting(
    connection: Connection, organisation: str, villages: Sequence[str], since: datetime
) -> list[Waiting]:
    """Who came since and was not seen yet, in order of arrival."""
    table = schema.waiting
    rows = connection.execute(
        select(table)
        .where(
            table.c.organisation == organisation,
            table.c.done_at.is_(None),
            table.c.arrived_at >= since,
            or_(*(table.c.village_code.startswith(area, autoescape=True) for area in villages)),
        )
        .order_by(table.c.arrived_at, table.c.id)
    )
    return [_waiting(row) for row in rows]


def _packed(triage: QueueTriage) -> bytes:
    return packing.pack(msgspec.json.encode(triage))


def _waiting(row: Any) -> Waiting:
    triage = QueueTriage()
    if row.triage is not None:
        triage = msgspec.json.decode(packing.unpack(row.triage), type=QueueTriage)
    return Waiting(
        id=row.id,
        person_id=row.person_id,
        village_code=row.village_code,
        reason=row.reason,
        arrived_at=row.arrived_at,
        triage=triage,
    )
