"""An analyser on the line: frames are judged one by one, messages taken whole or not at all."""

import asyncio
from datetime import datetime, timedelta, timezone
from importlib.resources import files

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cunyi.devices.catalogue import drivers
from cunyi.devices.drivers.astm_analyser.framing import checksum
from cunyi.devices.drivers.astm_analyser.parser import make_parser
from cunyi.devices.drivers.astm_analyser.records import Items
from cunyi.devices.simulation.line_instrument import SimulatedLine
from cunyi.devices.transports.line_state import LineState
from cunyi.devices.transports.replay import captures
from cunyi.devices.transports.serial_line import listen_serial

NOW = datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))
ENQ, ACK, NAK, EOT = b"\x05", b"\x06", b"\x15", b"\x04"
ASTM = next(driver for driver in drivers() if driver.id == "astm_analyser")
HEADER = "H|\\^&|||DEMO|||||||P|LIS2-A2|20261125090000"


def frame(number, text, *, end=b"\x03"):
    body = b"%d%s%s" % (number, text.encode(), end)
    return b"\x02" + body + checksum(body) + b"\r\n"


def message(*records):
    """A whole transmission, every record in a frame."""
    lines = [HEADER, *records, "L|1|N"]
    return ENQ + b"".join(frame(number % 8, line + "\r") for number, line in enumerate(lines, start=1)) + EOT


def told(data):
    parser = make_parser()
    parser.begin(NOW)
    return parser.feed("line", data, NOW)


def result(record, *, order="O|1|S1"):
    (measurement,) = told(message("P|1", order, record)).measurements
    (value,) = measurement.values
    return value, measurement


def answers(*pieces):
    parser = make_parser()
    return [b"".join(reply.data for reply in parser.feed("line", piece, NOW).replies) for piece in pieces]


def test_the_checksum_of_a_published_frame():
    body = b"5R|2|^^^1.0000+950+1.0|15|||^5^||V||34001637|20080516153540|20080516153602|34001637\r\x03"
    assert checksum(body) == b"3D"


def test_a_frame_is_answered_only_after_enq():
    first = frame(1, HEADER + "\r")
    assert answers(first, ENQ, first) == [b"", ACK, ACK]


@pytest.mark.parametrize(
    "wrong",
    [
        frame(2, HEADER + "\r"),
        frame(0, HEADER + "\r"),
        frame(1, HEADER + "\r").replace(b"DEMO", b"DEMA"),
        frame(1, HEADER + "\r").replace(b"\x03", b"\x43"),
        frame(1, HEADER + "\r").replace(b"\r\n", b"\n"),
    ],
    ids=["number", "the number before the first", "checksum", "no ETX", "no CR"],
)
def test_a_wrong_frame_is_refused_and_the_right_one_then_taken(wrong):
    assert answers(ENQ, wrong, frame(1, HEADER + "\r")) == [ACK, NAK, ACK]


def test_a_frame_that_comes_twice_is_answered_twice_and_counted_once():
    one = frame(4, "R|1|^^^K|4.1|mmol/L||||F\r")
    doubled = message("P|1", "O|1|S1", "R|1|^^^K|4.1|mmol/L||||F").replace(one, one + one)
    heard = told(doubled)
    assert len(heard.measurements[0].values) == 1
    assert [reply.data for reply in heard.replies] == [ACK] * 7


def test_frame_numbers_run_on_after_seven():
    records = [f"R|{number}|^^^K|4.{number}|mmol/L||||F" for number in range(1, 15)]
    (measurement,) = told(message("P|1", "O|1|S1", *records)).measurements
    assert [value.value for value in measurement.values][-1] == 4.14
    assert len(measurement.values) == 14


