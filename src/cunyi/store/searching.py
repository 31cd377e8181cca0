"""Finding people by what a villager or doctor says: name, pinyin, initials, last digits of phone or document, archive code.

Every way is a prefix search in one ordered index. It gives the first few hundred people in the order of the key, within the
villages asked for; only these are looked at further, so that the time does not grow with the number of people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, or_, select

from cunyi.domain.identity import canonical
from cunyi.domain.person import Person, PersonStatus
from cunyi.store import schema
from cunyi.store.naming import query_keys, sort_key
from cunyi.store.people import ARCHIVE, DOCUMENT, PHONE, identifier_forms, person_in_use, persons_by_id

_ARCHIVE_LENGTH = 17
# Fewer digits would find half the village.
_FEWEST_DIGITS = 3
_SAME_SOUND = 200
# How many people one word may bring in before the search is called too wide.
_WIDEST = 400


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """People found (查找结果) in the order of their names; `more` where there are others still."""

    people: list[Person]
    more: bool


class _Way(msgspec.Struct, frozen=True):
    """One range of the index: keys of a kind from `low` (inclusive) to `high` (exclusive)."""

    kind: str
    low: str
    high: str


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
    parts = _parts(words)
    if parts:
        ids, wide = _fitting(connection, organisation, [_ways(part) for part in parts], villages)
        if wide:
            # The first ones in the order of the index will do: nobody reads on, everybody types on.
            ids = ids[: 2 * limit]
    else:
        ids, wide = _everybody(connection, organisation, villages, household_id, limit)
    people: dict[str, Person] = {}
    for person in persons_by_id(connection, organisation, ids).values():
        used = person
        if person.replaced_by is not None:
            used = person_in_use(connection, organisation, person.id) or person
        if household_id is None or used.household_id == household_id:
            people.setdefault(used.id, used)
    ordered = sorted(
        people.values(), key=lambda person: (_begins_inside(person, parts), sort_key(person.name), person.id)
    )
    return Found(people=ordered[:limit], more=wide or len(ordered) > limit)


def likely_duplicates(connection: Connection, person: Person, limit: int = 5) -> list[Person]:
    """Who may be the same: same document, or same sound of name with the same birth date, year or phone."""
    found: dict[str, Person] = {}
    table, numbers = schema.person, schema.identifier
    values = [form for each in person.identifiers for form in identifier_forms(each.value)]
    if values:
        same_number = (numbers.c.organisation == person.organisation) & numbers.c.value.in_(values)
        owners = connection.execute(select(numbers.c.person_id).where(same_number)).scalars().all()
        _collect(connection, person.organisation, found, owners, lambda other: True)
    same_sound = (table.c.organisation == person.organisation) & (table.c.sort_key == sort_key(person.name))
    namesakes = connection.execute(select(table.c.id).where(same_sound).limit(_SAME_SOUND)).scalars().all()
    _collect(connection, person.organisation, found, namesakes, lambda other: _agrees(person, other))
    return [other for other in found.values() if other.id != person.id][:limit]


def _collect(
    connection: Connection,
    organisation: str,
    found: dict[str, Person],
    ids: Sequence[str],
    fits: Callable[[Person], bool],
) -> None:
    for other in persons_by_id(connection, organisation, ids).values():
        if other.replaced_by is None and other.status is not PersonStatus.DIED and fits(other):
            found.setdefault(other.id, other)


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


def _parts(words: str) -> list[str]:
    """The words of a search; a document number typed in groups is one."""
    parts = words.split()
    joined = canonical(words)
    if len(parts) > 1 and len(joined) in (15, _ARCHIVE_LENGTH, 18) and joined[:-1].isdigit():
        return [joined]
    return parts


def _ways(part: str) -> list[_Way]:
    """The ranges of the index that one word may mean."""
    ways = []
    tail = canonical(part)
    if len(tail) >= _FEWEST_DIGITS and any(character.isdigit() for character in tail):
        ways.append(_prefix(DOCUMENT, tail[::-1]))
        ways += [_prefix(DOCUMENT, form[::-1]) for form in identifier_forms(tail)[1:]]
        if tail.isdigit():
            ways.append(_prefix(PHONE, tail[::-1]))
            if len(tail) == _ARCHIVE_LENGTH:
                ways.append(_prefix(ARCHIVE, tail))
    return ways + [_prefix(kind, key) for kind, key in query_keys(part)]


def _prefix(kind: str, key: str) -> _Way:
    return _Way(kind, key, key[:-1] + chr(ord(key[-1]) + 1))


def _fitting(
    connection: Connection, organisation: str, parts: list[list[_Way]], villages: Sequence[str]
) -> tuple[list[str], bool]:
    """The ids of the people whom every word fits, and whether there may be more."""
    narrowest: list[str] | None = None
    wide = False
    for ways in parts:
        ids, more = _in_ranges(connection, organisation, ways, villages)
        if narrowest is None or (more, len(ids)) < (wide, len(narrowest)):
            narrowest, wide = ids, more
    left = narrowest or []
    for ways in parts:
        if not left:
            return [], wide
        left = _of_these(connection, organisation, ways, left)
    return left, wide


def _in_ranges(
    connection: Connection, organisation: str, ways: list[_Way], villages: Sequence[str]
) -> tuple[list[str], bool]:
    """The first people of some ranges of the index, each range in the order of its keys."""
    found: list[Sequence[str]] = []
    more = False
    for way in ways:
        query = select(schema.search_key.c.person_id).where(_within(organisation, way))
        if villages:
            query = query.where(_in_villages(schema.search_key.c.village_code, villages))
        rows = connection.execute(query.order_by(schema.search_key.c.key).limit(_WIDEST + 1)).scalars().all()
        more = more or len(rows) > _WIDEST
        found.append(rows[:_WIDEST])
    # In turn: what is meant as pinyin must not be crowded out by what may be initials.
    in_turn = (person_id for row in zip_longest(*found) for person_id in row if person_id is not None)
    return list(dict.fromkeys(in_turn)), more


def _of_these(connection: Connection, organisation: str, ways: list[_Way], ids: list[str]) -> list[str]:
    """Those of some people whom one word fits, too."""
    keys = schema.search_key
    rows = connection.execute(
        select(keys.c.person_id, keys.c.kind, keys.c.key).where(
            keys.c.organisation == organisation, keys.c.person_id.in_(ids)
        )
    )
    fitting = {
        row.person_id for row in rows if any(row.kind == way.kind and way.low <= row.key < way.high for way in ways)
    }
    return [person_id for person_id in ids if person_id in fitting]


def _everybody(
    connection: Connection, organisation: str, villages: Sequence[str], household_id: str | None, limit: int
) -> tuple[list[str], bool]:
    """The first people of some villages or of a household in the order of their names."""
    table = schema.person
    query = select(table.c.id).where(table.c.organisation == organisation, table.c.replaced_by.is_(None))
    if household_id is not None:
        query = query.where(table.c.household_id == household_id)
    if villages:
        query = query.where(_in_villages(table.c.village_code, villages))
    rows = connection.execute(query.order_by(table.c.sort_key, table.c.id).limit(limit + 1)).scalars().all()
    return list(rows[:limit]), len(rows) > limit


def _begins_inside(person: Person, parts: list[str]) -> bool:
    """Whether no word is the beginning of the name: those who are called so come first."""
    if not parts:
        return False
    syllables = sort_key(person.name).split()
    beginnings = (person.name, "".join(syllables), "".join(syllable[0] for syllable in syllables))
    return not any(text.startswith(part.lower()) for part in parts for text in beginnings)


def _within(organisation: str, way: _Way) -> ColumnElement[bool]:
    keys = schema.search_key
    return and_(
        keys.c.organisation == organisation, keys.c.kind == way.kind, keys.c.key >= way.low, keys.c.key < way.high
    )


def _in_villages(column: Any, villages: Sequence[str]) -> ColumnElement[bool]:
    # Not a range: the order of the keys or names is to be the one that is followed.
    return or_(*(column.startswith(area, autoescape=True) for area in villages))
