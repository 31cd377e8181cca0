"""Checks of the referral loop: every state has its limits, every plan its criteria, every criterion its plan and examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cunyi.authoring import referral_shapes
from cunyi.authoring.check_rules import check_condition, check_example
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape
from cunyi.authoring.strict_yaml import LineDict, Problem
from cunyi.domain.referral import ReferralDirection, ReferralUrgency
from cunyi.domain.triage import REFERRAL_DEADLINES
from cunyi.knowledge.referral_loops import LIMITED


def check_referral_loop(library: Library) -> Iterator[Problem]:
    """Every problem of the loop and of the county plans' criteria."""
    plans: set[str] = set()
    if library.referral_loop is not None:
        plans = {str(each.get("id")) for each in library.referral_loop.raw.get("plans") or () if isinstance(each, dict)}
        yield from _check_loop(library.referral_loop, {entry.id.partition(".")[0] for entry in library.referral})
    findings = {entry.id for entry in library.findings}
    items = {entry.id for entry in library.items}
    ways: set[tuple[str, str]] = set()
    for entry in library.referral_criteria:
        raw = entry.raw
        plan = str(raw.get("plan"))
        ways.add((plan, str(raw.get("direction"))))
        if plan not in plans:
            yield entry.problem(f"referral_loop.yaml 里没有方案 {plan}（改名，或先加方案）", "plan")
        if raw.get("direction") == ReferralDirection.DOWN and not raw.get("targets"):
            yield entry.problem("下转指征要写 targets（回村后的管理目标）", "targets")
        yield from check_condition(entry, raw.get("when"), findings, items, ("when",), raising=False)
        for kind in ("fires", "spares"):
            for number, example in enumerate(raw.get(kind) or ()):
                yield from check_example(entry, example, findings, items, (kind, number))
    if library.referral_loop is not None and library.referral_criteria:
        for plan in sorted(plans):
            if (plan, ReferralDirection.DOWN.value) not in ways:
                yield library.referral_loop.problem(f"方案 {plan} 没有下转指征（写进 referral_criteria/）", "plans")


def _check_loop(entry: Entry, prefixes: set[str]) -> Iterator[Problem]:
    raw = entry.raw
    yield from _keys(entry, raw.get("urgency_of"), REFERRAL_DEADLINES, "urgency_of")
    yield from _keys(entry, raw.get("purposes"), tuple(ReferralDirection), "purposes")
    yield from _keys(entry, raw.get("limits"), LIMITED, "limits")
    limits = raw.get("limits")
    for state, by_urgency in limits.items() if isinstance(limits, LineDict) else ():
        yield from _minutes(entry, by_urgency, "limits", state)
    yield from _minutes(entry, raw.get("call_again"), "call_again")
    for name, shape, what in (
        ("reminders", referral_shapes.REMINDER, "催办"),
        ("plans", referral_shapes.PLAN, "方案"),
    ):
        for index, each in enumerate(raw.get(name) or ()):
            if isinstance(each, LineDict):
                yield from check_shape(each, shape, entry.file, entry.line(name, index), what)
    for index, plan in enumerate(raw.get("plans") or ()):
        rules = plan.get("rules") if isinstance(plan, LineDict) else None
        for prefix in rules if isinstance(rules, list) else ():
            if prefix not in prefixes:
                yield entry.problem(f"referral/ 里没有以 {prefix} 开头的标准（改正或删去）", "plans", index, "rules")


def _minutes(entry: Entry, by_urgency: Any, *path: str) -> Iterator[Problem]:
    """Whole minutes for every urgency."""
    yield from _keys(entry, by_urgency, tuple(ReferralUrgency), *path)
    for urgency, minutes in by_urgency.items() if isinstance(by_urgency, LineDict) else ():
        if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes <= 0:
            yield entry.problem("时限写整数分钟，大于 0", *path, urgency)


def _keys(entry: Entry, raw: Any, wanted: tuple[str, ...], *path: str) -> Iterator[Problem]:
    """A mapping must have these keys and no other."""
    if not isinstance(raw, LineDict):
        return
    known = [str(each) for each in wanted]
    for missing in [each for each in known if each not in raw]:
        yield entry.problem(f"缺少 {missing}", *path)
    for odd in [each for each in raw if each not in known]:
        yield entry.problem(f"没有“{odd}”这一项（可用 {'、'.join(known)}）", *path, odd)
