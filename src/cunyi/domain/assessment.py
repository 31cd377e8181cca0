"""The assessment (评估): what the engine proposes for one case. Field names are those of the assessment format."""

from __future__ import annotations

from typing import Any

import msgspec

from cunyi.domain.finding import Origin, Span


class Reason(msgspec.Struct, frozen=True):
    """Why a level of care was given (分诊理由)."""

    rule: str
    text: str
    source: str


class TriageResult(msgspec.Struct, frozen=True):
    """The level of care of what is known (分诊)."""

    level: str
    reasons: list[Reason]
    provisional: bool
    ask_first: list[str]


class WeighedFinding(msgspec.Struct, frozen=True):
    """A finding and what it is worth for or against one disease, in log-odds (依据)."""

    finding: str
    name: str
    weight: float
    span: Span | None


class WordingFound(msgspec.Struct, frozen=True):
    """A stretch of the text that is worded as in example patients of a disease (措辞相近), with its log-odds."""

    text: str
    weight: float
    span: Span


class DiseaseNamed(msgspec.Struct, frozen=True):
    """Where the text itself names a disease as one the patient has now (说到的病名), with its log-odds."""

    text: str
    weight: float
    span: Span


class Candidate(msgspec.Struct, frozen=True):
    """A possible disease with its confidence and evidence (可能疾病)."""

    disease: str
    name: str
    aliases: tuple[str, ...]
    name_en: str
    icd10: str
    probability: float
    criticality: str
    supports: list[WeighedFinding] = msgspec.field(name="for")
    against: list[WeighedFinding]
    unknown: list[str]
    sources: list[str]
    review_status: str
    wording: list[WordingFound] = []
    named: list[DiseaseNamed] = []


class MustExclude(msgspec.Struct, frozen=True):
    """A critical disease that a fact of this patient raised and nothing excludes (需排除)."""

    disease: str
    name: str
    aliases: tuple[str, ...]
    name_en: str
    icd10: str
    probability: float
    criticality: str
    raised_by: list[str]
    how: str
    sources: list[str]


class CriticalValueFound(msgspec.Struct, frozen=True):
    """A value beyond its critical limit (危急值)."""

    item: str
    value: float | str
    unit: str | None
    threshold: str
    source: str
    span: Span | None


class DepartmentChosen(msgspec.Struct, frozen=True):
    """Where this patient belongs (科室): the department of the national list, its id here, and why.

    `specialty` is the department that the complaint itself belongs to; another one where an emergency goes to emergency
    medicine first, or where a township hospital's department stands in.
    """

    code: str
    name: str
    name_en: str
    department: str = ""
    specialty: str = ""
    why: str = ""
    why_en: str = ""


class CareStep(msgspec.Struct, frozen=True):
    """Which step of graded care this patient needs (分级诊疗): `step` village, township or county, and why.

    `provisional`: danger signs have not been asked, so a milder step may not hold.
    """

    step: str
    reason: str
    reason_en: str
    provisional: bool


class ReferralProposed(msgspec.Struct, frozen=True):
    """Whether, where to and how soon to refer (转诊)."""

    needed: bool
    to: str
    within: str | None
    reasons: list[str]
    sources: list[str]
    reasons_en: list[str] = []


class Question(msgspec.Struct, frozen=True):
    """What to ask next, in spoken words, with its expected gain (建议追问)."""

    finding: str
    name: str
    ask: str
    ask_en: str
    gain: float
    source: str


class ExaminationProposed(msgspec.Struct, frozen=True):
    """What to examine or test next, and where it can be done (建议检查)."""

    examination: str
    name: str
    name_en: str
    why: str
    available_at: str
    source: str


class AdviceGiven(msgspec.Struct, frozen=True):
    """What to do now (处置)."""

    text: str
    source: str
    for_disease: str | None


class FindingShown(msgspec.Struct, frozen=True):
    """A finding as it was understood (征象)."""

    finding: str
    name: str
    status: str
    who: str
    when: str
    onset: str | None
    duration_days: float | None
    severity: str | None
    span: Span | None
    value: float | str | None
    unit: str | None
    origin: str


class ReadingShown(msgspec.Struct, frozen=True):
    """A value as it was understood (读数)."""

    item: str
    name: str
    value: float | str
    unit: str | None
    days_ago: float
    span: Span | None


class RefusedValue(msgspec.Struct, frozen=True):
    """An entered value that cannot be and was left out (未采用的数值): where it stands in the case, and why."""

    field: str
    item: str
    name: str
    message: str


class ConflictShown(msgspec.Struct, frozen=True):
    """A statement that a measured value contradicts (矛盾)."""

    finding: str
    name: str
    stated: str
    kept: str
    value: float | str | None
    unit: str | None
    span: Span | None


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one case (评估): a proposal that supports, and does not replace, a doctor."""

    id: str
    triage: TriageResult
    something_else: float
    case_mix: str
    differential: list[Candidate]
    must_exclude: list[MustExclude]
    critical_values: list[CriticalValueFound]
    department: DepartmentChosen | None
    township_department: DepartmentChosen | None = None
    care_step: CareStep | None = None
    referral: ReferralProposed
    questions: list[Question]
    examinations: list[ExaminationProposed]
    advice: list[AdviceGiven]
    findings: list[FindingShown]
    readings: list[ReadingShown]
    conflicts: list[ConflictShown]
    refused: list[RefusedValue]
    knowledge_version: str
    engine_version: str

    @property
    def recognised(self) -> bool:
        """Whether anything that was told or measured was understood; what only follows from sex or age does not count."""
        return bool(self.readings) or any(found.origin != Origin.DERIVED for found in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The assessment as JSON-able data, field names as in the assessment format."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built
