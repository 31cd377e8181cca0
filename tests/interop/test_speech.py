"""The speech recogniser: what is sent to it, what comes back, and every way in which it can fail; never in the way of writing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from litestar.testing import TestClient
from node_for_tests import CHEAP, Node, a_node
from recogniser_for_tests import Recogniser, a_recogniser, settings

from cunyi.app import artefact_path, create_app, load_knowledge
from cunyi.config import Config, read_config
from cunyi.domain.errors import UserError
from cunyi.interop.speech import SpeechService
from cunyi.journeys.seat import Seat

SAID = b"\x1aE\xdf\xa3 a recording"


@pytest.fixture
def recogniser() -> Iterator[Recogniser]:
    with a_recogniser() as server:
        yield server


def test_a_recording_is_sent_and_its_words_come_back(recogniser: Recogniser) -> None:
    assert SpeechService(settings(recogniser)).words_of(SAID, "audio/webm") == "肚子痛两天了"
    [(path, headers, body)] = recogniser.asked
    assert path == "/v1/audio/transcriptions" and headers["Authorization"] == "Bearer k-1"
    assert SAID in body and b'filename="said.webm"' in body and b"listener" in body
    assert b'name="language"\r\n\r\nzh\r\n' in body


def test_without_a_key_none_is_sent_and_it_shows_nowhere(recogniser: Recogniser) -> None:
    SpeechService(settings(recogniser, key=None)).words_of(SAID, "audio/ogg")
    assert "Authorization" not in recogniser.asked[0][1]
    assert "k-1" not in repr(settings(recogniser))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"{}"),
        (302, b""),
        (200, b"no words"),
        (200, b"[]"),
        (200, b'{"text": " "}'),
        (200, b'{"text": "' + b"a" * 200_000 + b'"}'),
    ],
)
def test_what_cannot_be_used_is_told_as_a_way_out(recogniser: Recogniser, status: int, answer: bytes) -> None:
    recogniser.status, recogniser.answer = status, answer
    with pytest.raises(UserError, match="直接写") as refused:
        SpeechService(settings(recogniser)).words_of(SAID, "audio/webm")
    assert refused.value.field == "text"


def test_one_that_is_too_slow_or_not_there_is_given_up(recogniser: Recogniser) -> None:
    recogniser.wait = 1.5
    begun = time.monotonic()
    with pytest.raises(UserError, match="用不了"):
        SpeechService(settings(recogniser, timeout_s=0.3)).words_of(SAID, "audio/webm")
    assert time.monotonic() - begun < 1.4
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError, match="用不了"):
        SpeechService(settings(recogniser, url=f"http://127.0.0.1:{port}/v1")).words_of(SAID, "audio/webm")


def test_only_recordings_that_browsers_make_are_sent(recogniser: Recogniser) -> None:
    with pytest.raises(UserError, match="不能识别"):
        SpeechService(settings(recogniser)).words_of(SAID, "text/html")
    with pytest.raises(UserError, match="没有听清"):
        SpeechService(settings(recogniser)).words_of(b"", "audio/webm")
    assert recogniser.asked == []


def test_no_more_than_two_are_asked_at_once(recogniser: Recogniser) -> None:
    recogniser.wait = 1.0
    service = SpeechService(settings(recogniser, timeout_s=5))
    threads = [threading.Thread(target=service.words_of, args=(SAID, "audio/webm")) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(recogniser.asked) < 2:
        time.sleep(0.01)
    with pytest.raises(UserError, match="等几秒"):
        service.words_of(SAID, "audio/webm")
    for thread in threads:
        thread.join()


@pytest.fixture
def node(tmp_path) -> Iterator[Node]:
    with a_node(tmp_path / "node") as made:
        yield made


def test_a_villager_speaks_to_it_through_the_clinics_computer(recogniser: Recogniser, node: Node) -> None:
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    config = Config(speech=settings(recogniser))
    kind = {"content-type": "audio/webm;codecs=opus"}
    with TestClient(create_app(config, load_knowledge(path), seat=node.seat)) as phone:
        link = phone.post("/v", data={"by": "self"}, follow_redirects=False).headers["location"]
        phone.post(f"{link}/who", data={})
        assert f'data-dictation="{link}/dictation"' in phone.get(link).text
        heard = phone.post(f"{link}/dictation", content=SAID, headers=kind)
        assert (heard.status_code, heard.json()) == (200, {"text": "肚子痛两天了"})
        assert phone.post("/v/AAAAAAAAAAAAAAAAAAAAAA/dictation", content=SAID, headers=kind).status_code == 400
        assert len(recogniser.asked) == 1
        assert phone.post(f"{link}/dictation", content=b"x" * 300_000, headers=kind).status_code == 413
    with TestClient(create_app(Config(), load_knowledge(path), seat=node.seat)) as phone:
        assert "data-dictation" not in phone.get(link).text
        assert phone.post(f"{link}/dictation", content=SAID, headers=kind).status_code == 400
    # Started again and nobody has logged in yet: nothing is heard, and a villager is not told to log in.
    locked = Seat(clock=node.clock, cost=CHEAP, folder=node.folder)
    with TestClient(create_app(config, load_knowledge(path), seat=locked)) as phone:
        refused = phone.post(f"{link}/dictation", content=SAID, headers=kind)
        assert (refused.status_code, refused.json()) == (400, {"error": {"message": "这里不能用嘴说；请直接写"}})
    locked.close()
    assert len(recogniser.asked) == 1


def test_the_settings_are_read() -> None:
    assert read_config({}).speech is None
    given = {"CUNYI_SPEECH_URL": "https://speech.example/v1", "CUNYI_SPEECH_MODEL": "m", "CUNYI_SPEECH_KEY": "k"}
    speech = read_config(given).speech
    assert speech is not None and (speech.url, speech.model, speech.key) == ("https://speech.example/v1", "m", "k")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"CUNYI_SPEECH_URL": "http://speech.example/v1"}, "CUNYI_SPEECH_URL"),
        ({"CUNYI_SPEECH_URL": "speech.example"}, "CUNYI_SPEECH_URL"),
        ({"CUNYI_SPEECH_URL": "https://a:b@speech.example/v1"}, "CUNYI_SPEECH_URL"),
        ({"CUNYI_SPEECH_MODEL": ""}, "CUNYI_SPEECH_MODEL"),
    ],
)
def test_settings_that_cannot_be_used_are_told(changes: dict[str, str], field: str) -> None:
    given = {"CUNYI_SPEECH_URL": "https://speech.example/v1", "CUNYI_SPEECH_MODEL": "m", **changes}
    with pytest.raises(UserError) as refused:
        read_config(given)
    assert refused.value.field == field
