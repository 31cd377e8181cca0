"""Numbers with their units: Chinese and Arabic numerals, item names, unit conversion, ordinal results."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cunyi.text.normalize import plain

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_PLACES = {"十": 10.0, "百": 100.0}
_FEW = ("几", "数")
_FEW_IS = 3.0
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_POWER = re.compile(r"10[\^e*]?\(?(9|12|6|3)\)?(?:/l)?$")
_ORDINAL = re.compile(r"\(?(?:(?P<digit>[1-4])\+|(?P<pluses>\+{1,4})(?!/)|(?P<trace>±|\+-|\+/-)|(?P<minus>-))\)?")
_ONE = "[一二两三四五六七八九]"
SPOKEN = rf"(?:[一二两三]百(?:[零〇]{_ONE}|{_ONE}{_ONE}?(?:十{_ONE}?)?)?|{_ONE}{{0,2}}十{_ONE}?)"
"""A spoken number of two or three places, as a pattern without groups."""
_SPOKEN = re.compile(
    rf"(?P<hundreds>[一二两三])百(?:[零〇](?P<only>{_ONE})|(?P<tens>{_ONE})(?P<to>{_ONE})?(?:十(?P<ones>{_ONE})?)?)?"
    rf"|(?P<ten>{_ONE})?(?P<ten_to>{_ONE})?十(?P<last>{_ONE})?"
)
_BRACKETS = re.compile(r"\(.*?\)$")


class TextValue(NamedTuple):
    """A value in its item's unit and where it stands in the normalised text."""

    item: str
    value: float | str
    start: int
    end: int


class NamedItem(NamedTuple):
    """An item as values need it: its unit, factors of other units to it, its scale, what can be [lowest, highest)."""

    id: str
    unit: str | None
    units: Mapping[str, float]
    scale: tuple[str, ...]
    lowest: float
    highest: float

    def allows(self, value: float | str) -> bool:
        """Whether a value can be: a number inside the possible range, a step of the scale."""
        return value in self.scale if isinstance(value, str) else self.lowest <= value < self.highest


class ItemNames:
    """Item names as reports write them, unit spellings, words for ordinal results."""

    def __init__(
        self,
        items: Iterable[Mapping[str, Any]],
        *,
        spellings: Mapping[str, str],
        conversions: Mapping[str, str],
        ordinals: Mapping[str, str],
    ) -> None:
        self._spellings = {_straight_unit(cue): _straight_unit(unit) for cue, unit in spellings.items()}
        everywhere: dict[str, dict[str, float]] = {}
        for cue, conversion in conversions.items():
            to, factor = conversion.split()
            everywhere.setdefault(self.unit(to), {})[self.unit(cue)] = float(factor)
        self._ordinals = ordinals
        self.names: dict[str, NamedItem] = {}
        self.by_id: dict[str, NamedItem] = {}
        for raw in items:
            lowest, highest = raw["possible"]
            item = NamedItem(
                id=raw["id"],
                unit=raw["unit"],
                units={
                    **everywhere.get(self.unit(raw["unit"] or ""), {}),
                    **{self.unit(unit): factor for unit, factor in raw["units"].items()},
                },
                scale=tuple(raw["scale"]),
                lowest=-math.inf if lowest is None else lowest,
                highest=math.inf if highest is None else highest,
            )
            self.by_id[item.id] = item
            self.names |= dict.fromkeys(raw["names"], item)
        own = {self.unit(item.unit) for item in self.by_id.values() if item.unit}
        self.units = frozenset(own.union(self._spellings, *(item.units for item in self.by_id.values())))

    def find(self, name: str) -> NamedItem | None:
        """The item of a name; trailing brackets and blanks do not matter."""
        wanted = plain(name).strip()
        return self.names.get(wanted) or self.names.get(_BRACKETS.sub("", wanted).strip())

    def spellings_of(self, item: str) -> list[str]:
        """Every spelling of the units of an item."""
        known = self.by_id.get(item)
        own = () if known is None else (self.unit(known.unit or ""), *known.units)
        return [unit for unit in self.units if self.unit(unit) in own]

    def unit(self, unit: str) -> str:
        """A unit in one spelling: half-width, lower case, μ for u, powers of ten without signs."""
        straight = _straight_unit(unit)
        return self._spellings.get(straight, straight)

    def read(self, item: NamedItem, value: float | str, unit: str | None) -> float | str | None:
        """A value in the item's unit or on its scale; None where it cannot be read as such."""
        if item.scale:
            return self.ordinal(str(value), item.scale)
        if isinstance(value, str):
            match = _NUMBER.search(plain(value))
            if match is None:
                return None
            unit = unit or plain(value)[match.end() :].strip() or None
            value = float(match.group())
        return self.converted(item, float(value), unit)

    def converted(self, item: NamedItem, number: float, unit: str | None) -> float | None:
        """A number in the item's own unit; None where the unit belongs to another quantity."""
        if not unit or item.unit is None:
            return _unitless(item, number)
        given, own = self.unit(unit), self.unit(item.unit)
        if given == own:
            return number
        if given in item.units:
            return round(number * item.units[given], 4)
        return None if given in self.units else number

    def ordinal(self, text: str, scale: Sequence[str]) -> str | None:
        """A step of an ordinal scale: 2+, ++, (+), ±, or a word for one."""
        wanted = plain(text).strip()
        if wanted in scale:
            return wanted
        match = _ORDINAL.match(wanted)
        if match is None:
            step = next((step for word, step in self._ordinals.items() if word in wanted), None)
        elif match["digit"]:
            step = f"{match['digit']}+"
        elif match["pluses"]:
            step = f"{len(match['pluses'])}+"
        else:
            step = "±" if match["trace"] else "-"
        return step if step in scale else None


