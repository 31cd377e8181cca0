"""The lists of a person that go on from visit to visit: problems, allergies, long-term drugs, planned visits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import ListEntry, ListKind, canonical
from cunyi.store import schema
from cunyi.store.people import StaleError
from cunyi.store.unit import Writing


def add_entry(writing: Writing, entry: ListEntry) -> None:
    """Puts an entry on a list."""
    writing.connection.execute(
        insert(schema.list_entry).values(
            organisation=entry.organisation,
            id=entry.id,
            person_id=entry.person_id,
            kind=entry.kind,
            due_on=entry.due_on,
            ended_on=entry.ended_on,
            revision=entry.revision,
            details=canonical(entry),
        )
    )
    writing.change(ChangeKind.LIST_ENTRY, entry.id, after=entry, person=entry.person_id)


def replace_entry(writing: Writing, entry: ListEntry) -> ListEntry:
    """Keeps a changed entry; `entry.revision` is the one that was changed. StaleError where it is not the latest."""
    changed = msgspec.structs.replace(entry, revision=entry.revision + 1)
    was = entry_by_id(writing.connection, entry.organisation, entry.id)
    table = schema.list_entry
    done = writing.connection.execute(
        update(table)
        .where(
            table.c.organisation == entry.organisation,
            table.c.id == entry.id,
            table.c.revision == entry.revision,
        )
        .values(due_on=changed.due_on, ended_on=changed.ended_on, revision=changed.revision, details=canonical(changed))
    )
    if done.rowcount != 1:
        raise StaleError("这一条在别处刚改过；请重新打开再改", field="revision")
    writing.change(ChangeKind.LIST_ENTRY, entry.id, before=was, after=changed, person=entry.person_id)
    return changed


def entry_by_id(connection: Connection, organisation: str, entry_id: str) -> ListEntry | None:
    """An entry by id."""
    table = schema.list_entry
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == entry_id)
    ).scalar_one_or_none()
    return None if details is None else msgspec.json.decode(details, type=ListEntry)


def entries_of(
    connection: Connection, organisation: str, persons: Sequence[str], *, ended: bool = False
) -> list[ListEntry]:
    """The entries of a person, those that ended only where asked for; oldest first."""
    table = schema.list_entry
    query = select(table.c.details).where(table.c.organisation == organisation, table.c.person_id.in_(persons))
    if not ended:
        query = query.where(table.c.ended_on.is_(None))
    rows = connection.execute(query.order_by(table.c.kind, table.c.id)).scalars()
    return [msgspec.json.decode(details, type=ListEntry) for details in rows]


def visits_due(
    connection: Connection, organisation: str, villages: Sequence[str], until: date, limit: int = 200
) -> list[ListEntry]:
    """Planned visits of these villages (codes or their leading digits) that are due, longest overdue first."""
    table, people = schema.list_entry, schema.person
    rows = connection.execute(
        select(table.c.details)
        .join(people, (people.c.organisation == table.c.organisation) & (people.c.id == table.c.person_id))
        .where(
            table.c.organisation == organisation,
            table.c.kind == ListKind.PLAN,
            table.c.ended_on.is_(None),
            table.c.due_on <= until,
            people.c.status == "active",
            or_(*(people.c.village_code.startswith(area, autoescape=True) for area in villages)),
        )
        .order_by(table.c.due_on, people.c.village_code, people.c.sort_key)
        .limit(limit)
    ).scalars()
    return [msgspec.json.decode(details, type=ListEntry) for details in rows]
