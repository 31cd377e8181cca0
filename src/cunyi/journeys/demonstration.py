"""The demonstration: a node with a small invented village, made through the ordinary journeys with a clock that walks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from cunyi.domain.account import Account, LoginPolicy, Role
from cunyi.domain.audit import Action
from cunyi.domain.case import Case, Sex
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
from cunyi.domain.person import Person
from cunyi.domain.prescription import PrescriptionLine
from cunyi.journeys.case_of_person import background_of, case_of, patient_for
from cunyi.journeys.consulting import begin_draft, sign
from cunyi.journeys.demonstrated_referrals import told_referrals
from cunyi.journeys.demonstrated_threads import keep_demonstrated_facilities, told_threads
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.journeys.queueing import arrive
from cunyi.journeys.registering import read_person, register_person
from cunyi.journeys.seat import Seat
from cunyi.journeys.setting_up import NodeSetup, set_up
from cunyi.journeys.today import open_today, search
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.prescribing import check_prescription
from cunyi.store.folder import Folder
from cunyi.store.nodes import set_login_policy
from cunyi.store.passwords import Cost
from cunyi.store.unit import SYSTEM

_STORY = msgspec.json.decode((Path(__file__).parent / "demonstration.json").read_bytes())
SHOWN_ACCOUNT: tuple[str, str] = (_STORY["accounts"][0]["login"], _STORY["password"])
_BEGINNING_DAYS = 550
_NEWBORN_DAYS = 12
_NEWBORN_KNOWN_DAYS = 9
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
    _fill_queue(seat, me.account, knowledge, clock())
    seat.sign_out(token)
    return seat


class _WalkingClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def _make(folder: Folder, knowledge: Knowledge, clock: Callable[[], datetime], cost: Cost) -> None:
    today = clock()
    # A day before the first villager, whatever the hour now.
    walking = _WalkingClock(today - timedelta(days=_BEGINNING_DAYS + 1))
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
    keep_demonstrated_facilities(seat, _STORY)
    for other in others:
        role = Role(other["role"])
        areas = () if role is Role.ADMINISTRATOR else (seat.store.node.township,)
        seat.add_account(
            SYSTEM,
            login=other["login"],
            name=other["name"],
            role=role,
            password=_STORY["password"],
            areas=areas,
            facility=other.get("facility", ""),
        )
    _, me = seat.sign_in(*SHOWN_ACCOUNT)
    _Village(seat, me.account, knowledge, walking, today).live()
    _draft(seat, me.account)
    seat.close()


class _Village:
    """The village as it is told, lived through from the first registration to today."""

    def __init__(self, seat: Seat, by: Account, knowledge: Knowledge, walking: _WalkingClock, today: datetime) -> None:
        self._seat = seat
        self._by = by
        self._knowledge = knowledge
        self._walking = walking
        self._today = today
        self._households: dict[int, str] = {}
        self._people: dict[str, Person] = {}

    def live(self) -> None:
        """Registers everybody and signs every visit, in the order of time, then plans what is due."""
        events: list[tuple[datetime, int, Callable[[], None]]] = []
        orders: dict[str, int] = {}
        for number, household in enumerate(_STORY["households"]):
            for place, told in enumerate(household["people"]):
                orders[told["name"]] = order = number * 10 + place
                days = _NEWBORN_KNOWN_DAYS if told["age"] == 0 else _BEGINNING_DAYS
                events.append((self._morning(days, order), order, partial(self._register, number, place)))
                for visits in told.get("visits", []):
                    for nth, days_ago in enumerate(visits["days"]):
                        at = self._morning(days_ago, order)
                        events.append((at, order, partial(self._see, told["name"], visits, nth)))
        for days_ago, minutes, happens in told_threads(self._seat, _STORY, self._people, orders, self._knowledge):
            events.append((self._morning(days_ago, minutes), minutes, happens))
        for days_ago, minutes, happens in told_referrals(self._seat, _STORY, self._people, self._knowledge):
            events.append((self._morning(days_ago, minutes), minutes, happens))
        for at, _, happens in sorted(events, key=lambda event: event[:2]):
            self._walking.at = at
            happens()
        self._walking.at = self._today
        for told in (told for household in _STORY["households"] for told in household["people"]):
            if "due" in told:
                self._plan(self._people[told["name"]], *told["due"])

    def _morning(self, days_ago: int, minutes: int) -> datetime:
        day = self._today.astimezone() - timedelta(days=days_ago)
        return day.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(minutes=minutes)

    def _register(self, number: int, place: int) -> None:
        household = _STORY["households"][number]
        told = household["people"][place]
        store, by, on = self._seat.store, self._by, self._walking.at.date()
        fields = self._form(household, told, number, place)
        entry = read_person(fields, organisation=store.node.organisation, person=None, today=on)
        # The village has one record twice, to try the merging on.
        person = register_person(store, by, entry, not_the_same=True)
        self._households.setdefault(number, person.household_id or "")
        self._people.setdefault(person.name, person)
        for name in told.get("problems", []):
            add_to_list(store, by, person.id, ListKind.PROBLEM, name=name, today=on)
        for kind, list_name in ((ListKind.ALLERGY, "allergies"), (ListKind.MEDICATION, "medications")):
            for name, detail in told.get(list_name, []):
                add_to_list(store, by, person.id, kind, name=name, detail=detail, today=on)

    def _form(self, household: dict[str, Any], told: dict[str, Any], number: int, place: int) -> dict[str, list[str]]:
        days_old = _NEWBORN_DAYS if told["age"] == 0 else round(told["age"] * 365.25) + 37 * (place + 1)
        born = self._today.date() - timedelta(days=days_old)
        household_id = self._households.get(number, "")
        fields = {
            "name": [told["name"]],
            "village_code": [household["village"]],
            "villager_group": [household["group"]],
            "address": [household["address"]],
            "sex": [told["sex"]],
            "birth_on": [born.isoformat()],
            "phone": [told.get("phone", "")],
            "programmes": told.get("programmes", []),
            "status": [told.get("status", "")],
            "relation": [told.get("relation", "")],
            "household_id": [household_id],
            "contract_doctor": [self._by.name],
            "new_household": ["" if household_id else "yes"],
        }
        if told.get("document"):
            serial = 2 * (number * 10 + place) + (1 if told["sex"] == Sex.MALE else 0)
            first17 = f"{self._seat.store.node.organisation}{born:%Y%m%d}{serial:03d}"
            fields["identifier"] = [first17 + check_digit(first17)]
        if "mother" in told:
            fields["mother_id"] = [self._people[told["mother"]].id]
        return fields

    def _see(self, name: str, visits: dict[str, Any], nth: int) -> None:
        """One visit, assessed and its prescription checked as on the page; a grave concern stops the signature."""
        story, person, by, at = _STORY["stories"][visits["story"]], self._people[name], self._by, self._walking.at
        store, knowledge = self._seat.store, self._knowledge
        values = {**story.get("vitals", {}), **{item: visits[item][nth] for item in _READINGS if item in visits}}
        vitals = {item: float(value) for item, value in values.items()}
        background = background_of(store, by, person, knowledge, at)
        written = Case(vitals=vitals, pregnant=story.get("pregnant"), **story["texts"])
        case = case_of(written, person, background, at.date())
        proposed = assess(case, knowledge)
        kind = EncounterKind(story["kind"])
        lines = tuple(msgspec.convert(line, PrescriptionLine) for line in story.get("prescription", []))
        emergency = proposed.triage.level == "emergency"
        patient = patient_for(
            case, person, by, kind, knowledge, emergency=emergency, chronic_reason=story.get("chronic_reason", "")
        )
        diagnoses = tuple(_diagnosis(knowledge, *each) for each in story["diagnoses"])
        agreed = diagnoses[0].disease in {candidate.disease for candidate in proposed.differential}
        items = knowledge.content.items
        encounter = Encounter(
            kind=kind,
            occurred_at=at,
            texts=story["texts"],
            pregnant=story.get("pregnant"),
            measured=tuple(
                Measured(item=item, value=value, unit=items[item].unit or "", at=at, by=by.name)
                for item, value in vitals.items()
            ),
            diagnoses=diagnoses,
            prescription=lines,
            advice=story.get("advice", ""),
            plan=story.get("plan", ""),
            next_visit_on=(at + timedelta(days=story["next_days"])).date() if "next_days" in story else None,
            next_visit_reason=story.get("next_reason", ""),
            decision=Decision(
                agreement=Agreement.ACCEPTED if agreed else Agreement.CHANGED, triage=proposed.triage.level
            ),
        )
        concerns = check_prescription(lines, patient, knowledge) if lines else []
        draft = begin_draft(store, by, person.id, {})
        sign(
            store,
            by,
            draft.id,
            encounter,
            concerns,
            proposed=proposed,
            now=at,
            answering=knowledge.content.answering,
        )

    def _plan(self, person: Person, days: int, name: str) -> None:
        on = self._today.date() + timedelta(days=days)
        add_to_list(
            self._seat.store, self._by, person.id, ListKind.PLAN, name=name, due_on=on, today=self._today.date()
        )


def _diagnosis(knowledge: Knowledge, name: str, certainty: str, chronic: bool) -> Diagnosis:
    known = {disease.name: disease for disease in knowledge.content.diseases.values()}.get(name)
    return Diagnosis(
        name=name,
        icd10=known.icd10 if known else "",
        disease=known.id if known else None,
        certainty=Certainty(certainty),
        chronic=chronic,
    )


def _draft(seat: Seat, by: Account) -> None:
    told = _STORY["draft"]
    person = search(seat.store, by, told["name"]).people[0]
    begin_draft(seat.store, by, person.id, told["fields"])


def _fill_queue(seat: Seat, by: Account, knowledge: Knowledge, now: datetime) -> None:
    """Somebody always waits, whenever the demonstration is opened."""
    if open_today(seat.store, by, now).queue:
        return
    for name, why in _STORY["queue"]:
        found = search(seat.store, by, name).people
        if found:
            arrive(seat.store, by, found[0].id, why, knowledge, now=now)
