"""An emulated Bluetooth radio with five instruments: the program's own code runs over real GATT, without any hardware.

`SimulatedRadio` is a `Radio`; below it stand bleak's client and scanner with a backend over bumble's link within the process.
Everything runs in the event loop in which it is first used; from another thread use `asyncio.run_coroutine_threadsafe`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cunyi.devices.transports.radio import Advertisement, BleakRadio, Link
from cunyi.domain.errors import UserError

try:
    from bumble.link import LocalLink

    from cunyi.devices.simulation.bleak_backend import client_over, scanner_over
    from cunyi.devices.simulation.peripheral import Peripheral, device_near
    from cunyi.devices.simulation.peripherals import (
        BloodPressurePeripheral,
        GlucosePeripheral,
        OximeterPeripheral,
        ThermometerPeripheral,
        WeightPeripheral,
    )
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "bumble":
        raise
    raise UserError("没有安装模拟蓝牙仪器的部分：请运行 pip install cunyi[simulation]") from None

__all__ = ["Peripheral", "SimulatedRadio"]


class SimulatedRadio:
    """A radio with five instruments near it (模拟蓝牙), each turned off until it measures or `turn_on` is called."""

    def __init__(self) -> None:
        self.blood_pressure = BloodPressurePeripheral()
        self.oximeter = OximeterPeripheral()
        self.glucose = GlucosePeripheral()
        self.thermometer = ThermometerPeripheral()
        self.weight = WeightPeripheral()
        self._radio: BleakRadio | None = None
        self._starting = asyncio.Lock()
        for peripheral in self.peripherals:
            peripheral.start = self.start

    @property
    def peripherals(self) -> tuple[Peripheral, ...]:
        """All of its instruments."""
        return self.blood_pressure, self.oximeter, self.glucose, self.thermometer, self.weight

    async def start(self) -> BleakRadio:
        """Power everything on, once, in the running loop; the radio and its instruments do so themselves at their first use."""
        async with self._starting:
            if self._radio is None:
                link = LocalLink()  # type: ignore[no-untyped-call]
                for peripheral in self.peripherals:
                    await peripheral.attach(link)
                central = device_near(link, "Cunyi", "C0:00:00:00:00:01")
                await central.power_on()
                self._radio = BleakRadio(client=client_over(central), scanner=scanner_over(central))
        return self._radio

    async def turn_all_on(self) -> None:
        """Every instrument makes itself known, to be found by a scan."""
        for peripheral in self.peripherals:
            await peripheral.turn_on()

    async def stop(self) -> None:
        """Turn every instrument off."""
        for peripheral in self.peripherals:
            await peripheral.turn_off()

    @asynccontextmanager
    async def watch(self, seen: Callable[[Advertisement], None]) -> AsyncIterator[None]:
        """As `Radio.watch`."""
        async with (await self.start()).watch(seen):
            yield

    @asynccontextmanager
    async def connect(self, address: str, gone: Callable[[], None]) -> AsyncIterator[Link]:
        """As `Radio.connect`."""
        async with (await self.start()).connect(address, gone) as link:
            yield link
