"""A served workbench and a browser to look at it with."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from litestar.testing import TestClient
from node_for_tests import Node, a_node, served
from playwright.sync_api import Browser, Page, expect, sync_playwright
from slow_line import slowed

from cunyi.app import artefact_path, create_app, load_knowledge
from cunyi.config import Config, read_config
from cunyi.reasoning.prepared import Knowledge

ROOT = Path(__file__).parents[2]
# A busy machine is slow; only what never comes is wrong.
expect.set_options(timeout=20_000)
# What htmx and the browser write when a page is left while it asks, or the server is stopped before the page is closed.
_CUT_OFF = (
    "htmx:sendError",
    "htmx:sendAbort",
    "htmx:afterRequest",
    "Failed to load resource: net::ERR_CONNECTION_REFUSED",
)
# What the browser and htmx write of an answer that refuses: an error only where the test does not provoke one.
_REFUSED = ("Failed to load resource: the server responded with a status of 4", "Response Status Error Code 4")
# What the browser writes where a test cuts the line to the node.
_UNREACHABLE = ("Failed to load resource: net::ERR_INTERNET_DISCONNECTED",)
SIZES = {"desktop": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}


@pytest.fixture(scope="session")
def client(mini: Knowledge) -> Iterator[TestClient]:
    with TestClient(create_app(Config(), mini), raise_server_exceptions=False) as client:
        yield client


def _serve(knowledge: Knowledge) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    application = create_app(Config(), knowledge)
    server = uvicorn.Server(uvicorn.Config(slowed(application), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def address(mini: Knowledge) -> Iterator[str]:
    yield from _serve(mini)


@pytest.fixture(scope="session")
def real_address() -> Iterator[str]:
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    yield from _serve(load_knowledge(path))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--lang=zh-CN", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    return request.param


def _open(browser: Browser, size: str) -> Iterator[Page]:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    expected = (
        *_CUT_OFF,
        *(_REFUSED if getattr(page, "refusals_expected", False) else ()),
        *(_UNREACHABLE if getattr(page, "unreachable_expected", False) else ()),
    )
    assert [problem for problem in problems if not problem.startswith(expected)] == []


@pytest.fixture
def page(browser: Browser, size: str) -> Iterator[Page]:
    """A page of each of the three sizes."""
    yield from _open(browser, size)


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Page]:
    """A page of desktop size, for what does not depend on the size."""
    yield from _open(browser, "desktop")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node of a small invented village with its doctor signed in."""
    with a_node(tmp_path / "node") as made:
        yield made


@pytest.fixture
def node_address(node: Node, mini: Knowledge) -> Iterator[str]:
    """The served pages of `node`."""
    with served(node.seat, mini) as address:
        yield address
