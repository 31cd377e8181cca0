"""Captures: what went over a line, as text, and playing it again into a parser without any line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from itertools import zip_longest

import msgspec

from cunyi.devices.driver import Driver, Heard, Write
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import IdentityCard, Measurement

_WRITTEN = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\s*#.*)?')
_TEXT = re.compile(rb"[\x20-\x7e\r\n]+")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)")
_ESCAPES = {b"r": b"\r", b"n": b"\n", b"\\": b"\\", b'"': b'"'}


class StepKind(StrEnum):
    """What happens in a step of a capture (步骤). The values are the words of the file."""

    BEGIN = "begin"
    FROM_INSTRUMENT = "<"
    TO_INSTRUMENT = ">"
    TICK = "tick"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a capture (录制的一步): `after` is the time since the beginning, `number` the line in the file."""

    number: int
    after: timedelta
    kind: StepKind
    channel: str = ""
    data: bytes = b""


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """What went over a line (通信录制). `origin` is "synthetic" or "real, " with model and date; `now` the time of its first step."""

    origin: str
    about: str
    now: datetime
    steps: tuple[Step, ...]


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a parser made of a capture (回放结果). `differences`: where it wrote something else than the capture says."""

    measurements: tuple[Measurement, ...]
    cards: tuple[IdentityCard, ...]
    states: tuple[str, ...]
    troubles: tuple[str, ...]
    written: tuple[Write, ...]
    differences: tuple[str, ...]


def captures(driver_id: str) -> dict[str, Capture]:
    """The captures that lie beside a driver, by name."""
    folder = files("cunyi.devices.drivers") / driver_id / "captures"
    found = [file for file in folder.iterdir() if file.name.endswith(".capture")] if folder.is_dir() else []
    found.sort(key=lambda file: file.name)
    return {file.name.removesuffix(".capture"): read_capture(file.read_text(encoding="utf-8")) for file in found}


def read_capture(text: str) -> Capture:
    """A capture from its text; `UserError` names the line that cannot be read.

    Three headings (`origin`, `about`, `now`), then one step a line: seconds since the beginning, then `begin`, `tick`, or `<`
    (from the instrument) or `>` (to it) with the channel and the bytes, as hexadecimal or as `"text"` with `\\r \\n \\\\ \\" \\x02`.
    Everything after ` # ` is a remark.
    """
    headings: dict[str, str] = {}
    steps: list[Step] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = line.strip()
        if line.startswith("+"):
            step = _read_step(number, line)
            if steps and step.after < steps[-1].after:
                raise _unreadable(number, line)
            steps.append(step)
        elif line and not line.startswith("#"):
            name, colon, value = line.partition(":")
            if not colon or steps or name not in {"origin", "about", "now"}:
                raise _unreadable(number, line)
            headings[name] = value.partition(" # ")[0].strip()
    for name in ("origin", "about", "now"):
        if not headings.get(name):
            raise UserError("录制文件缺少“{name}:”一行，请补上", field="capture", name=name)
    origin = headings["origin"]
    if origin != "synthetic" and not origin.startswith("real, "):
        raise UserError("录制文件的“origin:”应写 synthetic，或写 real, 加型号和日期", field="capture")
    return Capture(origin=origin, about=headings["about"], now=_read_time(headings["now"]), steps=tuple(steps))


def replay(driver: Driver, capture: Capture) -> Replayed:
    """What the driver's parser makes of a capture, and where it did not write what the capture says, in order."""
    parser = driver.parser()
    heard: list[Heard] = []
    differences: list[str] = []
    wanted: list[Step] = []
    pending: list[Write] = []

    def settle() -> None:
        for step, write in zip_longest(wanted, pending):
            if step is None:
                differences.append(f"not in the capture: {_told(write.channel, write.data)}")
            elif write is None:
                differences.append(f"line {step.number}: {_told(step.channel, step.data)} was not written")
            elif (step.channel, step.data) != (write.channel, write.data):
                said = _told(step.channel, step.data)
                differences.append(f"line {step.number}: {said} expected, {_told(write.channel, write.data)} written")
        wanted.clear()
        pending.clear()

    for step in capture.steps:
        if step.kind is StepKind.TO_INSTRUMENT:
            wanted.append(step)
            continue
        settle()
        now = capture.now + step.after
        if step.kind is StepKind.BEGIN:
            told = parser.begin(now)
        elif step.kind is StepKind.TICK:
            told = parser.tick(now)
        else:
            told = parser.feed(step.channel, step.data, now)
        heard.append(told)
        pending.extend(told.replies)
    settle()
    return Replayed(
        measurements=tuple(measurement for told in heard for measurement in told.measurements),
        cards=tuple(card for told in heard for card in told.cards),
        states=tuple(told.state for told in heard if told.state),
        troubles=tuple(told.trouble for told in heard if told.trouble),
        written=tuple(write for told in heard for write in told.replies),
        differences=tuple(differences),
    )


def _read_step(number: int, line: str) -> Step:
    seconds, _, rest = line.partition(" ")
    kind, _, rest = rest.strip().partition(" ")
    try:
        after = timedelta(seconds=float(seconds))
        if kind in {StepKind.BEGIN, StepKind.TICK} and not rest.partition("#")[0].strip():
            return Step(number=number, after=after, kind=StepKind(kind))
        channel, _, written = rest.strip().partition(" ")
        if kind in {StepKind.FROM_INSTRUMENT, StepKind.TO_INSTRUMENT} and channel:
            return Step(
                number=number, after=after, kind=StepKind(kind), channel=channel, data=_read_bytes(written.strip())
            )
    except (ValueError, OverflowError):
        raise _unreadable(number, line) from None
    raise _unreadable(number, line)


def _read_bytes(written: str) -> bytes:
    if not written.startswith('"'):
        return bytes.fromhex(written.partition("#")[0])
    quoted = _WRITTEN.fullmatch(written)
    if quoted is None:
        raise ValueError("no closing quotation mark, or something after it")
    return _ESCAPE.sub(_unescape, quoted[1].encode("ascii"))


def _unescape(escape: re.Match[bytes]) -> bytes:
    if len(escape[1]) == 3:
        return bytes([int(escape[1][1:], 16)])
    if escape[1] not in _ESCAPES:
        raise ValueError("unknown escape")
    return _ESCAPES[escape[1]]


def _read_time(written: str) -> datetime:
    try:
        now = datetime.fromisoformat(written)
    except ValueError:
        now = None
    if now is None or now.tzinfo is None:
        raise UserError("录制文件的“now:”应写带时区的时间，例如 2026-11-25T09:00:00+08:00", field="capture")
    return now


def _unreadable(number: int, line: str) -> UserError:
    return UserError("录制文件第{number}行读不懂：{line}", field="capture", number=number, line=line[:60])


def _told(channel: str, data: bytes) -> str:
    """Bytes as they may be written into a capture: as text where they are, else as hexadecimal."""
    if data and _TEXT.fullmatch(data):
        text = data.decode("ascii").replace("\\", "\\\\").replace('"', '\\"')
        return f'{channel} "{text}"'.replace("\r", "\\r").replace("\n", "\\n")
    return f"{channel} {data.hex(' ').upper()}"
