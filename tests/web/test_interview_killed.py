"""A node that is killed while villagers answer: what was answered is there, and the same link goes on where it was."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest
from node_for_tests import LOGIN, PASSWORD, Node

from cunyi.app import artefact_path
from cunyi.config import read_config

WANTED = {"accept": "text/html"}
QUESTION = re.compile(r'name="at" value="(\d+)".*?name="question" value="([^"]+)"', re.S)
COMPLAINT = "咳嗽三天，有痰"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(place: Path, own: int, phones: int) -> Iterator[subprocess.Popen[bytes]]:
    """`cunyi serve` in a process of its own, with the doctor logged in, who opens the records."""
    environment = {
        **os.environ,
        "CUNYI_DATA": str(place),
        "CUNYI_PORT": str(own),
        "CUNYI_PUBLIC_PORT": str(phones),
        "PYTHONUTF8": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "cunyi.cli", "serve"], env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.post(
                    f"http://127.0.0.1:{own}/login",
                    data={"login": LOGIN, "password": PASSWORD},
                    headers={**WANTED, "sec-fetch-site": "same-origin"},
                )
                httpx.get(f"http://127.0.0.1:{phones}/v", headers=WANTED)
            except httpx.TransportError:
                assert time.monotonic() < deadline and process.poll() is None, "it does not serve"
                time.sleep(0.1)
            else:
                break
        yield process
    finally:
        process.kill()
        process.wait(20)


def answered(phone: httpx.Client, link: str, page: str) -> str:
    """Answers the question of a page as an ordinary patient would; the page after it."""
    at, question = QUESTION.search(page).groups()
    sent = {"at": at, "question": question}
    kind = re.search(r"answers kind-(\w+)", page)[1]
    if kind == "text":
        sent["text"] = COMPLAINT
    elif kind == "yes_no":
        sent[re.search(r'name="(status\.[^"]+)"', page)[1]] = "absent"
    elif kind == "several":
        sent["rest"] = "absent"
    elif kind in ("choice", "place"):
        sent["chosen"] = re.search(r'name="chosen" value="([^"]+)"', page)[1]
    elif kind == "number":
        sent["number"] = "45"
    else:
        sent["days"] = "2"
    given = phone.post(f"{link}/answer", data=sent)
    assert given.status_code == 303, unescape(given.text)
    return phone.get(link).text


def place_of(page: str) -> tuple[str, str]:
    return QUESTION.search(page).groups()


def test_after_a_kill_the_same_link_goes_on_where_it_was(node: Node) -> None:
    if not (read_config().knowledge or artefact_path()).exists():
        pytest.skip("the knowledge is not built here")
    own, phones = free_port(), free_port()
    address = f"http://127.0.0.1:{phones}"
    with (
        httpx.Client(base_url=address, headers=WANTED, trust_env=False, timeout=30) as phone,
        httpx.Client(base_url=address, headers=WANTED, trust_env=False, timeout=30) as other,
    ):
        with serving(node.folder.path, own, phones) as process:
            link = phone.post("/v", data={"by": "self"}).headers["location"]
            assert phone.post(f"{link}/who", data={}).status_code == 303
            page = phone.get(link).text
            for _ in range(4):
                page = answered(phone, link, page)
            where = place_of(page)
            # Another answer is under way when the power goes.
            second = other.post("/v", data={"by": "self"}).headers["location"]
            assert other.post(f"{second}/who", data={}).status_code == 303
            process.send_signal(signal.SIGKILL)
            process.wait(20)
        with serving(node.folder.path, own, phones):
            page = phone.get(link).text
            assert place_of(page) == where
            assert COMPLAINT in unescape(phone.get(f"{link}/answers").text)
            assert place_of(answered(phone, link, page)) != where
            assert QUESTION.search(other.get(second).text)
