"""The presentation (临床表现): everything known about one patient, resolved to one status a finding."""

from __future__ import annotations

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.finding import Fact, Reading, Status


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that a measured value or a later answer contradicts (矛盾): what was said and what was kept."""

    finding: str
    stated: Fact
    kept: Fact


class Presentation(msgspec.Struct, kw_only=True):
    """One patient as the engine reasons about them (临床表现).

    `facts` holds one resolved fact for each finding whose status is known; a finding that is not in it is unknown.
    `values` holds this encounter's readings by item id, `previous` older ones, newest first. `pregnant` None means not
    known; `possibly_pregnant` is true for a woman of 10 to 55 years who is not known not to be.
    """

    facts: dict[str, Fact]
    values: dict[str, Reading]
    previous: tuple[Reading, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    sex: Sex | None = None
    age_years: float | None = None
    pregnant: bool | None = None
    month: int | None = None
    own_words: bool = False
    """The patient or a relative has told it in his own words: much was left out, because nobody asked."""
    supposed_years: float | None = None
    """The age that red flags go by where nobody knows it: what the word for the patient says, or a grown-up's."""
    supposed_sex: Sex | None = None
    """The sex that red flags go by where nobody says it: whose alone is what the patient has (停经)."""

    @property
    def present(self) -> set[str]:
        """The findings that are there."""
        there = Status.PRESENT
        return {finding for finding, fact in self.facts.items() if fact.status is there}

    def status(self, finding: str) -> Status:
        """The resolved status of a finding; unknown where nobody said anything."""
        fact = self.facts.get(finding)
        return Status.UNKNOWN if fact is None else fact.status
