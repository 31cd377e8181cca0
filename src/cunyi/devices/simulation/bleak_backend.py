"""bleak over bumble: what bleak asks of an operating system, answered by an emulated radio in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy

_CONNECT_S = 5
_PROPERTIES = {
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
}


def scanner_over(central: Device) -> type[BaseBleakScanner]:
    """A scanner of bleak's that hears what `central` hears."""

    class Scanner(_Scanner):
        device = central

    return Scanner


def client_over(central: Device) -> type[BaseBleakClient]:
    """A client of bleak's that connects from `central`."""

    class Client(_Client):
        device = central

    return Client


class _Scanner(BaseBleakScanner):
    device: Device

    def __init__(self, detection_callback: Any, service_uuids: list[str] | None, *_: Any, **__: Any) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        self.device.on(Device.EVENT_ADVERTISEMENT, self._seen)
        await self.device.start_scanning(active=False)

    async def stop(self) -> None:
        self.device.remove_listener(Device.EVENT_ADVERTISEMENT, self._seen)
        await self.device.stop_scanning()

    def _seen(self, advertisement: Advertisement) -> None:
        address = advertisement.address.to_string(with_type_qualifier=False)
        name = advertisement.data.get(AdvertisingData.Type.SHORTENED_LOCAL_NAME)
        uuids = advertisement.data.get(AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS) or []
        data = AdvertisementData(
            local_name=name if isinstance(name, str) else None,
            manufacturer_data={},
            service_data={},
            service_uuids=[_uuid(uuid) for uuid in uuids] if isinstance(uuids, list) else [],
            tx_power=None,
            rssi=advertisement.rssi,
            platform_data=(),
        )
        found = self.create_or_update_device(address, address, data.local_name, advertisement, data)
        self.call_detection_callbacks(found, data)


def _uuid(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))


class _Client(BaseBleakClient):
    device: Device

    def __init__(
        self,
        address_or_ble_device: Any,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        services: set[str] | None = None,
        **_: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._connection: Connection | None = None
        self._ended_by_us = False

    @property
    def name(self) -> str:
        return self.address

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else 23

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        with self._failures():
            connection = await self.device.connect(self.address, timeout=_CONNECT_S)
            self._connection = connection
            connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
            peer = Peer(connection)
            await peer.request_mtu(128)
            await peer.discover_all()  # type: ignore[no-untyped-call]
            self.services = _collection(peer)

    def _disconnected(self, _: int) -> None:
        self._connection = None
        if self._disconnected_callback is not None and not self._ended_by_us:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        self._ended_by_us = True
        if self._connection is not None:
            with self._failures():
                await self._connection.disconnect()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        with self._failures():
            await self._standing().pair()

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        with self._failures():
            return bytearray(await self._asked(characteristic).read_value())

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        raise NotImplementedError

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        with self._failures():
            await self._asked(characteristic).write_value(bytes(data), with_response=response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        raise NotImplementedError

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        with self._failures():
            await self._asked(characteristic).subscribe(lambda value: callback(bytearray(value)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        with self._failures():
            await self._asked(characteristic).unsubscribe()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (BaseBumbleError, TimeoutError) as error:
            raise BleakError("the simulated radio failed") from error
        except asyncio.CancelledError:
            # bumble cancels what waits for an answer when the connection ends; nobody cancelled this task.
            task = asyncio.current_task()
            if task is None or task.cancelling() or self.is_connected:
                raise
            raise BleakError("the connection ended") from None

    def _standing(self) -> Connection:
        if self._connection is None:
            raise BleakError("not connected")
        return self._connection

    def _asked(self, characteristic: BleakGATTCharacteristic) -> CharacteristicProxy[bytes]:
        self._standing()
        proxy: CharacteristicProxy[bytes] = characteristic.obj
        return proxy


def _collection(peer: Peer) -> BleakGATTServiceCollection:
    collection = BleakGATTServiceCollection()
    for service in peer.services:
        known = BleakGATTService(service, service.handle, _uuid(service.uuid))
        collection.add_service(known)
        for proxy in service.characteristics:
            properties: Any = [name for bit, name in _PROPERTIES.items() if proxy.properties & bit]
            collection.add_characteristic(
                BleakGATTCharacteristic(proxy, proxy.handle, _uuid(proxy.uuid), properties, lambda: 20, known)
            )
    return collection
