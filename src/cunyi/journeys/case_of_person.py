"""The case that the engine sees in an encounter: what is written today, with what the record knows of the person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from cunyi.domain.account import Account
from cunyi.domain.case import Case
from cunyi.domain.encounter import EncounterKind, ListKind
from cunyi.domain.finding import Reading, When
from cunyi.domain.person import Person, Programme, age_years
from cunyi.domain.prescription import PatientForPrescribing
from cunyi.journeys.drugs_in_use import Prescribed, drugs_in_use
from cunyi.reasoning.contradicting import OnRecord
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.store.lists import entries_of
from cunyi.store.people import same_person
from cunyi.store.records import points, prescribed_drugs
from cunyi.store.unit import Store

_DAY = timedelta(days=1)
# A value of this morning belongs to this encounter and is not the past.
_PAST = timedelta(hours=12)
# The programme goes on in childbed, the pregnancy does not.
_AFTER_BIRTH = frozenset({"postpartum", "recent_delivery"})
_BREASTFEEDING = "breastfeeding"


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
        if not entry.none_known:
            names[entry.kind].append(entry.name)
    prescribed = [Prescribed(drug=drug, usage=usage, days=days, at=at) for drug, usage, days, at in drugs]
    last = {
        point.item: point
        for point in measured
        if point.number is not None and now - point.at >= _PAST and point.item in knowledge.content.items
    }
    return Background(
        problems=tuple(names[ListKind.PROBLEM]),
        allergies=tuple(names[ListKind.ALLERGY]),
        medications=drugs_in_use(names[ListKind.MEDICATION], prescribed, knowledge, now),
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
    case: Case,
    person: Person,
    by: Account,
    kind: EncounterKind,
    knowledge: Knowledge,
    *,
    emergency: bool,
    chronic_reason: str,
    confirmed: Sequence[str] = (),
) -> PatientForPrescribing:
    """Whom the prescription of this encounter is for, and who writes it. `confirmed` are the diagnoses that are sure.

    What is recognised in today's words counts as what the record lists: months of a pregnancy, a drunkenness, a pulse.
    """
    presentation = receive(case, knowledge).presentation
    there = sorted(presentation.present)
    pregnant = presentation.pregnant
    if pregnant is None and Programme.PREGNANCY in person.programmes and not presentation.present & _AFTER_BIRTH:
        pregnant = True
    return PatientForPrescribing(
        age_years=case.age_years,
        sex=case.sex,
        pregnant=pregnant,
        lactating=True if _BREASTFEEDING in there else None,
        allergies=case.allergies,
        problems=(*case.problems, *confirmed),
        findings=tuple(there),
        current_drugs=case.medications,
        weight_kg=case.vitals.get("weight_kg"),
        labs=case.labs,
        previous=case.previous,
        role=by.role,
        emergency_visit=emergency and kind is not EncounterKind.PHONE,
        chronic_reason=chronic_reason,
    )
