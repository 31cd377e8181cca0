"""The ranked differential: log-odds over every disease at once, singly and in pairs, with what is left for something else.

Naive Bayes over explained findings (present for, asked-and-absent against, unasked nothing), after Miller et al.,
"INTERNIST-1", N Engl J Med 1982, for the idea of weighing for, against and unexplained; the pairs are two diseases
joined by noisy-or (Pearl, Probabilistic Reasoning in Intelligent Systems, 1988).
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.presentation import Presentation
from cunyi.knowledge.likelihoods import Likelihoods, Matrix
from cunyi.reasoning.evidence import Evidence, total_for
from cunyi.reasoning.settings import Settings


class Differential(msgspec.Struct):
    """Every disease judged for one patient, arrays in the order of the knowledge base.

    `probability` is what the engine reasons with; `confidence`, what it tells, is the same calibrated for the case mix: it sums, with
    `something_else`, to one and has the same order. `danger` is absolute log-odds evidence that a further present finding never
    lowers; `support` the sum of what speaks for each disease.
    """

    prior: Matrix
    prior_weight: float
    """How much the prior counts in `score`."""
    support: Matrix
    score: NDArray[np.float64]
    probability: NDArray[np.float64]
    confidence: NDArray[np.float64]
    something_else: float
    danger: Matrix
    danger_support: Matrix
    """The part of `danger` that comes from this patient's findings, without the prior."""
    calm_prior: Matrix
    """`prior` as the alternative of a danger: never higher for a known pregnancy than for an unknown one."""

    def first(self, count: int, among: NDArray[np.int64] | None = None) -> list[int]:
        """The most probable diseases (columns), at most `count`, of all or of those given."""
        if among is None:
            among = np.arange(len(self.probability))
        columns: list[int] = among[places_of_highest(self.probability[among], count)].tolist()
        return columns


