"""Search among many people: what a doctor types at the search box of a node with 50,000 residents, timed in the program."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

from benchmarks.node_places import LOGIN, PASSWORD, Place
from cunyi.journeys.seat import Seat
from cunyi.journeys.today import search
from cunyi.store.folder import Folder
from cunyi.store.passwords import Cost

PEOPLE = 50_000
_TYPED = (
    ("one letter", "z"),
    ("two letters", "zh"),
    ("a syllable", "zhang"),
    ("initials", "zgm"),
    ("pinyin of a name", "wangjianguo"),
    ("a surname", "张"),
    ("a given name", "建国"),
    ("surname and first character", "张建"),
    ("four digits of a phone or card", "8123"),
    ("three digits", "195"),
    ("surname and digits", "王 81"),
    ("nothing", ""),
    ("nobody", "zzzz"),
)
_TIMES = 9


def measure_search(node: Place) -> None:
    """Prints a line for each kind of thing that is typed; the median and the slowest of nine searches."""
    seat = Seat(clock=lambda: datetime.now(UTC), cost=Cost(), folder=Folder(node.folder))
    try:
        _, me = seat.sign_in(LOGIN, PASSWORD)
        print(
            f"## Search among {node.residents:,} people\n\n| typed | found | median ms | slowest ms |\n|---|---:|---:|---:|"
        )
        for name, words in _TYPED:
            times = []
            for _ in range(_TIMES):
                started = time.perf_counter()
                found = search(seat.store, me.account, words)
                times.append(1000 * (time.perf_counter() - started))
            count = f"{len(found.people)}{' and more' if found.more else ''}"
            print(f"| {name} | {count} | {statistics.median(times):.0f} | {max(times):.0f} |")
        print()
    finally:
        seat.close()
