"""The line of the simulation carries, cuts and fails as its weather says, and the browser takes nothing for an answer that is none."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from cunyi.simulation.browser import Browser, NoAnswerError, Page
from cunyi.simulation.clock import SimulatedClock
from cunyi.simulation.line import GOOD, NONE, Line, MountainWeather, Weather

PAGE = """<main><p role="alert">请填写姓名</p><form id="f" method="post" action="/send">
<input type="hidden" name="revision" value="3"><input name="name" value="李&amp;王"><textarea name="words">
两行</textarea><input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked>
<select name="level"><option value="">-</option><option value="high" selected>高</option></select>
<template><input name="name" value="not there"></template><button name="act" value="go">好</button></form>
<input type="checkbox" name="sure" value="1" form="f"></main>"""


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/long":
            return self.answer("x" * 200_000)
        return self.answer(PAGE)

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        self.answer(repr(sent))

    def answer(self, words: str) -> None:
        body = words.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    yield server.server_address[1]
    server.shutdown()
    serving.join()
    server.server_close()


def test_a_form_is_sent_as_the_page_holds_it_with_what_was_changed(port: int) -> None:
    browser = Browser(port)
    form = browser.get("/").form("/send")
    assert form.fields == {
        "revision": ["3"], "name": ["李&王"], "words": ["两行"], "kind": ["b"], "level": ["high"],
    }  # fmt: skip
    answer = browser.send(form.fill({"name": "曾小明"}).press("go"))
    assert "'name': ['曾小明']" in answer.html
    assert "'act': ['go']" in answer.html
    browser.forget()


def test_what_a_page_says_is_wrong_is_read() -> None:
    page = Page("/", 400, PAGE)
    assert page.trouble() == "请填写姓名"
    assert page.boxes_outside("f") == [("sure", "1")]
    with pytest.raises(LookupError):
        page.form("/elsewhere")


def test_a_good_line_carries_everything_and_a_cut_one_is_no_answer(port: int) -> None:
    line = Line(port, random.Random(1))
    try:
        assert len(Browser(line.port).get("/long").html) == 200_000
        line.weather = Weather(cut_after=(1_000, 90_000))
        with pytest.raises(NoAnswerError):
            Browser(line.port).get("/long")
        line.weather = NONE
        with pytest.raises(NoAnswerError):
            Browser(line.port).get("/")
        line.weather = GOOD
        assert Browser(line.port).get("/").status == 200
        assert line.cuts == 1
        assert line.bytes_down > 200_000
    finally:
        line.close()


def test_lines_of_remote_villages_are_worse_and_come_back() -> None:
    weather = MountainWeather(4, random.Random(2))
    hours = [[weather.next(clinic).up for _ in range(400)] for clinic in range(4)]
    assert all(any(each) for each in hours)
    assert any(not all(each) for each in hours)


def test_every_process_reads_the_clock_that_was_set(tmp_path: Path) -> None:
    ours, theirs = SimulatedClock(tmp_path / "clock"), SimulatedClock(tmp_path / "clock")
    spring = datetime(2031, 3, 2, 8, tzinfo=UTC)
    ours.set(spring)
    assert timedelta(0) <= theirs() - spring < timedelta(seconds=5)
    theirs.forward_to(spring - timedelta(days=1))
    assert ours() >= spring
    ours.close()
    theirs.close()
