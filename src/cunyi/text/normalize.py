"""One form for every writing of the same text, with the way back to the original characters."""

from __future__ import annotations

import re
from typing import NamedTuple

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FULL_WIDTH |= {0x3000: 0x20, 0x2103: ord("℃"), 0x00B0: ord("°"), 0xFE6A: ord("%"), 0x2014: ord("-"), 0x2013: ord("-")}
_FULL_WIDTH |= {0x2212: ord("-"), 0x2010: ord("-"), 0x00B5: ord("μ"), 0x00D7: ord("x"), 0x2715: ord("x"), 0xFE63: ord("-")}
# The Chinese comma and full stop stay apart from decimal points; brackets and colons become half-width.
_KEEP = {ord("，"): ord("，"), ord("；"): ord("；"), ord("！"): ord("！"), ord("？"): ord("？"), ord("．"): ord(".")}
_TABLE = {**_FULL_WIDTH, **_KEEP}
_BLANK_BETWEEN = re.compile(r"(?<=[^\x00-\x7f])[ \t\xa0]+(?=[^\x00-\x7f])|(?<=[0-9])[ \t]+(?=[°℃%/])")


class Normal(NamedTuple):
    """Normalised text; `offsets[i]` is the original position of its character i, with one more for the end."""

    text: str
    offsets: list[int]


def plain(text: str) -> str:
    """The normalised form of a term or cue: half-width, lower case, without blanks between Chinese characters."""
    return _BLANK_BETWEEN.sub("", _lower(text.translate(_TABLE)))


def _lower(text: str) -> str:
    lowered = text.lower()
    # A few characters change their length in lower case; those keep their form so that positions hold.
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def normalize(text: str, replacements: re.Pattern[str] | None, words: dict[str, str]) -> Normal:
    """Normalises a field. `replacements` finds same-length misspellings, `words` gives their right form."""
    straight = _lower(text.translate(_TABLE))
    if replacements is not None:
        straight = replacements.sub(lambda match: words[match.group()], straight)
    blanks = list(_BLANK_BETWEEN.finditer(straight))
    if not blanks:
        return Normal(straight, list(range(len(straight) + 1)))
    offsets: list[int] = []
    parts = []
    position = 0
    for blank in blanks:
        parts.append(straight[position : blank.start()])
        offsets.extend(range(position, blank.start()))
        position = blank.end()
    parts.append(straight[position:])
    offsets.extend(range(position, len(straight) + 1))
    return Normal("".join(parts), offsets)
