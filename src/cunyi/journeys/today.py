"""The doctor's day: who waits, who is due for a visit and why, what is unfinished, what was not sent yet."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
from sqlalchemy import func, select

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.encounter import ListEntry
from cunyi.domain.person import Person
from cunyi.journeys.access import person_for, require
from cunyi.journeys.consulting import DraftShown, my_drafts
from cunyi.store import schema
from cunyi.store.lists import visits_due
from cunyi.store.people import persons_by_id
from cunyi.store.searching import Found, find_people
from cunyi.store.unit import Store
from cunyi.store.waiting import Waiting, add_waiting, end_waiting, everybody_waiting

_A_WEEK = timedelta(days=7)
# A working day with its night: who came earlier is not waiting any more.
_A_DAY = timedelta(hours=18)


class InQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody waiting, with who they are (候诊居民)."""

    waiting: Waiting
    person: Person


class DueVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit that is due, with whom and why (待随访). `days_overdue` is negative for one in the coming days."""

    plan: ListEntry
    person: Person
    days_overdue: int


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """The first page (今日工作). `unsent` counts changes that no hub has received yet."""

    on: date
    queue: list[InQueue]
    visits: list[DueVisit]
    drafts: list[DraftShown]
    unsent: int
    people: int


def open_today(store: Store, by: Account, now: datetime) -> Today:
    """What is to be done today in the account's villages; visits of the coming week included."""
    on = now.date()
    with store.reading() as connection:
        organisation = by.organisation
        may_see = by.may(Permission.READ_RECORD) and bool(by.areas)
        waiting = everybody_waiting(connection, organisation, by.areas, now - _A_DAY) if may_see else []
        plans = visits_due(connection, organisation, by.areas, on + _A_WEEK) if may_see else []
        ids = [each.person_id for each in waiting] + [plan.person_id for plan in plans]
        people = persons_by_id(connection, organisation, ids)
        unsent = connection.execute(
            select(func.count())
            .select_from(schema.change)
            .where(schema.change.c.organisation == organisation, schema.change.c.sent_at.is_(None))
        ).scalar_one()
        registered = connection.execute(
            select(func.count())
            .select_from(schema.person)
            .where(schema.person.c.organisation == organisation, schema.person.c.replaced_by.is_(None))
        ).scalar_one()
    return Today(
        on=on,
        queue=[InQueue(waiting=each, person=people[each.person_id]) for each in waiting],
        visits=[
            DueVisit(plan=plan, person=people[plan.person_id], days_overdue=(on - plan.due_on).days)
            for plan in plans
            if plan.due_on is not None
        ],
        drafts=my_drafts(store, by) if by.may(Permission.WRITE_DRAFT) else [],
        unsent=unsent,
        people=registered,
    )


def check_in(store: Store, by: Account, person_id: str, why: str, *, reason: str = "") -> None:
    """Puts a person in today's queue."""
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason or why)
        waiting = add_waiting(writing, person.id, person.village_code, why.strip(), since=writing.latest - _A_DAY)
        writing.audit(Action.CHECK_IN, person=person.id, subject=waiting)


def leave_queue(store: Store, by: Account, person_id: str) -> None:
    """Takes somebody out of the queue who went away."""
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id) as writing:
        end_waiting(writing, person_id)
        writing.audit(Action.CHECK_IN, person=person_id, detail="离开")


def search(
    store: Store,
    by: Account,
    words: str,
    *,
    everywhere: bool = False,
    village: str = "",
    household: str | None = None,
) -> Found:
    """People who fit the words: in the account's villages, in one of them, or `everywhere` on this node."""
    require(by, Permission.FIND_PEOPLE)
    areas = () if everywhere else (village,) if village and by.looks_after(village) else by.areas
    if not everywhere and not areas:
        return Found(people=[], more=False)
    with store.reading() as connection:
        return find_people(connection, by.organisation, words, villages=areas, household_id=household)