def _straight_unit(unit: str) -> str:
    text = plain(unit).replace(" ", "").replace("µ", "μ").replace("﹪", "%")
    text = text.removeprefix("x").removeprefix("*")
    power = _POWER.match(text)
    if power is not None:
        return f"10^{power.group(1)}/l"
    return re.sub(r"^u(?=mol|g|l\b)|(?<=/)u(?=l\b)", "μ", text)


def _unitless(item: NamedItem, number: float) -> float:
    """A bare number; a count written per microlitre or a share written as a fraction is brought to the item's unit."""
    if "fraction" in item.units and number <= 1:
        return round(number * item.units["fraction"], 4)
    if not item.allows(number) and "/μl" in item.units and item.allows(number * item.units["/μl"]):
        return round(number * item.units["/μl"], 4)
    return number


def either(words: Iterable[str], closed: bool = False) -> str:
    """Alternatives for a pattern, longest first; matches nothing for no words. `closed`: no letter may follow."""
    ordered = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
    parts = [re.escape(word) + ("(?![a-z])" if closed and word[-1] <= "z" else "") for word in ordered]
    return "|".join(parts) or "(?!)"


def spoken_number(text: str) -> float | None:
    """A number of two or three places in figures or as it is spoken: 一百五 is 150, of 一百五六 and 三四十 the upper end."""
    if _NUMBER.fullmatch(text):
        return float(text)
    match = _SPOKEN.fullmatch(text)
    if match is None:
        return None
    place = {name: _DIGITS.get(found or "", 0) for name, found in match.groupdict().items()}
    if match["hundreds"]:
        return float(place["hundreds"] * 100 + (place["to"] or place["tens"]) * 10 + place["ones"] + place["only"])
    return float((place["ten_to"] or place["ten"] or 1) * 10 + place["last"])


def chinese_number(text: str) -> float | None:
    """三十八, 十, 两百, 半, 几 (taken as 3); None where it is no number."""
    if _NUMBER.fullmatch(text):
        return float(text)
    if text == "半":
        return 0.5
    if text in _FEW:
        return _FEW_IS
    total, current, seen = 0.0, 0.0, False
    for character in text:
        if character in _DIGITS:
            current, seen = float(_DIGITS[character]), True
        elif character in _PLACES:
            total += (current or 1.0) * _PLACES[character]
            current, seen = 0.0, True
        elif character in _FEW:
            current, seen = _FEW_IS, True
        else:
            return None
    return total + current if seen else None
