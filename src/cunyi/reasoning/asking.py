"""What to ask and examine next: the unknown finding that most reduces expected harm-weighted uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.finding import Status
from cunyi.domain.presentation import Presentation
from cunyi.reasoning.differential import Differential, places_of_highest
from cunyi.reasoning.prepared import Knowledge

_CONSIDERED, _CONSIDERED_IN_INTERVIEW = 40, 100
"""How many of the most probable or most harmful diseases a question is judged by: beside an assessment, of which it is the lesser part, and
in an interview, which lives by it."""
_COUNTS = 1e-6
_MOST_QUESTIONS = 20
_WORKED_UP = 0.02
_MOST_WORKED_UP = 6
_PLACES = ("village", "township", "county")


class RankedQuestion(msgspec.Struct, frozen=True):
    """An unknown finding and how much knowing it would help."""

    finding: str
    gain: float


class RankedExamination(msgspec.Struct, frozen=True):
    """An examination, why, for which disease, and its weight."""

    examination: str
    why: str
    disease: int
    weight: float


def _impurity(probability: NDArray[np.float64], harm: NDArray[np.float64]) -> float:
    """Harm-weighted Gini impurity: Σ h p (1 − p)."""
    return float((harm * probability * (1 - probability)).sum())


def _expected_impurity(
    chance: NDArray[np.float64], p: NDArray[np.float64], harm: NDArray[np.float64], yes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The impurity to be expected after each finding (rows of `chance`, diseases in columns) is known.

    With q = c p / yes after a yes, yes · Σ h q (1 − q) = Σ h c p − Σ h c² p² / yes, and the same with 1 − c after a no: four
    products with `chance` in place of two matrices of new probabilities.
    """
    linear, square = harm * p, harm * p * p
    said_yes, squared = chance @ linear, (chance * chance) @ square
    said_no = linear.sum() - said_yes
    squared_no = square.sum() - 2 * (chance @ square) + squared
    expected: NDArray[np.float64] = said_yes - squared / yes + said_no - squared_no / (1 - yes)
    return expected


def rank_questions(
    presentation: Presentation, differential: Differential, knowledge: Knowledge
) -> list[RankedQuestion]:
    """Unknown findings that can be asked or looked for here, by expected gain, none that is impossible in this patient."""
    likelihoods, findings = knowledge.likelihoods, knowledge.content.findings
    top = _considered(differential, knowledge.harm, _CONSIDERED)
    if not len(top):
        return []
    asked_by_any = np.unpackbits(
        np.bitwise_or.reduce(knowledge.askable[top], axis=0), count=len(likelihoods.finding_ids)
    )
    rows = np.flatnonzero(asked_by_any.view(np.bool_) & _open(presentation, knowledge))
    gain = _gains(rows, top, presentation, differential, knowledge, knowledge.harm)
    ranked: list[RankedQuestion] = []
    families: set[str] = set()
    for place in _highest_first(gain):
        if gain[place] <= 0 or len(ranked) >= _MOST_QUESTIONS:
            break
        finding = likelihoods.finding_ids[rows[place]]
        family = (likelihoods.ancestors[finding] or (finding,))[-1]
        if family in families and findings[finding].parents:
            continue
        families.add(family)
        ranked.append(RankedQuestion(finding, float(gain[place])))
    return ranked


def _highest_first(gain: NDArray[np.float64]) -> Iterator[int]:
    """The places of all gains, the highest first. The first few, which as a rule are enough, are found without sorting all."""
    few = places_of_highest(gain, 2 * _MOST_QUESTIONS)
    yield from few.tolist()
    yield from np.argsort(-gain, kind="stable")[len(few) :].tolist()


def question_gains(
    rows: NDArray[np.int64] | Sequence[int],
    presentation: Presentation,
    differential: Differential,
    knowledge: Knowledge,
    harm: NDArray[np.floating],
) -> NDArray[np.float64]:
    """How much knowing each finding (by row) would lower the harm-weighted uncertainty on average; nothing for none."""
    top = _considered(differential, harm, _CONSIDERED_IN_INTERVIEW)
    if not len(top):
        return np.zeros(len(rows))
    return _gains(np.asarray(rows), top, presentation, differential, knowledge, harm)


