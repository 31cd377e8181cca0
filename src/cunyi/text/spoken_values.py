"""Values as people say them: a systolic pressure alone, above and below, breaths counted for a minute, numbers in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from cunyi.domain.case import DIASTOLIC, SYSTOLIC
from cunyi.text.values import SPOKEN, ItemNames, NamedItem, TextValue, either, spoken_number

_BREATHS, _PULSE = "respiratory_rate_bpm", "pulse_bpm"
_FIGURES = r"[0-9]{2,3}(?![0-9.])"
_NUMBER = rf"(?:{_FIGURES}|{SPOKEN})"
_ABOUT = "[多几来余]?"
# A pressure below this without a unit is no mmHg, or no pressure.
_LEAST_SYSTOLIC_MMHG = 40


class SpokenValues:
    """Finds what no written form finds. `words(kind)` gives the cue words of a kind."""

    def __init__(self, words: Callable[[str], list[str]], items: ItemNames) -> None:
        self._items = items
        cue, gap = either(words("pressure_before")), either(words("value_gap"))
        not_then = either([*words("time_unit"), *words("not_value")])
        # 呼吸十分急促 has no ten in it.
        no_value = rf"(?!\s*(?:[/0-9%]|[十百分]|[-~至到]\s*[0-9])|{_ABOUT}\s*(?:{not_then}))"
        pressure = either(items.spellings_of(SYSTOLIC))
        self._systolic = re.compile(
            rf"(?:{cue})(?:{gap}|[\s:]){{0,4}}?(?<![0-9./])(?P<high>{_NUMBER}){no_value}{_ABOUT}\s*(?P<unit>{pressure})?"
        )
        self._changes = tuple(words("pressure_change"))
        upper, lower = either(words("pressure_upper")), either(words("pressure_lower"))
        between = rf"(?:{gap}|[\s:]){{0,3}}?"
        self._above_below = re.compile(
            rf"(?:{cue})[^0-9，。；;\n]{{0,6}}?(?:{upper}){between}(?P<high>{_NUMBER}){_ABOUT}\s*(?:{pressure})?"
            rf"[，、\s]{{0,2}}(?:{lower}){between}(?P<low>{_NUMBER})"
        )
        units = either(items.units, closed=True)
        self._named = re.compile(
            rf"(?:{gap}|[\s:]){{0,4}}?(?P<number>{SPOKEN})(?:{_ABOUT}\s*(?P<unit>{units})|{no_value})"
        )
        breath, beat = either(words("rate_breath")), either([*words("rate_beat"), *words("pulse_name")])
        self._whose = re.compile(rf"(?P<breath>{breath})|(?P<beat>{beat})|(?P<other>{either(words('rate_other'))})")
        # Without a word for the times it takes the verb: 数了一分钟三十五.
        self._counted = re.compile(
            rf"(?P<verb>{either(words('rate_counted'))})?(?:{either(words('rate_minute'))})"
            rf"[^0-9，。；;\n]{{0,6}}?(?P<number>{_NUMBER}){_ABOUT}(?P<times>{either(words('rate_times'))})?(?![0-9十百分])"
        )
        self._sentence = re.compile(r"[。；;\n]")

    def pressures(self, text: str, known: Sequence[TextValue]) -> list[TextValue]:
        """Pressures told as above and below, or as the systolic one alone; those in `known` are not told again."""
        if SYSTOLIC not in self._items.by_id or DIASTOLIC not in self._items.by_id:
            return []
        found: list[TextValue] = []
        for match in self._above_below.finditer(text):
            high, low = spoken_number(match["high"]), spoken_number(match["low"])
            if high is not None and low is not None and low < high and _is_free(match.span("high"), known):
                found.append(TextValue(SYSTOLIC, high, *match.span("high")))
                found.append(TextValue(DIASTOLIC, low, *match.span("low")))
        for match in self._systolic.finditer(text):
            value = spoken_number(match["high"])
            if match["unit"] and value is not None:
                value = self._items.converted(self._items.by_id[SYSTOLIC], value, match["unit"])
            if text.endswith(self._changes, 0, match.start("high")):
                # 下降50 says by how much.
                continue
            if value is not None and value >= _LEAST_SYSTOLIC_MMHG and _is_free(match.span("high"), [*known, *found]):
                found.append(TextValue(SYSTOLIC, float(round(value)), *match.span("high")))
        return found

    def named(self, text: str, start: int, end: int, item: NamedItem) -> TextValue | None:
        """The value in words behind the name of an item."""
        match = self._named.match(text, end) if end - start > 1 else None
        number = None if match is None else spoken_number(match["number"])
        if match is None or number is None:
            return None
        value = self._items.converted(item, number, match["unit"])
        return None if value is None else TextValue(item.id, value, start, match.end())

    def rates(self, text: str, known: Sequence[TextValue]) -> list[TextValue]:
        """What was counted for a minute: breaths or beats, by the nearest word for either before the number."""
        found = []
        for match in self._counted.finditer(text):
            begun = max((end.end() for end in self._sentence.finditer(text, 0, match.start())), default=0)
            *_, last = [None, *self._whose.finditer(text, begun, match.start("number"))]
            item = None if last is None else {"breath": _BREATHS, "beat": _PULSE}.get(last.lastgroup or "")
            value = spoken_number(match["number"])
            if item is None or value is None or item not in self._items.by_id:
                continue
            if (match["verb"] or match["times"]) and _is_free(match.span("number"), known):
                found.append(TextValue(item, value, *match.span("number")))
        return found


def _is_free(span: tuple[int, int], known: Sequence[TextValue]) -> bool:
    return not any(value.start < span[1] and span[0] < value.end for value in known)
