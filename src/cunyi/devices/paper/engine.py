"""The recogniser: lines of text on an image. Loaded once, when it is first needed; one page at a time."""

from __future__ import annotations

import os
from importlib import import_module
from threading import Lock
from typing import Any, Protocol

import msgspec

# More threads would take the computer from those who work on other pages.
_MOST_THREADS = 2


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


class LineReader(Protocol):
    """What reads the lines of an image; `name` is shown to the doctor. It may be asked from any thread."""

    name: str

    def read(self, image: bytes) -> list[Line]:
        """The lines of an encoded image (PNG), in any order."""


class FasterPaddle:
    """PP-OCRv6 by the package faster-paddle. Its models are part of the package: nothing is fetched, nothing is sent.

    It has no classifier that turns lines round (one that does reads 98 as 86), and its own changes to the image stay off:
    what is read is the page as it is shown to the doctor.
    """

    name = "PP-OCRv6 small (faster-paddle)"

    def __init__(self) -> None:
        self._lock = Lock()
        self._engine: Any = None

    def read(self, image: bytes) -> list[Line]:
        """The lines of an encoded image; the first call also loads the models."""
        with self._lock:
            if self._engine is None:
                threads = min(_MOST_THREADS, os.cpu_count() or 1)
                self._engine = import_module("faster_paddle").OcrEngine(model_size="small", threads=threads)
            found = self._engine.ocr(image, resize=False, denoise=False, deskew=False, binarize=False)
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
