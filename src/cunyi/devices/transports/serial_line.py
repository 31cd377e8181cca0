"""Serial lines: a port is opened, listened to and opened again when it comes back; the same on Linux and Windows."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
from collections.abc import Callable
from datetime import datetime

import msgspec
import serial
from serial.tools import list_ports as system_ports

from cunyi.devices.driver import Driver, Heard, Parser, SerialDescription
from cunyi.devices.transports.line_state import LineState

try:
    from termios import error as TerminalError
except ImportError:  # Windows has no terminals
    TerminalError = OSError  # type: ignore[assignment, misc]

RETRY_SECONDS = 1.0
"""How long a port that cannot be opened is left alone."""

_WAIT_SECONDS = 0.2
"""The longest that the reading thread sleeps when nothing arrives and nobody wakes it."""

# pyserial lets the terminal's own error through where the line goes away while it is opened.
_LINE_ERRORS = (OSError, TerminalError)
_REFUSED = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.EWOULDBLOCK}


class FoundPort(msgspec.Struct, frozen=True, kw_only=True):
    """A serial port of this machine (串口): `path` as the system names it, `usb` as "vid:pid" or empty."""

    path: str
    description: str
    usb: str = ""


def list_ports() -> list[FoundPort]:
    """The serial ports of this machine, by path."""
    found = []
    for port in sorted(system_ports.comports(), key=lambda port: port.device):
        usb = f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else ""
        found.append(FoundPort(path=port.device, description=port.description or "", usb=usb))
    return found


async def listen_serial(
    driver: Driver,
    port: str,
    hear: Callable[[Heard], None],
    line: Callable[[LineState], None],
    clock: Callable[[], datetime],
) -> None:
    """Listens to the instrument on a port until cancelled, which closes the port at once.

    A port that is not there is searched for; one that may not be opened, or that another program holds, is NOT_ALLOWED and
    tried again; one that is unplugged is LOST, then searched for. Each connection has a parser of its own.
    """
    how = driver.description.serial
    if how is None:
        raise ValueError(f"driver {driver.id} has no [serial]")
    said: LineState | None = None

    def say(state: LineState) -> None:
        nonlocal said
        if state is not said:
            said = state
            line(state)

    while True:
        try:
            if said is not LineState.NOT_ALLOWED:
                say(LineState.SEARCHING)
            opened = await _open(port, how)
        except _LINE_ERRORS as error:
            say(LineState.NOT_ALLOWED if _is_refused(error) else LineState.SEARCHING)
        else:
            try:
                say(LineState.LISTENING)
                await _converse(opened, driver.parser(), driver.description.tick_ms, hear, clock)
            except _LINE_ERRORS:
                say(LineState.LOST)
            finally:
                # Closing a port that was pulled out may fail; it is gone either way.
                with contextlib.suppress(*_LINE_ERRORS):
                    opened.close()
        await asyncio.sleep(RETRY_SECONDS)


async def _converse(
    port: serial.Serial, parser: Parser, tick_ms: int, hear: Callable[[Heard], None], clock: Callable[[], datetime]
) -> None:
    """Carries bytes between a port and a parser until the port fails (OSError)."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    stop = threading.Event()

    def hand_over(what: bytes | OSError) -> None:
        if not stop.is_set():
            loop.call_soon_threadsafe(arrived.put_nowait, what)

    async def tell(heard: Heard) -> None:
        hear(heard)
        for reply in heard.replies:
            await asyncio.to_thread(_write, port, reply.data)

    reader = threading.Thread(target=_read, args=(port, hand_over, stop), name="serial line", daemon=True)
    reader.start()
    try:
        await tell(parser.begin(clock()))
        tick_at = loop.time() + tick_ms / 1000
        while True:
            what = None
            if not tick_ms:
                what = await arrived.get()
            elif (left := tick_at - loop.time()) > 0:
                try:
                    async with asyncio.timeout(left):
                        what = await arrived.get()
                except TimeoutError:
                    what = None
            if isinstance(what, OSError):
                raise what
            if what:
                await tell(parser.feed("line", what, clock()))
            if tick_ms and loop.time() >= tick_at:
                await tell(parser.tick(clock()))
                tick_at = loop.time() + tick_ms / 1000
    finally:
        stop.set()
        port.cancel_read()
        reader.join(timeout=2 * _WAIT_SECONDS)


def _read(port: serial.Serial, hand_over: Callable[[bytes | OSError], None], stop: threading.Event) -> None:
    """The reading thread: a descriptor cannot be watched by the event loop of Windows."""
    try:
        while not stop.is_set():
            data = port.read(1)
            if data:
                hand_over(data + port.read(port.in_waiting))
    except _LINE_ERRORS as error:
        hand_over(OSError(errno.EIO, str(error)))
    except TypeError:
        # pyserial reads from a descriptor that has just been set to None when the port is closed while it reads.
        hand_over(OSError(errno.EIO, "closed while reading"))


def _write(port: serial.Serial, data: bytes) -> None:
    port.write(data)


async def _open(port: str, how: SerialDescription) -> serial.Serial:
    """The opened port. Opening may take seconds (a Bluetooth port of Windows), so it is done in a thread."""

    def open_port() -> serial.Serial:
        return serial.Serial(
            port,
            baudrate=how.baud,
            bytesize=how.data_bits,
            parity=how.parity,
            stopbits=how.stop_bits,
            timeout=_WAIT_SECONDS,
            write_timeout=1.0,
            exclusive=True,
        )

    opening = asyncio.ensure_future(asyncio.to_thread(open_port))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise


def _close_unwanted(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _is_refused(error: Exception) -> bool:
    """Whether the system refused, rather than did not find. On Windows pyserial tells it only in the words of the error."""
    number = getattr(error, "errno", None)
    return number in _REFUSED or "PermissionError" in str(error) or "exclusively lock" in str(error)
