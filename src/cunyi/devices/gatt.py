"""Values of the Bluetooth health profiles: numbers, times and units, as the drivers of such instruments read and write them.

All numbers are little-endian. SFLOAT and FLOAT are those of ISO/IEEE 11073-20601: a decimal mantissa and exponent, with patterns
that stand for "no number"; such a pattern is never a value (0x07FF is not 2047).

Factors: 1 mmHg = 133.322 Pa (the conventional millimetre of mercury); glucose C6H12O6 = 180.16 g/mol, so 1 mmol/L =
18.016 mg/dL; ℃ = (℉ − 32) × 5/9; 1 lb = 0.45359237 kg (the international pound). Rounded half up, to what the instruments
themselves show: mmHg from kPa to whole numbers (141.8 → 142), ℃ and mmol/L to one decimal, kg from lb to two.
What was sent stays beside the value as text, in the instrument's own unit.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from cunyi.domain.measurement import DeviceValue

_SFLOAT_SPECIALS = {0x07FF: "NaN", 0x0800: "NRes", 0x07FE: "+INF", 0x0802: "-INF", 0x0801: "reserved"}
_FLOAT_SPECIALS = {
    0x007FFFFF: "NaN",
    0x00800000: "NRes",
    0x007FFFFE: "+INF",
    0x00800002: "-INF",
    0x00800001: "reserved",
}
_KPA_PER_MMHG = Decimal("0.133322")
_G_PER_MMOL_GLUCOSE = Decimal("0.18016")
_KG_PER_LB = Decimal("0.45359237")
_MANUAL_UPDATE = 0x01
_PLAIN_EXPONENTS = range(-12, 13)


class MalformedError(ValueError):
    """A value that is shorter or longer than its own flags say (残缺的数据)."""


class Number(msgspec.Struct, frozen=True):
    """A number as it was sent (原始数值): exact, None where a special pattern says that there is none; `text` to be shown."""

    value: Decimal | None
    text: str


def sfloat(bits: int) -> Number:
    """The number of a 16-bit SFLOAT: 4 bits of signed exponent, 12 bits of signed mantissa."""
    if bits in _SFLOAT_SPECIALS:
        return Number(None, _SFLOAT_SPECIALS[bits])
    return _number(_signed(bits & 0xFFF, 12), _signed(bits >> 12, 4))


def float32(bits: int) -> Number:
    """The number of a 32-bit FLOAT: 8 bits of signed exponent, 24 bits of signed mantissa (not an IEEE 754 float)."""
    if bits in _FLOAT_SPECIALS:
        return Number(None, _FLOAT_SPECIALS[bits])
    return _number(_signed(bits & 0xFFFFFF, 24), _signed(bits >> 24, 8))


def _signed(bits: int, width: int) -> int:
    return bits - (1 << width) if bits >> (width - 1) else bits


def _number(mantissa: int, exponent: int) -> Number:
    value = Decimal(mantissa).scaleb(exponent)
    return Number(value, f"{value:f}" if exponent in _PLAIN_EXPONENTS else str(value))


class Fields:
    """The fields of one characteristic's value, taken one after the other (逐个取字段); `MalformedError` where bytes are missing."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def unsigned(self, size: int) -> int:
        """The next `size` bytes as an unsigned number."""
        return int.from_bytes(self._take(size), "little")

    def signed(self, size: int) -> int:
        """The next `size` bytes as a signed number."""
        return int.from_bytes(self._take(size), "little", signed=True)

    def sfloat(self) -> Number:
        """The next two bytes as SFLOAT."""
        return sfloat(self.unsigned(2))

    def float32(self) -> Number:
        """The next four bytes as FLOAT."""
        return float32(self.unsigned(4))

    def date_time(self) -> datetime | None:
        """The next seven bytes as a date and time of the instrument's own clock; None where it is unknown (year 0) or impossible."""
        year, *rest = struct.unpack("<H5B", self._take(7))
        try:
            return datetime(year, *rest)
        except ValueError:
            return None

    def end(self) -> None:
        """Nothing may be left over: a longer value than its flags say was not understood."""
        if self._at != len(self._data):
            raise MalformedError

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise MalformedError
        self._at += size
        return taken


def date_time(at: datetime) -> bytes:
    """The value of 2A08 (date time): the local time `at`, without its zone."""
    return struct.pack("<H5B", at.year, at.month, at.day, at.hour, at.minute, at.second)


def current_time(at: datetime) -> bytes:
    """The value of 2A2B (current time): the local time `at`, its day of the week, its 256ths of a second, set by hand."""
    return date_time(at) + bytes([at.isoweekday(), at.microsecond * 256 // 1_000_000, _MANUAL_UPDATE])


def shifted(at: datetime | None, minutes: int) -> datetime | None:
    """A time of the instrument's clock moved by its offset; None where there is none or no such date."""
    try:
        return None if at is None else at + timedelta(minutes=minutes)
    except OverflowError:
        return None


def _rounded(value: Decimal, places: str) -> Decimal:
    # Exponents of a FLOAT reach 10^127, beyond what can be rounded to a fraction; they have none.
    return value.quantize(Decimal(places), rounding=ROUND_HALF_UP) if value.adjusted() < 20 else value


def _value(item: str, sent: Number, sent_unit: str, value: Decimal | None, unit: str) -> DeviceValue:
    raw = sent.text if sent.value is None else f"{sent.text} {sent_unit}"
    return DeviceValue(item=item, value=None if value is None else float(value), unit=unit, raw=raw)


def as_sent(item: str, sent: Number, unit: str) -> DeviceValue:
    """A value that the instrument sends in the item's own unit."""
    return _value(item, sent, unit, sent.value, unit)


def pressure(item: str, sent: Number, *, kpa: bool) -> DeviceValue:
    """A pressure in mmHg, from mmHg or kPa."""
    if not kpa:
        return as_sent(item, sent, "mmHg")
    return _value(item, sent, "kPa", None if sent.value is None else _rounded(sent.value / _KPA_PER_MMHG, "1"), "mmHg")


def glucose(sent: Number, *, mol: bool) -> DeviceValue:
    """Blood glucose in mmol/L, from mol/L or kg/L."""
    per_litre = None
    if sent.value is not None:
        # 1 mol/L = 1000 mmol/L; 1 kg/L = 1000 g/L.
        per_litre = _rounded(sent.value * 1000 / (1 if mol else _G_PER_MMOL_GLUCOSE), "0.1")
    return _value("glucose_mmol_l", sent, "mol/L" if mol else "kg/L", per_litre, "mmol/L")


def temperature(sent: Number, *, fahrenheit: bool) -> DeviceValue:
    """A temperature in ℃, from ℃ or ℉."""
    celsius = sent.value
    if celsius is not None:
        celsius = _rounded((celsius - 32) * 5 / 9 if fahrenheit else celsius, "0.1")
    return _value("temperature_c", sent, "℉" if fahrenheit else "℃", celsius, "℃")


def weight(sent: Number, *, pounds: bool) -> DeviceValue:
    """A weight in kg, from kg or lb."""
    if not pounds:
        return as_sent("weight_kg", sent, "kg")
    return _value(
        "weight_kg", sent, "lb", None if sent.value is None else _rounded(sent.value * _KG_PER_LB, "0.01"), "kg"
    )
