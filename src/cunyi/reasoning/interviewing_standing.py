"""Where an interview stands: its case as the engine sees it, what was told, what may still be asked."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cunyi.domain.case import Case
from cunyi.domain.finding import Fact, Status
from cunyi.domain.interview import Informant, Interview, Question, Topic
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.conditions import evaluate, undecided_findings
from cunyi.knowledge.interviews import BACKGROUND_TOPICS, Asked
from cunyi.reasoning.asking import is_open
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.interviewing_case import text_fields
from cunyi.reasoning.interviewing_plan import Plan
from cunyi.reasoning.interviewing_questions import EARLY, FIXED, Listener, can_have, written_question
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.resolving import is_current
from cunyi.reasoning.triage import Triage

REVIEW = "review"
"""The id of the question about what everybody is asked."""
_COMPLAINT_KINDS = frozenset({"symptom", "sign", "exposure", "history"})


class Standing(msgspec.Struct):
    """Where an interview stands (问诊现状): its case, what that means, and what was asked already."""

    interview: Interview
    case: Case
    presentation: Presentation
    mentions: tuple[Fact, ...]
    differential: Differential
    triage: Triage
    listener: Listener
    knowledge: Knowledge
    plan: Plan
    background: dict[str, Question | None] = {}
    """Background questions as they are put now, filled when first needed."""

    @property
    def asked(self) -> frozenset[str]:
        """The ids of the questions that were answered."""
        return frozenset(answer.question.id for answer in self.interview.answers)

    def count(self, topic: Topic | None = None, priority: str | None = None) -> int:
        """How many answers there are, of one topic or for one reason."""
        return sum(
            (topic is None or a.question.topic == topic) and (priority is None or a.question.priority == priority)
            for a in self.interview.answers
        )


def settled_findings(interview: Interview) -> frozenset[str]:
    """The findings that some answered question was about, whatever was answered. Whoever picks the worst of a list has not denied the
    rest of it."""
    return frozenset(
        finding
        for answer in interview.answers
        for option in answer.question.options
        if answer.question.id != "menu" or option.id in answer.chosen
        for finding in (*option.findings, *option.absent)
    )


def complaints(standing: Standing) -> list[str]:
    """The present findings that the person came with, in the order they were told. Where none was understood, those of what everybody
    is asked for that are there."""
    presentation = standing.presentation
    found = {fact.finding: None for fact, _ in _told(standing)}
    menu = standing.interview.answer_to("menu")
    if menu is not None:
        for option in menu.question.options:
            if option.id in menu.chosen:
                found.update(dict.fromkeys(option.findings))
    if not found:
        found = dict.fromkeys(_found_by_asking(standing.interview))
    return [finding for finding in found if presentation.status(finding) == Status.PRESENT]


def _found_by_asking(interview: Interview) -> Iterator[str]:
    for answer in interview.answers:
        question = answer.question
        if question.id == REVIEW or (question.topic == Topic.DANGER and not question.complaints):
            for option in question.options:
                if answer.statuses.get(option.id) == Status.PRESENT:
                    yield from option.findings


def is_heard(standing: Standing) -> bool:
    """Whether anything of what is wrong was understood or found."""
    present = any(fact.status == Status.PRESENT for fact in standing.mentions)
    return present or bool(complaints(standing))


def _told(standing: Standing) -> list[tuple[Fact, int]]:
    """The findings of the person's own words of complaint with where they begin, in that order."""
    findings = standing.knowledge.content.findings
    told = [
        (fact, fact.span.start)
        for fact in standing.mentions
        if fact.span is not None
        and fact.span.field == "chief_complaint"
        and fact.status == Status.PRESENT
        and is_current(fact, findings)
        and findings[fact.finding].kind in _COMPLAINT_KINDS
    ]
    return sorted(told, key=lambda pair: pair[1])


def own_words(finding: str, standing: Standing) -> str | None:
    """The person's own words for a finding of the complaint; None where it was chosen from the list."""
    for fact, _ in _told(standing):
        if fact.finding == finding and fact.span is not None:
            return standing.case.chief_complaint[fact.span.start : fact.span.end]
    return None


def told_in_words(standing: Standing) -> bool:
    """Whether the answer to the very first question named a complaint."""
    _, pieces = text_fields(standing.interview)
    first = next((piece for piece in pieces if piece.question == "complaint"), None)
    return first is not None and any(first.start <= start < first.end for _, start in _told(standing))


def can_ask(finding: str, standing: Standing) -> bool:
    """Whether a villager can be asked for a finding now: open, fit for this person, not asked before."""
    plan, presentation, knowledge = standing.plan, standing.presentation, standing.knowledge
    if finding not in plan.askable or finding in standing.listener.settled:
        return False
    if not is_open(finding, presentation, knowledge) or not can_have(finding, presentation, knowledge):
        return False
    if not is_fitting(finding, standing):
        return False
    years = presentation.age_years
    if finding in plan.for_children and not _is_child(years, standing):
        return False
    if years is not None and years < plan.told_from.get(finding, 0):
        return False
    return finding not in plan.background_of or background_for(finding, standing) is not None


def is_fitting(finding: str, standing: Standing) -> bool:
    """Whether what a finding supposes is there (a lump that could be stuck) and nothing that was told is its contrary."""
    plan, presentation = standing.plan, standing.presentation
    premise = plan.premises.get(finding)
    if premise is not None and not evaluate(premise, presentation):
        return False
    return all(presentation.status(told) != Status.PRESENT for told in plan.contrary.get(finding, ()))


def asked_before(finding: str, standing: Standing) -> list[str]:
    """What has to be known before a finding can be asked for; nothing where its premise holds, or cannot."""
    premise = standing.plan.premises.get(finding)
    if premise is None or evaluate(premise, standing.presentation) is not None:
        return []
    return undecided_findings(premise, standing.presentation)


def _is_child(years: float | None, standing: Standing) -> bool:
    if years is None:
        return standing.listener.informant == Informant.CHILD
    return years < standing.knowledge.settings.child_years


def background_questions(standing: Standing) -> Iterator[Question]:
    """Past illnesses, drugs, allergies, pregnancy, habits, work and family, as far as they are open."""
    for written in standing.plan.words.background:
        question = background_question(written, standing)
        if question is not None:
            yield question


def background_question(written: Asked, standing: Standing) -> Question | None:
    """A background question as it is put now; None where it was answered or is not for this person."""
    if written.id not in standing.background:
        standing.background[written.id] = (
            None
            if written.id in standing.asked
            else written_question(written, standing.listener, standing.knowledge, standing.plan)
        )
    return standing.background[written.id]


def background_for(finding: str, standing: Standing) -> Question | None:
    """The open background question that asks this person for a finding; put before its turn."""
    for written in standing.plan.background_of.get(finding, ()):
        question = background_question(written, standing)
        if question is not None and any(finding in (*o.findings, *o.absent) for o in question.options):
            return msgspec.structs.replace(question, priority=EARLY)
    return None


def in_background(standing: Standing) -> bool:
    """Whether the background is being asked already, so that nothing goes back to symptoms."""
    return any(
        a.question.topic in BACKGROUND_TOPICS and a.question.priority == FIXED for a in standing.interview.answers
    )
