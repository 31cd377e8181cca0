"""Characters that the printing font lacks: shown as 〓 with a footnote, so that none of them vanishes on paper."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

INSTEAD = "〓"
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


@cache
def printable() -> frozenset[int]:
    """The code points that the printing font has."""
    # Only when something is printed: the first page need not wait for fonts and dictionaries.
    from fontTools.ttLib import TTFont
    from pylopdf_fonts_zh_cn import sans_path

    with TTFont(sans_path(), lazy=True) as font:
        return frozenset(font.getBestCmap())


class Glyphs:
    """The texts of one document made printable (生僻字处理). `notes` names each character that could not be shown, in order."""

    def __init__(self) -> None:
        self._missing: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """A footnote for each character that the font lacks: `〓 = U+20BB7 (jí)`."""
        return [f"{INSTEAD} = U+{ord(each):04X}{read}" for each, read in self._missing.items()]

    def all_of(self, value: Any) -> Any:
        """Every text within lists and mappings made printable; other values as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.all_of(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.all_of(each) for each in value]
        return value

    def text(self, text: str) -> str:
        """A text of which every character can be printed."""
        composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
        return "".join(self._character(each) for each in composed)

    def _character(self, character: str) -> str:
        if character == "\n" or ord(character) in printable():
            return character
        category = unicodedata.category(character)
        if category in ("Cc", "Zs", "Zl", "Zp"):
            return " "
        # These only choose between shapes of the character before; alone they are nothing to see.
        if category == "Cf" or any(ord(character) in selectors for selectors in _SELECTORS):
            return ""
        if character not in self._missing:
            self._missing[character] = _reading(character)
        return INSTEAD


def _reading(character: str) -> str:
    from pypinyin import Style, pinyin

    found = pinyin(character, style=Style.TONE, errors="ignore")
    return f" ({found[0][0]})" if found else ""
