"""The doctor's day: who waits, who is due for a visit and why, what is unfinished, what was not sent yet."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
from sqlalchemy import func, select

from cunyi.domain.account import Account, Permission
from cunyi.domain.encounter import ListEntry
from cunyi.domain.person import Person
from cunyi.domain.queue import Triaged
from cunyi.journeys.access import require
from cunyi.journeys.consulting import DraftShown, my_drafts
from cunyi.journeys.queueing import InQueue, join_queue, leave_queue, sees_lists, the_queue
from cunyi.store import schema
from cunyi.store.links import hub_link
from cunyi.store.lists import visits_due
from cunyi.store.outbox import unsent_count
from cunyi.store.people import persons_by_id
from cunyi.store.searching import Found, find_people
from cunyi.store.unit import Store

__all__ = ["check_in", "leave_queue", "open_today", "search"]

_A_WEEK = timedelta(days=7)


class DueVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit that is due, with whom and why (待随访). `days_overdue` is negative for one in the coming days."""

    plan: ListEntry
    person: Person
    days_overdue: int


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """The first page (今日工作). `unsent` counts changes that no hub has received yet; `contact_at` is when the hub was last reached.

    `sees_lists`: the account looks after villages, so that an empty queue or list of visits says that nobody is there.
    """

    on: date
    sees_lists: bool
    queue: list[InQueue]
    visits: list[DueVisit]
    drafts: list[DraftShown]
    unsent: int
    contact_at: datetime | None
    people: int


def open_today(store: Store, by: Account, now: datetime) -> Today:
    """What is to be done today in the account's villages; visits of the coming week included."""
    on = now.date()
    with store.reading() as connection:
        organisation = by.organisation
        may_see = sees_lists(by)
        plans = visits_due(connection, organisation, by.areas, on + _A_WEEK) if may_see else []
        people = persons_by_id(connection, organisation, [plan.person_id for plan in plans])
        unsent = sum(unsent_count(connection, organisation).values())
        link = hub_link(connection, organisation)
        registered = connection.execute(
            select(func.count())
            .select_from(schema.person)
            .where(schema.person.c.organisation == organisation, schema.person.c.replaced_by.is_(None))
        ).scalar_one()
    return Today(
        on=on,
        sees_lists=may_see,
        queue=the_queue(store, by, now),
        visits=[
            DueVisit(plan=plan, person=people[plan.person_id], days_overdue=(on - plan.due_on).days)
            for plan in plans
            if plan.due_on is not None
        ],
        drafts=my_drafts(store, by) if by.may(Permission.WRITE_DRAFT) else [],
        unsent=unsent,
        contact_at=None if link is None else link.contact_at,
        people=registered,
    )


def check_in(
    store: Store, by: Account, person_id: str, why: str, *, reason: str = "", triage: Triaged | None = None
) -> None:
    """Puts a person in today's queue, with the level that was given to them on arrival."""
    join_queue(store, by, person_id, why, triage=triage, reason=reason)


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
