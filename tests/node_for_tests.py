"""A node of a small invented village, for tests: made in a moment, served on loopback, logged in to like by a doctor."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvicorn
from playwright.sync_api import Page
from slow_line import slowed

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Account, Role
from cunyi.domain.person import Person
from cunyi.journeys.bench import Bench
from cunyi.journeys.registering import read_person, register_person
from cunyi.journeys.seat import Seat
from cunyi.journeys.setting_up import NodeSetup, set_up
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.folder import Folder
from cunyi.store.passwords import Cost
from cunyi.store.unit import Store

LOGIN, PASSWORD = "li", "mountain-road-9"
CHEAP = Cost(time_cost=1, memory_kib=64, parallelism=1)
VILLAGES = {"360731101201": "上坪村", "360731101202": "下坪村"}
SETUP = NodeSetup(
    facility="360731101201-01",
    facility_name="上坪村卫生室",
    villages=VILLAGES,
    serials=(1, 500),
    login=LOGIN,
    name="李建国",
    password=PASSWORD,
    role=Role.VILLAGE_DOCTOR,
)


class Clock:
    """A clock that tests can set; it stands still unless it runs with the computer's."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at or datetime.now(UTC)


@dataclass
class Node:
    """A node in a folder, its doctor signed in."""

    folder: Folder
    seat: Seat
    account: Account
    token: str
    recovery_code: str
    clock: Clock

    @property
    def store(self) -> Store:
        return self.seat.store

    def register(self, name: str, **fields: str | list[str]) -> Person:
        """Somebody of the village; fields as the form sends them."""
        sent = {"name": name, "village_code": "360731101201", "birth_on": "1960-05-05", "sex": "male", **fields}
        if "identifier" in fields:
            sent = {k: v for k, v in sent.items() if k in fields or k not in ("birth_on", "sex")}
        lists = {key: value if isinstance(value, list) else [value] for key, value in sent.items()}
        entry = read_person(lists, organisation="360731", person=None, today=self.clock().date())
        return register_person(self.store, self.account, entry, not_the_same=True)


@contextmanager
def a_node(path: Path, clock: Clock | None = None) -> Iterator[Node]:
    """A new node in `path`."""
    clock = clock or Clock()
    new = set_up(Folder(path), SETUP, clock=clock, cost=CHEAP)
    token, me = new.seat.sign_in(LOGIN, PASSWORD)
    try:
        yield Node(Folder(path), new.seat, me.account, token, new.recovery_code, clock)
    finally:
        new.seat.close()


@contextmanager
def served(
    seat: Seat,
    knowledge: Knowledge,
    shown_account: tuple[str, str] | None = None,
    bench: Bench | None = None,
    config: Config | None = None,
) -> Iterator[str]:
    """The pages of a node on loopback, with its instruments where there is a `bench`; gives their address.

    Links and codes for villagers lead to the same address, as a phone of the test is this computer.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = msgspec.structs.replace(config or Config(), public_address=f"http://127.0.0.1:{port}")
    application = create_app(config, knowledge, seat=seat, shown_account=shown_account, bench=bench)
    server = uvicorn.Server(uvicorn.Config(slowed(application), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        if bench is not None:
            bench.end_streams()
        server.should_exit = True
        thread.join(10)


def log_in(page: Page, address: str, login: str = LOGIN, password: str = PASSWORD) -> None:
    """As a doctor would, in the browser."""
    page.goto(f"{address}/login")
    page.fill("#login", login)
    page.fill("#password", password)
    page.click("main form button.main-tap")
    page.wait_for_url(lambda url: "/login" not in url)
