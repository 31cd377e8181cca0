"""Frames of the three-in-one meter: units, marks, damage."""

import struct
from datetime import datetime, timedelta, timezone

import pytest
import yaml

from cunyi.devices.drivers.three_in_one.frames import Kind, make_frame
from cunyi.devices.drivers.three_in_one.parser import FACTORS, UNITS, make_parser

NOW = datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))


def frame(*, test=1, unit=0, value=63, decimals=1, marks=0, month=11):
    payload = struct.pack("<H6BBBHBB", 7, 26, month, 25, 9, 1, 30, test, unit, value, decimals, marks)
    return make_frame(Kind.RESULT, payload)


def feed(*pieces):
    parser = make_parser()
    parser.begin(NOW)
    return [parser.feed("FFF1", piece, NOW) for piece in pieces]


def test_the_example_of_the_document():
    example = bytes.fromhex("AA 55 0F 82 07 00 1A 0B 19 09 01 1E 01 00 3F 00 01 00 3F")
    assert frame() == example
    (heard,) = feed(example)
    (measurement,) = heard.measurements
    assert (measurement.sequence, measurement.clock_at) == (7, datetime(2026, 11, 25, 9, 1, 30))
    assert (measurement.values[0].value, measurement.values[0].raw) == (6.3, "6.3 mmol/L")
    assert [reply.data for reply in heard.replies] == [bytes.fromhex("AA 55 03 03 07 00 0D")]


@pytest.mark.parametrize(
    ("test", "unit", "value", "decimals", "item", "taken", "raw"),
    [
        (1, 1, 126, 0, "glucose_mmol_l", 6.993, "126 mg/dL"),
        (2, 2, 420, 0, "uric_acid", 420.0, "420 μmol/L"),
        (2, 1, 71, 1, "uric_acid", 422.308, "7.1 mg/dL"),
        (2, 0, 420, 3, "uric_acid", 420.0, "0.420 mmol/L"),
        (3, 1, 200, 0, "total_cholesterol", 5.172, "200 mg/dL"),
    ],
)
def test_values_stand_in_the_unit_of_the_knowledge(test, unit, value, decimals, item, taken, raw):
    (heard,) = feed(frame(test=test, unit=unit, value=value, decimals=decimals))
    (one,) = heard.measurements[0].values
    assert (one.item, one.value, one.raw) == (item, pytest.approx(taken), raw)


@pytest.mark.parametrize(("marks", "raw", "flag"), [(1, "HI", "above_range"), (2, "LO", "below_range")])
def test_beyond_the_range_there_is_no_value(marks, raw, flag):
    (heard,) = feed(frame(marks=marks))
    (measurement,) = heard.measurements
    assert (measurement.values[0].value, measurement.values[0].raw, measurement.flags) == (None, raw, (flag,))


@pytest.mark.parametrize(
    "wrong",
    [
        frame(test=4),
        frame(unit=3),
        frame(test=1, unit=2),
        frame(decimals=9),
        frame(month=13),
        make_frame(Kind.RESULT, b"\x07"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_taken(wrong):
    (heard,) = feed(wrong)
    assert (heard.measurements, heard.replies, heard.trouble) == ((), (), "unreadable")


def test_a_damaged_frame_is_asked_for_again_and_hides_no_other():
    damaged = frame().replace(b"\x3f\x00", b"\x5f\x00", 1)
    first, second = feed(damaged, frame())
    assert (first.measurements, first.state) == ((), "asked_again")
    assert [reply.data for reply in first.replies] == [make_frame(Kind.SEND_AGAIN)]
    assert len(second.measurements) == 1


def test_a_start_split_over_two_notifications():
    whole = frame()
    first, second = feed(b"\x00" + whole[:1], whole[1:])
    assert first.state == "asked_again"
    assert len(second.measurements) == 1


def test_factors_are_those_of_the_knowledge(knowledge_root):
    ranges = {}
    for file in (knowledge_root / "ranges").rglob("*.yaml"):
        ranges |= {item["id"]: item for item in yaml.safe_load(file.read_text(encoding="utf-8"))}
    for (item, unit), factor in FACTORS.items():
        assert factor == {ranges[item]["unit"]: 1, **ranges[item]["units"]}[unit]
        assert UNITS[item] == ranges[item]["unit"]
