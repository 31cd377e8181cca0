"""The photograph of a page: decoded within limits, upright, straightened, cut into strips. All of it in memory."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from cunyi.devices.paper.engine import Line
from cunyi.domain.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

MOST_BYTES = 20_000_000
MOST_PIXELS = 40_000_000
_LONGEST_SIDE = 3000
_SHORTEST_SIDE = 24
_FORMATS = ("JPEG", "PNG", "WEBP")
_WHITE = 255
# A strip is for comparing by eye: enough pixels to see a decimal point, few shades, so that it stays small.
_STRIP_WIDTH = 1000
_STRIP_SHADES = 16
_STRIP_MARGIN = 0.35
_PDF, _HEIC = b"%PDF", b"ftyp"
# What Pillow raises for damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, OverflowError, struct.error, zlib.error)


class Page:
    """A page as it was photographed (化验单照片), in shades of grey."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.size

    def png(self) -> bytes:
        """The page as a PNG, for the recogniser."""
        return _png(self._image, fast=True)

    def turned(self, quarters: int) -> Page:
        """The page turned counter-clockwise by quarters of a circle."""
        return Page(self._image.rotate(90 * quarters, expand=True))

    def straightened(self, slope: float, lines: Sequence[Line]) -> tuple[Page, list[Line]]:
        """The page with its lines level, and where they stand now. `slope` is how far a line falls on its way, dy/dx."""
        angle = math.atan(slope)
        level = self._image.rotate(math.degrees(angle), expand=True, fillcolor=_WHITE, resample=_bilinear())
        old, new = self._image.size, level.size
        moved = []
        for line in lines:
            x, y = line.middle[0] - old[0] / 2, line.middle[1] - old[1] / 2
            across = x * math.cos(angle) + y * math.sin(angle) + new[0] / 2
            down = y * math.cos(angle) - x * math.sin(angle) + new[1] / 2
            half_width = (line.right - line.left) / 2
            # The upright box around a slanted line is higher than the line.
            half_height = max(line.height - 2 * half_width * abs(slope), line.height / 2) / 2
            moved.append(
                msgspec.structs.replace(
                    line,
                    left=across - half_width,
                    right=across + half_width,
                    top=down - half_height,
                    bottom=down + half_height,
                )
            )
        return Page(level), moved

    def strip(self, left: float, top: float, right: float, bottom: float) -> bytes:
        """A part of the page with a little of what is around it, as a small PNG."""
        margin = (bottom - top) * _STRIP_MARGIN
        width, height = self._image.size
        across = [min(max(0, int(x)), width - 1) for x in (left - 2 * margin, right + 2 * margin)]
        down = [min(max(0, int(y)), height - 1) for y in (top - margin, bottom + margin)]
        box = (across[0], down[0], across[1] + 1, down[1] + 1)
        cut = self._image.crop(box)
        if cut.width > _STRIP_WIDTH:
            cut = cut.resize((_STRIP_WIDTH, max(1, cut.height * _STRIP_WIDTH // cut.width)))
        return _png(cut.quantize(_STRIP_SHADES), fast=False)


def open_page(data: bytes) -> Page:
    """The page of a file that was sent. UserError in plain words where it is no picture, damaged, or too large."""
    if not data:
        raise UserError("没有收到照片；请先拍照或选一张图片", field="photo")
    if len(data) > MOST_BYTES:
        raise UserError("照片超过 20 MB；请把相机的分辨率调低一些再拍", field="photo")
    if data[:4] == _PDF:
        raise UserError("这是 PDF 文件，这里只能读图片；请对着化验单拍一张照片", field="photo")
    if data[4:8] == _HEIC:
        raise UserError("这种照片格式（HEIC）读不了；请在手机的相机设置里选“兼容性最佳”（JPEG）再拍", field="photo")
    # Only here, so that an installation without the extra does without Pillow.
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # The number of pixels is looked at below, before any of them is decoded.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except _DAMAGED as error:
        raise UserError(
            "这个文件不是图片，或已经损坏；请用 JPG、PNG 或 WebP 图片，或重新拍一张", field="photo"
        ) from error
    if image.width * image.height > MOST_PIXELS:
        raise _too_large()
    if min(image.size) < _SHORTEST_SIDE:
        raise UserError("图片太小，看不清字；请靠近一些再拍，让化验单占满画面", field="photo")
    try:
        return Page(_grey(image))
    except _DAMAGED as error:
        raise UserError("图片不完整，可能没有传完；请重新拍一张或重新选一次", field="photo") from error


def _too_large() -> UserError:
    return UserError("图片超过 4000 万像素；请把相机的分辨率调低一些再拍", field="photo")


def _grey(image: Image.Image) -> Image.Image:
    from PIL import Image, ImageOps

    # A JPEG can be decoded at half size at once, which spares memory.
    image.draft("L", (_LONGEST_SIDE, _LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        clear = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    elif upright.mode.startswith("I"):
        upright = upright.point(lambda value: value * (1 / 256)).convert("L")
    grey = upright.convert("L")
    grey.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    return grey


def _png(image: Image.Image, *, fast: bool) -> bytes:
    made = io.BytesIO()
    image.save(made, "PNG", compress_level=1 if fast else 9)
    return made.getvalue()


def _bilinear() -> Image.Resampling:
    from PIL import Image

    return Image.Resampling.BILINEAR
