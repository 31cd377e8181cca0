"""Looking for instruments: what is plugged in, and what can be heard over Bluetooth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from cunyi.devices.driver import Driver
from cunyi.devices.transports.serial_line import FoundPort, list_ports
from cunyi.domain.errors import UserError

if TYPE_CHECKING:
    from cunyi.devices.transports.ble import FoundPeripheral
    from cunyi.devices.transports.radio import Radio


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found (搜索结果). `no_radio` says why where there is no Bluetooth here or it may not be used."""

    ports: tuple[FoundPort, ...]
    peripherals: tuple[FoundPeripheral, ...]
    no_radio: UserError | None = None


async def search(seconds: float, drivers: tuple[Driver, ...], radio: Callable[[], Radio]) -> Found:
    """Everything that is near, heard for so many seconds. Without Bluetooth the serial ports alone."""
    # Only here: not every command that knows this module uses Bluetooth.
    from cunyi.devices.transports.ble import scan_ble

    ports = tuple(await asyncio.to_thread(list_ports))
    try:
        peripherals = tuple(await scan_ble(seconds, drivers, radio()))
    except UserError as error:
        return Found(ports=ports, peripherals=(), no_radio=error)
    return Found(ports=ports, peripherals=peripherals)


def drivers_for_port(port: FoundPort, drivers: tuple[Driver, ...]) -> list[str]:
    """The ids of the drivers whose adapters are recognised at this port."""
    return [
        driver.id
        for driver in drivers
        if port.usb and driver.description.serial is not None and port.usb in driver.description.serial.usb
    ]
