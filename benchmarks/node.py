"""Measures a node: `python -m benchmarks node`. Start, search, open, save and sign under load, memory, disk, backup.

The server is `cunyi serve` in a process of its own, the users are in another one; all of it over loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.node_places import LOGIN, PASSWORD, Place, place, postgresql
from benchmarks.node_search import PEOPLE, measure_search
from benchmarks.node_space import space_of
from benchmarks.population import YEARS
from cunyi.journeys.safekeeping import make_backup, verify
from cunyi.store.folder import Folder

SMALL, LARGE = 3_000, 38_000
STEPS = ("search", "open", "begin", "page", "keep", "sign")
_STARTING_SECONDS = 60


def main(arguments: list[str]) -> int:
    """Runs what was asked for and prints Markdown tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks node")
    parser.add_argument("--root", type=Path, default=Path("build/node-benchmark"), help="where the nodes are kept")
    parser.add_argument("--years", type=int, default=YEARS, help="years of records of the large node")
    parser.add_argument("--seconds", type=float, default=15, help="length of a run without think times")
    parser.add_argument("--thinking-seconds", type=float, default=40, help="length of a run with think times")
    parser.add_argument("--only", choices=("small", "search", "sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    only = options.only or ["small", "search", "sqlite", "postgresql"]
    options.root.mkdir(parents=True, exist_ok=True)
    one, five, quarter = os.getloadavg()
    print(f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores; "
          f"load of the machine before: {one:.1f}, {five:.1f}, {quarter:.1f}\n")  # fmt: skip
    if "small" in only:
        node = place(options.root, SMALL, YEARS)
        tell_filled(node)
        measure_alone(copy_of(node))
        measure_load(copy_of(node), options, "SQLCipher")
    if "search" in only:
        measure_search(place(options.root, PEOPLE, 0))
    if "sqlite" in only:
        node = place(options.root, LARGE, options.years)
        tell_filled(node)
        measure_load(node, options, "SQLCipher")
    if "postgresql" in only:
        with postgresql(options.root.resolve(), LARGE, options.years) as address:
            node = place(options.root, LARGE, options.years, address)
            tell_filled(node)
            measure_load(node, options, "PostgreSQL")
    return 0


def copy_of(node: Place) -> Place:
    """The same node in another folder, so that measuring does not change the one that is kept."""
    target = node.folder.with_name(node.folder.name + "-copy")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(node.folder, target)
    return Place(folder=target, database=node.database, filled=node.filled, residents=node.residents, years=node.years)


def tell_filled(node: Place) -> None:
    """How fast it was filled."""
    filled = node.filled
    print(
        f"{filled.people:,} residents, {node.years} years, {filled.records:,} signed records; filled in "
        f"{filled.seconds:.0f} s ({filled.records / filled.seconds:,.0f} records a second)\n",
        flush=True,
    )


class Server:
    """A node served by a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, ready_seconds: float) -> None:
        self.process, self.port, self.ready_seconds = process, port, ready_seconds
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def get(self, path: str, form: dict[str, str] | None = None) -> str:
        """A page, after following where it leads."""
        body = urlencode(form).encode() if form else None
        with self._opener.open(f"http://127.0.0.1:{self.port}{path}", body, timeout=60) as answer:
            return str(answer.read().decode())

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory now and at its highest."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        figures = dict(line.split(":", 1) for line in status.splitlines())
        return int(figures["VmRSS"].split()[0]) / 1000, int(figures["VmHWM"].split()[0]) / 1000


@contextmanager
def serving(node: Place) -> Iterator[Server]:
    """Starts `cunyi serve` and waits for the login page; its process is ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cunyi.cli", "serve", "--port", str(port), *node.arguments], stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=10).read()
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None or time.perf_counter() - started > _STARTING_SECONDS:
                    raise
                time.sleep(0.01)
        yield Server(process, port, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(20)


def measure_alone(node: Place) -> None:
    """Start, first page, memory, disk, backup and verification."""
    rows = []
    starts, firsts, pages = [], [], []
    for _ in range(3):
        with serving(node) as server:
            at_login = server.memory_mb()[0]
            started = time.perf_counter()
            server.get("/login", {"login": LOGIN, "password": PASSWORD})
            firsts.append(time.perf_counter() - started)
            starts.append(server.ready_seconds)
            started = time.perf_counter()
            server.get("/")
            pages.append(time.perf_counter() - started)
            opened = server.memory_mb()
    rows.append(("start of the program to the login page, s (3 runs)", _all(starts)))
    rows.append(("login sent to the first page, s (3 runs)", _all(firsts)))
    rows.append(("first page again, s (3 runs)", _all(pages)))
    rows.append(("memory at the login page, MB", f"{at_login:.0f}"))
    rows.append(("memory at the first page, highest, MB", f"{opened[0]:.0f}, {opened[1]:.0f}"))
    folder = Folder(node.folder)
    started = time.perf_counter()
    key = folder.keyring().open(LOGIN, PASSWORD)
    rows.append(("password to key, s", f"{time.perf_counter() - started:.2f}"))
    space = space_of(folder.database, key)
    rows.append(("database file, MB", f"{space.file_mb:.0f}"))
    from benchmarks.population import today_utc

    store = folder.open(key, clock=today_utc)
    target = node.folder.with_name("backup.cunyi")
    started = time.perf_counter()
    make_backup(store, folder, target)
    rows.append(("backup made and read again, s", f"{time.perf_counter() - started:.1f}"))
    rows.append(("backup, MB", f"{target.stat().st_size / 1e6:.0f}"))
    started = time.perf_counter()
    found = verify(store, folder)
    rows.append(("verification of everything, s", f"{time.perf_counter() - started:.1f}"))
    rows.append(("problems found", str(len(found.problems))))
    store.close()
    target.unlink()
    print(f"## A kit with {node.residents:,} residents\n\n| what | value |\n|---|---:|")
    for name, value in rows:
        print(f"| {name} | {value} |")
    print("\n| table or index | MB | share |\n|---|---:|---:|")
    whole = sum(size for _, size in space.parts)
    for name, size in space.parts[:14]:
        print(f"| {name} | {size:.1f} | {size / whole:.0%} |")
    print(flush=True)


def measure_load(node: Place, options: argparse.Namespace, engine: str) -> None:
    """Search, open, keep and sign by 1, 10 and 70 users at once, without and with think times."""
    print(f"## {node.residents:,} residents, {node.years} years, {engine}\n")
    print(
        "| users | think s | requests/s | step | number | p50 ms | p95 ms | p99 ms |\n|---:|---|---:|---|---:|---:|---:|---:|"
    )
    runs = [(users, options.seconds, 0, 0) for users in (1, 10, 70)]
    runs.append((70, options.thinking_seconds, 3, 10))
    problems = []
    with serving(node) as server:
        server.get("/login", {"login": LOGIN, "password": PASSWORD})
        for users, seconds, shortest, longest in runs:
            answer = _users(server.port, users, seconds, shortest, longest)
            rate = sum(map(len, answer["times"].values())) / answer["seconds"]
            for step in STEPS:
                times = sorted(answer["times"].get(step, ()))
                if times:
                    shown = " | ".join(f"{_share(times, share):.0f}" for share in (0.5, 0.95, 0.99))
                    think = f"{shortest}–{longest}" if longest else "none"
                    print(f"| {users} | {think} | {rate:.0f} | {step} | {len(times)} | {shown} |", flush=True)
            problems += [f"{users} users: {name} {number} times" for name, number in answer["refused"].items()]
            problems += [f"{users} users: {words}" for words in answer["broken"]]
        now, highest = server.memory_mb()
    print(f"\nMemory of the server after it: {now:.0f} MB, highest {highest:.0f} MB.")
    print("\n".join(["Refused or broken:", *problems[:20]]) if problems else "Nothing was refused.")
    print(flush=True)


def _users(port: int, users: int, seconds: float, shortest: float, longest: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.node_client"]
    command += [str(value) for value in (port, users, seconds, shortest, longest)]
    finished = subprocess.run(command, capture_output=True, timeout=seconds + 120, check=False)
    if finished.returncode != 0:
        raise RuntimeError(finished.stderr.decode())
    return dict(json.loads(finished.stdout))


def _share(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


def _all(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
