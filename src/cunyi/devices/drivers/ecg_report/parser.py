"""Finds the reports in what an ECG recorder prints. Channel "line"; nothing is answered, no sample is kept."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import Enum, auto

from cunyi.devices.driver import Heard, Parser
from cunyi.devices.drivers.ecg_report.report import DamagedReportError, read_report
from cunyi.domain.measurement import Measurement

# At the end of a line: a report that was cut off leaves half a line before the next one.
_BEGIN = re.compile(rb"@ECG \d{1,3}\r?\Z")
_END = re.compile(rb"@END ([0-9A-Fa-f]{4})")
_LONGEST_LINE = 1000
_LONGEST_REPORT = 8000
_SILENCE = timedelta(seconds=10)


class _Inside(Enum):
    NOTHING = auto()
    REPORT = auto()
    WAVEFORM = auto()


class EcgReportParser:
    """Follows one connection to an ECG recorder (心电图机)."""

    def __init__(self) -> None:
        self._inside = _Inside.NOTHING
        self._rest = b""
        self._lines: list[str] = []
        self._kept = 0
        self._sum = 0
        self._heard_at: datetime | None = None

    def begin(self, now: datetime) -> Heard:
        """The recorder speaks first."""
        return Heard(state="ready")

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """The reports that are whole."""
        measurements: list[Measurement] = []
        state = trouble = ""
        self._heard_at = now
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            took_state, took_trouble = self._take(line, measurements)
            state, trouble = took_state or state, took_trouble or trouble
        if len(rest) > _LONGEST_LINE:
            # No line of a report is so long: samples, or garbage. Only its last bytes can still be a mark.
            self._sum += sum(rest[:-_LONGEST_LINE])
            rest = rest[-_LONGEST_LINE:]
            if self._inside is _Inside.NOTHING:
                trouble = trouble or "garbage"
        self._rest = rest
        return Heard(measurements=tuple(measurements), state=state, trouble=trouble)

    def tick(self, now: datetime) -> Heard:
        """A report whose end does not come is dropped."""
        if self._inside is _Inside.NOTHING or self._heard_at is None or now - self._heard_at < _SILENCE:
            return Heard()
        self._forget()
        return Heard(state="ready", trouble="cut_off")

    def _take(self, line: bytes, measurements: list[Measurement]) -> tuple[str, str]:
        """Takes one line; the state and the trouble it makes, empty for none."""
        mark = line.rstrip(b"\r")
        if began := _BEGIN.search(line):
            before = self._inside
            self._forget()
            self._inside, self._sum = _Inside.REPORT, sum(began[0]) + 0x0A
            return "receiving", "cut_off" if before is not _Inside.NOTHING else ""
        if self._inside is _Inside.NOTHING:
            return "", "garbage" if mark.strip(b"\0 ") else ""
        if ended := _END.fullmatch(mark):
            lines, right = self._lines, self._sum % 65536 == int(ended[1], 16)
            whole = self._inside is _Inside.REPORT and self._kept <= _LONGEST_REPORT
            self._forget()
            try:
                if not (right and whole):
                    raise DamagedReportError
                measurements.append(read_report(lines))
            except DamagedReportError:
                return "ready", "damaged"
            return "ready", ""
        self._sum += sum(line) + 0x0A
        if mark == b"@WAVE":
            self._inside = _Inside.WAVEFORM
        elif mark == b"@ENDWAVE":
            self._inside = _Inside.REPORT
        elif self._inside is _Inside.REPORT and mark:
            self._kept += len(mark)
            if self._kept <= _LONGEST_REPORT:
                self._lines.append(mark.decode("gb18030", errors="replace"))
        return "", ""

    def _forget(self) -> None:
        self._inside, self._lines, self._kept, self._sum, self._rest = _Inside.NOTHING, [], 0, 0, b""


def make_parser() -> Parser:
    """A parser for one connection."""
    return EcgReportParser()
