"""How each instrument of the bench stands, in words for the devices page."""

from __future__ import annotations

import traceback
from datetime import datetime
from enum import StrEnum

import msgspec

from cunyi.devices.driver import Description, Heard, Words
from cunyi.devices.transports.line_state import LineState
from cunyi.domain.device import RegisteredDevice, Transport
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import Measurement
from cunyi.reasoning.prepared import Knowledge


class Condition(StrEnum):
    """How an instrument stands (仪器状态): as its line does, or `DEFECT` where the program itself failed and tries again."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    LISTENING = "listening"
    LOST = "lost"
    NOT_ALLOWED = "not_allowed"
    DEFECT = "defect"


_WORDS: dict[Condition, Words] = {
    Condition.CONNECTING: Words(zh="正在连接", en="connecting"),
    Condition.LISTENING: Words(zh="已连接", en="connected"),
    Condition.LOST: Words(zh="连接断了，正在重连", en="connection lost, trying again"),
    Condition.DEFECT: Words(
        zh="程序出错，正在重试；读数可以先手工填写",
        en="the program failed and tries again; values can be typed meanwhile",
    ),
}
# An instrument that is away until somebody is measured rests; a cable that is not there is missed.
_RESTING = Words(
    zh="等它开机：测量时会自动连接", en="waiting for it to be switched on; it connects by itself when it measures"
)
_UNPLUGGED = Words(zh="没有插上；插上后会自动连接", en="not plugged in; it connects by itself once it is")
_NOT_ALLOWED: dict[Transport, Words] = {
    Transport.BLE: Words(
        zh="蓝牙用不了：请打开电脑的蓝牙，并允许本程序使用",
        en="Bluetooth cannot be used: switch it on and allow this program to use it",
    ),
    Transport.SERIAL: Words(
        zh="打不开这个端口：可能被别的程序占用，或者没有权限（Linux 上把用户加入 dialout 组后重新登录）",
        en="the port cannot be opened: another program holds it, or it is not permitted (on Linux, join the group dialout and log in again)",
    ),
}


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a registered instrument stands (仪器现状). `words` say it for people: what has to be done, else what it is doing.

    `trouble` and `state` are the driver's words, None for none. `last_reading` is the latest measurement without whose it is.
    `refused` is why the latest measurement could not be kept.
    """

    device: RegisteredDevice
    description: Description
    condition: Condition = Condition.SEARCHING
    state: Words | None = None
    trouble: Words | None = None
    battery_pct: int | None = None
    last_heard_at: datetime | None = None
    last_reading: Words | None = None
    last_reading_at: datetime | None = None
    refused: UserError | None = None
    facts: dict[str, str] = {}

    @property
    def words(self) -> Words:
        """What to show of it in one line."""
        at_rest = self.device.transport is Transport.BLE
        if self.condition is Condition.NOT_ALLOWED:
            return _NOT_ALLOWED[self.device.transport]
        if self.trouble is not None and (at_rest or self.answers):
            # Over Bluetooth a trouble commonly ends the connection; it still is what has to be done.
            return self.trouble
        if self.condition is Condition.SEARCHING:
            return _RESTING if at_rest else _UNPLUGGED
        return (self.state if self.answers else None) or _WORDS[self.condition]

    @property
    def no_answer(self) -> Words:
        """What to do when it does not answer."""
        return self.description.no_answer

    @property
    def answers(self) -> bool:
        """Whether it is connected now."""
        return self.condition is Condition.LISTENING

    def after_line(self, line: LineState) -> DeviceStatus:
        """The status once the line stands otherwise: what the instrument was doing no longer holds."""
        return msgspec.structs.replace(self, condition=Condition(line.value), state=None)

    def after_defect(self) -> DeviceStatus:
        """The status once the program failed at this instrument."""
        return msgspec.structs.replace(self, condition=Condition.DEFECT, state=None, trouble=None)

    def after_heard(self, heard: Heard, knowledge: Knowledge, at: datetime) -> DeviceStatus:
        """The status once the instrument was heard. Bytes that told something without a trouble end the trouble before."""
        told = self.description
        state, trouble = self.state, self.trouble
        if heard.state:
            state = _named(told.states, heard.state)
        if heard.trouble:
            trouble = _named(told.troubles, heard.trouble)
        elif heard.state or heard.measurements or heard.cards:
            trouble = None
        changed = msgspec.structs.replace(
            self,
            state=state,
            trouble=trouble,
            battery_pct=self.battery_pct if heard.battery_pct is None else heard.battery_pct,
            facts={**self.facts, **heard.facts},
        )
        if heard.measurements:
            latest = in_words(heard.measurements[-1], knowledge)
            changed = msgspec.structs.replace(changed, last_reading=latest, last_reading_at=at, refused=None)
        heard_anything = heard.state or heard.trouble or heard.facts or heard.measurements or heard.cards
        return msgspec.structs.replace(changed, last_heard_at=at) if heard_anything else changed


def in_words(measurement: Measurement, knowledge: Knowledge) -> Words:
    """A measurement in one line, for people: names and units of the knowledge base, or the analyser's own."""
    chinese, english = [], []
    for value in measurement.values:
        item = knowledge.content.items.get(value.item)
        shown = (
            "—" if value.value is None else f"{value.value:g}" if isinstance(value.value, float) else str(value.value)
        )
        amount = f"{shown} {value.unit}".strip() if value.value is not None else shown
        chinese.append(f"{item.name if item else value.item} {amount}")
        english.append(f"{item.name_en if item else value.item} {amount}")
    if measurement.conclusion:
        chinese.append(measurement.conclusion)
        english.append(measurement.conclusion)
    return Words(zh="，".join(chinese), en=", ".join(english))


def _named(words: dict[str, Words], name: str) -> Words:
    return words.get(name) or Words(zh=name, en=name)


def place_of(error: BaseException) -> str:
    """What kind of error it is and where it happened, without its text, which may hold what an instrument sent."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename.rpartition('cunyi')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{at}"
