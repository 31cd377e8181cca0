"""Opening a person's record: everything the doctor needs beside the patient, and what the engine may know of the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action, AuditEntry
from cunyi.domain.encounter import ListEntry, ListKind
from cunyi.domain.person import SENSITIVE_PROGRAMMES, Household, Person, age_years
from cunyi.journeys.access import person_for, require
from cunyi.journeys.drugs_in_use import Prescribed
from cunyi.store.audit import audit_of_person, latest_audit
from cunyi.store.lists import entries_of
from cunyi.store.merging import Merge, merges_of
from cunyi.store.people import household_by_id, people_of_household, person_by_id, person_in_use, same_person
from cunyi.store.records import Kept, Point, Visit, points, prescribed_drugs, timeline, versions
from cunyi.store.unit import Store


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A person's record as it is opened (健康档案). Lists hold what is current; `latest` the last value of each item.

    `no_known_allergy` is the entry that says so, None where nobody asked or an allergy is known.
    """

    person: Person
    age_years: float | None
    household: Household | None
    household_members: list[Person]
    mother: Person | None
    visits: list[Visit]
    problems: list[ListEntry]
    allergies: list[ListEntry]
    no_known_allergy: ListEntry | None
    medications: list[ListEntry]
    plans: list[ListEntry]
    prescribed: list[Prescribed]
    latest: dict[str, Point]
    merges: list[Merge]
    outside_area: bool

    @property
    def told_of_allergies(self) -> list[ListEntry]:
        """The allergies, or the entry that none is known; nothing where nobody asked."""
        return self.allergies or [each for each in (self.no_known_allergy,) if each is not None]


def open_record(
    store: Store, by: Account, person_id: str, *, today: date, reason: str = "", audited: bool = True
) -> PersonRecord:
    """The record of a person, and a line in the audit log that it was opened. `reason` for one outside the account's villages.

    `audited` False where a page that was opened and written down asks for more of the same record.
    """
    require(by, Permission.READ_RECORD)
    if not audited:
        with store.reading() as connection:
            person = person_for(connection, by, person_id, reason=reason)
            return _record(connection, by, person, today, not by.looks_after(person.village_code))
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        outside = not by.looks_after(person.village_code)
        writing.audit(
            Action.VIEW_OUTSIDE_AREA if outside else Action.VIEW_RECORD,
            person=person.id,
            detail=reason.strip() if outside else "",
        )
    with store.reading() as connection:
        return _record(connection, by, person, today, outside)


def trends(
    store: Store, by: Account, person_id: str, items: Sequence[str], *, reason: str = ""
) -> dict[str, list[Point]]:
    """Every value of some items, oldest first, by item."""
    require(by, Permission.READ_RECORD)
    found: dict[str, list[Point]] = {item: [] for item in items}
    with store.reading() as connection:
        person = person_for(connection, by, person_id, reason=reason)
        for point in points(connection, by.organisation, same_person(connection, by.organisation, person.id), items):
            found[point.item].append(point)
    return found


def encounter_versions(
    store: Store, by: Account, encounter_id: str, *, opened: Mapping[str, str] | None = None
) -> list[Kept]:
    """Every version of a signed encounter, the first first; opening it is written down.

    `opened` gives the reasons for people outside the account's villages, by person id.
    """
    require(by, Permission.READ_RECORD)
    with store.writing(by.id) as writing:
        kept = versions(writing.connection, by.organisation, encounter_id)
        if kept:
            owner = kept[-1].record.person.id
            person = person_in_use(writing.connection, by.organisation, owner)
            reason = (opened or {}).get(person.id if person else owner, "")
            person = person_for(writing.connection, by, owner, reason=reason)
            writing.audit(Action.VIEW_RECORD, person=person.id, subject=encounter_id, detail=reason)
        else:
            writing.audit(Action.VIEW_RECORD, subject=encounter_id, detail="没有这条记录")
    return kept


def who_saw(store: Store, by: Account, person_id: str, *, reason: str = "") -> list[AuditEntry]:
    """Who opened and changed a person's record, latest first; for those who may open it."""
    require(by, Permission.READ_RECORD)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        writing.audit(Action.VIEW_AUDIT, person=person.id)
        return audit_of_person(writing.connection, by.organisation, person.id)


def latest_log(store: Store, by: Account) -> list[AuditEntry]:
    """The end of the audit log, latest first: who did what, without the names of patients."""
    require(by, Permission.READ_AUDIT)
    with store.writing(by.id) as writing:
        writing.audit(Action.VIEW_AUDIT)
        return latest_audit(writing.connection, by.organisation)


def shown_programmes(person: Person, by: Account) -> list[str]:
    """The programmes that this account may see."""
    return [p.value for p in person.programmes if by.may(Permission.SEE_SENSITIVE) or p not in SENSITIVE_PROGRAMMES]


def _record(connection: Connection, by: Account, person: Person, today: date, outside: bool) -> PersonRecord:
    organisation = by.organisation
    persons = same_person(connection, organisation, person.id)
    entries = entries_of(connection, organisation, persons)
    kinds: dict[ListKind, list[ListEntry]] = {kind: [] for kind in ListKind}
    for entry in entries:
        kinds[entry.kind].append(entry)
    allergies = [entry for entry in kinds[ListKind.ALLERGY] if not entry.none_known]
    denials = [entry for entry in kinds[ListKind.ALLERGY] if entry.none_known]
    latest = {point.item: point for point in points(connection, organisation, persons)}
    return PersonRecord(
        person=person,
        age_years=age_years(person.birth_on, today),
        household=(household_by_id(connection, organisation, person.household_id) if person.household_id else None),
        household_members=(
            [p for p in people_of_household(connection, organisation, person.household_id) if p.id != person.id]
            if person.household_id
            else []
        ),
        mother=person_by_id(connection, organisation, person.mother_id) if person.mother_id else None,
        visits=timeline(connection, organisation, persons),
        problems=kinds[ListKind.PROBLEM],
        allergies=allergies,
        no_known_allergy=denials[-1] if denials and not allergies else None,
        medications=kinds[ListKind.MEDICATION],
        plans=sorted(kinds[ListKind.PLAN], key=lambda plan: (plan.due_on or date.max, plan.id)),
        prescribed=[
            Prescribed(drug=drug, usage=usage, days=days, at=at)
            for drug, usage, days, at in prescribed_drugs(connection, organisation, persons)
        ],
        latest=latest,
        merges=merges_of(connection, organisation, person.id),
        outside_area=outside,
    )
