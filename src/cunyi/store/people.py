"""Persons and households: kept, changed, found by id; merged ones lead to the record that is in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.domain.errors import UserError
from cunyi.domain.identity import IdentifierKind, upgraded
from cunyi.domain.person import Household, Person
from cunyi.store import schema
from cunyi.store.bulk import insert_rows
from cunyi.store.naming import name_keys, sort_key
from cunyi.store.unit import Writing

PHONE, DOCUMENT, ARCHIVE = "phone", "document", "archive"
_LEGACY_LENGTH = 15


class StaleError(UserError):
    """Somebody else changed it since it was opened (内容已被改动)."""


def add_person(writing: Writing, person: Person) -> None:
    """Keeps a new person with all that finds them."""
    insert_persons(writing.connection, [person])
    writing.change(ChangeKind.PERSON, person.id, after=person, person=person.id, village=person.village_code)


def replace_person(writing: Writing, person: Person) -> Person:
    """Keeps changed details; `person.revision` is the one that was changed. StaleError where it is not the latest."""
    changed = msgspec.structs.replace(person, revision=person.revision + 1)
    was = person_by_id(writing.connection, person.organisation, person.id)
    table = schema.person
    done = writing.connection.execute(
        update(table)
        .where(
            table.c.organisation == person.organisation,
            table.c.id == person.id,
            table.c.revision == person.revision,
        )
        .values(**person_row(changed))
    )
    if done.rowcount != 1:
        raise StaleError("这份档案在别处刚改过；请重新打开再改，您填写的内容还在页面上", field="revision")
    index_again(writing.connection, changed)
    writing.change(
        ChangeKind.PERSON, person.id, before=was, after=changed, person=person.id, village=changed.village_code
    )
    return changed


def person_by_id(connection: Connection, organisation: str, person_id: str) -> Person | None:
    """A person by id, merged or not."""
    table = schema.person
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == person_id)
    ).scalar_one_or_none()
    return None if details is None else msgspec.json.decode(details, type=Person)


def person_in_use(connection: Connection, organisation: str, person_id: str) -> Person | None:
    """The person, or the one whose record replaced theirs."""
    person = person_by_id(connection, organisation, person_id)
    seen = set()
    while person is not None and person.replaced_by is not None and person.id not in seen:
        seen.add(person.id)
        person = person_by_id(connection, organisation, person.replaced_by)
    return person


def same_person(connection: Connection, organisation: str, person_id: str) -> list[str]:
    """The ids under which records of one person stand: their own first, then those merged into it."""
    table = schema.person
    found, new = [person_id], [person_id]
    while new:
        rows = connection.execute(
            select(table.c.id).where(table.c.organisation == organisation, table.c.replaced_by.in_(new))
        )
        new = [row.id for row in rows if row.id not in found]
        found += new
    return found


def persons_by_id(connection: Connection, organisation: str, ids: Sequence[str]) -> dict[str, Person]:
    """Several persons at once."""
    table = schema.person
    rows = connection.execute(
        select(table.c.id, table.c.details).where(table.c.organisation == organisation, table.c.id.in_(ids))
    )
    return {row.id: msgspec.json.decode(row.details, type=Person) for row in rows}


def persons_with_identifier(connection: Connection, organisation: str, values: Iterable[str]) -> list[Person]:
    """Everybody registered with one of these document numbers, whichever kind."""
    table, people = schema.identifier, schema.person
    rows = connection.execute(
        select(people.c.details)
        .join(table, (table.c.organisation == people.c.organisation) & (table.c.person_id == people.c.id))
        .where(table.c.organisation == organisation, table.c.value.in_(list(values)))
        .distinct()
    )
    return [msgspec.json.decode(row.details, type=Person) for row in rows]


def people_of_household(connection: Connection, organisation: str, household_id: str) -> list[Person]:
    """Who lives in a household, in the order of their names."""
    table = schema.person
    rows = connection.execute(
        select(table.c.details)
        .where(
            table.c.organisation == organisation,
            table.c.household_id == household_id,
            table.c.replaced_by.is_(None),
        )
        .order_by(table.c.sort_key)
    )
    return [msgspec.json.decode(row.details, type=Person) for row in rows]


def keep_household(writing: Writing, household: Household) -> None:
    """Keeps a household, new or changed."""
    table = schema.household
    key = (table.c.organisation == household.organisation) & (table.c.id == household.id)
    was = household_by_id(writing.connection, household.organisation, household.id)
    if was is not None:
        household = msgspec.structs.replace(household, revision=was.revision + 1)
    values = {"village_code": household.village_code, "details": canonical(household)}
    if writing.connection.execute(update(table).where(key).values(**values)).rowcount == 0:
        writing.connection.execute(insert(table).values(organisation=household.organisation, id=household.id, **values))
    writing.change(ChangeKind.HOUSEHOLD, household.id, before=was, after=household, village=household.village_code)


def household_by_id(connection: Connection, organisation: str, household_id: str) -> Household | None:
    """A household by id."""
    table = schema.household
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == household_id)
    ).scalar_one_or_none()
    return None if details is None else msgspec.json.decode(details, type=Household)


def households_by_id(connection: Connection, organisation: str, ids: Sequence[str]) -> dict[str, Household]:
    """Several households at once."""
    table = schema.household
    rows = connection.execute(
        select(table.c.id, table.c.details).where(table.c.organisation == organisation, table.c.id.in_(ids))
    )
    return {row.id: msgspec.json.decode(row.details, type=Household) for row in rows}


def identifier_forms(value: str) -> tuple[str, ...]:
    """A number as it may have been registered: a 15-digit identity number also in its 18-digit form."""
    if len(value) == _LEGACY_LENGTH and value.isdigit():
        return (value, upgraded(value))
    return (value,)


def person_row(person: Person) -> dict[str, Any]:
    """A person as the table has it."""
    return {
        "organisation": person.organisation,
        "id": person.id,
        "village_code": person.village_code,
        "household_id": person.household_id,
        "archive_code": person.archive_code,
        "name": person.name,
        "sort_key": sort_key(person.name),
        "sex": person.sex,
        "birth_on": person.birth_on,
        "status": person.status,
        "replaced_by": person.replaced_by,
        "revision": person.revision,
        "details": canonical(person),
    }


def insert_persons(connection: Connection, people: Sequence[Person]) -> None:
    """Adds people with all that finds them, many to a statement."""
    insert_rows(connection, schema.person, [person_row(person) for person in people])
    _index(connection, people)


def _index(connection: Connection, people: Iterable[Person]) -> None:
    numbers: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    for person in people:
        owner = {"organisation": person.organisation, "person_id": person.id}
        held = {(each.kind, form) for each in person.identifiers for form in _forms(each.kind, each.value)}
        numbers += [{**owner, "kind": kind, "value": value} for kind, value in sorted(held)]
        found: set[tuple[str, str]] = {(key.kind, key.key) for key in name_keys(person.name)}
        found |= {(PHONE, phone[::-1]) for phone in (person.phone, *(c.phone for c in person.contacts)) if phone}
        found |= {(DOCUMENT, value[::-1]) for _, value in held}
        if person.archive_code:
            found.add((ARCHIVE, person.archive_code))
        place = owner | {"village_code": person.village_code}
        keys += [{**place, "kind": kind, "key": key} for kind, key in sorted(found)]
    insert_rows(connection, schema.identifier, numbers)
    insert_rows(connection, schema.search_key, keys)


def _forms(kind: IdentifierKind, value: str) -> tuple[str, ...]:
    return identifier_forms(value) if kind is IdentifierKind.RESIDENT_ID else (value,)


def index_again(connection: Connection, person: Person) -> None:
    """Makes what finds a person anew, after their details changed."""
    for table in (schema.identifier, schema.search_key):
        connection.execute(
            delete(table).where(table.c.organisation == person.organisation, table.c.person_id == person.id)
        )
    _index(connection, [person])


def reindex(writing: Writing) -> int:
    """Makes everything that finds people anew from their details; how many people there are."""
    table = schema.person
    for index in (schema.identifier, schema.search_key):
        writing.connection.execute(delete(index).where(index.c.organisation == writing.organisation))
    rows = writing.connection.execute(
        select(table.c.details).where(table.c.organisation == writing.organisation)
    ).scalars()
    people = [msgspec.json.decode(details, type=Person) for details in rows]
    _index(writing.connection, people)
    return len(people)
