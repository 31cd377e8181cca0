"""The compiled language at run time: one automaton over every word, and what each word means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cunyi.domain.finding import Reading
from cunyi.text.ages import AgeWords
from cunyi.text.automata import automaton_of
from cunyi.text.durations import DurationWords
from cunyi.text.measurements import ValueWords
from cunyi.text.normalize import Normalizer, plain
from cunyi.text.values import ItemNames

TERM, CONTEXT, ABSENT = 0, 1, 2
GAP, TOGETHER, CLOSE = 0, 1, 2
# Kinds of cue that have their own place below and are not looked for by the automaton.
_ELSEWHERE = frozenset(
    {
        "unit",
        "conversion",
        "ordinal",
        "degree",
        "degree_tenth",
        "temperature_before",
        "pressure_before",
        "pressure_change",
        "angle_before",
    }
    | {
        "value_gap",
        "value_from",
        "value_to",
        "not_value",
        "section",
        "typo",
        "character",
        "days",
        "days_long",
        "time_unit",
        "not_since",
        "not_rate",
        "not_name_before",
        "broad_name",
    }
    | {
        "sex",
        "subject_sex",
        "subject_years",
        "child_years",
        "sex_letter",
        "age_holder",
        "age_then",
        "age_then_months",
        "age_told",
        "age_of_other",
        "age_relative",
        "age_of_bearing",
        "age_infant",
        "child_bears",
        "child_of_birth",
        "child_expects",
        "answer",
        "filler",
        "problem_suffix",
    }
    | {"no_item", "pulse_name", "pulse_name_not_after", "brief", "brief_unit", "brief_while"}
    | {
        "list_word",
        "list_close",
        "general_word",
        "specimen",
        "specimen_over",
        "blood",
        "not_blood",
        "mark_low",
        "mark_high",
        "beyond_high",
        "beyond_low",
        "pressure_upper",
        "pressure_lower",
        "rate_minute",
        "rate_counted",
        "rate_times",
        "rate_breath",
        "rate_beat",
        "rate_other",
        "other_temperature",
        "joins_on",
    }
)
_SPEAK_IN_TERMS = frozenset({"family", "allergy", "possible_inside", "plan", "excuses"})
_FAMILY_FINDINGS = "family_history"
_FILLERS = frozenset({"filler", "severity", "onset", "absent_before", "partial_before", "compared", "daytime"})


class Cue(msgspec.Struct, frozen=True):
    """A word that says how findings near it are meant: kind, how many characters it reaches, its value."""

    kind: str
    scope: int
    value: str


class Pattern(msgspec.Struct, frozen=True):
    """A term of several pieces: finding, mode, how they may stand (GAP, TOGETHER or CLOSE), the piece sets."""

    finding: int
    mode: int
    form: int
    pieces: tuple[int, ...]


class Word(msgspec.Struct, frozen=True):
    """Everything that one literal can be: terms (finding, mode), piece sets, cues, an item's name.

    What follows from these is worked out once, since scanning asks it of every hit.
    """

    length: int
    terms: tuple[tuple[int, int], ...]
    pieces: tuple[int, ...]
    cues: tuple[Cue, ...]
    is_item: bool
    is_pseudo: bool
    is_no_item: bool
    """Words in which an item's name is none (体重下降3kg says no weight)."""
    only_context: bool
    """It counts only beside something else."""
    is_past_illness: bool
    """Every finding it names is of the past history."""
    opens_denial: bool
    """A plain denial is what it says first."""
    denies: bool
    speaks_in_terms: bool
    """A relative or an allergy, which speaks even inside the words of a finding."""
    ends: bool
    is_partial: bool
    """A denial of the degree, whose end may begin a term (不是特别 in 不是特别痒)."""
    is_whole: bool
    """A word that nothing is cut out of (黄斑: no 眼黄 in 双眼黄斑)."""
    is_tail: bool
    """The end of a word that nothing which begins inside it is cut out of (子下面: no 下面 in 肚子下面)."""


Found = tuple[int, bool, tuple[int, ...], Word | None]
"""What the automaton tells of a word: its length, whether names of items depend on it, its pieces, and the word itself where
it is more than pieces. Most hits are pieces and nothing else, and looking into the word takes longer."""


def _found(word: Word) -> Found:
    is_name = word.is_item or word.is_no_item
    return word.length, is_name, word.pieces, word if word.terms or word.cues or is_name else None


