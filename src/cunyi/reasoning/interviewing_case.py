"""From an interview to a case: what was answered as structured facts, what was written as the text fields of a case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from cunyi.domain.case import Case, Sex
from cunyi.domain.finding import Fact, Onset, Origin, Severity, Status, When, Who
from cunyi.domain.interview import Answer, Interview, QuestionKind, Slot
from cunyi.reasoning.prepared import Knowledge
from cunyi.text.reader import read_case

_FIELD_OF = {
    Slot.CHIEF_COMPLAINT: "chief_complaint",
    Slot.PRESENT_ILLNESS: "history_of_present_illness",
    Slot.TAKEN: "history_of_present_illness",
    Slot.COURSE: "history_of_present_illness",
    Slot.BETTER: "history_of_present_illness",
    Slot.WORSE: "history_of_present_illness",
    Slot.PAST_HISTORY: "past_history",
    Slot.PERSONAL_HISTORY: "personal_history",
    Slot.FAMILY_HISTORY: "family_history",
}
_BETWEEN = "。"
_NAMES = re.compile(r"[，,、；;。\s和]+")
_MONTHS_A_YEAR = 12


class Piece(NamedTuple):
    """Where an answer's own words stand in the case (原话位置): field and code points, end exclusive."""

    question: str
    field: str
    start: int
    end: int


class Said(NamedTuple):
    """What the answers to one interview say, before the free text is read (所答)."""

    statuses: dict[str, Status]
    onset: dict[str, Onset]
    severity: dict[str, Severity]
    days: dict[str, float]


def text_fields(interview: Interview) -> tuple[dict[str, str], tuple[Piece, ...]]:
    """The texts of the case made of the person's own words, and which words came from which answer."""
    texts: dict[str, str] = {}
    pieces: list[Piece] = []
    for answer in interview.answers:
        field = _FIELD_OF.get(answer.question.slot) if answer.question.slot is not None else None
        if field is None or not answer.text:
            continue
        before = texts.get(field, "")
        start = len(before) + len(_BETWEEN) if before else 0
        texts[field] = f"{before}{_BETWEEN}{answer.text}" if before else answer.text
        pieces.append(Piece(answer.question.id, field, start, start + len(answer.text)))
    return texts, tuple(pieces)


def said(interview: Interview) -> Said:
    """The statuses of findings and what was said of the main complaint. A yes stays a yes whatever is said after it."""
    statuses: dict[str, Status] = {}
    onset: dict[str, Onset] = {}
    severity: dict[str, Severity] = {}
    days: dict[str, float] = {}
    for answer in interview.answers:
        for finding, status in _statuses(answer):
            if statuses.get(finding) != Status.PRESENT:
                statuses[finding] = status
        about = answer.question.about
        if about is None or answer.unknown:
            continue
        if answer.days is not None:
            days[about] = answer.days
        for chosen in answer.chosen:
            option = answer.question.option(chosen)
            if option is not None and option.onset is not None:
                onset[about] = option.onset
            if option is not None and option.severity is not None:
                severity[about] = option.severity
    return Said(statuses, onset, severity, days)


def _statuses(answer: Answer) -> list[tuple[str, Status]]:
    found: list[tuple[str, Status]] = []
    asked = answer.question.kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL)
    for option in answer.question.options:
        if asked:
            status = Status.UNKNOWN if answer.unknown else answer.statuses.get(option.id, Status.UNKNOWN)
            found += [(finding, status) for finding in option.findings]
        elif option.id in answer.chosen:
            found += [(finding, Status.ABSENT) for finding in option.absent]
            found += [(finding, Status.PRESENT) for finding in option.findings]
    return found


def case_of_interview(interview: Interview, knowledge: Knowledge) -> Case:
    """The case of an interview, for `assess`. Denied findings are absent, 不清楚 is unknown, own words are the text fields.

    Own words that say something is there count more than an earlier no or not sure.
    """
    texts, _ = text_fields(interview)
    answers = said(interview)
    bare = Case(
        sex=sex_of(interview),
        age_years=age_of(interview),
        medications=_names(interview, Slot.MEDICATIONS),
        allergies=_names(interview, Slot.ALLERGIES),
        pregnant=_pregnant(interview, answers.statuses),
        month=interview.month,
        own_words=True,
    )
    bare = msgspec.structs.replace(bare, **texts)
    mentions = read_case(bare, knowledge.language).facts if texts else ()
    written = {fact.finding: fact for fact in reversed(mentions) if _is_there(fact)}
    mentioned = {fact.finding for fact in mentions}
    facts = []
    for finding, status in answers.statuses.items():
        if status != Status.PRESENT and (finding in written or (status == Status.UNKNOWN and finding in mentioned)):
            continue
        facts.append(_fact(Fact(finding=finding, status=status), answers))
    about = {*answers.onset, *answers.severity, *answers.days}
    facts += [_fact(written[f], answers) for f in written if f in about and answers.statuses.get(f) != Status.PRESENT]
    return msgspec.structs.replace(bare, findings=tuple(facts))


def _is_there(fact: Fact) -> bool:
    return fact.status == Status.PRESENT and fact.who == Who.PATIENT and fact.when == When.NOW


def _fact(fact: Fact, answers: Said) -> Fact:
    """A fact as stated, with what was said of it besides; words add to answers and answers to words."""
    if fact.status == Status.PRESENT:
        fact = msgspec.structs.replace(
            fact,
            onset=answers.onset.get(fact.finding, fact.onset),
            severity=answers.severity.get(fact.finding, fact.severity),
            duration_days=answers.days.get(fact.finding, fact.duration_days),
        )
    return msgspec.structs.replace(fact, origin=Origin.STATED)


def sex_of(interview: Interview) -> Sex | None:
    """The sex that was known or answered."""
    if interview.sex is not None:
        return interview.sex
    for answer in interview.answers:
        if answer.question.slot == Slot.SEX and answer.chosen:
            return Sex(answer.chosen[0])
    return None


def age_of(interview: Interview) -> float | None:
    """The age in years that was known or answered; months make a baby's age exact."""
    if interview.age_years is not None:
        return interview.age_years
    numbers = {a.question.slot: a.number for a in interview.answers if a.number is not None}
    years, months = numbers.get(Slot.AGE_YEARS), numbers.get(Slot.AGE_MONTHS)
    if years is None:
        return None
    return years + (months or 0) / _MONTHS_A_YEAR if years < 1 else years


def _pregnant(interview: Interview, statuses: Mapping[str, Status]) -> bool | None:
    if sex_of(interview) == Sex.MALE:
        return False
    if interview.pregnant is not None:
        return interview.pregnant
    return {Status.PRESENT: True, Status.ABSENT: False}.get(statuses.get("pregnancy", Status.UNKNOWN))


def _names(interview: Interview, slot: Slot) -> tuple[str, ...]:
    return tuple(
        name
        for answer in interview.answers
        if answer.question.slot == slot and answer.text
        for name in _NAMES.split(answer.text)
        if name
    )
