"""A clock that simulated nodes share with whoever simulates them: the computer's, set on by what a small file says."""

from __future__ import annotations

import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

_OFFSET = struct.Struct("<d")


class SimulatedClock:
    """Now, as a file sets it (模拟时钟): the computer's clock and the seconds in the file. It runs on between two settings."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_OFFSET.pack(0.0))
        self._file = os.open(path, os.O_RDWR)

    def __call__(self) -> datetime:
        """The simulated moment."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    @property
    def offset(self) -> float:
        """The seconds by which it is ahead of the computer's clock."""
        (offset,) = _OFFSET.unpack(os.pread(self._file, _OFFSET.size, 0))
        return float(offset)

    @offset.setter
    def offset(self, seconds: float) -> None:
        os.pwrite(self._file, _OFFSET.pack(seconds), 0)

    def set(self, at: datetime) -> None:
        """From now on it is `at`, for every process that reads the file."""
        self.offset = (at - datetime.now(UTC)).total_seconds()

    def forward_to(self, at: datetime) -> None:
        """It is at least `at`; a clock that is later is left alone."""
        if at > self():
            self.set(at)

    def close(self) -> None:
        """Gives back the file."""
        os.close(self._file)