def _gains(
    wanted: NDArray[np.int64],
    top: NDArray[np.int64],
    presentation: Presentation,
    differential: Differential,
    knowledge: Knowledge,
    harm: NDArray[np.floating],
) -> NDArray[np.float64]:
    if not len(wanted):
        return np.zeros(0)
    p = differential.probability[top]
    weight = harm[top].astype(np.float64)
    chance = _chance_now(wanted, top, presentation, knowledge)
    background = knowledge.likelihoods.background[wanted].astype(np.float64)
    rest = max(0.0, 1 - float(p.sum()))
    yes = np.clip(chance @ p + rest * background, 1e-9, 1 - 1e-9)
    gain: NDArray[np.float64] = _impurity(p, weight) - _expected_impurity(chance, p, weight, yes)
    return gain


def _considered(differential: Differential, harm: NDArray[np.floating], most: int) -> NDArray[np.int64]:
    weight = differential.probability * harm
    # Only what counts is sorted: as a rule a small part.
    counts = np.flatnonzero(weight > _COUNTS)
    return counts[places_of_highest(weight[counts], most)]


def is_open(finding_id: str, presentation: Presentation, knowledge: Knowledge) -> bool:
    """Whether nothing is known of a finding that this patient can have."""
    row = knowledge.likelihoods.finding_index[finding_id]
    fact = presentation.facts.get(finding_id)
    return bool(knowledge.possible_for[presentation.sex][row]) and (fact is None or fact.status == Status.UNKNOWN)


def _open(presentation: Presentation, knowledge: Knowledge) -> NDArray[np.bool_]:
    """Findings (rows) of which nothing is known and that this patient can have."""
    likelihoods = knowledge.likelihoods
    still_open = knowledge.possible_for[presentation.sex].copy()
    unknown = Status.UNKNOWN
    known = [likelihoods.finding_index[f] for f, fact in presentation.facts.items() if fact.status is not unknown]
    still_open[known] = False
    return still_open


def _chance_now(
    rows: NDArray[np.int64], top: NDArray[np.int64], presentation: Presentation, knowledge: Knowledge
) -> NDArray[np.float64]:
    """P(finding | disease, what is known): a variant of a present parent is that much likelier."""
    likelihoods = knowledge.likelihoods
    # Many findings of a few diseases: along the diseases, where they lie side by side.
    chance = np.ascontiguousarray(knowledge.chances[top].take(rows, axis=1).T, dtype=np.float64)
    there = np.zeros(len(likelihoods.finding_ids) + 1, dtype=np.bool_)
    there[[likelihoods.finding_index[f] for f in presentation.present]] = True
    above = likelihoods.parent[rows]
    # A root's parent is -1: the last place, where nothing is present.
    variants = np.flatnonzero(there[above])
    if len(variants):
        likelier = chance[variants] / knowledge.chances[top].take(above[variants], axis=1).T
        chance[variants] = np.minimum(likelier, 1)
    return chance


def rank_examinations(
    differential: Differential, must_exclude: list[int], knowledge: Knowledge, shown: int
) -> list[RankedExamination]:
    """The work-up of the likely and the dangerous, each examination once, by probability and harm, nearest place first."""
    weight = differential.probability * np.sqrt(knowledge.harm)
    likely = np.flatnonzero(weight > _WORKED_UP)
    columns = likely[places_of_highest(weight[likely], _MOST_WORKED_UP)].tolist()
    columns += [c for c in must_exclude if c not in columns]
    best: dict[str, RankedExamination] = {}
    total: dict[str, float] = {}
    for column in columns:
        for step in knowledge.diseases[column].workup:
            total[step.examination] = total.get(step.examination, 0) + float(weight[column])
            known = best.get(step.examination)
            if known is None or known.weight < weight[column]:
                best[step.examination] = RankedExamination(step.examination, step.why, column, float(weight[column]))
    ranked = sorted(
        best.values(),
        key=lambda e: (-total[e.examination], e.examination),
    )[:shown]
    examinations = knowledge.content.examinations
    return sorted(ranked, key=lambda e: _PLACES.index(_place(examinations[e.examination].obtain)))


def _place(obtain: str) -> str:
    return "village" if obtain == "ask" else obtain
