"""A simulated Bluetooth instrument: what all of them have in common, over bumble."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from bumble.att import Attribute
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

_ADVERTISE_MS = 60
DELIVERED_WITHIN_S = 60
INDICATE, NOTIFY = Characteristic.Properties.INDICATE, Characteristic.Properties.NOTIFY
READ, WRITE = Characteristic.Properties.READ, Characteristic.Properties.WRITE


def device_near(link: LocalLink, name: str, address: str) -> Device:
    """A device with a controller of its own on the link."""
    controller = Controller(name, link=link, public_address=Address(address, Address.PUBLIC_DEVICE_ADDRESS))
    return Device(name=name, address=Address(address), host=Host(controller, AsyncPipeSink(controller)))


class Peripheral:
    """A simulated instrument (模拟仪器): advertises while it is on, has a battery, device information and a clock.

    `sends` are its measuring characteristics, with "indicate" or "notify"; `clock_settings` is what was written to its clock.
    Taking a measurement turns it on and returns when the reading was delivered; `TimeoutError` if nobody took it within a minute.
    With `leaves_after` seconds it goes off after a measurement, as most instruments do; None: it stays on.
    """

    def __init__(
        self,
        *,
        name: str,
        address: str,
        service: str,
        sends: Mapping[str, Characteristic.Properties],
        battery_pct: int = 80,
        leaves_after: float | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.leaves_after = leaves_after
        self.battery_pct = battery_pct
        self.clock_settings: list[bytes] = []
        self._service = service
        self._sends: dict[str, Characteristic[bytes]] = {
            channel: Characteristic(channel, properties, Attribute.Permissions(0))
            for channel, properties in sends.items()
        }
        self._heard_by: dict[str, asyncio.Event] = {}
        self.start: Callable[[], Awaitable[object]] | None = None
        self._device: Device | None = None
        self._connection: Connection | None = None
        self._on = False
        self._returning: asyncio.Task[None] | None = None

    async def attach(self, link: LocalLink) -> None:
        """Bring it near the radio, turned off."""
        self._heard_by = {channel: asyncio.Event() for channel in self._sends}
        for channel, characteristic in self._sends.items():
            characteristic.on(Characteristic.EVENT_SUBSCRIPTION, self._subscription(channel))
        self._device = device_near(link, self.name, self.address)
        self._device.add_services(self.services())
        self._device.on(Device.EVENT_CONNECTION, self._connected)
        await self._device.power_on()

    def services(self) -> list[Service]:
        """Its own service, device information, battery and clock."""
        information = {"2A24": self.name, "2A25": f"SIM-{self._service}", "2A26": "1.0", "2A29": "Cunyi"}
        battery = CharacteristicValue[bytes](read=lambda _: bytes([self.battery_pct]))
        clock = CharacteristicValue[bytes](write=lambda _, value: self.clock_settings.append(value))
        return [
            Service(self._service, list(self._sends.values())),
            Service("180A", [_readable(channel, text.encode()) for channel, text in information.items()]),
            Service("180F", [_readable("2A19", battery)]),
            Service("1805", [Characteristic("2A2B", WRITE, Attribute.WRITEABLE, clock)]),
        ]

    async def turn_on(self) -> None:
        """Let it make itself known, again after every connection; it can be connected to."""
        self._on = True
        device = await self._powered()
        if self._connection is not None or device.is_advertising:
            return
        data = AdvertisingData(
            [
                (AdvertisingData.FLAGS, bytes([AdvertisingData.LE_GENERAL_DISCOVERABLE_MODE_FLAG])),
                (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(self._service))),
                (AdvertisingData.SHORTENED_LOCAL_NAME, self.name.encode()),
            ]
        )
        await device.start_advertising(
            advertising_data=bytes(data),
            advertising_interval_min=_ADVERTISE_MS,
            advertising_interval_max=_ADVERTISE_MS,
        )

    async def turn_off(self) -> None:
        """Let it go: a connection breaks, in the middle of whatever it was doing."""
        self._on = False
        device = await self._powered()
        if device.is_advertising:
            await device.stop_advertising()
        if self._connection is not None:
            await self._connection.disconnect()

    async def send(self, channel: str, value: bytes) -> None:
        """Send a value as soon as somebody listens to it; it has arrived when this returns (for indications)."""
        await self.turn_on()
        device = await self._powered()
        async with asyncio.timeout(DELIVERED_WITHIN_S):
            await self._heard_by[channel].wait()
            characteristic = self._sends[channel]
            if characteristic.properties & INDICATE:
                await device.indicate_subscribers(characteristic, value)
            else:
                await device.notify_subscribers(characteristic, value)

    async def leave(self) -> None:
        """Go off after a measurement, if it is one that does."""
        if self.leaves_after is not None:
            await asyncio.sleep(self.leaves_after)
            await self.turn_off()

    async def _powered(self) -> Device:
        if self._device is None and self.start is not None:
            await self.start()
        if self._device is None:
            raise RuntimeError("attach the instrument to a link first")
        return self._device

    def _subscription(self, channel: str) -> Callable[[object, bool, bool], None]:
        def changed(_: object, notify: bool, indicate: bool) -> None:
            if notify or indicate:
                self._heard_by[channel].set()
            else:
                self._heard_by[channel].clear()

        return changed

    def _connected(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)

    def _disconnected(self, _: int) -> None:
        self._connection = None
        for event in self._heard_by.values():
            event.clear()
        if self._on:
            self._returning = asyncio.create_task(self.turn_on())


def _readable(channel: str, value: bytes | CharacteristicValue[bytes]) -> Characteristic[bytes]:
    return Characteristic(channel, READ, Attribute.READABLE, value)
