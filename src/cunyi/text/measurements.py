"""Values that stand in the text: temperatures, blood pressures, named vitals and laboratory results, with spans."""

from __future__ import annotations

import re
from typing import NamedTuple

from cunyi.text.values import ItemNames, NamedItem, chinese_number, normal_unit, read_ordinal

_TEMPERATURE = re.compile(
    r"(?<![0-9.])(?:(?P<low>3[4-9]|4[0-3])(?P<lowtenth>\.[0-9])?\s*(?:℃|度|°c?)?\s*[-~至到]\s*)?"
    r"(?P<number>3[4-9]|4[0-3])(?P<tenth>\.[0-9]{1,2})?\s*(?:(?P<unit>℃|°c|°|摄氏度|c(?![a-z]))|度(?P<after>[0-9半]?)(?![0-9]))"
)
_TEMPERATURE_SPOKEN = re.compile(r"(?P<number>三十[四五六七八九]|四十[一二]?)度(?P<tenth>[一二三四五六七八九半]?)")
_TEMPERATURE_NAMED = re.compile(
    r"(?:体温|烧到|烧至|高达|最高|发烧|高烧|发热|t)[^0-9，。；]{0,5}(?P<number>3[5-9]|4[0-2])(?P<tenth>\.[0-9]{1,2})?(?![0-9/])"
)
_PRESSURE = re.compile(
    r"(?P<cue>bp|血压|高压)?[^0-9，。；]{0,6}(?<![0-9./])(?P<high>[0-9]{1,3}(?:\.[0-9]+)?)\s*/\s*(?P<low>[0-9]{1,3}(?:\.[0-9]+)?)\s*/?\s*"
    r"(?P<unit>mmhg|毫米汞柱|kpa|千帕)?"
)
_HIGH_LOW = re.compile(r"高压[^0-9，。；]{0,3}(?P<high>[0-9]{2,3})[^0-9。；]{0,5}低压[^0-9，。；]{0,3}(?P<low>[0-9]{2,3})")
_WEIGHT = re.compile(r"(?:体重|重)[^0-9，。；]{0,3}(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>kg|公斤|千克|斤)")
_VALUE = re.compile(
    r"(?P<gap>[\s:：为是约达到在(=测得升降高低至↑↓了]{0,8}?)(?P<number>[0-9]+(?:\.[0-9]+)?)(?:\s*[-~]\s*[0-9.]+)?\s*"
    r"(?P<unit>[x*]?\s?10\^?[0-9]{1,2}(?:个)?/?l?|%|﹪|[a-zμ]+/[a-z0-9.]+(?:/[a-z]+)?|mmhg|kpa|kg|cm|fl|pg|次/分钟?|次/min|秒|℃)?"
)
_ORDINAL_VALUE = re.compile(
    r"(?P<gap>[\s:：为是约呈(=]{0,4}?)(?P<text>\(?[1-4]\+\)?|\(?\+{1,4}\)?|\(?±\)?|\(-\)|-(?![0-9])|弱阳性?|阳性?|阴性?)"
)
_KPA_TO_MMHG = 7.50062
_JIN_TO_KG = 0.5
_LETTER = re.compile(r"[a-z0-9%]")


class TextValue(NamedTuple):
    """A value with its item and where it stands in the normalised text."""

    item: str
    value: float | str
    start: int
    end: int


def find_values(text: str, names: list[tuple[int, int]], items: ItemNames) -> list[TextValue]:
    """Every value in a normalised text. `names` are the places of item names, longest first where they overlap."""
    found = [*_temperatures(text, items), *_pressures(text, items), *_weights(text, items)]
    taken = [(v.start, v.end) for v in found]
    for start, end in names:
        item = items.names[text[start:end]]
        if not _stands_alone(text, start, end):
            continue
        value = _named_value(text, end, item)
        if value is not None and not any(a < value.end and value.start < b and b - a > 1 for a, b in taken):
            found.append(TextValue(item.id, value.value, start, value.end))
    return sorted(found, key=lambda v: (v.start, v.item))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """A name in letters is no part of a longer word (T in WBCT), a name in Chinese may stand anywhere."""
    if not _LETTER.match(text[start]):
        return True
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if re.match(r"[a-z0-9]", before) or re.match(r"[a-z]", after):
        return False
    return end - start > 1 or bool(re.match(r"[\s:：]*[0-9]", text[end : end + 4]))


def _named_value(text: str, end: int, item: NamedItem) -> TextValue | None:
    if item.scale:
        match = _ORDINAL_VALUE.match(text, end)
        step = read_ordinal(match["text"], item.scale) if match else None
        return None if match is None or step is None else TextValue(item.id, step, end, match.end())
    match = _VALUE.match(text, end)
    if match is None:
        return None
    number = float(match["number"])
    unit = (match["unit"] or "").replace(" ", "")
    if unit and item.unit:
        given, own = normal_unit(unit), normal_unit(item.unit)
        if given in item.units:
            number = round(number * item.units[given], 4)
        elif given != own and given in ("mmol/l", "μmol/l", "mg/dl", "g/l", "g/dl", "mg/l", "%") and "10^" in own:
            return None
        elif given == "%" and own != "%":
            return None
    return TextValue(item.id, number, end, match.end())


def _temperatures(text: str, items: ItemNames) -> list[TextValue]:
    if "temperature_c" not in items.by_id:
        return []
    found: list[TextValue] = []
    for match in _TEMPERATURE.finditer(text):
        tenth = float(match["tenth"] or 0)
        if match["after"]:
            tenth = 0.5 if match["after"] == "半" else int(match["after"]) / 10
        found.append(TextValue("temperature_c", round(int(match["number"]) + tenth, 2), match.start(), match.end()))
    for match in _TEMPERATURE_SPOKEN.finditer(text):
        tenth_word = match["tenth"]
        tenth = 0.5 if tenth_word == "半" else (chinese_number(tenth_word) or 0) / 10 if tenth_word else 0.0
        whole = chinese_number(match["number"]) or 0
        found.append(TextValue("temperature_c", round(whole + tenth, 2), match.start(), match.end()))
    for match in _TEMPERATURE_NAMED.finditer(text):
        start = match.start("number")
        if not any(v.start <= start < v.end for v in found) and not text[match.end() : match.end() + 1] in ("天", "次", "岁", "周"):
            found.append(TextValue("temperature_c", float(match["number"] + (match["tenth"] or "")), start, match.end()))
    return found


def _pressures(text: str, items: ItemNames) -> list[TextValue]:
    if "systolic_mmhg" not in items.by_id:
        return []
    found: list[TextValue] = []
    for pattern in (_PRESSURE, _HIGH_LOW):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            high, low = float(match["high"]), float(match["low"])
            unit = groups.get("unit") or ""
            if unit in ("kpa", "千帕") or (groups.get("cue") and high < 40):
                high, low = round(high * _KPA_TO_MMHG), round(low * _KPA_TO_MMHG)
            elif pattern is _PRESSURE and not unit and not groups.get("cue"):
                continue
            if not (40 <= high <= 300 and 20 <= low < high):
                continue
            found.append(TextValue("systolic_mmhg", high, match.start("high"), match.end("high")))
            found.append(TextValue("diastolic_mmhg", low, match.start("low"), match.end("low")))
    return found


def _weights(text: str, items: ItemNames) -> list[TextValue]:
    if "weight_kg" not in items.by_id:
        return []
    return [
        TextValue(
            "weight_kg", float(m["number"]) * (_JIN_TO_KG if m["unit"] == "斤" else 1.0), m.start("number"), m.end()
        )
        for m in _WEIGHT.finditer(text)
    ]
