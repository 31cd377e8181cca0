"""The knowledge base made ready for reasoning: records, arrays, language and rules, built once and only read after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.case import Sex
from cunyi.domain.triage import Criticality, TriageLevel
from cunyi.knowledge.artefact import decode
from cunyi.knowledge.conditions import FindingIs, asked_findings, leaves
from cunyi.knowledge.departments import Department, DepartmentHints, Patients, seen_by
from cunyi.knowledge.likelihoods import Likelihoods, Matrix, build_likelihoods
from cunyi.knowledge.model import Content, Disease, Finding, RedFlag, ReferralRule
from cunyi.knowledge.patients import Told
from cunyi.reasoning.drug_names import DrugNames
from cunyi.reasoning.interviewing_plan import Plan, make_plan
from cunyi.reasoning.rules import RuleIndex, by_complaint
from cunyi.reasoning.settings import Settings, read_settings
from cunyi.text.disease_names import NameFinder
from cunyi.text.hint_words import HintFinder
from cunyi.text.normalize import plain
from cunyi.text.reader import Language


class SeenBy(msgspec.Struct, frozen=True):
    """Which department sees each department's patients, and each disease (its place in the list), for one kind of patients."""

    names: dict[str, str]
    of_disease: NDArray[np.int64]


class DiseasesOfLevel(msgspec.Struct, frozen=True):
    """The diseases (columns) of one level of care, and all of milder ones."""

    level: TriageLevel
    columns: NDArray[np.int64]
    milder: NDArray[np.int64]


class Knowledge(msgspec.Struct):
    """Everything `assess` needs (知识库). `version` names the compiled bytes it was made from."""

    content: Content
    likelihoods: Likelihoods
    language: Language
    settings: Settings
    version: str
    diseases: tuple[Disease, ...]
    """The diseases of the content by their place, the columns of the likelihoods."""
    derived: tuple[Finding, ...]
    """Findings that follow from a condition, each after those it depends on."""
    triage: NDArray[np.int8]
    critical: NDArray[np.int64]
    """The diseases (columns) that are critical where they are missed."""
    harm: Matrix
    typical_support: Matrix
    """How much speaks for each disease in a typical patient with it: Σ P(f|d) · log LR over its findings."""
    of_level: dict[str, DiseasesOfLevel]
    """The diseases of each level of care by its code, the gravest level first."""
    defining: tuple[frozenset[str], ...]
    """For each disease the findings that nearly every patient with it has and few others, asked or seen here."""
    askable: NDArray[np.uint8]
    """Findings (columns, eight in a byte) that a disease (row) says something about and that can be asked or looked for in a village
    clinic."""
    chances: Matrix
    """P(finding | disease), D×F: the likelihoods' own the other way round, for many findings of a few diseases."""
    possible_for: dict[Sex | None, NDArray[np.bool_]]
    """Findings (rows) that a patient of this sex can have."""
    seen_by: dict[Patients, SeenBy]
    first_levels: dict[str, str]
    """The first level of the national list that each department belongs to."""
    telling_findings: tuple[tuple[str, ...], ...]
    """For each disease the findings it lists, those that tell most first."""
    flag_index: RuleIndex[RedFlag]
    flag_levels: dict[str, TriageLevel]
    flags_of_complaint: dict[str, tuple[RedFlag, ...]]
    findings_of_flag: dict[str, tuple[FindingIs, ...]]
    """The findings that each red flag asks about, in the order they are written."""
    referral_index: RuleIndex[ReferralRule]
    drug_names: DrugNames
    disease_names: dict[str, str]
    """Disease ids by each of their names, as texts are compared."""
    background_illnesses: frozenset[str]
    """History findings of illness of long standing that many have besides what they come for."""
    interviewing: Plan | None
    hint_finder: HintFinder | None
    name_finder: NameFinder


