"""What the knowledge base shows by itself: diseases never reached, pairs that cannot be told apart, unused findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.authoring.audit_profile import Array, Profile
from cunyi.authoring.load import Library
from cunyi.authoring.scoring import is_right, read_gold
from cunyi.reasoning.assess import assess

_FIRST = 10
_HERE = ("ask", "village")
_SMALLEST = 1e-6


class Unreached(msgspec.Struct, frozen=True, kw_only=True):
    """A disease that was never among the first ten. `gold` is how many cases had it as their right answer."""

    disease: str
    gold: int
    frequency: float
    matter: float


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Two diseases that the knowledge hardly separates. `here` is the expected evidence, in nats both ways, of what can
    be asked or seen in a village; `everywhere` that of every test; `overlap` the share of age and sex they have in common.
    """

    first: str
    second: str
    here: float
    everywhere: float
    overlap: float
    levels_differ: bool
    matter: float


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that no disease lists and no rule reads. `above` is a listed finding that it still stands for."""

    finding: str
    above: str | None


def unreached(cases: Iterable[Mapping[str, Any]], profile: Profile) -> tuple[list[Unreached], int]:
    """Diseases that no case brings among the first ten, those that matter most first; and how many cases there were."""
    content, likelihoods = profile.knowledge.content, profile.knowledge.likelihoods
    reached: set[str] = set()
    golds: dict[str, int] = {}
    number = 0
    for case in cases:
        number += 1
        reached |= {one.disease for one in assess(case, profile.knowledge).differential[:_FIRST]}
        gold = read_gold(case["gold"])
        for disease in content.diseases.values():
            if is_right(gold, disease.name, disease.aliases, disease.icd10):
                golds[disease.id] = golds.get(disease.id, 0) + 1
    never = [
        Unreached(
            disease=disease,
            gold=golds.get(disease, 0),
            frequency=float(profile.frequency[likelihoods.disease_index[disease]]),
            matter=float(profile.matter[likelihoods.disease_index[disease]]),
        )
        for disease in content.diseases
        if disease not in reached
    ]
    return sorted(never, key=lambda one: (-one.gold, -one.matter, one.disease)), number


def alike(profile: Profile, *, least_evidence: float, least_overlap: float) -> list[Alike]:
    """Pairs whose findings that a village can get differ by less evidence, in patients of much the same age and sex."""
    knowledge = profile.knowledge
    findings = knowledge.content.findings
    reachable = np.array([findings[f].obtain in _HERE for f in knowledge.likelihoods.finding_ids])
    here = _divergence(profile, reachable)
    everywhere = _divergence(profile, np.ones_like(reachable))
    ids = knowledge.likelihoods.disease_ids
    pairs = []
    for i, j in zip(*np.nonzero(np.triu(here < least_evidence, k=1)), strict=True):
        overlap = float(np.minimum(profile.share[i], profile.share[j]).sum())
        if overlap < least_overlap:
            continue
        levels_differ = bool(knowledge.triage[i] != knowledge.triage[j])
        pairs.append(
            Alike(
                first=ids[i],
                second=ids[j],
                here=float(here[i, j]),
                everywhere=float(everywhere[i, j]),
                overlap=overlap,
                levels_differ=levels_differ,
                matter=float(min(profile.matter[i], profile.matter[j]))
                * (2.0 if levels_differ else 1.0)
                / (1.0 + float(here[i, j])),
            )
        )
    return sorted(pairs, key=lambda one: (-one.matter, one.first, one.second))


def _divergence(profile: Profile, rows: NDArray[np.bool_]) -> Array:
    """Symmetric Kullback-Leibler divergence of the findings of every two diseases, D×D; a variant given its parent."""
    parent = profile.knowledge.likelihoods.parent
    full = np.clip(profile.probability, _SMALLEST, 1 - _SMALLEST)
    above = np.ones_like(full)
    variants = np.flatnonzero(parent >= 0)
    above[variants] = full[parent[variants]]
    above = above[rows]
    shown = full[rows]
    given = np.clip(shown / above, _SMALLEST, 1 - _SMALLEST)
    present, absent = np.log(given), np.log1p(-given)
    rest = above - shown
    own = (shown * present + rest * absent).sum(axis=0)
    directed: Array = own[:, None] - (shown.T @ present + rest.T @ absent)
    return np.maximum(directed + directed.T, 0)


def unused(library: Library, profile: Profile) -> list[Unused]:
    """Findings that nothing reads: no disease lists them or a variant of them, no rule, drug or derived finding."""
    likelihoods = profile.knowledge.likelihoods
    listed: NDArray[np.bool_] = np.asarray(likelihoods.listed.any(axis=1))
    read = set(_mentions(library)) & set(likelihoods.finding_index)
    used = {f for f in likelihoods.finding_ids if listed[likelihoods.finding_index[f]]} | read
    idle = []
    for finding in likelihoods.finding_ids:
        if finding in used or used.intersection(likelihoods.descendants[finding]):
            continue
        above = next((a for a in likelihoods.ancestors[finding] if a in used), None)
        idle.append(Unused(finding=finding, above=above))
    return sorted(idle, key=lambda one: (one.above is not None, one.finding))


def _mentions(library: Library) -> Iterator[str]:
    """Every word of the rules and of what else may name a finding."""
    for entries in (
        library.red_flags,
        library.referral,
        library.referral_criteria,
        library.follow_ups,
        library.drugs,
        library.drug_classes,
    ):
        for entry in entries:
            yield from _words(entry.raw)
    for entry in library.findings:
        for key in ("when", "context"):
            yield from _words(entry.raw.get(key))
    for entry in library.allergy_groups + library.interactions:
        yield from _words(entry.raw)


def _words(raw: Any) -> Iterator[str]:
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, Mapping):
        for value in raw.values():
            yield from _words(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from _words(value)
