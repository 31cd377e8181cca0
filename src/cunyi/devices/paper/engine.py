"""The recogniser: lines of text on an image. Begun once, when it is first needed; one page at a time."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from threading import Lock, Timer
from typing import Protocol

import msgspec

from cunyi.devices.paper.recognising import Answer, Line, receive, send
from cunyi.domain.errors import UserError

__all__ = ["FasterPaddle", "Line", "LineReader"]

_LONGEST_S = 120.0
_LONGEST_STOP_S = 5.0


class LineReader(Protocol):
    """What reads the lines of an image; `name` is shown to the doctor. It may be asked from any thread."""

    name: str

    def read(self, image: bytes) -> list[Line]:
        """The lines of an encoded image (PNG), in any order."""


class FasterPaddle:
    """PP-OCRv6 by the package faster-paddle, in a process of its own (`recognising`). Its models are part of the package: nothing is fetched,
    nothing is sent. Its own changes to the image stay off: what is read is the page as it is shown to the doctor.
    """

    name = "PP-OCRv6 small (faster-paddle)"

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, image: bytes) -> list[Line]:
        """The lines of an encoded image; the first call also loads the models. UserError where the recogniser broke down; the next
        call begins it anew."""
        with self._lock:
            answer = self._ask(image)
        if answer.error:
            raise RuntimeError(f"the recogniser failed: {answer.error}")
        return answer.lines

    def close(self) -> None:
        """Ends the recogniser's process; a later call begins it anew."""
        with self._lock:
            self._end()

    def _ask(self, image: bytes) -> Answer:
        process = self._begun()
        assert process.stdin is not None and process.stdout is not None
        # One that never answers is ended, which ends the waiting.
        watch = Timer(_LONGEST_S, process.kill)
        watch.start()
        try:
            send(process.stdin, image)
            message = receive(process.stdout)
        except OSError:
            message = None
        finally:
            watch.cancel()
        if message is None:
            self._end()
            raise UserError("识别程序中断了，这张照片没有读出来；请再试一次，还是不行就手工填写", field="photo")
        return msgspec.json.decode(message, type=Answer)

    def _begun(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cunyi.devices.paper.recognising"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(_LONGEST_STOP_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                # What could not be sent any more is not sent.
                with contextlib.suppress(OSError):
                    pipe.close()
