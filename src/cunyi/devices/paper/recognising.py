"""The recogniser's own process (识别进程): `python -m cunyi.devices.paper.recognising`. Images in, lines out, each with its length before it.

It is a process of its own because its library is native and young: what crashes there must not take a clinic's computer with it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any

import msgspec

# More threads would take the computer from those who work on other pages.
_MOST_THREADS = 2
_LENGTH_BYTES = 4


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of text on an image: its box in pixels from the upper left corner, and how sure the recogniser is (0–1)."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the box (x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """The height of the box."""
        return self.bottom - self.top


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an image: its lines, or the kind of error that the recogniser ended in, without anything of the page."""

    lines: list[Line] = []
    error: str = ""


def send(stream: IO[bytes], message: bytes) -> None:
    """Writes a message with its length before it."""
    stream.write(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None where the other side is gone."""
    length = stream.read(_LENGTH_BYTES)
    if len(length) < _LENGTH_BYTES:
        return None
    size = int.from_bytes(length, "big")
    message = stream.read(size)
    return message if len(message) == size else None


def serve(images: IO[bytes], answers: IO[bytes], make_engine: Callable[[], Any]) -> None:
    """Answers each image until nobody asks any more. The engine is made with the first."""
    engine = None
    while (image := receive(images)) is not None:
        try:
            engine = engine or make_engine()
            found = engine.ocr(image, resize=False, denoise=False, deskew=False, binarize=False)
            answer = Answer(lines=_lines(found))
        except Exception as error:
            answer = Answer(error=type(error).__name__)
        send(answers, msgspec.json.encode(answer))


def _lines(found: dict[str, Any]) -> list[Line]:
    return [
        Line(
            text=each["text"],
            left=each["topLeftCoord"][0],
            top=each["topLeftCoord"][1],
            right=each["bottomRightCoord"][0],
            bottom=each["bottomRightCoord"][1],
            confidence=each["confidence"],
        )
        for each in found["bounds"].values()
        if each["text"].strip()
    ]


def _engine() -> Any:
    """PP-OCRv6 by faster-paddle. It has no classifier that turns lines round (one that does reads 98 as 86)."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    return import_module("faster_paddle").OcrEngine(model_size="small", threads=threads)


def main() -> None:
    """Serves standard input and output. What the library itself prints goes elsewhere."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin.buffer, answers, _engine)


if __name__ == "__main__":
    main()
