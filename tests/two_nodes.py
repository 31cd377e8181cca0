"""A clinic and the hub of its township as two nodes of their own; their notes are copied between them by hand."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from node_for_tests import CHEAP, LOGIN, PASSWORD, SETUP, Clock, Node
from sqlalchemy import select

from cunyi.domain.account import Account, Role
from cunyi.domain.audit import Action
from cunyi.domain.organisation import Facility, FacilityLevel
from cunyi.journeys.seat import Seat
from cunyi.journeys.setting_up import NodeSetup, set_up
from cunyi.store import schema
from cunyi.store.attachments import attachment_by_id, insert_header, insert_part, read_attachment
from cunyi.store.facilities import keep_facility
from cunyi.store.folder import Folder
from cunyi.store.notes import insert_note, note_by_id, project_thread
from cunyi.store.people import add_person, person_by_id
from cunyi.store.township_schema import attachment as attachments
from cunyi.store.township_schema import note as notes
from cunyi.store.unit import SYSTEM, Store

BEGUN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CLINIC, TOWNSHIP, COUNTY = "360731101201-01", "T0001", "X0001"
FACILITIES = (
    Facility(
        code=CLINIC,
        organisation="360731",
        name="上坪村卫生室",
        level=FacilityLevel.VILLAGE,
        catchment=("360731101201",),
    ),
    Facility(
        code=TOWNSHIP,
        organisation="360731",
        name="云上镇卫生院",
        level=FacilityLevel.TOWNSHIP,
        catchment=("360731101",),
        phone="0797-0000001",
    ),
    Facility(
        code=COUNTY,
        organisation="360731",
        name="云县人民医院",
        level=FacilityLevel.COUNTY,
        catchment=("360731",),
        phone="0797-0000002",
        emergency_phone="0797-0000120",
    ),
)


@dataclass
class TwoNodes:
    """The clinic's node with its doctor, and the hub with a doctor of the township and one of the county."""

    clinic: Node
    hub: Seat
    hub_token: str
    township_doctor: Account
    county_doctor: Account
    clock: Clock

    def sync(self) -> None:
        """Everything that the two lack of each other's people, notes and pictures."""
        for source, target in ((self.clinic.store, self.hub.store), (self.hub.store, self.clinic.store)):
            copy(source, target)

    def pass_minutes(self, minutes: float) -> None:
        self.clock.at = self.clock() + timedelta(minutes=minutes)


@contextmanager
def two_nodes(path: Path, clock: Clock) -> Iterator[TwoNodes]:
    """A clinic and its hub, copied from two that were made once."""
    shutil.copytree(_template(), path, dirs_exist_ok=True)
    clinic, hub = (Seat(clock=clock, cost=CHEAP, folder=Folder(path / name)) for name in ("clinic", "hub"))
    clinic_token, doctor = clinic.sign_in(LOGIN, PASSWORD)
    hub_token, township = hub.sign_in("zhang", PASSWORD)
    county = next(each for each in hub.names_of_accounts() if each.login == "gao")
    node = Node(Folder(path / "clinic"), clinic, doctor.account, clinic_token, "", clock)
    try:
        yield TwoNodes(node, hub, hub_token, township.account, county, clock)
    finally:
        clinic.close()
        hub.close()


@cache
def _template() -> Path:
    """The folders of a clinic and a hub, made once for all tests of this run."""
    path = Path(tempfile.mkdtemp(prefix="two-nodes"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    clock = Clock(BEGUN)
    setup = NodeSetup(
        facility=TOWNSHIP,
        facility_name="云上镇卫生院",
        villages={"360731101201": "上坪村"},
        serials=(501, 600),
        login="zhang",
        name="张志远",
        password=PASSWORD,
        role=Role.TOWNSHIP_DOCTOR,
    )
    clinic = set_up(Folder(path / "clinic"), SETUP, clock=clock, cost=CHEAP).seat
    hub = set_up(Folder(path / "hub"), setup, clock=clock, cost=CHEAP).seat
    for store in (clinic.store, hub.store):
        with store.writing(SYSTEM) as writing:
            for facility in FACILITIES:
                keep_facility(writing, facility)
            writing.audit(Action.LOAD_ORGANISATION)
    hub.add_account(
        SYSTEM,
        login="gao",
        name="高敏",
        role=Role.TOWNSHIP_DOCTOR,
        password=PASSWORD,
        areas=("360731",),
        facility=COUNTY,
    )
    clinic.close()
    hub.close()
    return path


def copy(source: Store, target: Store) -> None:
    """People, notes and pictures of one store that the other lacks; what a synchronisation would carry."""
    organisation = source.node.organisation
    with source.reading() as connection:
        people = [
            person_by_id(connection, organisation, person)
            for person in connection.execute(select(schema.person.c.id)).scalars()
        ]
        kept = [note_by_id(connection, organisation, each) for each in connection.execute(select(notes.c.id)).scalars()]
        pictures = [
            (attachment_by_id(connection, organisation, each), read_attachment(connection, organisation, each))
            for each in connection.execute(select(attachments.c.id)).scalars()
        ]
    with target.writing(SYSTEM, working_state=True) as writing:
        connection = writing.connection
        for person in people:
            if person and person_by_id(connection, organisation, person.id) is None:
                add_person(writing, person)
        for note in kept:
            if note and note_by_id(connection, organisation, note.note.id) is None:
                insert_note(connection, note)
                project_thread(connection, organisation, note.note.thread)
        for picture, data in pictures:
            if picture and insert_header(connection, picture):
                insert_part(connection, organisation, picture.id, 0, data)
