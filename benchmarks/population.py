"""An invented township: residents and five years of their records, kept by the same functions as real ones.

The same number of residents gives the same people and the same records; only ids and keys differ from run to run.
Hashes, signatures, audit lines, changes and search keys are those of real work; rows reach the database in batches.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from benchmarks.filling import Filling, filling
from benchmarks.stories import (
    ANY_DRUG,
    DANGERS,
    DISEASES,
    DRUGS,
    FOLLOW_UPS,
    ILLNESSES,
    READINGS,
)
from cunyi.domain.archive_code import ArchiveCode
from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.encounter import (
    Agreement,
    Certainty,
    Decision,
    Diagnosis,
    Encounter,
    EncounterKind,
    ListEntry,
    ListKind,
    Measured,
    PersonAsSigned,
    ShownAssessment,
    SignedRecord,
    Signer,
)
from cunyi.domain.identity import Identifier, IdentifierKind, check_digit
from cunyi.domain.person import Household, Insurance, Person, Programme, Relation
from cunyi.domain.prescription import PrescriptionLine
from cunyi.simulation.names import GROUPS, MEN, SURNAMES, WOMEN
from cunyi.store.lists import add_entry
from cunyi.store.people import add_person, keep_household
from cunyi.store.records import keep_record
from cunyi.store.unit import Store

YEARS = 5
VISITS_A_YEAR = 4
RESIDENTS_A_VILLAGE = 2_533
FIRST_FREE_SERIAL = 50_000
_TOWNSHIP = "360731101"
_BATCH = 4_000
_HOUSEHOLD = 3.2


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """What was put into a node, and how long it took in seconds."""

    people: int
    records: int
    seconds: float


def villages_for(residents: int) -> dict[str, str]:
    """The villages (12-digit code to name) that so many residents live in."""
    count = max(1, round(residents / RESIDENTS_A_VILLAGE))
    return {f"{_TOWNSHIP}{201 + number}": f"第{number + 1}村" for number in range(count)}


def begins_at(now: datetime, years: int = YEARS) -> datetime:
    """When the story begins: the node is to be set up under a clock that says so."""
    return now - timedelta(days=round(years * 365.25))


def fill(store: Store, signer: Signer, residents: int, *, now: datetime, years: int = YEARS) -> Filled:
    """Puts residents and some years of their records into an empty node."""
    draw = random.Random(residents)
    started = time.perf_counter()
    start = begins_at(now, years)
    people: list[Person] = []
    with filling(store, signer.account) as writing:
        for code in villages_for(residents):
            share = residents // len(villages_for(residents))
            _settle(writing, draw, code, share, start, people)
        _settle(writing, draw, code, residents - len(people), start, people)
    visits = sorted(_visits(draw, people, start, now))
    for first in range(0, len(visits), _BATCH):
        with filling(store, signer.account) as writing:
            for at, number in visits[first : first + _BATCH]:
                _visit(writing, draw, people[number], signer, at)
    with filling(store, signer.account) as writing:
        writing.be(signer.account, now)
        for person in people:
            _plan(writing, draw, person, now.date())
    return Filled(people=len(people), records=len(visits), seconds=time.perf_counter() - started)


def fill_a_day(
    store: Store, signer: Signer, village: str, *, registered: int, seen: int, first_serial: int, end: datetime
) -> None:
    """Puts a day's work into a node that knows the village: some people are registered, and seen so often in all."""
    draw = random.Random(first_serial)
    start = end - timedelta(hours=9)
    people: list[Person] = []
    with filling(store, signer.account) as writing:
        _settle(writing, draw, village, registered, start, people, first_serial)
        for at in sorted(start + draw.random() * (end - start) for _ in range(seen)):
            _visit(writing, draw, draw.choice(people), signer, at)


