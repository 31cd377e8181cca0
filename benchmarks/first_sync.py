"""Measures the first synchronisation of a village: `python -m benchmarks first-sync`. The goal is 10 s for 2,533 residents.

The hub is served by a process of its own and holds the village with five years of records; an encrypted kit with nothing in it
fetches everything over HTTP on loopback.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.hubs import hub_place, hub_served, kit_side, new_kit, open_place
from benchmarks.node_places import Place, postgresql
from benchmarks.population import RESIDENTS_A_VILLAGE, YEARS, villages_for
from cunyi.store import schema
from cunyi.store.unit import Store

RUNS = 3


def main(arguments: list[str]) -> int:
    """Runs on what was asked for and prints a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks first-sync")
    parser.add_argument("--root", type=Path, default=Path("build/sync-benchmark"), help="where the nodes are kept")
    parser.add_argument("--residents", type=int, default=RESIDENTS_A_VILLAGE)
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--only", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args(arguments)
    options.root.mkdir(parents=True, exist_ok=True)
    print(
        "| hub | residents | records | s, each run | CPU s of kit, hub | MB down | hub's most memory MB | load, each run |"
    )
    print("|---|---:|---:|---|---|---:|---:|---|")
    for kind in options.only or ("sqlite", "postgresql"):
        if kind == "sqlite":
            measure(hub_place(options.root, options.residents, options.years), options.root, "SQLCipher")
        else:
            with postgresql(options.root.resolve(), options.residents, options.years) as address:
                hub = hub_place(options.root, options.residents, options.years, address)
                measure(hub, options.root, "PostgreSQL")
    return 0


def measure(hub: Place, root: Path, engine: str) -> None:
    """So many new kits, one after the other, each fetching the whole village."""
    village = next(iter(villages_for(hub.residents)))
    times, loads, down, memory, spent = [], [], 0, 0.0, (0.0, 0.0)
    counts: tuple[int, int] = (0, 0)
    for run in range(RUNS):
        folder = root / f"kit-{run}"
        shutil.rmtree(folder, ignore_errors=True)
        store = open_place(hub)
        kit = new_kit(store, folder, village, "http://127.0.0.1")
        wanted = _counts(store, village)
        store.close()
        with hub_served(hub) as served, kit_side(kit, served.address) as (side, line):
            started, cpu, cpu_of_hub = time.perf_counter(), time.process_time(), served.cpu_s()
            side.synchronise()
            times.append(time.perf_counter() - started)
            spent = (time.process_time() - cpu, served.cpu_s() - cpu_of_hub)
            down, memory = line.received_bytes, served.most_memory_mb()
            loads.append(os.getloadavg()[0])
        counts = _counts(kit, village)
        if counts != wanted:
            raise AssertionError(f"the hub has {wanted} people and records, the kit {counts}")
        kit.close()
        shutil.rmtree(folder)
    shown = ", ".join(f"{seconds:.1f}" for seconds in times)
    load = ", ".join(f"{each:.1f}" for each in loads)
    print(
        f"| {engine} | {counts[0]:,} | {counts[1]:,} | {shown} | {spent[0]:.1f}, {spent[1]:.1f} | {down / 1e6:.1f} | {memory:.0f} | {load} |",
        flush=True,
    )


def _counts(store: Store, village: str) -> tuple[int, int]:
    """How many people of a village and signed records about them a store has."""
    person, document = schema.person, schema.document
    with store.reading() as connection:
        people = connection.execute(select(func.count()).where(person.c.village_code == village)).scalar_one()
        records = connection.execute(
            select(func.count()).select_from(
                document.join(
                    person,
                    (document.c.organisation == person.c.organisation) & (document.c.person_id == person.c.id),
                )
            ).where(person.c.village_code == village)
        ).scalar_one()  # fmt: skip
    return people, records
