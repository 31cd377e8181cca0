"""What a visit round asks the store: how everybody of some villages stands, in one query for each kind of thing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.types import NullType

from cunyi.domain.case import Sex
from cunyi.domain.encounter import EncounterKind, ListKind
from cunyi.domain.person import PersonStatus, age_years
from cunyi.domain.visit_round import PUT_OFF, LastReading, NotedProblem, OpenMatter, PlannedVisit, Standing
from cunyi.store import schema
from cunyi.store.township_schema import hamlet_way, thread
from cunyi.store.unit import Writing

# An id as the driver gives it: only compared here, and made into text thousands of times it would be half of the work.
Key = Any


class _Details(msgspec.Struct):
    """The part of a person's details that a round asks about."""

    villager_group: str = ""
    programmes: tuple[str, ...] = ()
    mother_id: str | None = None
    note: str = ""


class _Entry(msgspec.Struct):
    """The part of a list entry that a round asks about."""

    name: str
    code: str = ""
    detail: str = ""
    since_on: date | None = None


class Resident(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of the villages of a round, with where they live and how they stand (巡诊范围内的居民)."""

    key: Key
    village_code: str
    hamlet: str
    name_key: str
    standing: Standing

    @property
    def person_id(self) -> str:
        """The id as the program writes it."""
        return _text(self.key)


class Neighbourhood:
    """Everybody of some villages as they stand on a day, or one of them (巡诊范围).

    Readings are not read at first: `last_values` says for whom they may matter, and `add_readings` puts them there.
    """

    def __init__(
        self,
        connection: Connection,
        organisation: str,
        villages: Sequence[str],
        *,
        today: date,
        person_id: str | None = None,
    ) -> None:
        self._connection = connection
        self._organisation = organisation
        self._villages = villages
        self._today = today
        self._details = msgspec.json.Decoder(_Details)
        found = {each.key: each for each in self._residents(person_id)}
        self.people = list(found.values())
        self._owners = self._owners_of({key: each.standing for key, each in found.items()})
        self._scope = _scope(organisation, villages)
        self._one = None if person_id is None else list(self._owners)
        if self._one is not None:
            self._scope = and_(self._scope, _key(schema.person.c.id).in_(self._one))
        self._look_at_visits()
        self._look_at_lists()
        self._look_at_matters()

    def last_values(
        self, items: Sequence[str], *, since: datetime | None = None
    ) -> Iterator[tuple[Standing, str, float]]:
        """The last value of some items of everybody, without its time; `since`: of those who had an encounter since then."""
        if not items:
            return
        query = select(_key(schema.person.c.id), *(_newest(item, schema.measured.c.number) for item in items))
        query = query.where(self._scope)
        if since is not None:
            visits = schema.encounter
            seen = select(visits.c.person_id).where(
                visits.c.organisation == self._organisation, visits.c.occurred_at >= since
            )
            query = query.where(schema.person.c.id.in_(seen))
        for key, *values in self._connection.execute(query):
            standing = self._owners.get(key)
            if standing is not None:
                for item, value in zip(items, values, strict=True):
                    if value is not None:
                        yield standing, item, value

    def add_readings(self, whose: Collection[Standing], items: Sequence[str]) -> None:
        """Puts the last readings of some items to how these people stand, in place of what is there."""
        chosen = {id(each): each for each in whose}
        keys = [key for key, standing in self._owners.items() if id(standing) in chosen]
        for standing in whose:
            standing.readings = []
        if not items or not keys:
            return
        measured = schema.measured.c
        columns = [_newest(item, column) for item in items for column in (measured.number, measured.at)]
        people = schema.person.c
        latest: dict[tuple[int, str], LastReading] = {}
        for key, *values in self._connection.execute(
            select(_key(people.id), *columns).where(
                people.organisation == self._organisation, _key(people.id).in_(keys)
            )
        ):
            owner = id(self._owners[key])
            for place, item in enumerate(items):
                number, at = values[2 * place : 2 * place + 2]
                if number is not None and ((owner, item) not in latest or at > latest[owner, item].at):
                    latest[owner, item] = LastReading(item, number, at)
        for (owner, _), reading in latest.items():
            chosen[owner].readings.append(reading)

    def _residents(self, person_id: str | None) -> Iterator[Resident]:
        people, today = schema.person, self._today
        born_of: dict[str, date] = {}
        found = []
        for row in self._connection.execute(
            select(
                _key(people.c.id).label("key"),
                people.c.village_code,
                people.c.sort_key,
                people.c.sex,
                people.c.birth_on,
                people.c.details,
            ).where(
                people.c.organisation == self._organisation,
                _lives_in(self._villages),
                people.c.id == person_id if person_id else true(),
            )
        ):
            details, born = self._details.decode(row.details), row.birth_on
            known = born is not None and born <= today
            if details.mother_id and known:
                born_of[details.mother_id] = max(born, born_of.get(details.mother_id, born))
            standing = Standing(
                sex=Sex(row.sex) if row.sex else None,
                age_years=age_years(born, today),
                age_days=(today - born).days if known else None,
                programmes=details.programmes,
                note=details.note,
            )
            found.append(
                Resident(
                    key=row.key,
                    village_code=row.village_code,
                    hamlet=details.villager_group,
                    name_key=row.sort_key,
                    standing=standing,
                )
            )
        if person_id is not None and found:
            born_of = self._children()
        if born_of:
            for each in found:
                each.standing.youngest_born = born_of.get(each.person_id)
        yield from found

    def _children(self) -> dict[str, date]:
        """The birth of the youngest child of each mother: of the children of these villages, where only one person is looked at."""
        people = schema.person
        born_of: dict[str, date] = {}
        for row in self._connection.execute(
            select(people.c.birth_on, people.c.details).where(
                people.c.organisation == self._organisation,
                _lives_in(self._villages),
                people.c.birth_on <= self._today,
                people.c.birth_on >= date(self._today.year - 1, 1, 1),
            )
        ):
            mother = self._details.decode(row.details).mother_id
            if mother:
                born_of[mother] = max(row.birth_on, born_of.get(mother, row.birth_on))
        return born_of

    def _owners_of(self, standings: dict[Key, Standing]) -> dict[Key, Standing]:
        """Standings by every id under which records of those people stand."""
        people, owners = schema.person, dict(standings)
        replaced = {
            row.key: row.by
            for row in self._connection.execute(
                select(_key(people.c.id).label("key"), _key(people.c.replaced_by).label("by")).where(
                    people.c.organisation == self._organisation, people.c.replaced_by.is_not(None)
                )
            )
        }
        for own in replaced:
            last, passed = own, {own}
            while last in replaced and replaced[last] not in passed:
                last = replaced[last]
                passed.add(last)
            if last in standings:
                owners[own] = standings[last]
        return owners

    def _look_at_visits(self) -> None:
        """The day of the last encounter that was not by phone."""
        visits = schema.encounter
        whose = true() if self._one is None else _key(visits.c.person_id).in_(self._one)
        mine = and_(visits.c.organisation == self._organisation, whose)
        by_phone = set(
            self._connection.execute(
                select(_key(visits.c.person_id)).where(
                    mine, visits.c.kind == EncounterKind.PHONE, schema.NOT_AT_THE_CLINIC
                )
            ).scalars()
        )
        last = select(_key(visits.c.person_id), func.max(visits.c.occurred_at)).where(mine)
        self._seen(last.group_by(visits.c.person_id), but=by_phone)
        if by_phone:
            # Only of those who were ever called it must be looked at how: the others are read from the index alone.
            others = last.where(visits.c.kind != EncounterKind.PHONE, _key(visits.c.person_id).in_(list(by_phone)))
            self._seen(others.group_by(visits.c.person_id), but=set())

    def _seen(self, query: Any, *, but: set[Key]) -> None:
        for key, at in self._connection.execute(query):
            standing = self._owners.get(key)
            if standing is not None and key not in but:
                on = at.astimezone().date()
                standing.last_seen = on if standing.last_seen is None else max(on, standing.last_seen)

    def _look_at_lists(self) -> None:
        table, people, entry = schema.list_entry, schema.person, msgspec.json.Decoder(_Entry)
        for key, kind, due_on, details in self._connection.execute(
            select(_key(table.c.person_id), table.c.kind, table.c.due_on, table.c.details)
            .join(people, and_(people.c.organisation == table.c.organisation, people.c.id == table.c.person_id))
            .where(self._scope, table.c.ended_on.is_(None), table.c.kind.in_([ListKind.PLAN, ListKind.PROBLEM]))
        ):
            standing, each = self._owners.get(key), entry.decode(details)
            if standing is None:
                continue
            if kind == ListKind.PROBLEM:
                words = f"{each.name} {each.detail}".strip()
                standing.problems.append(NotedProblem(words, each.name, each.code, each.since_on))
            elif due_on is not None:
                standing.plans.append(
                    PlannedVisit(
                        name=each.name,
                        detail=each.detail,
                        due_on=due_on,
                        since_on=each.since_on,
                        put_off=each.code == PUT_OFF,
                    )
                )

    def _look_at_matters(self) -> None:
        people = schema.person
        for key, kind, state, changed_at in self._connection.execute(
            select(_key(thread.c.person_id), thread.c.kind, thread.c.state, thread.c.changed_at)
            .join(people, and_(people.c.organisation == thread.c.organisation, people.c.id == thread.c.person_id))
            .where(self._scope, thread.c.closed.is_(False))
            .order_by(thread.c.changed_at, thread.c.id)
        ):
            standing = self._owners.get(key)
            if standing is not None:
                standing.matters.append(OpenMatter(kind, state, changed_at.astimezone().date()))


def count_residents(connection: Connection, organisation: str, villages: Sequence[str]) -> dict[str, int]:
    """How many people of each village (codes or their leading digits) are in the register."""
    table = schema.person
    rows = connection.execute(
        select(table.c.village_code, func.count())
        .where(table.c.organisation == organisation, _lives_in(villages))
        .group_by(table.c.village_code)
        .order_by(table.c.village_code)
    )
    return {code: number for code, number in rows}


def seen_lately(
    connection: Connection, organisation: str, villages: Sequence[str], since: datetime
) -> dict[str, datetime]:
    """Who of these villages was visited at home since then, or was seen when a planned visit was kept; when last."""
    people, visits, table = schema.person, schema.encounter, schema.list_entry
    of_visit = and_(people.c.organisation == visits.c.organisation, people.c.id == visits.c.person_id)
    lately = and_(visits.c.organisation == organisation, visits.c.occurred_at >= since, _lives_in(villages))
    at_home = select(visits.c.person_id, visits.c.occurred_at).join(people, of_visit)
    planned = at_home.join(
        table, and_(table.c.organisation == visits.c.organisation, table.c.person_id == visits.c.person_id)
    )
    found: dict[str, datetime] = {}
    for query in (
        at_home.where(lately, visits.c.kind == EncounterKind.HOME_VISIT, schema.NOT_AT_THE_CLINIC),
        planned.where(
            lately,
            visits.c.kind != EncounterKind.PHONE,
            table.c.kind == ListKind.PLAN,
            table.c.ended_on >= since.date(),
        ),
    ):
        for person, at in connection.execute(query):
            found[person] = max(at, found.get(person, at))
    return found


def hamlet_ways(connection: Connection, organisation: str) -> dict[tuple[str, str], int]:
    """The place of each hamlet (village, name) on the way, where somebody set one."""
    rows = connection.execute(select(hamlet_way).where(hamlet_way.c.organisation == organisation))
    return {(row.village_code, row.hamlet): row.position for row in rows}


def keep_way(writing: Writing, village_code: str, hamlets: Sequence[str]) -> None:
    """Keeps the order in which the hamlets of a village are gone to."""
    writing.connection.execute(
        delete(hamlet_way).where(
            hamlet_way.c.organisation == writing.organisation, hamlet_way.c.village_code == village_code
        )
    )
    rows = [
        {"organisation": writing.organisation, "village_code": village_code, "hamlet": hamlet, "position": position}
        for position, hamlet in enumerate(hamlets)
    ]
    if rows:
        writing.connection.execute(insert(hamlet_way), rows)


def _lives_in(villages: Sequence[str]) -> ColumnElement[bool]:
    people = schema.person
    return and_(
        people.c.status == PersonStatus.ACTIVE,
        people.c.replaced_by.is_(None),
        or_(*(people.c.village_code.startswith(area, autoescape=True) for area in villages)),
    )


def _scope(organisation: str, villages: Sequence[str]) -> ColumnElement[bool]:
    """Whose rows are wanted: the residents, and the records that were merged into some."""
    people = schema.person
    return and_(people.c.organisation == organisation, or_(_lives_in(villages), people.c.replaced_by.is_not(None)))


def _newest(item: str, column: Column[Any]) -> ScalarSelect[Any]:
    """Something of the last value of an item of the person in whose row this stands: one step in the key of the table."""
    people, table = schema.person, schema.measured
    return (
        select(column)
        .where(
            table.c.organisation == people.c.organisation,
            table.c.person_id == people.c.id,
            table.c.item == item,
            table.c.number.is_not(None),
        )
        .order_by(table.c.at.desc(), table.c.encounter_id.desc(), table.c.position.desc())
        .limit(1)
        .scalar_subquery()
    )


def _key(column: Column[Any]) -> ColumnElement[Any]:
    return type_coerce(column, NullType())


def _text(key: Key) -> str:
    return str(key if isinstance(key, UUID) else UUID(bytes=bytes(key)))
