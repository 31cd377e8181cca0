"""Lines of a haemoglobin meter: asked for, checked, answered. Channel "line"."""

from __future__ import annotations

import re
from datetime import datetime
from functools import reduce
from operator import xor

from cunyi.devices.driver import Heard, Parser, Write
from cunyi.domain.measurement import DeviceValue, Measurement

_LINE = re.compile(rb"\$([\x20-\x23\x25-\x29\x2b-\x7e]{1,80})\*([0-9A-Fa-f]{2})\r?")
_RESULT = re.compile(r"HB,(\d{1,6}),(\d{14}),([^,]{0,40}),(HI|LO|\d{1,3}(?:\.\d{1,2})?),(g/dL|g/L),([QT]{0,2})")
_BATTERY = re.compile(r"BAT,(\d{1,3})")
_END = re.compile(r"END,\d{1,6}")
_LONGEST = 200
_TO_G_PER_L = {"g/L": 1, "g/dL": 10}
_BEYOND = {"HI": "above_range", "LO": "below_range"}


class HemoglobinParser:
    """Follows one connection to a haemoglobin meter (血红蛋白仪)."""

    def __init__(self) -> None:
        self._rest = b""

    def begin(self, now: datetime) -> Heard:
        """Sets the meter's clock and asks for what it has kept."""
        return Heard(state="ready", replies=(_write(f"TIM,{now:%Y%m%d%H%M%S}"), _write("SND")))

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """The results of the lines that are whole; every line is answered."""
        measurements: list[Measurement] = []
        replies: list[Write] = []
        battery: int | None = None
        state = trouble = ""
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > _LONGEST:
            rest, trouble = b"", "garbage"
        self._rest = rest
        for line in lines:
            body = _checked(line)
            if body is None:
                if b"$" in line:
                    replies.append(_write("NAK"))
                    state = "asked_again"
                elif line.strip(b"\r\0"):
                    trouble = trouble or "garbage"
            elif result := _RESULT.fullmatch(body):
                measurement = _read_result(result)
                if measurement is None:
                    trouble = "unreadable"
                else:
                    measurements.append(measurement)
                    replies.append(_write(f"ACK,{result[1]}"))
                    state = "ready"
            elif level := _BATTERY.fullmatch(body):
                battery = min(int(level[1]), 100)
            elif not _END.fullmatch(body):
                trouble = "unreadable"
        return Heard(
            measurements=tuple(measurements), replies=tuple(replies), state=state, trouble=trouble, battery_pct=battery
        )

    def tick(self, now: datetime) -> Heard:
        """Time tells nothing: each line stands alone."""
        return Heard()


def make_parser() -> Parser:
    """A parser for one connection."""
    return HemoglobinParser()


def _checked(line: bytes) -> str | None:
    """The body of a line whose checksum is right. What stands before the last `$` was cut off."""
    fits = _LINE.fullmatch(line[max(line.rfind(b"$"), 0) :])
    if fits is None or reduce(xor, fits[1]) != int(fits[2], 16):
        return None
    return fits[1].decode("ascii")


def _read_result(result: re.Match[str]) -> Measurement | None:
    number, time, patient, written, unit, marks = result.groups()
    try:
        clock_at = datetime.strptime(time, "%Y%m%d%H%M%S")
    except ValueError:
        return None
    flags = [_BEYOND[written]] if written in _BEYOND else []
    if "T" in marks:
        flags.append("temperature")
    value, raw = None, written
    if written not in _BEYOND:
        value, raw = round(float(written) * _TO_G_PER_L[unit], 1), f"{written} {unit}"
    return Measurement(
        values=(DeviceValue(item="hemoglobin", value=value, unit="g/L", raw=raw),),
        clock_at=clock_at,
        sequence=int(number),
        patient=patient.strip(),
        flags=tuple(flags),
        control_solution="Q" in marks,
    )


def _write(body: str) -> Write:
    data = body.encode("ascii")
    return Write("line", b"$%s*%02X\r\n" % (data, reduce(xor, data)))
