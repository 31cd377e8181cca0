"""The receiver's side of an analyser on a line: answers frames, reads messages. Channel "line"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib.resources import files

import msgspec

from cunyi.devices.driver import Heard, Parser, Write
from cunyi.devices.drivers.astm_analyser.framing import Link, Sign, Turn
from cunyi.devices.drivers.astm_analyser.records import Items, UnreadableMessageError, read_message
from cunyi.domain.measurement import Measurement

_LONGEST_MESSAGE = 1_000_000
_LONGEST_QUARREL = 6
"""How often a sender repeats a frame before it gives up."""


class AstmParser:
    """Follows one connection to an analyser (检验分析仪). Results are told when the message is complete, never half of it."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._link = Link()
        self._text = b""
        self._lines: list[str] = []
        self._kept = 0
        self._refused = 0

    def begin(self, now: datetime) -> Heard:
        """An analyser speaks first: nothing to send."""
        return Heard(state="ready")

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """Answers every frame, and tells the results of a message that has ended."""
        return self._told(self._link.feed(data, now))

    def tick(self, now: datetime) -> Heard:
        """Gives up a transmission whose sender has been silent for 30 seconds."""
        turn = self._link.tick(now)
        return self._told([turn]) if turn is not None else Heard()

    def _told(self, turns: Iterable[Turn]) -> Heard:
        measurements: list[Measurement] = []
        replies: list[Write] = []
        state = trouble = ""
        for turn in turns:
            if turn.reply:
                replies.append(Write("line", turn.reply))
            if turn.sign is Sign.FRAME:
                self._refused = 0
                trouble = self._take(turn, measurements) or trouble
            elif turn.sign is Sign.REFUSED:
                self._refused += 1
                state = "asked_again"
                trouble = "noisy_line" if self._refused >= _LONGEST_QUARREL else trouble
            elif turn.sign is Sign.GARBAGE:
                trouble = trouble or "garbage"
            elif turn.sign is Sign.SAME_FRAME:
                self._refused = 0
            else:
                trouble = self._leave(turn.sign) or trouble
            state = {
                Sign.OPENED: "receiving",
                Sign.REOPENED: "receiving",
                Sign.CLOSED: "ready",
                Sign.SILENT: "ready",
            }.get(turn.sign, state)
        return Heard(measurements=tuple(measurements), replies=tuple(replies), state=state, trouble=trouble)

    def _take(self, turn: Turn, measurements: list[Measurement]) -> str:
        """Adds the text of a frame, reads the records that are whole; a trouble or nothing."""
        self._text += turn.text
        self._kept += len(turn.text)
        if self._kept > _LONGEST_MESSAGE:
            self._forget()
            return "too_long"
        *whole, rest = self._text.split(b"\r")
        self._text = b"" if turn.last else rest
        if turn.last:
            whole.append(rest)
        trouble = ""
        for line in filter(None, map(_decoded, whole)):
            if line.startswith("H"):
                trouble = "cut_off" if self._lines else trouble
                self._lines, self._kept = [], len(line)
            self._lines.append(line)
            if line[:1].upper() == "L":
                try:
                    measurements.extend(read_message(self._lines, self._items))
                except UnreadableMessageError:
                    trouble = "unreadable"
                self._lines, self._kept = [], 0
        return trouble

    def _leave(self, sign: Sign) -> str:
        """The link was opened, closed or has fallen silent: half a message is dropped, and that is said."""
        half = bool(self._lines or self._text or self._refused)
        self._forget()
        if sign is Sign.SILENT:
            return "silent"
        return "cut_off" if half else ""

    def _forget(self) -> None:
        self._text, self._lines, self._kept, self._refused = b"", [], 0, 0


def make_parser() -> Parser:
    """A parser for one connection."""
    return AstmParser(_items())


@cache
def _items() -> Items:
    table = files("cunyi.devices.drivers.astm_analyser") / "items.toml"
    return msgspec.toml.decode(table.read_bytes(), type=Items)


def _decoded(line: bytes) -> str:
    """The text of a record: UTF-8, or what analysers made for China send."""
    try:
        return line.decode("utf-8").strip("\n\0 ")
    except UnicodeDecodeError:
        return line.decode("gb18030", errors="replace").strip("\n\0 ")
