"""Writing the 256 bytes of an identity card's text in its four layouts, field after field, for simulated cards."""

from __future__ import annotations

from datetime import date

from cunyi.domain.case import Sex
from cunyi.domain.ethnic_groups import ETHNIC_GROUPS
from cunyi.domain.identity import IdentifierKind
from cunyi.domain.measurement import IdentityCard

TEXT_BYTES = 256
_RESIDENTS = {IdentifierKind.RESIDENT_ID: " ", IdentifierKind.HKMT_RESIDENCE: "J"}
_SEX = {Sex.MALE: "1", Sex.FEMALE: "2", None: "9"}
_ETHNIC_CODES = {name: code for code, name in ETHNIC_GROUPS.items()}


def encode_card(card: IdentityCard) -> bytes:
    """The text of a card; a foreigner's number of 18 digits makes the card of 2023, another the one of 2017.

    ValueError for a kind that has no chip or words that do not fit their field.
    """
    if card.kind in _RESIDENTS:
        fields = _resident(card, _RESIDENTS[card.kind])
    elif card.kind is not IdentifierKind.FOREIGN_PERMANENT:
        raise ValueError(f"no card with a chip: {card.kind}")
    elif len(card.number) == 18:
        fields = _foreign_of_2023(card)
    else:
        fields = _foreign_of_2017(card)
    return b"".join(_field(words, length) for words, length in fields)


def encode_address(address: str) -> bytes:
    """An address that was written to the card later."""
    return _field(address, 70)


def _resident(card: IdentityCard, kind: str) -> list[tuple[str, int]]:
    return [
        (card.name, 30),
        (_SEX[card.sex], 2),
        (_ETHNIC_CODES.get(card.ethnic_group, ""), 4),
        (_day(card.birth_on), 16),
        (card.address, 70),
        (card.number, 36),
        (card.issuer, 30),
        (_day(card.valid_from), 16),
        (_end(card), 16),
        (card.permit_number, 18),
        ("01" if kind == "J" else "", 4),
        ("", 6),
        (kind, 2),
        ("", 6),
    ]


def _foreign_of_2017(card: IdentityCard) -> list[tuple[str, int]]:
    return [
        (card.name_en, 120),
        (_SEX[card.sex], 2),
        (card.number, 30),
        (card.nationality, 6),
        ("" if card.name == card.name_en else card.name, 30),
        (_day(card.valid_from), 16),
        (_end(card), 16),
        (_day(card.birth_on), 16),
        ("01", 4),
        (card.issuer, 8),
        ("I", 2),
        ("", 6),
    ]


def _foreign_of_2023(card: IdentityCard) -> list[tuple[str, int]]:
    return [
        ("" if card.name == card.name_en else card.name, 30),
        (_SEX[card.sex], 2),
        ("01", 4),
        (_day(card.birth_on), 16),
        (card.name_en[:35], 70),
        (card.number, 36),
        ("", 30),
        (_day(card.valid_from), 16),
        (_end(card), 16),
        (card.name_en[35:], 22),
        (card.nationality, 6),
        ("Y", 2),
        ("", 6),
    ]


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def _end(card: IdentityCard) -> str:
    return "长期" if card.valid_until is None else _day(card.valid_until)


def _field(words: str, length: int) -> bytes:
    written = words.encode("utf-16-le")
    if len(written) > length:
        raise ValueError(f"a field of {length} bytes is too short")
    return written + " ".encode("utf-16-le") * ((length - len(written)) // 2)
