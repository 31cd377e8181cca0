"""Frames of the SAM module: commands to the reader, and its answers found in bytes that come in any pieces."""

from __future__ import annotations

from functools import reduce
from operator import xor

import msgspec

PREAMBLE = b"\xaa\xaa\xaa\x96\x69"
_LENGTH_BYTES = 2
_STATUS_BYTES = 3
_SHORTEST = _STATUS_BYTES + 1
# The longest answer there is, text with photo and two fingerprints, has 2,314 bytes after its length.
_LONGEST = 2400


class Answer(msgspec.Struct, frozen=True):
    """An answer of the reader (应答): `status` is SW3; `data` what follows. `sound` False where the check byte is wrong."""

    status: int
    data: bytes
    sound: bool = True

    def __repr__(self) -> str:
        """Without the data, which may be somebody's card."""
        return f"Answer(0x{self.status:02X}, {len(self.data)} bytes, sound={self.sound})"


def command_frame(command: int, parameter: int) -> bytes:
    """A command as it goes to the reader; none of those used here carries data."""
    body = bytes((0, 3, command, parameter))
    return PREAMBLE + body + bytes((check_byte(body),))


def check_byte(body: bytes) -> int:
    """XOR of everything between preamble and check byte."""
    return reduce(xor, body, 0)


class FrameReader:
    """Finds answers in what arrives (帧识别). Whatever belongs to no frame is passed over."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Answer]:
        """The answers that are complete now. One with a wrong check byte is told, and searched for frames that it swallowed."""
        self._buffer += data
        found = []
        while (answer := self._next()) is not None:
            found.append(answer)
        return found

    @property
    def begun(self) -> bool:
        """Whether an answer has begun and is not complete."""
        return self._buffer.startswith(PREAMBLE)

    def give_up(self) -> list[Answer]:
        """Takes what has begun for noise and looks behind it: what noise swallowed may be whole."""
        self._buffer = self._buffer[1:]
        return self.feed(b"")

    def clear(self) -> None:
        """Forgets what has arrived."""
        self._buffer = b""

    def _next(self) -> Answer | None:
        while self._find_preamble():
            start = len(PREAMBLE) + _LENGTH_BYTES
            if len(self._buffer) < start:
                return None
            length = int.from_bytes(self._buffer[len(PREAMBLE) : start])
            if not _SHORTEST <= length <= _LONGEST:
                self._buffer = self._buffer[1:]
                continue
            if len(self._buffer) < start + length:
                return None
            body, check = self._buffer[len(PREAMBLE) : start + length - 1], self._buffer[start + length - 1]
            sound = check_byte(body) == check
            self._buffer = self._buffer[start + length :] if sound else self._buffer[1:]
            answer = body[_LENGTH_BYTES:]
            return Answer(answer[_STATUS_BYTES - 1], answer[_STATUS_BYTES:], sound)
        return None

    def _find_preamble(self) -> bool:
        """Drops what stands before the next preamble; whether there is a whole one."""
        at = self._buffer.find(PREAMBLE)
        if at >= 0:
            self._buffer = self._buffer[at:]
            return True
        kept = next((n for n in range(len(PREAMBLE) - 1, 0, -1) if self._buffer.endswith(PREAMBLE[:n])), 0)
        self._buffer = self._buffer[len(self._buffer) - kept :]
        return False
