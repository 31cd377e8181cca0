"""Captures are read line by line, and played into a parser without any line."""

from datetime import datetime, timedelta, timezone

import pytest

from cunyi.devices.driver import Description, Driver, Heard, Words, Write
from cunyi.devices.transports.replay import read_capture, replay
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import DeviceKind, DeviceValue, Measurement

CAPTURE = """\
# a remark
origin: synthetic
about: asks, hears, answers
now: 2026-11-25T09:00:00+08:00
+0.000 begin
+0.010 > line "hello\\r\\n"        # a greeting
+0.250 < line 33 36 2E 35         # 36.5
+0.260 > line 06
+30.000 tick
"""


class Echo:
    """Greets, answers every piece with ACK and takes it for a temperature; a tick is a trouble."""

    def begin(self, now):
        return Heard(replies=(Write("line", b"hello\r\n"),), state="ready")

    def feed(self, channel, data, now):
        value = DeviceValue(item="temperature_c", value=float(data), unit="℃", raw=data.decode())
        measured = Measurement(values=(value,), clock_at=now.replace(tzinfo=None))
        return Heard(measurements=(measured,), replies=(Write(channel, b"\x06"),))

    def tick(self, now):
        return Heard(trouble=f"silent since {now:%M:%S}")


WORDS = Words(zh="体温计", en="Thermometer")
DESCRIPTION = Description(
    id="echo", name=WORDS, kind=DeviceKind.THERMOMETER, items=("temperature_c",), document="none", no_answer=WORDS
)
ECHO = Driver(description=DESCRIPTION, parser=Echo)


def test_a_capture_is_read():
    capture = read_capture(CAPTURE)
    assert (capture.origin, capture.about) == ("synthetic", "asks, hears, answers")
    assert capture.now == datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))
    assert [step.kind.value for step in capture.steps] == ["begin", ">", "<", ">", "tick"]
    assert capture.steps[1].data == b"hello\r\n"
    assert capture.steps[2].data == b"36.5"
    assert capture.steps[4].after == timedelta(seconds=30)


def test_what_a_parser_makes_of_it():
    replayed = replay(ECHO, read_capture(CAPTURE))
    assert replayed.differences == ()
    assert [value.value for measured in replayed.measurements for value in measured.values] == [36.5]
    assert replayed.measurements[0].clock_at == datetime(2026, 11, 25, 9, 0, 0, 250_000)
    assert replayed.states == ("ready",)
    assert replayed.troubles == ("silent since 00:30",)
    assert [write.data for write in replayed.written] == [b"hello\r\n", b"\x06"]


def test_other_bytes_too_few_and_too_many_are_differences():
    other = replay(ECHO, read_capture(CAPTURE.replace("> line 06", "> line 15")))
    assert other.differences == ("line 8: line 15 expected, line 06 written",)
    missing = replay(ECHO, read_capture(CAPTURE + "+31 > line 04\n"))
    assert missing.differences == ("line 10: line 04 was not written",)
    greeted = replay(ECHO, read_capture(CAPTURE.replace("hello", 'a \\"b\\" \\\\')))
    assert greeted.differences == (r'line 6: line "a \"b\" \\\r\n" expected, line "hello\r\n" written',)
    unsaid = replay(ECHO, read_capture(CAPTURE.replace("+0.260 > line 06\n", "")))
    assert unsaid.differences == ("not in the capture: line 06",)


def test_an_answer_that_comes_too_late_is_a_difference():
    late = CAPTURE.replace("+0.260 > line 06\n+30.000 tick\n", "+30.000 tick\n+30.000 > line 06\n")
    assert replay(ECHO, read_capture(late)).differences == (
        "not in the capture: line 06",
        "line 9: line 06 was not written",
    )


def test_text_with_control_characters():
    head = "origin: synthetic\nabout: x\nnow: 2026-11-25T09:00:00+08:00\n"
    steps = read_capture(head + '+0 < line "\\x021H|\\\\^& \\"#\\" \\r"  # the end\n').steps
    assert steps[0].data == b'\x021H|\\^& "#" \r'


@pytest.mark.parametrize(
    "wrong",
    [
        "+0.3 <",
        "+0.3 < line 4",
        "+0.3 < line XX",
        '+0.3 < line "abc',
        '+0.3 < line "a" b',
        '+0.3 < line "\\q"',
        "+0.3 say",
        "+x tick",
        "+0.1 tick",
        "then",
    ],
)
def test_the_line_that_cannot_be_read_is_named(wrong):
    with pytest.raises(UserError) as caught:
        read_capture(CAPTURE.replace("+30.000 tick", wrong))
    assert caught.value.message == f"录制文件第9行读不懂：{wrong}"


@pytest.mark.parametrize(
    ("heading", "changed", "told"),
    [
        ("origin: synthetic", "", "origin"),
        ("origin: synthetic", "origin: perhaps", "synthetic"),
        ("now: 2026-11-25T09:00:00+08:00", "now: 2026-11-25T09:00:00", "时区"),
        ("now: 2026-11-25T09:00:00+08:00", "now: today", "时区"),
    ],
)
def test_a_capture_says_where_it_is_from_and_when(heading, changed, told):
    with pytest.raises(UserError, match=told):
        read_capture(CAPTURE.replace(heading, changed))
