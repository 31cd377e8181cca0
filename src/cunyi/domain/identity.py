"""Identity documents (证件): what a number on a card says by itself, and what is wrong with it when it was mistyped."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError

FIELD = "identifier"
EARLIEST_BIRTH = date(1900, 1, 1)


class IdentifierKind(StrEnum):
    """Kind of identity document (证件种类)."""

    RESIDENT_ID = "resident_id"
    HKMT_RESIDENCE = "hkmt_residence"
    FOREIGN_PERMANENT = "foreign_permanent"
    HK_MACAO_PERMIT = "hk_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    PASSPORT = "passport"
    BIRTH_CERTIFICATE = "birth_certificate"
    OTHER = "other"


class Identifier(msgspec.Struct, frozen=True, kw_only=True):
    """A document number (证件号码) of one person; `value` is in canonical form. Its repr shows the number masked."""

    kind: IdentifierKind
    value: str

    def __repr__(self) -> str:
        """Kind and masked number: reprs end in logs."""
        return f"Identifier(kind={self.kind.value!r}, value={mask(self.value)!r})"


class IdentityFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a document number says (证件号码所含信息), for filling in a new record.

    `birth_on`, `sex` and `county` (six digits, where the number was first given out) are None where the number does not
    tell them. `legacy` marks the 15-digit resident number, which `upgraded` turns into the 18-digit one.
    """

    kind: IdentifierKind
    value: str
    birth_on: date | None = None
    sex: Sex | None = None
    county: str | None = None
    legacy: bool = False

    def __repr__(self) -> str:
        """Kind and masked number: reprs end in logs."""
        return f"IdentityFacts(kind={self.kind.value!r}, value={mask(self.value)!r})"


