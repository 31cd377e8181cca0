"""Names of people (姓名) as they are kept: one written form, with every rare character that a card carries."""

from __future__ import annotations

import re
import unicodedata

from cunyi.domain.errors import UserError

FIELD = "name"
MOST_CHARACTERS = 50

# Unified ideographs and extensions A to I, 〇, compatibility ideographs, and the private use areas of identity cards.
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_HAN = f"〇㐀-䶿一-鿿\uf900-\ufaff\U00020000-\U000323af{_PRIVATE}"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_PRIVATE_USE = re.compile(f"[{_PRIVATE}]")
_CHINESE = re.compile(f"[{_HAN}]")
_WIDE_LATIN = {code: code - 0xFEE0 for code in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), 0xFF07, 0xFF0D)}
_WIDE_LATIN[0x2019] = ord("'")
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")
_DOTS = re.compile(f"(?<=[{_HAN}]) ?[•‧・･·.．⋅∙] ?(?=[{_HAN}])")
_SPACE_IN_CHINESE = re.compile(f"(?<=[{_HAN}]) (?=[{_HAN}])")
_NAME = re.compile(f"[{_HAN}{_LATIN}](?:[{_HAN}{_LATIN}]|[·'.\\- ](?![·'\\-]))*")


def is_chinese(character: str) -> bool:
    """Whether a character stands for a syllable of a Chinese name: any ideograph, or a private-use one from a card."""
    return _CHINESE.fullmatch(character) is not None


def has_private_use(name: str) -> bool:
    """Whether a name holds characters (生僻字) that only the card's own font shows: kept, and flagged to the reader."""
    return _PRIVATE_USE.search(name) is not None


def clean_name(text: str) -> str:
    """A name in the form in which it is stored: NFC, no outer blanks, one kind of middle dot (·), single spaces.

    A blank between two Chinese characters is layout (张　三) and goes. At most 50 characters; UserError (field `name`)
    for an empty name, digits, control characters and signs that belong to no name.
    """
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", text).translate(_WIDE_LATIN)).strip()
    name = _SPACE_IN_CHINESE.sub("", _DOTS.sub("·", name))
    if not name:
        raise UserError("请输入姓名", field=FIELD)
    if len(name) > MOST_CHARACTERS:
        raise UserError(
            "姓名最多 {most} 个字，现在是 {length} 个；请核对后再输入",
            field=FIELD,
            most=MOST_CHARACTERS,
            length=len(name),
        )
    for character in name:
        _expect_usable(character)
    if not _NAME.fullmatch(name) or name[-1] in "·'-":
        raise UserError("姓名里的间隔号要写在两个字之间，如“买买提·吐尔逊”；请核对后再输入", field=FIELD)
    return name


def _expect_usable(character: str) -> None:
    """Refuses a character that no name holds, telling digits, invisible characters and signs apart."""
    if _NAME.fullmatch(character) or character in "·'.- ":
        return
    category = unicodedata.category(character)
    if category.startswith("N"):
        raise UserError("姓名里有数字；请只输入姓名，号码填在别的栏里", field=FIELD)
    if category in {"Cc", "Cf", "Zl", "Zp", "Cs", "Cn"}:
        raise UserError("姓名里有看不见的字符，多半是粘贴带进来的；请清空这一栏，再用键盘输入", field=FIELD)
    raise UserError("姓名里不能有“{character}”；请只输入汉字、字母和间隔号", field=FIELD, character=character)
