"""Checks of the rules of visit rounds: keys that fit what a rule looks at, known findings, programmes and sources, days that make sense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cunyi.authoring.check_references import known
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, Problem
from cunyi.authoring.visit_round_shapes import BOUNDED, BOUNDS, PUT_OFF, RULE, URGENCY
from cunyi.domain.consultation import ConsultationState
from cunyi.domain.critical_value import CriticalState
from cunyi.domain.referral import ReferralState
from cunyi.domain.thread import ThreadKind
from cunyi.knowledge.visit_rounds import GROUNDS, URGENCIES

_STATES: Mapping[str, tuple[str, ...]] = {
    ThreadKind.REFERRAL: tuple(ReferralState),
    ThreadKind.CRITICAL_VALUE: tuple(CriticalState),
    ThreadKind.CONSULTATION: tuple(ConsultationState),
}

_ALWAYS = frozenset({"id", "name", "name_en", "urgency", "ground", "unseen_days", "never_seen", "sources"})
# Without these a rule would concern everybody.
_NEEDED = {
    "thread": ("thread",),
    "age": ("age_years", "age_days"),
    "childbirth": ("child_age_days",),
    "plan": ("overdue_days",),
    "programme": ("programmes",),
    "words": ("words",),
    "reading": ("critical", "findings"),
}


def check_visit_rounds(library: Library) -> Iterator[Problem]:
    """Everything wrong with `visit_rounds.yaml`."""
    entry = library.visit_rounds
    if entry is None:
        return
    raw = entry.raw
    items = {each.id for each in library.items}
    yield from known(entry, raw.get("readings_shown") or (), items, "项目", "readings_shown")
    yield from _by_urgency(entry, "urgencies")
    for key, each in (raw.get("urgencies") or {}).items():
        yield from check_shape(each, URGENCY, entry.file, entry.line("urgencies", key), "缓急")
    put_off = raw.get("put_off")
    yield from check_shape(put_off, PUT_OFF, entry.file, entry.line("put_off"), "推迟规则")
    yield from _by_urgency(entry, "put_off", "longest_days")
    seen: set[str] = set()
    for index, rule in enumerate(raw.get("rules") or ()):
        problems = check_shape(rule, RULE, entry.file, entry.line("rules", index), "巡诊规则")
        yield from problems
        if problems or not isinstance(rule, LineDict):
            continue
        if rule["id"] in seen:
            yield entry.problem(f"巡诊规则 {rule['id']} 重复（改名或合并）", "rules", index, "id")
        seen.add(rule["id"])
        yield from _rule(library, Entry(rule, entry.file))


def _rule(library: Library, rule: Entry) -> Iterator[Problem]:
    raw, ground = rule.raw, rule.raw["ground"]
    for key in raw:
        if key not in _ALWAYS | GROUNDS[ground]:
            yield rule.problem(f"依据是 {ground} 的规则用不到 {key}（删去，或改依据）", key)
    if ground in _NEEDED and not any(raw.get(key) for key in _NEEDED[ground]):
        yield rule.problem(f"依据是 {ground} 的规则要写 {' 或 '.join(_NEEDED[ground])}（否则人人都符合）", "ground")
    for key in BOUNDED:
        if key in raw:
            yield from check_shape(raw[key], BOUNDS, rule.file, rule.line(key), "范围")
            lower, upper = raw[key].get("from"), raw[key].get("below")
            if isinstance(lower, int | float) and isinstance(upper, int | float) and lower >= upper:
                yield rule.problem("from 应小于 below", key)
    yield from known(rule, raw.get("findings") or (), {each.id for each in library.findings}, "征象", "findings")
    measured = {
        band.get("finding")
        for item in library.items
        for band in item.raw.get("bands") or ()
        if isinstance(band, LineDict)
    }
    for index, finding in enumerate(raw.get("findings") or ()):
        if finding not in measured:
            yield rule.problem(f"没有读数能得出 {finding}（看 ranges/ 里的 bands）", "findings", index)
    yield from _states(rule)
    registered = {each.id for each in library.sources}
    yield from known(rule, raw["sources"], registered, "来源", "sources")


def _states(rule: Entry) -> Iterator[Problem]:
    """A state that no thread of the kind can have would never list anybody."""
    known_states = _STATES.get(rule.raw.get("thread", ""), ())
    for index, state in enumerate(rule.raw.get("states") or ()):
        if state not in known_states:
            yield rule.problem(f"没有 {state} 这个状态（{nearest(str(state), known_states)}）", "states", index)


def _by_urgency(entry: Entry, *path: str) -> Iterator[Problem]:
    table = entry.raw
    for key in path:
        part = table.get(key)
        if not isinstance(part, LineDict):
            return
        table = part
    for urgency in URGENCIES:
        if urgency not in table:
            yield entry.problem(f"{path[-1]} 缺少 {urgency}（补上）", *path)
    for key in table:
        if key not in URGENCIES:
            yield entry.problem(f"{path[-1]} 没有 {key} 这一项", *path, str(key))
