"""Our frequencies of diseases against visits that were counted: rank correlation and the largest discrepancies."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from cunyi.authoring.audit_facts import Facts
from cunyi.authoring.audit_names import Names
from cunyi.authoring.audit_profile import Array, Profile, columns_of

_LEAST_SHARE = 1e-4
"""Diagnoses rarer than this among the counted visits rest on single patients and are not compared."""


class PriorApart(msgspec.Struct, frozen=True, kw_only=True):
    """A group of our diseases that is counted as one, ours and theirs a 100,000 mapped visits, and how far apart."""

    diseases: tuple[str, ...]
    name: str
    ours: float
    theirs: float
    factor: float
    """Ours over theirs, after both are brought to the same middle."""


class PriorAudit(msgspec.Struct, frozen=True):
    """One set of counts compared. `covered` is the share of its counts that we could name."""

    source: str
    compared: int
    covered: float
    spearman: float
    apart: list[PriorApart]
    lacking: list[tuple[str, float]]
    """What is counted and has no counterpart here, the most frequent first."""


def audit_priors(facts: Facts, names: Names, profile: Profile) -> list[PriorAudit]:
    """Compares with office visits, emergency visits and notifiable diseases, as far as the facts have them."""
    audits = []
    for source, counts, kind in (("office", facts.office, "icd9"), ("emergency", facts.emergency, "icd10")):
        if counts:
            groups: dict[tuple[str, ...], tuple[str, float]] = {}
            lacking: dict[str, float] = {}
            for code, count in counts.items():
                found = names.coded(kind, code) or (names.icd10_disease(code) if kind == "icd10" else ())
                if found:
                    name, before = groups.get(found, (code[:3], 0.0))
                    groups[found] = (name, before + count)
                else:
                    lacking[code[:3]] = lacking.get(code[:3], 0.0) + count
            audits.append(_compare(source, groups, lacking, profile, _LEAST_SHARE * sum(counts.values())))
    if facts.statutory:
        audits.append(_statutory(facts, names, profile))
    return audits


def _statutory(facts: Facts, names: Names, profile: Profile) -> PriorAudit:
    groups: dict[tuple[str, ...], tuple[str, float]] = {}
    lacking: dict[str, float] = {}
    for name, count in facts.statutory.items():
        found = names.disease(name, *facts.statutory_names.get(name, ()))
        if found:
            groups[found] = (name, groups.get(found, (name, 0.0))[1] + count)
        else:
            lacking[name] = count
    return _compare("statutory", groups, lacking, profile, 1.0)


def _compare(
    source: str,
    groups: Mapping[tuple[str, ...], tuple[str, float]],
    lacking: Mapping[str, float],
    profile: Profile,
    least: float,
) -> PriorAudit:
    kept = {diseases: value for diseases, value in groups.items() if value[1] >= least}
    ours = np.array([profile.frequency[columns_of(profile, d)].sum() for d in kept])
    theirs = np.array([count for _, count in kept.values()])
    total = sum(count for _, count in groups.values()) + sum(lacking.values())
    apart: list[PriorApart] = []
    if len(kept):
        logs = np.log(np.maximum(ours, 1e-9)) - np.log(theirs)
        logs = logs - np.median(logs)
        scale = 100_000 / theirs.sum()
        apart = [
            PriorApart(
                diseases=diseases,
                name=name,
                ours=float(mine),
                theirs=float(count * scale),
                factor=float(np.exp(log)),
            )
            for (diseases, (name, count)), mine, log in zip(kept.items(), ours, logs, strict=True)
        ]
    return PriorAudit(
        source=source,
        compared=len(kept),
        covered=sum(count for _, count in groups.values()) / total if total else 0.0,
        spearman=spearman(ours, theirs),
        apart=sorted(apart, key=lambda one: -abs(np.log(one.factor))),
        lacking=sorted(lacking.items(), key=lambda item: (-item[1], item[0])),
    )


def spearman(first: Array, second: Array) -> float:
    """Rank correlation with ties at their middle rank (Spearman, Am J Psychol 1904; 15: 72-101); 0 below three pairs."""
    if len(first) < 3:
        return 0.0
    ranks = [_ranks(values) for values in (first, second)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Array) -> Array:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: Array = last - (counts - 1) / 2
    return middle[place]
