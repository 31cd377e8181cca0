"""Finds the names of diseases in a text: a patient who says 我过敏性鼻炎又犯了, a record that says 诊断为胆囊结石."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cunyi.domain.finding import Span, Status
from cunyi.text.automata import automaton_of
from cunyi.text.normalize import plain

_SHORTEST = 2
_SHORTEST_LATIN = 3
"""RA and PV stand for other things, too."""


class NamePlace(NamedTuple):
    """A disease's name at a place of a normalised text; `diseases` are the numbers of all that go by it."""

    start: int
    end: int
    diseases: tuple[int, ...]


class NamedDisease(NamedTuple):
    """A disease that a text says the patient has now: for certain, possibly, or as a question (病名). `beside`: an illness of long standing
    that many have besides what they come for (high blood pressure, diabetes)."""

    text: str
    diseases: tuple[int, ...]
    status: Status
    asked: bool
    span: Span
    beside: bool = False


class NameFinder:
    """Looks for all names of diseases at once (病名查找), the longest at each place."""

    def __init__(self, names: Mapping[int, Iterable[str]], not_before: Iterable[str]) -> None:
        self._not_before = tuple(not_before)
        owners: dict[str, set[int]] = {}
        for disease, its_names in names.items():
            for name in its_names:
                word = plain(name)
                if len(word) >= (_SHORTEST_LATIN if word.isascii() else _SHORTEST):
                    owners.setdefault(word, set()).add(disease)
        self._automaton = automaton_of(
            {word: (len(word), tuple(sorted(diseases))) for word, diseases in owners.items()}
        )

    def find(self, text: str) -> Iterator[NamePlace]:
        """The names in a text, in order. A name that is part of another word (高血压病史, 水痘疫苗) is none."""
        if not len(self._automaton):
            return
        for last, (length, diseases) in self._automaton.iter_long(text):
            start, end = last + 1 - length, last + 1
            if not text.startswith(self._not_before, end) and not _inside_a_word(text, start, end):
                yield NamePlace(start, end, diseases)


def _inside_a_word(text: str, start: int, end: int) -> bool:
    """Whether Latin letters or digits go on over an edge of the place (CAP in CAPD)."""
    return any(
        0 < edge < len(text) and all(c.isascii() and c.isalnum() for c in text[edge - 1 : edge + 1])
        for edge in (start, end)
    )
