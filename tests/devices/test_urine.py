"""A table of plain text without a checksum is taken whole or not at all."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from cunyi.devices.catalogue import drivers
from cunyi.devices.drivers.urine_table.parser import make_parser
from cunyi.devices.simulation.line_instrument import SimulatedLine
from cunyi.devices.transports import serial_line
from cunyi.devices.transports.line_state import LineState
from cunyi.devices.transports.replay import captures
from cunyi.devices.transports.serial_line import listen_serial

NOW = datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))
URINE = next(driver for driver in drivers() if driver.id == "urine_table")
ROWS = ["UBG Normal", "BIL -", "KET -", "BLD -", "PRO +1 0.3g/L", "NIT -", "LEU -", "GLU -", "SG 1.015", "pH 6.5"]


def told(rows, *, number="No.7", time="2026-11-25 08:55"):
    parser = make_parser()
    parser.begin(NOW)
    table = "".join(f"{line}\r\n" for line in [number, time, *rows])
    return parser.feed("line", b"\x02" + table.encode("latin-1") + b"\x03", NOW)


def test_steps_are_kept_as_text_and_quantities_as_they_were_sent():
    (measurement,) = told(ROWS).measurements
    protein = next(value for value in measurement.values if value.item == "urine_protein")
    assert (protein.value, protein.raw, protein.unit) == ("1+", "+1 0.3g/L", "")
    assert [value.value for value in measurement.values if value.item in {"urine_sg", "urine_ph"}] == [1.015, 6.5]
    assert (measurement.sequence, measurement.clock_at, measurement.patient) == (7, datetime(2026, 11, 25, 8, 55), "")


@pytest.mark.parametrize(
    ("written", "value"),
    [("-", "-"), ("Neg", "-"), ("Normal", "-"), ("+-", "±"), ("+", "1+"), ("Pos", "1+"), ("+1", "1+"), ("+4", "4+")],
)
def test_the_steps_of_the_scale(written, value):
    rows = [row if not row.startswith("GLU") else f"*GLU  {written}" for row in ROWS]
    (measurement,) = told(rows).measurements
    assert next(one.value for one in measurement.values if one.item == "urine_glucose") == value


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:-1],
        [*ROWS, ROWS[0]],
        [*ROWS[:-1], "pH 6x5"],
        [*ROWS[:-1], "pH 65"],
        [*ROWS[:3], "BLD +5", *ROWS[4:]],
        [*ROWS[:3], "BL\xc4 -", *ROWS[4:]],
        [*ROWS, "XYZ -"],
        [],
    ],
    ids=["missing", "twice", "no number", "no point", "no step", "not ASCII", "unknown", "empty"],
)
def test_a_table_that_does_not_fit_is_refused_whole(rows):
    heard = told(rows)
    assert (heard.measurements, heard.trouble) == ((), "damaged")


def test_a_clock_that_was_never_set_is_refused():
    assert told(ROWS, time="2026-00-00 00:00").trouble == "damaged"


def test_an_endless_table_is_given_up():
    parser = make_parser()
    assert parser.feed("line", b"\x02" + b"A" * 3000, NOW).trouble == "damaged"


@pytest.mark.parametrize("driver_id", ["urine_table", "hemoglobin_meter", "ecg_report"])
def test_over_a_real_line_unplugged_and_plugged_in_again(driver_id, monkeypatch):
    monkeypatch.setattr(serial_line, "RETRY_SECONDS", 0.05)
    driver = next(driver for driver in drivers() if driver.id == driver_id)
    name, capture = list(captures(driver_id).items())[-1]

    async def run():
        heard, states = [], []

        def measured():
            return [measurement for one in heard for measurement in one.measurements]

        async def until(reached):
            async with asyncio.timeout(5):
                while not reached():
                    await asyncio.sleep(0.01)

        with SimulatedLine(capture) as line:
            listening = listen_serial(driver, line.port, heard.append, states.append, lambda: capture.now)
            task = asyncio.create_task(listening)
            await asyncio.to_thread(line.send)
            await until(measured)
            once = len(measured())
            line.unplug()
            await until(lambda: states[-2:] == [LineState.LOST, LineState.SEARCHING])
            line.plug_in()
            await asyncio.to_thread(line.send)
            await until(lambda: len(measured()) == 2 * once)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert measured()[:once] == measured()[once:], name

    asyncio.run(run())
