"""A village clinic: its kit, its line to the hub, its doctors and the people who come to them."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from cunyi.simulation.browser import NoAnswerError, RefusedError
from cunyi.simulation.clinician import Clinician
from cunyi.simulation.illness import Illnesses
from cunyi.simulation.ledger import Ledger
from cunyi.simulation.line import Line
from cunyi.simulation.nodes import Machine
from cunyi.simulation.population import Resident
from cunyi.simulation.threads import ThreadWork

_FOLLOW_UPS, _HOME_VISITS, _CORRECTED, _REFERRED, _ASKED = 0.35, 0.15, 0.01, 0.6, 0.5
_BETWEEN = timedelta(minutes=6)
_REGISTERING = timedelta(seconds=40)


_DATA = re.compile(r'data-(working|waiting|refused|conflicts|problem)="([^"]*)"')
_MOST_LOOKS, _BETWEEN_LOOKS_S = 600, 0.3


class SyncState(msgspec.Struct, frozen=True, kw_only=True):
    """How a kit stands with its hub (同步状态), as its page says."""

    working: bool
    waiting: int
    refused: int
    conflicts: int
    problem: str


class Clinic:
    """One clinic with one kit (卫生室). Its doctors take turns, the next one each half day."""

    def __init__(
        self,
        machine: Machine,
        line: Line,
        village: str,
        residents: list[Resident],
        doctors: list[Clinician],
        *,
        illnesses: Illnesses,
        ledger: Ledger,
        draw: random.Random,
    ) -> None:
        self.machine, self.line, self.village, self.residents, self.doctors = machine, line, village, residents, doctors
        self._illnesses, self._ledger, self._draw = illnesses, ledger, draw
        self._weights = [_how_often(resident, machine.clock()) for resident in residents]
        self._turn = 0

    @property
    def name(self) -> str:
        """The name of its kit."""
        return self.machine.name

    def come_back(self, machine: Machine, doctors: list[Clinician]) -> None:
        """The clinic goes on with a computer that was started anew, or with another one."""
        self.machine, self.doctors = machine, doctors
        for doctor in doctors:
            doctor.browser.forget()

    def register_everybody(self) -> None:
        """The village is registered, household by household, the heads first."""
        for number, resident in enumerate(self.residents):
            doctor = self.doctors[number * len(self.doctors) // len(self.residents)]
            self._tried("register", partial(doctor.register, resident))
            self.machine.clock.forward_to(self.machine.clock() + _REGISTERING)

    def half_day(self, visits: int, begins: datetime) -> None:
        """So many patients come, one after the other; the doctor of the next turn sees them."""
        if not visits:
            return
        self.machine.clock.forward_to(begins)
        doctor = self.doctors[self._turn % len(self.doctors)]
        self._turn += 1
        for _ in range(visits):
            resident = self._draw.choices(self.residents, self._weights)[0]
            if resident.person:
                self._tried("visit", partial(self._visit, doctor, resident))
            self.machine.clock.forward_to(self.machine.clock() + self._draw.uniform(0.7, 1.3) * _BETWEEN)

    def read_answers(self) -> None:
        """The doctor of this half day reads what the centre wrote, and goes on with it."""
        doctor = self.doctors[self._turn % len(self.doctors)]
        work = ThreadWork(doctor, self._ledger, self._draw)
        self._tried("threads", work.take_turns)
        self._tried("conflicts", work.decide_conflicts)

    def see_somebody(self) -> None:
        """The first doctor sees whoever comes; errors are the caller's."""
        known = [resident for resident in self.residents if resident.person]
        self._visit(self.doctors[0], self._draw.choice(known))

    def press_synchronise(self) -> None:
        """Somebody asks for the hub at once."""
        page = self.doctors[0].open("/synchronisation")
        self.doctors[0].browser.send(page.form("/synchronisation/now"))

    def synchronise(self) -> SyncState | None:
        """Asks for the hub at once and looks on until it is done or does not go on. None where the page gave no answer."""
        started = time.perf_counter()
        try:
            self.press_synchronise()
            for _ in range(_MOST_LOOKS):
                time.sleep(_BETWEEN_LOOKS_S)
                state = self.sync_state()
                if not state.working:
                    break
        except (NoAnswerError, RefusedError, LookupError) as error:
            self._ledger.trouble(f"synchronise: {error}")
            return None
        good = not state.problem
        self._ledger.count("synchronisations" if good else "synchronisations that did not get through")
        if good:
            self._ledger.timed("synchronise", time.perf_counter() - started)
        return state

    def sync_state(self) -> SyncState:
        """How the kit stands with its hub, as its page says."""
        page = self.doctors[0].open("/synchronisation/state")
        said = dict(_DATA.findall(page.html))
        if "working" not in said:
            raise LookupError(f"no state in: {page.words()[:200] or page.html[:200]}")
        return SyncState(
            working=said["working"] == "yes", waiting=int(said["waiting"]),
            refused=int(said["refused"]), conflicts=int(said["conflicts"]), problem=said["problem"],
        )  # fmt: skip

    def _visit(self, doctor: Clinician, resident: Resident) -> None:
        now = self.machine.clock()
        age = resident.age_on(now.date())
        visit = None
        if self._draw.random() < _FOLLOW_UPS:
            visit = self._illnesses.follow_up(resident, age, self._draw)
        if visit is None:
            visit = self._illnesses.falls_ill(resident, age, now.month, self._draw)
        home = self._draw.random() < _HOME_VISITS
        signed = doctor.see(resident, visit, home=home)
        self._ledger.count("visits at home" if home else "visits")
        if self._draw.random() < _CORRECTED:
            doctor.amend(signed)
            self._ledger.count("corrections")
        if visit.urgent:
            work = ThreadWork(doctor, self._ledger, self._draw)
            if self._draw.random() < _REFERRED:
                self._tried("refer", partial(work.refer, resident, signed))
            elif self._draw.random() < _ASKED:
                self._tried("ask", partial(work.ask_experts, resident, signed, visit))

    def _tried(self, what: str, work: Callable[[], object]) -> None:
        """Does it; what is refused, or not answered, is told in the report and the day goes on."""
        try:
            work()
        except (RefusedError, LookupError) as error:
            self._ledger.trouble(f"{what}: {error}")
        except NoAnswerError as error:
            self._ledger.trouble(f"{what}: no answer: {error}")


def _how_often(resident: Resident, now: datetime) -> float:
    """The old, the small and the chronically ill come more often."""
    age = resident.age_on(now.date())
    return 1.0 + 2.0 * (age >= 65) + 1.5 * (age < 6) + 2.0 * bool(set(resident.programmes) - {"old_age", "child"})
