"""The recogniser itself: figures as they are printed, no line turned round, loaded once."""

import threading

import pytest
from paper_for_tests import drawn_line, encoded
from PIL import Image

from cunyi.devices.paper import is_available
from cunyi.devices.paper.engine import FasterPaddle

faster_paddle = pytest.importorskip("faster_paddle")


@pytest.fixture(scope="module")
def reader():
    return FasterPaddle()


def read(reader, image):
    return " ".join(each.text for each in sorted(reader.read(encoded(image)), key=lambda each: each.left))


def test_it_is_offered_where_it_is_installed():
    assert is_available()


def test_haemoglobin_98_is_read_as_98(reader):
    assert read(reader, drawn_line("血红蛋白 98 g/L")).replace(" ", "") == "血红蛋白98g/L"


def test_figures_alone_are_read_as_they_stand(reader):
    """A recogniser that turns or lays down short lines would show it here."""
    figures = ["98", "86", "68", "89", "96", "69", "1", "6", "9", "0", "8.9", "6.8", "0.98", "11.66", "106.9", "7", "4"]
    page = Image.new("L", (1000, 80 * len(figures) // 2 + 160), 255)
    for number, figure in enumerate(figures):
        page.paste(drawn_line(figure), (500 * (number % 2), 80 * (number // 2)))
    found = reader.read(encoded(page))
    in_order = sorted(found, key=lambda each: (each.middle[1] // 80, each.middle[0] > 450))
    assert [each.text for each in in_order] == figures


def test_no_line_is_turned_round(reader):
    """A classifier that turns lines would read this as if it stood upright."""
    upside_down = drawn_line("血红蛋白 98").transpose(Image.Transpose.ROTATE_180)
    assert "血红蛋白" not in read(reader, upside_down)
    assert read(reader, drawn_line("98").transpose(Image.Transpose.ROTATE_180)) == "86"


def test_boxes_stand_where_the_text_is(reader):
    image = Image.new("L", (900, 300), 255)
    image.paste(drawn_line("98"), (500, 150))
    [line] = reader.read(encoded(image))
    assert 550 < line.middle[0] < 630 and 170 < line.middle[1] < 215
    assert 0.5 < line.confidence <= 1


def test_the_models_are_loaded_once_when_they_are_first_needed(monkeypatch):
    made = []

    class Counted:
        def __init__(self, **options):
            made.append(options)

        def ocr(self, image, **options):
            assert not any(options.values())
            return {"bounds": {0: {"topLeftCoord": (0, 0), "bottomRightCoord": (9, 9), "text": " ", "confidence": 1.0}}}

    monkeypatch.setattr(faster_paddle, "OcrEngine", Counted)
    reader = FasterPaddle()
    assert made == []
    threads = [threading.Thread(target=reader.read, args=(b"",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and made[0]["threads"] <= 2
    assert reader.read(b"") == []
