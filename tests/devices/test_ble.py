"""Bluetooth instruments from the air to a measurement: bleak and the program's own code over real GATT (bumble's emulated radio)."""

import asyncio
import importlib
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from bleak.backends.scanner import BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from cunyi.devices.catalogue import drivers
from cunyi.devices.driver import Driver, Heard
from cunyi.devices.simulation.radio import SimulatedRadio
from cunyi.devices.transports import ble
from cunyi.devices.transports.ble import listen_ble, scan_ble
from cunyi.devices.transports.line_state import LineState
from cunyi.devices.transports.radio import Advertisement, BleakRadio, RadioError, RadioFailure, short_id
from cunyi.domain.errors import UserError

CHINA = timezone(timedelta(hours=8))
START = datetime(2026, 11, 25, 9, tzinfo=CHINA)
METER_CLOCK = datetime(2026, 11, 25, 8, 59, 40)
DRIVERS = {driver.id: driver for driver in drivers()}
FAST = 40


class Listening:
    """A listener at work, and everything it told. Its clock runs `FAST` times as fast as ours."""

    def __init__(self, radio, driver: Driver | str, address: str) -> None:
        self.heard: list[Heard] = []
        self.lines: list[LineState] = []
        self.news = asyncio.Event()
        driver = DRIVERS[driver] if isinstance(driver, str) else driver
        # As fast as the clock.
        tick_ms = driver.description.tick_ms // FAST
        driver = msgspec.structs.replace(
            driver, description=msgspec.structs.replace(driver.description, tick_ms=tick_ms)
        )
        began = asyncio.get_running_loop().time()

        def clock() -> datetime:
            return START + FAST * timedelta(seconds=asyncio.get_running_loop().time() - began)

        self.task = asyncio.create_task(listen_ble(driver, address, self.hear, self.line, clock, radio=radio))

    def hear(self, heard: Heard) -> None:
        self.heard.append(heard)
        self.news.set()

    def line(self, state: LineState) -> None:
        self.lines.append(state)
        self.news.set()

    @property
    def measurements(self):
        return [measurement for heard in self.heard for measurement in heard.measurements]

    @property
    def results(self):
        return [measurement for measurement in self.measurements if measurement.final]

    @property
    def facts(self):
        return {name: fact for heard in self.heard for name, fact in heard.facts.items()}

    @property
    def troubles(self):
        return [heard.trouble for heard in self.heard if heard.trouble]

    async def until(self, condition: Callable[["Listening"], object]) -> None:
        async with asyncio.timeout(10):
            while not condition(self):
                self.news.clear()
                if self.task.done():
                    self.task.result()
                await self.news.wait()

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(ble, "_RETRY_S", 0.01)
    monkeypatch.setattr(ble, "_RETRY_LATER_S", 0.02)


@asynccontextmanager
async def listening(radio, driver, address):
    listener = Listening(radio, driver, address)
    try:
        yield listener
    finally:
        await listener.stop()


def values(measurement):
    return {value.item: value.value for value in measurement.values}


def test_a_scan_finds_the_five_and_which_driver_fits():
    async def run():
        radio = SimulatedRadio()
        await radio.turn_all_on()
        return await scan_ble(0.3, list(DRIVERS.values()), radio)

    found = asyncio.run(run())
    assert {(one.name, one.services, one.drivers) for one in found} == {
        ("SIM-BP", ("1810",), ("ble_blood_pressure",)),
        ("SIM-SPO2", ("1822",), ("ble_oximeter",)),
        ("SIM-GLU", ("1808",), ("ble_glucose",)),
        ("SIM-TEMP", ("1809",), ("ble_thermometer",)),
        ("SIM-WEIGHT", ("181D",), ("ble_weight",)),
    }


