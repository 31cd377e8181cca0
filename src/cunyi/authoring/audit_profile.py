"""Who gets each disease and what it shows: shares by age and sex, and the weight of competitors for a complaint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.reasoning.prepared import Knowledge

Array = NDArray[np.float64]
_OLDEST = 90.0
_SEXES = ("male", "female")


class Profile(msgspec.Struct):
    """Diseases (D) over cells of age and sex (C); probabilities of findings (F×D)."""

    knowledge: Knowledge
    rate: Array
    """Visits for each disease among 100,000 visits of each cell, D×C."""
    share: Array
    """Which cells the patients of a disease come from, each row summing to one, D×C."""
    frequency: Array
    """Visits for each disease among 100,000 visits of every age and sex, D."""
    probability: Array
    matter: Array
    """How much a mistake about a disease matters: log of frequency times harm, at least a little, D."""


def build_profile(knowledge: Knowledge) -> Profile:
    """The profile of a knowledge base; visitors are taken as evenly spread over 0 to 90 years and both sexes."""
    prior = knowledge.likelihoods.prior
    edges = np.append(np.clip(prior.age_edges, 0, _OLDEST), _OLDEST)
    width = np.clip(np.diff(edges), 0, None) / _OLDEST
    age = np.exp(prior.age.astype(np.float64)).T
    rate = np.exp(prior.base.astype(np.float64))[:, None, None] * 100_000 * age[:, :, None]
    rate = rate * np.stack([np.exp(prior.sex[sex].astype(np.float64)) for sex in _SEXES], axis=1)[:, None, :]
    visits = (rate * width[None, :, None] / len(_SEXES)).reshape(len(rate), -1)
    frequency = visits.sum(axis=1)
    harm = knowledge.harm.astype(np.float64)
    return Profile(
        knowledge=knowledge,
        rate=rate.reshape(len(rate), -1),
        share=visits / np.maximum(frequency, 1e-12)[:, None],
        frequency=frequency,
        probability=knowledge.likelihoods.probability.astype(np.float64),
        matter=np.log1p(frequency * harm),
    )


def rows_of(profile: Profile, findings: Iterable[str]) -> list[int]:
    """The rows of findings."""
    return [profile.knowledge.likelihoods.finding_index[finding] for finding in findings]


def columns_of(profile: Profile, diseases: Iterable[str]) -> list[int]:
    """The columns of diseases."""
    return [profile.knowledge.likelihoods.disease_index[disease] for disease in diseases]


def among_others(
    profile: Profile, findings: Sequence[str], columns: Sequence[int], complaints: Sequence[str]
) -> float | None:
    """P(any of the findings) in patients of the same age and sex with one of the complaints and another disease.

    None where no complaint is given. This is what a published ratio is measured against: people in whom the disease
    was thought of, not everybody who comes.
    """
    if not complaints:
        return None
    cells = np.average(profile.share[list(columns)], axis=0, weights=np.maximum(profile.frequency[list(columns)], 1e-9))
    complaint_rows = rows_of(profile, complaints)
    weight = (profile.rate @ cells) * profile.probability[complaint_rows].max(axis=0)
    weight[list(columns)] = 0
    if weight.sum() <= 0:
        return None
    shown = profile.probability[rows_of(profile, findings)].max(axis=0)
    return float(np.average(_given(profile, findings, complaint_rows, shown), weights=weight))


def given_complaint(
    profile: Profile, findings: Sequence[str], columns: Sequence[int], complaints: Sequence[str]
) -> float:
    """P(any of the findings) among patients with one of the diseases who have one of the complaints."""
    shown = profile.probability[rows_of(profile, findings)].max(axis=0)
    given = _given(profile, findings, rows_of(profile, complaints), shown) if complaints else shown
    return float(np.average(given[list(columns)], weights=np.maximum(profile.frequency[list(columns)], 1e-9)))


def _given(profile: Profile, findings: Sequence[str], complaint_rows: Sequence[int], shown: Array) -> Array:
    """P(findings | complaint) by disease: a variant of the complaint is the likelier for the complaint being there."""
    likelihoods = profile.knowledge.likelihoods
    complaints = {likelihoods.finding_ids[row] for row in complaint_rows}
    above = {ancestor for finding in findings for ancestor in likelihoods.ancestors[finding]}
    if complaints and complaints <= above:
        shown = shown / np.maximum(profile.probability[list(complaint_rows)].max(axis=0), 1e-6)
    return np.clip(shown, 1e-6, 0.99)
