"""Hubs and kits to be measured: a hub filled with residents and records, and encrypted kits that belong to it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.node_places import LOGIN, PASSWORD, Place, place
from benchmarks.population import today_utc
from cunyi.domain.account import Role
from cunyi.domain.organisation import Area, Facility, FacilityLevel
from cunyi.interop.hub_http import HubLine, LineSettings
from cunyi.journeys.enrolling import answer_enrolment, make_code
from cunyi.journeys.joining import join
from cunyi.journeys.setting_up import NodeSetup, set_up
from cunyi.store.accounts import account_by_login
from cunyi.store.areas import keep_area
from cunyi.store.engine import open_postgresql
from cunyi.store.facilities import keep_facility
from cunyi.store.folder import Folder
from cunyi.store.known_nodes import is_hub
from cunyi.store.links import begin_epoch
from cunyi.store.nodes import open_node, villages
from cunyi.store.passwords import Cost
from cunyi.store.unit import SYSTEM, Store
from cunyi.sync.kit_side import KitSide

# What a password costs is measured elsewhere.
CHEAP = Cost(time_cost=1, memory_kib=64, parallelism=1)
_STARTING_SECONDS = 90
_LINE = LineSettings(timeout_s=300)


def hub_place(root: Path, residents: int, years: int, database: str | None = None) -> Place:
    """A hub of so many residents, made where it is not there yet."""
    made = place(root, residents, years, database)
    store = open_place(made)
    with store.reading() as connection:
        known, codes = is_hub(connection, store.node.organisation), villages(connection, store.node.organisation)
    if not known:
        with store.writing(SYSTEM) as writing:
            begin_epoch(writing)
            for code, name in codes.items():
                keep_area(writing, Area(code=code, name=name))
                keep_facility(
                    writing,
                    Facility(
                        code=f"{code}-01", organisation=writing.organisation, name=f"{name}卫生室",
                        level=FacilityLevel.VILLAGE, catchment=(code,),
                    ),
                )  # fmt: skip
    store.close()
    return made


def copied(hub: Place) -> Place:
    """The same hub in another folder, so that measuring does not change the one that is kept."""
    target = hub.folder.with_name(hub.folder.name + "-copy")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(hub.folder, target)
    return Place(folder=target, database=hub.database, filled=hub.filled, residents=hub.residents, years=hub.years)


def open_place(place: Place) -> Store:
    """The records of a node that nobody serves now."""
    if place.database is not None:
        return open_node(open_postgresql(place.database), clock=today_utc)
    folder = Folder(place.folder)
    return folder.open(folder.keyring().open(LOGIN, PASSWORD), clock=today_utc)


def new_kit(hub: Store, folder: Path, village: str, address: str) -> Store:
    """An encrypted kit of a village's clinic, enrolled at the hub, with nobody in it yet."""
    setup = NodeSetup(
        facility=f"{village}-01", facility_name="卫生室", villages={village: village}, serials=(1, 1), login=LOGIN,
        name="李建国", password=PASSWORD, role=Role.VILLAGE_DOCTOR,
    )  # fmt: skip
    seat = set_up(Folder(folder), setup, clock=today_utc, cost=CHEAP).seat
    with hub.reading() as connection:
        stored = account_by_login(connection, hub.node.organisation, "first")
    assert stored is not None
    code = make_code(hub, stored.account, facility=f"{village}-01", scope=(village,), serials=100).code
    store = seat.store
    join(store, None, SYSTEM, code=code, send=lambda body: answer_enrolment(hub, body), address=address)
    return store


@contextmanager
def kit_side(store: Store, address: str) -> Iterator[tuple[KitSide, HubLine]]:
    """A kit's side of the exchange over HTTP."""
    with HubLine(address, _LINE) as line:
        yield KitSide(store, line.send), line


class ServedHub:
    """A hub in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process, self.address = process, address

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def most_memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(dict(line.split(":", 1) for line in status.splitlines())["VmHWM"].split()[0]) / 1000

    def cpu_s(self) -> float:
        figures = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def hub_served(hub: Place, options: Sequence[str] = ()) -> Iterator[ServedHub]:
    """The hub, served and opened by somebody's login."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "cunyi.cli",
        "serve",
        "--role",
        "hub",
        "--port",
        str(port),
        *options,
        *hub.arguments,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/login", timeout=10).read()
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None or time.perf_counter() - started > _STARTING_SECONDS:
                    raise
                time.sleep(0.02)
        # An encrypted hub is opened by whoever logs in first.
        form = f"login={LOGIN}&password={PASSWORD}".encode()
        urllib.request.urlopen(f"{address}/login", form, timeout=60).read()
        yield ServedHub(process, address)
    finally:
        process.terminate()
        process.wait(30)
