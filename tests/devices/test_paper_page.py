"""The photograph: what is no picture, too large or damaged is told in words; what is one stands upright and level."""

import io
import math
import struct
import zlib

import pytest
from paper_for_tests import drawn_line, drawn_report, encoded, line
from PIL import Image

from cunyi.devices.paper.page import MOST_BYTES, open_page
from cunyi.domain.errors import UserError


def refused(data):
    with pytest.raises(UserError) as told:
        open_page(data)
    assert told.value.field == "photo"
    return told.value.message


def png_claiming(width, height):
    """A small file that says it is a picture of this size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "没有收到照片"),
        (b"name,value\n1,2\n", "不是图片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "不是图片"),
        (b"GIF89a" + b"\0" * 40, "不是图片"),
        (b"%PDF-1.7\n%", "PDF"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "不是图片"),
        (b"\xff\xd8\xff\xe0" + b"x" * MOST_BYTES, "20 MB"),
        (png_claiming(8000, 6000), "4000 万像素"),
        (png_claiming(60_000, 60_000), "4000 万像素"),
        (png_claiming(500, 500), "不完整"),
        (encoded(Image.new("L", (300, 8))), "图片太小"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(data, words):
    assert words in refused(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_did_not_arrive_whole_is_told_so(kind):
    whole = encoded(drawn_report(), kind)
    assert refused(whole[: len(whole) // 2]).startswith(("图片不完整", "这个文件不是图片，或已经损坏"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_of_every_kind_are_opened(kind):
    assert open_page(encoded(drawn_line("血红蛋白 98"), kind)).size == drawn_line("血红蛋白 98").size


def shades(page):
    image = Image.open(io.BytesIO(page.png()))
    assert image.mode == "L"
    return image


def test_a_clear_background_is_white_and_sixteen_bits_are_read():
    clear = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (20, 20, 40, 40))
    image = shades(open_page(encoded(clear)))
    assert (image.getpixel((2, 2)), image.getpixel((30, 30))) == (255, 0)
    deep = Image.new("I;16", (60, 60), 200 * 256)
    assert shades(open_page(encoded(deep))).getpixel((5, 5)) == 200


def test_a_large_photograph_is_made_smaller_and_keeps_its_shape():
    width, height = open_page(encoded(Image.new("L", (6000, 4000), 255), "JPEG")).size
    assert (width, height) == (3000, 2000)


def test_a_photograph_taken_sideways_stands_upright():
    image = Image.new("L", (200, 100), 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_page(encoded(image, "JPEG", exif=exif)).size == (100, 200)


def test_turning_by_quarters():
    image = Image.new("L", (200, 100), 255)
    image.paste(0, (0, 0, 20, 20))
    page = open_page(encoded(image))
    assert page.turned(1).size == (100, 200)
    assert shades(page.turned(1)).getpixel((5, 195)) == 0
    assert shades(page.turned(2)).getpixel((195, 95)) == 0


@pytest.mark.parametrize("slope", [-0.08, 0.05])
def test_a_straightened_page_has_its_text_where_the_boxes_say(slope):
    image = Image.new("L", (800, 400), 255)
    middles = [(150.0, 200 + slope * 150), (650.0, 200 + slope * 650)]
    for x, y in middles:
        image.paste(0, (int(x) - 8, int(y) - 8, int(x) + 8, int(y) + 8))
    lines = [line("98", x - 16, y) for x, y in middles]
    level, moved = open_page(encoded(image)).straightened(slope, lines)
    assert math.isclose(moved[0].middle[1], moved[1].middle[1], abs_tol=1)
    for each in moved:
        assert shades(level).getpixel((round(each.middle[0]), round(each.middle[1]))) < 60


def test_a_strip_is_a_small_picture_of_the_row_inside_the_page():
    page = open_page(encoded(drawn_report()))
    strip = Image.open(io.BytesIO(page.strip(-50, 225, 5000, 260)))
    assert strip.format == "PNG" and strip.width <= 1000 and 20 < strip.height < 80
    assert len(page.strip(-50, 225, 5000, 260)) < 30_000
