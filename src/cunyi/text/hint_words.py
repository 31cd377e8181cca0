"""Finds the words of a list in a normalised text: the longest at each place, and words of two pieces with a short gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cunyi.text.automata import automaton_of
from cunyi.text.normalize import plain

_GAP = "…"
_CLAUSE_MARK = re.compile(r"[，。；;！!？?\n\r,]")


class HintFinder:
    """Looks for many words at once (提示词查找). A word `长…疙瘩` is two pieces in order, at most `widest_gap` characters apart.

    A word right after one of `denied_before` (没扭到) is not said.
    """

    def __init__(self, words: Iterable[str], widest_gap: int, denied_before: Iterable[str] = ()) -> None:
        self._widest_gap = widest_gap
        self._denied_before = tuple(plain(word) for word in denied_before)
        self._pairs: list[tuple[str, str, str]] = []
        self._pairs_of: dict[str, list[int]] = {}
        pieces: dict[str, str | None] = {}
        for word in words:
            if _GAP in word:
                before, _, after = word.partition(_GAP)
                pair = plain(before), plain(after)
                self._pairs_of.setdefault(pair[0], []).append(len(self._pairs))
                self._pairs.append((word, *pair))
                for piece in pair:
                    pieces.setdefault(piece, None)
            else:
                pieces[plain(word)] = word
        self._automaton = automaton_of({piece: (piece, whole) for piece, whole in pieces.items()})

    def find(self, text: str) -> dict[str, int]:
        """The words of the list in the text, each with where it stands first."""
        if not len(self._automaton):
            return {}
        places: dict[str, list[tuple[int, int]]] = {}
        whole: list[tuple[int, int, str]] = []
        for last, (piece, word) in self._automaton.iter(text):
            place = last - len(piece) + 1, last + 1
            places.setdefault(piece, []).append(place)
            if word is not None:
                whole.append((*place, word))
        found: dict[str, int] = {}
        for start, _, word in _longest(whole):
            if not text.endswith(self._denied_before, 0, start):
                found.setdefault(word, start)
        for number in sorted(number for piece in places for number in self._pairs_of.get(piece, ())):
            word, before, after = self._pairs[number]
            if after in places:
                for start in self._joined(places[before], places[after], text):
                    found.setdefault(word, start)
        return found

    def _joined(self, before: list[tuple[int, int]], after: list[tuple[int, int]], text: str) -> Iterator[int]:
        for start, end in before:
            for second, _ in after:
                gap = text[end:second]
                if 0 <= second - end <= self._widest_gap and not _CLAUSE_MARK.search(gap):
                    yield start


def _longest(hits: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Without words inside a longer one."""
    kept: set[tuple[int, int]] = set()
    furthest = -1
    for start, negative_end in sorted((start, -end) for start, end, _ in hits):
        if -negative_end > furthest:
            furthest = -negative_end
            kept.add((start, furthest))
    return [hit for hit in hits if (hit[0], hit[1]) in kept]
