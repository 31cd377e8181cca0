"""Reading a sent form field by field: every mistake is remembered with its field and told together."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import MINYEAR, date
from enum import StrEnum
from typing import Any
from uuid import UUID

from cunyi.domain.errors import InvalidFormError, UserError

_PHONE_DIGITS = range(7, 13)
_LONGEST = 200
_AGE_DIGITS, _YEAR_DIGITS = 3, 4


class FormReading:
    """A form as it is read (表单读取): what was wrong is remembered until `finish`."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields
        self.errors: list[UserError] = []
        self.bad: set[str] = set()

    def refuse(self, field: str, message: str, **values: object) -> None:
        """Remembers that a field cannot be used, and why; `values` are for the slots of the message."""
        self.remember(UserError(message, field=field, **values))

    def remember(self, error: UserError) -> None:
        """Remembers what is wrong with a field, and that the field cannot be used."""
        self.errors.append(error)
        self.bad.add(error.field or "")

    def text(self, field: str, *, longest: int = _LONGEST) -> str:
        """The words of a field, empty where there are none."""
        words = next(iter(self._fields.get(field, ())), "")
        words = unicodedata.normalize("NFC", words).strip(" \t\r\n\u3000")
        if len(words) > longest:
            self.refuse(
                field, "这一栏最多 {longest} 字，现在有 {length} 字；请写短些", longest=longest, length=len(words)
            )
            return ""
        return words

    def texts(self, field: str) -> list[str]:
        """The words of a field that stands several times."""
        return [unicodedata.normalize("NFC", words).strip() for words in self._fields.get(field, ())]

    def ticked(self, field: str) -> bool:
        """Whether a box is ticked."""
        return self.text(field) not in ("", "no", "0")

    def optional(self, field: str, read: Callable[[str], Any]) -> Any:
        """A field as `read` understands it, None where it is empty or refused."""
        words = self.text(field)
        if not words:
            return None
        try:
            return read(words)
        except UserError as error:
            self.refuse(field, error.sentence, **error.values)
            return None

    def needed(self, field: str, read: Callable[[str], Any], missing: str) -> Any:
        """A field that may not be empty; `missing` is what is told then."""
        if not self.text(field) and field not in self.bad:
            self.refuse(field, missing)
            return None
        return self.optional(field, read)

    def choice(self, field: str, kind: type[StrEnum]) -> Any:
        """One of a list, None where nothing is chosen."""
        words = self.text(field)
        if not words:
            return None
        try:
            return kind(words)
        except ValueError:
            self.refuse(field, "这一栏选的不是列出的一项；请重新选择")
            return None

    def choices(self, field: str, kind: type[StrEnum]) -> tuple[Any, ...]:
        """Several of a list, each once."""
        try:
            return tuple(dict.fromkeys(kind(words) for words in self.texts(field) if words))
        except ValueError:
            self.refuse(field, "这一栏选的不是列出的一项；请重新选择")
            return ()

    def finish(self) -> None:
        """InvalidFormError with everything that was refused."""
        if self.errors:
            raise InvalidFormError(self.errors)


def village_of(organisation: str) -> Callable[[str], str]:
    """Reads the code of a village of one county; UserError for any other."""

    def read(words: str) -> str:
        code = unicodedata.normalize("NFKC", words)
        if len(code) != 12 or not code.isascii() or not code.isdigit():
            raise UserError("村的代码是 12 位数字；请从列表中选择", field="village_code")
        if not code.startswith(organisation):
            raise UserError("这个村不属于本县；请从列表中选择", field="village_code")
        return code

    return read


def record_id(words: str) -> str:
    """The id of a record as a page sends it; UserError for what no page sends."""
    try:
        return str(UUID(words))
    except ValueError:
        raise UserError("这一栏选的不是列出的一项；请重新选择", field="choice") from None


def birth_date(words: str, today: date) -> date:
    """A birth date as people write it (1953-06-15, 19530615, 1953年6月15日); UserError for days that cannot be."""
    born = _written_day(words)
    if born is None:
        raise UserError("出生日期要写成 1953-06-15 这样，并且是真有的日子；请核对", field="birth_on")
    return _possible(born, today)


def birth_or_year(words: str, today: date, *, estimated: bool) -> tuple[date, bool]:
    """A birth date, or what is known instead of one (估计出生年): the year, or the age (72岁, 72); and whether it is estimated.

    A year or an age stands for 1 January. A year alone is taken where it is said to be estimated; an age always is.
    """
    plain = "".join(unicodedata.normalize("NFKC", words).split())
    age = plain.removesuffix("岁").removesuffix("周")
    if _is_number(age) and len(age) <= _AGE_DIGITS:
        return _possible(date(today.year - int(age), 1, 1), today), True
    year = plain.removesuffix("年")
    if _is_number(year) and len(year) == _YEAR_DIGITS and int(year) >= MINYEAR:
        born = _possible(date(int(year), 1, 1), today)
        if not estimated:
            raise UserError("这里只写了年份：知道月日就写全，不知道就勾选“估计的，只有年份准”", field="birth_on")
        return born, True
    day = _written_day(words)
    if day is None:
        raise UserError(
            "出生日期要写成 1953-06-15 这样，并且是真有的日子；只知道年份就写 1953 并勾选“估计的”，只知道岁数就写 72岁",
            field="birth_on",
        )
    return _possible(day, today), estimated


def _is_number(words: str) -> bool:
    return words.isascii() and words.isdigit()


def _written_day(words: str) -> date | None:
    """The day that was written; None where that is none."""
    plain = unicodedata.normalize("NFKC", words)
    for mark in "年月./":
        plain = plain.replace(mark, "-")
    plain = plain.replace("日", "").strip("- ")
    try:
        if plain.isdigit() and len(plain) == 8:
            return date(int(plain[:4]), int(plain[4:6]), int(plain[6:]))
        year, month, day = plain.split("-")
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _possible(born: date, today: date) -> date:
    if born > today:
        raise UserError("出生日期在今天以后；请核对，电脑日期不对就先改正", field="birth_on")
    if born.year < 1900:
        raise UserError("出生日期早于 1900 年；请核对", field="birth_on")
    return born


def phone_number(words: str) -> str:
    """The digits of a phone number, country code and dashes taken off; UserError for another length."""
    digits = "".join(c for c in unicodedata.normalize("NFKC", words) if c not in " -()　")
    plain = digits.removeprefix("+86")
    if not plain.isascii() or not plain.isdigit() or len(plain) not in _PHONE_DIGITS:
        raise UserError("电话要写 7 到 12 位数字（座机连区号）；请核对，没有就空着", field="phone")
    return plain
