"""Findings and ranges: the is-a tree, derived findings, wording, bands, units."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from cunyi.authoring.check_references import known
from cunyi.authoring.check_rules import check_condition
from cunyi.authoring.language import term_problems
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.strict_yaml import LineDict, Problem

_LEAST_BACKGROUND, _MOST_BACKGROUND = 0.00001, 0.6
_EVERYONE = (0.0, 200.0)


def check_findings(library: Library) -> Iterator[Problem]:
    """Every finding is asked for or measured somehow, stands in the tree, and its words belong to it alone."""
    ids = {entry.id for entry in library.findings}
    items = {entry.id for entry in library.items}
    banded = {band.get("finding") for item in library.items for band in item.raw.get("bands") or ()}
    for entry in library.findings:
        raw = entry.raw
        yield from known(entry, raw.get("parent") or (), ids, "征象", "parent")
        background = raw.get("background")
        if isinstance(background, int | float) and not _LEAST_BACKGROUND <= background <= _MOST_BACKGROUND:
            yield entry.problem(
                f"background {background} 应在 {_LEAST_BACKGROUND:f} 到 {_MOST_BACKGROUND} 之间", "background"
            )
        obtain = raw.get("obtain") or {"sign": "village", "result": "county"}.get(str(raw.get("kind")), "ask")
        if obtain == "ask" and raw.get("when") is None and not (raw.get("ask") and raw.get("ask_en")):
            yield entry.problem("问得到的征象要写 ask 和 ask_en（用村民听得懂的话）")
        yield from known(entry, raw.get("context") or (), ids, "征象", "context")
        if raw.get("in_context") and not (raw.get("parent") or raw.get("context")):
            yield entry.problem("有 in_context 就要有 parent 或 context", "in_context")
        if raw.get("when") is not None:
            yield from check_condition(entry, raw["when"], ids, items, ("when",), raising=True)
        elif entry.id not in banded and not any(raw.get(key) for key in ("name", "terms", "spoken")):
            yield entry.problem("没有任何说法、条件或区间能得到它（补 terms、when 或在 ranges 里用它）")
    yield from _cycles(library.findings)
    by_id = {entry.id: entry for entry in library.findings}
    for finding, term, message in term_problems([entry.raw for entry in library.findings], library.classes):
        yield by_id[finding].problem(f"说法“{term}”：{message}", *_term_path(by_id[finding].raw, term))


def _term_path(raw: LineDict, term: str) -> tuple[str | int, ...]:
    for key in ("terms", "spoken", "local", "in_context", "absent_terms"):
        if term in (raw.get(key) or ()):
            return (key, raw[key].index(term))
    return ()


def _cycles(entries: list[Entry]) -> Iterator[Problem]:
    parents = {entry.id: [str(p) for p in entry.raw.get("parent") or ()] for entry in entries}
    for entry in entries:
        seen, queue = set(), list(parents[entry.id])
        while queue:
            current = queue.pop()
            if current == entry.id:
                yield entry.problem("parent 绕成了圈（删去一个）", "parent")
                break
            if current not in seen:
                seen.add(current)
                queue += parents.get(current, [])


def check_items(library: Library) -> Iterator[Problem]:
    """Bands mean known findings, do not overlap for one finding, and units are numbers."""
    ids = {entry.id for entry in library.findings}
    names: dict[str, Entry] = {}
    for entry in library.items:
        raw = entry.raw
        for name in dict.fromkeys([raw.get("name"), *(raw.get("names") or ())]):
            if name in names and names[name].id != entry.id:
                yield entry.problem(f"名称“{name}”也属于项目 {names[name].id}（只留一处）", "names")
            names[str(name)] = entry
        for unit, factor in (raw.get("units") or {}).items():
            if isinstance(factor, bool) or not isinstance(factor, int | float) or factor <= 0:
                yield entry.problem(f"单位 {unit} 的换算要写正数（换算到 {raw.get('unit')}）", "units", unit)
        yield from _check_bands(entry, ids)


def _check_bands(entry: Entry, ids: set[str]) -> Iterator[Problem]:
    scale = entry.raw.get("scale") or ()
    bands = [(i, band) for i, band in enumerate(entry.raw.get("bands") or ()) if isinstance(band, LineDict)]
    for index, band in bands:
        yield from known(entry, [str(band.get("finding"))], ids, "征象", "bands", str(index))
        for key in ("at_least", "equals"):
            if key in band and band[key] not in scale:
                yield entry.problem(f"{band[key]} 不在 scale 里（可用 {'、'.join(map(str, scale))}）", "bands", index)
        if not any(key in band for key in ("from", "below", "at_least", "equals")):
            yield entry.problem("区间要写 from、below、at_least 或 equals", "bands", index)
        lower, upper = band.get("from"), band.get("below")
        if isinstance(lower, int | float) and isinstance(upper, int | float) and lower >= upper:
            yield entry.problem(f"from {lower} 不小于 below {upper}，永远不成立", "bands", index)
    for (_, first), (index, second) in combinations(bands, 2):
        if first.get("finding") == second.get("finding") and _overlap(first, second):
            yield entry.problem(f"征象 {second.get('finding')} 的年龄段与前面一条重叠（改 age 或合并）", "bands", index)


def _overlap(first: Any, second: Any) -> bool:
    for key in ("sex", "pregnant"):
        if first.get(key) is not None and second.get(key) is not None and first[key] != second[key]:
            return False
    (a, b), (c, d) = _age(first), _age(second)
    if max(a, c) >= min(b, d):
        return False
    # Two stretches of value (too low, too high) may mean one finding at one age as long as they do not meet.
    return max(_edge(first, "from", -1e12), _edge(second, "from", -1e12)) < min(
        _edge(first, "below", 1e12), _edge(second, "below", 1e12)
    )


def _edge(band: Any, key: str, default: float) -> float:
    value = band.get(key)
    return float(value) if isinstance(value, int | float) else default


def _age(band: Any) -> tuple[float, float]:
    age = band.get("age") or {}
    return float(age.get("from", _EVERYONE[0])), float(age.get("below", _EVERYONE[1]))