def places_of_highest(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The places of the highest values, at most `count`, the highest first and equal ones in their order."""
    places = np.arange(len(values))
    if 0 < count < len(values):
        # Only what is no lower than the last of them is sorted.
        last = len(values) - count
        places = np.flatnonzero(values >= np.partition(values, last)[last])
    return places[np.argsort(-values[places], kind="stable")[:count]]


def log_prior(presentation: Presentation, likelihoods: Likelihoods, *, for_danger: bool = False) -> Matrix:
    """Log base rate of each disease for this age, sex, month and pregnancy; what is unknown changes nothing.

    For danger a known pregnancy never makes a disease rarer than an unknown one, so that learning of it cannot make
    triage milder.
    """
    table = likelihoods.prior
    prior: Matrix = table.base.copy()
    if presentation.age_years is not None:
        band = int(np.searchsorted(table.age_edges, presentation.age_years, side="right")) - 1
        prior += table.age[min(max(band, 0), len(table.age) - 1)]
    prior += table.sex[presentation.sex]
    prior += table.month[presentation.month]
    pregnancy = table.pregnancy[presentation.pregnant]
    if for_danger and presentation.pregnant:
        pregnancy = np.maximum(pregnancy, table.pregnancy[None])
    return prior + pregnancy


def prior_weight(evidence: Evidence, settings: Settings) -> float:
    """How much base rates count for a patient of whom so much was told."""
    weight = settings.prior_weight
    told = len(evidence.for_ids) + weight.denied * len(evidence.against_ids)
    return max(weight.least, weight.few - weight.step * max(0.0, told - weight.told_from))


def _limited(settings: Settings) -> Settings:
    """The settings for an answer that is limited to some diseases: whoever limited it has weighed base rates already."""
    whole = settings.prior_weight
    part = msgspec.structs.replace(
        whole, few=whole.few * whole.limited, least=whole.least * whole.limited, step=whole.step * whole.limited
    )
    return msgspec.structs.replace(settings, prior_weight=part)


def rank(
    presentation: Presentation,
    evidence: Evidence,
    likelihoods: Likelihoods,
    settings: Settings,
    candidates: NDArray[np.bool_] | None,
    resemblance: Matrix | None = None,
    named: Matrix | None = None,
) -> Differential:
    """Judges every disease. `candidates` limits the answer to some (evaluation only); `resemblance` is how the case is worded
    (`resembling`), `named` how much it names each disease (`naming`); both move the order and never the danger."""
    if candidates is not None:
        settings = _limited(settings)
    prior = log_prior(presentation, likelihoods)
    support = total_for(evidence.for_rows, evidence.groups, settings.repeat_weight)
    against = evidence.against_rows.sum(axis=0)
    wording = np.zeros(len(prior)) if resemblance is None else settings.wording_weight * resemblance.astype(np.float64)
    if named is not None:
        wording += settings.named_weight * named
    weight = prior_weight(evidence, settings)
    score = weight * prior + settings.evidence_weight * (support + against) + wording
    penalty = -settings.untold.weight * evidence.untold.astype(np.float64)
    if len(evidence.for_rows):
        nothing = settings.unsupported
        speaks = (evidence.for_rows.max(axis=0) >= nothing.ratio) | (wording >= nothing.wording)
        penalty[~speaks] += nothing.penalty
    score -= penalty
    if candidates is not None:
        score = np.where(candidates, score, -np.inf)
    danger_support = total_for(np.maximum(evidence.told_rows, 0), evidence.told_groups, settings.repeat_weight)
    # Only a known pregnancy makes the three priors differ.
    danger_prior = calm_prior = prior
    if presentation.pregnant:
        danger_prior = log_prior(presentation, likelihoods, for_danger=True)
        of_pregnancy = likelihoods.prior.pregnancy
        calm_prior = prior - of_pregnancy[True] + np.minimum(of_pregnancy[True], of_pregnancy[None])
    probability, other = _normalise(
        score, prior, wording, penalty, evidence, settings, weight, is_named=named is not None
    )
    confidence, something_else = _calibrated(probability, other, presentation, settings)
    return Differential(
        prior=prior,
        prior_weight=weight,
        support=support,
        score=score,
        probability=probability,
        confidence=confidence,
        something_else=something_else,
        danger=danger_prior + danger_support + evidence.danger_against,
        danger_support=danger_support + evidence.danger_against,
        calm_prior=calm_prior,
    )


def _normalise(
    score: NDArray[np.float64],
    prior: Matrix,
    wording: NDArray[np.float64],
    penalty: NDArray[np.float64],
    evidence: Evidence,
    settings: Settings,
    weight: float,
    *,
    is_named: bool,
) -> tuple[NDArray[np.float64], float]:
    if not len(score) or not (len(evidence.for_rows) or is_named):
        # Nothing is the matter as far as anybody said: priors alone are no diagnosis.
        return np.zeros_like(score), 1.0
    other = _something_else(evidence, settings, weight)
    best = places_of_highest(score, settings.pair_candidates)
    best = best[np.isfinite(score[best])]
    pairs = _pairs(best, score, prior, wording, penalty, evidence, settings)
    highest = max(float(score.max()), other, float(pairs.max(initial=-np.inf)))
    mass = np.exp(score - highest)
    other_mass = float(np.exp(other - highest))
    both = np.exp(pairs - highest)
    # A pair is shared between its members by how well each does alone.
    alone = score[best]
    own = 1 / (1 + np.exp(np.clip(alone[None, :] - alone[:, None], -30, 30)))
    mass[best] += (both * own).sum(axis=1) + (both * (1 - own)).sum(axis=0)
    total = float(mass.sum()) + other_mass
    return _sharpened(mass / total, other_mass / total, settings.sharpness)


def _sharpened(shares: NDArray[np.float64], other: float, sharpness: float) -> tuple[NDArray[np.float64], float]:
    """p' ∝ p^sharpness over every disease and something else (temperature scaling; Guo et al., ICML 2017)."""
    raised, other_raised = shares**sharpness, other**sharpness
    total = float(raised.sum()) + other_raised
    return raised / total, other_raised / total


def _calibrated(
    probability: NDArray[np.float64], other: float, presentation: Presentation, settings: Settings
) -> tuple[NDArray[np.float64], float]:
    """The shares as told to people: a mixture of what the picture says and, for the patients of whom it misleads (the lapse rate of
    psychometric functions, Wichmann and Hill, Percept Psychophys 2001), of a flatter list and something else."""
    case_mix, misled = settings.case_mixes[settings.case_mix], settings.misled
    is_measured = len(presentation.values) >= misled.measured_from
    lapse = case_mix.lapse.measured if is_measured else case_mix.lapse.told
    shares, rest = _sharpened(probability, other, case_mix.sharpness)
    flat, flat_rest = _sharpened(probability, other, misled.flatness)
    listed = lapse * (1 - misled.outside)
    return (1 - lapse) * shares + listed * flat, (1 - lapse) * rest + listed * flat_rest + lapse * misled.outside


def _something_else(evidence: Evidence, settings: Settings, weight: float) -> float:
    """A disease that is not in the list: as likely to show each finding, and to be told of so little, as the average of those that are."""
    ratios = np.log(np.exp(np.clip(evidence.for_rows, -8, 12)).mean(axis=1))
    untold = settings.untold.weight * float(np.log(np.exp(evidence.untold).mean()))
    return weight * float(np.log(settings.other_prior)) + settings.evidence_weight * float(ratios.sum()) + untold


def _pairs(
    best: NDArray[np.int64],
    score: NDArray[np.float64],
    prior: Matrix,
    wording: NDArray[np.float64],
    penalty: NDArray[np.float64],
    evidence: Evidence,
    settings: Settings,
) -> NDArray[np.float64]:
    """Scores of pairs among the best few, row with column, -inf where a pair explains no more than its weaker member."""
    rows = evidence.for_rows[:, best].astype(np.float64)
    joined = np.maximum(rows[:, :, None], rows[:, None, :]).sum(axis=0)
    against = evidence.against_rows[:, best].sum(axis=0).astype(np.float64)
    # However much was told: two diseases at once are a coincidence, and their base rates count as for anybody.
    priors = settings.prior_weight.few * prior[best].astype(np.float64)
    value = (
        priors[:, None] + priors[None, :] + settings.evidence_weight * (joined + against[:, None] + against[None, :])
    )
    # One text is worded like the one or like the other, and what nothing speaks for or was not told is taken off for each.
    worded, off, alone = wording[best], penalty[best], score[best]
    value += np.maximum(worded[:, None], worded[None, :]) - off[:, None] - off[None, :]
    weaker = np.minimum(alone[:, None], alone[None, :])
    place = np.arange(len(best))
    return np.where((place[:, None] < place) & (value > weaker), value, -np.inf)
