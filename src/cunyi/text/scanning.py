"""Finds the words of a normalised text: terms longest first, terms of several pieces, cues, item names."""

from __future__ import annotations

import re
from typing import NamedTuple

from cunyi.text.language import Cue, Language, Pattern

_CLAUSE_END = re.compile(r"[，。；;！!？?\n\r]|(?<![0-9]),|,(?![0-9])")
_SENTENCE_ENDS = frozenset("。；;！!？?\n\r")
_GAP = 8


class Match(NamedTuple):
    """A term of a finding at a place; `mode` as in the language; `pieces` the places of its parts."""

    finding: int
    mode: int
    start: int
    end: int
    pieces: tuple[tuple[int, int], ...]


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
    ends_with_question: bool
    matches: list[Match]
    cues: list[PlacedCue]


class Scan(NamedTuple):
    """Everything found in one text."""

    clauses: list[Clause]
    names: list[tuple[int, int]]


def scan(text: str, language: Language) -> Scan:
    """One pass of the automaton over a text, sorted into clauses."""
    terms: list[tuple[int, int, int]] = []
    pieces: list[tuple[int, int, int]] = []
    cues: list[tuple[int, int, int]] = []
    names: list[tuple[int, int]] = []
    words = language.words
    for last, number in language.automaton.iter(text):
        word = words[number]
        start, end = last - len(word.text) + 1, last + 1
        if word.terms:
            terms.append((start, end, number))
        if word.pieces:
            pieces.append((start, end, number))
        if word.cues:
            cues.append((start, end, number))
        if word.is_item:
            names.append((start, end))
    bounds = _clause_bounds(text)
    clauses = [Clause(a, b, s, q, [], []) for a, b, s, q in bounds]
    clause_of = _positions(len(text), bounds)
    pseudo = [(a, b) for a, b, n in cues if any(c.kind == "pseudo" for c in words[n].cues)]
    pieces = [p for p in pieces if not _inside(p[0], p[1], pseudo)]
    placed = _pattern_matches(pieces, clauses, clause_of, language)
    kept = _longest(
        [
            Match(f, mode, a, b, ((a, b),))
            for a, b, n in terms
            for f, mode in words[n].terms
            if not _inside(a, b, pseudo)
        ]
        + placed
    )
    for match in kept:
        clauses[clause_of[match.start]].matches.append(match)
    solid = sorted({piece for match in kept for piece in match.pieces})
    blocked = sorted([*solid, *pseudo])
    taken: list[tuple[int, int]] = []
    for start, end, number in sorted(cues, key=lambda c: (c[0] - c[1], c[0])):
        # A cue inside a longer word, or inside a longer cue, is no cue (无 in 无力; 没 in 没有).
        inside_word = any(a <= start and end <= b and b - a > end - start for a, b in blocked)
        if inside_word or any(a <= start and end <= b for a, b in taken):
            continue
        taken.append((start, end))
        clauses[clause_of[start]].cues.extend(PlacedCue(cue, start, end) for cue in words[number].cues)
    for clause in clauses:
        clause.matches.sort(key=lambda m: (m.start, m.end, m.finding))
        clause.cues.sort(key=lambda c: (c.start, c.end))
    return Scan(clauses, _outermost(names))


def _inside(start: int, end: int, stretches: list[tuple[int, int]]) -> bool:
    return any(a <= start and end <= b for a, b in stretches)


def _clause_bounds(text: str) -> list[tuple[int, int, int, bool]]:
    bounds, start, sentence = [], 0, 0
    for match in _CLAUSE_END.finditer(text):
        mark = match.group()
        bounds.append((start, match.start(), sentence, mark in "？?"))
        start = match.end()
        if mark in _SENTENCE_ENDS:
            sentence += 1
    bounds.append((start, len(text), sentence, False))
    return bounds


def _positions(length: int, bounds: list[tuple[int, int, int, bool]]) -> list[int]:
    clause_of = [0] * (length + 1)
    for number, (start, end, _, _) in enumerate(bounds):
        for position in range(start, min(end + 1, length + 1)):
            clause_of[position] = number
    return clause_of


def _pattern_matches(
    pieces: list[tuple[int, int, int]], clauses: list[Clause], clause_of: list[int], language: Language
) -> list[Match]:
    by_clause: dict[int, dict[int, list[tuple[int, int]]]] = {}
    for start, end, number in pieces:
        clause = clause_of[start]
        if end > clauses[clause].end:
            continue
        sets = by_clause.setdefault(clause, {})
        for piece in language.words[number].pieces:
            sets.setdefault(piece, []).append((start, end))
    found = []
    for sets in by_clause.values():
        for piece in sets:
            for pattern in language.patterns_by_piece.get(piece, ()):
                if all(other in sets for other in pattern.pieces):
                    chain = _chain(pattern, sets)
                    if chain is not None:
                        start, end = min(a for a, _ in chain), max(b for _, b in chain)
                        found.append(Match(pattern.finding, pattern.mode, start, end, tuple(sorted(chain))))
    return found


def _chain(pattern: Pattern, sets: dict[int, list[tuple[int, int]]]) -> list[tuple[int, int]] | None:
    """Places for a pattern's pieces: in order with small gaps, or anywhere in the clause where the order is free."""
    if pattern.free:
        chosen: list[tuple[int, int]] = []
        for piece in pattern.pieces:
            place = next((p for p in sets[piece] if all(p[1] <= a or b <= p[0] for a, b in chosen)), None)
            if place is None:
                return None
            chosen.append(place)
        return chosen
    for first in sets[pattern.pieces[0]]:
        chain = _extend([first], pattern.pieces[1:], sets)
        if chain is not None:
            return chain
    return None


def _extend(
    chain: list[tuple[int, int]], rest: tuple[int, ...], sets: dict[int, list[tuple[int, int]]]
) -> list[tuple[int, int]] | None:
    if not rest:
        return chain
    end = chain[-1][1]
    for place in sets[rest[0]]:
        if end <= place[0] <= end + _GAP:
            longer = _extend([*chain, place], rest[1:], sets)
            if longer is not None:
                return longer
    return None


def _longest(matches: list[Match]) -> list[Match]:
    """Without literal matches that lie inside another match's solid words; one match a finding and place."""
    solid = sorted({piece for match in matches for piece in match.pieces if len(match.pieces) == 1})
    kept: dict[tuple[int, int, int], Match] = {}
    for match in sorted(matches, key=lambda m: (m.start, -(m.end - m.start), m.mode, m.finding)):
        covered = all(
            any(a <= start and end <= b and b - a > end - start for a, b in solid) for start, end in match.pieces
        )
        if not covered:
            kept.setdefault((match.finding, match.mode, match.start), match)
    return list(kept.values())


def _outermost(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda p: (p[0], -p[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept
