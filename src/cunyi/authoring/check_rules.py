"""Conditions, red flags and referral criteria: known ids, no rule that can never fire, examples that fire and spare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cunyi.authoring.check_references import known
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import nearest
from cunyi.authoring.strict_yaml import LineDict, Problem
from cunyi.domain.case import VITAL_FIELDS
from cunyi.domain.finding import Status
from cunyi.domain.triage import REFERRAL_DEADLINES, REFERRAL_TARGETS
from cunyi.knowledge.conditions import (
    AgeIs,
    All,
    AtLeast,
    Condition,
    FindingIs,
    MonthIs,
    NoneOf,
    PregnantIs,
    PreviousIs,
    SexIs,
    TrendIs,
    ValueIs,
    leaves,
    parse_condition,
)


def check_condition(
    entry: Entry, raw: Any, findings: set[str], items: set[str], path: tuple[str | int, ...], *, raising: bool
) -> Iterator[Problem]:
    """One condition. `raising` rules may only be made true by what is present: neither `none` nor `status: absent`."""
    try:
        condition = parse_condition(raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield entry.problem(f"条件写法有误：{error}", *path)
        return
    for leaf in leaves(condition):
        match leaf:
            case FindingIs(finding=finding) if finding not in findings:
                yield entry.problem(f"条件里的征象 {finding} 没有登记（{nearest(finding, findings)}）", *path)
            case FindingIs(finding=finding, status=status) if raising and status != Status.PRESENT:
                yield entry.problem(f"危险信号和推出的征象不能靠“没有 {finding}”成立（改成靠“有”的条件）", *path)
            case ValueIs(item=item) | PreviousIs(item=item) | TrendIs(item=item):
                if item not in items and item not in VITAL_FIELDS:
                    yield entry.problem(f"条件里的项目 {item} 没有登记（{nearest(item, items)}）", *path)
            case _:
                pass
    if raising and _uses_none(condition):
        yield entry.problem("危险信号和推出的征象不能用 none", *path)
    contradiction = never_fires(condition)
    if contradiction:
        yield entry.problem(f"条件永远不成立：{contradiction}（改正或删去）", *path)


def _uses_none(condition: Condition) -> bool:
    match condition:
        case NoneOf():
            return True
        case All(parts) | AtLeast(_, parts):
            return any(_uses_none(part) for part in parts)
        case _:
            return False


def never_fires(condition: Condition) -> str | None:
    """Why a condition can never hold, as far as its form tells; None where it may."""
    match condition:
        case AtLeast(count, parts):
            reasons = [never_fires(part) for part in parts]
            if len(parts) - sum(reason is not None for reason in reasons) < count:
                return next((r for r in reasons if r), f"要 {count} 项成立，只列了 {len(parts)} 项")
            return None
        case All(parts):
            return next((r for r in map(never_fires, parts) if r), None) or _contradiction(parts)
        case _:
            return None


def _contradiction(parts: tuple[Condition, ...]) -> str | None:
    bounds: dict[str, list[tuple[float, float]]] = {}
    sexes: set[str] = set()
    statuses: dict[str, Status] = {}
    pregnant: set[bool] = set()
    months: list[set[int]] = []
    for part in parts:
        match part:
            case SexIs(sex):
                sexes.add(sex)
            case PregnantIs(value):
                pregnant.add(value)
            case MonthIs(values):
                months.append(set(values))
            case FindingIs(finding=finding, status=status):
                if statuses.setdefault(finding, status) != status:
                    return f"{finding} 不能既有又没有"
            case AgeIs(bound) | ValueIs(bounds=bound):
                key = part.item if isinstance(part, ValueIs) else "age"
                bounds.setdefault(key, []).append(
                    (-1e12 if bound.lower is None else bound.lower, 1e12 if bound.upper is None else bound.upper)
                )
            case _:
                pass
    if len(sexes) > 1:
        return "同时要求男和女"
    if len(pregnant) > 1 or (True in pregnant and "male" in sexes):
        return "怀孕的要求互相矛盾"
    if months and not set.intersection(*months):
        return "月份没有交集"
    for key, stretches in bounds.items():
        if max(lower for lower, _ in stretches) >= min(upper for _, upper in stretches):
            return f"{key} 的范围没有交集"
    return None


def check_rules(library: Library) -> Iterator[Problem]:
    """Red flags and referral criteria as written; whether their examples fire is tried on the built knowledge."""
    findings = {entry.id for entry in library.findings}
    items = {entry.id for entry in library.items}
    diseases = {entry.id for entry in library.diseases}
    flag_ids: dict[str, str] = {}
    for file in library.red_flags:
        yield from known(file, file.raw.get("complaint") or (), findings, "征象", "complaint")
        for index, flag in enumerate(file.raw.get("flags") or ()):
            if not isinstance(flag, LineDict):
                continue
            path = ("flags", index)
            flag_id = str(flag.get("id"))
            if flag_id in flag_ids:
                yield file.problem(f"危险信号 {flag_id} 重复，{flag_ids[flag_id]} 已有", *path, "id")
            flag_ids[flag_id] = file.file
            yield from check_condition(file, flag.get("when"), findings, items, (*path, "when"), raising=True)
            for disease in flag.get("suspect") or ():
                if disease not in diseases:
                    yield file.problem(f"没有登记疾病 {disease}（{nearest(str(disease), diseases)}）", *path, "suspect")
            for kind in ("fires", "spares"):
                for number, example in enumerate(flag.get(kind) or ()):
                    yield from check_example(file, example, findings, items, (*path, kind, number))
            referral = flag.get("referral")
            if isinstance(referral, LineDict):
                yield from _check_referral(file, flag, referral, path)
    for rule in library.referral:
        yield from check_condition(rule, rule.raw.get("when"), findings, items, ("when",), raising=False)


_EXAMPLE_KEYS = frozenset(
    {"age", "sex", "pregnant", "month", "present", "absent", "vitals", "labs", "onset", "severity", "duration_days"}
)


def check_example(
    file: Entry, example: Any, findings: set[str], items: set[str], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    """One example of a rule: known keys, findings and items."""
    if not isinstance(example, LineDict):
        yield file.problem("例子要写成 {age: 60, present: [chest_pain]}", *path)
        return
    for key in set(example) - _EXAMPLE_KEYS:
        yield file.problem(f"例子里没有“{key}”（可用 {'、'.join(sorted(_EXAMPLE_KEYS))}）", *path)
    for key in ("present", "absent"):
        for finding in example.get(key) or ():
            if finding not in findings:
                yield file.problem(f"例子里的征象 {finding} 没有登记（{nearest(str(finding), findings)}）", *path)
    for key in ("vitals", "labs"):
        for item in example.get(key) or {}:
            if item not in items and item not in VITAL_FIELDS:
                yield file.problem(f"例子里的项目 {item} 没有登记（{nearest(str(item), items)}）", *path)


def _check_referral(file: Entry, flag: LineDict, referral: LineDict, path: tuple[str | int, ...]) -> Iterator[Problem]:
    within = referral.get("within")
    if str(referral.get("to")) not in REFERRAL_TARGETS or within not in REFERRAL_DEADLINES:
        yield file.problem(
            "referral 要写 to（village、township、county、120）和 within（now、2h、24h、2w）", *path, "referral"
        )
    elif flag.get("triage") in ("emergency", "urgent") and within == "2w":
        yield file.problem("当天要看的不能两周内才转：triage 改 routine，或 within 改 24h", *path, "triage")