def test_blood_pressure():
    async def run():
        radio = SimulatedRadio()
        meter = radio.blood_pressure
        meter.leaves_after = 0.05
        async with listening(radio, "ble_blood_pressure", meter.address.lower()) as listener:
            await meter.measure(systolic=158, diastolic=95, pulse=82, at=METER_CLOCK, status=4)
            await listener.until(lambda it: it.lines[-2:] == [LineState.LOST, LineState.SEARCHING])
        return meter, listener

    meter, listener = asyncio.run(run())
    assert [values(one) for one in listener.measurements] == [
        {"systolic_mmhg": 158, "diastolic_mmhg": 95, "pulse_bpm": 82}
    ]
    assert listener.results[0].flags == ("irregular_pulse",)
    assert listener.results[0].clock_at == METER_CLOCK
    assert [heard.state for heard in listener.heard if heard.state] == ["ready", "measuring", "received"]
    assert listener.facts == {"model": "SIM-BP", "serial": "SIM-1810", "firmware": "1.0", "manufacturer": "Cunyi"}
    assert [heard.battery_pct for heard in listener.heard if heard.battery_pct] == [80]
    # It has 2A2B and no 2A08: one of the two was written.
    assert [setting[:6] for setting in meter.clock_settings] == [bytes.fromhex("EA 07 0B 19 09 00")]
    expected = [LineState.SEARCHING, LineState.CONNECTING, LineState.LISTENING, LineState.LOST, LineState.SEARCHING]
    assert listener.lines == expected


def test_thermometer_scale_and_a_single_oximeter_value_side_by_side():
    async def run():
        radio = SimulatedRadio()
        async with (
            listening(radio, "ble_thermometer", radio.thermometer.address) as thermometer,
            listening(radio, "ble_weight", radio.weight.address) as scale,
            listening(radio, "ble_oximeter", radio.oximeter.address) as oximeter,
        ):
            await asyncio.gather(
                radio.thermometer.measure("36.6"),
                radio.weight.measure("62.35", at=METER_CLOCK),
                radio.oximeter.measure(spo2=97, pulse=72),
            )
            for listener in (thermometer, scale, oximeter):
                await listener.until(lambda it: it.results)
        return thermometer.results + scale.results + oximeter.results

    temperature, weight, saturation = asyncio.run(run())
    assert (values(temperature), temperature.flags) == ({"temperature_c": 36.6}, ("armpit",))
    assert (values(weight), weight.clock_at) == ({"weight_kg": 62.35}, METER_CLOCK)
    assert values(saturation) == {"spo2_pct": 97, "pulse_bpm": 72}


def test_a_running_oximeter():
    async def run():
        radio = SimulatedRadio()
        async with listening(radio, "ble_oximeter", radio.oximeter.address) as listener:
            await radio.oximeter.stream(spo2=96, pulse=70, values=14, every=1 / FAST)
            await listener.until(lambda it: it.heard[-1].state == "no_finger")
        return listener

    listener = asyncio.run(run())
    assert [values(one) for one in listener.results] == [{"spo2_pct": 96, "pulse_bpm": 70}]
    assert len([one for one in listener.measurements if not one.final]) == 14


def test_glucose_the_last_record_then_what_is_measured_next():
    async def run():
        radio = SimulatedRadio()
        meter = radio.glucose
        meter.store("7.8", at=METER_CLOCK, meal=2)
        meter.store("6.1", at=METER_CLOCK, control_solution=True)
        meter.store("5.4", at=METER_CLOCK, meal=3)
        async with listening(radio, "ble_glucose", meter.address) as listener:
            await meter.turn_on()
            await listener.until(lambda it: it.results)
            await meter.measure("6.0", at=METER_CLOCK, control_solution=True)
            await meter.measure("9.1", at=METER_CLOCK)
            await listener.until(lambda it: len(it.results) == 3)
        return meter, listener.results

    meter, results = asyncio.run(run())
    assert [(values(one)["glucose_mmol_l"], one.sequence, one.control_solution, one.flags) for one in results] == [
        (5.4, 3, False, ("fasting",)),
        (6.0, 4, True, ()),
        (9.1, 5, False, ()),
    ]
    assert meter.asked[:2] == [bytes.fromhex("01 06"), bytes.fromhex("01 03 01 04 00")]


