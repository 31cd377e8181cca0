"""Conflicts as they are kept: open ones to be decided, decided ones to be looked at."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from cunyi.domain.conflict import Conflict
from cunyi.domain.encounter import canonical
from cunyi.store import packing
from cunyi.store.township_schema import conflict as table


def keep_conflict(connection: Connection, conflict: Conflict) -> None:
    """Keeps a conflict as it now is."""
    values = {
        "kind": conflict.kind,
        "subject": conflict.subject,
        "person_id": conflict.person_id,
        "village_code": conflict.village_code,
        "found_at": conflict.found_at,
        "decided_at": conflict.decided_at,
        "revision": conflict.revision,
        "details": packing.pack(canonical(conflict)),
    }
    key = (table.c.organisation == conflict.organisation) & (table.c.id == conflict.id)
    if connection.execute(update(table).where(key).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(organisation=conflict.organisation, id=conflict.id, **values))


def conflict_by_id(connection: Connection, organisation: str, conflict_id: str) -> Conflict | None:
    """A conflict, decided or not."""
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == conflict_id)
    ).scalar_one_or_none()
    return None if details is None else _conflict(details)


def open_conflicts(connection: Connection, organisation: str, limit: int = 200) -> list[Conflict]:
    """The conflicts that nobody decided yet, the oldest first."""
    rows = connection.execute(
        select(table.c.details)
        .where(table.c.organisation == organisation, table.c.decided_at.is_(None))
        .order_by(table.c.found_at, table.c.id)
        .limit(limit)
    ).scalars()
    return [_conflict(details) for details in rows]


def count_open_conflicts(connection: Connection, organisation: str) -> int:
    """How many conflicts wait for a decision."""
    return connection.execute(
        select(func.count()).where(table.c.organisation == organisation, table.c.decided_at.is_(None))
    ).scalar_one()


def conflicts_of(connection: Connection, organisation: str, subjects: list[str]) -> list[Conflict]:
    """The conflicts about some things, decided or not."""
    rows = connection.execute(
        select(table.c.details)
        .where(table.c.organisation == organisation, table.c.subject.in_(subjects))
        .order_by(table.c.id)
    ).scalars()
    return [_conflict(details) for details in rows]


def _conflict(details: Any) -> Conflict:
    return msgspec.json.decode(packing.unpack(details), type=Conflict)
