"""What simulated instruments on a serial line send for one measurement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import xor


def urine(number: int, lines: Sequence[str], *, at: datetime) -> bytes:
    """The table of a urine strip: `lines` as the analyser prints them (`PRO +2     1.0g/L`), `at` its own clock."""
    text = "\r\n".join([f"No.{number:04d}", f"{at:%Y-%m-%d %H:%M}", *(f" {line}" for line in lines), ""])
    return b"\x02" + text.encode("ascii") + b"\x03"


def hemoglobin(number: int, value: str, *, at: datetime) -> bytes:
    """The line of a haemoglobin result in g/L; `at` is the meter's own clock."""
    body = f"HB,{number},{at:%Y%m%d%H%M%S},,{value},g/L,".encode("ascii")
    return b"$%s*%02X\r\n" % (body, reduce(xor, body))
