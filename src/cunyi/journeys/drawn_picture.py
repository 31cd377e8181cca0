"""An invented picture for the demonstration, drawn by the program: a strip of an electrocardiogram that is nobody's."""

from __future__ import annotations

import math
import zlib

_WIDTH, _HEIGHT = 720, 240
_BEAT, _MIDDLE = 150, 150
# Paper, thin line, thick line, trace.
_COLOURS = bytes((255, 250, 248, 246, 214, 210, 235, 170, 165, 20, 20, 60))
_PAPER, _THIN, _THICK, _TRACE = range(4)
# One beat: where in it, how wide and how high each wave stands.
_WAVES = (
    (0.22, 0.030, 10),
    (0.36, 0.010, -12),
    (0.40, 0.012, 92),
    (0.44, 0.012, -24),
    (0.52, 0.070, 26),
    (0.68, 0.050, 24),
)


def drawn_strip() -> bytes:
    """The strip as a small PNG picture, the same each time."""
    rows = [bytearray(_grid(x, y) for x in range(_WIDTH)) for y in range(_HEIGHT)]
    before = _level(0)
    for x in range(_WIDTH):
        here = _level(x)
        for y in range(min(before, here) - 1, max(before, here) + 2):
            rows[y][x] = _TRACE
        before = here
    lines = b"".join(b"\0" + bytes(row) for row in rows)
    head = _WIDTH.to_bytes(4, "big") + _HEIGHT.to_bytes(4, "big") + bytes((8, 3, 0, 0, 0))
    parts = ((b"IHDR", head), (b"PLTE", _COLOURS), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _grid(x: int, y: int) -> int:
    if x % 40 == 0 or y % 40 == 0:
        return _THICK
    return _THIN if x % 8 == 0 or y % 8 == 0 else _PAPER


def _level(x: int) -> int:
    """How high the trace stands."""
    place = (x % _BEAT) / _BEAT
    height = sum(high * math.exp(-(((place - at) / wide) ** 2)) for at, wide, high in _WAVES)
    return max(2, min(_HEIGHT - 3, round(_MIDDLE - height)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
