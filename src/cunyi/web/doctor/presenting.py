"""From an assessment to what the workbench shows of it, in the language of the page."""

from __future__ import annotations

from cunyi.domain.assessment import AdviceGiven, Assessment, Candidate, ExaminationProposed, WeighedFinding
from cunyi.domain.triage import Criticality
from cunyi.journeys.assess_case import Opinion, find_diseases
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor import view_model as view
from cunyi.web.doctor.form import Form
from cunyi.web.doctor.reading import chips, readings
from cunyi.web.doctor.wording import Wording
from cunyi.web.language import ENGLISH, catalogue

_PLACES = ("village", "township", "county")
_FULL_BAR = 4.0
"""The log-odds at which an evidence bar is full."""
_STRONG, _MODERATE = 2.0, 0.8


def present(form: Form, opinion: Opinion, knowledge: Knowledge, wording: Wording) -> view.AssessmentView:
    """The whole right-hand side, the marks in the texts and the notes at the boxes."""
    given = opinion.assessment
    return view.AssessmentView(
        empty=form.is_empty,
        triage=_triage(form, opinion, wording),
        critical_values=[
            view.CriticalView(
                name=wording.item_named(c.item),
                value=_value(c.value),
                unit=wording.unit(c.unit),
                threshold=wording.prose(c.threshold),
                sources=wording.sources([c.source]),
            )
            for c in given.critical_values
        ],
        conflicts=[
            view.ConflictView(
                name=wording.finding(c.finding),
                stated=c.stated,
                kept=c.kept,
                value="" if c.value is None else _value(c.value),
                unit=wording.unit(c.unit),
            )
            for c in given.conflicts
        ],
        must_exclude=[
            view.ExcludeView(
                name=wording.disease(m.disease),
                icd10=m.icd10,
                percent=percent(m.probability),
                raised_by=[wording.finding_named(name) for name in m.raised_by],
                how=wording.prose(m.how),
                sources=wording.sources(m.sources),
            )
            for m in given.must_exclude
        ],
        differential=_differential(form, opinion, wording),
        why_not=_why_not(form, opinion, knowledge, wording),
        asking=_asking(form, opinion, wording),
        places=_places(opinion, wording),
        referral=_referral(opinion, wording),
        advice=_advice(given, wording),
        chips=chips(given, form, wording),
        readings=readings(form, knowledge, wording),
        unread_labs=list(form.unread_labs),
        impossible_labs=[each.told(catalogue(wording.language).gettext) for each in form.impossible_labs],
        knowledge_version=given.knowledge_version,
        engine_version=given.engine_version,
    )


def percent(probability: float) -> str:
    """A probability as people read it."""
    if probability < 0.01:
        return "<1%"
    return f"{min(99, round(probability * 100))}%"


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _triage(form: Form, opinion: Opinion, wording: Wording) -> view.TriageView:
    triage = opinion.assessment.triage
    # "Watch at home" because nothing was recognised would be a false comfort.
    understood = form.is_empty or opinion.assessment.recognised or triage.level != "self_care"
    return view.TriageView(
        level=None if form.is_empty or not understood else triage.level,
        understood=understood,
        reasons=[wording.red_flag(r.rule, r.text, r.source) for r in triage.reasons],
        provisional=triage.provisional and not form.is_empty,
        ask_first=[
            view.AskFirstView(finding, wording.finding(finding), form.answers.get(finding) == "unknown")
            for finding in triage.ask_first
        ],
    )


def _differential(form: Form, opinion: Opinion, wording: Wording) -> view.DifferentialView:
    given = opinion.assessment
    ranked = list(given.differential)
    if form.order == "danger":
        ranked.sort(key=lambda c: (-Criticality.from_code(c.criticality), -c.probability))
    return view.DifferentialView(
        candidates=[] if form.is_empty else [_candidate(c, wording) for c in ranked],
        order=form.order,
        case_mix=wording.case_mix(given.case_mix),
        something_else=percent(given.something_else),
    )


