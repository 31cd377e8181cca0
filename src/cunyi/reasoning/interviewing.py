"""The door of the interview: from what was answered so far to the next question, or to the end. Pure and deterministic."""

from __future__ import annotations

import msgspec

from cunyi.domain.errors import KnowledgeError
from cunyi.domain.interview import Answer, Care, Finish, FirstAid, Informant, Interview, Question, Step, Topic
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.conditions import asked_findings, evaluate
from cunyi.knowledge.interviews import BACKGROUND_TOPICS, PROVISIONAL, UNHEARD, Aid
from cunyi.reasoning import interviewing_order as order
from cunyi.reasoning.alarming import sounded
from cunyi.reasoning.differential import rank
from cunyi.reasoning.evidence import gather
from cunyi.reasoning.interviewing_case import Piece, case_of_interview, text_fields
from cunyi.reasoning.interviewing_questions import FIXED, GAIN, Listener, person_of
from cunyi.reasoning.interviewing_standing import (
    REVIEW,
    Standing,
    background_questions,
    complaints,
    in_background,
    is_heard,
    settled_findings,
)
from cunyi.reasoning.naming import name_weights
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.reasoning.resembling import resemble
from cunyi.reasoning.triage import judge

__all__ = ["Piece", "answered", "case_of_interview", "next_step", "text_fields"]


def next_step(interview: Interview, knowledge: Knowledge) -> Step:
    """What comes next in an interview: one question, or the end with the level of care.

    An emergency ends it at once, whatever else is open; what only sounds like one, when the danger signs are asked. KnowledgeError where
    the knowledge has no interview.
    """
    standing = stand(interview, knowledge)
    asked = len(interview.answers)
    is_emergency = standing.triage.level == TriageLevel.EMERGENCY
    is_only_heard = standing.triage.alarm is not None
    if interview.stopped or (is_emergency and not is_only_heard):
        finish = Finish.EMERGENCY if is_emergency else Finish.STOPPED
        return Step(finish=finish, care=_care(standing), asked=asked)
    question = _danger_first(standing) if is_emergency else _next_question(standing)
    if question is not None:
        return Step(question=question, asked=asked, most_left=_most_left(question, standing))
    if is_emergency:
        return Step(finish=Finish.EMERGENCY, care=_care(standing), asked=asked)
    limited = standing.count(priority=GAIN) >= standing.plan.words.rules.most_gain
    return Step(finish=Finish.LIMIT if limited else Finish.ENOUGH, care=_care(standing), asked=asked)


def answered(interview: Interview, answer: Answer, knowledge: Knowledge) -> Interview:
    """The interview with one answer more, or with an earlier one replaced.

    After a correction the other answers stay, but for those that make no sense any more: a follow-up of something that is not
    there, a question that is not for a person of this sex or age, the list of complaints where words now name one.
    """
    position = next((i for i, known in enumerate(interview.answers) if known.question.id == answer.question.id), None)
    if position is None:
        return msgspec.structs.replace(interview, answers=(*interview.answers, answer))
    answers = (*interview.answers[:position], answer, *interview.answers[position + 1 :])
    return sensible(msgspec.structs.replace(interview, answers=answers), knowledge)


def sensible(interview: Interview, knowledge: Knowledge) -> Interview:
    """An interview without the answers that no longer fit the others."""
    while True:
        standing = stand(interview, knowledge)
        kept = tuple(answer for answer in interview.answers if order.makes_sense(answer.question, standing))
        if len(kept) == len(interview.answers):
            return interview
        interview = msgspec.structs.replace(interview, answers=kept)


def stand(interview: Interview, knowledge: Knowledge) -> Standing:
    """Where an interview stands: what its answers mean to the engine."""
    plan = knowledge.interviewing
    if plan is None:
        raise KnowledgeError("知识库里没有预问诊（knowledge/interview），请更新知识库")
    case = case_of_interview(interview, knowledge)
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
    wording = None if resemblance is None else resemblance.score
    named = name_weights(reception.named, evidence, knowledge.settings)
    differential = rank(presentation, evidence, knowledge.likelihoods, knowledge.settings, None, wording, named)
    return Standing(
        interview=interview,
        case=case,
        presentation=presentation,
        mentions=reception.mentions,
        differential=differential,
        triage=judge(presentation, evidence, differential, knowledge, sounded(reception.written, knowledge)),
        listener=Listener(
            person=person_of(interview.informant, presentation.age_years, plan),
            informant=interview.informant,
            presentation=presentation,
            settled=settled_findings(interview),
        ),
        knowledge=knowledge,
        plan=plan,
    )


