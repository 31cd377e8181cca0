"""Pulse oximeter, 0x1822: 2A5E is a single measurement, 2A5F the running one while a finger is in it.

A running oximeter never says "this is the result". Every value is passed on as running (`final=False`); the result is the median
of the last 8 seconds once no two values of them were further apart than 2 % (±1 %), none was marked as doubtful by the meter, and
there were at least 4. There is one result for each finger: the next one comes after the finger was out (no value, sensor
off, or nothing for 3 seconds). A meter that demonstrates or tests itself gives nobody's values; they are not passed on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cunyi.devices.driver import Heard
from cunyi.devices.gatt import Fields, Number, as_sent
from cunyi.devices.gatt_parser import GattParser, named
from cunyi.domain.measurement import DeviceValue, Measurement

_QUESTIONABLE = {14: "questionable"}
_NO_MEASUREMENT = 1 << 13 | 1 << 15
_NOT_A_PATIENT = 1 << 10 | 1 << 11 | 1 << 12
_FROM_MEMORY = 1 << 9
_SENSOR = {
    1: "sensor_fault",
    2: "poor_signal",
    3: "poor_signal",
    4: "poor_signal",
    5: "low_perfusion",
    6: "poor_signal",
    7: "poor_signal",
    8: "questionable",
    10: "poor_signal",
    11: "sensor_off",
    13: "sensor_off",
    14: "sensor_fault",
    15: "sensor_off",
}
_DOUBTFUL = {"questionable", "poor_signal", "sensor_fault"}

STEADY = timedelta(seconds=8)
_GAP = timedelta(seconds=3)
_ENOUGH = 4
_SPREAD_PCT = 2


class _Oximeter:
    """What an oximeter sent so far (血氧仪): the values of the finger that is in it now."""

    def __init__(self) -> None:
        self._run: list[tuple[datetime, DeviceValue, DeviceValue]] = []
        self._last: datetime | None = None
        self._given = False

    def single(self, data: bytes, now: datetime) -> Heard:
        fields = Fields(data)
        flags = fields.unsigned(1)
        numbers = fields.sfloat(), fields.sfloat()
        clock_at = fields.date_time() if flags & 1 else None
        status = fields.unsigned(2) if flags & 2 else 0
        sensor = fields.unsigned(3) if flags & 4 else 0
        if flags & 8:
            fields.sfloat()
        fields.end()
        words = _words(status, sensor)
        if trouble := _trouble(numbers, status, words):
            return Heard(state="ready", trouble=trouble)
        self._given = True
        clock_at = None if flags & 16 else clock_at
        return Heard(
            state="received", measurements=(Measurement(values=_values(numbers), clock_at=clock_at, flags=words),)
        )

    def running(self, data: bytes, now: datetime) -> Heard:
        fields = Fields(data)
        flags = fields.unsigned(1)
        numbers = fields.sfloat(), fields.sfloat()
        for bit in (1, 2):
            if flags & bit:
                fields.sfloat(), fields.sfloat()
        status = fields.unsigned(2) if flags & 4 else 0
        sensor = fields.unsigned(3) if flags & 8 else 0
        if flags & 16:
            fields.sfloat()
        fields.end()
        if self._last is None or not timedelta(0) <= now - self._last <= _GAP:
            self._finger_out()
        self._last = now
        words = _words(status, sensor)
        trouble = _trouble(numbers, status, words)
        # A running value has no time of its own: one from the memory would be taken for now.
        if status & _FROM_MEMORY:
            trouble = "not_measuring"
        if trouble or not _is_saturation(numbers[0]):
            self._finger_out()
            # Without a finger in it a running oximeter says so every second; that is its rest, not a trouble.
            return Heard(state="no_finger", trouble=trouble if trouble == "not_measuring" else "")
        values = _values(numbers)
        running = Measurement(values=values, flags=words, final=False)
        result = () if self._given else self._result(values, words, now)
        return Heard(state="received" if self._given else "measuring", measurements=(running, *result))

    def _result(
        self, values: tuple[DeviceValue, DeviceValue], words: tuple[str, ...], now: datetime
    ) -> tuple[Measurement, ...]:
        if _DOUBTFUL & set(words):
            self._run.clear()
            return ()
        self._run.append((now, *values))
        while _spread([spo2 for _, spo2, _ in self._run]) > _SPREAD_PCT:
            self._run.pop(0)
        if now - self._run[0][0] < STEADY:
            return ()
        last = [kept for kept in self._run if now - kept[0] <= STEADY]
        if len(last) < _ENOUGH:
            return ()
        self._given = True
        self._run.clear()
        middle = _middle([spo2 for _, spo2, _ in last]), _middle([pulse for _, _, pulse in last])
        return (Measurement(values=middle, flags=words),)

    def _finger_out(self) -> None:
        self._run.clear()
        self._given = False


def _words(status: int, sensor: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(named(status, _QUESTIONABLE) + named(sensor, _SENSOR)))


def _trouble(numbers: tuple[Number, Number], status: int, words: tuple[str, ...]) -> str:
    """Why the numbers are not a patient's values: the id of a trouble, empty if they are."""
    if status & _NOT_A_PATIENT:
        return "not_measuring"
    if "sensor_off" in words:
        return "sensor_off"
    return "no_result" if status & _NO_MEASUREMENT or numbers[0].value is None else ""


def _is_saturation(number: Number) -> bool:
    """Some meters send 0 or 127 for "no finger", where the profile has a pattern for it."""
    return number.value is not None and 0 < number.value <= 100


def _values(numbers: tuple[Number, Number]) -> tuple[DeviceValue, DeviceValue]:
    return as_sent("spo2_pct", numbers[0], "%"), as_sent("pulse_bpm", numbers[1], "次/分")


def _spread(values: list[DeviceValue]) -> float:
    known = [float(value.value or 0) for value in values]
    return max(known) - min(known)


def _middle(values: list[DeviceValue]) -> DeviceValue:
    """The median, one that was sent, so that nothing is shown which the meter never showed; the lower of two."""
    known = sorted(
        (value for value in values if isinstance(value.value, float)), key=lambda value: float(value.value or 0)
    )
    return known[(len(known) - 1) // 2] if known else values[-1]


def make_parser() -> GattParser:
    """A parser for one connection."""
    meter = _Oximeter()
    return GattParser({"2A5E": meter.single, "2A5F": meter.running})
