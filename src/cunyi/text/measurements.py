"""Values that stand in the text: temperatures, blood pressures, named vitals and laboratory results, with spans."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from cunyi.domain.case import DIASTOLIC, SYSTOLIC
from cunyi.text.spoken_values import SpokenValues
from cunyi.text.values import ItemNames, NamedItem, TextValue, chinese_number, either

TEMPERATURE, PULSE = "temperature_c", "pulse_bpm"
_LETTER = re.compile(r"[a-z0-9%]")
_DIGIT = re.compile(r"[0-9]")
_SHORT_NAME_VALUE = re.compile(r"[\s:]*[0-9]")
_HALF = "半"
_OF_URINE_OR_STOOL = ("urine", "stool")
_SENTENCE_END = re.compile(r"[。；;\n]")
# A pressure below this in a pair is no mmHg: 21/13 is kPa.
_LEAST_SYSTOLIC_MMHG = 40


class ValueWords:
    """The words around values, and what finds the values. `words(kind)` gives the cue words of a kind."""

    def __init__(self, words: Callable[[str], list[str]], items: ItemNames) -> None:
        self._items = items
        self._spoken = SpokenValues(words, items)
        no_value = either([*words("time_unit"), *words("not_value")])
        # After the spoken degree the tenth may follow (39度2), but not in 39度2天.
        written, spoken = either(words("degree")), either(words("degree_tenth"))
        self._degrees = re.compile(
            rf"(?<![0-9.])(?:(?:3[4-9]|4[0-3])(?:[.。][0-9])?\s*(?:{written}|{spoken})?\s*[-~至到]\s*)?"
            rf"(?P<whole>3[4-9]|4[0-3])(?P<tenth>[.。][0-9]{{1,2}})?\s*"
            rf"(?:(?:{written})|(?:{spoken})(?P<after>(?:[0-9](?![0-9])|{_HALF})(?!{no_value}))?)"
        )
        self._degrees_spoken = re.compile(
            rf"(?P<whole>三十[四五六七八九]|四十[一二]?)(?:点(?P<point>[一二三四五六七八九]))?(?:{written}|{spoken})"
            rf"(?P<tenth>[一二三四五六七八九{_HALF}](?!{no_value}))?"
        )
        self._degrees_named = re.compile(
            rf"(?<![a-z])(?:{either(words('temperature_before'), closed=True)})[^0-9，。；]{{0,5}}"
            rf"(?P<value>3[5-9](?:\.[0-9]{{1,2}})?|4[0-2](?:\.[0-9]{{1,2}})?)(?![0-9/.])(?!{no_value})"
        )
        # 直腿抬高35° is an angle, 室温约42℃ the room's: neither is a body's temperature.
        before_degrees = either([*words("angle_before"), *words("other_temperature")])
        self._not_body = re.compile(rf"(?:{before_degrees})[^，。；0-9]{{0,6}}\Z")
        units = either(items.units, closed=True)
        # 由80升至190: what it was before stands between the name and what it is.
        before = rf"(?:{either(words('value_from'))})\s*[0-9]+(?:[./][0-9]+)?\s*(?:{units})?\s*(?:{either(words('value_to'))})"
        self._pressure = re.compile(
            rf"(?:(?P<cue>{either(words('pressure_before'))})(?:[^0-9，。；]{{0,3}}{before}\s?|[^0-9，。；]{{0,6}}))?(?<![0-9./])"
            r"(?:[0-9]{2,3}\s*[-~]\s*)?(?P<high>[0-9]{2,3}(?:\.[0-9]+)?)\s*/\s*"
            r"(?:[0-9]{2,3}\s*[-~]\s*)?(?P<low>[0-9]{1,3}(?:\.[0-9]+)?)(?![0-9])"
            rf"\s*/?\s*(?P<unit>{either(items.spellings_of(SYSTOLIC))})?"
        )
        gap = either(words("value_gap"))
        self._value = re.compile(
            rf"(?:{gap}|[\s:(=↑↓]){{0,6}}?(?:{before}(?:{gap}|\s){{0,2}}?)?(?<![0-9])(?P<number>[0-9]+(?:\.[0-9]+)?)(?!\.?[0-9])(?:\s*[-~]\s*[0-9.]+)?\s*"
            rf"(?:(?P<unit>[x*]\s?10[\^e*]?[0-9]{{1,2}}(?:/l)?|{units})|(?!{no_value}))"
        )
        # 脉细弱，42次/分: a word for the pulse, how it is, then the number with its unit.
        beats = items.spellings_of(PULSE)
        not_after = "".join(words("pulse_name_not_after"))
        self._pulse = re.compile(
            rf"{f'(?<![{not_after}])' if not_after else ''}(?:{either(words('pulse_name'))})"
            rf"(?:[^0-9，。；;、]{{0,6}}(?P<number>[0-9]{{2,3}})\s*(?:{either(beats)})"
            rf"|[^0-9，。；;、]{{0,6}}[，、]\s*(?P<number2>[0-9]{{2,3}})\s*(?:{either(unit for unit in beats if '/' in unit)}))"
        )
        over = either(words("specimen_over"))
        self._specimen = re.compile(rf"(?:{either(words('specimen'))})(?!:?(?:{over}))") if words("specimen") else None
        self._blood, self._not_blood = (_pattern(words(kind)) for kind in ("blood", "not_blood"))
        marks = rf"(?:(?P<low>{either(words('mark_low'))})|(?P<high>{either(words('mark_high'))}))"
        self._mark = re.compile(marks)
        self._mark_after = re.compile(rf"[\s/a-zμ%^*×0-9]{{0,12}}[(（]?{marks}")
        ordinal = either(words("ordinal"))
        self._step = re.compile(
            rf"(?:{gap}|[\s:(=]){{0,4}}?(?P<step>\(?[1-4]\+\)?|\(?\+{{1,4}}\)?|\(?±\)?|\(-\)|-(?![0-9])|{ordinal})"
        )

    def find(self, text: str, names: Sequence[tuple[int, int]]) -> list[TextValue]:
        """Every possible value in a normalised text. `names` are the places of item names, outermost only."""
        items = self._items
        found: list[TextValue] = []
        if TEMPERATURE in items.by_id:
            found += self._temperatures(text)
        if SYSTOLIC in items.by_id and DIASTOLIC in items.by_id and "/" in text:
            found += self._pressures(text)
        found += self._spoken.pressures(text, found)
        for start, end in names:
            item = items.names.get(text[start:end])
            if item is not None and _stands_alone(text, start, end):
                value = None if self._is_of_other(text, start, end, item) else self._named(text, start, end, item)
                if value is not None and not any(v.start < value.end and start < v.end for v in found):
                    found.append(value)
        if PULSE in items.by_id:
            found += self._pulses(text, found)
        found += self._spoken.rates(text, found)
        possible = [v for v in found if items.by_id[v.item].allows(v.value)]
        return sorted(possible, key=lambda v: (v.start, v.item))

    def _is_of_other(self, text: str, start: int, end: int, item: NamedItem) -> bool:
        """Whether the sentence is about another fluid's values (脑脊液：蛋白…，葡萄糖…) and not again about blood."""
        if (
            item.scale
            or item.id.startswith(_OF_URINE_OR_STOOL)
            or self._specimen is None
            or (found := self._specimen.search(text)) is None
            or found.start() >= start
        ):
            return False
        *_, sentence = _SENTENCE_END.split(text[:start])
        *before, after = self._specimen.split(sentence)
        if not before or self._specimen.search(text, start, end) is not None:
            return False
        if self._not_blood is not None:
            # 便里有血丝，白细胞3-4
            after = self._not_blood.sub("", after)
        return self._blood is None or self._blood.search(after + text[start:end]) is None

    def mark_of(self, text: str, value: TextValue) -> str | None:
        """What a report says beside a value: "low" (↓, 偏低) or "high" (↑, 高于正常); None for nothing."""
        match = self._mark.search(text, value.start, value.end) or self._mark_after.match(text, value.end)
        return None if match is None else "low" if match["low"] else "high"

    def _named(self, text: str, start: int, end: int, item: NamedItem) -> TextValue | None:
        if item.scale:
            match = self._step.match(text, end)
            step = self._items.ordinal(match["step"], item.scale) if match else None
            return None if match is None or step is None else TextValue(item.id, step, start, match.end())
        match = self._value.match(text, end)
        if match is None:
            return self._spoken.named(text, start, end, item)
        value = self._items.converted(item, float(match["number"]), match["unit"])
        return None if value is None else TextValue(item.id, value, start, match.end())

    def _temperatures(self, text: str) -> list[TextValue]:
        found: list[TextValue] = []
        for match in self._degrees_spoken.finditer(text):
            if self._not_body.search(text, 0, match.start()):
                continue
            tenth = match["point"] or match["tenth"]
            found.append(_temperature(chinese_number(match["whole"]) or 0.0, tenth, match.start(), match.end()))
        if _DIGIT.search(text) is None:
            return found
        for match in self._degrees.finditer(text):
            if self._not_body.search(text, 0, match.start()):
                continue
            tenth = match["tenth"].replace("。", ".") if match["tenth"] else match["after"]
            found.append(_temperature(float(match["whole"]), tenth, match.start(), match.end()))
        for match in self._degrees_named.finditer(text):
            start, end = match.span("value")
            if not any(v.start <= start < v.end for v in found):
                found.append(TextValue(TEMPERATURE, float(match["value"]), start, end))
        return found

    def _pressures(self, text: str) -> list[TextValue]:
        found: list[TextValue] = []
        systolic, diastolic = self._items.by_id[SYSTOLIC], self._items.by_id[DIASTOLIC]
        for match in self._pressure.finditer(text):
            unit = match["unit"]
            if unit is None and match["cue"] is None:
                continue
            if float(match["high"]) < _LEAST_SYSTOLIC_MMHG:
                unit = "kPa"
            high = self._items.converted(systolic, float(match["high"]), unit)
            low = self._items.converted(diastolic, float(match["low"]), unit)
            if high is not None and low is not None and low < high:
                found.append(TextValue(SYSTOLIC, float(round(high)), *match.span("high")))
                found.append(TextValue(DIASTOLIC, float(round(low)), *match.span("low")))
        return found

    def _pulses(self, text: str, known: list[TextValue]) -> list[TextValue]:
        found = []
        for match in self._pulse.finditer(text):
            group = "number" if match["number"] else "number2"
            start, end = match.span(group)
            if not any(v.start < end and start < v.end for v in known):
                found.append(TextValue(PULSE, float(match[group]), start, end))
        return found


def _temperature(whole: float, tenth: str | None, start: int, end: int) -> TextValue:
    if not tenth:
        part = 0.0
    elif tenth.startswith("."):
        part = float(tenth)
    else:
        part = 0.5 if tenth == _HALF else (chinese_number(tenth[0]) or 0.0) / 10
    return TextValue(TEMPERATURE, round(whole + part, 2), start, end)


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile(either(words)) if words else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """A name in letters is no part of a longer word (T in WBCT), a name in Chinese may stand anywhere."""
    if not _LETTER.match(text[start]):
        return True
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if _LETTER.match(before) or ("a" <= after <= "z"):
        return False
    return end - start > 1 or bool(_SHORT_NAME_VALUE.match(text, end))