def _candidate(candidate: Candidate, wording: Wording) -> view.CandidateView:
    return view.CandidateView(
        disease=candidate.disease,
        name=wording.disease(candidate.disease),
        icd10=candidate.icd10,
        percent=percent(candidate.probability),
        width=round(candidate.probability * 100, 1),
        criticality=candidate.criticality,
        draft=candidate.review_status == "draft",
        supports=[_weight(w, wording) for w in candidate.supports],
        against=[_weight(w, wording) for w in candidate.against],
        unknown=[wording.finding(finding) for finding in candidate.unknown],
        sources=wording.sources(candidate.sources),
        wording=[stretch.text for stretch in candidate.wording],
        named=list(dict.fromkeys(name.text for name in candidate.named)),
    )


def _weight(weighed: WeighedFinding, wording: Wording) -> view.WeightView:
    size = abs(weighed.weight)
    strength = "strong" if size >= _STRONG else "moderate" if size >= _MODERATE else "weak"
    width = max(4, min(100, round(size / _FULL_BAR * 100)))
    return view.WeightView(wording.finding(weighed.finding), width, strength)


def _why_not(form: Form, opinion: Opinion, knowledge: Knowledge, wording: Wording) -> view.WhyNotView:
    found = find_diseases(form.why_not, knowledge)
    asked = opinion.asked
    return view.WhyNotView(
        words=form.why_not,
        matches=[] if asked else [wording.disease(disease) for disease in found],
        candidate=_candidate(asked, wording) if asked else None,
    )


def _asking(form: Form, opinion: Opinion, wording: Wording) -> view.AskingView:
    given = opinion.assessment
    first = set(given.triage.ask_first)
    open_questions = [] if form.is_empty else [q for q in given.questions if q.finding not in form.answers]
    return view.AskingView(
        questions=[
            view.QuestionView(
                finding=q.finding,
                name=wording.finding(q.finding),
                ask=wording.translated(q.ask, q.ask_en),
                first=q.finding in first,
            )
            for q in open_questions
        ],
        answers=[
            view.AnswerView(finding, wording.finding(finding), status) for finding, status in form.answers.items()
        ],
        sources=wording.sources(q.source for q in open_questions),
    )


def _advice(given: Assessment, wording: Wording) -> list[view.AdviceView]:
    groups: dict[str | None, list[AdviceGiven]] = {}
    for advice in given.advice:
        groups.setdefault(advice.for_disease, []).append(advice)
    return [
        view.AdviceView(
            for_disease=wording.disease_named(disease) if disease else None,
            texts=[wording.prose(a.text) for a in group],
            sources=wording.sources(a.source for a in group),
        )
        for disease, group in groups.items()
    ]


def _places(opinion: Opinion, wording: Wording) -> list[view.PlaceView]:
    places = []
    for place in _PLACES:
        here = [e for e in opinion.assessment.examinations if e.available_at == place]
        if here:
            examinations = [_examination(e, wording) for e in here]
            places.append(view.PlaceView(place, examinations, wording.sources(e.source for e in here)))
    return places


def _examination(proposed: ExaminationProposed, wording: Wording) -> view.ExaminationView:
    disease, why = wording.clause(proposed.why)
    name = proposed.name_en if wording.language == ENGLISH else proposed.name
    return view.ExaminationView(name, disease or "", why)


def _why(chinese: str, english: str, wording: Wording) -> view.Phrase | None:
    return wording.translated(chinese, english) if chinese else None


def _referral(opinion: Opinion, wording: Wording) -> view.ReferralView:
    given = opinion.assessment
    referral, step = given.referral, given.care_step
    chosen = [("township", given.township_department), ("county", given.department)]
    if referral.to != "township":
        chosen.reverse()
    return view.ReferralView(
        needed=referral.needed,
        to=referral.to,
        within=referral.within,
        step=None
        if step is None
        else view.StepView(step.step, _why(step.reason, step.reason_en, wording), step.provisional),
        departments=[
            view.DepartmentView(
                place,
                one.name_en if wording.language == ENGLISH else one.name,
                _why(one.why, one.why_en, wording),
            )
            for place, one in chosen
            if one is not None
        ],
        reasons=[
            wording.referral_reason(reason, reason_en)
            for reason, reason_en in zip(referral.reasons, referral.reasons_en, strict=True)
        ],
        sources=wording.sources(referral.sources),
    )
