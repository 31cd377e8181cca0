"""The level of care: the gravest of red flags and of dangerous diseases whose absolute evidence passes a threshold.

Only what is present can raise it and nothing present can lower it; what nobody asked makes it provisional. A danger must have more for
itself than any one milder disease has (`_beyond_milder`), which is compared without what speaks for the milder one alone.
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
from cunyi.reasoning.evidence import Evidence
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


def judge(presentation: Presentation, evidence: Evidence, differential: Differential, knowledge: Knowledge) -> Triage:
    """The triage of one presentation."""
    raised = [
        RaisedFlag(flag, TriageLevel.from_code(flag.triage))
        for flag in knowledge.flag_index.candidates(presentation)
        if evaluate(flag.when, presentation)
    ]
    raised.sort(key=lambda r: -r.level)
    flagged = max((r.level for r in raised), default=TriageLevel.SELF_CARE)
    level_by_disease = _levels_reached(presentation, evidence, differential, knowledge, flagged)
    level = TriageLevel(max(int(level_by_disease.max(initial=0)), flagged))
    reached = np.flatnonzero((level_by_disease == level) & (level_by_disease > TriageLevel.SELF_CARE))
    ask_first = _ask_first(level, presentation, knowledge)
    return Triage(
        level=level,
        flags=raised,
        diseases=[int(c) for c in sorted(reached, key=lambda c: -differential.danger[c])],
        provisional=bool(ask_first),
        ask_first=ask_first[: knowledge.settings.shown["ask_first"]],
    )


def _levels_reached(
    presentation: Presentation,
    evidence: Evidence,
    differential: Differential,
    knowledge: Knowledge,
    flagged: TriageLevel,
) -> NDArray[np.int8]:
    """For each disease the level of care that its own evidence asks for, self-care where it does not pass.

    It passes with enough absolute evidence, a fair share of what a typical patient shows, enough beyond what speaks for any one milder
    disease, and, where the disease has defining findings, at least one of them. All four only grow with further present findings. What is
    milder than `flagged`, or than what another disease asks for, is left at self-care: it changes nothing.
    """
    levels = np.zeros(len(knowledge.triage), dtype=np.int8)
    rows = [
        knowledge.likelihoods.finding_index[finding]
        for finding, fact in presentation.facts.items()
        if fact.status == Status.PRESENT
    ]
    defined = knowledge.defining[rows].any(axis=0) | knowledge.undefined
    suspected = (
        (knowledge.criticality >= Criticality.CRITICAL)
        & (differential.danger >= knowledge.settings.suspected.log_odds)
        & (differential.danger_support >= knowledge.settings.suspected.typical_share * knowledge.typical_support)
        & defined
    )
    levels[suspected] = int(TriageLevel.URGENT)
    by_level = {TriageLevel.from_code(code): threshold for code, threshold in knowledge.settings.triage.items()}
    for level, threshold in sorted(by_level.items(), reverse=True):
        if level < max(flagged, int(levels.max(initial=0))):
            break
        passes = (
            (knowledge.triage == level)
            & (differential.danger >= threshold.log_odds)
            & (differential.danger_support >= threshold.typical_share * knowledge.typical_support)
            & defined
        )
        columns = np.flatnonzero(passes)
        beyond = _beyond_milder(columns, knowledge.triage < level, evidence, differential)
        levels[columns[beyond >= threshold.beyond_milder]] = level
    return levels


def _beyond_milder(
    columns: NDArray[np.int64], milder: NDArray[np.bool_], evidence: Evidence, differential: Differential
) -> NDArray[np.float64]:
    """The log-odds of diseases each beside the `milder` one that comes nearest, by what speaks more for it than for that one.

    What speaks more for the milder disease is left out: a sum of what is not negative, whose least over a fixed set of diseases never
    falls by a further present finding, as a posterior would.
    """
    calm = differential.calm_prior[milder] + evidence.danger_against[milder]
    rows = evidence.for_rows[:, milder]
    own = differential.danger[columns] - differential.danger_support[columns] + evidence.danger_against[columns]
    nearest = [
        (np.maximum(evidence.for_rows[:, [column]] - rows, 0).sum(axis=0) - calm).min(initial=np.inf)
        for column in columns
    ]
    return np.array(own + np.array(nearest, dtype=np.float64))


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
