"""Listening to an instrument over Bluetooth: wait until it makes itself known, connect, subscribe, pass on, and wait again.

Most instruments are silent until somebody was measured, and leave soon after: being away is their rest, not a fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

import msgspec

from cunyi.devices.driver import BleDescription, Driver, Heard, Parser, Write
from cunyi.devices.transports.line_state import LineState
from cunyi.devices.transports.radio import Advertisement, Link, Radio, RadioError, RadioFailure
from cunyi.domain.errors import UserError

_LOOK_ANEW_S = 30
_RETRY_S = 0.5
_RETRY_LATER_S = 10
_CLOCKS = {"2A2B", "2A08"}


class FoundPeripheral(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument that was near when we looked (附近的仪器): `drivers` are the ids of those that fit, none for a stranger."""

    address: str
    name: str
    services: tuple[str, ...]
    drivers: tuple[str, ...]


async def scan_ble(seconds: float, drivers: Sequence[Driver], radio: Radio) -> list[FoundPeripheral]:
    """Everything that makes itself known within `seconds`, what a driver fits first; a `UserError` where there is no Bluetooth."""
    names: dict[str, str] = {}
    services: dict[str, set[str]] = {}

    def seen(advertisement: Advertisement) -> None:
        # A name and services may come in different packets.
        names[advertisement.address] = advertisement.name or names.get(advertisement.address, "")
        services.setdefault(advertisement.address, set()).update(advertisement.services)

    try:
        async with radio.watch(seen):
            await asyncio.sleep(seconds)
    except RadioError:
        raise UserError(
            "这台电脑没有可以用的蓝牙：请打开蓝牙，或插上蓝牙适配器，并允许本程序使用蓝牙，然后再搜索"
        ) from None
    found = [
        FoundPeripheral(
            address=address,
            name=name,
            services=tuple(sorted(services[address])),
            drivers=tuple(driver.id for driver in drivers if _fits(driver.description.ble, name, services[address])),
        )
        for address, name in names.items()
    ]
    return sorted(found, key=lambda one: (not one.drivers, not one.name, one.name, one.address))


def _fits(ble: BleDescription | None, name: str, services: set[str]) -> bool:
    if ble is None:
        return False
    return bool(services & set(ble.services)) or any(name.startswith(prefix) for prefix in ble.name_prefixes)


async def listen_ble(
    driver: Driver,
    address: str,
    hear: Callable[[Heard], None],
    line: Callable[[LineState], None],
    clock: Callable[[], datetime],
    *,
    radio: Radio,
) -> None:
    """Listen to the instrument at `address` until cancelled: `hear` gets everything it tells, `line` how the connection stands.

    Every connection has a new parser. A failing radio is a state of the line, or a trouble of the driver (`needs_pairing`,
    `refused`, `not_this_instrument`), never an exception; a computer without Bluetooth is `NOT_ALLOWED` and tried again.
    """
    ble = driver.description.ble
    if ble is None:
        raise UserError("「{name}」不是蓝牙仪器，请选择串口", field="transport", name=driver.description.name.zh)
    while True:
        try:
            line(LineState.SEARCHING)
            await _near(address, radio)
            line(LineState.CONNECTING)
            values: asyncio.Queue[_Value | None] = asyncio.Queue()
            async with radio.connect(address, partial(values.put_nowait, None)) as link:
                conversation = _Conversation(driver, ble, link, values, hear, clock)
                understood = await conversation.subscribe()
                if understood:
                    line(LineState.LISTENING)
                    await conversation.run()
            line(LineState.LOST)
            await asyncio.sleep(_RETRY_S if understood else _RETRY_LATER_S)
        except RadioError as error:
            unavailable = error.failure is RadioFailure.UNAVAILABLE
            line(LineState.NOT_ALLOWED if unavailable else LineState.LOST)
            await asyncio.sleep(_RETRY_LATER_S if unavailable else _RETRY_S)


