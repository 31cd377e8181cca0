"""Doses, strengths, frequencies and routes as doctors write them: read whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cunyi.knowledge.doses import DoseRules
from cunyi.text.normalize import plain
from cunyi.text.values import chinese_number

_NUMBER = r"(?:[0-9]+/[1-9][0-9]*|[0-9]+(?:\.[0-9]+)?|[半一二两三四五六七八九十]+)"
_PIECE_MARKS = re.compile(r"[\s,，;；。、]+")
_RANGE = "[-~至到]"
_BRACKETED = re.compile(r"\(([^()]*)\)")
_HOURS = 24.0
_PERCENT = "%"
_MG_PER_ML_OF_PERCENT = 10.0


class Frequency(NamedTuple):
    """Administrations a day; None where it is left to need (必要时)."""

    times: float | None


class WrittenDose(NamedTuple):
    """An amount as written: `unit` a unit or a form (片), the larger number of a range.

    `per_kg`: for each kg of body weight; `per_day`: for the whole day, given in `parts` administrations if that was said.
    """

    amount: float
    unit: str
    per_kg: bool = False
    per_day: bool = False
    parts: float | None = None
    frequency: Frequency | None = None


class DoseWords:
    """Reads what stands on a line of a prescription by the words of the knowledge base."""

    def __init__(self, rules: DoseRules) -> None:
        self._units = written_units(rules)
        self._forms = frozenset(map(plain, rules.forms))
        self._routes = {plain(word): route for route, words in rules.route_words.items() for word in (route, *words)}
        self._frequencies = {plain(word): times for word, times in rules.frequency_words.items()}
        self._periods = {plain(word): days for word, days in rules.periods.items()}
        self._filler = [plain(word) for word in (*rules.filler_words, *rules.route_words)]
        unit, form = _any_of(self._units), _any_of(self._forms)
        kilogram, day, every = (_any_of(words) for words in (rules.kilogram_words, rules.day_words, rules.every_words))
        filler, hour = _any_of(self._filler), _any_of(rules.hour_words)
        number, period = _NUMBER, _any_of(self._periods)
        self._dose = re.compile(
            rf"(?:{filler})*(?P<daily>{_any_of(rules.daily_words)})?(?:{filler})*"
            rf"(?P<low>{number})(?:(?:{unit}|{form})?{_RANGE}(?P<high>{number}))?(?P<unit>{unit}|{form})(?P<half>半)?"
            rf"(?:[x*](?P<count>{number})(?:{form})?)?"
            rf"(?:[/每](?P<kg>{kilogram}))?(?:[/每](?:(?P<day>{day})|次))?(?:{filler})*"
        )
        self._parts = re.compile(rf"分(?:成|为)?(?P<parts>{number})次(?:{filler})*")
        self._quantity = re.compile(rf"(?<![0-9a-z.])(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>{unit}|%)(?![a-wyz])")
        self._as_needed = re.compile(_any_of(rules.as_needed_words))
        self._only_filler = re.compile(rf"(?:{filler})*")
        self._count = re.compile(rf"({number})(?=次)")
        self._per_period = re.compile(rf"(?P<period>{period})(?:{number}{_RANGE})?(?P<count>{number})次")
        self._count_per_day = re.compile(rf"(?:{number}{_RANGE})?(?P<count>{number})次?[/每](?P<day>{day}|周)")
        self._every_days = re.compile(rf"(?:每)?(?P<days>{number})(?:日|天)(?P<count>{number})次")
        self._every_hours = re.compile(
            rf"(?:{every})?(?P<hours>{number})(?:(?:{hour})?{_RANGE}{number})?(?:{hour})(?:(?P<count>{number})次)?"
        )

    def dose(self, text: str) -> WrittenDose | None:
        """A dose as written, with the frequency written beside it; None where any part of it is not understood."""
        found: WrittenDose | None = None
        frequency: Frequency | None = None
        parts: float | None = None
        for piece in self._pieces(text):
            dose = self._one_dose(piece)
            if dose is not None and found is None:
                found = dose
            elif (split := self._parts.fullmatch(piece)) is not None and parts is None:
                parts = _value(split["parts"])
            elif frequency is None and (read := self.frequency(piece)) is not None:
                frequency = read
            elif not self._only_filler.fullmatch(piece):
                return None
        if found is None:
            return None
        return found._replace(parts=parts, frequency=frequency)

    def _pieces(self, text: str) -> list[str]:
        straight = _BRACKETED.sub(lambda m: m[1] if "/" in m.string[: m.start()][-1:] else "", plain(text))
        straight = re.sub(r"(?<=[0-9半一二两三四五六七八九十])[ \t]+(?=[^0-9\s])|[ \t]*/[ \t]*", _closed, straight)
        straight = straight.replace("·", "/").replace("分", " 分")
        return [piece for piece in _PIECE_MARKS.split(straight) if piece]

    def _one_dose(self, piece: str) -> WrittenDose | None:
        match = self._dose.fullmatch(piece)
        if match is None:
            return None
        numbers = [_value(match[name]) for name in ("low", "high") if match[name]]
        count = _value(match["count"]) if match["count"] else 1.0
        if count is None or any(number is None for number in numbers):
            return None
        most = max(number for number in numbers if number is not None) + (0.5 if match["half"] else 0.0)
        if most <= 0 or count <= 0:
            return None
        per_day = bool(match["day"]) or bool(match["daily"])
        return WrittenDose(most * count, match["unit"], per_kg=bool(match["kg"]), per_day=per_day)

    def amount(self, dose: WrittenDose, base: str, strength: Mapping[str, float]) -> float | None:
        """The dose in a unit of `DoseRules.units`; None where that needs a strength and `strength` does not say it."""
        if dose.unit in self._forms:
            each = strength.get(base)
            return None if each is None else dose.amount * each
        own, factor = self._units[dose.unit]
        if own == base:
            return dose.amount * factor
        if own in strength and base in strength:
            return dose.amount * factor / strength[own] * strength[base]
        return None

    def strength(self, text: str) -> dict[str, float]:
        """What one piece of a preparation holds, by unit: 5ml:125mg is both. What stands twice and differs is left out."""
        straight = plain(text).replace(" ", "")
        found = self._quantities(_BRACKETED.sub(" ", straight))
        return {**self._quantities(straight), **found} if found else self._quantities(straight)

    def _quantities(self, text: str) -> dict[str, float]:
        found: dict[str, set[float]] = {}
        percent = None
        for match in self._quantity.finditer(text):
            number = float(match["number"])
            if match["unit"] == _PERCENT:
                percent = number
            elif number > 0:
                base, factor = self._units[match["unit"]]
                found.setdefault(base, set()).add(round(number * factor, 9))
        single = {base: values.pop() for base, values in found.items() if len(values) == 1}
        if percent and "mg" not in found:
            volume = single.setdefault("mL", 1.0)
            single["mg"] = percent * _MG_PER_ML_OF_PERCENT * volume
        return single

    def frequency(self, text: str) -> Frequency | None:
        """How often a day; None where it is not understood."""
        straight = re.sub(r"(?<=[a-z])\.", "", plain(text)).replace(" ", "")
        straight = self._count.sub(lambda m: _figure(m[1]), straight)
        without_need = self._as_needed.sub("", straight)
        for candidate in dict.fromkeys((straight, without_need, self._without_filler(without_need))):
            times = self._times(candidate)
            if times is not None:
                return Frequency(times)
        needed = without_need != straight and self._only_filler.fullmatch(without_need)
        return Frequency(None) if needed else None

    def _without_filler(self, text: str) -> str:
        for word in sorted(self._filler, key=len, reverse=True):
            text = text.replace(word, "")
        return text

    def _times(self, text: str) -> float | None:
        if text in self._frequencies:
            return self._frequencies[text]
        if (match := self._per_period.fullmatch(text)) is not None:
            return _ratio(_value(match["count"]), self._periods[match["period"]])
        if (match := self._count_per_day.fullmatch(text)) is not None:
            return _ratio(_value(match["count"]), self._periods.get(match["day"], 1.0))
        if (match := self._every_days.fullmatch(text)) is not None:
            return _ratio(_value(match["count"]), _value(match["days"]))
        if (match := self._every_hours.fullmatch(text)) is not None:
            often = _value(match["count"]) if match["count"] else 1.0
            return _ratio(None if often is None else often * _HOURS, _value(match["hours"]))
        return None

    def route(self, text: str) -> str | None:
        """The route of the knowledge base that a text names; None where it names none."""
        return self._routes.get(re.sub(r"[\s.]+", "", plain(text)))


def written_units(rules: DoseRules) -> dict[str, tuple[str, float]]:
    """Every spelling of a unit, as texts are compared: the unit it is compared in and the factor to it."""
    return {plain(unit): (base, factor) for base, units in rules.units.items() for unit, factor in units.items()}


def _any_of(words: Iterable[str]) -> str:
    spelled = sorted({plain(word) for word in words}, key=lambda word: (-len(word), word))
    return "(?:" + "|".join(map(re.escape, spelled)) + ")"


def _closed(blank: re.Match[str]) -> str:
    return "/" if "/" in blank.group() else ""


def _value(text: str) -> float | None:
    above, _, below = text.partition("/")
    return float(above) / float(below) if below else chinese_number(text)


def _figure(text: str) -> str:
    value = _value(text)
    return text if value is None else f"{value:g}"


def _ratio(count: float | None, days: float | None) -> float | None:
    return count / days if count and days else None
