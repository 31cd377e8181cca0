"""Faults at random moments: programs killed, lines cut, disks full, clocks years wrong; what a page acknowledged must be there afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum

from cunyi.simulation.browser import NoAnswerError, RefusedError
from cunyi.simulation.clinic import Clinic
from cunyi.simulation.ledger import Ledger, Signed
from cunyi.simulation.line import GOOD, NONE, Weather
from cunyi.simulation.nodes import Machine
from cunyi.simulation.population import Resident, residents_of

_LONGEST_BEFORE_S, _LONGEST_AFTER_S = 1.2, 0.5
_YEARS = (timedelta(days=-3700), timedelta(days=-40), timedelta(days=40), timedelta(days=3700))


class Fault(StrEnum):
    """What goes wrong (故障种类)."""

    KIT_KILLED = "program of the kit killed"
    HUB_KILLED = "program of the hub killed"
    LINE_CUT = "line cut in the middle"
    LINE_GONE = "no line"
    KIT_DISK_FULL = "disk of the kit full"
    HUB_DISK_FULL = "disk of the hub full"
    KIT_CLOCK = "clock of the kit years wrong"
    HUB_CLOCK = "clock of the hub years wrong"


class FaultTrial:
    """Lets things go wrong while clinics work and synchronise (故障试验). `open_hub` logs in to a hub that was started anew."""

    def __init__(
        self, hub: Machine, clinics: Sequence[Clinic], *, open_hub: Callable[[], None],
        ledger: Ledger, draw: random.Random,
    ) -> None:  # fmt: skip
        self._hub, self._clinics = hub, clinics
        self._open_hub, self._ledger, self._draw = open_hub, ledger, draw
        self.missing: list[str] = []
        kinds = list(Fault)
        if hub.database:
            # The disk is that of the database's own server.
            kinds.remove(Fault.HUB_DISK_FULL)
        self._kinds = kinds

    def run(self, rounds: int) -> None:
        """So many faults, each of another kind than the one before."""
        order: list[Fault] = []
        for number in range(rounds):
            if not order:
                order = self._draw.sample(self._kinds, len(self._kinds))
            self._one(order.pop(), self._clinics[number % len(self._clinics)])

    def _one(self, fault: Fault, clinic: Clinic) -> None:
        """A doctor registers and sees people, the kit synchronises, something goes wrong, it is put right, and one looks."""
        self._ledger.count(f"fault: {fault}")
        before = len(self._ledger.signatures)
        newcomer = residents_of(clinic.village, 1, self._draw, clinic.machine.clock().date())[0]
        over = threading.Event()
        at_work = threading.Thread(target=self._work, args=(clinic, newcomer, over))
        at_work.start()
        time.sleep(self._draw.uniform(0, _LONGEST_BEFORE_S))
        put_right = self._break(fault, clinic)
        time.sleep(self._draw.uniform(0, _LONGEST_AFTER_S))
        over.set()
        at_work.join()
        put_right()
        self._look(clinic, self._ledger.signatures[before:], newcomer)

    def _work(self, clinic: Clinic, newcomer: Resident, over: threading.Event) -> None:
        """What goes on meanwhile. That a page refuses, or does not answer, is what the fault is for."""
        acts: list[Callable[[], object]] = [clinic.press_synchronise, lambda: clinic.doctors[0].register(newcomer)]
        acts += [clinic.see_somebody, clinic.press_synchronise, clinic.see_somebody]
        while acts:
            try:
                acts.pop(0)()
            except (NoAnswerError, RefusedError, LookupError):
                self._ledger.count("acts that a fault broke off")
            if over.is_set():
                return

    def _break(self, fault: Fault, clinic: Clinic) -> Callable[[], None]:
        """Does it; gives what puts it right again."""
        kit, hub, line = clinic.machine, self._hub, clinic.line
        if fault is Fault.KIT_KILLED:
            kit.kill()
            return kit.start
        if fault is Fault.HUB_KILLED:
            hub.kill()
            return self._open_hub
        if fault in (Fault.LINE_CUT, Fault.LINE_GONE):
            line.weather = Weather(cut_after=(1, 20_000)) if fault is Fault.LINE_CUT else NONE

            def clear_up() -> None:
                line.weather = GOOD

            return clear_up
        machine = kit if fault in (Fault.KIT_DISK_FULL, Fault.KIT_CLOCK) else hub
        if fault in (Fault.KIT_DISK_FULL, Fault.HUB_DISK_FULL):
            machine.fill_disk(self._draw.choice((0, 4_096, 60_000, 400_000)))
            return machine.free_disk
        right = machine.clock.offset
        jump = self._draw.choice(_YEARS)
        machine.clock.set(machine.clock() + jump)

        def set_right() -> None:
            machine.clock.offset = right
            if jump > timedelta(0):
                # What was written meanwhile lies in the future: somebody has to say that the clock is right now.
                machine.confirm_clock()

        return set_right

    def _look(self, clinic: Clinic, signed: Sequence[Signed], newcomer: Resident) -> None:
        """Whether what was acknowledged in this round is shown, and whoever was being registered can be registered, once."""
        doctor = clinic.doctors[0]
        for each in signed:
            page = doctor.open(f"/records/{each.encounter}")
            if page.status != 200:
                self.missing.append(f"record {each.encounter} of {each.machine}: {page.status} {page.words()[:120]}")
        person = newcomer.person or doctor.register(newcomer)
        if doctor.open(f"/people/{person}").status != 200:
            self.missing.append(f"person {person} of {clinic.name}")
