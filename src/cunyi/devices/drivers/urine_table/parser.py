"""Finds the tables in what a urine analyser sends. Channel "line"; nothing is answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from cunyi.devices.driver import Heard, Parser
from cunyi.devices.drivers.urine_table.table import DamagedTableError, read_table
from cunyi.domain.measurement import Measurement

_STX, _ETX = 0x02, 0x03
_LONGEST = 2000
_SILENCE = timedelta(seconds=5)
_FILLING = b"\x00\r\n "


class UrineTableParser:
    """Follows one connection to a urine analyser (尿液分析仪)."""

    def __init__(self) -> None:
        self._table: bytearray | None = None
        self._heard_at: datetime | None = None

    def begin(self, now: datetime) -> Heard:
        """The analyser speaks first."""
        return Heard(state="ready")

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """The strips whose tables are whole."""
        measurements: list[Measurement] = []
        state = trouble = ""
        self._heard_at = now
        for byte in data:
            if byte == _STX:
                trouble = "cut_off" if self._table is not None else trouble
                self._table, state = bytearray(), "receiving"
            elif self._table is None:
                if byte not in _FILLING:
                    trouble = trouble or "garbage"
            elif byte == _ETX:
                table, self._table, state = bytes(self._table), None, "ready"
                try:
                    measurements.append(read_table(table))
                except DamagedTableError:
                    trouble = "damaged"
            elif len(self._table) < _LONGEST:
                self._table.append(byte)
            else:
                self._table, state, trouble = None, "ready", "damaged"
        return Heard(measurements=tuple(measurements), state=state, trouble=trouble)

    def tick(self, now: datetime) -> Heard:
        """A table whose end does not come is dropped."""
        if self._table is None or self._heard_at is None or now - self._heard_at < _SILENCE:
            return Heard()
        self._table = None
        return Heard(state="ready", trouble="cut_off")


def make_parser() -> Parser:
    """A parser for one connection."""
    return UrineTableParser()
