"""Laboratory reports for tests: drawn with the fonts that print the project's own papers, and a recogniser that says what it is told."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from cunyi.devices.paper.engine import Line

HEADING = ("序号", "项目", "缩写", "结果", "", "参考区间", "单位")
TEN_ROWS = (
    ("1", "白细胞计数", "WBC", "11.2", "↑", "3.5-9.5", "10^9/L"),
    ("2", "红细胞计数", "RBC", "4.05", "", "3.8-5.1", "10^12/L"),
    ("3", "血红蛋白", "HGB", "98", "↓", "115-150", "g/L"),
    ("4", "血小板计数", "PLT", "212", "", "125-350", "10^9/L"),
    ("5", "中性粒细胞百分比", "NEUT%", "81.3", "↑", "40-75", "%"),
    ("6", "C反应蛋白", "CRP", "36.5", "↑", "0-10", "mg/L"),
    ("7", "空腹血糖", "GLU", "6.8", "↑", "3.9-6.1", "mmol/L"),
    ("8", "肌酐", "CREA", "86", "↑", "41-73", "μmol/L"),
    ("9", "谷丙转氨酶", "ALT", "41", "↑", "7-40", "U/L"),
    ("10", "尿酸", "UA", "6", "", "3-8", "mg/dL"),
)
_COLUMNS = (40, 110, 440, 580, 720, 780, 980)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(pylopdf_fonts_zh_cn.sans_path()), size)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def drawn_line(text: str, *, size: int = 36) -> Image.Image:
    """One line of text on white."""
    font = _font(size)
    image = Image.new("L", (int(font.getlength(text)) + 4 * size, 2 * size + 10), 255)
    ImageDraw.Draw(image).text((2 * size, size // 2), text, font=font, fill=0)
    return image


def drawn_report(rows: Sequence[Sequence[str]] = TEN_ROWS) -> Image.Image:
    """A report with its heading, as a printer makes it."""
    image = Image.new("L", (1240, 330 + 55 * len(rows)), 255)
    draw, font = ImageDraw.Draw(image), _font(30)
    draw.text((420, 30), "某某县人民医院检验报告单", font=_font(44), fill=0)
    draw.text((40, 110), "姓名：王某某   性别：女   年龄：56岁   标本：血液", font=font, fill=0)
    for number, row in enumerate((HEADING, *rows)):
        for x, words in zip(_COLUMNS, row, strict=True):
            draw.text((x, 170 + 55 * number), words, font=font, fill=0)
    below = 190 + 55 * (len(rows) + 1)
    draw.text((40, below), "检验时间：2026-11-20 09:31   检验者：李某", font=font, fill=0)
    return image


def photographed(image: Image.Image, *, angle: float = 2.5) -> Image.Image:
    """What becomes of a page before a camera: crooked, smaller, blurred, noisy, on a grey table."""
    crooked = image.rotate(angle, expand=True, fillcolor=200, resample=Image.Resampling.BICUBIC)
    small = crooked.resize((900, crooked.height * 900 // crooked.width)).filter(ImageFilter.GaussianBlur(0.8))
    grains = random.Random(1).randbytes(small.width * small.height)
    return Image.blend(small, Image.frombytes("L", small.size, grains), 0.1)


def line(text: str, x: float, y: float, *, confidence: float = 0.99, height: float = 30) -> Line:
    """A line that was read: its left edge and its middle, as wide as print is."""
    width = sum(height if ord(letter) > 0x2E7F else height * 0.55 for letter in text)
    return Line(text=text, left=x, top=y - height / 2, right=x + width, bottom=y + height / 2, confidence=confidence)


def lines_of(*rows: Sequence[str], heading: Sequence[str] = ("项目", "结果", "参考区间", "单位")) -> list[Line]:
    """The lines of a report in columns, the heading first; a row may have fewer cells than the heading."""
    found = []
    for number, row in enumerate((heading, *rows)):
        found += [line(words, 100 + 220 * column, 100 + 50 * number) for column, words in enumerate(row) if words]
    return found


class ToldReader:
    """A recogniser that finds the lines it is told, on whatever image."""

    name = "told"

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = list(lines)
        self.asked: list[bytes] = []

    def read(self, image: bytes) -> list[Line]:
        self.asked.append(image)
        return list(self.lines)
