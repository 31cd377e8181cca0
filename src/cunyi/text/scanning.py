"""Finds the words of a normalised text: terms longest first, terms of several pieces, cues, item names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cunyi.text.language import CLOSE, CONTEXT, TERM, TOGETHER, Cue, Language, Pattern, Word

# A blank between Chinese characters ends a line of talk; a full stop of either width ends a sentence.
_CLAUSE_END = re.compile(r"[，。；;！!？?…\n\r]|(?<![0-9]),|,(?![0-9])|(?<=[㐀-鿿])(?:[ \t]+|\.+)(?=[㐀-鿿]|$)")
_COMMAS = frozenset("，,")
_QUESTIONS = frozenset("？?")
_WIDEST_GAP = 8
_WIDEST_GAP_OVER_LIST = 3
_WIDEST_CLOSE_GAP = 5
_LIST_MARK = "、"
_SPEAK_IN_TERMS = frozenset({"family", "allergy"})

Place = tuple[int, int]
_Hit = tuple[int, int, Word]


class Match(NamedTuple):
    """A term of a finding at a place; `mode` as in the language; `pieces` the places of its parts, in order."""

    finding: int
    mode: int
    start: int
    end: int
    pieces: tuple[Place, ...]


class PlacedCue(NamedTuple):
    """A cue at a place."""

    cue: Cue
    start: int
    end: int


class Clause(NamedTuple):
    """A stretch between commas or stops: its place, the sentence it belongs to, what was found in it."""

    start: int
    end: int
    sentence: int
    asks: bool
    matches: list[Match]
    cues: list[PlacedCue]
    negations: set[int]
    """Where a plain negation begins, those inside a longer word (没放屁) included."""


class Scan(NamedTuple):
    """Everything found in one text."""

    clauses: list[Clause]
    names: list[Place]


def scan(text: str, language: Language) -> Scan:
    """One pass of the automaton over a text, sorted into clauses. A word never crosses the end of a clause."""
    clauses = list(_clauses(text))
    names: list[Place] = []
    hits: list[_Hit] = []
    current, clause = 0, clauses[0]
    for last, word in language.automaton.iter(text):
        while last >= clause.end and current + 1 < len(clauses):
            if hits:
                _fill(clause, hits, text, language)
                hits = []
            current += 1
            clause = clauses[current]
        start = last - word.length + 1
        if start < clause.start or last >= clause.end:
            continue
        hits.append((start, last + 1, word))
        if word.is_item:
            names.append((start, last + 1))
    if hits:
        _fill(clause, hits, text, language)
    return Scan(clauses, _outermost(names))


def _clauses(text: str) -> Iterator[Clause]:
    start, sentence = 0, 0
    for match in _CLAUSE_END.finditer(text):
        mark = match.group()
        if match.start() > start:
            yield Clause(start, match.start(), sentence, mark in _QUESTIONS, [], [], set())
        start = match.end()
        if mark not in _COMMAS:
            sentence += 1
    yield Clause(start, len(text), sentence, False, [], [], set())


def _fill(clause: Clause, hits: list[_Hit], text: str, language: Language) -> None:
    clause.negations.update(start for start, _, word in hits if word.cues and word.cues[0].kind == "absent_before")
    pseudo = [(start, end) for start, end, word in hits if word.is_pseudo]
    if pseudo:
        # The longer word wins: 不痛 in 不痛不痒 is no pseudo cue's business, 无 in 无明显诱因 is.
        hits = [hit for hit in hits if hit[2].is_pseudo or not _inside(hit[0], hit[1], pseudo)]
    literals = _longest([hit for hit in hits if hit[2].terms])
    matches = [
        Match(finding, mode, start, end, ((start, end),))
        for start, end, word in literals
        for finding, mode in word.terms
    ]
    # 糖尿病、高血压 is no 尿 and 血: inside a name of a past illness or a test no piece of a symptom is looked for.
    names = [(start, end) for start, end, word in literals if _is_name(word, language)]
    names += [(start, end) for start, end, word in hits if word.is_item]
    sets: dict[int, list[Place]] = {}
    for start, end, word in hits:
        if names and word.pieces and any(a <= start and end <= b and end - start < b - a for a, b in names):
            continue
        for piece in word.pieces:
            sets.setdefault(piece, []).append((start, end))
    if len(sets) > 1 or any(len(places) > 1 for places in sets.values()):
        matches += _patterns(sets, literals, text, language)
    if len(matches) > 1:
        matches.sort(key=lambda m: (m.start, m.end, m.finding, m.mode))
    clause.matches.extend(matches)
    clause.cues.extend(_cues(hits, matches, pseudo))


def _longest(hits: list[_Hit]) -> list[_Hit]:
    """Without words inside a longer one, and without the shorter of two that share one character (有吐|血)."""
    if len(hits) < 2:
        return hits
    kept: list[_Hit] = []
    for start, end, word in sorted(hits, key=lambda hit: (hit[0] - hit[1], -hit[0])):
        for a, b, longer in kept:
            if _only_context(longer):
                # What counts only sometimes must not hide what always counts.
                continue
            if (a <= start and end <= b) or start == b - 1 or end - 1 == a:
                break
        else:
            kept.append((start, end, word))
    return kept


def _is_name(word: Word, language: Language) -> bool:
    return all(language.kinds[finding] == "history" for finding, _ in word.terms)


def _only_context(word: Word) -> bool:
    return all(mode == CONTEXT for _, mode in word.terms)


def _patterns(sets: dict[int, list[Place]], literals: list[_Hit], text: str, language: Language) -> list[Match]:
    solid = [(start, end) for start, end, _ in literals]
    said = {(finding, mode) for _, _, word in literals for finding, mode in word.terms}
    found: dict[tuple[int, int], Match] = {}
    present = sets.keys()
    for first in present:
        seconds = language.patterns.get(first)
        if seconds is None:
            continue
        for second in seconds.keys() & present:
            for pattern in seconds[second]:
                key = (pattern.finding, pattern.mode)
                if key in said or key in found or not all(piece in sets for piece in pattern.pieces[2:]):
                    continue
                chain = _chain(pattern, sets, text, language)
                if chain is not None and not any(_inside(chain[0][0], chain[-1][1], [word]) for word in solid):
                    found[key] = Match(pattern.finding, pattern.mode, chain[0][0], chain[-1][1], tuple(chain))
    return list(found.values())


def _chain(pattern: Pattern, sets: dict[int, list[Place]], text: str, language: Language) -> list[Place] | None:
    """Places for a pattern's pieces: in order with small gaps, or anywhere in the clause where the order is free."""
    if pattern.form == TOGETHER:
        chosen: list[Place] = []
        for piece in pattern.pieces:
            place = next((p for p in sets[piece] if all(p[1] <= a or b <= p[0] for a, b in chosen)), None)
            if place is None:
                return None
            chosen.append(place)
        return sorted(chosen)
    for first in sets[pattern.pieces[0]]:
        chain = _extend([first], pattern, sets, text, language)
        if chain is not None:
            return chain
    return None