class Language:
    """Wording of findings, cues and items, ready for reading. Built once; never changed after."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self.findings: list[str] = compiled["findings"]
        self.kinds: list[str] = compiled["kinds"]
        self.of_family = [finding.startswith(_FAMILY_FINDINGS) for finding in self.findings]
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
        self.beyond_high = frozenset(cues.words("beyond_high"))
        self.beyond_low = frozenset(cues.words("beyond_low"))
        self.durations = DurationWords(
            units=cues.numbers("time_unit"),
            moments=cues.numbers("days"),
            lengths=cues.numbers("days_long"),
            not_since=cues.words("not_since"),
            not_rate=cues.words("not_rate"),
        )
        self.broad_names = {name: tuple(ids.split()) for name, ids in cues.values("broad_name").items()}
        self.not_name_before = cues.words("not_name_before")
        self.sections = cues.values("section")
        self.section_pattern = _sections(self.sections)
        self.problem_suffixes = tuple(cues.words("problem_suffix"))
        self.answers = cues.values("answer")
        self.sexes = cues.values("sex")
        self.subject_sexes = cues.values("subject_sex")
        self.subject_years = {word: float(years) for word, years in cues.values("subject_years").items()}
        self.child_years = {word: float(years) for word, years in cues.values("child_years").items()}
        self.bears = tuple(cues.words("child_bears"))
        self.of_birth = tuple(cues.words("child_of_birth"))
        self.expects = cues.words("child_expects")
        self.sex_letters = cues.values("sex_letter")
        self.of_either_sex = tuple(
            word for word in self.subject_sexes if len(word) > 1 and word.startswith(tuple(self.sex_letters))
        )
        self.age_holders = cues.words("age_holder")
        self.ages = AgeWords(cues.words)
        typos = {wrong: plain(right) for wrong, right in cues.values("typo").items()}
        self.normalize = Normalizer(cues.values("character"), typos, self.answers, cues.words("joins_on"))
        self.filler = any_of(word for kind in sorted(_FILLERS) for word in cues.words(kind))
        self.brief = _brief(cues)
        # What may stand between the members of a list, and what says that one ends here.
        self.list_words = any_of([*cues.words("list_word"), *cues.words("list_close")])
        self.list_close = any_of(cues.words("list_close"))
        self.general_words = tuple(cues.words("general_word"))
        words: dict[str, Found] = {}
        same: dict[Word, Found] = {}
        for text, word in _words(compiled, cues, frozenset(self.items.names)):
            # Most words are one of many that mean the same, which are kept once.
            words[text] = same.get(word) or same.setdefault(word, _found(word))
        self.automaton = automaton_of(words)

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
    no_items = frozenset(cues.words("no_item"))
    for text in sorted({*terms, *pieces, *placed, *names, *no_items}):
        if text:
            its_cues = tuple(placed.get(text, ()))
            roles = tuple((finding, mode) for finding, mode in terms.get(text, ()))
            pseudo = any(cue.kind == "pseudo" for cue in its_cues)
            kinds = {cue.kind for cue in its_cues}
            yield (
                text,
                Word(
                    length=len(text),
                    terms=roles,
                    pieces=tuple(pieces.get(text, ())),
                    cues=its_cues,
                    is_item=text in names,
                    is_pseudo=pseudo,
                    is_no_item=text in no_items,
                    only_context=all(mode == CONTEXT for _, mode in roles),
                    is_past_illness=all(compiled["kinds"][finding] == "history" for finding, _ in roles),
                    opens_denial=bool(its_cues) and its_cues[0].kind == "absent_before",
                    denies="absent_before" in kinds,
                    speaks_in_terms=not kinds.isdisjoint(_SPEAK_IN_TERMS),
                    ends="end" in kinds,
                    is_partial="partial_before" in kinds,
                    is_whole="whole" in kinds,
                    is_tail="tail" in kinds,
                ),
            )


def any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds any of the words, the longest first; None for no words."""
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    return re.compile("(?:" + "|".join(map(re.escape, ordered)) + ")+") if ordered else None


def _brief(cues: _Cues) -> re.Pattern[str] | None:
    """A short while or a small number after a word that elsewhere denies (没半个钟头, 没走几步): when, not whether."""
    units = _alternatives([*cues.words("time_unit"), *cues.words("brief_unit")])
    if not units:
        return None
    between = _alternatives(cues.words("brief"))
    return re.compile(
        rf"(?:{between or '(?!)'}){{0,2}}(?:[半几两多一二三四五六七八九十0-9]{{1,3}}(?:个|多|来)?半?(?:{units})"
        rf"|(?:{_alternatives(cues.words('brief_while')) or '(?!)'}))"
    )


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(set(words), key=lambda word: (-len(word), word))))


def _sections(headings: Iterable[str]) -> re.Pattern[str] | None:
    words = "|".join(map(re.escape, sorted(headings, key=len, reverse=True)))
    return re.compile(rf"(?:^|[\n#。；;\s])\s*(?P<cue>{words})\s*[:#]") if words else None
