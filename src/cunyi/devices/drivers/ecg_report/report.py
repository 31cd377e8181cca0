"""The text of one report becomes a measurement. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from cunyi.domain.measurement import DeviceValue, Measurement

_LONGEST_CONCLUSION = 2000
_PULSE = re.compile(r"(\d{1,3})(?: ?bpm| ?次/分)?")


class DamagedReportError(Exception):
    """A report that does not fit its description (报告损坏). The parser turns it into a trouble."""


def read_report(lines: Sequence[str]) -> Measurement:
    """The measurement of the lines between `@ECG` and `@END`, without waveforms."""
    told: dict[str, str] = {}
    conclusion: list[str] | None = None
    for line in lines:
        name, colon, value = line.replace("：", ":").partition(":")
        if conclusion is not None:
            conclusion.append(line)
        elif name.strip() == "结论" and colon:
            conclusion = [value.strip()]
        elif colon:
            told[name.strip()] = value.strip()
        elif line.strip():
            raise DamagedReportError
    text = "\n".join(line.strip() for line in conclusion or () if line.strip())
    try:
        clock_at = datetime.strptime(told.get("时间", ""), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise DamagedReportError from None
    if not text or len(text) > _LONGEST_CONCLUSION:
        raise DamagedReportError
    values: tuple[DeviceValue, ...] = ()
    if rate := told.get("心率"):
        pulse = _PULSE.fullmatch(rate)
        number = float(pulse[1]) if pulse is not None and int(pulse[1]) else None
        values = (DeviceValue(item="pulse_bpm", value=number, unit="次/分", raw=rate),)
    return Measurement(values=values, clock_at=clock_at, patient=told.get("编号", ""), conclusion=text)
