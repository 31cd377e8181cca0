"""What the pages acknowledged, and how long they took: the measure of what must be found again at the end."""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from datetime import datetime

import msgspec

_NUMBER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that a page acknowledged (已确认的签名)."""

    machine: str
    encounter: str
    person: str
    at: datetime


class Ledger:
    """Everything that was acknowledged (模拟台账), kept outside all nodes; several clinics write in it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.people: dict[str, set[str]] = defaultdict(set)
        self.signatures: list[Signed] = []
        self.times: dict[str, list[float]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()

    def registered(self, machine: str, person: str) -> None:
        """A person's page was shown after registering."""
        with self._lock:
            self.people[machine].add(person)

    def signed(self, machine: str, encounter: str, person: str, at: datetime) -> Signed:
        """The signed record was shown after signing."""
        made = Signed(machine=machine, encounter=encounter, person=person, at=at)
        with self._lock:
            self.signatures.append(made)
        return made

    def assessed(self) -> None:
        """An assessment came back while somebody typed."""
        self.count("assessments")

    def count(self, what: str, number: int = 1) -> None:
        """Something happened."""
        with self._lock:
            self.counts[what] += number

    def trouble(self, what: str) -> None:
        """Something was refused that should not have been; told in the report, without the numbers of people and records."""
        with self._lock:
            self.troubles[_NUMBER.sub("…", what)[:200]] += 1

    def timed(self, step: str, seconds: float) -> None:
        """How long a step took."""
        with self._lock:
            self.times[step].append(seconds)
