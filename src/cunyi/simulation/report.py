"""The report of a simulation, in Markdown: what was asked for, what happened, what it cost, and whether anything was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec

from cunyi.simulation.comparing import Comparison
from cunyi.simulation.ledger import Ledger
from cunyi.simulation.nodes import Burden

_MOST_TOLD = 20
_T = TypeVar("_T")


class Course(msgspec.Struct, kw_only=True):
    """How long threads took from one step to another (环节用时), by step, in simulated time."""

    opened: dict[str, int] = {}
    states: dict[str, dict[str, int]] = {}
    waits: dict[str, list[timedelta]] = {}


class NodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One node's line in the report (节点一行)."""

    name: str
    people: int
    records: int
    notes: int
    burden: Burden
    bytes_up: int = 0
    bytes_down: int = 0
    connections: int = 0
    cuts: int = 0


class Story(msgspec.Struct, kw_only=True):
    """Everything a report is made of (模拟结果)."""

    title: str
    command: str
    machine: str
    asked: list[tuple[str, str]]
    nodes: list[NodeRow]
    comparison: Comparison
    verified: dict[str, str]
    course: Course
    outcomes: dict[str, int]
    conflicts: int
    conflicts_open: int
    events: list[str]
    wall_s: float


def write_report(story: Story, ledger: Ledger) -> str:
    """The report as text."""
    parts = [f"# {story.title}", "", f"`{story.command}`", "", f"{story.machine}; {story.wall_s / 60:.1f} minutes.", ""]
    parts += _table(("asked for", ""), story.asked)
    parts += ["## Lost or doubled", "", _verdict(story.comparison), ""]
    parts += _table(
        ("compared after all programs had stopped", "number"),
        [
            ("signed records on kits, looked for on the hub byte for byte", f"{story.comparison.records_compared:,}"),
            ("signed notes on kits, looked for on the hub byte for byte", f"{story.comparison.notes_compared:,}"),
            ("signatures that a page had acknowledged", f"{story.comparison.acknowledged:,}"),
            ("signed records or notes lost", f"{len(story.comparison.lost):,}"),
            ("doubled", f"{len(story.comparison.doubled):,}"),
            ("held otherwise on kit and hub", f"{len(story.comparison.apart):,}"),
        ],
    )
    told = [*story.comparison.lost, *story.comparison.doubled, *story.comparison.apart]
    parts += [f"- {each}" for each in told[:_MOST_TOLD]] + ([""] if told else [])
    parts += _table(("`cunyi verify`", "said"), sorted(story.verified.items()))
    parts += ["## What happened", ""]
    parts += _table(("what", "number"), [(name, f"{number:,}") for name, number in sorted(ledger.counts.items())])
    if story.course.opened:
        parts += ["## Threads", "", *_threads(story.course)]
    parts += ["## Synchronisation", ""]
    parts += _table(
        ("outcome of a kit's changes at the hub", "number"), [(k, f"{v:,}") for k, v in story.outcomes.items()]
    )
    parts += [f"{story.conflicts} conflicts, {story.conflicts_open} of them still to be decided at the end.", ""]
    parts += ["## Time of each step, as a browser sees it", "", *_times(ledger.times)]
    parts += ["## What each node cost", "", *_nodes(story.nodes)]
    if story.events:
        parts += ["## Events", ""] + [f"- {each}" for each in story.events] + [""]
    parts += ["## Refused or not answered on the way", ""]
    troubles = ledger.troubles.most_common(_MOST_TOLD)
    parts += (
        _table(("what", "number"), [(what.replace("|", "/"), str(n)) for what, n in troubles])
        if troubles
        else ["Nothing.", ""]
    )
    return "\n".join(parts).rstrip() + "\n"


def _verdict(comparison: Comparison) -> str:
    return (
        "**Nothing is lost, nothing is doubled.**"
        if comparison.good
        else "**Something is lost, doubled or different.**"
    )


def _threads(course: Course) -> list[str]:
    rows = [
        (
            kind,
            f"{number:,}",
            "，".join(f"{state} {count}" for state, count in sorted(course.states.get(kind, {}).items())),
        )
        for kind, number in sorted(course.opened.items())
    ]
    parts = _table(("kind", "opened", "state at the end"), rows)
    waits = [
        (step, f"{len(times):,}", *(_duration(_share(sorted(times), share)) for share in (0.5, 0.95, 1.0)))
        for step, times in sorted(course.waits.items())
        if times
    ]
    return parts + _table(("from the first note to", "number", "p50", "p95", "longest"), waits)


def _times(times: Mapping[str, Sequence[float]]) -> list[str]:
    rows = []
    for step in sorted(times):
        ordered = sorted(times[step])
        rows.append(
            (step, f"{len(ordered):,}", *(f"{_share(ordered, share) * 1000:.0f}" for share in (0.5, 0.95, 1.0)))
        )
    return _table(("step", "number", "p50 ms", "p95 ms", "longest ms"), rows)


def _nodes(nodes: Sequence[NodeRow]) -> list[str]:
    rows = [
        (
            node.name, f"{node.people:,}", f"{node.records:,}", f"{node.notes:,}", f"{node.burden.cpu_s:.0f}",
            f"{node.burden.memory_mb:.0f}", f"{node.burden.disk_mb:.1f}", f"{node.bytes_up / 1e6:.2f}",
            f"{node.bytes_down / 1e6:.2f}", f"{node.connections:,}", f"{node.cuts:,}",
        )
        for node in nodes
    ]  # fmt: skip
    head = (
        "node",
        "people",
        "records",
        "notes",
        "CPU s",
        "most memory MB",
        "disk MB",
        "MB up",
        "MB down",
        "connections",
        "cut",
    )
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def _share(ordered: Sequence[_T], share: float) -> _T:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _duration(length: timedelta) -> str:
    minutes = length.total_seconds() / 60
    return (
        f"{minutes:.0f} min"
        if minutes < 120
        else f"{minutes / 60:.1f} h"
        if minutes < 2880
        else f"{minutes / 1440:.1f} d"
    )
