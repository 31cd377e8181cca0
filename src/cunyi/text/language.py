"""The compiled language at run time: one automaton over every word, and what each word means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import ahocorasick

from cunyi.domain.finding import Reading
from cunyi.text.normalize import plain
from cunyi.text.values import ItemNames, read_value

TERM, CONTEXT, ABSENT = 0, 1, 2


class Cue(NamedTuple):
    """A word that says how findings near it are meant: kind, how many characters it reaches, its value."""

    kind: str
    scope: int
    value: str


class Pattern(NamedTuple):
    """A term of several pieces: finding, mode, whether their order is free, the piece sets."""

    finding: int
    mode: int
    free: bool
    pieces: tuple[int, ...]


class Word(NamedTuple):
    """Everything that one literal can be: terms (finding, mode), piece sets, cues, an item's name."""

    text: str
    terms: tuple[tuple[int, int], ...]
    pieces: tuple[int, ...]
    cues: tuple[Cue, ...]
    is_item: bool


class Language:
    """Wording of findings, cues and items, ready for reading. Built once; never changed after."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self.findings: list[str] = compiled["findings"]
        self.kinds: list[str] = compiled["kinds"]
        self.context: dict[int, frozenset[int]] = {int(f): frozenset(r) for f, r in compiled["context"].items()}
        self.patterns = [Pattern(f, m, bool(free), tuple(row)) for f, m, free, row in compiled["patterns"]]
        self.patterns_by_piece: dict[int, list[Pattern]] = {}
        for pattern in self.patterns:
            self.patterns_by_piece.setdefault(pattern.pieces[0], []).append(pattern)
        self.items = ItemNames(compiled["items"], _values(compiled["cues"], "unit"))
        self.times: dict[str, float] = {cue: float(v) for cue, v in _values(compiled["cues"], "days").items()}
        self.time_pattern = _any_of(self.times)
        self.sections = _values(compiled["cues"], "section")
        headings = "|".join(map(re.escape, sorted(self.sections, key=len, reverse=True)))
        self.section_pattern = re.compile(rf"(?:^|[\n#。；;\s])\s*(?P<cue>{headings})\s*[:：#]") if headings else None
        typos = _values(compiled["cues"], "typo")
        self.typos = {cue: plain(right) for cue, right in typos.items() if len(cue) == len(plain(right)) and cue != right}
        self.typo_pattern = _any_of(self.typos)
        self.sexes = _values(compiled["cues"], "sex")
        self.words = self._words(compiled)
        self.automaton = ahocorasick.Automaton()
        for number, word in enumerate(self.words):
            self.automaton.add_word(word.text, number)
        self.automaton.make_automaton()

    @classmethod
    def from_compiled(cls, compiled: Mapping[str, Any]) -> Language:
        """The language of a compiled knowledge base."""
        return cls(compiled)

    def read_result(self, name: str, value: float | str, unit: str | None) -> Reading | None:
        """A laboratory result as reported, in the item's own unit; None where the item or the value is not known."""
        item = self.items.find(name)
        if item is None:
            return None
        known = read_value(item, value, unit)
        return None if known is None else Reading(item=item.id, value=known, unit=item.unit, raw=f"{value}{unit or ''}")

    def _words(self, compiled: Mapping[str, Any]) -> list[Word]:
        terms: dict[str, list[tuple[int, int]]] = {
            text: [(finding, mode) for finding, mode in roles] for text, roles in compiled["literals"].items()
        }
        pieces: dict[str, list[int]] = {}
        for number, words in enumerate(compiled["pieces"]):
            for text in words:
                pieces.setdefault(text, []).append(number)
        cues: dict[str, list[Cue]] = {}
        for text, kind, scope, value in compiled["cues"]:
            if kind not in ("unit", "section", "typo", "days"):
                cues.setdefault(text, []).append(Cue(kind, scope, value))
        names = set(self.items.names)
        return [
            Word(
                text,
                tuple(terms.get(text, ())),
                tuple(pieces.get(text, ())),
                tuple(cues.get(text, ())),
                text in names,
            )
            for text in sorted({*terms, *pieces, *cues, *names})
            if text
        ]


def _any_of(words: Mapping[str, object]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True)))) if words else None


def _values(cues: list[list[Any]], kind: str) -> dict[str, str]:
    return {text: value for text, cue_kind, _, value in cues if cue_kind == kind}
