"""The lines of one strip become a measurement. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from cunyi.domain.measurement import DeviceValue, Measurement

_NUMBER = re.compile(r"No\. ?(\d{1,6})")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}")
_PATIENT = re.compile(r"ID: ?([\x21-\x7e][\x20-\x7e]{0,39})?")
_ROW = re.compile(r"[* ]?([A-Za-z]{2,4}) +(\S{1,8})(?: +(\d[\x21-\x7e]{0,19}))?")
_STEPPED = {
    "UBG": "urine_urobilinogen",
    "BIL": "urine_bilirubin",
    "KET": "urine_ketone",
    "BLD": "urine_blood",
    "PRO": "urine_protein",
    "NIT": "urine_nitrite",
    "LEU": "urine_leukocytes",
    "GLU": "urine_glucose",
    "VC": "VC",
    "MALB": "MALB",
}
_MEASURED = {"SG": "urine_sg", "PH": "urine_ph"}
_NOT_ON_EVERY_STRIP = {"VC", "MALB"}
_STEPS = {"-": "-", "Neg": "-", "Normal": "-", "+-": "±", "+": "1+", "Pos": "1+"} | {
    f"+{step}": f"{step}+" for step in range(1, 5)
}


class DamagedTableError(Exception):
    """A table that does not fit its description (表格损坏). The parser turns it into a trouble."""


def read_table(data: bytes) -> Measurement:
    """The measurement of the bytes between STX and ETX."""
    try:
        lines = [line.rstrip() for line in data.decode("ascii").split("\r\n")]
    except UnicodeDecodeError:
        raise DamagedTableError from None
    lines = [line for line in lines if line]
    number, time, *rows = lines if len(lines) > 2 else ["", "", ""]
    numbered, timed, named = _NUMBER.fullmatch(number), _TIME.fullmatch(time), _PATIENT.fullmatch(rows[0])
    if numbered is None or timed is None:
        raise DamagedTableError
    try:
        clock_at = datetime.strptime(time, "%Y-%m-%d %H:%M")
    except ValueError:
        raise DamagedTableError from None
    values = [_read_row(row) for row in (rows[1:] if named else rows)]
    items = [value.item for value in values]
    wanted = {*_STEPPED.values(), *_MEASURED.values()} - _NOT_ON_EVERY_STRIP
    if len(items) != len(set(items)) or not wanted <= set(items):
        raise DamagedTableError
    patient = (named[1] or "") if named else ""
    return Measurement(values=tuple(values), clock_at=clock_at, sequence=int(numbered[1]), patient=patient)


def _read_row(row: str) -> DeviceValue:
    fits = _ROW.fullmatch(row)
    if fits is None:
        raise DamagedTableError
    name, written, quantity = fits[1].upper(), fits[2], fits[3]
    raw = f"{written} {quantity}" if quantity else written
    if name in _STEPPED and written in _STEPS:
        return DeviceValue(item=_STEPPED[name], value=_STEPS[written], unit="", raw=raw)
    if name in _MEASURED and re.fullmatch(r"\d\.\d{1,3}", written) and not quantity:
        return DeviceValue(item=_MEASURED[name], value=float(written), unit="", raw=raw)
    raise DamagedTableError
