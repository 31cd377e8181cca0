"""The recogniser itself: figures as they are printed, no line turned round, in a process that may break down."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import msgspec
import pytest
from paper_for_tests import drawn_line, encoded
from PIL import Image

from cunyi.devices.paper import is_available
from cunyi.devices.paper.engine import FasterPaddle
from cunyi.devices.paper.recognising import Answer, receive, send, serve
from cunyi.domain.errors import UserError

pytest.importorskip("faster_paddle")


@pytest.fixture(scope="module")
def reader():
    made = FasterPaddle()
    yield made
    made.close()


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


class Counted:
    """An engine that counts how often it is made."""

    made = 0

    def __init__(self):
        Counted.made += 1

    def ocr(self, image, **options):
        assert not any(options.values())
        if image == b"broken":
            raise ValueError("血红蛋白 98")
        return {"bounds": {0: {"topLeftCoord": (0, 0), "bottomRightCoord": (9, 9), "text": " ", "confidence": 1.0}}}


def test_the_models_are_loaded_once_and_an_error_says_nothing_of_the_page():
    images, answers = BytesIO(), BytesIO()
    for image in (b"one", b"broken", b"two"):
        send(images, image)
    images.seek(0)
    serve(images, answers, Counted)
    answers.seek(0)
    given = [msgspec.json.decode(receive(answers), type=Answer) for _ in range(3)]
    assert given == [Answer(), Answer(error="ValueError"), Answer()]
    assert receive(answers) is None and Counted.made == 1


def test_a_message_that_breaks_off_is_none():
    stream = BytesIO()
    send(stream, b"an image")
    assert receive(BytesIO(stream.getvalue()[:-1])) is None
    assert receive(BytesIO(b"")) is None


def test_a_recogniser_that_ended_is_begun_anew(reader):
    line = encoded(drawn_line("血红蛋白 98 g/L"))
    process = begun(reader, line)
    process.kill()
    process.wait(5)
    assert reader.read(line) and reader._process.pid != process.pid, (
        "one that ended while nobody asked is only begun anew"
    )


def test_a_page_during_which_it_breaks_down_is_refused(monkeypatch, reader):
    line = encoded(drawn_line("98"))

    def killed_meanwhile(stream):
        reader._process.kill()
        reader._process.wait(5)
        return receive(stream)

    os.kill(begun(reader, line).pid, signal.SIGSTOP)
    monkeypatch.setattr("cunyi.devices.paper.engine.receive", killed_meanwhile)
    assert "再试一次" in str(refusal(reader, line))
    monkeypatch.undo()
    assert reader.read(line)


def begun(reader, image):
    """The recogniser's process, at work."""
    reader.read(image)
    return reader._process


def refusal(reader, image):
    with pytest.raises(UserError) as refused:
        reader.read(image)
    return refused.value


def test_one_that_never_answers_is_ended(monkeypatch, reader):
    line = encoded(drawn_line("98"))
    process = begun(reader, line)
    monkeypatch.setattr("cunyi.devices.paper.engine._LONGEST_S", 0.2)
    os.kill(process.pid, signal.SIGSTOP)
    assert refusal(reader, line).field == "photo"
    monkeypatch.undo()
    assert reader.read(line)


def test_many_may_ask_at_once(reader):
    line = encoded(drawn_line("98"))
    with ThreadPoolExecutor(4) as pool:
        assert [[each.text for each in lines] for lines in pool.map(reader.read, [line] * 4)] == [["98"]] * 4
