"""Blood glucose meter, 0x1808: 2A18 is a record, 2A34 its context, 2A52 (RACP) the way to ask for records of its memory.

A meter holds hundreds of records of everybody it was used on. It connects right after a test, so the last record (01 06) is the
one wanted, at once and alone; asking for all of them (01 01) would lay other people's old values before the doctor at every
connection. While the connection stands, records that came since are asked for every few seconds by number ("greater or equal",
01 03 01), so that nothing is sent twice. A meter that does not know "last" is asked for all; then `receive` finds what is old or
known. A record of a test solution is passed on as `control_solution`, so that it is nobody's value.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from cunyi.devices.driver import Heard, Write
from cunyi.devices.drivers.ble_glucose.context import read_context
from cunyi.devices.gatt import Fields, MalformedError, Number, glucose, shifted
from cunyi.devices.gatt_parser import GattParser, named
from cunyi.domain.measurement import Measurement

_RACP = "2A52"
_LAST, _ALL = b"\x01\x06", b"\x01\x01"
_RESPONSE = 0x06
_SUCCESS, _NO_RECORDS, _NOT_COMPLETED = 1, 6, 8
_NOT_SUPPORTED = {2, 3, 4, 5, 9}

_CONTROL_SOLUTION_TYPE, _CONTROL_SOLUTION_PLACE = 10, 4
_TYPES = {9: ("interstitial_fluid",)}
_STATUS = {
    0: "meter_battery_low",
    1: "meter_fault",
    2: "sample_too_small",
    3: "strip_fault",
    4: "strip_fault",
    5: "above_range",
    6: "below_range",
    7: "too_warm",
    8: "too_cold",
    9: "strip_pulled",
    10: "meter_fault",
    11: "time_fault",
}
_NO_NUMBER = {"above_range": "HI", "below_range": "LO"}

_EVERY = timedelta(seconds=5)
_ANSWER_WITHIN = timedelta(seconds=30)
_CONTEXT_WITHIN = timedelta(seconds=2)


class _Glucose:
    """What a glucose meter sent so far (血糖仪): the number up to which its records are known, and what it was asked."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._asked: bytes = b""
        self._at: datetime | None = None
        self._last_unknown = False
        self._newer_unknown = False
        self._held: Measurement | None = None

    def begin(self, now: datetime) -> Heard:
        return self._ask(now)

    def tick(self, now: datetime) -> Heard:
        if self._at is None:
            return Heard()
        waited = now - self._at
        if self._held is not None and not timedelta(0) <= waited < _CONTEXT_WITHIN:
            return _passed_on(self._release())
        if self._asked:
            if timedelta(0) <= waited < _ANSWER_WITHIN:
                return Heard()
            return msgspec.structs.replace(self._ask(now), trouble="no_records_answer")
        if self._newer_unknown or timedelta(0) <= waited < _EVERY:
            return Heard()
        return self._ask(now)

    def record(self, data: bytes, now: datetime) -> Heard:
        measurement, context_follows = _read_record(data)
        self._at = now
        before = self._release()
        sequence = measurement.sequence or 0
        self._next = max(self._next or 0, sequence + 1)
        if context_follows:
            self._held = measurement
            return msgspec.structs.replace(_passed_on(before), state="receiving")
        return _passed_on((*before, measurement))

    def context(self, data: bytes, now: datetime) -> Heard:
        sequence, words = read_context(data)
        if self._held is None or self._held.sequence != sequence:
            return Heard()
        self._held = msgspec.structs.replace(self._held, flags=self._held.flags + words)
        return _passed_on(self._release())

    def answer(self, data: bytes, now: datetime) -> Heard:
        if len(data) != 4 or data[0] != _RESPONSE:
            raise MalformedError
        asked, self._asked, self._at = self._asked, b"", now
        heard = _passed_on(self._release())
        if data[3] in (_SUCCESS, _NO_RECORDS):
            empty = data[3] == _NO_RECORDS and asked in (_LAST, _ALL)
            return msgspec.structs.replace(heard, state="no_records") if empty else heard
        if data[3] in _NOT_SUPPORTED:
            if asked == _LAST:
                self._last_unknown = True
                return msgspec.structs.replace(heard, replies=self._ask(now).replies)
            self._newer_unknown = True
            return heard
        return msgspec.structs.replace(heard, trouble="not_completed")

    def _ask(self, now: datetime) -> Heard:
        if self._next is not None:
            # A number of 16 bits begins anew after 65,535; until then "greater or equal" is what a meter understands.
            self._asked = b"\x01\x03\x01" + min(self._next, 0xFFFF).to_bytes(2, "little")
        else:
            self._asked = _ALL if self._last_unknown else _LAST
        self._at = now
        return Heard(replies=(Write(_RACP, self._asked),))

    def _release(self) -> tuple[Measurement, ...]:
        held, self._held = self._held, None
        return () if held is None else (held,)


def _passed_on(measurements: tuple[Measurement, ...]) -> Heard:
    """The records as they are passed on; one without a number, HI or LO is a test that failed."""
    known = tuple(record for record in measurements if _tells_something(record))
    if not measurements:
        return Heard()
    if not known:
        return Heard(state="ready", trouble="no_result")
    control = all(record.control_solution for record in known)
    return Heard(state="control_solution" if control else "received", measurements=known)


def _tells_something(record: Measurement) -> bool:
    value = record.values[0]
    return value.value is not None or value.raw in _NO_NUMBER.values() or record.control_solution


def _read_record(data: bytes) -> tuple[Measurement, bool]:
    """The record, and whether its context follows."""
    fields = Fields(data)
    flags = fields.unsigned(1)
    sequence = fields.unsigned(2)
    clock_at = fields.date_time()
    if flags & 1:
        clock_at = shifted(clock_at, fields.signed(2))
    number, kind = Number(None, "NaN"), 0
    if flags & 2:
        number, kind = fields.sfloat(), fields.unsigned(1)
    status = fields.unsigned(2) if flags & 8 else 0
    fields.end()
    words = named(status, _STATUS) + _TYPES.get(kind & 0xF, ())
    beyond = next((_NO_NUMBER[word] for word in words if word in _NO_NUMBER), None)
    if beyond is not None:
        number = Number(None, beyond)
    measurement = Measurement(
        values=(glucose(number, mol=bool(flags & 4)),),
        clock_at=None if "time_fault" in words else clock_at,
        sequence=sequence,
        flags=words,
        control_solution=kind & 0xF == _CONTROL_SOLUTION_TYPE or kind >> 4 == _CONTROL_SOLUTION_PLACE,
    )
    return measurement, bool(flags & 16)


def make_parser() -> GattParser:
    """A parser for one connection."""
    meter = _Glucose()
    readers = {"2A18": meter.record, "2A34": meter.context, _RACP: meter.answer}
    return GattParser(readers, begin=meter.begin, tick=meter.tick)
