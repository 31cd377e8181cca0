"""Scale, 0x181D: 2A9D is the weight, in steps of 0.005 kg or 0.01 lb.

The body-mass index and height that some scales add are those typed into the scale for one of its users, not measured, and
belong to whoever that user is: they are not kept, nor is the user's number.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from cunyi.devices.driver import Heard
from cunyi.devices.gatt import Fields, Number, weight
from cunyi.devices.gatt_parser import GattParser
from cunyi.domain.measurement import Measurement

_KG_STEP, _LB_STEP = Decimal("0.005"), Decimal("0.01")
_UNSUCCESSFUL = 0xFFFF


def make_parser() -> GattParser:
    """A parser for one connection."""
    return GattParser({"2A9D": _measured})


def _measured(data: bytes, now: datetime) -> Heard:
    fields = Fields(data)
    flags = fields.unsigned(1)
    pounds = bool(flags & 1)
    steps = fields.unsigned(2)
    clock_at = fields.date_time() if flags & 2 else None
    if flags & 4:
        fields.unsigned(1)
    if flags & 8:
        fields.unsigned(4)
    fields.end()
    if steps == _UNSUCCESSFUL:
        return Heard(state="ready", trouble="no_result")
    sent = steps * (_LB_STEP if pounds else _KG_STEP)
    value = weight(Number(sent, f"{sent:f}"), pounds=pounds)
    return Heard(state="received", measurements=(Measurement(values=(value,), clock_at=clock_at),))
