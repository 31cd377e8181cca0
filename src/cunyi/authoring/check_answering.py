"""Checks of the limits of answering: every urgency there, whole minutes, the milder never sooner than the graver."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import Shape, check_shape, identifier, many, mapping, nearest, text, truth
from cunyi.authoring.strict_yaml import LineDict, LineList, Problem
from cunyi.knowledge.answering import URGENCIES

_LONGEST_MINUTES = 366 * 24 * 60


def minutes(value: Any) -> str | None:
    """A whole number of minutes, at most a year."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole and 0 < value <= _LONGEST_MINUTES else "要写大于 0 的整数（分钟）"


_URGENCY: Shape = {
    "name": (text, True), "name_en": (text, True), "rings": (truth, True), "see_minutes": (minutes, True),
    "answer_minutes": (minutes, True), "take_up_minutes": (minutes, True), "close_minutes": (minutes, True),
}  # fmt: skip
_CRITICAL: Shape = {
    "acknowledge_minutes": (minutes, True), "act_minutes": (minutes, True), "close_minutes": (minutes, True),
    "acts": (many(mapping, 1), True),
}  # fmt: skip
_ACT: Shape = {"id": (identifier, True), "name": (text, True), "name_en": (text, True)}


def check_answering(library: Library) -> Iterator[Problem]:
    """Everything wrong with `answering.yaml`."""
    rules = library.answering
    if rules is None:
        return
    yield from _urgencies(rules)
    critical = rules.raw.get("critical_value")
    yield from check_shape(critical, _CRITICAL, rules.file, rules.line("critical_value"), "危急值时限")
    acts = critical.get("acts") if isinstance(critical, LineDict) else None
    if not isinstance(acts, LineList):
        return
    seen: set[str] = set()
    for index, act in enumerate(acts):
        line = rules.line("critical_value", "acts", index)
        yield from check_shape(act, _ACT, rules.file, line, "处置选项")
        name = str(act.get("id")) if isinstance(act, LineDict) else ""
        if name in seen:
            yield rules.problem(f"处置选项 {name} 写了两次（去掉一个）", "critical_value", "acts", index)
        seen.add(name)


def _urgencies(rules: Entry) -> Iterator[Problem]:
    written = rules.raw.get("consultation")
    if not isinstance(written, LineDict):
        return
    for name in URGENCIES:
        if name not in written:
            yield rules.problem(f"会诊时限缺少 {name}（补上）", "consultation")
    for name, limits in written.items():
        line = rules.line("consultation", name)
        if name not in URGENCIES:
            yield rules.problem(f"会诊时限没有 {name} 这一级（{nearest(str(name), URGENCIES)}）", "consultation", name)
            continue
        yield from check_shape(limits, _URGENCY, rules.file, line, "会诊时限")
    yield from _order(rules, written)


def _order(rules: Entry, written: LineDict) -> Iterator[Problem]:
    """What is more urgent is never due later."""
    for milder, graver in pairwise(URGENCIES):
        first, second = written.get(milder), written.get(graver)
        if not isinstance(first, LineDict) or not isinstance(second, LineDict):
            continue
        for key in ("see_minutes", "answer_minutes"):
            if minutes(first.get(key)) is None and minutes(second.get(key)) is None and first[key] < second[key]:
                yield rules.problem(f"{key} 比 {milder} 的还长；更急的要更短", "consultation", graver, key)
