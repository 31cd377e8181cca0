"""LIS2-A2: the records of one message become measurements. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from cunyi.domain.measurement import DeviceValue, Measurement

_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")
_BEYOND = re.compile(r"([<>])\s*=?\s*\d{1,9}(?:\.\d{1,9})?")
_ESCAPED = {"F": 0, "R": 1, "S": 2, "E": 3}
_URINE = {"U", "UR", "URINE", "尿", "尿液"}
_CONTROL = "Q"
_GIVEN_UP = {"T", "R"}
# Field 9 of R: not final yet; and what is to be said of the rest.
_NOT_FINAL = {"P", "I", "S"}
_STATUS_FLAGS = {"R": "sent_before", "C": "corrected", "X": "not_done", "W": "doubtful"}
_BEYOND_FLAGS = {"<": "below_range", ">": "above_range"}


class KnownItem(msgspec.Struct, frozen=True, kw_only=True):
    """What a test of the analyser is here (项目对照): the item, its unit, and the factors of other units it may be sent in."""

    item: str
    unit: str = ""
    units: dict[str, float] = {}

    def factor(self, unit: str) -> float | None:
        """By what a value in this unit is multiplied; None for a unit that is not known. Case and the two forms of μ are one."""
        factors = {name.casefold(): factor for name, factor in {**self.units, self.unit: 1.0}.items()}
        return factors.get(unit.casefold())


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """`items.toml` (项目对照表): tests by the analyser's name in capitals; `scale` gives the step for what may be written."""

    numbers: dict[str, KnownItem]
    urine_numbers: dict[str, KnownItem]
    ordinals: dict[str, str]
    scale: dict[str, str]


class UnreadableMessageError(Exception):
    """Records without a header that can be read (报文无法识别)."""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """The delimiters that H declares (分隔符): field, repeat, component, escape; and what concerns the whole message."""

    delimiters: str
    control: bool
    sent_at: datetime | None

    def fields(self, line: str) -> list[str]:
        """The fields of a record, numbered from 1 as in the standard."""
        return ["", *line.split(self.delimiters[0])]

    def text(self, field: str) -> str:
        """A field for people: components with a space between, repeats with a comma, escapes undone."""
        repeats = field.split(self.delimiters[1])
        spoken = (" ".join(part for part in repeat.split(self.delimiters[2]) if part) for repeat in repeats)
        return self._unescaped("，".join(spoken)).strip()

    def component(self, field: str, number: int) -> str:
        """A component of the first repeat of a field, numbered from 1."""
        return self._unescaped(_at([field, *field.split(self.delimiters[1])[0].split(self.delimiters[2])], number))

    def _unescaped(self, text: str) -> str:
        mark = re.escape(self.delimiters[3])
        return re.sub(f"{mark}([FRSE]){mark}", lambda found: self.delimiters[_ESCAPED[found[1]]], text)


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    """One R (结果记录): its value, whether it is final, what is to be said of it, when it was completed."""

    value: DeviceValue
    final: bool
    flags: tuple[str, ...]
    completed_at: datetime | None


class _Order(msgspec.Struct, kw_only=True):
    """One O (标本记录) with the results and comments that follow it."""

    specimen: str = ""
    urine: bool = False
    control: bool = False
    results: list[_Result] = msgspec.field(default_factory=list)
    comments: list[str] = msgspec.field(default_factory=list)


def read_message(lines: Sequence[str], items: Items) -> tuple[Measurement, ...]:
    """The measurements of one message, H to L: one for each specimen, its preliminary results apart (`final` is False).

    Nothing for a message that its sender gave up (L with T or R). Unknown records are passed over.
    """
    if not lines:
        raise UnreadableMessageError
    header = _read_header(lines[0])
    done: list[Measurement] = []
    patient, order, before = "", _Order(), ""
    for line in lines[1:]:
        fields = header.fields(line)
        kind = fields[1].upper()
        if kind in {"P", "O", "L"}:
            done += _measurements(header, patient, order)
            order = _Order()
        if kind == "P":
            told = (header.text(_at(fields, number)) for number in (3, 4, 5, 6))
            patient = next((one for one in told if one), "")
        elif kind == "O":
            specimen = header.component(_at(fields, 3), 1) or header.component(_at(fields, 4), 1)
            urine = header.component(_at(fields, 16), 1).upper() in _URINE
            order = _Order(specimen=specimen, urine=urine, control=_at(fields, 12).upper() == _CONTROL)
        elif kind == "R":
            order.results.append(_read_result(header, fields, order.urine, items))
        elif kind == "C" and (text := header.text(_at(fields, 4))):
            order.comments.append(f"{order.results[-1].value.item}：{text}" if before == "R" else text)
        elif kind == "L" and _at(fields, 3).upper() in _GIVEN_UP:
            return ()
        before = kind if kind != "C" else before
    return tuple(done)


