"""An invented township for tests: a hub at the health centre, and kits that were enrolled at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node_for_tests import CHEAP, LOGIN, PASSWORD, SETUP, Clock
from sqlalchemy import Engine

from cunyi.domain.account import Account, Role
from cunyi.domain.organisation import Area, Capability, Facility, FacilityLevel
from cunyi.journeys.enrolling import answer_enrolment, make_code
from cunyi.journeys.organisation_file import Organisation
from cunyi.journeys.seat import Seat
from cunyi.journeys.setting_up import HubSetup, JoiningSetup, set_up_from_hub, set_up_hub
from cunyi.store.folder import Folder
from cunyi.store.unit import Store

HUB_LOGIN = "guanli"
COUNTY, TOWNSHIP = "360731", "360731101"
UPPER, LOWER = "360731101201", "360731101202"
CENTRE, LOWER_CLINIC, HOSPITAL = "T-01", "V-02", "C-01"
# Where the nodes of other tests stand.
UPPER_CLINIC = SETUP.facility


def _facility(code: str, name: str, level: FacilityLevel, *catchment: str, **more: object) -> Facility:
    return Facility(code=code, organisation=COUNTY, name=name, level=level, catchment=catchment, **more)


ORGANISATION = Organisation(
    areas=tuple(
        Area(code=code, name=name)
        for code, name in (
            ("36", "某省"),
            ("3607", "某市"),
            (COUNTY, "云水县"),
            (TOWNSHIP, "云水镇"),
            (UPPER, "上坪村"),
            (LOWER, "下坪村"),
        )
    ),
    facilities=(
        _facility(
            CENTRE,
            "云水镇卫生院",
            FacilityLevel.TOWNSHIP,
            TOWNSHIP,
            phone="07970000001",
            emergency_phone="07970000002",
            capabilities=(Capability(department="internal_medicine"), Capability(department="emergency")),
            minutes_away={UPPER: 25, LOWER: 40},
        ),
        _facility(UPPER_CLINIC, "上坪村卫生室", FacilityLevel.VILLAGE, UPPER),
        _facility(LOWER_CLINIC, "下坪村卫生室", FacilityLevel.VILLAGE, LOWER),
        _facility(HOSPITAL, "云水县人民医院", FacilityLevel.COUNTY, COUNTY, phone="07970000009"),
    ),
)


@dataclass
class Hub:
    """A hub with its administrator signed in."""

    seat: Seat
    account: Account
    token: str
    clock: Clock

    @property
    def store(self) -> Store:
        return self.seat.store

    def answer(self, message: bytes) -> bytes:
        """What it answers a node that enrols."""
        return answer_enrolment(self.store, message)

    def code(self, facility: str = UPPER_CLINIC, *scope: str, serials: int = 500) -> str:
        """A code for a node of a facility."""
        return make_code(self.store, self.account, facility=facility, scope=scope, serials=serials).code

    def doctor(self, login: str, facility: str = CENTRE) -> Account:
        """A township or county doctor at a facility."""
        return self.seat.create_account(
            self.account,
            login=login,
            name=login.upper(),
            role=Role.TOWNSHIP_DOCTOR,
            password=PASSWORD,
            areas=(COUNTY,),
            facility=facility,
        )

    def kit(self, path: Path, facility: str = UPPER_CLINIC, *scope: str, role: Role = Role.VILLAGE_DOCTOR) -> Seat:
        """A new kit of a facility, enrolled here."""
        joining = JoiningSetup(
            code=self.code(facility, *scope),
            address="http://127.0.0.1:1",
            login=LOGIN,
            name="李建国",
            password=PASSWORD,
            role=role,
        )
        return set_up_from_hub(Folder(path), joining, self.answer, clock=self.clock, cost=CHEAP).seat


@contextmanager
def a_hub(where: Path | Engine, clock: Clock | None = None) -> Iterator[Hub]:
    """A new hub in a folder or an empty database."""
    clock = clock or Clock()
    setup = HubSetup(facility=CENTRE, login=HUB_LOGIN, name="王院长", password=PASSWORD)
    place = Folder(where) if isinstance(where, Path) else where
    seat = set_up_hub(place, ORGANISATION, setup, clock=clock, cost=CHEAP).seat
    token, me = seat.sign_in(HUB_LOGIN, PASSWORD)
    try:
        yield Hub(seat, me.account, token, clock)
    finally:
        seat.close()
