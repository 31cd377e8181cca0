"""A hub and kits in one process on plain SQLite files, for tests of the exchange: made in a moment, copied, restored, taken offline."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec
import uuid_utils
from sqlalchemy import Engine, select

from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.encounter import (
    Diagnosis,
    Encounter,
    EncounterKind,
    ListEntry,
    ListKind,
    Measured,
    PersonAsSigned,
    SignedRecord,
    Signer,
)
from cunyi.domain.identity import Identifier, IdentifierKind
from cunyi.domain.organisation import KnownNode, NodeState
from cunyi.domain.person import Household, Person
from cunyi.domain.thread import Note, ThreadKind
from cunyi.store import schema
from cunyi.store.engine import open_sqlite
from cunyi.store.known_nodes import keep_node
from cunyi.store.links import Link, LinkRole, begin_epoch, hub_link, keep_link
from cunyi.store.lists import add_entry, entry_by_id, replace_entry
from cunyi.store.migrating import bring_up_to_date
from cunyi.store.nodes import create_node, open_node
from cunyi.store.notes import keep_note, notes_of
from cunyi.store.people import add_person, household_by_id, keep_household, person_by_id, replace_person
from cunyi.store.records import keep_record, next_version
from cunyi.store.signing import NodeKey
from cunyi.store.unit import NodeFacts, Store, Writing
from cunyi.sync.hub_side import HubSide
from cunyi.sync.kit_side import KitSide

COUNTY, TOWNSHIP = "360731", "360731101"
UPPER, LOWER = "360731101201", "360731101202"
MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
DOCTOR = str(uuid_utils.uuid7())
NUMBERS = ("360731196005051234", "360731195001012222")


@cache
def _template() -> Path:
    path = Path(mkdtemp(prefix="cysync")) / "template.db"
    engine = open_sqlite(path, None)
    bring_up_to_date(engine)
    engine.dispose()
    return path


@dataclass
class TestNode:
    """One node over a database of its own."""

    __test__ = False
    path: Path | None
    store: Store
    facility: str
    scope: tuple[str, ...] = ()
    clock_ahead: float = 0
    line: Any = None
    signed: dict[str, bytes] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.store.node.id

    # What people do.

    def register(
        self, name: str = "曾小明", village: str | None = None, number: str | None = None, **more: Any
    ) -> Person:
        with self.writing(Action.REGISTER_PERSON) as writing:
            person = Person(
                id=writing.new_id(),
                organisation=COUNTY,
                village_code=village or (self.scope or (UPPER,))[0],
                name=name,
                sex=Sex.MALE,
                birth_on=date(1960, 5, 5),
                identifiers=(Identifier(kind=IdentifierKind.RESIDENT_ID, value=number),) if number else (),
                **more,
            )
            add_person(writing, person)
        return person

    def edit(self, person_id: str, **fields: Any) -> Person:
        with self.writing(Action.CHANGE_PERSON) as writing:
            person = self.person(person_id, writing)
            return replace_person(writing, msgspec.structs.replace(person, **fields))

    def settle_household(self, person_id: str, address: str = "") -> Household:
        with self.writing(Action.CHANGE_HOUSEHOLD) as writing:
            person = self.person(person_id, writing)
            known = household_by_id(writing.connection, COUNTY, person.household_id) if person.household_id else None
            household = known or Household(
                id=writing.new_id(), organisation=COUNTY, village_code=person.village_code, head_id=person.id
            )
            keep_household(writing, msgspec.structs.replace(household, address=address))
            if known is None:
                replace_person(writing, msgspec.structs.replace(person, household_id=household.id))
        return household

    def put_on_list(self, person_id: str, name: str = "高血压") -> ListEntry:
        with self.writing(Action.CHANGE_LIST) as writing:
            entry = ListEntry(
                id=writing.new_id(), organisation=COUNTY, person_id=person_id, kind=ListKind.PROBLEM, name=name
            )
            add_entry(writing, entry)
        return entry

    def change_entry(self, entry_id: str, **fields: Any) -> ListEntry:
        with self.writing(Action.CHANGE_LIST) as writing:
            entry = entry_by_id(writing.connection, COUNTY, entry_id)
            assert entry is not None
            return replace_entry(writing, msgspec.structs.replace(entry, **fields))

    def sign(self, person_id: str, complaint: str = "咳嗽3天", encounter_id: str | None = None) -> SignedRecord:
        with self.writing(Action.SIGN_RECORD) as writing:
            person = self.person(person_id, writing)
            encounter_id = encounter_id or writing.new_id()
            version, before = next_version(writing.connection, COUNTY, encounter_id)
            record = SignedRecord(
                format=1,
                id=writing.new_id(),
                encounter_id=encounter_id,
                organisation=COUNTY,
                facility=self.facility,
                node=self.id,
                version=version,
                supersedes=before,
                reason="" if before is None else "更正",
                person=as_signed(person),
                signer=Signer(account=DOCTOR, name="李建国", role="village_doctor"),
                signed_at=writing.at,
                clock_doubtful=writing.clock_doubtful,
                encounter=Encounter(
                    kind=EncounterKind.OUTPATIENT,
                    occurred_at=writing.at,
                    texts={"chief_complaint": complaint},
                    measured=(Measured(item="temperature_c", value=38.5, unit="℃"),),
                    diagnoses=(Diagnosis(name="上呼吸道感染"),),
                ),
            )
            keep_record(writing, record)
        self.signed[record.id] = signed_bytes(self.store, schema.document)[record.id]
        return record

    def write_note(self, person_id: str, to: str, thread: str | None = None, kind: str = "asked") -> Note:
        with self.writing(Action.CHANGE_LIST) as writing:
            person = self.person(person_id, writing)
            thread = thread or writing.new_id()
            before = notes_of(writing.connection, COUNTY, thread)
            note = Note(
                format=1,
                id=writing.new_id(),
                organisation=COUNTY,
                thread=thread,
                thread_kind=ThreadKind.CONSULTATION,
                kind=kind,
                after=tuple(each.note.id for each in before[-1:]),
                facility=self.facility,
                facility_name=self.facility,
                node=self.id,
                person=as_signed(person),
                village_code=person.village_code,
                author=Signer(account=DOCTOR, name="李建国", role="village_doctor"),
                signed_at=writing.at,
                clock_doubtful=False,
                content={"to_facility": to, "question": "请看"},
            )
            keep_note(writing, note)
        return note

    # What is looked at.

    def person(self, person_id: str, writing: Writing | None = None) -> Person:
        if writing is not None:
            found = person_by_id(writing.connection, COUNTY, person_id)
        else:
            with self.store.reading() as connection:
                found = person_by_id(connection, COUNTY, person_id)
        assert found is not None
        return found

    def has(self, table: Any) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.execute(select(table)).all())

    def writing(self, action: Action) -> Any:
        return _Audited(self.store, action)

    # What happens to it.

    def close(self) -> None:
        self.store.close()

    def reopen(self) -> None:
        """As after a crash: nothing is left but what the database holds."""
        assert self.path is not None
        self.store.close()
        self.store = open_node(open_sqlite(self.path, None), clock=self.store.clock)

    def backup(self) -> bytes:
        assert self.path is not None
        self.store.close()
        copy = self.path.read_bytes()
        self.store = open_node(open_sqlite(self.path, None), clock=self.store.clock)
        return copy

    def restore(self, copy: bytes) -> None:
        assert self.path is not None
        self.store.close()
        for left in (Path(f"{self.path}-wal"), Path(f"{self.path}-shm")):
            left.unlink(missing_ok=True)
        self.path.write_bytes(copy)
        self.store = open_node(open_sqlite(self.path, None), clock=self.store.clock)


class _Audited:
    """A write with its audit line."""

    def __init__(self, store: Store, action: Action) -> None:
        self._context, self._action = store.writing(DOCTOR), action

    def __enter__(self) -> Writing:
        self._writing = self._context.__enter__()
        return self._writing

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            self._writing.audit(self._action)
        self._context.__exit__(*error)


class Village:
    """A hub and its kits, and the lines between them."""

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.kits: list[TestNode] = []
        self.hub = self._node("hub", "H", engine)
        with self.hub.writing(Action.CREATE_NODE) as writing:
            begin_epoch(writing)

    def _node(self, name: str, facility: str, engine: Engine | None = None) -> TestNode:
        path = None
        if engine is None:
            path = self.folder / f"{name}.db"
            shutil.copy(_template(), path)
            engine = open_sqlite(path, None)
        facts = NodeFacts(
            id=str(uuid_utils.uuid7()),
            organisation=COUNTY,
            township=TOWNSHIP,
            facility=facility,
            facility_name=facility,
            demonstration=False,
        )
        return TestNode(path, create_node(engine, facts, NodeKey.make(), clock=lambda: MORNING), facility)

    def kit(self, *scope: str, facility: str | None = None) -> TestNode:
        """A new kit, enrolled."""
        number = len(self.kits) + 1
        kit = self._node(f"kit{number}", facility or f"F{number}")
        kit.scope = scope or (UPPER,)
        self.enrol(kit)
        self.kits.append(kit)
        return kit

    def enrol(self, kit: TestNode) -> None:
        with self.hub.writing(Action.CREATE_NODE) as writing:
            keep_node(writing, self.known(kit))
        with kit.store.writing("system", working_state=True) as writing:
            keep_link(
                writing.connection,
                Link(
                    id=self.hub.id,
                    organisation=COUNTY,
                    role=LinkRole.HUB,
                    name="中心",
                    public_key=self.hub.store.key.public,
                ),
            )

    def known(self, kit: TestNode, **other: Any) -> KnownNode:
        return KnownNode(
            **{
                "id": kit.id,
                "organisation": COUNTY,
                "facility": kit.facility,
                "name": kit.facility,
                "public_key": kit.store.key.public,
                "scope": kit.scope,
                "enrolled_at": MORNING,
                **other,
            }
        )

    def revoke(self, kit: TestNode, reason: str = "丢失") -> None:
        with self.hub.writing(Action.CREATE_NODE) as writing:
            keep_node(writing, self.known(kit, state=NodeState.REVOKED, revoked_reason=reason, revoked_at=MORNING))

    def side(self, kit: TestNode, send: Any = None, **more: Any) -> KitSide:
        return KitSide(kit.store, send or HubSide(self.hub.store).answer, **more)

    def sync(self, *kits: TestNode) -> None:
        """Good lines for everybody."""
        for kit in kits or self.kits:
            self.side(kit).synchronise()

    def settle(self) -> None:
        """Until everybody has what everybody did."""
        for _ in range(3):
            self.sync()

    def close(self) -> None:
        for node in (self.hub, *self.kits):
            node.close()


def as_signed(person: Person) -> PersonAsSigned:
    return PersonAsSigned(
        id=person.id, name=person.name, sex=person.sex, birth_on=person.birth_on, archive_code=person.archive_code
    )


def signed_bytes(store: Store, table: Any) -> dict[str, bytes]:
    with store.reading() as connection:
        return {row.id: bytes(row.body) for row in connection.execute(select(table.c.id, table.c.body))}


def link_of(kit: TestNode) -> Link:
    with kit.store.reading() as connection:
        link = hub_link(connection, COUNTY)
    assert link is not None
    return link


def differences(hub: TestNode, kit: TestNode) -> list[str]:
    """Everything within a kit's scope that it has otherwise than the hub."""
    found = []
    persons = {row.id: row for row in hub.has(schema.person)}
    own = {row.id for row in persons.values() if row.village_code.startswith(kit.scope)}
    here = {row.id: row for row in kit.has(schema.person)}
    for each in own:
        if each not in here:
            found.append(f"person {each} is missing")
        elif here[each].details != persons[each].details:
            found.append(f"person {each}: {here[each].details!r} {persons[each].details!r}")
    found += [f"person {each} is unknown at the hub" for each in here if each not in persons]
    for table, owner in ((schema.list_entry, "person_id"), (schema.document, "person_id")):
        theirs = {row.id: row for row in kit.has(table)}
        for row in hub.has(table):
            if getattr(row, owner) not in own:
                continue
            if row.id not in theirs:
                found.append(f"{table.name} {row.id} is missing")
            else:
                column = "details" if table is schema.list_entry else "body"
                if getattr(row, column) != getattr(theirs[row.id], column):
                    found.append(f"{table.name} {row.id}: {getattr(row, column)!r} {getattr(theirs[row.id], column)!r}")
    indexed = {(row.kind, row.value, row.person_id) for row in hub.has(schema.identifier) if row.person_id in own}
    found_here = {(row.kind, row.value, row.person_id) for row in kit.has(schema.identifier) if row.person_id in own}
    if indexed != found_here:
        found.append(f"identifiers {indexed ^ found_here}")
    households = {row.id: row.details for row in kit.has(schema.household)}
    for row in hub.has(schema.household):
        if row.village_code.startswith(kit.scope) and households.get(row.id) != row.details:
            found.append(f"household {row.id}: {households.get(row.id)!r} {row.details!r}")
    return found
