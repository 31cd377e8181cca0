"""Instruments as a node keeps them, and what arrived from them and waits for a person to confirm it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from cunyi.domain.case import VITAL_FIELDS
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import DeviceKind


class Transport(StrEnum):
    """How an instrument is reached (连接方式: 蓝牙 / 串口)."""

    BLE = "ble"
    SERIAL = "serial"


class RegisteredDevice(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument of this node (已登记的仪器). `address` is the Bluetooth address or the port; `name` what people call it.

    `facts` are what it told of itself (model, serial, firmware). `active`: it is listened to. `removed`: it was taken off the
    list, and its readings stay. `control_tests` counts the tests with control solution that it sent, the last one at
    `control_at`.
    """

    id: str
    organisation: str
    driver: str
    transport: Transport
    address: str
    name: str
    serial_number: str = ""
    facts: dict[str, str] = {}
    added_at: datetime
    active: bool = True
    removed: bool = False
    control_tests: int = 0
    control_at: datetime | None = None

    @property
    def label(self) -> str:
        """How a signed record names it: what people call it, its model and serial number."""
        serial = self.serial_number or self.facts.get("serial", "")
        return " ".join(dict.fromkeys(part for part in (self.name, self.facts.get("model", ""), serial) if part))


class ReceivingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of taking readings in (读数规则).

    `confirm_readings`: every reading waits for a person's tap; without it only those wait that leave anything in doubt.
    A reading older than the encounter by more than `stale_minutes` is not taken for today's. A clock that differs by more
    than `clock_tolerance_minutes` is wrong. The same values again within `duplicate_seconds` are one reading, where the
    instrument gives neither time nor number.
    """

    confirm_readings: bool = True
    stale_minutes: int = 30
    clock_tolerance_minutes: int = 5
    duplicate_seconds: int = 60


class Focus(msgspec.Struct, frozen=True, kw_only=True):
    """Into whose encounter readings go at the moment (当前居民); `since` is when this encounter came in front."""

    account_id: str
    draft_id: str
    person_id: str
    since: datetime | None = None


class FlagWords(msgspec.Struct, frozen=True, kw_only=True):
    """A remark of the instrument in both languages (仪器提示): 心律不齐, 袖带松."""

    zh: str
    en: str


class Beyond(StrEnum):
    """On which side of the usual values a value lies (偏低 / 偏高)."""

    LOW = "low"
    HIGH = "high"


class ArrivedValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value that arrived (收到的值), in the unit of its item; `raw` as the instrument sent it.

    `item` is an id of `knowledge/ranges` where it is `known`, else the name that the instrument gave. `value` None: the
    instrument said that it has none. `refused` tells why a value cannot be and stays out of the form; `repeat`: it can be,
    but is to be measured again (请复测).
    """

    item: str
    known: bool
    name_zh: str
    name_en: str
    value: float | str | None
    unit: str
    raw: str
    refused: UserError | None = None
    repeat: bool = False
    flag: Beyond | None = None

    @property
    def usable(self) -> bool:
        """Whether it can go into a form."""
        return self.value is not None and self.refused is None

    @property
    def words(self) -> str:
        """The value as the form's box holds it; empty where there is none."""
        if self.value is None or isinstance(self.value, str):
            return self.value or ""
        return f"{self.value:.10g}"

    @property
    def is_reading(self) -> bool:
        """Whether it is a vital sign with a box of its own; the others are rows of results."""
        return self.item in VITAL_FIELDS

    def __repr__(self) -> str:
        """Nothing measured: reprs end in logs."""
        return f"ArrivedValue({self.item})"


class ReadingState(StrEnum):
    """What became of a reading (待确认 / 已确认 / 已丢弃)."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    DISCARDED = "discarded"


class ArrivedReading(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement that arrived (收到的读数): from which instrument, whose it is, and what became of it.

    `draft_id` and `person_id` are None while it is nobody's; `person_name` then names whose encounter it came from, where
    that one ended without it. `measured_at` is the instrument's own time where it can be
    relied on, else `received_at`. `earlier`: its time says that it was not measured in this encounter. `doubts` tell in plain
    words what a person has to look at; the `field` of each says what it is about: `clock`, `earlier`, `before`, `patient`, `pressure`.
    `entered` is the patient as entered at the instrument. `device_label` is what a signed record names.
    """

    id: str
    organisation: str
    device_id: str
    device_name: str
    device_label: str
    kind: DeviceKind
    received_at: datetime
    measured_at: datetime
    draft_id: str | None = None
    person_id: str | None = None
    person_name: str = ""
    values: tuple[ArrivedValue, ...] = ()
    flags: tuple[FlagWords, ...] = ()
    doubts: tuple[UserError, ...] = ()
    conclusion: str = ""
    entered: str = ""
    earlier: bool = False
    state: ReadingState = ReadingState.WAITING
    settled_by: str = ""
    settled_why: str = ""

    @property
    def has_content(self) -> bool:
        """Whether there is anything to put into a form."""
        return bool(self.conclusion) or any(value.usable for value in self.values)

    @property
    def is_clean(self) -> bool:
        """Whether nothing of it needs a person's look before it goes into the form."""
        odd = self.doubts or self.flags or any(value.refused or value.repeat for value in self.values)
        return not odd and self.draft_id is not None and self.has_content

    def __repr__(self) -> str:
        """Nothing of the person and nothing measured: reprs end in logs."""
        return f"ArrivedReading({self.id}, {self.kind}, {self.state})"