def prepare(data: bytes) -> Knowledge:
    """The knowledge of a compiled artefact's bytes. KnowledgeError where they cannot be used."""
    content, language, version = decode(data)
    settings = read_settings(content.settings)
    learned = _likelihoods(content, settings, content.learned.told)
    # How a patient typically presents is what was written: the examples tell of what is told, and triage was set by the first.
    written = _likelihoods(content, settings, {}) if content.learned.told else learned
    diseases = tuple(content.diseases.values())
    triage = np.array([TriageLevel.from_code(d.triage) for d in diseases], dtype=np.int8)
    reader = Language.from_compiled(language)
    return Knowledge(
        content=content,
        likelihoods=learned,
        language=reader,
        settings=settings,
        version=version,
        diseases=diseases,
        derived=_in_order(content.findings),
        triage=triage,
        critical=np.flatnonzero([disease.criticality == Criticality.CRITICAL.code for disease in diseases]),
        harm=np.array([settings.harm[d.criticality] for d in diseases], dtype=np.float32),
        typical_support=_typical_support(written, content),
        of_level=_of_level(triage),
        defining=_defining(written, content, settings),
        askable=np.packbits(learned.listed.T & _can_be_asked(learned, content.findings), axis=1),
        chances=np.ascontiguousarray(learned.probability.T),
        possible_for={sex: _possible_for(sex, learned, content.findings) for sex in (*Sex, None)},
        seen_by=_seen_by(content.departments, [disease.department for disease in diseases]),
        first_levels={name: department.first_level for name, department in content.departments.items()},
        telling_findings=_telling_findings(learned),
        flag_index=RuleIndex(content.red_flags.values()),
        flag_levels={flag.id: TriageLevel.from_code(flag.triage) for flag in content.red_flags.values()},
        flags_of_complaint=by_complaint(content.red_flags, {f.id: f.complaint for f in content.red_flags.values()}),
        findings_of_flag={flag.id: asked_findings(flag.when) for flag in content.red_flags.values()},
        referral_index=RuleIndex(content.referral.values()),
        drug_names=DrugNames(content.formulary),
        background_illnesses=_background_illnesses(content, settings),
        disease_names={plain(name): disease.id for disease in diseases for name in (disease.name, *disease.aliases)},
        interviewing=make_plan(content, learned),
        hint_finder=_hint_finder(content.department_hints),
        name_finder=NameFinder(_names_of(diseases, reader, content.findings), reader.not_name_before),
    )


def _seen_by(departments: Mapping[str, Department], of_diseases: Sequence[str]) -> dict[Patients, SeenBy]:
    found = {}
    place = {name: number for number, name in enumerate(departments)}
    for child, grown_up, male in product((False, True), repeat=3):
        patients = Patients(child, grown_up, male)
        names = {name: seen_by(name, patients, departments) for name in departments}
        of_disease = np.array([place[names[department]] for department in of_diseases], dtype=np.int64)
        found[patients] = SeenBy(names, of_disease)
    return found


def _names_of(diseases: Sequence[Disease], reader: Language, findings: Mapping[str, Finding]) -> dict[int, list[str]]:
    """Everything that each disease goes by: its own names, and the broad ones (鼻炎) that it shares with others.

    A name that is a finding's as well (便秘, 失眠) is left out: whoever complains of it has named no disease, and it counts already.
    """
    complaints = {plain(finding.name) for finding in findings.values()}
    names = {
        number: [name for name in (disease.name, *disease.aliases) if plain(name) not in complaints]
        for number, disease in enumerate(diseases)
    }
    places = {disease.id: number for number, disease in enumerate(diseases)}
    for name, shared in reader.broad_names.items():
        for disease in shared:
            # The check of the knowledge base tells of one that is not there.
            if disease in places:
                names[places[disease]].append(name)
    return names


def _hint_finder(hints: DepartmentHints | None) -> HintFinder | None:
    if hints is None:
        return None
    return HintFinder([*hints.words, *hints.child_words, *hints.neutral], hints.widest_gap, hints.denied_before)


def _likelihoods(content: Content, settings: Settings, told: Mapping[str, Told]) -> Likelihoods:
    return build_likelihoods(
        content.findings,
        content.diseases,
        region=settings.region,
        reading_error=settings.reading_error,
        pregnant_share=settings.pregnant_share,
        told=told,
        told_weights=(settings.told_weight_listed, settings.told_weight_unlisted),
        volunteered=settings.untold.volunteered,
    )


