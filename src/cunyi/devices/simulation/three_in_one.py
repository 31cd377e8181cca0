"""A simulated meter for glucose, uric acid and total cholesterol, which speaks over a vendor's Bluetooth service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from bumble.att import Attribute
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from cunyi.devices.drivers.three_in_one.frames import Frames, Kind, make_frame
from cunyi.devices.simulation.radio import Peripheral, SimulatedRadio

_FROM_METER, _TO_METER = "FFF1", "FFF2"
_DELIVERED_WITHIN_S = 60
# Test, unit and decimals as the meter sends them.
_TESTS: Mapping[str, tuple[int, int, int]] = {"glucose": (1, 0, 1), "uric_acid": (2, 2, 0), "cholesterol": (3, 0, 2)}


class ThreeInOnePeripheral(Peripheral):
    """A simulated three-in-one meter (模拟三合一). A result has arrived once the program said that it took it."""

    def __init__(self) -> None:
        sends = {_FROM_METER: Characteristic.Properties.NOTIFY}
        super().__init__(name="CY3IN1-SIM", address="C0:00:00:00:FF:F0", service="FFF0", sends=sends)
        self._heard = Frames()
        self._number = 0
        self._taken = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()

    def services(self) -> list[Service]:
        """Its own service with the channel to the meter, and what every simulated instrument has."""
        _, *others = super().services()
        write = Characteristic.Properties.WRITE
        told = Characteristic[bytes](_TO_METER, write, Attribute.WRITEABLE)
        told.value = CharacteristicValue[bytes](write=self._told)
        return [Service("FFF0", [*self._sends.values(), told]), *others]

    async def measure(self, results: Mapping[str, Decimal | str], *, at: datetime) -> None:
        """Take tests, one after another: `glucose` and `cholesterol` in mmol/L, `uric_acid` in μmol/L; `at` is its own clock."""
        day = bytes([at.year - 2000, at.month, at.day, at.hour, at.minute, at.second])
        for test, value in results.items():
            kind, unit, decimals = _TESTS[test]
            self._number += 1
            digits = int(Decimal(value).scaleb(decimals)).to_bytes(2, "little")
            result = self._number.to_bytes(2, "little") + day + bytes([kind, unit]) + digits + bytes([decimals, 0])
            self._taken.clear()
            await self.send(_FROM_METER, make_frame(Kind.RESULT, result))
            async with asyncio.timeout(_DELIVERED_WITHIN_S):
                await self._taken.wait()
        await self.leave()

    def _told(self, _: Connection, data: bytes) -> None:
        frames, _lost = self._heard.feed(data)
        for frame in frames:
            if frame.kind == Kind.SET_CLOCK:
                self._answer(Kind.CLOCK_IS_SET)
            elif frame.kind == Kind.SEND_STORED:
                self._answer(Kind.NO_MORE, bytes(2))
            elif frame.kind == Kind.TAKEN:
                self._taken.set()

    def _answer(self, kind: Kind, payload: bytes = b"") -> None:
        task = asyncio.get_running_loop().create_task(self.send(_FROM_METER, make_frame(kind, payload)))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)


class SimulatedRadioWithMeter(SimulatedRadio):
    """The radio of the demonstration: the standard instruments and the three-in-one meter (演示用模拟蓝牙)."""

    def __init__(self) -> None:
        # Before the others are brought together with it.
        self.three_in_one = ThreeInOnePeripheral()
        super().__init__()

    @property
    def peripherals(self) -> tuple[Peripheral, ...]:
        """All of its instruments."""
        return (*super().peripherals, self.three_in_one)
