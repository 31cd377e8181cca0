"""Households: who lives together, who joins, who leaves, whose name it goes by."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.domain.person import Household, Person, PersonStatus, Relation
from cunyi.journeys.access import person_for, require
from cunyi.store.people import (
    household_by_id,
    keep_household,
    people_of_household,
    person_in_use,
    replace_person,
)
from cunyi.store.unit import Store, Writing

_NO_HOUSEHOLD = "{name}还没有户；请先为其中一人建一户"


class HouseholdShown(msgspec.Struct, frozen=True, kw_only=True):
    """The household of a person (家庭): its members, the head first. `household` is None where the person belongs to none."""

    person: Person
    household: Household | None
    head_id: str | None
    members: list[Person]


def open_household(store: Store, by: Account, person_id: str, *, reason: str = "") -> HouseholdShown:
    """Who lives with a person; opening it is written down as opening the record."""
    require(by, Permission.READ_RECORD)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        outside = not by.looks_after(person.village_code)
        writing.audit(
            Action.VIEW_OUTSIDE_AREA if outside else Action.VIEW_RECORD,
            person=person.id,
            detail=reason.strip() if outside else "",
        )
    with store.reading() as connection:
        return _shown(connection, person)


def members_of(store: Store, by: Account, household_id: str) -> list[Person]:
    """Who lives in a household, for choosing it."""
    require(by, Permission.FIND_PEOPLE)
    with store.reading() as connection:
        return people_of_household(connection, by.organisation, household_id)


def begin_household(store: Store, by: Account, person_id: str, *, reason: str = "") -> None:
    """A household of their own for a person, who becomes its head and leaves the one before."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        household = Household(
            id=writing.new_id(),
            organisation=person.organisation,
            village_code=person.village_code,
            head_id=person.id,
            villager_group=person.villager_group,
            address=person.address,
            phone=person.phone,
        )
        _without_head(writing, person)
        keep_household(writing, household)
        _move(writing, person, household.id, Relation.HEAD)


def join_household(
    store: Store, by: Account, person_id: str, other_id: str, relation: str, *, reason: str = ""
) -> None:
    """Lets `other_id` join the household of a person, in a relation to its head."""
    require(by, Permission.REGISTER_PEOPLE)
    if relation and relation not in list(Relation):
        raise UserError("请选择与户主的关系", field="relation")
    if relation == Relation.HEAD:
        raise UserError("户主已有其人；先选别的关系，再点“设为户主”", field="relation")
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        other = person_for(writing.connection, by, other_id, reason=reason)
        if person.household_id is None:
            raise UserError(_NO_HOUSEHOLD, field="household_id", name=person.name)
        if other.household_id == person.household_id:
            raise UserError("{name}已经在这一户", field="household_id", name=other.name)
        _without_head(writing, other)
        _move(writing, other, person.household_id, Relation(relation) if relation else None)


def leave_household(store: Store, by: Account, person_id: str, *, reason: str = "") -> None:
    """Takes a person out of their household; one whose head left has none until another is chosen."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        if person.household_id is None:
            raise UserError("{name}不在任何一户", field="household_id", name=person.name)
        _without_head(writing, person)
        _move(writing, person, None, None)


def make_head(store: Store, by: Account, person_id: str, *, reason: str = "") -> None:
    """Makes a member the head. The relations of the others were to the old head, so they have to be given anew."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        household = _household_of(writing.connection, person)
        if household is None:
            raise UserError(_NO_HOUSEHOLD, field="household_id", name=person.name)
        if person.status is not PersonStatus.ACTIVE:
            raise UserError("{name}已迁出或死亡，不能当户主；请选别人", field="household_id", name=person.name)
        keep_household(writing, msgspec.structs.replace(household, head_id=person.id))
        for member in people_of_household(writing.connection, by.organisation, household.id):
            relation = Relation.HEAD if member.id == person.id else None
            if member.relation is not relation:
                replace_person(writing, msgspec.structs.replace(member, relation=relation))
        writing.audit(Action.CHANGE_HOUSEHOLD, person=person.id, subject=household.id)


def _shown(connection: Connection, person: Person) -> HouseholdShown:
    household = _household_of(connection, person)
    if household is None:
        return HouseholdShown(person=person, household=None, head_id=None, members=[])
    head = person_in_use(connection, person.organisation, household.head_id) if household.head_id else None
    head_id = head.id if head is not None and head.household_id == household.id else None
    members = people_of_household(connection, person.organisation, household.id)
    members.sort(key=lambda member: member.id != head_id)
    return HouseholdShown(person=person, household=household, head_id=head_id, members=members)


def _household_of(connection: Connection, person: Person) -> Household | None:
    if person.household_id is None:
        return None
    return household_by_id(connection, person.organisation, person.household_id)


def _without_head(writing: Writing, person: Person) -> None:
    """A household whose head goes away has none."""
    household = _household_of(writing.connection, person)
    if household is not None and household.head_id == person.id:
        keep_household(writing, msgspec.structs.replace(household, head_id=None))


def _move(writing: Writing, person: Person, household_id: str | None, relation: Relation | None) -> None:
    replace_person(writing, msgspec.structs.replace(person, household_id=household_id, relation=relation))
    writing.audit(Action.CHANGE_HOUSEHOLD, person=person.id, subject=household_id or person.household_id)