def _danger_first(standing: Standing) -> Question | None:
    return order.person_question(standing) or order.complaint_question(standing) or order.danger_question(standing)


def _next_question(standing: Standing) -> Question | None:
    return (
        _danger_first(standing)
        or order.follow_up_question(standing)
        or order.gain_question(standing)
        or order.review_question(standing)
        or next(background_questions(standing), None)
        or order.more_question(standing)
    )


def _most_left(question: Question, standing: Standing) -> int:
    """How many questions there can be at most after this one."""
    rules = standing.plan.words.rules
    background = sum(1 for _ in background_questions(standing)) - (question.topic in BACKGROUND_TOPICS)
    gain = 0 if in_background(standing) else max(0, rules.most_gain - standing.count(priority=GAIN))
    follow_ups = min(
        sum(1 for _ in order.follow_ups(standing)), rules.most_follow_ups - standing.count(topic=Topic.COURSE)
    )
    danger = max(0, rules.most_danger - order.danger_asked(standing))
    more = (REVIEW not in standing.asked) + ("more" not in standing.asked)
    stages = {
        Topic.PERSON: danger + rules.most_follow_ups + gain + background + more + 1,
        Topic.COMPLAINT: danger + rules.most_follow_ups + gain + background + more,
        Topic.DANGER: danger - 1 + max(0, follow_ups) + gain + background + more,
        Topic.COURSE: max(0, follow_ups) - 1 + gain + background + more,
        Topic.SYMPTOM: gain - 1 + background + more,
        Topic.MORE: 0,
    }
    if question.topic in BACKGROUND_TOPICS:
        return background + more + (0 if question.priority == FIXED else gain)
    return max(0, stages[question.topic])


def _care(standing: Standing) -> Care:
    """The level of care as a villager is told it. A mild level that is not sure yet says only to let the doctor see."""
    words, triage = standing.plan.words, standing.triage
    provisional = triage.provisional or not complaints(standing)
    mild = triage.level == TriageLevel.SELF_CARE
    unsure = PROVISIONAL if is_heard(standing) else UNHEARD
    shown = words.levels[unsure if provisional and mild else triage.level.code]
    for_another = standing.interview.informant is not Informant.SELF
    return Care(
        level=triage.level.code,
        provisional=provisional,
        title=shown.title,
        title_en=shown.title_en,
        text=(for_another and shown.for_another) or shown.text,
        text_en=(for_another and shown.for_another_en) or shown.text_en,
        first_aid=_first_aid(standing) if triage.level == TriageLevel.EMERGENCY else (),
    )


def _first_aid(standing: Standing) -> tuple[FirstAid, ...]:
    """What fits the leading reason of this emergency, then what else fits it in the authors' order, then what holds for every one.

    What another line forbids (to sit up after a fall) is left out.
    """
    plan, presentation = standing.plan, standing.presentation
    leading = _leading_findings(standing)

    def place(aid: Aid) -> int:
        condition = plan.aid_conditions.get(aid.id)
        if condition is None:
            return 2
        return 0 if leading.intersection(leaf.finding for leaf in asked_findings(condition)) else 1

    fitting = [
        aid
        for aid in plan.words.first_aid
        if aid.id not in plan.aid_conditions or evaluate(plan.aid_conditions[aid.id], presentation)
    ]
    ids = {aid.id for aid in fitting}
    shown = [aid for aid in sorted(fitting, key=place) if ids.isdisjoint(aid.not_with)]
    return tuple(
        FirstAid(text=aid.text, text_en=aid.text_en, sources=aid.sources)
        for aid in shown[: plan.words.rules.first_aid_shown]
    )


def _leading_findings(standing: Standing) -> set[str]:
    """The present findings that the first red flag of the level rests on; none where no flag gives it."""
    flag = next((raised.flag for raised in standing.triage.flags if raised.level == standing.triage.level), None)
    if flag is None:
        return set()
    return {leaf.finding for leaf in asked_findings(flag.when)} & standing.presentation.present