async def _near(address: str, radio: Radio) -> None:
    """Return once the instrument makes itself known."""
    wanted = address.casefold()
    near = asyncio.Event()

    def seen(advertisement: Advertisement) -> None:
        if advertisement.address.casefold() == wanted:
            near.set()

    while not near.is_set():
        with suppress(TimeoutError):
            async with radio.watch(seen), asyncio.timeout(_LOOK_ANEW_S):
                await near.wait()


class _Value(msgspec.Struct, frozen=True):
    """A value that the instrument sent on its own, and when."""

    channel: str
    data: bytes
    at: datetime


class _Conversation:
    """One connection with an instrument (一次连接), from subscribing to the end."""

    def __init__(
        self,
        driver: Driver,
        ble: BleDescription,
        link: Link,
        values: asyncio.Queue[_Value | None],
        hear: Callable[[Heard], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._parser: Parser = driver.parser()
        self._tick_s = driver.description.tick_ms / 1000
        self._ble = ble
        self._link = link
        self._values = values
        self._hear = hear
        self._clock = clock

    async def subscribe(self) -> bool:
        """Subscribe to what the driver listens to; False where the instrument has none of it, or does not let us."""
        channels = [channel for channel in self._ble.listen if channel in self._link.channels]
        if not channels:
            self._hear(Heard(trouble="not_this_instrument"))
            return False
        failures = [await self._subscribed(channel) for channel in channels]
        if RadioFailure.NEEDS_PAIRING in failures:
            self._hear(Heard(trouble="needs_pairing"))
            return False
        if None not in failures:
            self._hear(Heard(trouble="refused"))
            return False
        return True

    async def _subscribed(self, channel: str) -> RadioFailure | None:
        def heard(data: bytes) -> None:
            self._values.put_nowait(_Value(channel, data, self._clock()))

        pairing = False
        try:
            try:
                await self._link.subscribe(channel, heard)
            except RadioError as error:
                if error.failure is not RadioFailure.NEEDS_PAIRING:
                    raise
                pairing = True
                await self._link.pair()
                await self._link.subscribe(channel, heard)
        except RadioError as error:
            if error.failure is RadioFailure.GONE:
                raise
            return RadioFailure.NEEDS_PAIRING if pairing else error.failure
        return None

    async def run(self) -> None:
        """Begin, read what is read once, and pass on until the instrument goes."""
        try:
            await self._answer(self._parser.begin(self._clock()))
            await self._talk()
        except RadioError:
            # It sent a reading and left while something was written to it: the reading counts.
            while not self._values.empty():
                value = self._values.get_nowait()
                if value is not None:
                    self._hear(self._parser.feed(value.channel, value.data, value.at))
            raise

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        to_read = [channel for channel in self._ble.read if channel in self._link.channels]
        tick_at = loop.time() + self._tick_s if self._tick_s else None
        while True:
            if to_read and self._values.empty():
                await self._read(to_read.pop(0))
                continue
            try:
                async with asyncio.timeout_at(tick_at):
                    value = await self._values.get()
            except TimeoutError:
                tick_at = loop.time() + self._tick_s
                await self._answer(self._parser.tick(self._clock()))
                continue
            if value is None:
                return
            await self._answer(self._parser.feed(value.channel, value.data, value.at))

    async def _read(self, channel: str) -> None:
        try:
            data = await self._link.read(channel)
        except RadioError as error:
            # The model or battery that an instrument keeps to itself is nobody's loss.
            if error.failure is RadioFailure.GONE:
                raise
            return
        await self._answer(self._parser.feed(channel, data, self._clock()))

    async def _answer(self, heard: Heard) -> None:
        self._hear(heard)
        for reply in heard.replies:
            if reply.channel in self._link.channels:
                await self._write(reply)

    async def _write(self, reply: Write) -> None:
        try:
            await self._link.write(reply.channel, reply.data, acknowledged=reply.acknowledged)
        except RadioError as error:
            if error.failure is RadioFailure.GONE:
                raise
            # A meter that does not let its clock be set still measures; whether its time is right is seen with each reading.
            if reply.channel not in _CLOCKS:
                self._hear(Heard(trouble=str(error.failure)))
