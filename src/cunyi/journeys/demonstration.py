"""The demonstration: a node with a small invented village, made through the ordinary journeys with a clock that walks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from cunyi.domain.account import Account, LoginPolicy, Role
from cunyi.domain.audit import Action
from cunyi.domain.case import Case
from cunyi.domain.encounter import (
    Agreement,
    Certainty,
    Decision,
    Diagnosis,
    Encounter,
    EncounterKind,
    ListKind,
    Measured,
)
from cunyi.domain.identity import check_digit
from cunyi.domain.person import Person, age_years
from cunyi.domain.prescription import PrescriptionLine
from cunyi.journeys.consulting import begin_draft, sign
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.journeys.registering import read_person, register_person
from cunyi.journeys.seat import Seat
from cunyi.journeys.setting_up import NodeSetup, set_up
from cunyi.journeys.today import check_in, open_today, search
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.folder import Folder
from cunyi.store.nodes import set_login_policy
from cunyi.store.passwords import Cost
from cunyi.store.unit import SYSTEM

_STORY = msgspec.json.decode((Path(__file__).parent / "demonstration.json").read_bytes())
SHOWN_ACCOUNT: tuple[str, str] = (_STORY["accounts"][0]["login"], _STORY["password"])
_BEGINNING = timedelta(days=550)
_HOUSEHOLDS = 99
_READINGS = (
    "systolic_mmhg",
    "diastolic_mmhg",
    "glucose_mmol_l",
    "weight_kg",
    "pulse_bpm",
    "spo2_pct",
    "respiratory_rate_bpm",
    "temperature_c",
)
# Long enough that a demonstration still opens when it is found again.
_OFFLINE_DAYS = 36_500


def open_demonstration(folder: Folder, knowledge: Knowledge, *, clock: Callable[[], datetime], cost: Cost) -> Seat:
    """The demonstration of a data folder, made there when it is not yet. Open for whoever logs in."""
    if not folder.is_set_up:
        _make(folder, knowledge, clock, cost)
    seat = Seat(clock=clock, cost=cost, folder=folder)
    token, me = seat.sign_in(*SHOWN_ACCOUNT)
    _fill_queue(seat, me.account, clock())
    seat.sign_out(token)
    return seat


class _WalkingClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def _make(folder: Folder, knowledge: Knowledge, clock: Callable[[], datetime], cost: Cost) -> None:
    today = clock()
    walking = _WalkingClock(today - _BEGINNING)
    first, *others = _STORY["accounts"]
    made = set_up(
        folder,
        NodeSetup(
            facility=_STORY["facility"],
            facility_name=_STORY["facility_name"],
            villages=_STORY["villages"],
            serials=(1, 9_999),
            login=first["login"],
            name=first["name"],
            password=_STORY["password"],
            role=Role(first["role"]),
            demonstration=True,
        ),
        clock=walking,
        cost=cost,
    )
    seat = made.seat
    with seat.store.writing(SYSTEM) as writing:
        set_login_policy(writing, LoginPolicy(offline_days=_OFFLINE_DAYS))
        writing.audit(Action.CHANGE_ACCOUNT, detail="登录规则")
    for other in others:
        role = Role(other["role"])
        areas = () if role is Role.ADMINISTRATOR else (seat.store.node.township,)
        seat.add_account(
            SYSTEM, login=other["login"], name=other["name"], role=role, password=_STORY["password"], areas=areas
        )
    _, me = seat.sign_in(*SHOWN_ACCOUNT)
    people = _register(seat, me.account, walking, today)
    _visits(seat, me.account, knowledge, walking, today, people)
    walking.at = today
    for told, person in people:
        if "due" in told:
            _plan(seat, me.account, person, told["due"], today)
    _draft(seat, me.account)
    seat.close()


def _register(seat: Seat, by: Account, walking: _WalkingClock, today: datetime) -> list[tuple[dict[str, Any], Person]]:
    registered: list[tuple[dict[str, Any], Person]] = []
    county = seat.store.node.organisation
    for number, household in enumerate(_STORY["households"]):
        household_id = ""
        for place, told in enumerate(household["people"]):
            newborn = told["age"] == 0
            walking.at = today - (timedelta(days=9) if newborn else _BEGINNING)
            born = today.date() - timedelta(days=9 if newborn else round(told["age"] * 365.25) + 37 * (place + 1))
            if newborn:
                born = today.date() - timedelta(days=12)
            sex = told["sex"]
            fields = {
                "name": [told["name"]],
                "village_code": [household["village"]],
                "villager_group": [household["group"]],
                "address": [household["address"]],
                "sex": [sex],
                "birth_on": [born.isoformat()],
                "phone": [told.get("phone", "")],
                "programmes": told.get("programmes", []),
                "status": [told.get("status", "")],
                "relation": [told.get("relation", "")],
                "household_id": [household_id],
                "contract_doctor": [by.name],
                "new_household": ["yes" if not household_id else ""],
            }
            if told.get("document"):
                serial = 2 * ((number * 7 + place) % _HOUSEHOLDS) + (1 if sex == "male" else 0)
                first17 = f"{county}{born:%Y%m%d}{serial:03d}"
                fields["identifier"] = [first17 + check_digit(first17)]
            if "mother" in told:
                fields["mother_id"] = [next(p.id for t, p in registered if t["name"] == told["mother"])]
            entry = read_person(fields, organisation=county, person=None, today=walking.at.date())
            person = register_person(seat.store, by, entry, not_the_same=True)
            household_id = household_id or (person.household_id or "")
            registered.append((told, person))
            for name in told.get("problems", []):
                add_to_list(seat.store, by, person.id, ListKind.PROBLEM, name=name, today=walking.at.date())
            for name, detail in told.get("allergies", []):
                add_to_list(
                    seat.store,
                    by,
                    person.id,
                    ListKind.ALLERGY,
                    name=name,
                    detail=detail,
                    today=walking.at.date(),
                )
    return registered


def _visits(
    seat: Seat,
    by: Account,
    knowledge: Knowledge,
    walking: _WalkingClock,
    today: datetime,
    people: list[tuple[dict[str, Any], Person]],
) -> None:
    planned = [
        (days, index, place, told, person)
        for index, (told, person) in enumerate(people)
        for told in told.get("visits", [])
        for place, days in enumerate(told["days"])
    ]
    for days, index, place, told, person in sorted(planned, key=lambda visit: (-visit[0], visit[1], visit[2])):
        walking.at = today - timedelta(days=days, minutes=index)
        _see(seat, by, knowledge, walking.at, told, place, person)


def _see(
    seat: Seat, by: Account, knowledge: Knowledge, at: datetime, told: dict[str, Any], place: int, person: Person
) -> None:
    story = _STORY["stories"][told["story"]]
    vitals = {**story.get("vitals", {}), **{item: told[item][place] for item in _READINGS if item in told}}
    case = Case(
        sex=person.sex,
        age_years=age_years(person.birth_on, at.date()),
        vitals={item: float(value) for item, value in vitals.items()},
        pregnant=story.get("pregnant"),
        **story["texts"],
    )
    proposed = assess(case, knowledge)
    diagnoses = tuple(_diagnosis(knowledge, *each) for each in story["diagnoses"])
    listed = {candidate.disease for candidate in proposed.differential}
    agreed = diagnoses[0].disease in listed
    units = knowledge.content.items
    encounter = Encounter(
        kind=EncounterKind(story["kind"]),
        occurred_at=at,
        texts=story["texts"],
        pregnant=story.get("pregnant"),
        measured=tuple(
            Measured(item=item, value=value, unit=(units[item].unit or "") if item in units else "", at=at, by=by.name)
            for item, value in case.vitals.items()
        ),
        diagnoses=diagnoses,
        prescription=tuple(msgspec.convert(line, PrescriptionLine) for line in story.get("prescription", [])),
        advice=story.get("advice", ""),
        plan=story.get("plan", ""),
        next_visit_on=(at + timedelta(days=story["next_days"])).date() if "next_days" in story else None,
        next_visit_reason=story.get("next_reason", ""),
        decision=Decision(agreement=Agreement.ACCEPTED if agreed else Agreement.CHANGED, triage=proposed.triage.level),
    )
    draft = begin_draft(seat.store, by, person.id, {})
    sign(seat.store, by, draft.id, encounter, [], proposed=proposed, now=at)


def _diagnosis(knowledge: Knowledge, name: str, certainty: str, chronic: bool) -> Diagnosis:
    known = {disease.name: disease for disease in knowledge.content.diseases.values()}.get(name)
    return Diagnosis(
        name=name,
        icd10=known.icd10 if known else "",
        disease=known.id if known else None,
        certainty=Certainty(certainty),
        chronic=chronic,
    )


def _plan(seat: Seat, by: Account, person: Person, due: tuple[int, str], today: datetime) -> None:
    days, name = due
    on = today.date() + timedelta(days=days)
    add_to_list(
        seat.store,
        by,
        person.id,
        ListKind.PLAN,
        name=name,
        due_on=on,
        # A plan that is overdue was made when it still lay ahead.
        today=min(on, today.date()),
    )


def _draft(seat: Seat, by: Account) -> None:
    told = _STORY["draft"]
    person = search(seat.store, by, told["name"]).people[0]
    begin_draft(seat.store, by, person.id, told["fields"])


def _fill_queue(seat: Seat, by: Account, now: datetime) -> None:
    """Somebody always waits, whenever the demonstration is opened."""
    if open_today(seat.store, by, now).queue:
        return
    for name, why in _STORY["queue"]:
        found = search(seat.store, by, name).people
        if found:
            check_in(seat.store, by, found[0].id, why)
