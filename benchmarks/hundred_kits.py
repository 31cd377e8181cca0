"""Measures a hundred kits that bring a day's work at once: `python -m benchmarks hundred-kits`. The goal is 60 s, nothing lost or doubled.

While they do, 70 users work at the hub's pages (`--users`), and what the pages take is measured beside what they take with no kit
there. The kits are encrypted, all in one process, each with a connection of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.hubs import copied, hub_place, hub_served, kit_side, new_kit, open_place
from benchmarks.node_places import Place, postgresql
from benchmarks.population import YEARS, fill_a_day, today_utc, villages_for
from cunyi.domain.account import Role
from cunyi.domain.encounter import Signer
from cunyi.store import schema
from cunyi.store.unit import Store

KITS = 100
REGISTERED, SEEN = 8, 25
_FREE_SERIAL = 60_000
_STEPS = ("search", "open", "begin", "page", "keep", "sign")


def main(arguments: list[str]) -> int:
    """Runs on what was asked for and prints Markdown tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks hundred-kits")
    parser.add_argument("--root", type=Path, default=Path("build/sync-benchmark"), help="where the nodes are kept")
    parser.add_argument("--kits", type=int, default=KITS)
    parser.add_argument("--residents", type=int, default=3_000, help="residents of the hub before")
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--users", type=int, default=0, help="users at the hub's pages meanwhile")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve the hub")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    options.root.mkdir(parents=True, exist_ok=True)
    for kind in options.only or ("sqlite", "postgresql"):
        if kind == "sqlite":
            measure(copied(hub_place(options.root, options.residents, options.years)), options, "SQLCipher")
        else:
            with postgresql(options.root.resolve(), options.residents, options.years) as address:
                measure(hub_place(options.root, options.residents, options.years, address), options, "PostgreSQL")
    return 0


def measure(hub: Place, options: argparse.Namespace, engine: str) -> None:
    """Makes the kits and their day, lets them all synchronise at once, and looks for everything on the hub."""
    kits, place = [], options.root / "hundred-kits"
    shutil.rmtree(place, ignore_errors=True)
    store = open_place(hub)
    codes = list(villages_for(hub.residents))
    for number in range(options.kits):
        kit = new_kit(store, place / str(number), codes[number % len(codes)], "http://127.0.0.1")
        fill_a_day(
            kit, Signer(account=kit.node.id, name="李建国", role=Role.VILLAGE_DOCTOR), codes[number % len(codes)],
            registered=REGISTERED, seen=SEEN, first_serial=_FREE_SERIAL + number * 2 * REGISTERED, end=today_utc(),
        )  # fmt: skip
        kits.append(kit)
    store.close()
    workers = ["--workers", str(options.workers)] if options.workers > 1 else []
    with hub_served(hub, workers) as served:
        alone = _load(served.port, options.users, 20) if options.users else None
        load: list[dict[str, Any]] = []
        beside = threading.Thread(target=lambda: load.append(_load(served.port, options.users, 30)))
        if options.users:
            beside.start()
            time.sleep(3)
        cpu, cpu_of_hub = time.process_time(), served.cpu_s()
        seconds, sent, received, outcomes, tries = _all_at_once(kits, served.address)
        spent = (time.process_time() - cpu, served.cpu_s() - cpu_of_hub)
        if options.users:
            beside.join()
        memory = served.most_memory_mb()
    print(f"## {len(kits)} kits at once, {engine}\n\n| what | value |\n|---|---:|")
    print(
        f"| residents of the hub before | {hub.residents:,} |\n| signed records on each kit, new people | {SEEN}, {REGISTERED} |"
    )
    print(f"| all answered after, s | {seconds:.1f} |\n| MB up, down | {sent / 1e6:.1f}, {received / 1e6:.1f} |")
    print(f"| outcomes | {', '.join(f'{name} {number:,}' for name, number in outcomes.items())} |")
    print(f"| CPU s of the kits together, of the hub meanwhile | {spent[0]:.1f}, {spent[1]:.1f} |")
    print(f"| exchanges tried again | {tries} |\n| hub's most memory, MB | {memory:.0f} |")
    store = open_place(hub)
    lost, doubled = _missing(store, kits)
    store.close()
    print(f"| signed records lost | {lost} |\n| doubled | {doubled} |\n", flush=True)
    for name, answer in (("no kit there", alone), ("while they synchronise", load[0] if load else None)):
        if answer is not None:
            _tell(name, options.users, answer)
    for kit in kits:
        kit.close()
    shutil.rmtree(place)


def _all_at_once(kits: list[Store], address: str) -> tuple[float, int, int, Counter[str], int]:
    """Every kit begins at the same moment; until the last one has nothing left."""
    ready = threading.Barrier(len(kits) + 1)
    tries = [0]

    def synchronise(kit: Store) -> tuple[int, int, Counter[str]]:
        ready.wait()
        outcomes: Counter[str] = Counter()
        with kit_side(kit, address) as (side, line):
            while True:
                try:
                    pushed = side.push()
                    outcomes.update({str(name): number for name, number in pushed.outcomes.items()})
                    if not pushed.more:
                        break
                except OSError:
                    tries[0] += 1
            return line.sent_bytes, line.received_bytes, outcomes

    with ThreadPoolExecutor(len(kits)) as pool:
        running = [pool.submit(synchronise, kit) for kit in kits]
        ready.wait()
        started = time.perf_counter()
        done = [each.result() for each in running]
        seconds = time.perf_counter() - started
    whole: Counter[str] = Counter()
    for _, _, outcomes in done:
        whole.update(outcomes)
    return seconds, sum(each[0] for each in done), sum(each[1] for each in done), whole, tries[0]


def _missing(hub: Store, kits: list[Store]) -> tuple[int, int]:
    """How many signed records of kits are not on the hub with the same hash, and how many of its encounters are there twice."""
    document = schema.document.c
    with hub.reading() as connection:
        there = {row.id: bytes(row.hash) for row in connection.execute(select(document.id, document.hash))}
        twice = connection.execute(
            select(func.count()).select_from(
                select(document.encounter_id).group_by(document.encounter_id, document.version)
                .having(func.count() > 1).subquery()
            )
        ).scalar_one()  # fmt: skip
    lost = 0
    for kit in kits:
        with kit.reading() as connection:
            for row in connection.execute(select(document.id, document.hash)):
                lost += there.get(row.id) != bytes(row.hash)
    return lost, twice


def _load(port: int, users: int, seconds: float) -> dict[str, Any]:
    """Users with think times at the hub's pages, in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.node_client", *(str(value) for value in (port, users, seconds, 3, 10))]
    done = subprocess.run(command, capture_output=True, timeout=seconds + 120, check=True)
    return dict(json.loads(done.stdout))


def _tell(name: str, users: int, answer: dict[str, Any]) -> None:
    print(
        f"{users} users at the hub's pages, {name}:\n\n| step | number | p50 ms | p95 ms | p99 ms |\n|---|---:|---:|---:|---:|"
    )
    for step in _STEPS:
        times = sorted(answer["times"].get(step, ()))
        if times:
            shown = " | ".join(
                f"{times[min(len(times) - 1, int(len(times) * share))]:.0f}" for share in (0.5, 0.95, 0.99)
            )
            print(f"| {step} | {len(times)} | {shown} |")
    refused = ", ".join(f"{what} {number} times" for what, number in answer["refused"].items())
    print(f"\nRefused: {refused or 'nothing'}.\n", flush=True)