def test_six_refusals_are_a_noisy_line():
    parser = make_parser()
    parser.feed("line", ENQ, NOW)
    bad = frame(1, HEADER + "\r").replace(b"DEMO", b"DEMA")
    heard = [parser.feed("line", bad, NOW) for _ in range(6)]
    assert [one.trouble for one in heard] == [""] * 5 + ["noisy_line"]
    assert {one.state for one in heard} == {"asked_again"}
    assert parser.feed("line", EOT, NOW).trouble == "cut_off"


def test_half_a_message_is_never_taken():
    whole = message("P|1", "O|1|S1", "R|1|^^^K|4.1|mmol/L||||F")
    without_end = whole[: whole.rindex(b"\x02")]
    heard = told(without_end + EOT)
    assert (heard.measurements, heard.trouble, heard.state) == ((), "cut_off", "ready")
    again = told(without_end + whole)
    assert len(again.measurements) == 1
    assert again.trouble == "cut_off"


def test_a_silent_sender_is_given_up_after_thirty_seconds():
    parser = make_parser()
    parser.feed("line", ENQ + frame(1, HEADER + "\r"), NOW)
    assert parser.tick(NOW + timedelta(seconds=29)).trouble == ""
    assert parser.tick(NOW + timedelta(seconds=30)).trouble == "silent"
    assert parser.tick(NOW + timedelta(seconds=90)).trouble == ""
    assert parser.feed("line", frame(2, "P|1\r"), NOW + timedelta(seconds=91)).replies == ()


def test_another_speed_of_the_line_is_garbage():
    assert told(b"\xf8\x80\xfe\x1c\xff").trouble == "garbage"


def test_a_message_that_its_sender_gave_up_is_not_taken():
    whole = message("P|1", "O|1|S1", "R|1|^^^K|4.1|mmol/L||||F")
    given_up = whole.replace(frame(5, "L|1|N\r"), frame(5, "L|1|T\r"))
    assert told(given_up).measurements == ()


def test_records_without_a_header_are_unreadable():
    heard = told(ENQ + frame(1, "P|1\r") + frame(2, "L|1|N\r") + EOT)
    assert (heard.measurements, heard.trouble) == ((), "unreadable")


def test_other_delimiters_and_escapes():
    lines = ["H*~!$***DEMO", "P*1**VP$F$7", "O*1*S1", "R*1*!!!K*4.1*mmol/L", "C*1*I*a$S$b", "L*1*N"]
    frames = [frame(number, line + "\r") for number, line in enumerate(lines, start=1)]
    (measurement,) = told(ENQ + b"".join(frames)).measurements
    assert measurement.patient == "VP*7"
    assert measurement.values[0].item == "potassium"
    assert measurement.conclusion == "potassium：a!b"


@pytest.mark.parametrize(
    ("record", "item", "value", "unit"),
    [
        ("R|1|^^^HGB|9.8|g/dL||||F", "hemoglobin", 98.0, "g/L"),
        ("R|1|^^^UA|520|µmol/L||||F", "uric_acid", 520.0, "μmol/L"),
        ("R|1|^^^glu|5.5|MMOL/L||||F", "glucose_random", 5.5, "mmol/L"),
        ("R|1|^^^UREA|30|mg/dL||||F", "UREA", 30.0, "mg/dL"),
        ("R|1|^^^K|4.1|||||F", "K", 4.1, ""),
        ("R|1|^^^XYZ|1.5|AU||||F", "XYZ", 1.5, "AU"),
        ("R|1|^^^PRO|+++|||||F", "urine_protein", "3+", ""),
        ("R|1|^^^VC|+1|||||F", "VC", "+1", ""),
    ],
)
def test_what_a_result_becomes(record, item, value, unit):
    taken, measurement = result(record)
    assert (taken.item, taken.value, taken.unit) == (item, value, unit)
    assert measurement.final
    assert measurement.flags == ()