def _settle(
    writing: Filling,
    draw: random.Random,
    village: str,
    count: int,
    at: datetime,
    people: list[Person],
    first_serial: int = 1,
) -> None:
    """So many residents of a village, household by household."""
    organisation = writing.organisation
    serial = first_serial - 1 + sum(person.village_code == village for person in people)
    left = count
    while left > 0:
        size = min(left, max(1, round(draw.gauss(_HOUSEHOLD, 1.4))))
        surname = draw.choices(list(SURNAMES), list(SURNAMES.values()))[0]
        group, household = draw.choice(GROUPS), writing.new_id()
        members = []
        for place in range(size):
            serial += 1
            writing.be(writing.account, at)
            own = surname if place != 1 else draw.choices(list(SURNAMES), list(SURNAMES.values()))[0]
            members.append(_person(writing, draw, own, village, group, household, place, serial, at.date()))
        keep_household(
            writing,
            Household(
                id=household, organisation=organisation, village_code=village, head_id=members[0].id,
                villager_group=group, address=f"{group}{draw.randint(1, 120)}号",
            ),
        )  # fmt: skip
        for person in members:
            add_person(writing, person)
            writing.audit(Action.REGISTER_PERSON, person=person.id)
        people += members
        left -= size


_RELATIONS = (Relation.HEAD, Relation.SPOUSE, Relation.SON, Relation.DAUGHTER, Relation.GRANDCHILD, Relation.PARENT)


def _person(
    writing: Filling,
    draw: random.Random,
    surname: str,
    village: str,
    group: str,
    household: str,
    place: int,
    serial: int,
    on: date,
) -> Person:
    man = place == 0 if place < 2 else draw.random() < 0.5
    age = draw.triangular(28, 90, 62) if place < 2 else draw.triangular(0, 60, 18)
    born = on - timedelta(days=int(age * 365.25))
    given = draw.choice(MEN if man else WOMEN)
    first17 = f"360731{born:%Y%m%d}{draw.randint(0, 49) * 2 + 100 * draw.randint(0, 9) + man:03}"
    number = first17 + check_digit(first17)
    relation = _RELATIONS[place] if place < len(_RELATIONS) else Relation.OTHER
    programmes = [Programme.OLD_AGE] if age >= 65 else []
    if age > 40 and draw.random() < 0.32:
        programmes.append(Programme.HYPERTENSION)
    if age > 40 and draw.random() < 0.12:
        programmes.append(Programme.DIABETES)
    code = ArchiveCode(county=village[:6], township=village[6:9], village=village[9:], serial=serial)
    return Person(
        id=writing.new_id(),
        organisation=writing.organisation,
        village_code=village,
        name=surname + given,
        sex=Sex.MALE if man else Sex.FEMALE,
        birth_on=born,
        ethnic_group="汉族",
        identifiers=(Identifier(kind=IdentifierKind.RESIDENT_ID, value=number),) if draw.random() < 0.97 else (),
        archive_code=code.text,
        household_id=household,
        relation=relation,
        villager_group=group,
        address=f"{group}{draw.randint(1, 120)}号",
        phone=f"1{draw.choice('3578')}{draw.randint(0, 999_999_999):09}" if age > 14 and draw.random() < 0.85 else "",
        insurance=(Insurance.RESIDENT,),
        programmes=tuple(programmes),
    )


def _visits(
    draw: random.Random, people: list[Person], start: datetime, end: datetime
) -> Iterator[tuple[datetime, int]]:
    """When each person is seen: the old and chronically ill more often, four times a year on average."""
    weights = [1.0 + 3.0 * bool(set(person.programmes) & set(FOLLOW_UPS)) for person in people]
    mean = sum(weights) / len(weights)
    seconds = (end - start).total_seconds()
    years = seconds / (365.25 * 86_400)
    for number, weight in enumerate(weights):
        expected = years * VISITS_A_YEAR * weight / mean
        for _ in range(max(0, round(draw.gauss(expected, expected**0.5)))):
            yield start + timedelta(seconds=draw.uniform(0, seconds)), number


def _visit(writing: Filling, draw: random.Random, person: Person, signer: Signer, at: datetime) -> None:
    """One encounter from opening the record to signing it."""
    writing.be(signer.account, at)
    chronic = [programme for programme in person.programmes if programme in FOLLOW_UPS]
    regular = bool(chronic) and draw.random() < 0.7
    story = FOLLOW_UPS[draw.choice(chronic)] if regular else draw.choice(ILLNESSES)
    record = SignedRecord(
        format=1,
        id=writing.new_id(),
        encounter_id=writing.new_id(),
        organisation=writing.organisation,
        facility=writing.node.facility,
        node=writing.node.id,
        version=1,
        supersedes=None,
        reason="",
        person=PersonAsSigned(
            id=person.id, name=person.name, sex=person.sex, birth_on=person.birth_on, archive_code=person.archive_code
        ),
        signer=signer,
        signed_at=at,
        clock_doubtful=False,
        encounter=_encounter(draw, story, signer, at, regular=regular),
    )
    writing.audit(Action.VIEW_RECORD, person=person.id)
    writing.audit(Action.OPEN_DRAFT, person=person.id, subject=record.encounter_id)
    keep_record(writing, record)
    writing.audit(Action.SIGN_RECORD, person=person.id, subject=record.id)


