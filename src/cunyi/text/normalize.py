"""One form for every writing of the same text, with the way back to the original characters."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_HALF_WIDTH |= {0x3000: 0x20, 0xA0: 0x20, 0x2103: ord("℃"), 0xFE6A: ord("%"), 0x00B5: ord("μ")}
# SpO₂ and PaCO₂; a superscript stays, it is part of a unit (10⁹/L).
_HALF_WIDTH |= {0x2080 + digit: ord("0") + digit for digit in range(10)}
_HALF_WIDTH |= {code: ord("x") for code in (0x00D7, 0x2715, 0x2A09)}
_HALF_WIDTH |= {code: ord("-") for code in (0x2010, 0x2011, 0x2013, 0x2014, 0x2212, 0xFE63)}
# The Chinese comma, semicolon and marks stay apart from decimal points; brackets and colons become half-width.
CHARACTERS: Mapping[int, int] = {**_HALF_WIDTH, **{ord(mark): ord(mark) for mark in "，；！？"}}

_BLANKS = re.compile(r"[ \t]+")
_CHINESE = re.compile(r"[㐀-鿿]")
_CHINESE_RUN = re.compile(r"[㐀-鿿]*")
# A list of a record whose members are broken by blanks: 、 stands this close on both sides.
_LONGEST_BROKEN = 6
_MARK_AFTER = re.compile(r"[ \t]*、")
_MARK_BEFORE = re.compile(r"、[ \t]*[㐀-鿿]+$")
_LONGEST_JOINING = 4
_BEFORE_UNIT = frozenset("°℃%/")


class Normal(NamedTuple):
    """Normalised text; `offsets[i]` is the original position of its character i, with one more for the end."""

    text: str
    offsets: Sequence[int]


def plain(text: str) -> str:
    """The normalised form of a term or cue: half-width, lower case, without blanks between Chinese characters."""
    straight = _lower(text.translate(CHARACTERS))
    return _BLANKS.sub(lambda m: "" if _joins(straight, m.start(), m.end()) else m.group(), straight)


def _joins(text: str, start: int, end: int) -> bool:
    """Whether a blank stands between two Chinese characters, or a number and its unit."""
    if start == 0 or end == len(text):
        return False
    before, after = text[start - 1], text[end]
    if before.isdigit():
        return after in _BEFORE_UNIT
    return bool(_CHINESE.match(before) and _CHINESE.match(after))


def _lower(text: str) -> str:
    lowered = text.lower()
    # A few characters change their length in lower case; those keep their form so that positions hold.
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class Normalizer:
    """Normalises fields: characters, misspellings of the same length, odd blanks inside words."""

    def __init__(
        self,
        characters: Mapping[str, str],
        typos: Mapping[str, str],
        answers: Collection[str],
        joins_on: Collection[str] = (),
    ) -> None:
        self._characters = {**CHARACTERS, **{ord(old): ord(new) for old, new in characters.items()}}
        self._typos = {wrong: right for wrong, right in typos.items() if len(wrong) == len(right) and wrong != right}
        longest_first = sorted(self._typos, key=len, reverse=True)
        self._typo_pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._answers = frozenset(answers)
        # 无 浮肿: the word goes on after its blank, but not where it is the answer to what stands before it (发热:无 咳嗽).
        words = "|".join(map(re.escape, sorted(joins_on, key=lambda word: (-len(word), word))))
        self._joins_on = re.compile(rf"(?<![:?？吗 ])(?:{words})\Z") if words else None

    def __call__(self, text: str) -> Normal:
        """The normal form of a field."""
        straight = _lower(text.translate(self._characters))
        if self._typo_pattern is not None:
            straight = self._typo_pattern.sub(lambda match: self._typos[match.group()], straight)
        odd = [m for m in _BLANKS.finditer(straight) if self._is_odd(straight, m.start(), m.end())]
        if not odd:
            return Normal(straight, range(len(straight) + 1))
        parts, offsets, position = [], list[int](), 0
        for blank in odd:
            parts.append(straight[position : blank.start()])
            offsets.extend(range(position, blank.start()))
            position = blank.end()
        parts.append(straight[position:])
        offsets.extend(range(position, len(straight) + 1))
        return Normal("".join(parts), offsets)

    def _is_odd(self, text: str, start: int, end: int) -> bool:
        """Whether a blank splits a word (发 热, 38.5 ℃). Between longer runs it ends a line of talk and stays."""
        if not _joins(text, start, end):
            return False
        if text[start - 1].isdigit():
            return True
        after = _CHINESE_RUN.match(text, end)
        if after is not None and after.end() - end == 1:
            return after.group() not in self._answers
        if after is not None and (_is_of_list(text, start, after.end()) or self._goes_on(text, start)):
            return True
        alone = start < 2 or not _CHINESE.match(text[start - 2])
        return alone and text[start - 1] not in self._answers

    def _goes_on(self, text: str, start: int) -> bool:
        """Whether the word before a blank is one that something has to follow."""
        before = text[max(0, start - _LONGEST_JOINING) : start]
        return self._joins_on is not None and self._joins_on.search(before) is not None


def _is_of_list(text: str, start: int, end: int) -> bool:
    """Whether a blank stands inside one member of a list: marks of the list close by on both sides (高血压、糖尿 病病 、结核)."""
    if end - start > _LONGEST_BROKEN or _MARK_AFTER.match(text, end) is None:
        return False
    return _MARK_BEFORE.search(text[max(0, start - _LONGEST_BROKEN) : start]) is not None
