"""Thermometer, 0x1809: 2A1C is the measurement, 2A1E a value on the way to it, 2A1D where it measures if 2A1C does not say so."""

from __future__ import annotations

from datetime import datetime

from cunyi.devices.driver import Heard
from cunyi.devices.gatt import Fields, temperature
from cunyi.devices.gatt_parser import GattParser
from cunyi.domain.measurement import Measurement

_SITES = {
    1: "armpit",
    2: "body",
    3: "ear",
    4: "finger",
    5: "gastrointestinal",
    6: "mouth",
    7: "rectum",
    8: "toe",
    9: "eardrum",
}


class _Thermometer:
    """What a thermometer said so far (体温计): where it always measures, if it told so."""

    def __init__(self) -> None:
        self._site: tuple[str, ...] = ()

    def site(self, data: bytes, now: datetime) -> Heard:
        fields = Fields(data)
        self._site = _words(fields.unsigned(1))
        fields.end()
        return Heard()

    def measured(self, data: bytes, now: datetime) -> Heard:
        return self._read(data, final=True)

    def on_the_way(self, data: bytes, now: datetime) -> Heard:
        return self._read(data, final=False)

    def _read(self, data: bytes, *, final: bool) -> Heard:
        fields = Fields(data)
        flags = fields.unsigned(1)
        value = temperature(fields.float32(), fahrenheit=bool(flags & 1))
        clock_at = fields.date_time() if flags & 2 else None
        site = _words(fields.unsigned(1)) if flags & 4 else self._site
        fields.end()
        if value.value is None:
            return Heard(state="ready", trouble="no_result")
        measurement = Measurement(values=(value,), clock_at=clock_at, flags=site, final=final)
        return Heard(state="received" if final else "measuring", measurements=(measurement,))


def _words(code: int) -> tuple[str, ...]:
    return (_SITES[code],) if code in _SITES else ()


def make_parser() -> GattParser:
    """A parser for one connection."""
    meter = _Thermometer()
    return GattParser({"2A1C": meter.measured, "2A1D": meter.site, "2A1E": meter.on_the_way})