def _encounter(draw: random.Random, story: Any, signer: Signer, at: datetime, *, regular: bool) -> Encounter:
    complaint, history, diagnoses, drugs, level = story
    measured = tuple(
        Measured(item=item, value=round(draw.gauss(mean, spread), digits), unit=unit, at=at, by=signer.name)
        for item, unit, mean, spread, digits in READINGS
    )
    lines = tuple(
        PrescriptionLine(
            drug=drug, strength=strength, dose=dose, route=route, frequency=often, days=days, quantity="1盒"
        )
        for drug in drugs
        for strength, dose, route, often, days in (DRUGS.get(drug, ANY_DRUG),)
    )
    shares = sorted((draw.random() ** 3 for _ in range(10)), reverse=True)
    return Encounter(
        kind=EncounterKind.HOME_VISIT if draw.random() < 0.2 else EncounterKind.OUTPATIENT,
        occurred_at=at,
        texts={
            "chief_complaint": complaint,
            "history_of_present_illness": history,
            "physical_examination": "神志清，精神可，咽不红，双肺呼吸音清，未闻及啰音，心律齐，腹软，无压痛，双下肢无水肿。",
        },
        measured=measured,
        diagnoses=tuple(
            Diagnosis(
                name=name, icd10=code, certainty=Certainty.CONFIRMED if regular else Certainty.PROVISIONAL, chronic=regular
            )
            for name, code in diagnoses
        ),
        prescription=lines,
        advice="多喝水，注意休息，清淡饮食；三天不好或者加重马上来看，出现气紧、胸痛、意识不清打 120。",
        plan="按时吃药，下次带上在家量的血压记录。" if regular else "",
        next_visit_on=at.date() + timedelta(days=90) if regular else None,
        next_visit_reason=complaint if regular else "",
        decision=Decision(agreement=Agreement.ACCEPTED, triage=level),
        assessment=ShownAssessment(
            triage=level,
            provisional=False,
            reasons=(f"{complaint}，没有危险信号", "生命体征在正常范围内"),
            differential=tuple(
                (*disease, round(share / 2, 4)) for disease, share in zip(draw.sample(DISEASES, 10), shares, strict=True)
            ),
            something_else=round(draw.uniform(0.02, 0.3), 4),
            must_exclude=tuple(draw.sample(DANGERS, 2)),
            critical_values=(),
            referral=None,
            knowledge_version="b555c90e9d53",
            engine_version="0.2.0",
        ),
    )  # fmt: skip


def _plan(writing: Filling, draw: random.Random, person: Person, today: date) -> None:
    """What goes on from visit to visit: problems, long-term drugs, an allergy now and then, the next visit."""

    def entry(kind: ListKind, name: str, **more: Any) -> None:
        add_entry(
            writing,
            ListEntry(
                id=writing.new_id(), organisation=writing.organisation, person_id=person.id, kind=kind, name=name, **more
            ),
        )  # fmt: skip

    chronic = [programme for programme in person.programmes if programme in FOLLOW_UPS]
    for programme in chronic:
        complaint, _, ((name, code),), drugs, _ = FOLLOW_UPS[programme]
        entry(ListKind.PROBLEM, name, code=code)
        entry(ListKind.MEDICATION, drugs[0], detail="每日一次")
        entry(ListKind.PLAN, complaint, due_on=today + timedelta(days=draw.randint(-20, 90)))
    if draw.random() < 0.05:
        entry(ListKind.ALLERGY, "青霉素", detail="皮疹")
    if chronic:
        writing.audit(Action.CHANGE_LIST, person=person.id)


def today_utc() -> datetime:
    """The present moment, where the story ends."""
    return datetime.now(UTC)
