"""Search keys of names: by characters, by pinyin and by initials, from the beginning of any part of the name.

A key is looked up by prefix (`key >= text and key < next`), so every suffix of a name is a key of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple

from cunyi.domain.names import is_chinese

KeyKind = Literal["name", "pinyin", "initials"]
Readings = tuple[str, ...]

MOST_VARIANTS = 8
_MOST_REMEMBERED = 16_384

# Readings as a surname, the usual one first, where the commonest reading of the character is another.
_SURNAMES = {
    "曾": "zeng", "单": "shan", "單": "shan", "区": "ou", "區": "ou", "仇": "qiu", "解": "xie", "查": "zha", "査": "zha",
    "盖": "ge gai", "乐": "yue le", "樂": "yue le", "员": "yun", "員": "yun", "翟": "zhai di", "覃": "qin tan",
    "缪": "miao", "繆": "miao", "朴": "piao", "冼": "xian", "洗": "xian", "种": "chong", "折": "she zhe", "繁": "po",
    "召": "shao", "卜": "bu", "祭": "zhai", "尉": "wei yu", "句": "gou", "么": "yao", "郇": "xun huan", "佴": "nai",
    "牟": "mu mou", "都": "du", "薄": "bo bao", "阚": "kan", "隗": "wei kui", "黑": "he hei", "秘": "bi mi", "能": "nai",
    "谌": "chen shen", "莘": "shen xin", "郗": "xi chi", "郄": "qie xi", "乜": "nie mie", "炅": "gui", "宓": "mi fu",
    "粘": "nian", "柏": "bai bo", "那": "na nuo", "宁": "ning", "任": "ren", "纪": "ji", "华": "hua", "葛": "ge",
}  # fmt: skip
_COMPOUND_SURNAMES = {
    "尉迟": "yu chi", "万俟": "mo qi", "萬俟": "mo qi", "长孙": "zhang sun", "長孫": "zhang sun", "澹台": "tan tai",
    "单于": "chan yu", "令狐": "ling hu", "子车": "zi ju", "乐正": "yue zheng", "拓跋": "tuo ba",
}  # fmt: skip
# Characters of given names that families read in more than one way, or not in the commonest way.
_GIVEN = {
    "长": "chang zhang", "乐": "le yue", "行": "xing hang", "朝": "chao zhao", "重": "zhong chong", "传": "chuan zhuan",
    "曾": "zeng ceng", "盛": "sheng cheng", "茜": "qian xi", "娜": "na nuo", "莎": "sha suo", "晟": "sheng cheng",
    "柏": "bai bo", "莘": "xin shen", "筠": "yun jun", "参": "shen can", "降": "jiang xiang", "单": "dan shan",
    "还": "huan hai", "仔": "zai zi", "茄": "qie jia", "伽": "jia qie", "卡": "ka qia", "都": "du dou", "什": "shi shen",
    "得": "de dei", "合": "he ge", "露": "lu lou", "澄": "cheng deng", "隽": "jun juan", "蔓": "man wan", "藏": "zang cang",
    "和": "he huo", "调": "tiao diao", "车": "che ju", "炅": "jiong gui", "强": "qiang jiang", "宿": "su xiu",
}  # fmt: skip

_UNITS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")


class SearchKey(NamedTuple):
    """One key under which a person is found: its kind and its text. It compares equal to the plain pair."""

    kind: KeyKind
    key: str


def name_keys(name: str) -> tuple[SearchKey, ...]:
    """The keys of a cleaned name, each once: the name and its suffixes as written, in pinyin and in initials.

    A suffix begins at every Chinese character and at every word in Latin letters. Keys hold no blanks, dots or tones and
    are lower case; ü is written both v and u. Where a surname or a character is read in several ways, each way is a key,
    at most `MOST_VARIANTS` for one suffix. A character without a known reading is found by its form alone.
    """
    units = _units(name)
    readings = _readings(units, dotted="·" in name)
    keys: dict[SearchKey, None] = {}
    for start in range(len(units)):
        keys[SearchKey("name", "".join(units[start:]).replace("'", ""))] = None
        for syllables in _variants([r for r in readings[start:] if r]):
            keys[SearchKey("pinyin", "".join(syllables))] = None
            keys[SearchKey("initials", "".join([s[0] for s in syllables]))] = None
    return tuple(keys)


def query_keys(text: str) -> tuple[SearchKey, ...]:
    """How typed text is looked up: Chinese by form, letters both as initials and as pinyin; empty for no name at all.

    Text with digits (a telephone or document number) is not a name.
    """
    straight = unicodedata.normalize("NFKC", text)
    if any(c.isdigit() for c in straight):
        return ()
    units = _units(straight)
    if any(is_chinese(unit) for unit in units):
        return (SearchKey("name", "".join(units).replace("'", "")),)
    letters = "".join(_letters(unit, umlaut="v") for unit in units)
    return (SearchKey("initials", letters), SearchKey("pinyin", letters)) if letters else ()


def sort_key(name: str) -> str:
    """The pinyin of a cleaned name, one blank between syllables, for lists; compare it by code point (collation C).

    A character without a known reading stands for itself and so comes after all that have one.
    """
    units = _units(name)
    readings = _readings(units, dotted="·" in name)
    return " ".join(ways[0] if ways else unit for unit, ways in zip(units, readings, strict=True))


def _units(name: str) -> list[str]:
    """A name cut where a search may begin: Chinese characters one by one, words in Latin letters in lower case."""
    units: list[str] = []
    for run in _UNITS.findall(name):
        word = ""
        for character in run:
            if is_chinese(character):
                units += [word, character] if word else [character]
                word = ""
            else:
                word += character.lower()
        if word:
            units.append(word)
    return units


def _readings(units: Sequence[str], *, dotted: bool) -> list[Readings]:
    """The readings of each unit, the likeliest first; none for a character that the dictionary does not know.

    The first character is read as a surname and, after that, as any other: Tibetan and Mongolian names have no surname.
    """
    readings = [_given_readings(unit) for unit in units]
    if not units:
        return readings
    compound = _COMPOUND_SURNAMES.get("".join(units[:2])) if len(units) > 2 else None
    surname = tuple(_SURNAMES.get(units[0], "").split()) or _dictionary_reading(units[0])
    readings[0] = _once(readings[0] + surname if dotted else surname + readings[0])
    if compound is not None:
        for position, syllable in enumerate(compound.split()):
            readings[position] = _once((syllable, *readings[position]))
    return readings


@lru_cache(maxsize=_MOST_REMEMBERED)
def _given_readings(unit: str) -> Readings:
    """The readings of a unit inside a name."""
    if not is_chinese(unit):
        return _once((_letters(unit, umlaut="v"), _letters(unit, umlaut="u")))
    usual = tuple(_GIVEN.get(unit, "").split()) or _dictionary_reading(unit)
    return _once(way for reading in usual for way in (reading, reading.replace("v", "u")))


@lru_cache(maxsize=_MOST_REMEMBERED)
def _dictionary_reading(unit: str) -> Readings:
    """The commonest reading of a character; none if there is none."""
    if not is_chinese(unit):
        return ()
    # Only here: its dictionaries take a third of a second, which the first page need not wait for.
    from pypinyin import Style, pinyin

    found = pinyin(unit, style=Style.NORMAL, errors="ignore")
    return (found[0][0],) if found else ()


def _once(readings: Iterable[str]) -> Readings:
    return tuple(dict.fromkeys(reading for reading in readings if reading))


def _letters(word: str, *, umlaut: str) -> str:
    """The plain letters of a word: no tones and accents, no apostrophes, ü in one of its two typed forms."""
    decomposed = unicodedata.normalize("NFD", word.lower()).replace("u\u0308", umlaut)
    return "".join(c for c in decomposed if c.isalpha())


def _variants(readings: Sequence[Readings]) -> Iterator[tuple[str, ...]]:
    """The syllables of a suffix in its readings: all of them, or for a long name those that differ in one syllable."""
    if not readings:
        return
    count = 1
    for ways in readings:
        count *= len(ways)
    if count <= MOST_VARIANTS:
        yield from product(*readings)
        return
    likeliest = tuple(ways[0] for ways in readings)
    yield likeliest
    left = MOST_VARIANTS - 1
    for position, ways in enumerate(readings):
        for way in ways[1 : 1 + left]:
            yield (*likeliest[:position], way, *likeliest[position + 1 :])
            left -= 1