def test_a_urine_glucose_is_no_blood_glucose():
    urine = "O|1|S1||^^^GLU|R||||||||||URINE"
    taken, _ = result("R|1|^^^GLU|14|mmol/L||||F", order=urine)
    assert (taken.item, taken.value) == ("GLU", 14.0)
    taken, _ = result("R|1|^^^PH|6.5|||||F", order=urine)
    assert taken.item == "urine_ph"
    taken, _ = result("R|1|^^^PH|7.41|||||F")
    assert taken.item == "PH"


@pytest.mark.parametrize(
    ("record", "flags", "final"),
    [
        ("R|1|^^^K|<1.0|mmol/L||<||F", ("below_range",), True),
        ("R|1|^^^K|----|mmol/L||||F", ("no_value",), True),
        ("R|1|^^^K||mmol/L||||F", ("no_value",), True),
        ("R|1|^^^K|4.0|mmol/L||||X", ("not_done",), True),
        ("R|1|^^^K||mmol/L||||I", ("no_value",), False),
    ],
)
def test_no_value_is_none_with_a_reason(record, flags, final):
    taken, measurement = result(record)
    assert (taken.item, taken.value) == ("potassium", None)
    assert (measurement.flags, measurement.final) == (flags, final)


def test_preliminary_results_stand_apart():
    heard = told(
        message(
            "P|1", "O|1|S1", "R|1|^^^K|4.1|mmol/L||||P", "R|2|^^^NA|140|mmol/L||||R", "O|2|S2", "R|1|^^^CL|101|mmol/L"
        )
    )
    assert [(m.patient, m.final, m.flags, [v.item for v in m.values]) for m in heard.measurements] == [
        ("S1", True, ("sent_before",), ["sodium"]),
        ("S1", False, (), ["potassium"]),
        ("S2", True, (), ["chloride"]),
    ]


def test_units_and_factors_are_those_of_the_knowledge(knowledge_root):
    ranges = {}
    for file in (knowledge_root / "ranges").rglob("*.yaml"):
        ranges |= {item["id"]: item for item in yaml.safe_load(file.read_text(encoding="utf-8"))}
    written = files("cunyi.devices.drivers.astm_analyser") / "items.toml"
    table = msgspec.toml.decode(written.read_bytes(), type=Items)
    for known in [*table.numbers.values(), *table.urine_numbers.values()]:
        item = ranges[known.item]
        assert known.unit == (item.get("unit") or "")
        for unit, factor in known.units.items():
            assert item["units"][unit] == factor, (known.item, unit)
    for item in table.ordinals.values():
        assert set(table.scale.values()) <= set(ranges[item]["scale"])
    mapped = {known.item for known in [*table.numbers.values(), *table.urine_numbers.values()]} | set(
        table.ordinals.values()
    )
    assert mapped == set(ASTM.description.items)


@given(st.binary(max_size=400))
def test_records_of_any_content_are_no_failure(junk):
    body = (
        b"1"
        + bytes(byte for byte in b"H|\\^&\r" + junk + b"\rL|1|N\r" if byte not in b"\x02\x03\x04\x05\x0a\x17")
        + b"\x03"
    )
    heard = told(ENQ + b"\x02" + body + checksum(body) + b"\r\n")
    assert [reply.data for reply in heard.replies] == [ACK, ACK]


def test_over_a_real_line_with_refusal_and_retry():
    async def run():
        heard, states = [], []
        with SimulatedLine(captures("astm_analyser")["retry_and_repeat"]) as line:
            listening = listen_serial(ASTM, line.port, heard.append, states.append, lambda: NOW)
            task = asyncio.create_task(listening)
            await asyncio.to_thread(line.send)
            async with asyncio.timeout(5):
                while not heard or heard[-1].state != "ready" or len(heard) < 3:
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        measured = [measurement for one in heard for measurement in one.measurements]
        assert [value.item for value in measured[0].values] == ["alt", "creatinine"]
        assert NAK in [reply.data for one in heard for reply in one.replies]
        assert states == [LineState.SEARCHING, LineState.LISTENING]

    asyncio.run(run())
