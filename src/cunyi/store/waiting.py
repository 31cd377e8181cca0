"""Who is waiting to be seen today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from cunyi.store import schema
from cunyi.store.unit import Writing


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in the queue (候诊): since when, and why in a few words."""

    id: str
    person_id: str
    reason: str
    arrived_at: datetime


def add_waiting(writing: Writing, person_id: str, village_code: str, reason: str, *, since: datetime) -> str:
    """Puts a person in the queue; the id of the entry. Whoever came since and waits already stays where they are."""
    table = schema.waiting
    known = writing.connection.execute(
        select(table.c.id).where(
            table.c.organisation == writing.organisation,
            table.c.person_id == person_id,
            table.c.done_at.is_(None),
            table.c.arrived_at >= since,
        )
    ).scalar_one_or_none()
    if known is not None:
        return str(known)
    # Who was never taken off the queue of an earlier day comes anew.
    end_waiting(writing, person_id)
    waiting_id = writing.new_id()
    writing.connection.execute(
        insert(table).values(
            organisation=writing.organisation,
            id=waiting_id,
            person_id=person_id,
            village_code=village_code,
            reason=reason,
            arrived_at=writing.latest,
        )
    )
    return waiting_id


def end_waiting(writing: Writing, person_id: str) -> None:
    """Takes a person out of the queue: seen, or gone."""
    table = schema.waiting
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.person_id == person_id, table.c.done_at.is_(None))
        .values(done_at=writing.latest)
    )


def everybody_waiting(
    connection: Connection, organisation: str, villages: Sequence[str], since: datetime
) -> list[Waiting]:
    """Who came since and was not seen yet, in order of arrival."""
    table = schema.waiting
    rows = connection.execute(
        select(table.c.id, table.c.person_id, table.c.reason, table.c.arrived_at)
        .where(
            table.c.organisation == organisation,
            table.c.done_at.is_(None),
            table.c.arrived_at >= since,
            or_(*(table.c.village_code.startswith(area, autoescape=True) for area in villages)),
        )
        .order_by(table.c.arrived_at, table.c.id)
    )
    return [Waiting(**row._mapping) for row in rows]