_SHAPES = {
    IdentifierKind.HK_MACAO_PERMIT: r"[HM](?:[0-9]{8}|[0-9]{10})",
    IdentifierKind.TAIWAN_PERMIT: r"[0-9]{8}|[0-9]{10}[A-Z]",
    IdentifierKind.PASSPORT: r"(?=.*[0-9])[0-9A-Z]{5,17}",
    IdentifierKind.BIRTH_CERTIFICATE: r"[A-Z][0-9]{9}",
    IdentifierKind.OTHER: r"\w{1,40}",
}
_MISSHAPEN = {
    IdentifierKind.HK_MACAO_PERMIT: "港澳居民来往内地通行证号码应为H 或 M 加 8 位数字（老证 10 位数字）；请对照证件再输一遍，或改选证件种类",
    IdentifierKind.TAIWAN_PERMIT: "台湾居民来往大陆通行证号码应为8 位数字（老证 10 位数字加一个字母）；请对照证件再输一遍，或改选证件种类",
    IdentifierKind.PASSPORT: "护照号码应为5 到 17 位字母和数字，至少有一位数字；请对照证件再输一遍，或改选证件种类",
    IdentifierKind.BIRTH_CERTIFICATE: "出生医学证明号码应为一个字母加 9 位数字；请对照证件再输一遍，或改选证件种类",
    IdentifierKind.OTHER: "其他证件号码应为1 到 40 个文字、字母或数字；请对照证件再输一遍，或改选证件种类",
}
# The kinds whose numbers are built like a resident's.
_TOO_SHORT = {
    IdentifierKind.RESIDENT_ID: "居民身份证号码应为 18 位（老证 15 位），现在是 {length} 位，少了 {missing} 位；请对照证件再输一遍，别的证件请先选证件种类",
    IdentifierKind.HKMT_RESIDENCE: "港澳台居民居住证号码应为 18 位，现在是 {length} 位，少了 {missing} 位；请对照证件再输一遍，别的证件请先选证件种类",
    IdentifierKind.FOREIGN_PERMANENT: "外国人永久居留身份证号码应为 18 位（老证 3 个字母加 12 位数字），现在是 {length} 位，少了 {missing} 位；请对照证件再输一遍，别的证件请先选证件种类",
}
_SHORT_BY_ONE = {
    IdentifierKind.RESIDENT_ID: "居民身份证号码应为 18 位（老证 15 位），现在是 17 位，少了 1 位；请对照证件再输一遍，别的证件请先选证件种类；17 位的如果是健康档案编码，请填在档案编码一栏",
    IdentifierKind.HKMT_RESIDENCE: "港澳台居民居住证号码应为 18 位，现在是 17 位，少了 1 位；请对照证件再输一遍，别的证件请先选证件种类；17 位的如果是健康档案编码，请填在档案编码一栏",
    IdentifierKind.FOREIGN_PERMANENT: "外国人永久居留身份证号码应为 18 位（老证 3 个字母加 12 位数字），现在是 17 位，少了 1 位；请对照证件再输一遍，别的证件请先选证件种类；17 位的如果是健康档案编码，请填在档案编码一栏",
}
_TOO_LONG = {
    IdentifierKind.RESIDENT_ID: "居民身份证号码应为 18 位（老证 15 位），现在是 {length} 位，多了 {surplus} 位；请对照证件再输一遍，别的证件请先选证件种类",
    IdentifierKind.HKMT_RESIDENCE: "港澳台居民居住证号码应为 18 位，现在是 {length} 位，多了 {surplus} 位；请对照证件再输一遍，别的证件请先选证件种类",
    IdentifierKind.FOREIGN_PERMANENT: "外国人永久居留身份证号码应为 18 位（老证 3 个字母加 12 位数字），现在是 {length} 位，多了 {surplus} 位；请对照证件再输一遍，别的证件请先选证件种类",
}
_NO_DIGIT = {
    IdentifierKind.RESIDENT_ID: "居民身份证号码第 {position} 位应为数字，留意字母 O 和 0、I 和 1；请对照证件再输一遍",
    IdentifierKind.HKMT_RESIDENCE: "港澳台居民居住证号码第 {position} 位应为数字，留意字母 O 和 0、I 和 1；请对照证件再输一遍",
    IdentifierKind.FOREIGN_PERMANENT: "外国人永久居留身份证号码第 {position} 位应为数字，留意字母 O 和 0、I 和 1；请对照证件再输一遍",
}
_NO_CHECK_DIGIT = {
    IdentifierKind.RESIDENT_ID: "居民身份证号码第 18 位应为数字（最后一位可以是 X），留意字母 O 和 0、I 和 1；请对照证件再输一遍",
    IdentifierKind.HKMT_RESIDENCE: "港澳台居民居住证号码第 18 位应为数字（最后一位可以是 X），留意字母 O 和 0、I 和 1；请对照证件再输一遍",
    IdentifierKind.FOREIGN_PERMANENT: "外国人永久居留身份证号码第 18 位应为数字（最后一位可以是 X），留意字母 O 和 0、I 和 1；请对照证件再输一遍",
}
_OF_ANOTHER_KIND = {
    IdentifierKind.RESIDENT_ID: "按开头几位看，这不是居民身份证的号码；请对照证件再输一遍，或改选证件种类",
    IdentifierKind.HKMT_RESIDENCE: "按开头几位看，这不是港澳台居民居住证的号码；请对照证件再输一遍，或改选证件种类",
    IdentifierKind.FOREIGN_PERMANENT: "按开头几位看，这不是外国人永久居留身份证的号码；请对照证件再输一遍，或改选证件种类",
}
# From the most particular shape to the least: the first that fits names the kind.
_RECOGNISED = (
    (r"[HM](?:[0-9]{8}|[0-9]{10})", IdentifierKind.HK_MACAO_PERMIT),
    (r"[A-Z][0-9]{9}", IdentifierKind.BIRTH_CERTIFICATE),
    (r"[0-9]{8}|[0-9]{10}[A-Z]", IdentifierKind.TAIWAN_PERMIT),
    (r"[A-Z]{3}[0-9]{12}", IdentifierKind.FOREIGN_PERMANENT),
    (r"[A-Z]{1,2}[0-9]{6,8}", IdentifierKind.PASSPORT),
)
_OLD_FOREIGN = re.compile(r"[A-Z]{3}[0-9]{12}")
_PROVINCE_RUNS = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71))
_PROVINCES = frozenset(str(code) for first, last in _PROVINCE_RUNS for code in range(first, last + 1))
_HKMT_PREFIXES = frozenset({"810000", "820000", "830000"})
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_LOOKS_LIKE_X = str.maketrans("×Хх", "XXX")
_SEPARATORS = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd"})
_MARKS = frozenset("()−")
_LENGTH = 18
_LEGACY_LENGTH = 15
_FEWEST_FOR_A_MISTYPED_NUMBER = 13
_MOST_STRAY_LETTERS = 3


def canonical(text: str) -> str:
    """The one written form of a document number: half-width, upper case, without blanks, dashes and round brackets.

    Every writing of the check digit ten (x, ⅹ, Ⅹ, Ｘ, ×) becomes X.
    """
    straight = unicodedata.normalize("NFKC", text).translate(_LOOKS_LIKE_X).upper()
    return "".join(c for c in straight if c not in _MARKS and unicodedata.category(c) not in _SEPARATORS)


