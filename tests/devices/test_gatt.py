"""Numbers, times and units of the Bluetooth profiles."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cunyi.devices.gatt import (
    Fields,
    MalformedError,
    Number,
    current_time,
    date_time,
    float32,
    glucose,
    pressure,
    sfloat,
    shifted,
    temperature,
    weight,
)
from cunyi.devices.simulation import gatt_values

SPECIALS = {0x07FF: "NaN", 0x0800: "NRes", 0x07FE: "+INF", 0x0802: "-INF", 0x0801: "reserved"}


def test_every_sfloat_is_its_mantissa_times_ten_to_its_exponent_or_nothing():
    for bits in range(0x10000):
        number = sfloat(bits)
        if bits in SPECIALS:
            assert number == Number(None, SPECIALS[bits])
            continue
        mantissa, exponent = bits & 0xFFF, bits >> 12
        mantissa -= 0x1000 if mantissa > 0x7FF else 0
        exponent -= 0x10 if exponent > 7 else 0
        assert number.value == Decimal(mantissa) * Decimal(10) ** exponent
        assert Decimal(number.text) == number.value
    assert sfloat(0xF0BD) == Number(Decimal("18.9"), "18.9")


@pytest.mark.parametrize(
    ("bits", "number"),
    [
        (0xFF00016E, Number(Decimal("36.6"), "36.6")),
        (0xFFFFFE92, Number(Decimal("-36.6"), "-36.6")),
        (0x00000025, Number(Decimal(37), "37")),
        (0x007FFFFF, Number(None, "NaN")),
        (0x00800000, Number(None, "NRes")),
        (0x007FFFFE, Number(None, "+INF")),
        (0x00800002, Number(None, "-INF")),
        (0x00800001, Number(None, "reserved")),
    ],
)
def test_float32(bits, number):
    assert float32(bits) == number


@given(st.integers(0, 0xFFFFFFFF))
def test_any_float32_becomes_a_value_in_every_unit(bits):
    number = float32(bits)
    for value in (temperature(number, fahrenheit=True), temperature(number, fahrenheit=False)):
        assert (value.value is None) == (number.value is None)
        assert len(value.raw) < 40


@given(st.decimals(min_value=-2, max_value=2, places=3))
def test_what_the_simulator_writes_is_read_again(number):
    assert Fields(gatt_values.sfloat(number)).sfloat().value == number
    assert Fields(gatt_values.float32(number)).float32().value == number


@given(st.datetimes(min_value=datetime(1582, 1, 1), max_value=datetime(9999, 12, 31)))
def test_a_time_is_read_as_it_was_written(at):
    at = at.replace(microsecond=0)
    assert Fields(date_time(at)).date_time() == at


@pytest.mark.parametrize(
    "value", ["00 00 0B 19 08 00 00", "EA 07 00 19 08 00 00", "EA 07 02 1E 08 00 00", "EA 07 0B 19 18 00 00"]
)
def test_an_unknown_or_impossible_time_is_none(value):
    assert Fields(bytes.fromhex(value)).date_time() is None


def test_the_current_time_has_the_weekday_and_the_256ths():
    at = datetime(2026, 11, 25, 9, 30, 5, 500_000)
    assert current_time(at) == bytes.fromhex("EA 07 0B 19 09 1E 05 03 80 01")


def test_a_clock_is_moved_by_its_offset_or_is_unknown():
    assert shifted(datetime(2026, 11, 25, 23, 59), 2) == datetime(2026, 11, 26, 0, 1)
    assert shifted(None, 5) is None
    assert shifted(datetime(9999, 12, 31, 23, 59), 32767) is None


def sent(text):
    return Number(Decimal(text), text)


@pytest.mark.parametrize(
    ("converted", "value", "raw"),
    [
        (pressure("systolic_mmhg", sent("18.9"), kpa=True), 142, "18.9 kPa"),
        (pressure("diastolic_mmhg", sent("11.0"), kpa=True), 83, "11.0 kPa"),
        (pressure("systolic_mmhg", sent("158"), kpa=False), 158, "158 mmHg"),
        (glucose(sent("0.0055"), mol=True), 5.5, "0.0055 mol/L"),
        (glucose(sent("0.00126"), mol=False), 7.0, "0.00126 kg/L"),
        (glucose(sent("0.00070"), mol=False), 3.9, "0.00070 kg/L"),
        (temperature(sent("98.6"), fahrenheit=True), 37.0, "98.6 ℉"),
        (temperature(sent("36.65"), fahrenheit=False), 36.7, "36.65 ℃"),
        (weight(sent("137.46"), pounds=True), 62.35, "137.46 lb"),
        (weight(sent("62.350"), pounds=False), 62.35, "62.350 kg"),
        (pressure("systolic_mmhg", Number(None, "NaN"), kpa=True), None, "NaN"),
        (glucose(Number(None, "+INF"), mol=False), None, "+INF"),
    ],
)
def test_units(converted, value, raw):
    assert (converted.value, converted.raw) == (value, raw)


def test_bytes_that_are_missing_or_left_over_are_told():
    fields = Fields(b"\x01\x02\x03")
    assert fields.unsigned(2) == 0x0201
    with pytest.raises(MalformedError):
        fields.end()
    with pytest.raises(MalformedError):
        fields.unsigned(2)
    with pytest.raises(MalformedError):
        Fields(b"\xea\x07\x0b").date_time()
