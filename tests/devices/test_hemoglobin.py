"""Lines of the haemoglobin meter: checked, answered, asked for again."""

from datetime import datetime, timedelta, timezone
from functools import reduce
from operator import xor

import pytest

from cunyi.devices.drivers.hemoglobin_meter.parser import make_parser

NOW = datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))


def line(body):
    data = body.encode()
    return b"$%s*%02x\r\n" % (data, reduce(xor, data))


def feed(data):
    parser = make_parser()
    parser.begin(NOW)
    return parser.feed("line", data, NOW)


@pytest.mark.parametrize(
    ("written", "unit", "value"),
    [("13.2", "g/dL", 132), ("8.05", "g/dL", 80.5), ("98", "g/L", 98), ("HI", "g/L", None), ("LO", "g/dL", None)],
)
def test_a_result_stands_in_grams_a_litre(written, unit, value):
    heard = feed(line(f"HB,5,20261125085930,,{written},{unit},"))
    (one,) = heard.measurements[0].values
    assert (one.item, one.value, one.unit) == ("hemoglobin", value, "g/L")
    assert one.raw == (written if value is None else f"{written} {unit}")
    assert [reply.data for reply in heard.replies] == [b"$ACK,5*%02X\r\n" % reduce(xor, b"ACK,5")]


def test_a_wrong_checksum_is_never_a_result():
    heard = feed(line("HB,5,20261125085930,,13.2,g/dL,").replace(b"13.2", b"18.2"))
    assert (heard.measurements, heard.state) == ((), "asked_again")
    assert [reply.data for reply in heard.replies] == [b"$NAK*44\r\n"]


def test_a_line_cut_off_by_the_next_does_not_spoil_it():
    whole = line("HB,5,20261125085930,,13.2,g/dL,")
    heard = feed(whole[:12] + whole)
    assert [measurement.sequence for measurement in heard.measurements] == [5]


@pytest.mark.parametrize(
    "body",
    ["HB,5,20261325085930,,13.2,g/dL,", "HB,5,20261125085930,,13.2,mmol/L,", "HB,5,20261125085930,,-1,g/dL,", "XX,1"],
)
def test_what_cannot_be_read_is_said_and_not_taken(body):
    heard = feed(line(body))
    assert (heard.measurements, heard.replies, heard.trouble) == ((), (), "unreadable")


def test_another_instrument_is_garbage():
    assert feed(b"\x80\x81\x82 hello\r\n").trouble == "garbage"
    assert feed(b"x" * 500).trouble == "garbage"