def _extend(
    chain: list[Place], pattern: Pattern, sets: dict[int, list[Place]], text: str, language: Language
) -> list[Place] | None:
    if len(chain) == len(pattern.pieces):
        return chain
    end = chain[-1][1]
    for place in sets[pattern.pieces[len(chain)]]:
        if end <= place[0] <= end + _WIDEST_GAP and _may_stand_between(text[end : place[0]], pattern.form, language):
            longer = _extend([*chain, place], pattern, sets, text, language)
            if longer is not None:
                return longer
    return None


def _may_stand_between(gap: str, form: int, language: Language) -> bool:
    if form == CLOSE:
        # 头也不怎么疼: the words of one symptom stay one symptom over particles, degrees and negation.
        filler = language.filler
        return 0 < len(gap) <= _WIDEST_CLOSE_GAP and filler is not None and filler.fullmatch(gap) is not None
    return _LIST_MARK not in gap or len(gap) <= _WIDEST_GAP_OVER_LIST


def _cues(hits: list[_Hit], matches: list[Match], pseudo: list[Place]) -> list[PlacedCue]:
    """Cues that are no part of a longer word (无 in 无力) or longer cue (没 in 没有).

    Inside a term of absence (淋巴结不大) or of context they do speak, to the other findings of the clause; so do a
    relative or an allergy inside its own term (母亲高血压, 药物过敏) and the 有 that begins a term (没有发烧有痰).
    """
    candidates = [hit for hit in hits if hit[2].cues and not hit[2].is_pseudo]
    if not candidates:
        return []
    words = [piece for match in matches if match.mode == TERM for piece in match.pieces]
    starts = {match.start for match in matches}
    taken = list(pseudo)
    placed: list[PlacedCue] = []
    for start, end, word in sorted(candidates, key=lambda hit: (hit[0] - hit[1], hit[0])):
        if _inside(start, end, taken):
            continue
        kinds = {cue.kind for cue in word.cues}
        speaks = not kinds.isdisjoint(_SPEAK_IN_TERMS) or ("end" in kinds and start in starts)
        if speaks or not any(a < end and start < b for a, b in words):
            taken.append((start, end))
            placed.extend(PlacedCue(cue, start, end) for cue in word.cues)
    placed.sort(key=lambda c: (c.start, c.end))
    return placed


def _inside(start: int, end: int, stretches: list[Place]) -> bool:
    return any(a <= start and end <= b for a, b in stretches)


def _outermost(places: list[Place]) -> list[Place]:
    kept: list[Place] = []
    for start, end in sorted(places, key=lambda p: (p[0], -p[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept
