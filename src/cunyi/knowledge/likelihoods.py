"""The numbers of the differential, worked out once when the knowledge is loaded.

For each finding and disease three log likelihood ratios against the background of an ordinary visitor:
present given its parent, absent outright, absent while the parent is present. A variant counts only what it adds to
its parent, so a chain of present findings is never counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.knowledge.model import Disease, Finding
from cunyi.knowledge.patients import Told

Matrix = NDArray[np.float32]
_IMPOSSIBLE = -25.0
_LOWEST, _HIGHEST = 0.0005, 0.99
_MONTHS = range(1, 13)
_PREGNANCY = "pregnancy"


class Prior(msgspec.Struct):
    """Log base rates of the diseases and log multipliers to add, each an array over diseases."""

    base: Matrix
    age_edges: NDArray[np.float64]
    age: Matrix
    """One row for each stretch of age that begins at an edge."""
    sex: dict[str | None, Matrix]
    month: dict[int | None, Matrix]
    pregnancy: dict[bool | None, Matrix]


class Untold(msgspec.Struct):
    """What it says of each disease that nobody told of a complaint: log LR of its not being volunteered, a row for each complaint.

    Complaints are symptoms that are no variant of another; who tells of a variant has told of the complaint.
    """

    rows: Matrix
    total: Matrix
    """The sum of all rows: what a patient who tells of none of them says."""
    places: dict[str, tuple[int, ...]]
    """The rows of the complaints that a finding is, or is a variant of."""


class Likelihoods(msgspec.Struct):
    """Arrays over findings (F) and diseases (D), rows in the order of `finding_ids` and `disease_ids`."""

    finding_ids: tuple[str, ...]
    disease_ids: tuple[str, ...]
    finding_index: dict[str, int]
    disease_index: dict[str, int]
    parent: NDArray[np.int32]
    """The primary parent's row, -1 for a root."""
    background: Matrix
    probability: Matrix
    """P(finding present | disease), F×D."""
    present: Matrix
    """log LR of the finding being present, its parent being present, F×D."""
    absent: Matrix
    """log LR of it being absent, nothing being known of the parent, F×D."""
    absent_variant: Matrix
    """log LR of it being absent while its parent is present, F×D."""
    listed: NDArray[np.bool_]
    """Whether the disease says something about the finding itself, F×D."""
    ancestors: dict[str, tuple[str, ...]]
    descendants: dict[str, tuple[str, ...]]
    prior: Prior
    untold: Untold


def build_likelihoods(
    findings: Mapping[str, Finding],
    diseases: Mapping[str, Disease],
    *,
    region: str,
    reading_error: float,
    pregnant_share: float,
    told: Mapping[str, Told],
    told_weights: tuple[float, float],
    volunteered: float,
) -> Likelihoods:
    """The arrays for one knowledge base. `reading_error` is how often a present finding is read or told as absent;
    `pregnant_share` the share of pregnant patients among visitors, by which obstetric base rates are spread.

    `told` is what example patients tell; a listed frequency counts as many texts as the first of `told_weights`, the
    background of an unlisted finding as the second (a Dirichlet prior; Gelman et al., Bayesian Data Analysis, 2.4).
    `volunteered` is the share of their complaints that patients tell of unasked.
    """
    order = _parents_first(findings)
    index = {finding: row for row, finding in enumerate(order)}
    columns = {disease: column for column, disease in enumerate(diseases)}
    parent = np.array([index[findings[f].parents[0]] if findings[f].parents else -1 for f in order], dtype=np.int32)
    background = np.array([findings[f].background for f in order], dtype=np.float32)
    for row in range(len(order)):
        if parent[row] >= 0:
            background[row] = min(background[row], background[parent[row]] * 0.999)

    probability, listed = _listed(order, index, findings, diseases, background)
    _spread(order, index, findings, parent, background, probability, listed)
    _blend(told, told_weights, index, columns, parent, probability, listed)

    ancestors = {f: _closure(f, lambda g: findings[g].parents) for f in order}
    has_parent = parent >= 0
    above = np.where(has_parent, parent, 0)
    given_parent = np.where(has_parent[:, None], probability / probability[above], probability)
    background_given = np.where(has_parent, background / background[above], background)[:, None]
    seen = 1 - reading_error
    return Likelihoods(
        finding_ids=tuple(order),
        disease_ids=tuple(diseases),
        finding_index=index,
        disease_index=columns,
        parent=parent,
        background=background,
        probability=probability,
        present=np.log(given_parent / background_given).astype(np.float32),
        absent=np.log((1 - probability * seen) / (1 - background[:, None] * seen)).astype(np.float32),
        absent_variant=np.log((1 - given_parent * seen) / (1 - background_given * seen)).astype(np.float32),
        listed=listed,
        ancestors=ancestors,
        descendants=_descendants(order, findings),
        prior=_prior(list(diseases.values()), region, pregnant_share),
        untold=_untold(order, findings, ancestors, probability, background, volunteered),
    )


def _parents_first(findings: Mapping[str, Finding]) -> list[str]:
    order: list[str] = []
    done: set[str] = set()

    def visit(finding: str) -> None:
        if finding in done:
            return
        done.add(finding)
        for parent in findings[finding].parents:
            visit(parent)
        order.append(finding)

    for finding in findings:
        visit(finding)
    return order


def _closure(finding: str, above: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    found: list[str] = []
    queue = list(above(finding))
    while queue:
        current = queue.pop(0)
        if current not in found:
            found.append(current)
            queue.extend(above(current))
    return tuple(found)


def _descendants(order: Sequence[str], findings: Mapping[str, Finding]) -> dict[str, tuple[str, ...]]:
    children: dict[str, list[str]] = {finding: [] for finding in order}
    for finding in order:
        for parent in findings[finding].parents:
            children[parent].append(finding)
    return {finding: _closure(finding, lambda g: children[g]) for finding in order}


def _listed(
    order: Sequence[str],
    index: Mapping[str, int],
    findings: Mapping[str, Finding],
    diseases: Mapping[str, Disease],
    background: Matrix,
) -> tuple[Matrix, NDArray[np.bool_]]:
    probability = np.full((len(order), len(diseases)), np.nan, dtype=np.float32)
    for column, disease in enumerate(diseases.values()):
        for finding, relative_risk in disease.risk_factors.items():
            share = float(background[index[finding]])
            exposed = relative_risk * share / (1 - share + relative_risk * share)
            probability[index[finding], column] = exposed
        for finding, value in disease.findings.items():
            probability[index[finding], column] = value
    listed = ~np.isnan(probability)
    probability[listed] = np.clip(probability[listed], _LOWEST, _HIGHEST)
    return probability, listed


def _spread(
    order: Sequence[str],
    index: Mapping[str, int],
    findings: Mapping[str, Finding],
    parent: NDArray[np.int32],
    background: Matrix,
    probability: Matrix,
    listed: NDArray[np.bool_],
) -> None:
    """Fills in what diseases do not list: a parent is at least as likely as its variants; a variant nobody lists is as
    frequent among those with the parent as in the background."""
    for row in range(len(order) - 1, -1, -1):
        for parent_id in findings[order[row]].parents:
            above = index[parent_id]
            known = ~np.isnan(probability[row])
            current = np.where(np.isnan(probability[above]), background[above], probability[above])
            probability[above] = np.where(known, np.maximum(current, probability[row]), probability[above])
    for row in range(len(order)):
        usual = (
            np.full(probability.shape[1], background[row])
            if parent[row] < 0
            else probability[parent[row]] * (background[row] / background[parent[row]])
        )
        probability[row] = np.where(np.isnan(probability[row]), usual, probability[row])
        if parent[row] >= 0:
            probability[row] = np.minimum(probability[row], probability[parent[row]] * 0.999)
    np.clip(probability, 1e-6, _HIGHEST, out=probability)


def _blend(
    told: Mapping[str, Told],
    weights: tuple[float, float],
    index: Mapping[str, int],
    columns: Mapping[str, int],
    parent: NDArray[np.int32],
    probability: Matrix,
    listed: NDArray[np.bool_],
) -> None:
    """Moves frequencies towards what the example patients tell; what no text tells stays as it was written."""
    for disease, patients in told.items():
        column = columns[disease]
        rows = [index[finding] for finding in patients.findings]
        counts = np.array(list(patients.findings.values()), dtype=np.float32)
        weight = np.where(listed[rows, column], np.float32(weights[0]), np.float32(weights[1]))
        probability[rows, column] = (weight * probability[rows, column] + counts) / (weight + patients.texts)
    for row in np.flatnonzero(parent >= 0).tolist():
        probability[row] = np.minimum(probability[row], probability[parent[row]] * 0.999)
    np.clip(probability, 1e-6, _HIGHEST, out=probability)


def _untold(
    order: Sequence[str],
    findings: Mapping[str, Finding],
    ancestors: Mapping[str, Sequence[str]],
    probability: Matrix,
    background: Matrix,
    volunteered: float,
) -> Untold:
    complaints = [row for row, f in enumerate(order) if findings[f].kind == "symptom" and not findings[f].parents]
    place = {order[row]: at for at, row in enumerate(complaints)}
    rows = np.log((1 - volunteered * probability[complaints]) / (1 - volunteered * background[complaints, None]))
    return Untold(
        rows=rows.astype(np.float32),
        total=rows.sum(axis=0).astype(np.float32),
        places={f: tuple(place[g] for g in (f, *ancestors[f]) if g in place) for f in order},
    )


def _log(values: Sequence[float]) -> Matrix:
    array = np.asarray(values, dtype=np.float64)
    return np.where(array > 0, np.log(np.maximum(array, 1e-12)), _IMPOSSIBLE).astype(np.float32)


def _prior(diseases: Sequence[Disease], region: str, pregnant_share: float) -> Prior:
    edges = sorted({edge for d in diseases for lower, upper, _ in d.age for edge in (lower, upper)} | {0.0, 200.0})
    pregnancies: tuple[bool | None, ...] = (True, False, None)
    sexes: tuple[str | None, ...] = ("male", "female", None)
    months: dict[int | None, Matrix] = {m: _log([d.season.get(m, 1.0) for d in diseases]) for m in _MONTHS}
    months[None] = np.zeros(len(diseases), dtype=np.float32)
    return Prior(
        base=_log([d.base_rate / 100_000 * d.region.get(region, 1.0) for d in diseases]),
        age_edges=np.array(edges),
        age=np.stack([_log([_at_age(d, years) for d in diseases]) for years in edges]),
        sex={sex: _log([_by_sex(d, sex) for d in diseases]) for sex in sexes},
        month=months,
        pregnancy={
            pregnant: _log([_by_pregnancy(d, pregnant, pregnant_share) for d in diseases]) for pregnant in pregnancies
        },
    )


def _at_age(disease: Disease, years: float) -> float:
    return next((factor for lower, upper, factor in disease.age if lower <= years < upper), 1.0)


def _by_sex(disease: Disease, sex: str | None) -> float:
    if sex is None:
        return (disease.sex.get("male", 1.0) + disease.sex.get("female", 1.0)) / 2
    return disease.sex.get(sex, 1.0)


def _by_pregnancy(disease: Disease, pregnant: bool | None, pregnant_share: float) -> float:
    if disease.requires_pregnancy:
        # Where the pregnancy is among its findings, that finding raises the disease; the prior must not do so again.
        known = 1.0 if _PREGNANCY in disease.findings else 1 / pregnant_share
        return {True: known, False: 0.0, None: 1.0}[pregnant]
    return disease.pregnancy if pregnant else 1.0
