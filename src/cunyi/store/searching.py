"""Finding people by what a villager or doctor says: name, pinyin, initials, last digits of phone or document, archive code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, or_, select

from cunyi.domain.identity import canonical
from cunyi.domain.person import Person, PersonStatus
from cunyi.store import schema
from cunyi.store.naming import query_keys, sort_key
from cunyi.store.people import ARCHIVE, DOCUMENT, PHONE, identifier_forms, person_in_use

_ARCHIVE_LENGTH = 17
# Fewer digits would find half the village.
_FEWEST_DIGITS = 3
_SAME_SOUND = 200


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """People found (查找结果) in the order of their names; `more` where there are others still."""

    people: list[Person]
    more: bool


def find_people(
    connection: Connection,
    organisation: str,
    words: str,
    *,
    villages: Sequence[str] = (),
    household_id: str | None = None,
    limit: int = 30,
) -> Found:
    """People whom `words` fit, within villages (codes or their leading digits) where given; no words: everybody there.

    Several words, parted by spaces, must all fit: "zhang 5021". Merged records lead to the one in use.
    """
    table = schema.person
    query = select(table.c.details, table.c.sort_key, table.c.id).where(table.c.organisation == organisation)
    parts = words.split()
    if parts and len("".join(parts)) in (15, 18) and any(character.isdigit() for character in parts[0]):
        parts = ["".join(parts)]
    for part in parts:
        query = query.where(table.c.id.in_(_ids_of(organisation, part)))
    if villages:
        query = query.where(or_(*(_begins(table.c.village_code, area) for area in villages)))
    if household_id is not None:
        query = query.where(table.c.household_id == household_id)
    if not parts:
        query = query.where(table.c.replaced_by.is_(None))
    rows = connection.execute(query.order_by(table.c.sort_key, table.c.id).limit(limit + 1)).all()
    people: dict[str, Person] = {}
    for row in rows[:limit]:
        person = msgspec.json.decode(row.details, type=Person)
        if person.replaced_by is not None:
            person = person_in_use(connection, organisation, person.id) or person
        people.setdefault(person.id, person)
    return Found(people=list(people.values()), more=len(rows) > limit)


def likely_duplicates(connection: Connection, person: Person, limit: int = 5) -> list[Person]:
    """Who may be the same: same document, or same sound of name with the same birth date, year or phone."""
    found: dict[str, Person] = {}
    table = schema.person
    numbers = [form for each in person.identifiers for form in identifier_forms(each.value)]
    if numbers:
        identifiers = schema.identifier
        _collect(
            connection,
            found,
            select(table.c.details)
            .join(
                identifiers,
                and_(identifiers.c.organisation == table.c.organisation, identifiers.c.person_id == table.c.id),
            )
            .where(table.c.organisation == person.organisation, identifiers.c.value.in_(numbers)),
        )
    _collect(
        connection,
        found,
        select(table.c.details)
        .where(table.c.organisation == person.organisation, table.c.sort_key == sort_key(person.name))
        .limit(_SAME_SOUND),
        lambda other: _agrees(person, other),
    )
    return [other for other in found.values() if other.id != person.id][:limit]


def _agrees(person: Person, other: Person) -> bool:
    if person.sex is not None and other.sex is not None and person.sex != other.sex:
        return False
    phones = {person.phone, *(contact.phone for contact in person.contacts)} - {""}
    if phones & {other.phone, *(contact.phone for contact in other.contacts)}:
        return True
    if person.birth_on is None or other.birth_on is None:
        return person.village_code == other.village_code
    if person.birth_on == other.birth_on:
        return True
    # A birth date is often wrong by its day or its month, or known by the year only.
    return person.birth_on.year == other.birth_on.year and person.village_code == other.village_code


def _collect(
    connection: Connection, found: dict[str, Person], query: Select[Any], fits: Any = lambda other: True
) -> None:
    for details in connection.execute(query).scalars():
        other = msgspec.json.decode(details, type=Person)
        if other.replaced_by is None and other.status is not PersonStatus.DIED and fits(other):
            found.setdefault(other.id, other)


def _ids_of(organisation: str, part: str) -> Any:
    keys = schema.search_key
    ways = []
    tail = canonical(part)
    if len(tail) >= _FEWEST_DIGITS and any(character.isdigit() for character in tail):
        backwards = tail[::-1]
        ways += [and_(keys.c.kind == DOCUMENT, _begins(keys.c.key, backwards))]
        if tail.isdigit():
            ways.append(and_(keys.c.kind == PHONE, _begins(keys.c.key, backwards)))
            if len(tail) == _ARCHIVE_LENGTH:
                ways.append(and_(keys.c.kind == ARCHIVE, keys.c.key == tail))
        for form in identifier_forms(tail)[1:]:
            ways.append(and_(keys.c.kind == DOCUMENT, keys.c.key == form[::-1]))
    ways += [and_(keys.c.kind == kind, _begins(keys.c.key, key)) for kind, key in query_keys(part)]
    if not ways:
        ways = [keys.c.kind == ""]
    return select(keys.c.person_id).where(keys.c.organisation == organisation, or_(*ways))


def _begins(column: Any, prefix: str) -> Any:
    """A range of an ordered key, which an index serves where LIKE may not."""
    return and_(column >= prefix, column < prefix[:-1] + chr(ord(prefix[-1]) + 1))

