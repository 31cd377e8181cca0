"""Blood pressure monitor, 0x1810: 2A35 is the measurement, 2A36 the cuff's pressure while it inflates.

The mean pressure is no item of the record and is not kept; neither is the number of the meter's own user (1, 2): it says whose
button was pressed, not who the patient is. The pressure of the cuff (2A36) is nobody's blood pressure: it only tells that the
meter is measuring.
"""

from __future__ import annotations

from datetime import datetime

from cunyi.devices.driver import Heard
from cunyi.devices.gatt import Fields, as_sent, pressure
from cunyi.devices.gatt_parser import GattParser, named
from cunyi.domain.measurement import Measurement

_STATUS = {0: "body_movement", 1: "cuff_loose", 2: "irregular_pulse", 5: "wrong_position"}
_PULSE_RANGE = {1: ("pulse_above_range",), 2: ("pulse_below_range",)}


def make_parser() -> GattParser:
    """A parser for one connection."""
    return GattParser({"2A35": _measured, "2A36": _inflating})


def _measured(data: bytes, now: datetime) -> Heard:
    fields = Fields(data)
    flags = fields.unsigned(1)
    kpa = bool(flags & 1)
    values = [
        pressure("systolic_mmhg", fields.sfloat(), kpa=kpa),
        pressure("diastolic_mmhg", fields.sfloat(), kpa=kpa),
    ]
    fields.sfloat()
    clock_at = fields.date_time() if flags & 2 else None
    if flags & 4:
        values.append(as_sent("pulse_bpm", fields.sfloat(), "次/分"))
    if flags & 8:
        fields.unsigned(1)
    status = fields.unsigned(2) if flags & 16 else 0
    fields.end()
    words = named(status, _STATUS) + _PULSE_RANGE.get(status >> 3 & 3, ())
    if values[0].value is None and values[1].value is None:
        return Heard(state="ready", trouble="cuff_loose" if "cuff_loose" in words else "no_result")
    return Heard(state="received", measurements=(Measurement(values=tuple(values), clock_at=clock_at, flags=words),))


def _inflating(data: bytes, now: datetime) -> Heard:
    fields = Fields(data)
    fields.unsigned(1)
    fields.sfloat()
    return Heard(state="measuring")
