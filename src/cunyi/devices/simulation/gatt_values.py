"""What the simulated Bluetooth instruments send: values as bytes, the counterpart of `cunyi.devices.gatt`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from cunyi.devices.gatt import date_time

NO_VALUE = (0x07FF).to_bytes(2, "little")


def sfloat(value: Decimal | int | str | None) -> bytes:
    """A 16-bit SFLOAT of at most three and a half digits; None is its "no number"."""
    if value is None:
        return NO_VALUE
    mantissa, exponent = _parts(Decimal(value))
    return ((exponent & 0xF) << 12 | mantissa & 0xFFF).to_bytes(2, "little")


def float32(value: Decimal | int | str) -> bytes:
    """A 32-bit FLOAT."""
    mantissa, exponent = _parts(Decimal(value))
    return ((exponent & 0xFF) << 24 | mantissa & 0xFFFFFF).to_bytes(4, "little")


def _parts(value: Decimal) -> tuple[int, int]:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("not a number")
    mantissa = int("".join(map(str, digits)))
    return (-mantissa if sign else mantissa), exponent


def blood_pressure(systolic: int, diastolic: int, pulse: int | None, *, at: datetime | None, status: int) -> bytes:
    """A value of 2A35, in mmHg."""
    mean = diastolic + (systolic - diastolic) // 3
    flags = 0x10 | (0x02 if at else 0) | (0x04 if pulse is not None else 0)
    value = bytes([flags]) + sfloat(systolic) + sfloat(diastolic) + sfloat(mean)
    value += date_time(at) if at else b""
    value += sfloat(pulse) if pulse is not None else b""
    return value + status.to_bytes(2, "little")


def oximeter_single(spo2: int, pulse: int, *, at: datetime | None) -> bytes:
    """A value of 2A5E."""
    return bytes([0x01 if at else 0]) + sfloat(spo2) + sfloat(pulse) + (date_time(at) if at else b"")


def oximeter_running(spo2: int | None, pulse: int | None) -> bytes:
    """A value of 2A5F; None while no finger is in it."""
    return b"\x00" + sfloat(spo2) + sfloat(pulse)


def glucose_record(
    sequence: int, mmol_l: Decimal | str, *, at: datetime, control_solution: bool, meal: int | None
) -> tuple[bytes, bytes | None]:
    """A value of 2A18 in mol/L, and of 2A34 where a meal was entered."""
    kind = 0x4A if control_solution else 0x11
    flags = 0x02 | 0x04 | (0x10 if meal is not None else 0)
    number = sequence.to_bytes(2, "little")
    record = bytes([flags]) + number + date_time(at) + sfloat(Decimal(mmol_l).scaleb(-3)) + bytes([kind])
    return record, None if meal is None else b"\x02" + number + bytes([meal])


def thermometer(celsius: Decimal | str, *, at: datetime | None, site: int | None) -> bytes:
    """A value of 2A1C, in ℃."""
    flags = (0x02 if at else 0) | (0x04 if site is not None else 0)
    value = bytes([flags]) + float32(Decimal(celsius)) + (date_time(at) if at else b"")
    return value + (bytes([site]) if site is not None else b"")


def weight(kg: Decimal | str, *, at: datetime | None) -> bytes:
    """A value of 2A9D, in kg."""
    steps = int(Decimal(kg) / Decimal("0.005"))
    return bytes([0x02 if at else 0]) + steps.to_bytes(2, "little") + (date_time(at) if at else b"")
