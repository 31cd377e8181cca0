"""LIS01-A2 on the receiver's side: which bytes are frames, and what is answered to each. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

STX, ETX, EOT, ENQ, ACK, LF, NAK, ETB = b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x0a", b"\x15", b"\x17"
SILENCE = timedelta(seconds=30)
"""How long the receiver waits for a frame or the end (LIS01-A2, receiver's timer)."""

_FRAME = re.compile(rb"\x02([0-7])([^\x02-\x05\n]*)([\x03\x17])([0-9A-Fa-f]{2})\r\n", re.DOTALL)
_AFTER_TEXT = 4
_LONGEST_FRAME = 64_000 + 7
# Between frames these mean nothing and do no harm.
_FILLING = b"\x00\r\n\x04\x06\x15"


class Sign(StrEnum):
    """What happened on the link (链路事件)."""

    OPENED = "opened"
    REOPENED = "reopened"
    FRAME = "frame"
    SAME_FRAME = "same_frame"
    REFUSED = "refused"
    CLOSED = "closed"
    GARBAGE = "garbage"
    SILENT = "silent"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the link (一次往来): what to answer, the text of an accepted frame, and whether it is the last of its record."""

    sign: Sign
    reply: bytes = b""
    text: bytes = b""
    last: bool = False


def checksum(frame: bytes) -> bytes:
    """The two hexadecimal digits for what stands from the frame number to ETX or ETB, both included."""
    return b"%02X" % (sum(frame) % 256)


class Link:
    """The receiver's state machine (接收状态机). Bytes may come in any pieces."""

    def __init__(self) -> None:
        self._open = False
        self._frame = b""
        self._expected = 1
        self._accepted_any = False
        self._heard_at: datetime | None = None

    def feed(self, data: bytes, now: datetime) -> list[Turn]:
        """What these bytes make happen, in order."""
        turns: list[Turn] = []
        garbage = False
        for value in data:
            byte = bytes([value])
            if byte == ENQ:
                turns.append(self._opened())
            elif byte == EOT and self._open:
                self._open, self._frame = False, b""
                turns.append(Turn(sign=Sign.CLOSED))
            elif self._open and (self._frame or byte == STX):
                self._frame = byte if byte == STX else self._frame + byte
                if self._is_whole():
                    turns.append(self._judged())
            elif byte not in _FILLING and not self._open:
                garbage = True
        if turns or self._open:
            self._heard_at = now
        if garbage:
            turns.append(Turn(sign=Sign.GARBAGE))
        return turns

    def tick(self, now: datetime) -> Turn | None:
        """The end of a transmission whose sender has fallen silent."""
        if not self._open or self._heard_at is None or now - self._heard_at < SILENCE:
            return None
        self._open, self._frame = False, b""
        return Turn(sign=Sign.SILENT)

    def _opened(self) -> Turn:
        sign = Sign.REOPENED if self._open else Sign.OPENED
        self._open, self._frame, self._expected, self._accepted_any = True, b"", 1, False
        return Turn(sign=sign, reply=ACK)

    def _is_whole(self) -> bool:
        if self._frame.endswith(LF) or len(self._frame) > _LONGEST_FRAME:
            return True
        # A line feed that was garbled still ends the frame: the sender waits for an answer.
        return len(self._frame) > _AFTER_TEXT and self._frame[-1 - _AFTER_TEXT : -_AFTER_TEXT] in {ETX, ETB}

    def _judged(self) -> Turn:
        frame, self._frame = self._frame, b""
        whole = _FRAME.fullmatch(frame)
        if whole is None or checksum(frame[1 : whole.end(3)]) != whole[4].upper():
            return Turn(sign=Sign.REFUSED, reply=NAK)
        number = int(whole[1])
        if number == self._expected:
            self._expected, self._accepted_any = (number + 1) % 8, True
            return Turn(sign=Sign.FRAME, reply=ACK, text=whole[2], last=whole[3] == ETX)
        if self._accepted_any and number == (self._expected - 1) % 8:
            # The sender did not hear our answer and sent the frame again.
            return Turn(sign=Sign.SAME_FRAME, reply=ACK)
        return Turn(sign=Sign.REFUSED, reply=NAK)
