"""The simulated township: days pass, people come, kits reach the hub when the line allows, and the centre answers."""

from __future__ import annotations

import os
import platform
import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import TypeVar

from cunyi.journeys.watching_threads import LOOKS_EVERY_S
from cunyi.reasoning.prepared import Knowledge
from cunyi.simulation.breakdowns import back_up, break_and_restore, lose_and_replace
from cunyi.simulation.browser import NoAnswerError, RefusedError
from cunyi.simulation.clinic import Clinic
from cunyi.simulation.clinician import Clinician
from cunyi.simulation.comparing import Comparison, Holding, compare, holding_of, opened
from cunyi.simulation.faults import FaultTrial
from cunyi.simulation.founding import ADMINISTRATOR, add_people_who_work, found_hub, found_kit, open_hub
from cunyi.simulation.illness import Illnesses
from cunyi.simulation.ledger import Ledger
from cunyi.simulation.line import GOOD, Line, MountainWeather
from cunyi.simulation.nodes import CommandError, Machine
from cunyi.simulation.organisation import COUNTY_HOSPITAL, TOWNSHIP_CENTRE
from cunyi.simulation.plan import Plan, at
from cunyi.simulation.population import TOWNSHIP, residents_of, villages_of
from cunyi.simulation.threads import ThreadWork

# The hours at which a half day begins and at which it is over; after each the kits look for the hub and the centre answers.
_HALF_DAYS = ((8, 12), (14, 18))
_SPARE_SERIALS = 400
_ONE_LOOK_S = 3.0
_DISAGREEMENTS = 0.2
_Made = TypeVar("_Made")


