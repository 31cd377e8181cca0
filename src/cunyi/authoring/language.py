"""Compiles the wording of findings and the language tables into what the text room reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from cunyi.text.language import ABSENT, CLOSE, CONTEXT, GAP, TERM, TOGETHER
from cunyi.text.normalize import Normalizer, plain

TERM_KEYS = ("terms", "spoken", "local")
MODES = {"terms": TERM, "spoken": TERM, "local": TERM, "in_context": CONTEXT, "absent_terms": ABSENT}
_MOST_EXPANSIONS = 5000
_CLASS = re.compile("<([^<>]+)>")
_FORMS = {"…": GAP, "&": TOGETHER}
# <头><痛> said with a few small words between (头也有点疼) is still the same term: two parts, at least one a class.
_TWO_PARTS = re.compile("(<[^<>]+>)(<[^<>]+>|[^<>]+)|([^<>]+)(<[^<>]+>)")


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
    rows = [row for name in sorted(tables) for row in tables[name]]
    typos = {plain(row["cue"]): plain(row["value"]) for row in rows if row["kind"] == "typo"}
    wording = _Wording(classes, typos)
    for index, finding in enumerate(findings):
        for key, term in _terms(finding):
            wording.add(index, MODES[key], term)
    return {
        "findings": [str(f["id"]) for f in findings],
        "kinds": [str(f["kind"]) for f in findings],
        "context": _contexts(findings),
        "literals": dict(sorted(wording.literals.items())),
        "pieces": wording.piece_words,
        "patterns": wording.patterns,
        "cues": [[plain(row["cue"]), row["kind"], int(row["scope"] or 0), row["value"] or ""] for row in rows],
        "items": [
            {
                "id": str(item["id"]),
                "names": sorted({plain(str(n)) for n in (item["name"], *(item.get("names") or ()))}),
                "unit": item.get("unit"),
                "units": {str(u): float(f) for u, f in (item.get("units") or {}).items()},
                "scale": [str(s) for s in item.get("scale") or ()],
                "possible": [(item.get("possible") or {}).get(bound) for bound in ("from", "below")],
            }
            for item in items
        ],
    }


class _Wording:
    """Terms as literals, piece sets and patterns over piece sets, numbered as they come."""

    def __init__(self, classes: Mapping[str, Sequence[str]], typos: Mapping[str, str]) -> None:
        self._classes = classes
        # Terms go through what the text goes through: a term that contains a misspelling is found like its right form.
        self._right = Normalizer({}, typos, ())
        self._pieces: dict[str, int] = {}
        self.literals: dict[str, list[list[int]]] = {}
        self.piece_words: list[list[str]] = []
        self._known: set[tuple[int, int, int, tuple[int, ...]]] = set()
        self.patterns: list[list[Any]] = []

    def add(self, index: int, mode: int, term: str) -> None:
        """Adds a term of the finding with this number."""
        for separator, form in _FORMS.items():
            if separator in term:
                self._pattern(index, mode, form, term.split(separator))
                return
        for word in self._words(term):
            roles = self.literals.setdefault(word, [])
            if [index, mode] not in roles:
                roles.append([index, mode])
        parts = _TWO_PARTS.fullmatch(term)
        if parts is not None:
            self._pattern(index, mode, CLOSE, [part for part in parts.groups() if part])

    def _words(self, part: str) -> list[str]:
        return [self._right(word).text for word in _expand(part, self._classes)]

    def _pattern(self, index: int, mode: int, form: int, parts: Sequence[str]) -> None:
        row = []
        for part in parts:
            if part not in self._pieces:
                self._pieces[part] = len(self.piece_words)
                self.piece_words.append(sorted(set(self._words(part))))
            row.append(self._pieces[part])
        if (index, mode, form, tuple(row)) not in self._known:
            self._known.add((index, mode, form, tuple(row)))
            self.patterns.append([index, mode, form, row])


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
    """For each finding with context terms, those whose presence makes them count: its parents,
    its `context` and all below them."""
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
        queue = [str(p) for key in ("parent", "context") for p in finding.get(key) or ()]
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
            if MODES[key] != TERM or _is_pattern(term):
                continue
            for word in _expand(term, classes):
                first = owner.setdefault(word, (finding_id, term))
                if first[0] != finding_id and not _related(first[0], finding_id, parents):
                    yield finding_id, term, f"“{word}”也是 {first[0]} 的说法“{first[1]}”（只留给一个征象）"
                    break


def _term_problem(term: str, classes: Mapping[str, Sequence[str]]) -> str | None:
    if all(separator in term for separator in _FORMS):
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
    return f"展开后有 {size} 个说法，太多" if size > _MOST_EXPANSIONS and not _is_pattern(term) else None


def _is_pattern(term: str) -> bool:
    return any(separator in term for separator in _FORMS)


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
