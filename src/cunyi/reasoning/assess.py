"""The only door of the engine: one case in, one explained assessment out. Pure; reads no clock, draws no random number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.assessment import Assessment
from cunyi.domain.case import Case
from cunyi.domain.errors import UserError
from cunyi.domain.intake import parse_case
from cunyi.reasoning import explaining
from cunyi.reasoning.alarming import Sounded, sounded, understood_share
from cunyi.reasoning.asking import rank_examinations, rank_questions
from cunyi.reasoning.care_steps import care_step
from cunyi.reasoning.danger import must_exclude
from cunyi.reasoning.departments import choose_departments
from cunyi.reasoning.differential import rank
from cunyi.reasoning.evidence import gather
from cunyi.reasoning.measuring import Person, critical_values
from cunyi.reasoning.naming import name_weights
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import Reception, receive, refused_values
from cunyi.reasoning.referring import propose_referral, reasons_to_refer
from cunyi.reasoning.resembling import resemble
from cunyi.reasoning.triage import judge
from cunyi.version import ENGINE_VERSION


def assess(case: Case | Mapping[str, Any], knowledge: Knowledge, now: datetime | None = None) -> Assessment:
    """Assesses a case (a dict of the case format, or a `Case`).

    `now` gives the month for seasonal priors where the case does not say one; without either there is no season.
    UserError names a field that cannot be used.
    """
    if not isinstance(case, Case):
        case = parse_case(case)
    _check_ids(case, knowledge)
    if case.month is None and now is not None:
        case = msgspec.structs.replace(case, month=now.month)
    reception = receive(case, knowledge)
    presentation = reception.presentation
    evidence = gather(
        presentation,
        reception.explicit,
        knowledge.likelihoods,
        knowledge.content.findings,
        knowledge.settings.possible_weight,
    )
    resemblance = resemble(reception.written, knowledge)
    differential = rank(
        presentation,
        evidence,
        knowledge.likelihoods,
        knowledge.settings,
        _candidates(case, knowledge),
        None if resemblance is None else resemblance.score,
        name_weights(reception.named, evidence, knowledge.settings),
    )
    alarm = _heard(case, reception, knowledge)
    triage = judge(presentation, evidence, differential, knowledge, alarm)
    excluded = must_exclude(differential, evidence, triage, knowledge)
    questions = rank_questions(presentation, differential, knowledge)
    examinations = rank_examinations(
        differential, [r.disease for r in excluded], knowledge, knowledge.settings.shown["examinations"]
    )
    person = Person(presentation.sex, presentation.age_years, presentation.pregnant)
    departments = choose_departments(reception.written, presentation, differential, triage, knowledge)
    to_refer = reasons_to_refer(presentation, differential, triage, knowledge)
    understood = bool(reception.mentions or reception.readings or case.findings)
    critical = critical_values(reception.readings, knowledge.content.items, person)
    return Assessment(
        id=case.id,
        triage=explaining.triage_result(triage, knowledge),
        something_else=round(differential.something_else, 4),
        case_mix=knowledge.settings.case_mix,
        differential=explaining.candidates(
            differential, evidence, presentation, resemblance, reception.named, knowledge
        ),
        must_exclude=explaining.exclusions(excluded, differential, knowledge),
        critical_values=explaining.critical_values_found(critical),
        department=departments.county,
        township_department=departments.township,
        care_step=care_step(triage, to_refer, knowledge, understood=understood),
        referral=propose_referral(to_refer),
        questions=explaining.questions(questions, triage, presentation, knowledge),
        examinations=explaining.examinations(examinations, knowledge),
        advice=explaining.advice(triage, excluded, differential, knowledge),
        findings=explaining.findings_shown(reception, knowledge),
        readings=explaining.readings_shown(reception, knowledge),
        conflicts=explaining.conflicts_shown(presentation, knowledge),
        refused=refused_values(case, knowledge),
        knowledge_version=knowledge.version,
        engine_version=ENGINE_VERSION,
    )


def _heard(case: Case, reception: Reception, knowledge: Knowledge) -> Sounded | None:
    """What a case sounds like: in own words always, in a doctor's where little of them was understood."""
    if not case.own_words:
        spans = [*(fact.span for fact in reception.mentions), *(reading.span for reading in reception.readings)]
        if understood_share(case, spans) > knowledge.settings.spoken_alarm.little_understood:
            return None
    return sounded(reception.written, knowledge)


def _check_ids(case: Case, knowledge: Knowledge) -> None:
    for index, fact in enumerate(case.findings):
        if fact.finding not in knowledge.content.findings:
            raise UserError(
                f"知识库里没有征象 {fact.finding}；用 cunyi knowledge list 查看", field=f"findings[{index}].finding"
            )
    for index, disease in enumerate(case.candidates):
        if disease not in knowledge.content.diseases:
            raise UserError(f"知识库里没有疾病 {disease}；用 cunyi knowledge list 查看", field=f"candidates[{index}]")
    for index, reading in enumerate(case.previous):
        if reading.item not in knowledge.content.items:
            raise UserError(f"知识库里没有项目 {reading.item}", field=f"previous[{index}].item")


def _candidates(case: Case, knowledge: Knowledge) -> NDArray[np.bool_] | None:
    if not case.candidates:
        return None
    wanted = np.zeros(len(knowledge.likelihoods.disease_ids), dtype=np.bool_)
    for disease in case.candidates:
        wanted[knowledge.likelihoods.disease_index[disease]] = True
    return wanted
