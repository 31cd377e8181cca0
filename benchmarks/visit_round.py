"""Measures the visit round: `python -m benchmarks round`. The list and its page for a village of 3,000 with five years of records."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.node import copy_of, serving
from benchmarks.node_places import LOGIN, PASSWORD, place
from benchmarks.population import YEARS
from cunyi.app import load_knowledge
from cunyi.journeys.seat import Seat
from cunyi.journeys.visiting_round import the_round
from cunyi.store.folder import Folder
from cunyi.store.passwords import Cost

RESIDENTS = 3_000
_TIMES = 15


def main(arguments: list[str]) -> int:
    """Prints a Markdown table: the median and the quickest, in time that passed and in time of the processor."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks round")
    parser.add_argument("--root", type=Path, default=Path("build/node-benchmark"), help="where the nodes are kept")
    parser.add_argument("--residents", type=int, default=RESIDENTS)
    options = parser.parse_args(arguments)
    options.root.mkdir(parents=True, exist_ok=True)
    node = copy_of(place(options.root, options.residents, YEARS))
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f}\n")
    knowledge = load_knowledge()
    seat = Seat(clock=lambda: datetime.now(UTC), cost=Cost(), folder=Folder(node.folder))
    passed, worked = [], []
    try:
        _, me = seat.sign_in(LOGIN, PASSWORD)
        for _ in range(_TIMES):
            began, work = time.perf_counter(), time.process_time()
            found = the_round(seat.store, me.account, knowledge, now=datetime.now(UTC).astimezone())
            passed.append((time.perf_counter() - began) * 1000)
            worked.append((time.process_time() - work) * 1000)
    finally:
        seat.close()
    pages = []
    with serving(node) as server:
        server.get("/login", {"login": LOGIN, "password": PASSWORD})
        for _ in range(_TIMES):
            began = time.perf_counter()
            size = len(server.get("/visit-round"))
            pages.append((time.perf_counter() - began) * 1000)
    print(f"## The visit round of {node.residents:,} residents, {node.years} years of records, SQLCipher\n")
    print(f"{found.number} to be visited in {len(found.stops)} hamlets; the page has {size / 1000:.0f} KB.\n")
    print("| what | quickest ms | median ms |\n|---|---:|---:|")
    for name, times in (("the list", passed), ("the list, time of the processor", worked), ("the whole page", pages)):
        print(f"| {name} | {min(times):.0f} | {statistics.median(times):.0f} |")
    return 0
