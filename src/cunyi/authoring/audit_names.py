"""What outside sources call our diseases and findings: Chinese and English names, and a table of what no rule finds."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from cunyi.authoring.scoring import plain_name
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Status, Who
from cunyi.domain.intake import parse_case
from cunyi.knowledge.model import Disease
from cunyi.reasoning.prepared import Knowledge
from cunyi.text.reader import read_case

_CHINESE = re.compile(r"[㐀-鿿]")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_WORD = re.compile(r"[a-z0-9]+")
_GENERIC_WORDS = frozenset({"acute", "disease", "disorder", "syndrome"})
_EMPTY_WORDS = frozenset({"a", "an", "the", "of", "with", "to", "in", "on", "and", "or", "from", "for", "by", "s"})
_BRITISH = (("oe", "e"), ("ae", "e"), ("our", "or"))
_READ_SHARE = 0.6
"""How much of a Chinese wording must be understood before it counts as what was found in it."""
_UNSPECIFIED = "089"
"""Fourth characters of ICD-10 that stand for the usual or the unspecified form of what a category is about."""
_COLUMNS = ("wording", "kind", "id")


class Wanted(NamedTuple):
    """What a wording means for findings: any of `ids`; `absent` where the wording says that they are not there."""

    ids: tuple[str, ...]
    absent: bool = False


class Names(msgspec.Struct):
    """Finds our diseases and findings by what a source calls them, each wording once."""

    knowledge: Knowledge
    table: dict[tuple[str, str], tuple[str, ...]]
    """(kind, wording) → ids as the table has them; an empty tuple is a wording that is known to have no counterpart."""
    diseases: dict[str, tuple[str, ...]]
    findings: dict[str, tuple[str, ...]]
    icd10: dict[str, tuple[str, ...]]
    seen: dict[str, Wanted | None]

    def disease(self, *wordings: str) -> tuple[str, ...]:
        """Our diseases of the first wording that has any; several where a source lumps what we keep apart."""
        for wording in wordings:
            found = self.table.get(("disease", wording.strip().lower()))
            if found is None:
                found = next((self.diseases[key] for key in _keys(wording) if key in self.diseases), ())
            if found:
                return found
        return ()

    def coded(self, kind: str, code: str) -> tuple[str, ...]:
        """Our diseases of a code of another classification, by the longest beginning that the table has."""
        for length in range(len(code), 2, -1):
            found = self.table.get(("disease", f"{kind}:{code[:length]}".lower()))
            if found is not None:
                return found
        return ()

    def icd10_disease(self, code: str) -> tuple[str, ...]:
        """Our diseases of an ICD-10 code without dot: the same four characters, or the only one that stands for its category."""
        return self.icd10.get(code[:4]) or self.icd10.get(code[:3]) or ()

    def finding(self, wording: str, scope: str = "") -> Wanted | None:
        """Our findings of a wording; `scope` is the disease it is said of, for wordings that mean less without it."""
        key = f"{scope}/{wording}" if scope else wording
        if key not in self.seen:
            self.seen[key] = self._finding(wording.strip(), scope)
        return self.seen[key]

    def _finding(self, wording: str, scope: str) -> Wanted | None:
        for key in (f"{scope}/{wording}", wording):
            found = self.table.get(("finding", key.lower()))
            if found is not None:
                ids = tuple(one.removeprefix("!") for one in found)
                return Wanted(ids, any(one.startswith("!") for one in found)) if ids else None
        if _CHINESE.search(wording):
            return self._read(wording)
        for key in _keys(wording):
            if key in self.findings:
                return Wanted(self.findings[key])
        return None

    def _read(self, wording: str) -> Wanted | None:
        """A Chinese wording as the text reader understands it, when it understands most of it."""
        for key in _keys(wording):
            if key in self.findings:
                return Wanted(self.findings[key])
        reading = read_case(parse_case({"id": "wording", "chief_complaint": wording}), self.knowledge.language)
        covered: set[int] = set()
        ids = []
        for fact in reading.facts:
            if fact.status == Status.PRESENT and fact.who == Who.PATIENT and fact.span is not None:
                covered.update(range(fact.span.start, fact.span.end))
                ids.append(fact.finding)
        if not ids or len(covered) < _READ_SHARE * len(wording):
            return None
        return Wanted(tuple(dict.fromkeys(ids)))


def build_names(knowledge: Knowledge, table: Path | None) -> Names:
    """The names of one knowledge base. `table` adds wordings; UserError where it names what we do not have."""
    content = knowledge.content
    return Names(
        knowledge=knowledge,
        table={} if table is None else dict(_read_table(table, set(content.diseases) | set(content.findings))),
        diseases=_unique((d.id, (d.name, *d.aliases, d.name_en, d.id)) for d in content.diseases.values()),
        findings=_unique((f.id, (f.name, f.name_en, f.id)) for f in content.findings.values()),
        icd10=_by_code(content.diseases.values()),
        seen={},
    )


def _read_table(path: Path, ids: set[str]) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if tuple(rows.fieldnames or ()) != _COLUMNS:
            raise UserError(f"{path} 的表头要写 {','.join(_COLUMNS)}", field="--names")
        for row in rows:
            found = tuple(str(row["id"] or "").split())
            unknown = [one for one in found if one.removeprefix("!") not in ids]
            if unknown:
                raise UserError(
                    f"{path} 第 {rows.line_num} 行：知识库里没有 {'、'.join(unknown)}（改成有的标识）", field="--names"
                )
            yield (str(row["kind"]), str(row["wording"]).strip().lower()), found


def _unique(named: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Names by key; the earlier place in an entry's list of names wins, and what stays ambiguous is left out."""
    places: dict[str, dict[str, int]] = {}
    for one, names in named:
        for place, name in enumerate(names):
            for inner, key in enumerate(_keys(name.replace("_", " "))):
                rank = place + 10 * inner
                held = places.setdefault(key, {})
                held[one] = min(rank, held.get(one, rank))
    chosen: dict[str, tuple[str, ...]] = {}
    for key, held in places.items():
        best = min(held.values())
        first = [one for one, rank in held.items() if rank == best]
        if len(first) == 1:
            chosen[key] = (first[0],)
    return chosen


def _by_code(diseases: Iterable[Disease]) -> dict[str, tuple[str, ...]]:
    exact: dict[str, list[str]] = {}
    category: dict[str, list[str]] = {}
    for disease in diseases:
        code = disease.icd10.replace(".", "")
        exact.setdefault(code[:4], []).append(disease.id)
        if len(code) == 3 or code[3] in _UNSPECIFIED:
            category.setdefault(code[:3], []).append(disease.id)
    codes = {code: tuple(ids) for code, ids in category.items() if len(ids) == 1}
    return codes | {code: tuple(ids) for code, ids in exact.items()}


def _keys(name: str) -> Iterator[str]:
    """What a name is compared by: itself without brackets, also without words that say little, then the brackets' words."""
    if _CHINESE.search(name):
        yield plain_name(name)
        return
    inside = _BRACKETS.findall(name)
    for part in (_BRACKETS.sub(" ", name), *inside):
        words = {_stem(word) for word in _WORD.findall(part.lower().replace("'s", ""))} - _EMPTY_WORDS
        for kept in (words, words - _GENERIC_WORDS):
            if kept:
                yield " ".join(sorted(kept))


def _stem(word: str) -> str:
    for british, american in _BRITISH:
        word = word.replace(british, american)
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "is", "us")) else word