def test_glucose_all_records_of_a_meter_that_leaves_half_way_and_comes_back():
    async def run():
        radio = SimulatedRadio()
        meter = radio.glucose
        meter.knows_last = False
        meter.break_after = 1
        meter.store("7.8", at=METER_CLOCK)
        meter.store("6.1", at=METER_CLOCK, control_solution=True)
        meter.store(Decimal("5.4"), at=METER_CLOCK)
        async with listening(radio, "ble_glucose", meter.address) as listener:
            await meter.turn_on()
            await listener.until(lambda it: LineState.LOST in it.lines)
            half = [one.sequence for one in listener.results]
            await meter.turn_on()
            await listener.until(lambda it: len(it.results) == 4)
        return half, [(one.sequence, one.control_solution) for one in listener.results]

    half, everything = asyncio.run(run())
    assert half == [1]
    # Sent again after the break, by number: what is known already is recognised where readings are received.
    assert everything[1:] == [(1, False), (2, True), (3, False)]


def test_a_meter_that_goes_away_and_comes_back_is_listened_to_again():
    async def run():
        radio = SimulatedRadio()
        meter = radio.blood_pressure
        async with listening(radio, "ble_blood_pressure", meter.address) as listener:
            await meter.turn_on()
            await listener.until(lambda it: LineState.LISTENING in it.lines)
            await meter.turn_off()
            await listener.until(lambda it: LineState.LOST in it.lines)
            await meter.measure(systolic=120, diastolic=80)
            await listener.until(lambda it: it.results)
        return listener

    listener = asyncio.run(run())
    assert [values(one) for one in listener.results] == [{"systolic_mmhg": 120, "diastolic_mmhg": 80}]
    assert listener.lines.count(LineState.LISTENING) == 2


def test_a_driver_that_does_not_fit_says_so():
    async def run():
        radio = SimulatedRadio()
        await radio.start()
        await radio.weight.turn_on()
        async with listening(radio, "ble_oximeter", radio.weight.address) as listener:
            await listener.until(lambda it: it.troubles)
        return listener

    listener = asyncio.run(run())
    assert listener.troubles == ["not_this_instrument"]
    assert LineState.LISTENING not in listener.lines


class NoBluetooth(BaseBleakScanner):
    """The scanner of a computer without Bluetooth."""

    def __init__(self, detection_callback, service_uuids, *_, **__) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        raise BleakBluetoothNotAvailableError("none", BleakBluetoothNotAvailableReason.NO_BLUETOOTH)

    async def stop(self) -> None:
        raise AssertionError("was never started")


def test_a_computer_without_bluetooth():
    async def run():
        radio = BleakRadio(scanner=NoBluetooth)
        async with listening(radio, "ble_weight", "C0:00:00:00:18:1D") as listener:
            await listener.until(lambda it: it.lines.count(LineState.NOT_ALLOWED) == 2)
        await scan_ble(0.1, [], radio)

    with pytest.raises(UserError, match="没有可以用的蓝牙"):
        asyncio.run(run())


def test_a_serial_instrument_is_not_listened_to_over_bluetooth():
    async def run():
        await Listening(SimulatedRadio(), "id_card", "C0:00:00:00:18:1D").task

    with pytest.raises(UserError, match="不是蓝牙仪器"):
        asyncio.run(run())


