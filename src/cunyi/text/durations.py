"""How long: 3天, 半个月, 近两周, 10余年, 昨晚, N天前 → days with their place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from cunyi.text.values import chinese_number

_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|[一二两三四五六七八九十百半几数]+)"
# A calendar year is no length of time; nobody coughs for 1900 years.
_CALENDAR_YEAR = 1900
_LONGEST_DAYS = 120 * 365.0
_MORE = 1.2
_HALF = 0.5
_MINUTE_DAYS = 1 / 720
_CALENDAR_UNITS = frozenset("年月日")
_PAIR = re.compile("[一二两三四五六七八九]{2}")


class Duration(msgspec.Struct, frozen=True):
    """A length of time: days, where it stands, whether it points back to a moment (3天前, 昨晚)."""

    days: float
    start: int
    end: int
    ago: bool


class DurationWords:
    """The words of time: units, moments (昨晚) and lengths (常年) in days, words before a length that is not the illness's, of rate."""

    def __init__(
        self,
        *,
        units: Mapping[str, float],
        moments: Mapping[str, float],
        lengths: Mapping[str, float],
        not_since: Iterable[str],
        not_rate: Iterable[str],
    ) -> None:
        self._units = units
        self._words = {**moments, **lengths}
        self._lengths = frozenset(lengths)
        self._pattern = _pattern(units) if units else None
        longest_first = sorted(self._words, key=len, reverse=True)
        self._moments = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._not_since = tuple(not_since)
        rates = "|".join(map(re.escape, sorted(not_rate, key=len, reverse=True)))
        self._rate = re.compile(rf"[/ ]?{_NUMBER}?(?:\s*[-~至到]\s*{_NUMBER})?[余多]?(?:{rates})") if rates else None

    def find(self, text: str) -> list[Duration]:
        """Every length of time in a normalised text that can be that of an illness, in order."""
        found: list[Duration] = []
        if self._pattern is not None:
            found = [d for match in self._pattern.finditer(text) if (d := self._duration(match, text)) is not None]
        if self._moments is not None:
            taken = [(d.start, d.end) for d in found]
            found += [
                Duration(self._words[match.group()], match.start(), match.end(), ago=match.group() not in self._lengths)
                for match in self._moments.finditer(text)
                if not any(start < match.end() and match.start() < end for start, end in taken)
            ]
        return sorted(found, key=lambda d: d.start)

    def _duration(self, match: re.Match[str], text: str) -> Duration | None:
        unit, days = match["unit"], self._units[match["unit"]]
        number = _number(match)
        if number is None or (unit == "年" and number >= _CALENDAR_YEAR):
            return None
        if unit in _CALENDAR_UNITS and not match["measure"] and _is_date(match, text):
            return None
        if text.endswith(self._not_since, 0, match.start()) and not match["ago"]:
            return None
        if days < _MINUTE_DAYS and not match["ago"] and match.end() < len(text):
            # Minutes inside a story are the length of one attack, not of the illness.
            return None
        if self._rate is not None and not match["ago"] and self._rate.match(text, match.end()):
            return None
        total = number * days
        return Duration(total, match.start(), match.end(), bool(match["ago"])) if 0 < total <= _LONGEST_DAYS else None


def _pattern(units: Mapping[str, float]) -> re.Pattern[str]:
    words = "|".join(
        re.escape(unit) + ("(?![a-z])" if unit.isascii() else "") for unit in sorted(units, key=len, reverse=True)
    )
    return re.compile(
        rf"(?<![0-9./:第])(?P<low>{_NUMBER})(?:\s*[-~至到、]\s*(?P<high>{_NUMBER}))?(?P<more>[余多来几]?)(?P<measure>个?)"
        rf"(?P<half>半?)(?P<more2>[余多来]?)(?P<unit>{words})(?P<tail>半?)(?P<more3>[余多]?)(?P<ago>[之以]?前)?"
    )


def _number(match: re.Match[str]) -> float | None:
    low = chinese_number(match["low"])
    if low is None:
        return None
    high = chinese_number(match["high"]) if match["high"] else None
    number = low if high is None or high < low else high
    if _PAIR.fullmatch(match["low"]):
        # 两三天 is between two and three.
        number = (chinese_number(match["low"][0]) or 0) + _HALF
    if match["half"] or match["tail"]:
        number += _HALF
    return number * _MORE if match["more"] or match["more2"] or match["more3"] else number


def _is_date(match: re.Match[str], text: str) -> bool:
    """Whether a bare 年, 月 or 日 is a date (8月份, 3月5日, 2020年3月) and no length of time (咳嗽1月)."""
    after, before = text[match.end() : match.end() + 1], text[max(0, match.start() - 1) : match.start()]
    if match["unit"] == "日":
        return before == "月"
    return after in ("份", "初", "底", "中") or before == "年" or (match["unit"] == "月" and after.isdigit())
