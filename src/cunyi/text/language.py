"""The compiled language at run time: one automaton over every word, and what each word means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import ahocorasick

from cunyi.domain.finding import Reading
from cunyi.text.durations import DurationWords
from cunyi.text.measurements import ValueWords
from cunyi.text.normalize import Normalizer, plain
from cunyi.text.values import ItemNames

TERM, CONTEXT, ABSENT = 0, 1, 2
GAP, TOGETHER, CLOSE = 0, 1, 2
# Kinds of cue that have their own place below and are not looked for by the automaton.
_ELSEWHERE = frozenset(
    {"unit", "conversion", "ordinal", "degree", "degree_tenth", "temperature_before", "pressure_before", "angle_before"}
    | {"value_gap", "not_value", "section", "typo", "character", "days", "time_unit", "not_since", "not_rate"}
    | {"sex", "subject_sex", "sex_letter", "age_holder", "answer", "filler"}
)
_FILLERS = frozenset({"filler", "severity", "onset", "absent_before"})


class Cue(NamedTuple):
    """A word that says how findings near it are meant: kind, how many characters it reaches, its value."""

    kind: str
    scope: int
    value: str


class Pattern(NamedTuple):
    """A term of several pieces: finding, mode, how they may stand (GAP, TOGETHER or CLOSE), the piece sets."""

    finding: int
    mode: int
    form: int
    pieces: tuple[int, ...]


class Word(NamedTuple):
    """Everything that one literal can be: terms (finding, mode), piece sets, cues, an item's name."""

    length: int
    terms: tuple[tuple[int, int], ...]
    pieces: tuple[int, ...]
    cues: tuple[Cue, ...]
    is_item: bool
    is_pseudo: bool


class Language:
    """Wording of findings, cues and items, ready for reading. Built once; never changed after."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self.findings: list[str] = compiled["findings"]
        self.kinds: list[str] = compiled["kinds"]
        self.numbers = {finding: number for number, finding in enumerate(self.findings)}
        self.context: dict[int, frozenset[int]] = {int(f): frozenset(r) for f, r in compiled["context"].items()}
        # First piece → second piece → patterns: what can stand in a clause is found by intersecting sets.
        self.patterns: dict[int, dict[int, list[Pattern]]] = {}
        for finding, mode, form, row in compiled["patterns"]:
            pattern = Pattern(finding, mode, form, tuple(row))
            self.patterns.setdefault(row[0], {}).setdefault(row[1], []).append(pattern)
        cues = _Cues(compiled["cues"])
        self.items = ItemNames(
            compiled["items"],
            spellings=cues.values("unit"),
            conversions=cues.values("conversion"),
            ordinals=cues.values("ordinal"),
        )
        self.values = ValueWords(cues.words, self.items)
        self.durations = DurationWords(
            units=cues.numbers("time_unit"),
            words=cues.numbers("days"),
            not_since=cues.words("not_since"),
            not_rate=cues.words("not_rate"),
        )
        self.sections = cues.values("section")
        self.section_pattern = _sections(self.sections)
        self.answers = cues.values("answer")
        self.sexes = cues.values("sex")
        self.subject_sexes = cues.values("subject_sex")
        self.sex_letters = cues.values("sex_letter")
        self.age_holders = cues.words("age_holder")
        typos = {wrong: plain(right) for wrong, right in cues.values("typo").items()}
        self.normalize = Normalizer(cues.values("character"), typos, self.answers)
        self.filler = any_of(word for kind in sorted(_FILLERS) for word in cues.words(kind))
        self.automaton = ahocorasick.Automaton()
        for text, word in _words(compiled, cues, frozenset(self.items.names)):
            self.automaton.add_word(text, word)
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
        known = self.items.read(item, value, unit)
        return None if known is None else Reading(item=item.id, value=known, unit=item.unit, raw=f"{value}{unit or ''}")


class _Cues:
    """The cue rows (cue, kind, scope, value) by kind."""

    def __init__(self, rows: Iterable[tuple[str, str, int, str]]) -> None:
        self.rows = list(rows)

    def values(self, kind: str) -> dict[str, str]:
        return {cue: value for cue, its_kind, _, value in self.rows if its_kind == kind}

    def numbers(self, kind: str) -> dict[str, float]:
        return {cue: float(value) for cue, value in self.values(kind).items()}

    def words(self, kind: str) -> list[str]:
        return [cue for cue, its_kind, _, _ in self.rows if its_kind == kind]


def _words(compiled: Mapping[str, Any], cues: _Cues, names: frozenset[str]) -> Iterable[tuple[str, Word]]:
    terms: dict[str, list[list[int]]] = compiled["literals"]
    pieces: dict[str, list[int]] = {}
    for number, words in enumerate(compiled["pieces"]):
        for text in words:
            pieces.setdefault(text, []).append(number)
    placed: dict[str, list[Cue]] = {}
    for text, kind, scope, value in cues.rows:
        if kind not in _ELSEWHERE:
            placed.setdefault(text, []).append(Cue(kind, scope, value))
    for text in sorted({*terms, *pieces, *placed, *names}):
        if text:
            its_cues = tuple(placed.get(text, ()))
            roles = tuple((finding, mode) for finding, mode in terms.get(text, ()))
            pseudo = any(cue.kind == "pseudo" for cue in its_cues)
            yield text, Word(len(text), roles, tuple(pieces.get(text, ())), its_cues, text in names, pseudo)


def any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds any of the words, the longest first; None for no words."""
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    return re.compile("(?:" + "|".join(map(re.escape, ordered)) + ")+") if ordered else None


def _sections(headings: Iterable[str]) -> re.Pattern[str] | None:
    words = "|".join(map(re.escape, sorted(headings, key=len, reverse=True)))
    return re.compile(rf"(?:^|[\n#。；;\s])\s*(?P<cue>{words})\s*[:#]") if words else None
