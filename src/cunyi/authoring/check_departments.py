"""Departments: who stands in for whom, words that hint at one, the names of evaluation files."""

from __future__ import annotations

from collections.abc import Iterator

from cunyi.authoring.check_references import known
from cunyi.authoring.department_shapes import HINTED, KINDS, REASON
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape, many, text
from cunyi.authoring.strict_yaml import LineList, Problem
from cunyi.reasoning.care_words import REASONS

_EMERGENCY, _GENERAL = "emergency", "general_practice"


def check_departments(library: Library) -> Iterator[Problem]:
    """Every id is known, every chain of stand-ins ends at a department of a township hospital, no word is listed twice."""
    ids = {entry.id for entry in library.departments}
    parents = {entry.id: entry.raw.get("parent") for entry in library.departments}
    levels = {entry.id: entry.raw.get("level") for entry in library.departments}
    for entry in library.departments:
        for key in ("parent", "child", "adult", "male"):
            if key in entry.raw:
                yield from known(entry, [entry.raw[key]], ids, "科室", key)
        if not _reaches_township(entry.id, parents, levels):
            yield entry.problem("往上找不到乡镇卫生院有的科室（给它或它的上级写 parent）", "parent", fatal=False)
    if library.department_hints:
        yield from _check_hints(library.department_hints, ids)
    if library.care_steps:
        yield from _check_reasons(library.care_steps)
    if library.first_level_names:
        yield from _check_names(library.first_level_names, ids)


def _reaches_township(department: str, parents: dict[str, str | None], levels: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    at: str | None = department
    while at is not None and at not in seen:
        if levels.get(at) == "township":
            return True
        seen.add(at)
        at = parents.get(at)
    return False


def _check_hints(entry: Entry, ids: set[str]) -> Iterator[Problem]:
    for needed in (_EMERGENCY, _GENERAL):
        if needed not in ids:
            yield entry.problem(f"departments.yaml 里要有 {needed}", "departments")
    for key in ("weights", "most"):
        wrong = set(entry.raw[key]) ^ set(KINDS)
        if wrong:
            yield entry.problem(f"{key} 要正好写 {'、'.join(KINDS)}", key)
    listed = entry.raw["departments"]
    if not isinstance(listed, LineList):
        return
    for index, part in enumerate(listed):
        yield from check_shape(part, HINTED, entry.file, listed.lines[index], "科室提示词")
        if not isinstance(part, dict):
            continue
        yield from known(entry, [part["id"]] if "id" in part else [], ids, "科室", "departments", index)  # type: ignore[arg-type]
        seen: set[str] = set()
        for kind in KINDS:
            for word in part.get(kind) or ():
                if word in seen:
                    yield entry.problem(f"“{word}”在 {part.get('id')} 里写了两次（只留一处）", "departments", index)
                if word.count("…") > 1 or word.startswith("…") or word.endswith("…"):
                    yield entry.problem(f"“{word}”：… 只能在两段文字之间写一次", "departments", index)
                seen.add(word)


def _check_reasons(entry: Entry) -> Iterator[Problem]:
    reasons = entry.raw["reasons"]
    for key in sorted(set(REASONS) ^ set(reasons)):
        yield entry.problem(f"reasons 里{'多了' if key in reasons else '缺少'} {key}", "reasons", key)
    for key, reason in reasons.items():
        yield from check_shape(reason, REASON, entry.file, entry.line("reasons", key), "分级诊疗用语")


def _check_names(entry: Entry, ids: set[str]) -> Iterator[Problem]:
    names = entry.raw["names"]
    yield from known(entry, names, ids, "科室", "names")
    for department in sorted(ids - set(names)):
        yield entry.problem(f"科室 {department} 没有对照的名称", "names", fatal=False)
    for department, accepted in names.items():
        wrong = many(text, 1)(accepted)
        if wrong:
            yield entry.problem(f"{department}：{wrong}", "names", department)
