"""Two nodes of one township for tests of referrals, and what carries their notes from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from node_for_tests import CHEAP, LOGIN, PASSWORD, SETUP, Clock, Node, a_node
from sqlalchemy import insert, select

from cunyi.domain.account import Role
from cunyi.domain.audit import Action
from cunyi.domain.organisation import Capability, Facility, FacilityLevel
from cunyi.journeys.setting_up import set_up
from cunyi.store import schema
from cunyi.store.facilities import keep_facility
from cunyi.store.folder import Folder
from cunyi.store.notes import insert_note, notes_of, project_thread
from cunyi.store.township_schema import note as notes
from cunyi.store.unit import SYSTEM, Store

CLINIC, TOWNSHIP, COUNTY = SETUP.facility, "T1", "C1"
VILLAGE = "360731101201"
FACILITIES = (
    Facility(
        code=CLINIC,
        organisation="360731",
        name="上坪村卫生室",
        level=FacilityLevel.VILLAGE,
        catchment=(VILLAGE,),
    ),
    Facility(
        code=TOWNSHIP,
        organisation="360731",
        name="坪山镇卫生院",
        level=FacilityLevel.TOWNSHIP,
        catchment=("360731101",),
        phone="07970001",
        emergency_phone="07970120",
        capabilities=(Capability(department="internal_medicine"),),
        minutes_away={VILLAGE: 25},
    ),
    Facility(
        code=COUNTY,
        organisation="360731",
        name="县人民医院",
        level=FacilityLevel.COUNTY,
        catchment=("360731",),
        phone="07971000",
        emergency_phone="07971120",
        capabilities=(Capability(department="cardiology"), Capability(department="internal_medicine")),
        minutes_away={VILLAGE: 70},
    ),
)


def register_facilities(store: Store, *facilities: Facility) -> None:
    """Keeps the facilities of the county on a node."""
    with store.writing(SYSTEM) as writing:
        for each in facilities or FACILITIES:
            keep_facility(writing, each)
        writing.audit(Action.LOAD_ORGANISATION)


@contextmanager
def two_nodes(path: Path) -> Iterator[tuple[Node, Node]]:
    """A village clinic and the township health centre, with the same clock."""
    clock = Clock()
    with a_node(path / "village", clock) as village:
        setup = msgspec.structs.replace(
            SETUP, facility=TOWNSHIP, facility_name="坪山镇卫生院", name="王医生", role=Role.TOWNSHIP_DOCTOR
        )
        made = set_up(Folder(path / "township"), setup, clock=clock, cost=CHEAP)
        token, me = made.seat.sign_in(LOGIN, PASSWORD)
        township = Node(Folder(path / "township"), made.seat, me.account, token, made.recovery_code, clock)
        for node in (village, township):
            register_facilities(node.store)
        try:
            yield village, township
        finally:
            township.seat.close()


def carry(here: Store, there: Store) -> None:
    """Carries people and notes that the other node does not have, as an exchange would."""
    with here.reading() as connection:
        people = connection.execute(select(schema.person)).mappings().all()
        kept = [
            each
            for thread in connection.execute(select(notes.c.thread_id).distinct()).scalars().all()
            for each in notes_of(connection, here.node.organisation, thread)
        ]
    with there.writing(SYSTEM, working_state=True) as writing:
        connection = writing.connection
        known_people = set(connection.execute(select(schema.person.c.id)).scalars())
        known_notes = set(connection.execute(select(notes.c.id)).scalars())
        for person in people:
            if person["id"] not in known_people:
                connection.execute(insert(schema.person).values(**person))
        for each in kept:
            if each.note.id not in known_notes:
                insert_note(connection, each)
        for thread in {each.note.thread for each in kept if each.note.id not in known_notes}:
            project_thread(connection, there.node.organisation, thread)
