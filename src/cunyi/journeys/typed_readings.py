"""Vital signs as people type them: a number alone or with its unit, a pressure as a pair, the word of a meter."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping

import msgspec

from cunyi.domain.case import DIASTOLIC, SYSTOLIC, VITAL_FIELDS, is_swapped
from cunyi.domain.errors import UserError
from cunyi.knowledge.model import Item
from cunyi.reasoning.measuring import is_possible, possible_range
from cunyi.reasoning.prepared import Knowledge

# What an item is allowed where the knowledge base does not have it.
_MOST = 1000.0
_WITH_UNIT = re.compile(r"(?P<number>\d+(?:[.。]\d+)?)\s*(?P<unit>[^\d\s.].*)")
_PAIR = re.compile(r"(?P<high>\d+(?:\.\d+)?)\s*/\s*(?P<low>\d+(?:\.\d+)?)\s*(?P<unit>[^\d\s.].*)?")


class TypedReadings(msgspec.Struct, frozen=True):
    """The boxes of vital signs as they were read (手填的读数).

    `beyond` holds the word of a meter for a value outside its range; what is judged then is the end of the range, in
    `values`. `trouble` says of a box why it is not used; two boxes of one pair share it.
    """

    values: dict[str, float] = {}
    beyond: dict[str, str] = {}
    trouble: dict[str, UserError] = {}


def plain_number(words: str) -> float | None:
    """The number that some words are, in any width; None where they are none."""
    try:
        value = float(_plain(words).replace("。", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_typed(typed: Mapping[str, str], knowledge: Knowledge) -> TypedReadings:
    """The vital signs among the fields of a form; what cannot be used is told and never guessed."""
    words = {field: typed[field].strip() for field in VITAL_FIELDS if typed.get(field, "").strip()}
    found = TypedReadings()
    if (pair := _PAIR.fullmatch(_plain(words.get(SYSTOLIC, "")))) is not None:
        unit = pair["unit"] or ""
        low = f"{pair['low']}{unit}"
        if DIASTOLIC in words and _number(words[DIASTOLIC], DIASTOLIC, knowledge) != _number(low, DIASTOLIC, knowledge):
            found.trouble[SYSTOLIC] = UserError(
                "收缩压一栏写了 {words}，舒张压一栏又写了 {other}；请只留一个舒张压",
                field=SYSTOLIC,
                words=words[SYSTOLIC],
                other=words[DIASTOLIC],
            )
            found.trouble[DIASTOLIC] = found.trouble[SYSTOLIC]
        else:
            words |= {SYSTOLIC: f"{pair['high']}{unit}", DIASTOLIC: low}
    for field, given in words.items():
        if field not in found.trouble:
            _take(found, field, given, knowledge)
    if is_swapped(found.values):
        swapped = UserError("收缩压应高于舒张压，是不是填反了？请改正，或清空不记", field=SYSTOLIC)
        for field in (SYSTOLIC, DIASTOLIC):
            del found.values[field]
            found.trouble[field] = swapped
    return found


def stands_for(item: str, words: str, knowledge: Knowledge) -> float | None:
    """What is judged where a meter shows a word for an item: the end of its range that the value is beyond."""
    known = knowledge.content.items.get(item)
    if known is None or known.meter is None:
        return None
    plain = _plain(words).casefold()
    if plain in knowledge.language.beyond_high:
        return known.meter.upper
    return known.meter.lower if plain in knowledge.language.beyond_low else None


def _take(found: TypedReadings, field: str, words: str, knowledge: Knowledge) -> None:
    item = knowledge.content.items.get(field)
    end = stands_for(field, words, knowledge)
    value = _number(words, field, knowledge) if end is None else end
    if value is None or not (0 <= value <= _MOST if item is None else is_possible(item, value)):
        found.trouble[field] = _trouble(field, words, item, is_number=value is not None)
    else:
        found.values[field] = value
        if end is not None:
            found.beyond[field] = words


def _number(words: str, field: str, knowledge: Knowledge) -> float | None:
    """A number in the item's own unit; a unit that is none of the item's makes it none."""
    value = plain_number(words)
    if value is not None:
        return value
    match = _WITH_UNIT.fullmatch(_plain(words))
    items = knowledge.language.items
    named = items.by_id.get(field)
    if match is None or named is None:
        return None
    unit = items.unit(match["unit"])
    number = float(match["number"].replace("。", "."))
    if unit != items.unit(named.unit or "") and unit not in named.units:
        return None
    return items.converted(named, number, unit)


def _trouble(field: str, words: str, item: Item | None, *, is_number: bool) -> UserError:
    if item is None:
        return UserError("这一栏填的不是可能的数值；请改正，或清空不记", field=field)
    said = {"item": item.name, "item_en": item.name_en, "words": words}
    if is_number:
        spans = {"range": possible_range(item), "range_en": possible_range(item, english=True)}
        return UserError("{item} {words} 不可能（应{range}）；请改正，或清空不记", field=field, **said, **spans)
    return UserError(
        "{item}“{words}”读不懂：请写数字（单位 {unit}），或清空不记", field=field, **said, unit=item.unit or ""
    )


def _plain(words: str) -> str:
    return unicodedata.normalize("NFKC", words).strip()
