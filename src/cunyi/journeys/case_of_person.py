"""The case that the engine sees in an encounter: what is written today, with what the record knows of the person."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from cunyi.domain.account import Account
from cunyi.domain.case import Case
from cunyi.domain.encounter import EncounterKind, ListKind
from cunyi.domain.finding import Reading, When
from cunyi.domain.person import Person, Programme, age_years
from cunyi.domain.prescription import PatientForPrescribing
from cunyi.reasoning.contradicting import OnRecord
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.lists import entries_of
from cunyi.store.people import same_person
from cunyi.store.records import points, prescribed_drugs
from cunyi.store.unit import Store

_DAY = timedelta(days=1)
# A value of this morning belongs to this encounter and is not the past.
_PAST = timedelta(hours=12)


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """What the record gives to an assessment (既往资料): names as written on the lists, last values of the past."""

    problems: tuple[str, ...]
    allergies: tuple[str, ...]
    medications: tuple[str, ...]
    previous: tuple[Reading, ...]

    @property
    def on_record(self) -> OnRecord:
        """What the lists name, for comparing with what somebody says."""
        return OnRecord(problems=self.problems, allergies=self.allergies, medications=self.medications)


def background_of(store: Store, by: Account, person: Person, knowledge: Knowledge, now: datetime) -> Background:
    """The background of a person as the record stands now."""
    with store.reading() as connection:
        persons = same_person(connection, by.organisation, person.id)
        entries = entries_of(connection, by.organisation, persons)
        measured = points(connection, by.organisation, persons)
        drugs = prescribed_drugs(connection, by.organisation, persons)
    names: dict[ListKind, list[str]] = {kind: [] for kind in ListKind}
    for entry in entries:
        names[entry.kind].append(entry.name)
    # A drug prescribed here is in use until its days are over.
    in_use = [drug for drug, _, days, at in drugs if days is not None and at + days * _DAY >= now]
    last = {
        point.item: point
        for point in measured
        if point.number is not None and now - point.at >= _PAST and point.item in knowledge.content.items
    }
    return Background(
        problems=tuple(names[ListKind.PROBLEM]),
        allergies=tuple(names[ListKind.ALLERGY]),
        medications=tuple(dict.fromkeys([*names[ListKind.MEDICATION], *in_use])),
        previous=tuple(
            Reading(item=item, value=point.number, when=When.PAST, days_ago=round((now - point.at) / _DAY, 1))
            for item, point in last.items()
            if point.number is not None
        ),
    )


def case_of(written: Case, person: Person, background: Background, on: date) -> Case:
    """Today's words with the person's sex, age and past."""
    return msgspec.structs.replace(
        written,
        sex=person.sex,
        age_years=age_years(person.birth_on, on),
        month=on.month,
        problems=background.problems,
        allergies=background.allergies,
        medications=background.medications,
        previous=background.previous,
        pregnant=None if person.sex == "male" else written.pregnant,
    )


def patient_for(
    case: Case, person: Person, by: Account, kind: EncounterKind, *, emergency: bool, chronic_reason: str
) -> PatientForPrescribing:
    """Whom the prescription of this encounter is for, and who writes it."""
    return PatientForPrescribing(
        age_years=case.age_years,
        sex=case.sex,
        pregnant=True if Programme.PREGNANCY in person.programmes and case.pregnant is None else case.pregnant,
        allergies=case.allergies,
        problems=case.problems,
        current_drugs=case.medications,
        weight_kg=case.vitals.get("weight_kg"),
        labs=case.labs,
        previous=case.previous,
        role=by.role,
        emergency_visit=emergency and kind is not EncounterKind.PHONE,
        chronic_reason=chronic_reason,
    )
