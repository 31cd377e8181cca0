"""The parser that every driver of a standard Bluetooth instrument is made with: what such instruments have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from cunyi.devices.driver import Heard, Write
from cunyi.devices.gatt import MalformedError, current_time, date_time

_BATTERY = "2A19"
_FACTS = {"2A24": "model", "2A25": "serial", "2A26": "firmware", "2A29": "manufacturer"}
_FACT_LENGTH = 64
_NOTHING = Heard()


def _nothing(now: datetime) -> Heard:
    return _NOTHING


class GattParser:
    """A parser (解析器) of a standard instrument: `readers` has for each measuring characteristic the function that reads its value.

    It sets the meter's clock when the connection stands (2A2B current time, else 2A08 date time: a meter without either is not
    written to), then sends what `begin` gives; it reads the battery (2A19) and the device information (model, serial, firmware,
    manufacturer) into facts; a value that is too short, too long or senseless is the trouble `garbled`. A driver that has
    something to do as time passes gives `tick`.
    """

    def __init__(
        self,
        readers: Mapping[str, Callable[[bytes, datetime], Heard]],
        *,
        begin: Callable[[datetime], Heard] = _nothing,
        tick: Callable[[datetime], Heard] = _nothing,
    ) -> None:
        self._readers = readers
        self._begin = begin
        self._tick = tick

    def begin(self, now: datetime) -> Heard:
        """The meter's clock, then what the driver asks first."""
        heard = self._begin(now)
        heard = self._begin(now)
        clock = (Write("2A2B", current_time(now)), Write("2A08", date_time(now)))
        return msgspec.structs.replace(heard, state="ready", replies=clock + heard.replies)

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """What the value of a characteristic tells; nothing for one that no reader knows."""
        if channel == _BATTERY:
            return Heard(battery_pct=data[0]) if len(data) == 1 and data[0] <= 100 else _NOTHING
        if channel in _FACTS:
            text = "".join(sign for sign in data.decode("utf-8", "replace") if sign.isprintable()).strip()
            return Heard(facts={_FACTS[channel]: text[:_FACT_LENGTH]}) if text else _NOTHING
        reader = self._readers.get(channel)
        if reader is None:
            return _NOTHING
        try:
            return reader(data, now)
        except MalformedError:
            return Heard(trouble="garbled")

    def tick(self, now: datetime) -> Heard:
        """What the driver does as time passes."""
        return self._tick(now)


def named(bits: int, names: Mapping[int, str]) -> tuple[str, ...]:
    """The words of the bits that are set, in the order of `names` (bit number to word), each once."""
    return tuple(dict.fromkeys(word for bit, word in names.items() if bits >> bit & 1))
