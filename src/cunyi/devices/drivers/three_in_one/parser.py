"""The three-in-one meter: clock set, stored results fetched, each answered. Channels "FFF1" (from it) and "FFF2" (to it)."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta

from cunyi.devices.driver import Heard, Parser, Write
from cunyi.devices.drivers.three_in_one.frames import Frame, Frames, Kind, make_frame
from cunyi.domain.measurement import DeviceValue, Measurement

_RESULT = struct.Struct("<H6BBBHBB")
_TESTS = {1: "glucose_mmol_l", 2: "uric_acid", 3: "total_cholesterol"}
UNITS = {"glucose_mmol_l": "mmol/L", "uric_acid": "μmol/L", "total_cholesterol": "mmol/L"}
_SENT_UNITS = {0: "mmol/L", 1: "mg/dL", 2: "μmol/L"}
# From what was sent to the item's unit, through the molar mass, as in knowledge/ranges; a pair that is not here cannot be.
FACTORS = {
    ("glucose_mmol_l", "mmol/L"): 1.0,
    ("glucose_mmol_l", "mg/dL"): 0.0555,
    ("uric_acid", "μmol/L"): 1.0,
    ("uric_acid", "mmol/L"): 1000.0,
    ("uric_acid", "mg/dL"): 59.48,
    ("total_cholesterol", "mmol/L"): 1.0,
    ("total_cholesterol", "mg/dL"): 0.02586,
}
_HIGH, _LOW, _CONTROL = 0x01, 0x02, 0x04
_MOST_DECIMALS = 3
_CANNOT = {1: "strip_used", 2: "temperature", 3: "little_blood"}
_SILENCE = timedelta(seconds=2)


class ThreeInOneParser:
    """Follows one connection to the meter (血糖尿酸总胆固醇三合一)."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._heard_at: datetime | None = None

    def begin(self, now: datetime) -> Heard:
        """Sets the meter's clock and asks for what it has kept."""
        clock = bytes([now.year - 2000, now.month, now.day, now.hour, now.minute, now.second])
        return Heard(state="ready", replies=(_write(Kind.SET_CLOCK, clock), _write(Kind.SEND_STORED)))

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """The results of the frames that are whole; every result is answered, a damaged frame asked for again."""
        if channel != "FFF1":
            return Heard()
        self._heard_at = now
        frames, lost = self._frames.feed(data)
        measurements: list[Measurement] = []
        replies: list[Write] = [_write(Kind.SEND_AGAIN)] if lost else []
        state, trouble = "asked_again" if lost else "", ""
        battery: int | None = None
        for frame in frames:
            if frame.kind == Kind.RESULT:
                measurement = _read_result(frame)
                if measurement is None:
                    trouble = "unreadable"
                else:
                    measurements.append(measurement)
                    replies.append(_write(Kind.TAKEN, frame.payload[:2]))
                    state = state or "ready"
            elif frame.kind == Kind.BATTERY and len(frame.payload) == 1:
                battery = min(frame.payload[0], 100)
            elif frame.kind == Kind.CANNOT_MEASURE:
                trouble = _CANNOT.get(frame.payload[0] if frame.payload else 0, "unreadable")
            elif frame.kind not in {Kind.CLOCK_IS_SET, Kind.NO_MORE}:
                trouble = "unreadable"
        return Heard(
            measurements=tuple(measurements), replies=tuple(replies), state=state, trouble=trouble, battery_pct=battery
        )

    def tick(self, now: datetime) -> Heard:
        """A frame whose end does not come is asked for again."""
        if self._heard_at is None or now - self._heard_at < _SILENCE or not self._frames.forget():
            return Heard()
        return Heard(state="asked_again", replies=(_write(Kind.SEND_AGAIN),))


def make_parser() -> Parser:
    """A parser for one connection."""
    return ThreeInOneParser()


def _read_result(frame: Frame) -> Measurement | None:
    if len(frame.payload) != _RESULT.size:
        return None
    sequence, year, month, day, hour, minute, second, test, unit, value, decimals, marks = _RESULT.unpack(frame.payload)
    item, sent = _TESTS.get(test, ""), _SENT_UNITS.get(unit, "")
    factor = FACTORS.get((item, sent))
    if factor is None or decimals > _MOST_DECIMALS:
        return None
    try:
        clock_at = datetime(2000 + year, month, day, hour, minute, second)
    except ValueError:
        return None
    number: float | None = round(value / 10**decimals * factor, 4)
    raw = f"{value / 10**decimals:.{decimals}f} {sent}"
    flags: tuple[str, ...] = ()
    if marks & (_HIGH | _LOW):
        number, raw = None, "HI" if marks & _HIGH else "LO"
        flags = ("above_range",) if marks & _HIGH else ("below_range",)
    return Measurement(
        values=(DeviceValue(item=item, value=number, unit=UNITS[item], raw=raw),),
        clock_at=clock_at,
        sequence=sequence,
        flags=flags,
        control_solution=bool(marks & _CONTROL),
    )


def _write(kind: Kind, payload: bytes = b"") -> Write:
    return Write("FFF2", make_frame(kind, payload))
