"""A hub that is served on loopback and kits that reach it over HTTP, with a proxy in between that can cut."""

from __future__ import annotations

import atexit
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import msgspec
import uvicorn
from clinic_day import MORNING, Desk
from litestar import Litestar
from node_for_tests import CHEAP, LOGIN, PASSWORD, Clock
from tests.sync.bad_line import CuttingProxy
from township_for_tests import HUB_LOGIN, LOWER_CLINIC, UPPER_CLINIC, Hub, a_hub

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Account
from cunyi.interop.hub_http import LineSettings
from cunyi.journeys.seat import Seat
from cunyi.journeys.synchronising import Synchroniser
from cunyi.reasoning.prepared import Knowledge
from cunyi.store import schema
from cunyi.store.folder import Folder
from cunyi.store.links import Link, hub_link, keep_link
from cunyi.store.outbox import unsent_count
from cunyi.store.unit import SYSTEM, Store
from cunyi.web.doctor.synchronisation import Ways
from cunyi.web.hub_api import hub_routes

KITS = {"first": UPPER_CLINIC, "second": UPPER_CLINIC, "lower": LOWER_CLINIC}


@cache
def _made() -> Path:
    """A hub and kits that were enrolled at it, made once; each test works on copies."""
    place = Path(tempfile.mkdtemp(prefix="cunyi-township"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    with a_hub(place / "hub", Clock(MORNING)) as hub:
        for name, facility in KITS.items():
            hub.kit(place / name, facility).close()
    return place


def _opened(template: str, path: Path, clock: Clock, login: str) -> tuple[Seat, str, Account]:
    shutil.copytree(_made() / template, path)
    seat = Seat(clock=clock, cost=CHEAP, folder=Folder(path))
    token, me = seat.sign_in(login, PASSWORD)
    return seat, token, me.account


@contextmanager
def running(application: Litestar) -> Iterator[int]:
    """An application on loopback, until the end of the test; its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def serving(seat: Seat, knowledge: Knowledge, ways: Ways) -> AbstractContextManager[int]:
    """The pages of a kit on loopback; its port."""
    return running(create_app(Config(), knowledge, seat=seat, ways=ways))


def answering_nodes(seat: Seat) -> AbstractContextManager[int]:
    """What a hub has for its nodes, without its pages; its port."""
    return running(Litestar(hub_routes(seat), openapi_config=None, logging_config=None))


@dataclass
class Township:
    """A served hub, the proxy that its kits reach it by, and the kits."""

    hub: Hub
    port: int
    proxy: CuttingProxy
    folder: Path
    clock: Clock
    opened: list[Seat] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def kit(self, name: str = "kit", facility: str = UPPER_CLINIC) -> Desk:
        """A new kit with its doctor signed in, which reaches the hub by the proxy."""
        template = next(each for each, where in KITS.items() if where == facility and each not in self.taken)
        self.taken.append(template)
        seat, token, me = _opened(template, self.folder / name, self.clock, LOGIN)
        self.opened.append(seat)
        set_address(seat.store, self.proxy.address)
        return Desk(seat, me, token, self.clock, Folder(self.folder / name))

    def synchroniser(self, kit: Desk, **more: object) -> Synchroniser:
        """What talks for a kit; it is not started."""
        settings = LineSettings(timeout_s=10)
        given = {"settings": settings, "every_s": 60, "folder": kit.folder.path, **more}
        return Synchroniser(kit.seat, **given)


@contextmanager
def a_township(folder: Path) -> Iterator[Township]:
    """A hub, served, and whatever kits are asked for."""
    clock = Clock(MORNING)
    seat, token, me = _opened("hub", folder / "hub", clock, HUB_LOGIN)
    with answering_nodes(seat) as port:
        made = Township(Hub(seat, me, token, clock), port, CuttingProxy(port), folder, clock)
        try:
            yield made
        finally:
            made.proxy.close()
            for each in (*made.opened, seat):
                each.close()


def link_of(store: Store) -> Link:
    with store.reading() as connection:
        link = hub_link(connection, store.node.organisation)
    assert link is not None
    return link


def set_address(store: Store, address: str) -> None:
    """Where a kit finds its hub from now on."""
    link = link_of(store)
    with store.writing(SYSTEM, working_state=True) as writing:
        keep_link(writing.connection, msgspec.structs.replace(link, address=address))


def waiting(store: Store) -> int:
    """How many changes were not answered yet."""
    with store.reading() as connection:
        return sum(unsent_count(connection, store.node.organisation).values())


def signed_records(store: Store) -> set[tuple[str, bytes, bytes]]:
    """Every signed record: its id, the hash of its bytes, its signature."""
    table = schema.document
    with store.reading() as connection:
        return {(row.id, bytes(row.hash), bytes(row.signature)) for row in connection.execute(table.select())}


def people(store: Store) -> dict[str, object]:
    """Every person as they stand, without the count of changes."""
    with store.reading() as connection:
        found = {row.id: msgspec.json.decode(row.details) for row in connection.execute(schema.person.select())}
    for each in found.values():
        each.pop("revision", None)
    return found
