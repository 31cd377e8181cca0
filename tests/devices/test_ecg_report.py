"""An ECG recorder's conclusion arrives as text; of the waveform nothing is kept."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cunyi.devices.drivers.ecg_report.parser import make_parser

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=timezone(timedelta(hours=8)))
LINES = ["@ECG 1", "编号:VP0042", "时间:2026-11-25 09:10:00", "心率:78", "结论:", "窦性心律", "大致正常心电图"]


def report(lines=LINES, wave=b"", total=None):
    body = "".join(f"{line}\r\n" for line in lines).encode("gb18030") + wave
    return body + b"@END %04X\r\n" % ((sum(body) if total is None else total) % 65536)


def feed(data):
    parser = make_parser()
    parser.begin(NOW)
    return parser.feed("line", data, NOW)


def held(parser):
    """Everything the parser keeps, as text; a byte that is no letter takes four characters."""
    return repr(vars(parser))


def test_the_conclusion_is_text():
    (measurement,) = feed(report()).measurements
    assert measurement.conclusion == "窦性心律\n大致正常心电图"
    assert [(value.item, value.value) for value in measurement.values] == [("pulse_bpm", 78.0)]
    assert (measurement.patient, measurement.clock_at) == ("VP0042", datetime(2026, 11, 25, 9, 10))


def waved(samples):
    return report(wave=b"@WAVE\r\n" + samples + b"\r\n@ENDWAVE\r\n")


@given(st.binary(max_size=3000).filter(lambda samples: b"@" not in samples))
def test_samples_change_nothing_and_are_not_kept(samples):
    parser = make_parser()
    parser.begin(NOW)
    data = waved(samples)
    end = data.rindex(b"@END ")
    parser.feed("line", data[:end], NOW)
    assert len(held(parser)) < 500
    (measurement,) = parser.feed("line", data[end:], NOW).measurements
    assert measurement.conclusion == "窦性心律\n大致正常心电图"


def test_samples_without_a_line_end_do_not_fill_the_memory():
    parser = make_parser()
    parser.feed("line", report()[:20] + b"@WAVE\r\n", NOW)
    for _ in range(50):
        parser.feed("line", b"\x7f" * 1000, NOW)
    assert len(held(parser)) < 5000


@pytest.mark.parametrize(
    "damaged",
    [
        report(total=1),
        report().replace("窦".encode("gbk"), "房".encode("gbk")),
        report([line for line in LINES if not line.startswith("时间")]),
        report(LINES[:4]),
        report([*LINES[:4], "0012 0013", *LINES[4:]]),
        report([*LINES, "很长" * 1500]),
        report(wave=b"@WAVE\r\n0012\r\n"),
    ],
    ids=["sum", "letter", "no time", "no conclusion", "unknown line", "too long", "waveform without end"],
)
def test_a_damaged_report_is_not_taken(damaged):
    heard = feed(damaged)
    assert (heard.measurements, heard.trouble) == ((), "damaged")


@pytest.mark.parametrize(
    ("rate", "value"), [("心率:---", None), ("心率:0", None), ("心率:101 bpm", 101.0), ("心率：66次/分", 66.0)]
)
def test_the_heart_rate(rate, value):
    (measurement,) = feed(report([*LINES[:3], rate, *LINES[4:]])).measurements
    assert [one.value for one in measurement.values] == [value]


def test_a_report_that_stops_is_given_up():
    parser = make_parser()
    parser.feed("line", report()[:60], NOW)
    assert parser.tick(NOW + timedelta(seconds=9)).trouble == ""
    assert parser.tick(NOW + timedelta(seconds=10)).trouble == "cut_off"
    assert len(parser.feed("line", report(), NOW + timedelta(seconds=11)).measurements) == 1
