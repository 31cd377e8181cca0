"""Numbers with their units: Chinese and Arabic numerals, item names, unit conversion, ordinal results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cunyi.text.normalize import plain

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CELLS = re.compile(r"[x*]?10\^?([0-9]{1,2})(?:个)?/?l?")
_ORDINAL = re.compile(r"(?:\(?([1-4])\+\)?|\(?(\+{1,4})\)?|\(?(±|\+-|\+/-)\)?|\(?([-])\)?)")


class NamedItem(NamedTuple):
    """An item as values need it: its unit, factors of other units to it, its scale."""

    id: str
    unit: str | None
    units: Mapping[str, float]
    scale: tuple[str, ...]


class ItemNames:
    """Item names as reports write them, and unit spellings."""

    def __init__(self, items: Sequence[Mapping[str, Any]], spellings: Mapping[str, str]) -> None:
        self.names: dict[str, NamedItem] = {}
        self.by_id: dict[str, NamedItem] = {}
        for raw in items:
            units = {normal_unit(unit): factor for unit, factor in raw["units"].items()}
            item = NamedItem(raw["id"], raw["unit"], units, tuple(raw["scale"]))
            self.by_id[item.id] = item
            for name in raw["names"]:
                self.names[name] = item
        self.spellings = spellings

    def find(self, name: str) -> NamedItem | None:
        """The item of a name; trailing brackets and blanks do not matter."""
        wanted = plain(name).strip()
        return self.names.get(wanted) or self.names.get(re.sub(r"\(.*?\)$", "", wanted).strip())


def normal_unit(unit: str) -> str:
    """A unit in one spelling: half-width, lower case, μ for µ and u, count exponents without signs."""
    text = plain(unit).replace(" ", "").replace("µ", "μ").replace("﹪", "%").replace("％", "%")
    text = re.sub(r"^[x*]", "", text)
    text = re.sub(r"10\^?\(?(9|12)\)?/l", r"10^\1/l", text)
    text = re.sub(r"^u(?=mol|g|l\b)", "μ", text)
    return text.replace("毫米汞柱", "mmhg").replace("次/分钟", "次/分").replace("次/min", "次/分").replace("iu/", "u/")


def read_value(item: NamedItem, value: float | str, unit: str | None) -> float | str | None:
    """A value in the item's unit or on its scale; None where it cannot be read as such."""
    if item.scale:
        return read_ordinal(str(value), item.scale)
    if isinstance(value, str):
        match = _NUMBER.search(plain(value))
        if match is None:
            return None
        unit = unit or plain(value)[match.end() :].strip() or None
        value = float(match.group())
    number = float(value)
    if unit is None or item.unit is None:
        return number
    given, own = normal_unit(unit), normal_unit(item.unit)
    if given == own:
        return number
    if given in item.units:
        return round(number * item.units[given], 4)
    return number if not _known_unit(given) else None


def _known_unit(unit: str) -> bool:
    return unit in ("mg/dl", "mmol/l", "μmol/l", "g/l", "g/dl", "mg/l", "mmhg", "kpa")


def read_ordinal(text: str, scale: Sequence[str]) -> str | None:
    """A step of an ordinal scale: 2+, ++, (+), ±, 阴性, 阳性 (taken as 1+)."""
    wanted = plain(text).strip().replace("（", "(").replace("）", ")")
    if wanted in scale:
        return wanted
    if "阴" in wanted or wanted in ("neg", "negative", "无"):
        return "-" if "-" in scale else None
    match = _ORDINAL.match(wanted)
    step = None
    if match is not None and match.group():
        digit, pluses, trace, minus = match.groups()
        step = f"{digit}+" if digit else f"{len(pluses)}+" if pluses else "±" if trace else "-" if minus else None
    elif "弱阳" in wanted or "微量" in wanted:
        step = "±"
    elif "阳" in wanted or wanted in ("pos", "positive"):
        step = "1+"
    return step if step in scale else None


def chinese_number(text: str) -> float | None:
    """三十八, 十, 两百, 半, 几 (taken as 3); None where it is no number."""
    if _NUMBER.fullmatch(text):
        return float(text)
    if text == "半":
        return 0.5
    if text in ("几", "数"):
        return 3.0
    total, current, seen = 0.0, 0.0, False
    for character in text:
        if character in _DIGITS:
            current, seen = float(_DIGITS[character]), True
        elif character in "十百":
            total += (current or 1.0) * (10 if character == "十" else 100)
            current, seen = 0.0, True
        elif character == "几":
            current, seen = 3.0, True
        else:
            return None
    return total + current if seen else None
