"""What every driver is: a description in `driver.toml`, and a parser that turns bytes into measurements and does nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from cunyi.domain.measurement import DeviceKind, IdentityCard, Measurement


class Write(msgspec.Struct, frozen=True):
    """Bytes to be sent to an instrument (下发): on which channel, and whether Bluetooth is to acknowledge them."""

    channel: str
    data: bytes
    acknowledged: bool = True


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What some bytes, or their absence, told (收到的内容).

    `state` is the id of a word of `driver.toml` ([states.*]) that the page shows (`no_card`, `lift_card`, `measuring`), empty for
    no change; `trouble` of one that asks for something to be done ([troubles.*]). `facts` are model, serial, firmware.
    """

    measurements: tuple[Measurement, ...] = ()
    cards: tuple[IdentityCard, ...] = ()
    replies: tuple[Write, ...] = ()
    state: str = ""
    trouble: str = ""
    battery_pct: int | None = None
    facts: dict[str, str] = {}


class Parser(Protocol):
    """The knowledge of one instrument's language (解析器). Pure: no line, no clock of its own; one for each connection.

    `channel` is the short id of a Bluetooth characteristic ("2A35"), or "line" for a serial line. Bytes may come in any pieces on
    a line; a characteristic gives whole values. Garbage is a `trouble`, never an exception. `now` is local time with a zone.
    """

    def begin(self, now: datetime) -> Heard:
        """What to send once the connection stands."""
        ...

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """What these bytes tell."""
        ...

    def tick(self, now: datetime) -> Heard:
        """What the passing of time tells: polling, time-outs. Called every `tick_ms` of the description."""
        ...


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence for people in both languages (提示)."""

    zh: str
    en: str


class BleDescription(msgspec.Struct, frozen=True, kw_only=True):
    """How an instrument is found and listened to over Bluetooth (蓝牙).

    `services`: short UUIDs it advertises or has; `name_prefixes`: what its name begins with where the service is a vendor's;
    `listen`: characteristics to subscribe to; `read`: characteristics read once after connecting (2A19, 2A24, 2A25);
    an instrument need not have those of `read`.
    """

    services: tuple[str, ...] = ()
    name_prefixes: tuple[str, ...] = ()
    listen: tuple[str, ...]
    read: tuple[str, ...] = ()


class SerialDescription(msgspec.Struct, frozen=True, kw_only=True):
    """How a serial line is opened (串口). `usb`: "vid:pid" in lower-case hexadecimal by which a port is recognised."""

    baud: int
    data_bits: int = 8
    parity: str = "N"
    stop_bits: int = 1
    usb: tuple[str, ...] = ()


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """`driver.toml` (驱动说明). `states`, `troubles` and `flags` give the words of the ids that the parser uses.

    `no_answer` says what to do when the instrument does not answer; `tried_on` names real hardware it was tried on (empty:
    none); `document` what the language was taken from.
    """

    id: str
    name: Words
    kind: DeviceKind
    items: tuple[str, ...]
    document: str
    no_answer: Words
    tried_on: tuple[str, ...] = ()
    tick_ms: int = 0
    ble: BleDescription | None = None
    serial: SerialDescription | None = None
    states: dict[str, Words] = {}
    troubles: dict[str, Words] = {}
    flags: dict[str, Words] = {}


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    """A driver ready for use (驱动)."""

    description: Description
    parser: Callable[[], Parser]

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.description.id
