"""The level of care: the gravest of red flags and of dangerous diseases whose absolute evidence passes a threshold.

Only what is present can raise it and nothing present can lower it; what nobody asked makes it provisional.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.finding import Status
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import Criticality, TriageLevel
from cunyi.knowledge.conditions import evaluate, undecided
from cunyi.knowledge.model import RedFlag
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.prepared import Knowledge


class RaisedFlag(msgspec.Struct, frozen=True):
    """A red flag that fires for this patient (已触发的危险信号)."""

    flag: RedFlag
    level: TriageLevel


class Triage(msgspec.Struct):
    """The level of what is known, why, and what must be asked before it can be trusted (分诊)."""

    level: TriageLevel
    flags: list[RaisedFlag]
    diseases: list[int]
    """Columns of the diseases whose evidence reaches the level, the strongest first."""
    provisional: bool
    ask_first: list[str]


def judge(presentation: Presentation, differential: Differential, knowledge: Knowledge) -> Triage:
    """The triage of one presentation."""
    raised = [
        RaisedFlag(flag, TriageLevel.from_code(flag.triage))
        for flag in knowledge.flag_index.candidates(presentation)
        if evaluate(flag.when, presentation)
    ]
    raised.sort(key=lambda r: -r.level)
    level_by_disease = _levels_reached(presentation, differential, knowledge)
    level = TriageLevel(max([int(level_by_disease.max(initial=0)), *(int(r.level) for r in raised)]))
    reached = np.flatnonzero((level_by_disease == level) & (level_by_disease > TriageLevel.SELF_CARE))
    ask_first = _ask_first(level, presentation, knowledge)
    return Triage(
        level=level,
        flags=raised,
        diseases=[int(c) for c in sorted(reached, key=lambda c: -differential.danger[c])],
        provisional=bool(ask_first),
        ask_first=ask_first[: knowledge.settings.shown["ask_first"]],
    )


def _levels_reached(presentation: Presentation, differential: Differential, knowledge: Knowledge) -> NDArray[np.int8]:
    """For each disease the level of care that its own evidence asks for, self-care where it does not pass.

    It passes with enough absolute evidence, a fair share of what a typical patient shows, and, where the disease has
    defining findings, at least one of them. All three only grow with further present findings.
    """
    levels = np.zeros(len(knowledge.triage), dtype=np.int8)
    rows = [
        knowledge.likelihoods.finding_index[finding]
        for finding, fact in presentation.facts.items()
        if fact.status == Status.PRESENT
    ]
    defined = knowledge.defining[rows].any(axis=0) | knowledge.undefined
    for code, threshold in knowledge.settings.triage.items():
        level = int(TriageLevel.from_code(code))
        passes = (
            (knowledge.triage == level)
            & (differential.danger >= threshold.log_odds)
            & (differential.danger_support >= threshold.typical_share * knowledge.typical_support)
            & defined
        )
        levels[passes] = level
    suspected = (
        (knowledge.criticality >= Criticality.CRITICAL)
        & (differential.danger >= knowledge.settings.suspected.log_odds)
        & (differential.danger_support >= knowledge.settings.suspected.typical_share * knowledge.typical_support)
        & defined
    )
    levels[suspected] = np.maximum(levels[suspected], int(TriageLevel.URGENT))
    return levels


def _ask_first(level: TriageLevel, presentation: Presentation, knowledge: Knowledge) -> list[str]:
    """Unknown findings of graver undecided flags of the complaint that can be asked or looked for here, gravest first."""
    graver: dict[str, RedFlag] = {}
    for finding, fact in presentation.facts.items():
        if fact.status == Status.PRESENT:
            for flag in knowledge.flags_of_complaint.get(finding, ()):
                if TriageLevel.from_code(flag.triage) > level:
                    graver[flag.id] = flag
    asked: dict[str, None] = {}
    for flag in sorted(graver.values(), key=lambda f: (-TriageLevel.from_code(f.triage), f.id)):
        if evaluate(flag.when, presentation) is None:
            for finding in undecided(knowledge.findings_of_flag[flag.id], presentation):
                if knowledge.content.findings[finding].obtain in ("ask", "village"):
                    asked[finding] = None
    return list(asked)
