"""A serial line over a real pty: bytes in, answers out, unplugged, plugged in again, refused, closed at once."""

import asyncio
import fcntl
import os
import time
from datetime import datetime, timedelta, timezone

import pytest
import serial

from cunyi.devices.driver import Description, Driver, Heard, SerialDescription, Words, Write
from cunyi.devices.simulation.line_instrument import SimulatedLine, WrongAnswerError
from cunyi.devices.transports import serial_line
from cunyi.devices.transports.line_state import LineState
from cunyi.devices.transports.replay import read_capture
from cunyi.devices.transports.serial_line import FoundPort, list_ports, listen_serial
from cunyi.domain.measurement import DeviceKind

NOW = datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))
WORDS = Words(zh="回声", en="Echo")
CAPTURE = read_capture(
    'origin: synthetic\nabout: greeted, answered\nnow: 2026-11-25T09:00:00+08:00\n+0 begin\n+0 > line "hello"\n'
    '+0.1 < line "abc"\n+0.1 > line "ABC"\n'
)


class Echo:
    def begin(self, now):
        return Heard(replies=(Write("line", b"hello"),), state="ready")

    def feed(self, channel, data, now):
        assert channel == "line"
        return Heard(replies=(Write("line", data.upper()),))

    def tick(self, now):
        return Heard(state="ticked")


def echo(*, tick_ms=0):
    description = Description(
        id="echo",
        name=WORDS,
        kind=DeviceKind.ANALYSER,
        items=(),
        document="none",
        no_answer=WORDS,
        tick_ms=tick_ms,
        serial=SerialDescription(baud=9600),
    )
    return Driver(description=description, parser=Echo)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(serial_line, "RETRY_SECONDS", 0.05)


class Listener:
    """A listening task and everything it told."""

    def __init__(self, driver, port):
        self.heard, self.states = [], []
        listening = listen_serial(driver, str(port), self.heard.append, self.states.append, lambda: NOW)
        self.task = asyncio.create_task(listening)

    async def until(self, told):
        async with asyncio.timeout(5):
            while not told(self):
                await asyncio.sleep(0.01)

    async def stop(self):
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


def test_greeted_heard_answered():
    async def run():
        with SimulatedLine(CAPTURE) as line:
            listener = Listener(echo(), line.port)
            await asyncio.to_thread(line.send)
            assert listener.states == [LineState.SEARCHING, LineState.LISTENING]
            assert listener.heard[0].state == "ready"
            await listener.stop()

    asyncio.run(run())


def test_the_simulator_notices_a_wrong_answer():
    async def run():
        with SimulatedLine(read_capture(CAPTURE_TEXT_WRONG), patience_seconds=0.3) as line:
            listener = Listener(echo(), line.port)
            with pytest.raises(WrongAnswerError, match="line 5"):
                await asyncio.to_thread(line.send)
            await listener.stop()

    asyncio.run(run())


CAPTURE_TEXT_WRONG = 'origin: synthetic\nabout: x\nnow: 2026-11-25T09:00:00+08:00\n+0 begin\n+0 > line "HELLO"\n'


def test_unplugged_and_plugged_in_again():
    async def run():
        with SimulatedLine(CAPTURE) as line:
            listener = Listener(echo(), line.port)
            await asyncio.to_thread(line.send)
            line.unplug()
            await listener.until(lambda it: it.states[-2:] == [LineState.LOST, LineState.SEARCHING])
            line.plug_in()
            await asyncio.to_thread(line.send)
            expected = [
                LineState.SEARCHING,
                LineState.LISTENING,
                LineState.LOST,
                LineState.SEARCHING,
                LineState.LISTENING,
            ]
            assert listener.states == expected
            await listener.stop()

    asyncio.run(run())


def test_a_port_that_is_not_there_yet_is_searched_for(tmp_path):
    async def run():
        listener = Listener(echo(), tmp_path / "none")
        await asyncio.sleep(0.3)
        assert listener.states == [LineState.SEARCHING]
        await listener.stop()

    asyncio.run(run())


def test_a_port_held_by_another_program_is_not_allowed_until_it_is_free():
    async def run():
        with SimulatedLine(CAPTURE) as line:
            other = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            listener = Listener(echo(), line.port)
            await listener.until(lambda it: LineState.NOT_ALLOWED in it.states)
            os.close(other)
            await asyncio.to_thread(line.send)
            assert listener.states == [LineState.SEARCHING, LineState.NOT_ALLOWED, LineState.LISTENING]
            await listener.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    "error",
    [
        serial.SerialException(13, "could not open port /dev/ttyUSB0: [Errno 13] Permission denied"),
        serial.SerialException("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)"),
    ],
    ids=["linux", "windows"],
)
def test_no_permission_is_not_allowed(monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(serial, "Serial", refuse)

    async def run():
        listener = Listener(echo(), "COM3")
        await listener.until(lambda it: it.states == [LineState.SEARCHING, LineState.NOT_ALLOWED])
        await listener.stop()

    asyncio.run(run())


def test_ticks_come_while_nothing_is_sent():
    async def run():
        with SimulatedLine(CAPTURE) as line:
            listener = Listener(echo(tick_ms=50), line.port)
            await listener.until(lambda it: sum(heard.state == "ticked" for heard in it.heard) >= 3)
            await asyncio.to_thread(line.send)
            await listener.stop()

    asyncio.run(run())


def is_free(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_cancelling_closes_the_port_at_once():
    async def run():
        with SimulatedLine(CAPTURE) as line:
            listener = Listener(echo(), line.port)
            await asyncio.to_thread(line.send)
            began = time.monotonic()
            await listener.stop()
            assert time.monotonic() - began < 0.5
            again = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
            # One that was just being opened is closed by the thread that opens it.
            while not is_free(again):
                assert time.monotonic() - began < 2
                await asyncio.sleep(0.01)
            os.close(again)

    asyncio.run(run())


def test_a_driver_without_a_serial_line_is_a_defect():
    description = Description(id="x", name=WORDS, kind=DeviceKind.URINE, items=(), document="none", no_answer=WORDS)
    with pytest.raises(ValueError, match="x has no"):
        asyncio.run(listen_serial(Driver(description=description, parser=Echo), "p", print, print, lambda: NOW))


def test_ports_of_this_machine(monkeypatch):
    class Info:
        def __init__(self, device, description, vid=None, pid=None):
            self.device, self.description, self.vid, self.pid = device, description, vid, pid

    found = [Info("/dev/ttyUSB0", "USB Serial", 0x1A86, 0x7523), Info("/dev/ttyS0", None)]
    monkeypatch.setattr(serial_line.system_ports, "comports", lambda: found)
    assert list_ports() == [
        FoundPort(path="/dev/ttyS0", description=""),
        FoundPort(path="/dev/ttyUSB0", description="USB Serial", usb="1a86:7523"),
    ]
