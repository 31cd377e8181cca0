"""The pieces that a laboratory report is written in: numbers, units, reference ranges, marks, steps of a scale, names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

_NUMBER = r"\d+(?:\.\d+)?"
# A figure whose decimal point was read as another mark is kept as it was read, never mended.
_FIGURE = re.compile(r"\d+(?:[.,，。、·:]\d+)?")
_RANGE = re.compile(
    rf"[(\[]?\s*(?P<lower>{_NUMBER})\s*(?:-{{1,3}}|~|—+|–|−|―|─|至|\.\.+)\s*(?P<upper>{_NUMBER})\s*[)\]]?(?![\d.:\-年])"
)
_BOUND = re.compile(rf"[(\[]?\s*(?P<sign><=|>=|<|>|≤|≥)\s*(?P<end>{_NUMBER})\s*[)\]]?")
_STEP = re.compile(
    r"(?:(?:弱|强)?(?:阴|阳)性|未检出|未见)(?:\s*\([-+±\d]+\))?(?=\s|$)|\(?(?:\d\+|\+{1,4}|±|\+-|-)\)?(?=\s|$)"
    r"|(?:neg|pos)(?:ative|itive)?(?=\s|$)",
    re.IGNORECASE,
)
_MARK = re.compile(r"[↑↓▲▼]+|\*+|(?:H+|L+|偏?高|偏?低)(?=\s|$)")
_UNIT = re.compile(
    r"[x×*·]?\s?10(?:[\^*eE~]?\d{1,2})?/[A-Za-zμ]+|[A-Za-zμ个次%]{0,6}/[A-Za-zμ高低倍镜视野]{1,6}[\d.^²]{0,5}(?:/[\w.²]+)*"
    r"|[%‰]|fL|pg|mmHg|kPa|秒|s|sec|°C|S/CO|COI",
    re.IGNORECASE,
)
_REST_OF_MARKED = re.compile(r"[↑↓▲▼*(\[]")
_WORD_END = re.compile(r"\s|(?<=[\u3400-\u9fff)])(?=\d)|[↑↓▲▼]|(?<=[\u3400-\u9fff]):")
_BETWEEN = ":;,，。、|=_"
_HIGH, _LOW = re.compile(r"[↑▲H高]"), re.compile(r"[↓▼L低]")


class Kind(StrEnum):
    """What a piece of a report is (化验单上的字)."""

    WORD = "word"
    FIGURE = "figure"
    RANGE = "range"
    BOUND = "bound"
    STEP = "step"
    MARK = "mark"
    UNIT = "unit"


class Piece(NamedTuple):
    """A piece with its kind and where it stands in its line, in characters."""

    kind: Kind
    text: str
    start: int
    end: int


def plain(text: str) -> str:
    """Text in half width; minus signs, tildes and the signs of comparison in one form each."""
    return unicodedata.normalize("NFKC", text).replace("﹣", "-").replace("〜", "~").replace("∽", "~").strip()


def pieces(text: str, is_unit: Callable[[str], bool]) -> Iterator[Piece]:
    """The pieces of a line in plain text. `is_unit` knows units that do not look like one."""
    place = 0
    while place < len(text):
        if text[place].isspace() or text[place] in _BETWEEN:
            place += 1
            continue
        kind, end = _at(text, place, is_unit)
        yield Piece(kind, text[place:end].strip(), place, end)
        place = end


def ends_of(text: str) -> tuple[float | None, float | None]:
    """Lower and upper end of a range or bound as printed."""
    if (match := _RANGE.fullmatch(text)) is not None:
        return float(match["lower"]), float(match["upper"])
    if (match := _BOUND.fullmatch(text)) is not None:
        end = float(match["end"])
        return (None, end) if match["sign"].startswith(("<", "≤")) else (end, None)
    return None, None


def side_of(mark: str) -> str:
    """`high`, `low`, or `abnormal` for a mark that gives no side."""
    if _HIGH.search(mark):
        return "high"
    return "low" if _LOW.search(mark) else "abnormal"


def looks_like_unit(text: str, is_unit: Callable[[str], bool]) -> bool:
    """Whether a word is a unit."""
    return _UNIT.fullmatch(text) is not None or is_unit(text)


def _at(text: str, place: int, is_unit: Callable[[str], bool]) -> tuple[Kind, int]:
    blank = re.compile(r"\s|$").search(text, place)
    until = blank.start() if blank else len(text)
    if _UNIT.fullmatch(text, place, until):
        return Kind.UNIT, until
    for kind, pattern in ((Kind.RANGE, _RANGE), (Kind.BOUND, _BOUND), (Kind.STEP, _STEP), (Kind.MARK, _MARK)):
        match = pattern.match(text, place)
        if match is not None:
            return kind, match.end()
    figure = _FIGURE.match(text, place)
    if figure is not None:
        rest = text[figure.end() : until]
        if not rest or _MARK.fullmatch(rest) or _REST_OF_MARKED.match(rest) or looks_like_unit(rest, is_unit):
            return Kind.FIGURE, figure.end()
    end = _WORD_END.search(text, place + 1)
    return Kind.WORD, end.start() if end else len(text)
