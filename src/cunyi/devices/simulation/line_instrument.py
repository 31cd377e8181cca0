"""The instrument's side of a serial line: plays captures over a real pty. POSIX only."""

from __future__ import annotations

import os
import pty
import select
import tempfile
import termios
import time
import tty
from types import TracebackType
from typing import Self

from cunyi.devices.transports.replay import Capture, StepKind

_SPEEDS = slice(4, 6)
_NOT_OPENED = termios.B50
"""A speed that no instrument has: whoever opens the port sets another."""

_SETTLING_SECONDS = 0.05
"""A program empties the port after setting its speed; what is sent before that is lost."""


class WrongAnswerError(Exception):
    """The program answered something else than the capture says, or nothing (回答与录制不符)."""


class SimulatedLine:
    """A simulated serial instrument (模拟串口仪器), for tests, `cunyi device simulate` and the demonstration.

    `port` is the path to open; it stays the same when the instrument is unplugged and plugged in again.
    """

    def __init__(self, capture: Capture, *, patience_seconds: float = 5.0) -> None:
        self._capture = capture
        self._patience_seconds = patience_seconds
        self._folder = tempfile.TemporaryDirectory(prefix="cunyi-line-")
        self.port = os.path.join(self._folder.name, "port")
        self._ends: tuple[int, int] | None = None
        self.plug_in()

    def __enter__(self) -> Self:
        """The line, plugged in."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unplugs and leaves nothing behind."""
        self.unplug()
        self._folder.cleanup()

    def plug_in(self) -> None:
        """A new pty under the same path."""
        if self._ends is not None:
            return
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        attributes = termios.tcgetattr(theirs)
        attributes[_SPEEDS] = [_NOT_OPENED, _NOT_OPENED]
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        os.symlink(os.ttyname(theirs), self.port)
        # Their end is kept open here too: otherwise ours fails as soon as the program closes the port.
        self._ends = (ours, theirs)

    def unplug(self) -> None:
        """The path goes away and whoever has it open is told by the system."""
        if self._ends is None:
            return
        os.unlink(self.port)
        for end in self._ends:
            os.close(end)
        self._ends = None

    def send(self, capture: Capture | None = None, *, pace: float = 0.0) -> None:
        """Plays the capture, or another one: sends what the instrument sent, waits for what it was answered.

        `pace` 1 keeps the times of the capture, 0 does not wait. `WrongAnswerError` where the answers differ
        or nobody has opened the port.
        """
        self.wait_until_opened()
        before = 0.0
        for step in (capture or self._capture).steps:
            after = step.after.total_seconds()
            time.sleep(pace * (after - before))
            before = after
            if step.kind is StepKind.FROM_INSTRUMENT:
                self.write(step.data)
            elif step.kind is StepKind.TO_INSTRUMENT:
                answer = self.read(len(step.data))
                if answer != step.data:
                    raise WrongAnswerError(f"line {step.number}: {step.data.hex(' ')} expected, {answer.hex(' ')} read")

    def wait_until_opened(self) -> None:
        """Returns once a program has opened the port, so that nothing sent is lost."""
        assert self._ends is not None, "plugged in"
        until = time.monotonic() + self._patience_seconds
        while termios.tcgetattr(self._ends[1])[4] == _NOT_OPENED:
            if time.monotonic() > until:
                raise WrongAnswerError("nobody has opened the port")
            time.sleep(_SETTLING_SECONDS)
        time.sleep(_SETTLING_SECONDS)

    def write(self, data: bytes) -> None:
        """Sends these bytes, whatever any capture says."""
        assert self._ends is not None, "plugged in"
        while data:
            data = data[os.write(self._ends[0], data) :]

    def read(self, size: int) -> bytes:
        """What the program wrote: `size` bytes, or fewer when it does not write them in time."""
        assert self._ends is not None, "plugged in"
        answer = b""
        until = time.monotonic() + self._patience_seconds
        while len(answer) < size:
            ready, _, _ = select.select([self._ends[0]], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                break
            answer += os.read(self._ends[0], size - len(answer))
        return answer
