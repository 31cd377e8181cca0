"""The text of an identity card: 256 bytes of UTF-16LE in four layouts, told apart by two bytes at their end."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.ethnic_groups import ethnic_group
from cunyi.domain.identity import IdentifierKind, canonical
from cunyi.domain.measurement import IdentityCard

TEXT_BYTES = 256
LATEST_ADDRESS_BYTES = 70
_TYPE_AT = 248
_FOR_EVER = "长期"
_SEX = {"1": Sex.MALE, "2": Sex.FEMALE}
_DATE = re.compile(r"[0-9]{8}")


def read_card_text(text: bytes) -> IdentityCard | None:
    """The card of a text; None for a layout that is not known, or without number or name. Nothing is guessed.

    A period of validity whose end cannot be read is not told at all: `valid_until` None alone would mean 长期.
    """
    if len(text) != TEXT_BYTES:
        return None
    read = _LAYOUTS.get(text[_TYPE_AT : _TYPE_AT + 2].decode("utf-16-le", errors="replace"))
    card = read(_Fields(text)) if read else None
    return card if card is not None and card.number and card.name else None


def read_latest_address(data: bytes) -> str:
    """The address that was written to the card later (追加住址), empty where there is none."""
    return _clean(data[:LATEST_ADDRESS_BYTES])


class _Fields:
    """The fields of a card by the offset and length of their bytes (卡内字段)."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def words(self, *places: tuple[int, int]) -> str:
        """The words of a field; of several places where one continues the other."""
        return _clean(b"".join(self._text[at : at + length] for at, length in places))

    def day(self, at: int) -> date | None:
        """A date of eight digits, None for what is none."""
        words = self.words((at, 16))
        if not words.isascii() or not _DATE.fullmatch(words):
            return None
        try:
            return date(int(words[:4]), int(words[4:6]), int(words[6:]))
        except ValueError:
            return None

    def number(self, at: int, length: int) -> str:
        """A document number as it is kept."""
        return canonical(self.words((at, length)))

    def sex(self, at: int) -> Sex | None:
        """The sex; None for 9 and every other sign."""
        return _SEX.get(self.words((at, 2)))

    def period(self) -> tuple[date | None, date | None]:
        """From when to when the card is valid, the same place in every layout."""
        begins, ends = self.day(188), self.day(204)
        if ends is None and self.words((204, 16)) != _FOR_EVER:
            return None, None
        return begins, ends


def _resident(fields: _Fields) -> IdentityCard:
    valid_from, valid_until = fields.period()
    return IdentityCard(
        kind=IdentifierKind.RESIDENT_ID,
        number=fields.number(122, 36),
        name=fields.words((0, 30)),
        sex=fields.sex(30),
        birth_on=fields.day(36),
        ethnic_group=ethnic_group(fields.words((32, 4))),
        address=fields.words((52, 70)),
        issuer=fields.words((158, 30)),
        valid_from=valid_from,
        valid_until=valid_until,
    )


def _residence_permit(fields: _Fields) -> IdentityCard:
    return msgspec.structs.replace(
        _resident(fields),
        kind=IdentifierKind.HKMT_RESIDENCE,
        permit_number=fields.number(220, 18),
    )


def _foreign_of_2017(fields: _Fields) -> IdentityCard:
    valid_from, valid_until = fields.period()
    name_en = fields.words((0, 120))
    return IdentityCard(
        kind=IdentifierKind.FOREIGN_PERMANENT,
        number=fields.number(122, 30),
        name=fields.words((158, 30)) or name_en,
        name_en=name_en,
        sex=fields.sex(120),
        birth_on=fields.day(220),
        nationality=fields.words((152, 6)),
        issuer=fields.words((240, 8)),
        valid_from=valid_from,
        valid_until=valid_until,
    )


def _foreign_of_2023(fields: _Fields) -> IdentityCard:
    valid_from, valid_until = fields.period()
    name_en = fields.words((52, 70), (220, 22))
    return IdentityCard(
        kind=IdentifierKind.FOREIGN_PERMANENT,
        number=fields.number(122, 36),
        name=fields.words((0, 30)) or name_en,
        name_en=name_en,
        sex=fields.sex(30),
        birth_on=fields.day(36),
        nationality=fields.words((242, 6)),
        valid_from=valid_from,
        valid_until=valid_until,
    )


_LAYOUTS = {" ": _resident, "J": _residence_permit, "I": _foreign_of_2017, "Y": _foreign_of_2023}


def _clean(data: bytes) -> str:
    """The characters of a field without padding and what no card prints; rare and private-use characters stay."""
    text = data[: len(data) - len(data) % 2].decode(
        "utf-16-le", errors="replace"
    )  # what is damaged shows as �, so that a person sees it
    return "".join(c for c in text if _is_printed(c)).strip()


def _is_printed(character: str) -> bool:
    code = ord(character)
    noncharacter = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    return not noncharacter and unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp"}
