"""What nobody asked in an interview: danger signs of the complaints that could still be there, parts of the background."""

from __future__ import annotations

from collections.abc import Iterator

from cunyi.domain.finding import Status
from cunyi.domain.interview import Interview
from cunyi.domain.presentation import Presentation
from cunyi.domain.record_draft import Gap, NotAsked
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.conditions import evaluate, undecided_findings
from cunyi.knowledge.model import RedFlag
from cunyi.reasoning.interviewing_case import case_of_interview
from cunyi.reasoning.interviewing_questions import is_for
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.reasoning.summarising_words import RecordWords


def not_asked(interview: Interview, knowledge: Knowledge, words: RecordWords) -> Iterator[NotAsked]:
    """Undecided danger signs, the gravest first and each finding once, then the background by topic."""
    presentation = receive(case_of_interview(interview, knowledge), knowledge).presentation
    told = {
        finding
        for answer in interview.answers
        for option in answer.question.options
        for finding in (*option.findings, *option.absent)
    }
    limits, shown = words.written.limits, 0
    for flag in _undecided(presentation, knowledge):
        open_findings = [
            finding
            for finding in undecided_findings(flag.when, presentation)
            if finding not in told and _can_be_asked(finding, presentation, knowledge)
        ][: limits.signs]
        if not open_findings or shown == limits.dangers:
            continue
        told.update(open_findings)
        shown += 1
        names = "、".join(words.name(finding) for finding in open_findings)
        english = ", ".join(knowledge.content.findings[finding].name_en for finding in open_findings)
        yield NotAsked(
            kind=Gap.DANGER,
            text=words.sentence("not_asked", flag=flag.name, what=names),
            text_en=f"{flag.name_en}: {english}",
            findings=tuple(open_findings),
        )
    yield from _background(interview, presentation, knowledge, words)


def _can_be_asked(finding: str, presentation: Presentation, knowledge: Knowledge) -> bool:
    """Whether a question would settle it: nothing is known of it, it is no matter of examining, this patient can have it."""
    known, plan = knowledge.content.findings[finding], knowledge.interviewing
    if known.obtain != "ask" or not known.ask or presentation.status(finding) != Status.UNKNOWN:
        return False
    if known.sex is not None and presentation.sex is not None and known.sex != presentation.sex:
        return False
    years = presentation.age_years
    of_a_child = plan is not None and finding in plan.for_children
    return not of_a_child or years is None or years < knowledge.settings.child_years


def _undecided(presentation: Presentation, knowledge: Knowledge) -> list[RedFlag]:
    flags: dict[str, RedFlag] = {}
    for finding, fact in presentation.facts.items():
        if fact.status == Status.PRESENT:
            for flag in knowledge.flags_of_complaint.get(finding, ()):
                if evaluate(flag.when, presentation) is None:
                    flags[flag.id] = flag
    return sorted(flags.values(), key=lambda flag: (-TriageLevel.from_code(flag.triage), flag.id))


def _background(
    interview: Interview, presentation: Presentation, knowledge: Knowledge, words: RecordWords
) -> Iterator[NotAsked]:
    asked = {answer.question.topic for answer in interview.answers}
    written = knowledge.content.interview.background if knowledge.content.interview else ()
    for topic, heading in words.written.background.items():
        wanted = any(
            question.topic == topic and question.when is None and is_for(question.only, presentation)
            for question in written
        )
        if wanted and topic not in asked:
            yield NotAsked(kind=Gap.BACKGROUND, text=heading.text, text_en=heading.text_en)