def _typical_support(likelihoods: Likelihoods, content: Content) -> Matrix:
    asked = np.array([content.findings[f].obtain in ("ask", "village") for f in likelihoods.finding_ids])
    gain = np.maximum(likelihoods.present, 0) * likelihoods.probability
    usable = likelihoods.listed & asked[:, None]
    # Risk findings and tests that a village cannot do are no part of how a patient typically presents.
    risk = np.zeros_like(usable)
    for column, disease in enumerate(content.diseases.values()):
        for finding in disease.risk_factors:
            risk[likelihoods.finding_index[finding], column] = True
    typical: Matrix = np.maximum(np.where(usable & ~risk, gain, 0).sum(axis=0), 1e-3).astype(np.float32)
    return typical


def _background_illnesses(content: Content, settings: Settings) -> frozenset[str]:
    at_risk = Counter(
        finding
        for disease in content.diseases.values()
        for finding in disease.risk_factors
        if content.findings[finding].kind == "history"
    )
    return frozenset(finding for finding, diseases in at_risk.items() if diseases >= settings.named_beside.at_risk)


def _of_level(triage: NDArray[np.int8]) -> dict[str, DiseasesOfLevel]:
    return {
        level.code: DiseasesOfLevel(level, np.flatnonzero(triage == level), np.flatnonzero(triage < level))
        for level in sorted(TriageLevel, reverse=True)
    }


def _defining(likelihoods: Likelihoods, content: Content, settings: Settings) -> tuple[frozenset[str], ...]:
    here = np.array([content.findings[f].obtain in ("ask", "village") for f in likelihoods.finding_ids])
    ratio = np.log(likelihoods.probability / likelihoods.background[:, None])
    defining: NDArray[np.bool_] = (
        likelihoods.listed
        & here[:, None]
        & (likelihoods.probability >= settings.defining_probability)
        & (ratio >= settings.defining_log_ratio)
    )
    for column, disease in enumerate(content.diseases.values()):
        if disease.defining:
            defining[:, column] = False
            defining[[likelihoods.finding_index[finding] for finding in disease.defining], column] = True
    found: list[set[str]] = [set() for _ in content.diseases]
    for row, column in np.argwhere(defining).tolist():
        found[column].add(likelihoods.finding_ids[row])
    return tuple(map(frozenset, found))


def _can_be_asked(likelihoods: Likelihoods, findings: Mapping[str, Finding]) -> NDArray[np.bool_]:
    return np.array(
        [
            findings[f].when is None
            and (findings[f].obtain == "village" or (findings[f].obtain == "ask" and bool(findings[f].ask)))
            for f in likelihoods.finding_ids
        ]
    )


def _possible_for(sex: Sex | None, likelihoods: Likelihoods, findings: Mapping[str, Finding]) -> NDArray[np.bool_]:
    return np.array([sex is None or findings[f].sex in (None, sex) for f in likelihoods.finding_ids])


def _telling_findings(likelihoods: Likelihoods) -> tuple[tuple[str, ...], ...]:
    worth = np.abs(likelihoods.present) * likelihoods.probability
    telling = []
    for column in range(likelihoods.listed.shape[1]):
        rows = np.flatnonzero(likelihoods.listed[:, column])
        order = rows[np.argsort(-worth[rows, column], kind="stable")]
        telling.append(tuple(likelihoods.finding_ids[row] for row in order))
    return tuple(telling)


def _in_order(findings: Mapping[str, Finding]) -> tuple[Finding, ...]:
    order: list[Finding] = []
    done: set[str] = set()

    def visit(finding: Finding) -> None:
        if finding.id in done or finding.when is None:
            return
        done.add(finding.id)
        for leaf in leaves(finding.when):
            if isinstance(leaf, FindingIs):
                visit(findings[leaf.finding])
        order.append(finding)

    for finding in findings.values():
        visit(finding)
    return tuple(order)


def prepare_document(document: dict[str, Any]) -> Knowledge:
    """The knowledge of a compiled document not yet written as bytes (checks and tests)."""
    return prepare(msgspec.json.encode(document))
