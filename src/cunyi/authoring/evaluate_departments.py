"""Measures the choice of the department on online consultations that a platform sorted by department: first-level accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cunyi.authoring.scoring import Share, share, split_of
from cunyi.domain.case import Case
from cunyi.domain.errors import UserError
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge

_CONFUSIONS = 12


class DepartmentOutcome(msgspec.Struct, frozen=True):
    """How one consultation came out (科室判定结果): `given` is empty where no department was named."""

    id: str
    gold: str
    given: str
    accepted: bool
    own: bool


class DepartmentReport(msgspec.Struct, frozen=True):
    """First-level accuracy on one file and split (科室评价). `own`: only a department's own name counts; `accepted`: with the
    names accepted too. `baseline`: the name that is most frequent in the file for all. `misses` is empty for the hold split."""

    file: str
    split: str
    cases: int
    accepted: Share
    own: Share
    named: Share
    baseline: Share
    by_name: dict[str, Share]
    confusions: dict[str, int]
    misses: list[DepartmentOutcome]


def consultations(lines: Iterable[Mapping[str, Any]], split: str | None) -> list[tuple[str, str, str]]:
    """Id, the patient's own words and the first-level name of each consultation of a split.

    `content` holds turns of patient and platform by turns, the patient's first; only the patient's are read.
    """
    chosen = []
    for number, line in enumerate(lines, start=1):
        turns, gold = line.get("content"), line.get("first_department")
        if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns) or not isinstance(gold, str):
            raise UserError(f"第 {number} 行没有 content 或 first_department，不能用来衡量科室", field="content")
        if split is None or split_of(str(line.get("id"))) == split:
            chosen.append((str(line.get("id")), "\n".join(turns[::2]), gold))
    return chosen


def department_outcomes(cases: Iterable[tuple[str, str, str]], knowledge: Knowledge) -> Iterator[DepartmentOutcome]:
    """Chooses a department for each consultation. Without a word to go by it is general practice, as at a reception desk."""
    names = knowledge.content.first_level_names
    for case_id, words, gold in cases:
        chosen = assess(Case(id=case_id, chief_complaint=words), knowledge).department
        specialty = chosen.specialty if chosen else "general_practice"
        accepted = names.get(specialty, ())
        yield DepartmentOutcome(
            id=case_id,
            gold=gold,
            given=accepted[0] if accepted and chosen else "",
            accepted=gold in accepted,
            own=accepted[:1] == (gold,),
        )


def department_report(file: str, split: str | None, scored: Sequence[DepartmentOutcome]) -> DepartmentReport:
    """The figures; single consultations are listed for the tune split alone."""
    golds = [outcome.gold for outcome in scored]
    most = max(sorted(set(golds)), key=golds.count, default="")
    confusions: dict[str, int] = {}
    for outcome in scored:
        if not outcome.accepted:
            key = f"{outcome.gold}→{outcome.given or '没有科室'}"
            confusions[key] = confusions.get(key, 0) + 1
    worst = sorted(confusions.items(), key=lambda item: (-item[1], item[0]))
    return DepartmentReport(
        file=file,
        split=split or "all",
        cases=len(scored),
        accepted=share([outcome.accepted for outcome in scored]),
        own=share([outcome.own for outcome in scored]),
        named=share([bool(outcome.given) for outcome in scored]),
        baseline=share([gold == most for gold in golds]),
        by_name={
            name: share([outcome.accepted for outcome in scored if outcome.gold == name]) for name in sorted(set(golds))
        },
        confusions=dict(worst[:_CONFUSIONS]),
        misses=[outcome for outcome in scored if not outcome.accepted] if split == "tune" else [],
    )
