"""Things that have a state, read and kept whole as they came from another node: many at once, without a change of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert, select, update

from cunyi.domain.account import Account
from cunyi.domain.change import ChangeKind
from cunyi.domain.conflict import Conflict
from cunyi.domain.encounter import ListEntry, canonical
from cunyi.domain.person import Household, Person
from cunyi.store import packing, schema, township_schema
from cunyi.store.links import values_in
from cunyi.store.merging import Merge
from cunyi.store.people import index_again, insert_persons, person_row

State = Person | Household | ListEntry | Merge | Conflict | Account
TYPES: dict[ChangeKind, type[State]] = {
    ChangeKind.PERSON: Person,
    ChangeKind.HOUSEHOLD: Household,
    ChangeKind.LIST_ENTRY: ListEntry,
    ChangeKind.MERGE: Merge,
    ChangeKind.CONFLICT: Conflict,
    ChangeKind.ACCOUNT: Account,
}
_TABLES: dict[ChangeKind, Table] = {
    ChangeKind.PERSON: schema.person,
    ChangeKind.HOUSEHOLD: schema.household,
    ChangeKind.LIST_ENTRY: schema.list_entry,
    ChangeKind.MERGE: schema.merge,
    ChangeKind.CONFLICT: township_schema.conflict,
    ChangeKind.ACCOUNT: township_schema.staff,
}


def state_of(kind: ChangeKind, body: bytes) -> Any:
    """A thing from its canonical bytes."""
    return msgspec.json.decode(body, type=TYPES[kind])


def state_from(kind: ChangeKind, values: dict[str, Any]) -> Any:
    """A thing from plain values, as they stand in its canonical bytes. msgspec.ValidationError where they do not fit."""
    return msgspec.json.decode(canonical(values), type=TYPES[kind])


def states(connection: Connection, organisation: str, kind: ChangeKind, ids: Iterable[str]) -> dict[str, bytes]:
    """The canonical bytes of things by id; those that are not here are left out."""
    table = _TABLES[kind]
    rows = values_in(connection, select(table).where(table.c.organisation == organisation), table.c.id, list(ids))
    return {row.id: body_of(kind, row) for row in rows}


def body_of(kind: ChangeKind, row: Any) -> bytes:
    """The canonical bytes of the thing in a row of its table."""
    if kind is ChangeKind.MERGE:
        return canonical(
            {
                "id": row.id,
                "kept_id": row.kept_id,
                "replaced_id": row.replaced_id,
                "before": msgspec.json.decode(row.before),
                "undone": row.undone,
            }
        )
    return packing.unpack(row.details) if kind is ChangeKind.CONFLICT else bytes(row.details)


def keep_states(
    connection: Connection,
    organisation: str,
    kind: ChangeKind,
    things: Sequence[Any],
    *,
    known: Iterable[str],
    node: str = "",
) -> None:
    """Keeps things as they are: those in `known` are here already. `node` is whose accounts they are."""
    there = set(known)
    new = [thing for thing in things if thing.id not in there]
    changed = [thing for thing in things if thing.id in there]
    if kind is ChangeKind.PERSON:
        _free_archive_codes(connection, organisation, things)
        insert_persons(connection, new)
        for person in changed:
            _update(connection, schema.person, person_row(person))
            index_again(connection, person)
        return
    row = _rows(node)[kind]
    if new:
        connection.execute(
            insert(_TABLES[kind]), [{"organisation": organisation, "id": each.id, **row(each)} for each in new]
        )
    for thing in changed:
        _update(connection, _TABLES[kind], {"organisation": organisation, "id": thing.id, **row(thing)})


def owners_of_codes(connection: Connection, organisation: str, codes: Iterable[str]) -> dict[str, str]:
    """Who has an archive code: person ids by code."""
    people = schema.person
    rows = values_in(
        connection,
        select(people.c.id, people.c.archive_code).where(people.c.organisation == organisation),
        people.c.archive_code,
        list(codes),
    )
    return {row.archive_code: row.id for row in rows}


def _free_archive_codes(connection: Connection, organisation: str, people: Sequence[Person]) -> None:
    """Takes codes away from others who have them here: the hub knows whose they are, and sends those others, too."""
    wanted = {person.archive_code: person.id for person in people if person.archive_code}
    for code, owner in owners_of_codes(connection, organisation, wanted).items():
        if owner != wanted[code]:
            details = states(connection, organisation, ChangeKind.PERSON, [owner])[owner]
            without = msgspec.structs.replace(msgspec.json.decode(details, type=Person), archive_code=None)
            _update(connection, schema.person, person_row(without))
            index_again(connection, without)


def _update(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    key = (table.c.organisation == values["organisation"]) & (table.c.id == values["id"])
    connection.execute(update(table).where(key).values(**values))


def _rows(node: str) -> dict[ChangeKind, Callable[[Any], dict[str, Any]]]:
    return {
        ChangeKind.HOUSEHOLD: lambda each: {"village_code": each.village_code, "details": canonical(each)},
        ChangeKind.LIST_ENTRY: lambda each: {
            "person_id": each.person_id,
            "kind": each.kind,
            "due_on": each.due_on,
            "ended_on": each.ended_on,
            "revision": each.revision,
            "details": canonical(each),
        },
        ChangeKind.MERGE: lambda each: {
            "kept_id": each.kept_id,
            "replaced_id": each.replaced_id,
            "before": canonical(each.before),
            "undone": each.undone,
        },
        ChangeKind.CONFLICT: lambda each: {
            "kind": each.kind,
            "subject": each.subject,
            "person_id": each.person_id,
            "village_code": each.village_code,
            "found_at": each.found_at,
            "decided_at": each.decided_at,
            "revision": each.revision,
            "details": packing.pack(canonical(each)),
        },
        # Whose account it is never changes: it is said of a new one alone.
        ChangeKind.ACCOUNT: lambda each: (
            ({"node_id": node} if node else {}) | {"facility": each.facility, "details": canonical(each)}
        ),
    }
