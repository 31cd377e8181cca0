"""Frames of the meter: found in bytes, checked, and made. Pure."""

from __future__ import annotations

from enum import IntEnum

import msgspec

_START = b"\xaa\x55"
_LONGEST = 32


class Kind(IntEnum):
    """What a frame is for (帧类型)."""

    SET_CLOCK = 0x01
    SEND_STORED = 0x02
    TAKEN = 0x03
    SEND_AGAIN = 0x04
    CLOCK_IS_SET = 0x81
    RESULT = 0x82
    NO_MORE = 0x83
    BATTERY = 0x84
    CANNOT_MEASURE = 0x8F


class Frame(msgspec.Struct, frozen=True):
    """A frame whose checksum is right (数据帧). `kind` may be one that is not known."""

    kind: int
    payload: bytes


def make_frame(kind: Kind, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    counted = bytes([len(payload) + 1, kind]) + payload
    return _START + counted + bytes([sum(counted) % 256])


class Frames:
    """Puts pieces together to frames (拼帧)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> tuple[list[Frame], bool]:
        """The frames that are whole, and whether something was lost: garbage, or a frame with a wrong checksum."""
        found: list[Frame] = []
        lost = False
        rest = self._rest + data
        while rest:
            at = rest.find(_START)
            if at != 0:
                # The first half of a start may be the last byte that has arrived.
                skipped = at if at > 0 else len(rest) - rest.endswith(_START[:1])
                lost = lost or skipped > 0
                rest = rest[skipped:]
                if at < 0:
                    break
            size = rest[2] + 4 if len(rest) > 2 else 0
            if len(rest) > 2 and not 1 <= rest[2] <= _LONGEST:
                lost, rest = True, rest[1:]
            elif not size or len(rest) < size:
                break
            elif sum(rest[2 : size - 1]) % 256 == rest[size - 1]:
                found.append(Frame(rest[3], rest[4 : size - 1]))
                rest = rest[size:]
            else:
                lost, rest = True, rest[1:]
        self._rest = rest
        return found, lost

    def forget(self) -> bool:
        """Drops a frame whose end does not come; whether there was one."""
        waiting, self._rest = bool(self._rest), b""
        return waiting