class StubbornLink:
    """A connection to an instrument that refuses: `failures` by what is done ("subscribe", "write 2A52", "pair")."""

    def __init__(self, failures, gone, on_write=None) -> None:
        self.channels = frozenset({"2A18", "2A52", "2A2B", "2A24"})
        self.failures = failures
        self.gone = gone
        self.on_write = on_write
        self.heard = {}
        self.paired = False

    def fail(self, what):
        if what in self.failures:
            raise RadioError(self.failures[what])

    async def read(self, channel):
        self.fail("read")
        return b"X"

    async def write(self, channel, data, *, acknowledged):
        if self.on_write:
            self.on_write(self, channel)
        self.fail(f"write {channel}")

    async def subscribe(self, channel, heard):
        self.heard[channel] = heard
        if not self.paired:
            self.fail("subscribe")

    async def pair(self):
        self.fail("pair")
        self.paired = True


class StubbornRadio:
    """A radio with one such instrument near it."""

    def __init__(self, failures, on_write=None) -> None:
        self.failures = failures
        self.on_write = on_write

    @asynccontextmanager
    async def watch(self, seen):
        seen(Advertisement(address="C0:1", name="", services=("1808",)))
        yield

    @asynccontextmanager
    async def connect(self, address, gone):
        yield StubbornLink(self.failures, gone, self.on_write)


@pytest.mark.parametrize(
    ("failures", "trouble", "listened"),
    [
        ({"subscribe": RadioFailure.NEEDS_PAIRING, "pair": RadioFailure.REFUSED}, "needs_pairing", False),
        ({"subscribe": RadioFailure.REFUSED}, "refused", False),
        ({"write 2A52": RadioFailure.REFUSED}, "refused", True),
        ({"write 2A52": RadioFailure.NEEDS_PAIRING}, "needs_pairing", True),
    ],
)
def test_what_an_instrument_refuses_is_told(failures, trouble, listened):
    async def run():
        async with listening(StubbornRadio(failures), "ble_glucose", "c0:1") as listener:
            await listener.until(lambda it: it.troubles)
        return listener

    listener = asyncio.run(run())
    assert listener.troubles[0] == trouble
    assert (LineState.LISTENING in listener.lines) == listened


def test_an_instrument_that_wants_pairing_is_paired():
    async def run():
        radio = StubbornRadio({"subscribe": RadioFailure.NEEDS_PAIRING})
        async with listening(radio, "ble_glucose", "c0:1") as listener:
            await listener.until(lambda it: LineState.LISTENING in it.lines)
            await listener.until(lambda it: it.facts)
        return listener

    assert asyncio.run(run()).troubles == []


def test_a_clock_that_cannot_be_set_and_a_model_that_is_kept_secret_are_no_trouble():
    async def run():
        radio = StubbornRadio({"write 2A2B": RadioFailure.REFUSED, "read": RadioFailure.REFUSED})
        async with listening(radio, "ble_glucose", "c0:1") as listener:
            await listener.until(lambda it: LineState.LISTENING in it.lines)
            await asyncio.sleep(0.02)
        return listener

    listener = asyncio.run(run())
    assert (listener.troubles, listener.facts) == ([], {})


def test_a_reading_that_came_before_the_instrument_left_counts():
    record = bytes.fromhex("06 07 00 EA 07 0B 19 08 37 00 4E C0 11")

    def leave(link, channel):
        link.heard["2A18"](record)
        link.failures = {f"write {channel}": RadioFailure.GONE}

    async def run():
        async with listening(StubbornRadio({}, leave), "ble_glucose", "c0:1") as listener:
            await listener.until(lambda it: LineState.LOST in it.lines)
        return listener

    assert values(asyncio.run(run()).results[0]) == {"glucose_mmol_l": 7.8}


def test_short_ids():
    assert short_id("00002A35-0000-1000-8000-00805F9B34FB") == "2A35"
    assert short_id("6E400003-B5A3-F393-E0A9-E50E24DCCA9E") == "6e400003-b5a3-f393-e0a9-e50e24dcca9e"


def test_without_bumble_it_is_said_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "bumble"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("cunyi.devices.simulation.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UserError, match=r"pip install cunyi\[simulation\]"):
        importlib.import_module("cunyi.devices.simulation.radio")
