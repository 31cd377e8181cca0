"""Checks of the follow-up programmes: known diseases, readings and sources, intervals that make sense."""

from __future__ import annotations

from collections.abc import Iterator

from cunyi.authoring import shapes
from cunyi.authoring.check_references import known
from cunyi.authoring.load import Library
from cunyi.authoring.shapes import check_shape
from cunyi.authoring.strict_yaml import LineDict, Problem
from cunyi.knowledge.conditions import parse_condition


def check_follow_ups(library: Library) -> Iterator[Problem]:
    """Every problem of every programme."""
    diseases = {entry.id for entry in library.diseases}
    items = {entry.id for entry in library.items}
    for entry in library.follow_ups:
        raw = entry.raw
        yield from known(entry, [str(raw.get("disease"))], diseases, "疾病", "disease")
        yield from known(entry, raw.get("readings") or (), items, "项目", "readings")
        sooner = raw.get("sooner")
        if not isinstance(sooner, LineDict):
            continue
        yield from check_shape(sooner, shapes.SOONER, entry.file, entry.line("sooner"), "提前随访")
        if not isinstance(sooner.get("within_days"), int) or not isinstance(raw.get("interval_days"), int):
            continue
        if not 0 < sooner["within_days"] < raw["interval_days"]:
            yield entry.problem("提前随访的天数应少于平时的间隔", "sooner", "within_days")
        try:
            parse_condition(sooner["when"])
        except (KeyError, TypeError, ValueError) as error:
            yield entry.problem(f"条件写得不对：{error}", "sooner", "when")
