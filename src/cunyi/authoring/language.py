"""Compiles the wording of findings and the language tables into what the text room reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from cunyi.text.normalize import plain

TERM_KEYS = ("terms", "spoken", "local")
MODES = {"terms": 0, "spoken": 0, "local": 0, "in_context": 1, "absent_terms": 2}
_MOST_EXPANSIONS = 5000
_CLASS = re.compile("<([^<>]+)>")
_GAP, _TOGETHER = "…", "&"


def compile_language(
    findings: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    classes: Mapping[str, Sequence[str]],
    tables: Mapping[str, Sequence[Mapping[str, str]]],
) -> dict[str, Any]:
    """The compiled language: literals, patterns, cues, item names and units. ValueError lists wrong terms."""
    problems = list(term_problems(findings, classes))
    if problems:
        raise ValueError("；".join(f"{finding}“{term}”{message}" for finding, term, message in problems[:20]))
    literals: dict[str, list[list[int]]] = {}
    pieces: dict[str, int] = {}
    piece_words: list[list[str]] = []
    patterns: list[list[Any]] = []
    for index, finding in enumerate(findings):
        for key, term in _terms(finding):
            mode = MODES[key]
            separator = next((s for s in (_GAP, _TOGETHER) if s in term), None)
            if separator is None:
                for word in _expand(term, classes):
                    roles = literals.setdefault(word, [])
                    if [index, mode] not in roles:
                        roles.append([index, mode])
                continue
            row = []
            for part in term.split(separator):
                if part not in pieces:
                    pieces[part] = len(piece_words)
                    piece_words.append(sorted(set(_expand(part, classes))))
                row.append(pieces[part])
            patterns.append([index, mode, int(separator == _TOGETHER), row])
    return {
        "findings": [str(f["id"]) for f in findings],
        "kinds": [str(f["kind"]) for f in findings],
        "context": _contexts(findings),
        "literals": literals,
        "pieces": piece_words,
        "patterns": patterns,
        "cues": [
            [plain(row["cue"]), row["kind"], int(row["scope"] or 0), row["value"] or ""]
            for name in sorted(tables)
            for row in tables[name]
        ],
        "items": [
            {
                "id": str(item["id"]),
                "names": sorted({plain(str(n)) for n in (item["name"], *(item.get("names") or ()))}),
                "unit": item.get("unit"),
                "units": {str(u): float(f) for u, f in (item.get("units") or {}).items()},
                "scale": [str(s) for s in item.get("scale") or ()],
            }
            for item in items
        ],
    }


def _terms(finding: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if finding.get("when") is None:
        yield "terms", str(finding["name"])
    for key in MODES:
        for term in finding.get(key) or ():
            yield key, str(term)


def _expand(part: str, classes: Mapping[str, Sequence[str]]) -> list[str]:
    """Every literal of a contiguous part, its word classes filled in."""
    segments: list[Sequence[str]] = []
    position = 0
    for match in _CLASS.finditer(part):
        segments.append([part[position : match.start()]])
        segments.append(list(classes[match.group(1)]))
        position = match.end()
    segments.append([part[position:]])
    return [plain("".join(choice)) for choice in product(*segments)]


def _contexts(findings: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """For each finding with context terms, the findings whose presence makes them count: its parents and theirs below."""
    index = {str(f["id"]): i for i, f in enumerate(findings)}
    children: dict[str, list[str]] = {}
    for finding in findings:
        for parent in finding.get("parent") or ():
            children.setdefault(str(parent), []).append(str(finding["id"]))
    contexts = {}
    for position, finding in enumerate(findings):
        if not finding.get("in_context"):
            continue
        reach: list[str] = []
        queue = [str(p) for p in finding.get("parent") or ()]
        while queue:
            current = queue.pop(0)
            if current not in reach and current in index:
                reach.append(current)
                queue += children.get(current, [])
        contexts[str(position)] = sorted(index[f] for f in reach)
    return contexts


def term_problems(
    findings: Sequence[Mapping[str, Any]], classes: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, str]]:
    """Wrong terms as (finding, term, what is wrong): form, unknown class, too many expansions, two owners."""
    parents = {str(f["id"]): [str(p) for p in f.get("parent") or ()] for f in findings}
    owner: dict[str, tuple[str, str]] = {}
    for finding in findings:
        finding_id = str(finding.get("id"))
        for key, term in _terms(finding):
            wrong = _term_problem(term, classes)
            if wrong:
                yield finding_id, term, wrong
                continue
            if MODES[key] != 0 or _GAP in term or _TOGETHER in term:
                continue
            for word in _expand(term, classes):
                first = owner.setdefault(word, (finding_id, term))
                if first[0] != finding_id and not _related(first[0], finding_id, parents):
                    yield finding_id, term, f"“{word}”也是 {first[0]} 的说法“{first[1]}”（只留给一个征象）"
                    break


def _term_problem(term: str, classes: Mapping[str, Sequence[str]]) -> str | None:
    if _GAP in term and _TOGETHER in term:
        return "… 和 & 不能混用"
    size = 1
    for part in re.split("[…&]", term):
        if not part.strip():
            return "… 或 & 的两边都要有词"
        for name in _CLASS.findall(part):
            if name not in classes:
                return f"没有词类 <{name}>"
            size *= len(classes[name])
    if "<" in _CLASS.sub("", term) or ">" in _CLASS.sub("", term):
        return "词类要写成 <词类>"
    return f"展开后有 {size} 个说法，太多" if size > _MOST_EXPANSIONS and _GAP not in term and _TOGETHER not in term else None


def _related(first: str, second: str, parents: Mapping[str, list[str]]) -> bool:
    return first in _above(second, parents) or second in _above(first, parents)


def _above(finding: str, parents: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    queue = list(parents.get(finding, ()))
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue += parents.get(current, ())
    return found
