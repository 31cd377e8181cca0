"""The knowledge base as the engine reads it: plain records, indexed by id. Built from the compiled artefact."""

from __future__ import annotations

from typing import Any

import msgspec

from cunyi.knowledge.answering import AnsweringRules
from cunyi.knowledge.conditions import Bounds, Condition
from cunyi.knowledge.departments import CareWords, Department, DepartmentHints
from cunyi.knowledge.drugs import Formulary
from cunyi.knowledge.follow_ups import FollowUp
from cunyi.knowledge.interviews import InterviewWords
from cunyi.knowledge.opinions import OpinionWords
from cunyi.knowledge.patients import Learned
from cunyi.knowledge.referral_loops import ReferralLoop
from cunyi.knowledge.summaries import SummaryWords
from cunyi.knowledge.visit_rounds import VisitRules


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that can be present or absent in a patient (征象)."""

    id: str
    name: str
    name_en: str
    kind: str
    parents: tuple[str, ...]
    background: float
    obtain: str
    sex: str | None
    ask: str | None
    ask_en: str | None
    group: str | None
    when: Condition | None
    sources: tuple[str, ...]


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of an item's values that means a finding, for some ages and one or both sexes (区间)."""

    finding: str | None
    sex: str | None
    age: Bounds | None
    pregnant: bool | None
    value: Bounds | None
    ordinals: frozenset[str]
    note: str | None = None
    sources: tuple[str, ...] = ()


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A vital sign or laboratory item (项目): its unit, its limits, and what its values mean.

    `meter` is what the instruments of a village can measure; beyond it they show a word (HI, LO) instead of a number.
    """

    id: str
    name: str
    name_en: str
    unit: str | None
    possible: Bounds | None
    scale: tuple[str, ...]
    obtain: str
    normal: tuple[Band, ...]
    bands: tuple[Band, ...]
    critical: tuple[Band, ...]
    sources: tuple[str, ...]
    meter: Bounds | None = None


class Referral(msgspec.Struct, frozen=True):
    """Where to and how soon (转诊去向与时限)."""

    to: str
    within: str | None
    when: str | None = None


class Advice(msgspec.Struct, frozen=True):
    """One sentence of management with its sources (处置)."""

    text: str
    sources: tuple[str, ...]


class WorkupStep(msgspec.Struct, frozen=True):
    """An examination and why it is wanted (检查建议)."""

    examination: str
    why: str


class Disease(msgspec.Struct, frozen=True, kw_only=True):
    """A disease (疾病): prior, likelihoods, danger, work-up, referral and management.

    `defining` are findings without any of which its evidence sets no level of care; empty where they follow from the likelihoods.
    """

    id: str
    name: str
    name_en: str
    aliases: tuple[str, ...]
    icd10: str
    criticality: str
    triage: str
    department: str
    base_rate: float
    age: tuple[tuple[float, float, float], ...]
    sex: dict[str, float]
    season: dict[int, float]
    region: dict[str, float]
    pregnancy: float
    requires_pregnancy: bool
    risk_factors: dict[str, float]
    findings: dict[str, float]
    defining: tuple[str, ...]
    danger: str
    exclude: str | None
    workup: tuple[WorkupStep, ...]
    referral: Referral
    management: tuple[Advice, ...]
    sources: tuple[str, ...]
    review_status: str


class RedFlag(msgspec.Struct, frozen=True, kw_only=True):
    """A danger sign of a complaint (危险信号) as a rule over the presentation."""

    id: str
    name: str
    name_en: str
    complaint: tuple[str, ...]
    why: str
    why_en: str
    when: Condition
    triage: str
    referral: Referral | None
    suspect: tuple[str, ...]
    advice: str | None
    sources: tuple[str, ...]


class ReferralRule(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion of graded care (转诊标准)."""

    id: str
    name: str
    when: Condition
    to: str
    within: str
    reason: str
    reason_en: str
    sources: tuple[str, ...]


class Examination(msgspec.Struct, frozen=True):
    """An examination and where it can be done (检查)."""

    id: str
    name: str
    name_en: str
    obtain: str
    findings: tuple[str, ...]
    items: tuple[str, ...]


class Source(msgspec.Struct, frozen=True):
    """Where a fact comes from (来源)."""

    id: str
    title: str
    kind: str
    year: int | None
    url: str | None
    pmid: str | None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the engine knows, by id, in a fixed order."""

    findings: dict[str, Finding]
    items: dict[str, Item]
    diseases: dict[str, Disease]
    red_flags: dict[str, RedFlag]
    referral: dict[str, ReferralRule]
    referral_loop: ReferralLoop | None
    departments: dict[str, Department]
    department_hints: DepartmentHints | None
    care_words: CareWords | None
    first_level_names: dict[str, tuple[str, ...]]
    examinations: dict[str, Examination]
    sources: dict[str, Source]
    formulary: Formulary
    follow_ups: dict[str, FollowUp]
    visit_rounds: VisitRules | None
    opinion: OpinionWords | None
    answering: AnsweringRules | None
    interview: InterviewWords | None
    summary: SummaryWords | None
    learned: Learned
    settings: dict[str, Any]