def check_digit(first17: str) -> str:
    """The 18th digit of a number by GB 11643 (ISO 7064 MOD 11-2); `first17` is 17 ASCII digits."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first17, strict=True))
    return _CHECK_DIGITS[total % 11]


def upgraded(value15: str) -> str:
    """The 18-digit form of a 15-digit resident number, so that both find the same person. ValueError for another shape."""
    if not re.fullmatch(r"[0-9]{15}", value15):
        raise ValueError("a legacy resident number has 15 digits")
    first17 = f"{value15[:6]}19{value15[6:]}"
    return first17 + check_digit(first17)


def mask(value: str) -> str:
    """A number for display: 18 digits show the first four and the last three, shorter numbers less."""
    if len(value) >= _LEGACY_LENGTH:
        head, tail = 4, 3
    elif len(value) >= 8:
        head, tail = 2, 2
    elif len(value) >= 4:
        head, tail = 1, 1
    else:
        head, tail = 0, 0
    return value[:head] + "*" * (len(value) - head - tail) + value[len(value) - tail :]


def read_identifier(text: str, kind: IdentifierKind | None = None, *, today: date) -> IdentityFacts:
    """A number as it was typed or read from a card, checked; without `kind` the document is recognised from its shape.

    UserError (field `identifier`) says what does not fit and the way out. It never repeats the number and never tells the
    check digit that would fit, so that nobody makes a wrong number look right.
    """
    value = canonical(text)
    if not value:
        raise UserError("请输入证件号码；没有证件就把这一栏留空", field=FIELD)
    kind = kind or _recognise(value)
    if kind is IdentifierKind.FOREIGN_PERMANENT and _OLD_FOREIGN.fullmatch(value):
        return IdentityFacts(kind=kind, value=value)
    if kind in _SHAPES:
        if not re.fullmatch(_SHAPES[kind], value):
            raise UserError(_MISSHAPEN[kind], field=FIELD)
        return IdentityFacts(kind=kind, value=value)
    return _numbered(value, kind, today)


def _recognise(value: str) -> IdentifierKind:
    for shape, kind in _RECOGNISED:
        if re.fullmatch(shape, value):
            return kind
    letters = sum(not c.isdigit() for c in value)
    if letters == 0 or (len(value) >= _FEWEST_FOR_A_MISTYPED_NUMBER and letters <= _MOST_STRAY_LETTERS):
        return IdentifierKind.RESIDENT_ID if len(value) == _LEGACY_LENGTH else _kind_of_numbered(value)
    raise UserError("认不出这是哪种证件的号码；请先选证件种类，再输入号码", field=FIELD)


def _kind_of_numbered(value: str) -> IdentifierKind:
    """Which of the documents with an 18-digit number it is."""
    if value[0] == "9":
        return IdentifierKind.FOREIGN_PERMANENT
    return IdentifierKind.HKMT_RESIDENCE if value[:6] in _HKMT_PREFIXES else IdentifierKind.RESIDENT_ID


def _numbered(value: str, kind: IdentifierKind, today: date) -> IdentityFacts:
    """The facts of a number built like a resident's: place, birth date, serial, check digit."""
    legacy = kind is IdentifierKind.RESIDENT_ID and len(value) == _LEGACY_LENGTH
    if not legacy:
        _expect_length(value, kind)
    _expect_digits(value, kind, legacy=legacy)
    _expect_place(value, kind, legacy=legacy)
    birth_on = _birth(value, today, legacy=legacy)
    if not legacy and check_digit(value[:17]) != value[17]:
        raise UserError(
            "第 18 位（校验码）和前 17 位对不上，说明号码里至少有一位输错了；请对照证件再输一遍", field=FIELD
        )
    serial_end = int(value[14] if legacy else value[16])
    return IdentityFacts(
        kind=kind,
        value=value,
        birth_on=birth_on,
        sex=Sex.MALE if serial_end % 2 else Sex.FEMALE,
        county=value[:6] if kind is IdentifierKind.RESIDENT_ID else None,
        legacy=legacy,
    )


def _expect_length(value: str, kind: IdentifierKind) -> None:
    length = len(value)
    if length == _LENGTH:
        return
    if length > _LENGTH:
        raise UserError(_TOO_LONG[kind], field=FIELD, length=length, surplus=length - _LENGTH)
    if length == _LENGTH - 1 and value.isdigit():
        raise UserError(_SHORT_BY_ONE[kind], field=FIELD)
    raise UserError(_TOO_SHORT[kind], field=FIELD, length=length, missing=_LENGTH - length)


def _expect_digits(value: str, kind: IdentifierKind, *, legacy: bool) -> None:
    for position, character in enumerate(value, start=1):
        if character in "0123456789" or (character == "X" and position == _LENGTH and not legacy):
            continue
        if position == _LENGTH and not legacy:
            raise UserError(_NO_CHECK_DIGIT[kind], field=FIELD)
        raise UserError(_NO_DIGIT[kind], field=FIELD, position=position)


def _expect_place(value: str, kind: IdentifierKind, *, legacy: bool) -> None:
    actual = IdentifierKind.RESIDENT_ID if legacy else _kind_of_numbered(value)
    if actual is not kind:
        raise UserError(_OF_ANOTHER_KIND[kind], field=FIELD)
    if kind is IdentifierKind.RESIDENT_ID and value[:2] not in _PROVINCES:
        raise UserError("号码前 2 位不是任何省份的代码；请对照证件再输一遍", field=FIELD)


def _birth(value: str, today: date, *, legacy: bool) -> date:
    digits = f"19{value[6:12]}" if legacy else value[6:14]
    end = 12 if legacy else 14
    try:
        birth_on = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise UserError(
            "号码第 7 到 {end} 位是出生日期，但没有这一天；请对照证件再输一遍", field=FIELD, end=end
        ) from None
    if birth_on < EARLIEST_BIRTH:
        raise UserError("号码第 7 到 {end} 位是出生日期，但早于 1900 年；请对照证件再输一遍", field=FIELD, end=end)
    if birth_on > today:
        raise UserError(
            "号码第 7 到 {end} 位是出生日期，但晚于今天；请对照证件再输一遍，证件没错就检查电脑的日期",
            field=FIELD,
            end=end,
        )
    return birth_on
