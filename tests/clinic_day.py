"""A day at an invented clinic, for tests of the store: registering, writing, signing, and a look at whether all of it fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from node_for_tests import CHEAP, LOGIN, PASSWORD, SETUP, Clock
from sqlalchemy import Engine, func, select

from cunyi.domain.account import Account, Role
from cunyi.domain.assessment import Assessment, ReferralProposed, TriageResult
from cunyi.domain.audit import Action
from cunyi.domain.encounter import (
    Agreement,
    Certainty,
    Decision,
    Diagnosis,
    Encounter,
    EncounterKind,
    Measured,
    SignedRecord,
)
from cunyi.domain.person import Person
from cunyi.domain.prescription import PrescriptionLine
from cunyi.journeys.consulting import begin_amendment, begin_draft, sign
from cunyi.journeys.registering import read_person, register_person
from cunyi.journeys.safekeeping import verify
from cunyi.journeys.seat import Seat
from cunyi.journeys.setting_up import set_up, set_up_database
from cunyi.store import packing, schema
from cunyi.store.folder import Folder
from cunyi.store.unit import Store

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
VILLAGE, NEXT_VILLAGE = "360731101201", "360731101202"
PROPOSED = Assessment(
    id="a1",
    triage=TriageResult("routine", [], False, []),
    something_else=0.2,
    case_mix="primary_care",
    differential=[],
    must_exclude=[],
    critical_values=[],
    department=None,
    referral=ReferralProposed(False, "", None, [], []),
    questions=[],
    examinations=[],
    advice=[],
    findings=[],
    readings=[],
    conflicts=[],
    refused=[],
    knowledge_version="test",
    engine_version="test",
)


@dataclass
class Desk:
    """A node with its doctor signed in; `folder` None on PostgreSQL."""

    seat: Seat
    account: Account
    token: str
    clock: Clock
    folder: Folder | None
    recovery_code: str = ""

    @property
    def store(self) -> Store:
        return self.seat.store

    def register(self, name: str, **fields: str) -> Person:
        """Somebody of the village, whoever they look like."""
        sent = {"name": name, "village_code": VILLAGE, "birth_on": "1960-05-05", "sex": "male", **fields}
        if "identifier" in fields:
            del sent["birth_on"], sent["sex"]
        entry = read_person(
            {key: [value] for key, value in sent.items()}, organisation="360731", person=None, today=self.today
        )
        return register_person(self.store, self.account, entry, not_the_same=True)

    @property
    def today(self) -> date:
        return self.clock().date()

    def pass_time(self, **units: float) -> None:
        """Sets the clock on."""
        self.clock.at = self.clock() + timedelta(**units)

    def see(self, person: Person, complaint: str = "咳嗽3天", by: Account | None = None, **content) -> SignedRecord:
        """A whole encounter, signed."""
        by = by or self.account
        draft = begin_draft(self.store, by, person.id, {"chief_complaint": [complaint]})
        content = {"occurred_at": self.clock(), **content}
        return sign(self.store, by, draft.id, encounter(complaint, **content), [], proposed=PROPOSED, now=self.clock())

    def amend(self, record: SignedRecord, complaint: str, reason: str = "写错了", by: Account | None = None):
        """A further version of a signed encounter."""
        by = by or self.account
        draft = begin_amendment(self.store, by, record.encounter_id, {})
        return sign(
            self.store,
            by,
            draft.id,
            encounter(complaint, occurred_at=record.encounter.occurred_at),
            [],
            proposed=PROPOSED,
            reason=reason,
            now=self.clock(),
        )

    def colleague(self, login: str, role: Role = Role.VILLAGE_DOCTOR, areas: tuple[str, ...] = (VILLAGE,)) -> Account:
        """Another account, with the password of the first."""
        return self.seat.add_account("system", login=login, name="王医生", role=role, password=PASSWORD, areas=areas)


def encounter(complaint: str, *, occurred_at: datetime, **content) -> Encounter:
    """What a doctor writes on an ordinary visit."""
    whole = {
        "kind": EncounterKind.OUTPATIENT,
        "occurred_at": occurred_at,
        "texts": {"chief_complaint": complaint},
        "measured": (Measured(item="temperature_c", value=38.5, unit="℃"), Measured(item="尿蛋白", value="+")),
        "diagnoses": (Diagnosis(name="上呼吸道感染", certainty=Certainty.CONFIRMED),),
        "prescription": (PrescriptionLine(drug="对乙酰氨基酚", dose="0.5g", route="口服", frequency="必要时", days=3),),
        "decision": Decision(agreement=Agreement.ACCEPTED, triage="routine"),
    }
    return Encounter(**(whole | content))


def in_folder(path: Path, clock: Clock | None = None) -> Desk:
    """A node in a folder."""
    clock = clock or Clock(MORNING)
    made = set_up(Folder(path), SETUP, clock=clock, cost=CHEAP)
    token, me = made.seat.sign_in(LOGIN, PASSWORD)
    return Desk(made.seat, me.account, token, clock, Folder(path), made.recovery_code)


def in_database(engine: Engine, clock: Clock | None = None) -> Desk:
    """A node in an empty database."""
    clock = clock or Clock(MORNING)
    seat = set_up_database(engine, SETUP, clock=clock, cost=CHEAP)
    token, me = seat.sign_in(LOGIN, PASSWORD)
    return Desk(seat, me.account, token, clock, None)


def rows(store: Store, table) -> list[tuple]:
    """Every row of a table, in order."""
    with store.reading() as connection:
        return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


def count(store: Store, table) -> int:
    """How many rows a table has."""
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def misfits(store: Store, folder: Folder | None = None) -> list[str]:
    """Everything that does not fit together: what `verify` finds, and state, outbox and log compared with each other."""
    found = list(verify(store, folder).problems)
    with store.reading() as connection:
        latest: dict[tuple[str, str], Any] = {}
        sequences = []
        for row in connection.execute(select(schema.change).order_by(schema.change.c.sequence)):
            became = msgspec.json.decode(bytes(row.body))["after"] if row.body else {}
            latest[row.kind, row.subject] = {**latest.get((row.kind, row.subject), {}), **became}
            sequences.append(row.sequence)
        if sequences != list(range(1, len(sequences) + 1)):
            found.append("the outbox has gaps")
        state: dict[tuple[str, str], Any] = {}
        for kind, table in (
            ("person", schema.person),
            ("household", schema.household),
            ("list_entry", schema.list_entry),
            ("account", schema.account),
        ):
            for row in connection.execute(select(table.c.id, table.c.details)):
                state[kind, row.id] = msgspec.json.decode(row.details)
        signed = set()
        for row in connection.execute(select(schema.document)):
            signed.add(row.id)
            state["document", row.id] = {}
            record = msgspec.json.decode(packing.unpack(row.body), type=SignedRecord)
            projected = connection.execute(
                select(schema.encounter.c.version).where(schema.encounter.c.id == record.encounter_id)
            ).scalar_one_or_none()
            if projected is None or projected < record.version:
                found.append(f"record {row.id} is not in the tables")
        for row in connection.execute(select(schema.merge)):
            state["merge", row.id] = {
                "id": row.id,
                "kept_id": row.kept_id,
                "replaced_id": row.replaced_id,
                "before": msgspec.json.decode(row.before),
                "undone": row.undone,
            }
        for each in (*state.values(), *latest.values()):
            # A change carries no revision: every node counts its own.
            each.pop("revision", None)
        if state != latest:
            different = {key for key in state.keys() | latest.keys() if state.get(key) != latest.get(key)}
            found.append(f"state and outbox differ: {sorted(kind for kind, _ in different)}")
        log = schema.audit_entry
        audited = connection.execute(
            select(log.c.subject).where(log.c.action.in_([Action.SIGN_RECORD, Action.AMEND_RECORD]))
        ).scalars()
        if sorted(audited) != sorted(signed):
            found.append("records and the audit log differ")
        registered = connection.execute(select(log.c.person).where(log.c.action == Action.REGISTER_PERSON)).scalars()
        if set(registered) != {key for kind, key in state if kind == "person"}:
            found.append("people and the audit log differ")
    return found
