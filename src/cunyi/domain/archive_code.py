"""Codes of health records (居民健康档案编码) and the blocks of serial numbers that let nodes give them out offline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

import msgspec

from cunyi.domain.errors import UserError
from cunyi.domain.identity import canonical

FIELD = "archive_code"
LAST_SERIAL = 99_999


class VillageKind(StrEnum):
    """Kind of village-level unit in an archive code (居委会 / 村委会 / 其他)."""

    RESIDENTS_COMMITTEE = "residents_committee"
    VILLAGERS_COMMITTEE = "villagers_committee"
    OTHER = "other"


class ArchiveCode(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The code of a resident's health record (健康档案编码): county 6, township 3, village 3 digits, serial 1–99999.

    It is never reused after a move, a death or a merge. Its repr hides the serial.
    """

    county: str
    township: str
    village: str
    serial: int

    @property
    def village_code(self) -> str:
        """The 12 digits of the village, without the serial."""
        return self.county + self.township + self.village

    @property
    def text(self) -> str:
        """The 17 digits as they are printed."""
        return f"{self.village_code}{self.serial:05}"

    def __repr__(self) -> str:
        """The village alone: reprs end in logs."""
        return f"ArchiveCode({self.village_code}*****)"


class SerialBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A block of serial numbers (编号段) of one village that one node alone may give out, used from the lowest.

    `village_code` has 12 digits; `first` to `last` (both included) lie in 1–99999; `used_through` is the last serial
    given out, 0 for none. ValueError for anything else.
    """

    village_code: str
    first: int
    last: int
    used_through: int = 0

    def __post_init__(self) -> None:
        """Refuses a block that could give out a serial outside itself."""
        if not re.fullmatch(r"[0-9]{12}", self.village_code):
            raise ValueError("a village code has 12 digits")
        if not 1 <= self.first <= self.last <= LAST_SERIAL:
            raise ValueError(f"a block of serials lies between 1 and {LAST_SERIAL}")
        if self.used_through != 0 and not self.first <= self.used_through <= self.last:
            raise ValueError("used_through lies outside the block")

    @property
    def next_free(self) -> int | None:
        """The lowest serial not yet given out; None when the block is used up."""
        serial = self.used_through + 1 if self.used_through else self.first
        return serial if serial <= self.last else None


def read_archive_code(text: str) -> ArchiveCode:
    """An archive code as it was typed, in any width and with blanks or dashes. UserError (field `archive_code`)."""
    digits = canonical(text)
    if not digits:
        raise UserError("请输入健康档案编码；还没有编码就把这一栏留空", field=FIELD)
    for position, character in enumerate(digits, start=1):
        if character not in "0123456789" and not (len(digits) == 18 and position == 18):
            raise UserError("健康档案编码第 {position} 位应为数字；请对照档案再输一遍", field=FIELD, position=position)
    if len(digits) == 18:
        raise UserError(
            "健康档案编码应为 17 位数字，现在是 18 位；请对照档案再输一遍；18 位的如果是身份证号码，请填在证件号码一栏",
            field=FIELD,
        )
    if len(digits) != 17:
        raise UserError(
            "健康档案编码应为 17 位数字，现在是 {length} 位；请对照档案再输一遍", field=FIELD, length=len(digits)
        )
    if digits[0] == "0":
        raise UserError("健康档案编码前 6 位是县级代码，不以 0 开头；请对照档案再输一遍", field=FIELD)
    serial = int(digits[12:])
    if serial == 0:
        raise UserError("健康档案编码后 5 位是序号，从 00001 开始；请对照档案再输一遍", field=FIELD)
    return ArchiveCode(county=digits[:6], township=digits[6:9], village=digits[9:12], serial=serial)


def village_kind(code: ArchiveCode) -> VillageKind | None:
    """What the village digits stand for: 001–099, 101–199, 901–999; None outside the ranges of the specification."""
    number = int(code.village)
    if 1 <= number <= 99:
        return VillageKind.RESIDENTS_COMMITTEE
    if 101 <= number <= 199:
        return VillageKind.VILLAGERS_COMMITTEE
    return VillageKind.OTHER if 901 <= number <= 999 else None


def next_serial(blocks: Sequence[SerialBlock]) -> tuple[ArchiveCode, SerialBlock]:
    """The lowest free code of a village's blocks, and its block as it stands after giving that code out.

    UserError (field `archive_code`) when no block has a serial left. ValueError for blocks of different villages or
    blocks that overlap, which could give out one code twice.
    """
    ordered = sorted(blocks, key=lambda block: block.first)
    if len({block.village_code for block in ordered}) > 1:
        raise ValueError("the blocks belong to different villages")
    if any(after.first <= before.last for before, after in pairwise(ordered)):
        raise ValueError("the blocks overlap")
    for block in ordered:
        serial = block.next_free
        if serial is not None:
            village = block.village_code
            code = ArchiveCode(county=village[:6], township=village[6:9], village=village[9:], serial=serial)
            return code, msgspec.structs.replace(block, used_through=serial)
    raise UserError("这个村的健康档案编号已经用完，暂时不能编号；请向卫生院申请新的编号段", field=FIELD)
