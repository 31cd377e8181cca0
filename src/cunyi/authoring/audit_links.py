"""Which findings of a disease several independent sources know and we lack, and which of ours no source knows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from cunyi.authoring.audit_facts import Facts, Link
from cunyi.authoring.audit_names import Names
from cunyi.authoring.audit_profile import Profile, columns_of, rows_of

_HIGH = 0.6
_LEAST_KNOWN = 5
"""A source family that knows fewer findings of a disease than this says nothing by its silence."""
_LEAST_FAMILIES = 2
_DDXPLUS_APART = 0.4
_KINDS = frozenset({"symptom", "sign"})
_COMPARED_ONLY = frozenset({"bodhi"})
"""May speak for or against a link but is never the reason to add one."""
_ASSUMED = 0.3
"""How frequent a missing finding might be in its disease, to weigh it by what it would tell."""
Pairs = Mapping[tuple[str, str], Mapping[str, float | None]]
"""(disease, finding) → family → its strongest measure."""


class MissingLink(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that sources know and we lack. `above` is a finding it is a variant of that we do list."""

    disease: str
    finding: str
    families: tuple[str, ...]
    strength: float | None
    above: str | None
    matter: float


class UnknownLink(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that we hold for usual and no source mentions, though sources know the disease and the finding."""

    disease: str
    finding: str
    probability: float
    families: tuple[str, ...]
    matter: float


class ProbabilityApart(msgspec.Struct, frozen=True, kw_only=True):
    """A probability of DDXPlus far from ours."""

    diseases: tuple[str, ...]
    finding: str
    question: str
    theirs: float
    ours: float
    listed: bool
    matter: float


class LinkAudit(msgspec.Struct, frozen=True):
    """What came out of the sources of links."""

    links: int
    mapped: int
    unmapped_diseases: int
    unmapped_findings: int
    pairs: int
    missing: list[MissingLink]
    unknown: list[UnknownLink]
    apart: list[ProbabilityApart]


def audit_links(facts: Facts, names: Names, profile: Profile) -> LinkAudit:
    """Compares links and DDXPlus probabilities with the knowledge base."""
    pairs, mapped, no_disease, no_finding = _pairs(facts.links, names)
    return LinkAudit(
        links=len(facts.links),
        mapped=mapped,
        unmapped_diseases=no_disease,
        unmapped_findings=no_finding,
        pairs=len(pairs),
        missing=_missing(pairs, profile),
        unknown=_unknown(pairs, profile),
        apart=_apart(facts, names, profile),
    )


def _pairs(links: Sequence[Link], names: Names) -> tuple[Pairs, int, int, int]:
    pairs: dict[tuple[str, str], dict[str, float | None]] = defaultdict(dict)
    diseases: dict[tuple[str, ...], tuple[str, ...]] = {}
    lost_diseases: set[tuple[str, ...]] = set()
    lost_findings: set[str] = set()
    mapped = 0
    for link in links:
        if link.disease not in diseases:
            first = link.disease[0]
            coded = names.icd10_disease(first.removeprefix("icd10:")) if first.startswith("icd10:") else None
            diseases[link.disease] = names.disease(*link.disease) if coded is None else coded
        found = diseases[link.disease]
        # A label that lumps several of our diseases does not say which of them shows the finding.
        if len(found) != 1:
            lost_diseases.add(link.disease)
            continue
        wanted = names.finding(link.finding)
        if wanted is None or wanted.absent:
            lost_findings.add(link.finding)
            continue
        mapped += 1
        for finding in wanted.ids:
            held = pairs[(found[0], finding)]
            held[link.family] = max(held.get(link.family) or 0.0, link.strength or 0.0) or None
    return dict(pairs), mapped, len(lost_diseases), len(lost_findings)


def _has(disease: str, finding: str, profile: Profile) -> bool:
    """Whether a disease says something about a finding or one of its variants."""
    likelihoods = profile.knowledge.likelihoods
    rows = rows_of(profile, (finding, *likelihoods.descendants[finding]))
    return bool(likelihoods.listed[rows, likelihoods.disease_index[disease]].any())


def _missing(pairs: Pairs, profile: Profile) -> list[MissingLink]:
    likelihoods = profile.knowledge.likelihoods
    content = profile.knowledge.content
    missing = []
    for (disease, finding), families in pairs.items():
        if len(families.keys() - _COMPARED_ONLY) < _LEAST_FAMILIES or _has(disease, finding, profile):
            continue
        column = likelihoods.disease_index[disease]
        above = next(
            (a for a in likelihoods.ancestors[finding] if likelihoods.listed[likelihoods.finding_index[a], column]),
            None,
        )
        strengths = [strength for strength in families.values() if strength is not None]
        weight = len(families) ** 2 * (0.5 if above else 1.0) * (1 if content.findings[finding].kind in _KINDS else 0.5)
        weight *= (0.5 + max(strengths, default=0.0)) * math.log1p(_ASSUMED / content.findings[finding].background)
        missing.append(
            MissingLink(
                disease=disease,
                finding=finding,
                families=tuple(sorted(families)),
                strength=max(strengths) if strengths else None,
                above=above,
                matter=weight * float(profile.matter[column]),
            )
        )
    return sorted(missing, key=lambda one: (-one.matter, one.disease, one.finding))


def _unknown(pairs: Pairs, profile: Profile) -> list[UnknownLink]:
    likelihoods = profile.knowledge.likelihoods
    content = profile.knowledge.content
    known: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    vocabulary: dict[str, set[str]] = defaultdict(set)
    for (disease, finding), families in pairs.items():
        known[disease] |= {finding, *likelihoods.ancestors[finding], *likelihoods.descendants[finding]}
        for family in families:
            counts[disease][family] += 1
            vocabulary[finding].add(family)
    questions = []
    for disease, record in content.diseases.items():
        speaking = {family for family, number in counts[disease].items() if number >= _LEAST_KNOWN}
        column = likelihoods.disease_index[disease]
        for finding, probability in record.findings.items():
            shown = content.findings[finding]
            if (
                probability < _HIGH
                or shown.kind not in _KINDS
                or finding in known[disease]
                or shown.name == record.name
            ):
                continue
            able = speaking & vocabulary[finding]
            if len(able) < _LEAST_FAMILIES:
                continue
            worth = float(max(likelihoods.present[likelihoods.finding_index[finding], column], 0))
            questions.append(
                UnknownLink(
                    disease=disease,
                    finding=finding,
                    probability=probability,
                    families=tuple(sorted(able)),
                    matter=len(able) * probability * worth * float(profile.matter[column]),
                )
            )
    return sorted(questions, key=lambda one: (-one.matter, one.disease, one.finding))


def _apart(facts: Facts, names: Names, profile: Profile) -> list[ProbabilityApart]:
    likelihoods = profile.knowledge.likelihoods
    apart = []
    for condition, evidence in facts.probabilities.items():
        diseases = names.disease(condition)
        for code, theirs in evidence.items():
            wanted = names.finding(code) if diseases and code in facts.questions else None
            if wanted is None or wanted.absent or theirs == 0:
                continue
            columns = columns_of(profile, diseases)
            rows = rows_of(profile, wanted.ids)
            ours = float(profile.probability[rows][:, columns].max())
            if abs(ours - theirs) < _DDXPLUS_APART:
                continue
            apart.append(
                ProbabilityApart(
                    diseases=diseases,
                    finding=wanted.ids[0],
                    question=facts.questions[code],
                    theirs=theirs,
                    ours=ours,
                    listed=bool(likelihoods.listed[rows][:, columns].any()),
                    matter=abs(ours - theirs)
                    * float(profile.matter[columns].max())
                    * (1.0 if profile.knowledge.content.findings[wanted.ids[0]].kind in _KINDS else 0.3),
                )
            )
    return sorted(apart, key=lambda one: (-one.matter, one.diseases, one.finding))
