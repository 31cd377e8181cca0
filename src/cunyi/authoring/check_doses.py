"""The two passes over the doses and the rules they are read by: known drugs, routes and units, figures that can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cunyi.authoring import shapes
from cunyi.authoring.check_references import known
from cunyi.authoring.doses import AMOUNTS, Figure, age_of, figures_of, units_of
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, Problem
from cunyi.text.normalize import plain

_OLDEST = 120
_SEXES = frozenset({"male", "female"})
_PARTS = (
    ("age", shapes.DOSE_AGE, "年龄"),
    ("times", shapes.DOSE_TIMES, "每日次数"),
    ("kidney", shapes.DOSE_KIDNEY, "肾功能限制"),
    *((part, shapes.DOSE_AMOUNT, "用量") for part in AMOUNTS),
)


def check_doses(library: Library) -> Iterator[Problem]:
    """Everything wrong with the dose records of both passes and with the dose rules."""
    if library.prescribing is None:
        return
    broken = list(_check_rules(library.prescribing, library))
    yield from broken
    if broken:
        return
    units = units_of(library.prescribing.raw["doses"])
    drugs = {entry.id for entry in library.drugs}
    routes = {str(route) for route in library.prescribing.raw.get("routes") or ()}
    for entries in (library.doses_first, library.doses_second):
        sound = []
        for entry in entries:
            yield from known(entry, [str(entry.raw.get("drug"))], drugs, "药品", "drug")
            if entry.raw.get("route") not in routes:
                yield entry.problem(
                    f"没有途径 {entry.raw.get('route')}（{nearest(str(entry.raw.get('route')), routes)}）", "route"
                )
            problems = [*_check_parts(entry, units)]
            yield from problems
            if not problems:
                yield from _check_figures(entry, figures_of(entry, units))
                sound.append(entry)
        yield from _check_ages(sound)


def _check_parts(entry: Entry, units: Mapping[str, Any]) -> Iterator[Problem]:
    for part, shape, what in _PARTS:
        value = entry.raw.get(part)
        if part not in entry.raw:
            if part == "age":
                yield entry.problem("没有写 age（写 {from: 岁, below: 岁}）")
            continue
        if not isinstance(value, LineDict):
            yield entry.problem(f"{what}要写成 {{键: 值}}", part)
            continue
        yield from check_shape(value, shape, entry.file, entry.line(part), what)
        unit = value.get("unit")
        if part in AMOUNTS and plain(str(unit)) not in units:
            yield entry.problem(f"{part} 的单位 {unit} 不能用（{nearest(str(unit), units)}）", part, "unit")
        if part in (*AMOUNTS, "times") and not {"low", "high"} & value.keys():
            yield entry.problem(f"{part} 要有 low 或 high", part)


def _check_figures(entry: Entry, figures: Mapping[str, Figure]) -> Iterator[Problem]:
    if not figures:
        yield entry.problem("一个数都没有（写上有把握的，或删去这一条）")
    for field, figure in figures.items():
        if figure.value is not None and not figure.value > 0:
            yield entry.problem(f"{field} 要大于 0", *field.split("."))
    kinds = {figure.kind: field for field, figure in figures.items() if field.split(".")[0] in AMOUNTS}
    if len(kinds) > 1:
        yield entry.problem(f"单位不是一类：{'、'.join(kinds.values())}（写成可以互相比较的单位）")
    for part in (*AMOUNTS, "times"):
        low, high = figures.get(f"{part}.low"), figures.get(f"{part}.high")
        if low is not None and high is not None and (low.value or 0) > (high.value or 0):
            yield entry.problem(f"{part} 的 low 大于 high", part)
    for single, daily in (("single.high", "daily.high"), ("single_per_kg.high", "daily_per_kg.high")):
        once, day = figures.get(single), figures.get(daily)
        if once is not None and day is not None and once.kind == day.kind and (once.value or 0) > (day.value or 0):
            yield entry.problem(f"一天最多（{day.written}）少于一次最多（{once.written}）", daily.split(".")[0])


def _check_ages(entries: list[Entry]) -> Iterator[Problem]:
    """Ages that can be, and within one pass no drug, route and age twice."""
    seen: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        lower, upper = age_of(entry)
        end = (entry.raw.get("age") or {}).get("below")
        if not 0 <= lower < upper or (end is not None and end > _OLDEST):
            yield entry.problem(f"年龄要从小到大，在 0 到 {_OLDEST} 岁之间", "age")
        others = seen.setdefault((str(entry.raw.get("drug")), str(entry.raw.get("route"))), [])
        for other in others:
            begins, ends = age_of(other)
            if lower < ends and begins < upper:
                yield entry.problem(
                    f"{entry.raw.get('drug')} {entry.raw.get('route')} 的年龄与 {other.file}:{other.line()} 重叠（各写一段）",
                    "age",
                )
        others.append(entry)


def _check_rules(rules: Entry, library: Library) -> Iterator[Problem]:
    raw = rules.raw.get("doses")
    if not isinstance(raw, LineDict):
        return
    yield from check_shape(raw, shapes.DOSE_RULES, rules.file, rules.line("doses"), "剂量核对规则")
    for key, shape, what in (
        ("kidney", shapes.KIDNEY_FORMULA, "肾功能公式"),
        ("unverified", shapes.UNVERIFIED, "标注"),
        ("withheld", shapes.UNVERIFIED, "略去标记"),
    ):
        if isinstance(raw.get(key), LineDict):
            yield from check_shape(raw[key], shape, rules.file, rules.line("doses", key), what)
    yield from _check_numbers(rules, raw)
    routes = {str(route) for route in rules.raw.get("routes") or ()}
    for route in raw.get("route_words") or ():
        if route not in routes:
            yield rules.problem(
                f"routes 里没有途径 {route}（{nearest(str(route), routes)}）", "doses", "route_words", route
            )
    problems = {entry.id for entry in (*library.findings, *library.diseases)}
    yield from known(rules, raw.get("liver_problems") or (), problems, "征象或疾病", "doses", "liver_problems")


def _check_numbers(rules: Entry, raw: LineDict) -> Iterator[Problem]:
    units = raw.get("units")
    for base, spellings in (units if isinstance(units, LineDict) else {}).items():
        for unit, factor in (spellings if isinstance(spellings, LineDict) else {}).items():
            if shapes.number(factor) or factor <= 0:
                yield rules.problem(f"{unit} 要写大于 0 的倍数", "doses", "units", base)
        if not isinstance(spellings, LineDict) or spellings.get(base) != 1:
            yield rules.problem(f"{base} 里要有 {base}: 1", "doses", "units", base)
    for key in ("frequency_words", "periods"):
        words = raw.get(key)
        for word, number in (words if isinstance(words, LineDict) else {}).items():
            if shapes.number(number) or number <= 0:
                yield rules.problem(f"“{word}”要写大于 0 的数", "doses", key, word)
    kidney = raw.get("kidney")
    for key in ("kappa", "alpha", "factor"):
        by_sex = kidney.get(key) if isinstance(kidney, LineDict) else None
        if isinstance(by_sex, LineDict) and (by_sex.keys() != _SEXES or any(map(shapes.number, by_sex.values()))):
            yield rules.problem(f"{key} 要写 male 和 female 各一个数", "doses", "kidney", key)