def _read_header(line: str) -> _Header:
    delimiters = line[1:5]
    proper = len(set(delimiters)) == 4 and not any(
        character.isalnum() or character.isspace() for character in delimiters
    )
    if line[:1] != "H" or not proper:
        raise UnreadableMessageError
    # The second field is the delimiters themselves, which would be split.
    fields = ["", "H", delimiters[1:], *line[5:].split(delimiters[0])[1:]]
    return _Header(
        delimiters=delimiters, control=_at(fields, 12).upper() == _CONTROL, sent_at=_read_time(_at(fields, 14))
    )


def _read_result(header: _Header, fields: list[str], urine: bool, items: Items) -> _Result:
    test = header.component(_at(fields, 3), 4) or header.text(_at(fields, 3))
    status = _at(fields, 9).strip().upper()[:1]
    value, flags = _read_value(test, _at(fields, 4), header, header.text(_at(fields, 5)), urine, items)
    if status in _STATUS_FLAGS:
        flags = (_STATUS_FLAGS[status], *flags)
    if status == "X":
        value = msgspec.structs.replace(value, value=None)
    return _Result(value=value, final=status not in _NOT_FINAL, flags=flags, completed_at=_read_time(_at(fields, 13)))


def _read_value(
    test: str, field: str, header: _Header, unit: str, urine: bool, items: Items
) -> tuple[DeviceValue, tuple[str, ...]]:
    written = header.component(field, 1).strip()
    raw = f"{header.text(field)} {unit}".strip()
    name = test.upper()
    step = items.scale.get(written.upper())
    if step is not None and name in items.ordinals:
        return DeviceValue(item=items.ordinals[name], value=step, unit="", raw=raw), ()
    known = (items.urine_numbers if urine else items.numbers).get(name)
    factor = known.factor(unit) if known is not None else None
    item, unit = (known.item, known.unit) if known is not None and factor is not None else (test, unit)
    beyond = _BEYOND.fullmatch(written)
    if beyond is not None:
        return DeviceValue(item=item, value=None, unit=unit, raw=raw), (_BEYOND_FLAGS[beyond[1]],)
    if _NUMBER.fullmatch(written):
        return DeviceValue(item=item, value=round(float(written) * (factor or 1.0), 4), unit=unit, raw=raw), ()
    if factor is not None or not written:
        return DeviceValue(item=item, value=None, unit=unit, raw=raw), ("no_value",)
    return DeviceValue(item=item, value=written, unit=unit, raw=raw), ()


def _measurements(header: _Header, patient: str, order: _Order) -> list[Measurement]:
    done: list[Measurement] = []
    for final in (True, False):
        results = [result for result in order.results if result.final is final]
        if not results:
            continue
        times = [result.completed_at for result in results if result.completed_at is not None]
        done.append(
            Measurement(
                values=tuple(result.value for result in results),
                clock_at=max(times, default=header.sent_at),
                patient=patient or order.specimen,
                flags=tuple(dict.fromkeys(flag for result in results for flag in result.flags)),
                final=final,
                control_solution=header.control or order.control,
                conclusion="\n".join(order.comments) if not done else "",
            )
        )
    return done


def _read_time(written: str) -> datetime | None:
    """A time as the standard writes it, YYYYMMDDHHMMSS, shorter where the analyser is; None for a day without a time."""
    for length, pattern in ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M")):
        if len(written) == length and written.isascii() and written.isdecimal():
            try:
                return datetime.strptime(written, pattern)
            except ValueError:
                return None
    return None


def _at(fields: Sequence[str], number: int) -> str:
    return fields[number] if number < len(fields) else ""
