"""The Bluetooth radio of this computer, as the program uses it: a small interface, and the real radio behind it (bleak).

Tests and the demonstration put an emulated radio behind the same interface. Addresses of instruments are not logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from enum import StrEnum
from typing import Protocol

import msgspec
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

_SIG_BASE = "-0000-1000-8000-00805f9b34fb"
_NAME_LENGTH = 64
_CONNECT_S = 20
_ANSWER_S = 10
# A scan that runs for long stops reporting on some stacks, and never tells that the adapter was pulled out: it is begun anew.
_SCAN_AGE_S = 60
_NEEDS_PAIRING = {
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
}


class RadioFailure(StrEnum):
    """Why something over the radio failed (蓝牙故障)."""

    UNAVAILABLE = "unavailable"
    NEEDS_PAIRING = "needs_pairing"
    REFUSED = "refused"
    GONE = "gone"


class RadioError(Exception):
    """Something over the radio failed: no adapter or no permission, pairing wanted, refused by the instrument, or it is gone."""

    def __init__(self, failure: RadioFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Advertisement(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument in the neighbourhood makes itself known (广播). `services` are short ids ("1810") where they are standard."""

    address: str
    name: str
    services: tuple[str, ...]


class Link(Protocol):
    """A connection to an instrument (蓝牙连接). Every method raises `RadioError`."""

    @property
    def channels(self) -> frozenset[str]:
        """The ids of its characteristics ("2A35")."""
        ...

    async def read(self, channel: str) -> bytes:
        """The value of a characteristic."""
        ...

    async def write(self, channel: str, data: bytes, *, acknowledged: bool) -> None:
        """Give a characteristic a value."""
        ...

    async def subscribe(self, channel: str, heard: Callable[[bytes], None]) -> None:
        """Have `heard` called for every value that the instrument sends on its own."""
        ...

    async def pair(self) -> None:
        """Pair with the instrument, as the computer's own Bluetooth settings would."""
        ...


class Radio(Protocol):
    """The computer's radio (蓝牙收发): who is near, and connections. Used from one event loop; many listeners share it."""

    def watch(self, seen: Callable[[Advertisement], None]) -> AbstractAsyncContextManager[None]:
        """As long as this stands, `seen` is called for everything that makes itself known."""
        ...

    def connect(self, address: str, gone: Callable[[], None]) -> AbstractAsyncContextManager[Link]:
        """A connection, closed at the end; `gone` is called if the instrument ends it."""
        ...


class BleakRadio:
    """The radio of this computer, over bleak (BlueZ on Linux, WinRT on Windows). `client` and `scanner` put others in their place.

    All listeners share one scan, and it rests while a connection is made: adapters commonly cannot do both.
    """

    def __init__(
        self, *, client: type[BaseBleakClient] | None = None, scanner: type[BaseBleakScanner] | None = None
    ) -> None:
        self._client_backend = client
        self._scanner_backend = scanner
        self._watchers: list[Callable[[Advertisement], None]] = []
        self._near: dict[str, BLEDevice] = {}
        self._scanner: BleakScanner | None = None
        self._scanning_since = 0.0
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def watch(self, seen: Callable[[Advertisement], None]) -> AsyncIterator[None]:
        """As long as this stands, `seen` is called for everything that makes itself known."""
        self._watchers.append(seen)
        try:
            async with self._turn:
                if asyncio.get_running_loop().time() - self._scanning_since > _SCAN_AGE_S:
                    await self._rest()
                await self._scan()
            yield
        finally:
            self._watchers.remove(seen)
            # Whoever has the turn now ends the scan itself when nobody watches any more.
            if not self._watchers and not self._turn.locked():
                async with self._turn:
                    await self._rest()

    @asynccontextmanager
    async def connect(self, address: str, gone: Callable[[], None]) -> AsyncIterator[Link]:
        """A connection, closed at the end; `gone` is called if the instrument ends it."""
        client = BleakClient(
            self._near.get(address.casefold(), address),
            disconnected_callback=lambda _: gone(),
            timeout=_CONNECT_S,
            backend=self._client_backend,
        )
        try:
            async with self._turn:
                await self._rest()
                try:
                    async with asyncio.timeout(_CONNECT_S):
                        await client.connect()
                    link = _BleakLink(client)
                except BleakBluetoothNotAvailableError:
                    raise RadioError(RadioFailure.UNAVAILABLE) from None
                except (BleakError, OSError, EOFError, TimeoutError):
                    raise RadioError(RadioFailure.GONE) from None
                finally:
                    # A connection that stands is worth more than the others' search: they find out at their next turn.
                    with suppress(RadioError):
                        await self._scan()
            yield link
        finally:
            with suppress(BleakError, OSError, EOFError, TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    await client.disconnect()

    async def _scan(self) -> None:
        if self._scanner is not None or not self._watchers:
            return
        try:
            scanner = BleakScanner(self._advertised, backend=self._scanner_backend)
            await scanner.start()
        except (BleakError, OSError, EOFError):
            raise RadioError(RadioFailure.UNAVAILABLE) from None
        self._scanner = scanner
        # Phones change their addresses all the time: what was near does not pile up.
        self._near.clear()
        self._scanning_since = asyncio.get_running_loop().time()
        if not self._watchers:
            await self._rest()

    async def _rest(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            with suppress(BleakError, OSError, EOFError):
                await scanner.stop()

    def _advertised(self, device: BLEDevice, data: AdvertisementData) -> None:
        self._near[device.address.casefold()] = device
        name = "".join(sign for sign in data.local_name or device.name or "" if sign.isprintable())[:_NAME_LENGTH]
        services = tuple(short_id(uuid) for uuid in data.service_uuids)
        advertisement = Advertisement(address=device.address, name=name, services=services)
        for seen in tuple(self._watchers):
            seen(advertisement)


class _BleakLink:
    """A connection of bleak's (蓝牙连接)."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client
        self._characteristics: dict[str, BleakGATTCharacteristic] = {}
        for service in client.services:
            for characteristic in service.characteristics:
                self._characteristics.setdefault(short_id(characteristic.uuid), characteristic)

    @property
    def channels(self) -> frozenset[str]:
        return frozenset(self._characteristics)

    async def read(self, channel: str) -> bytes:
        async with self._failures():
            return bytes(await self._client.read_gatt_char(self._characteristics[channel]))

    async def write(self, channel: str, data: bytes, *, acknowledged: bool) -> None:
        async with self._failures():
            await self._client.write_gatt_char(self._characteristics[channel], data, response=acknowledged)

    async def subscribe(self, channel: str, heard: Callable[[bytes], None]) -> None:
        async with self._failures():
            await self._client.start_notify(self._characteristics[channel], lambda _, data: heard(bytes(data)))

    async def pair(self) -> None:
        async with self._failures():
            await self._client.pair()

    @asynccontextmanager
    async def _failures(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_ANSWER_S):
                yield
        except BleakGATTProtocolError as error:
            pairing = error.code in _NEEDS_PAIRING
            raise RadioError(RadioFailure.NEEDS_PAIRING if pairing else RadioFailure.REFUSED) from None
        except (BleakError, OSError, EOFError, TimeoutError, NotImplementedError):
            raise RadioError(RadioFailure.REFUSED if self._client.is_connected else RadioFailure.GONE) from None


def short_id(uuid: str) -> str:
    """ "2A35" for a standard UUID, in capitals; a vendor's UUID stays whole, in small letters."""
    uuid = uuid.lower()
    return uuid[4:8].upper() if uuid.startswith("0000") and uuid.endswith(_SIG_BASE) else uuid
