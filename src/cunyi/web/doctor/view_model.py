"""What the doctor's components show: plain data, already in the language of the page."""

from __future__ import annotations

import msgspec


class Phrase(msgspec.Struct, frozen=True):
    """Prose and the language it is written in; `foreign` where that is not the page's (文句)."""

    text: str
    lang: str
    foreign: bool = False


class ReasonView(msgspec.Struct, frozen=True):
    """A reason: what, why, and from where."""

    name: str
    why: Phrase | None
    sources: list[Phrase]


class AskFirstView(msgspec.Struct, frozen=True):
    """A danger sign that nobody asked about; `tried` when the doctor tapped "not sure"."""

    finding: str
    name: str
    tried: bool


class TriageView(msgspec.Struct, frozen=True):
    """The triage band (分诊条); `level` None before anything is written, or when nothing of it was `understood`."""

    level: str | None
    understood: bool
    reasons: list[ReasonView]
    provisional: bool
    ask_first: list[AskFirstView]


class CriticalView(msgspec.Struct, frozen=True):
    """A critical value (危急值)."""

    name: str
    value: str
    unit: str
    threshold: Phrase
    sources: list[Phrase]


class ConflictView(msgspec.Struct, frozen=True):
    """What was said against what was measured (矛盾)."""

    name: str
    stated: str
    kept: str
    value: str
    unit: str


class ExcludeView(msgspec.Struct, frozen=True):
    """A disease to exclude (需排除)."""

    name: str
    icd10: str
    percent: str
    raised_by: list[str]
    how: Phrase
    sources: list[Phrase]


class WeightView(msgspec.Struct, frozen=True):
    """A finding for or against, as a bar of `width` 0–100 and a word: strong, moderate, weak."""

    name: str
    width: int
    strength: str


class CandidateView(msgspec.Struct, frozen=True):
    """A possible disease with its evidence (可能疾病)."""

    disease: str
    name: str
    icd10: str
    percent: str
    width: float
    criticality: str
    draft: bool
    supports: list[WeightView]
    against: list[WeightView]
    unknown: list[str]
    sources: list[Phrase]
    wording: list[str] = []
    named: list[str] = []


class DifferentialView(msgspec.Struct, frozen=True):
    """The list of possible diseases (鉴别诊断)."""

    candidates: list[CandidateView]
    order: str
    case_mix: str
    something_else: str


class WhyNotView(msgspec.Struct, frozen=True):
    """The doctor's own question about a disease (为什么不是…)."""

    words: str
    matches: list[str]
    candidate: CandidateView | None


class QuestionView(msgspec.Struct, frozen=True):
    """A question with its one-tap answers (建议追问)."""

    finding: str
    name: str
    ask: Phrase
    first: bool


class AnswerView(msgspec.Struct, frozen=True):
    """What the doctor tapped, and can undo (已答)."""

    finding: str
    name: str
    status: str


class AskingView(msgspec.Struct, frozen=True):
    """Questions and the answers so far, with the sources of the questions."""

    questions: list[QuestionView]
    answers: list[AnswerView]
    sources: list[Phrase]


class ExaminationView(msgspec.Struct, frozen=True):
    """An examination and why (检查)."""

    name: str
    disease: str
    why: Phrase | None


class PlaceView(msgspec.Struct, frozen=True):
    """The examinations that one level can do."""

    place: str
    examinations: list[ExaminationView]
    sources: list[Phrase]


class DepartmentView(msgspec.Struct, frozen=True):
    """The department of the hospital of one level, and why (科室)."""

    place: str
    name: str
    why: Phrase | None


class StepView(msgspec.Struct, frozen=True):
    """The step of graded care and why (分级诊疗)."""

    place: str
    why: Phrase | None
    provisional: bool


class ReferralView(msgspec.Struct, frozen=True):
    """Whether, where to and how soon to refer (转诊): the step of graded care, the departments of both hospitals."""

    needed: bool
    to: str
    within: str | None
    step: StepView | None
    departments: list[DepartmentView]
    reasons: list[ReasonView]
    sources: list[Phrase]


class AdviceView(msgspec.Struct, frozen=True):
    """What to do for one disease, or at once for a danger sign (处置)."""

    for_disease: str | None
    texts: list[Phrase]
    sources: list[Phrase]


class ChipView(msgspec.Struct, frozen=True):
    """A finding read in a text (识别出的征象): everywhere it stands there, how it was read, how it counts now.

    `mark` is how it is drawn: present, absent, possible, past, family, unknown or value; `next` the status that one tap
    gives it, empty for the way it was written; a value has no finding.
    """

    spans: list[tuple[int, int]]
    name: str
    mark: str
    finding: str | None
    next: str
    corrected: bool


class ReadingView(msgspec.Struct, frozen=True):
    """A reading box's note (读数): the usual values and whether this one is beyond them.

    `trouble` says why it is not used; `judged` is the value that the word of a meter (HI) is judged as.
    """

    field: str
    name: str
    unit: str
    value: str
    normal: str
    for_adult: bool
    flag: str | None
    trouble: str = ""
    judged: str = ""


class AssessmentView(msgspec.Struct, frozen=True):
    """The assessment as the workbench shows it, in the order of the page; None parts where nothing was written."""

    empty: bool
    triage: TriageView
    critical_values: list[CriticalView]
    conflicts: list[ConflictView]
    must_exclude: list[ExcludeView]
    differential: DifferentialView
    why_not: WhyNotView
    asking: AskingView
    places: list[PlaceView]
    referral: ReferralView
    advice: list[AdviceView]
    chips: dict[str, list[ChipView]]
    readings: list[ReadingView]
    unread_labs: list[str]
    impossible_labs: list[str]
    knowledge_version: str
    engine_version: str