class Township:
    """The hub, the clinics and everybody in them (模拟乡镇)."""

    def __init__(self, plan: Plan, knowledge: Knowledge, *, database: str | None, tell: Callable[[str], None]) -> None:
        self.plan, self.knowledge, self._tell = plan, knowledge, tell
        self.ledger = Ledger()
        self.draw = random.Random(plan.seed)
        self.illnesses = Illnesses(knowledge)
        self.events: list[str] = []
        self.clinics: list[Clinic] = []
        self.gone: list[str] = []
        self.failed: list[str] = []
        self._database = database
        self._started = time.monotonic()
        self._cores = os.cpu_count() or 1
        self.hub: Machine
        self.centre: list[Clinician] = []

    # --- founding

    def found(self) -> None:
        """Sets everything up, and registers everybody."""
        plan = self.plan
        villages = villages_of(plan.clinics)
        self.hub = found_hub(plan, villages, self.knowledge, self._database, random.Random(plan.seed))
        self.hub.clock.set(at(plan.begins_on(), 7))
        self.open_hub()
        township, county = plan.doctors_at_the_centre()
        for count, prefix, facility, areas in (
            (township, "zhen", TOWNSHIP_CENTRE, TOWNSHIP), (county, "xian", COUNTY_HOSPITAL, TOWNSHIP[:6]),
        ):  # fmt: skip
            logins = [f"{prefix}{number + 1}" for number in range(count)]
            self.centre += add_people_who_work(
                self.hub, logins, "township_doctor", areas, self.ledger, self.draw, facility=facility
            )
        sizes, doctors = plan.residents_by_clinic(), plan.doctors_by_clinic()
        self.clinics = self._at_once(
            partial(self._found_clinic, number, village, sizes[number], doctors[number])
            for number, village in enumerate(villages)
        )
        self.tell(f"founded: hub, {len(self.clinics)} kits")
        self._at_once(clinic.register_everybody for clinic in self.clinics)
        self.tell(f"registered: {sum(len(people) for people in self.ledger.people.values())}")

    def _found_clinic(self, number: int, village: str, residents: int, doctors: int) -> Clinic:
        draw = random.Random(self.plan.seed * 1000 + number)
        line = Line(self.hub.port, random.Random(draw.random()))
        kit = found_kit(f"kit-{number + 1}", self.plan, self.hub, line, village, residents + _SPARE_SERIALS)
        kit.start()
        logins = [f"yi{each + 1}" for each in range(doctors)]
        staff = add_people_who_work(kit, logins, "village_doctor", village, self.ledger, draw)
        people = residents_of(village, residents, draw, self.plan.begins_on())
        return Clinic(
            kit, line, village, people, staff, illnesses=self.illnesses, ledger=self.ledger, draw=draw
        )  # fmt: skip

    def open_hub(self) -> None:
        """Starts the hub where it does not run, and logs in, which opens an encrypted one."""
        if not self.hub.running:
            self.hub.start()
        open_hub(self.hub, self.ledger, self.draw)

    # --- days

    def run(self) -> None:
        """Every day of the plan, then some days of good weather, until nothing waits any more."""
        weather = MountainWeather(len(self.clinics), random.Random(self.plan.seed + 1))
        first = self.plan.begins_on() + timedelta(days=1)
        for number in range(self.plan.days):
            day = first + timedelta(days=number)
            self.day(day, weather)
            if self.plan.breakdowns:
                try:
                    self._break_down(number)
                except CommandError as error:
                    # Told at the end as something that went wrong; the other days of the township are not thrown away for it.
                    self.failed.append(f"after {day}: {error}")
            self.tell(f"{day}: {self.ledger.counts['visits'] + self.ledger.counts['visits at home']} visits so far")
        for clinic in self.clinics:
            clinic.line.weather = GOOD
        self.settle(first + timedelta(days=self.plan.days))

    def day(self, day: date, weather: MountainWeather) -> None:
        """One day: twice the clinics work, the line is what it is, and the centre reads what came."""
        for begins, ends in _HALF_DAYS:
            started = at(day, begins)
            self._at_once(partial(clinic.half_day, self._visits(clinic), started) for clinic in self.clinics)
            self._disagree()
            over = at(day, ends)
            self.hub.clock.forward_to(over)
            for number, clinic in enumerate(self.clinics):
                clinic.machine.clock.forward_to(over)
                clinic.line.weather = weather.next(number)
            self._at_once(clinic.synchronise for clinic in self.clinics)
            self._at_once(partial(self._answer, doctor) for doctor in self.centre)
            self._at_once(clinic.read_answers for clinic in self.clinics)

    def _break_down(self, number: int) -> None:
        """One kit is backed up after a third of the days and breaks the day after; the last one is lost after two thirds."""
        third = max(1, self.plan.days // 3)
        if number == third - 1:
            back_up(self.clinics[0])
        elif number == third:
            self.events.append(break_and_restore(self.clinics[0]))
        if number == min(2 * third, self.plan.days - 1) and len(self.clinics) > 1:
            clinic = self.clinics[-1]
            lost = clinic.machine
            self.events.append(lose_and_replace(clinic, self.plan, self.hub, self.ledger, self.draw))
            self.gone.append(lost.name)

    def _disagree(self) -> None:
        """Now and then somebody's telephone is changed at the centre and in the village, each without knowing of the other."""
        clinic = self.draw.choice(self.clinics)
        known = [resident.person for resident in clinic.residents if resident.person]
        if self.draw.random() < _DISAGREEMENTS and known:
            person = self.draw.choice(known)
            if self.centre[0].open(f"/people/{person}").status != 200:
                # The centre has not heard of them yet.
                return
            for doctor in (clinic.doctors[0], self.centre[0]):
                try:
                    doctor.change_phone(person, f"139{self.draw.randint(0, 99_999_999):08}")
                except (NoAnswerError, RefusedError, LookupError) as error:
                    self.ledger.trouble(f"change details: {error}")

    def _answer(self, doctor: Clinician) -> None:
        """What a doctor of the township or the county does about what came."""
        colleagues = [each for each in self.centre if each.login[:4] == doctor.login[:4]]
        share = (colleagues.index(doctor), len(colleagues))
        work = ThreadWork(doctor, self.ledger, self.draw, share=share)
        try:
            work.take_turns()
            if doctor is self.centre[0]:
                work.decide_conflicts()
        except (NoAnswerError, RefusedError, LookupError) as error:
            self.ledger.trouble(f"centre: {error}")

    def settle(self, day: date) -> None:
        """The weather is good: everything that waits is exchanged, whatever came in between."""
        self.hub.clock.forward_to(at(day, 8))
        for clinic in self.clinics:
            clinic.machine.clock.forward_to(at(day, 8))
        # The hub's program tells whoever is to know of what is late by now; that is to be exchanged as well.
        time.sleep(LOOKS_EVERY_S + _ONE_LOOK_S)
        for _ in range(3):
            self._at_once(clinic.synchronise for clinic in self.clinics)

    def _visits(self, clinic: Clinic) -> int:
        """How many come in half a day; less than one a day is drawn."""
        expected = len(clinic.residents) * self.plan.visits_a_year / 365 / len(_HALF_DAYS)
        return int(expected) + (self.draw.random() < expected % 1)

    @property
    def machines(self) -> list[Machine]:
        """Every computer with a node on it, the hub first."""
        return [self.hub, *(clinic.machine for clinic in self.clinics)]

    def trial(self, rounds: int) -> list[str]:
        """So many faults, one after the other, while clinics work; what was not there afterwards."""
        trial = FaultTrial(self.hub, self.clinics, open_hub=self.open_hub, ledger=self.ledger, draw=self.draw)
        trial.run(rounds)
        day = self.hub.clock().date() + timedelta(days=1)
        self.settle(day)
        return trial.missing

    # --- the end

    def stop(self) -> None:
        """Ends all programs and lines."""
        for clinic in self.clinics:
            if clinic.machine.running:
                clinic.machine.stop()
            clinic.line.close()
        if self.hub.running:
            self.hub.stop()

    def compare(self) -> tuple[Comparison, dict[str, Holding]]:
        """What lies in the stores, now that everything has stopped."""
        holdings = {}
        for machine in self.machines:
            store = opened(machine, ADMINISTRATOR)
            holdings[machine.name] = holding_of(store)
            store.close()
        kits = {name: holding for name, holding in holdings.items() if name != self.hub.name}
        return compare(holdings[self.hub.name], kits, self.ledger, gone=self.gone), holdings

    def verify(self) -> dict[str, str]:
        """What each node's own check of everything says."""
        said = {}
        for machine in self.machines:
            try:
                said[machine.name] = machine.run("verify", *machine.opening).strip().splitlines()[-1]
            except CommandError as error:
                said[machine.name] = str(error)[-300:]
        return said

    def tell(self, words: str) -> None:
        """Tells whoever waits how far it is."""
        self._tell(f"{(time.monotonic() - self._started) / 60:6.1f} min  {words}")

    def _at_once(self, works: Iterable[Callable[[], _Made]]) -> list[_Made]:
        """Does several things at the same time, as many as there are cores, and a few more that wait for an answer."""
        with ThreadPoolExecutor(self._cores + 2) as pool:
            running = [pool.submit(work) for work in works]
            return [each.result() for each in running]


def machine_words() -> str:
    """The computer that it ran on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
