"""The five simulated instruments of the standard Bluetooth health services."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal

from bumble.att import Attribute
from bumble.device import Connection
from bumble.gatt import CharacteristicValue

from cunyi.devices.simulation import gatt_values
from cunyi.devices.simulation.peripheral import DELIVERED_WITHIN_S, INDICATE, NOTIFY, WRITE, Peripheral


class BloodPressurePeripheral(Peripheral):
    """A simulated blood pressure monitor (模拟血压计)."""

    def __init__(self) -> None:
        sends = {"2A35": INDICATE, "2A36": NOTIFY}
        super().__init__(name="SIM-BP", address="C0:00:00:00:18:10", service="1810", sends=sends)

    async def measure(
        self, *, systolic: int, diastolic: int, pulse: int | None = None, at: datetime | None = None, status: int = 0
    ) -> None:
        """Take a measurement in mmHg; `at` is the monitor's own clock, `status` the bits of 2A35."""
        await self.send("2A36", b"\x00" + gatt_values.sfloat(systolic) + gatt_values.NO_VALUE * 2)
        value = gatt_values.blood_pressure(systolic, diastolic, pulse, at=at, status=status)
        await self.send("2A35", value)
        await self.leave()


class OximeterPeripheral(Peripheral):
    """A simulated pulse oximeter (模拟血氧仪)."""

    def __init__(self) -> None:
        sends = {"2A5E": INDICATE, "2A5F": NOTIFY}
        super().__init__(name="SIM-SPO2", address="C0:00:00:00:18:22", service="1822", sends=sends)

    async def measure(self, *, spo2: int, pulse: int, at: datetime | None = None) -> None:
        """Take a single measurement."""
        await self.send("2A5E", gatt_values.oximeter_single(spo2, pulse, at=at))
        await self.leave()

    async def stream(self, *, spo2: int, pulse: int, values: int = 12, every: float = 1.0) -> None:
        """Put a finger in: so many running values, `every` seconds one, then take it out."""
        for _ in range(values):
            await self.send("2A5F", gatt_values.oximeter_running(spo2, pulse))
            await asyncio.sleep(every)
        await self.send("2A5F", gatt_values.oximeter_running(None, None))
        await self.leave()


class GlucosePeripheral(Peripheral):
    """A simulated blood glucose meter (模拟血糖仪) with a memory that is asked for over 2A52 (RACP).

    `break_after`: it goes off, once, after so many records were sent. `knows_last`: it can be asked for the last record alone.
    """

    def __init__(self) -> None:
        sends = {"2A18": NOTIFY, "2A34": NOTIFY, "2A52": INDICATE | WRITE}
        super().__init__(name="SIM-GLU", address="C0:00:00:00:18:08", service="1808", sends=sends)
        self.records: list[tuple[bytes, bytes | None]] = []
        self.asked: list[bytes] = []
        self.break_after: int | None = None
        self.knows_last = True
        self._delivered = asyncio.Event()
        self._answering: asyncio.Task[None] | None = None
        control_point = self._sends["2A52"]
        control_point.permissions = Attribute.WRITEABLE
        control_point.value = CharacteristicValue[bytes](write=self._ask)

    def store(
        self, mmol_l: Decimal | str, *, at: datetime, control_solution: bool = False, meal: int | None = None
    ) -> None:
        """Put a test into its memory; `meal` as in 2A34 (1 before, 2 after a meal, 3 fasting)."""
        sequence = len(self.records) + 1
        record = gatt_values.glucose_record(sequence, mmol_l, at=at, control_solution=control_solution, meal=meal)
        self.records.append(record)

    async def measure(
        self, mmol_l: Decimal | str, *, at: datetime, control_solution: bool = False, meal: int | None = None
    ) -> None:
        """Take a test: into its memory, and on; it is delivered when it was asked for."""
        self.store(mmol_l, at=at, control_solution=control_solution, meal=meal)
        self._delivered.clear()
        await self.turn_on()
        async with asyncio.timeout(DELIVERED_WITHIN_S):
            await self._delivered.wait()
        await self.leave()

    def _ask(self, _: Connection, asked: bytes) -> None:
        self.asked.append(asked)
        self._answering = asyncio.create_task(self._answer(asked))

    async def _answer(self, asked: bytes) -> None:
        wanted = self._wanted(asked)
        if wanted is None:
            await self.send("2A52", bytes([0x06, 0x00, asked[0] if asked else 0, 0x04]))
            return
        for sent, (record, context) in enumerate(wanted):
            if sent == self.break_after:
                self.break_after = None
                await self.turn_off()
                return
            await self.send("2A18", record)
            if context is not None:
                await self.send("2A34", context)
        await self.send("2A52", bytes([0x06, 0x00, 0x01, 0x01 if wanted else 0x06]))
        if self.records and self.records[-1] in wanted:
            self._delivered.set()

    def _wanted(self, asked: bytes) -> list[tuple[bytes, bytes | None]] | None:
        if asked == b"\x01\x01":
            return self.records
        if asked == b"\x01\x06" and self.knows_last:
            return self.records[-1:]
        if len(asked) == 5 and asked[:3] == b"\x01\x03\x01":
            return self.records[max(int.from_bytes(asked[3:], "little") - 1, 0) :]
        return None


class ThermometerPeripheral(Peripheral):
    """A simulated thermometer (模拟体温计)."""

    def __init__(self) -> None:
        super().__init__(name="SIM-TEMP", address="C0:00:00:00:18:09", service="1809", sends={"2A1C": INDICATE})

    async def measure(self, celsius: Decimal | str, *, at: datetime | None = None, site: int | None = 1) -> None:
        """Take a measurement in ℃; `site` as in 2A1D (1 armpit, 3 ear, 6 mouth)."""
        await self.send("2A1C", gatt_values.thermometer(celsius, at=at, site=site))
        await self.leave()


class WeightPeripheral(Peripheral):
    """A simulated scale (模拟体重秤)."""

    def __init__(self) -> None:
        super().__init__(name="SIM-WEIGHT", address="C0:00:00:00:18:1D", service="181D", sends={"2A9D": INDICATE})

    async def measure(self, kg: Decimal | str, *, at: datetime | None = None) -> None:
        """Weigh somebody."""
        await self.send("2A9D", gatt_values.weight(kg, at=at))
        await self.leave()
