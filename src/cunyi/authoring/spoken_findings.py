"""What a dialogue's words mean to the engine: findings of a question, of an option, of an answer. For the readers of dialogues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cunyi.domain.case import Case
from cunyi.domain.finding import Fact, Status, When, Who
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.resolving import resolve
from cunyi.text.reader import read_case


def findings_said(text: str, knowledge: Knowledge) -> tuple[str, ...]:
    """The findings that a label names as there (腹痛, 怕光，流泪), each once."""
    return tuple(
        dict.fromkeys(
            fact.finding
            for fact in _facts({"history_of_present_illness": text}, knowledge)
            if fact.status == Status.PRESENT and fact.who == Who.PATIENT
        )
    )


def statuses_said(text: str, knowledge: Knowledge) -> dict[str, Status]:
    """The status of each finding of this patient now that a question with its answer states (有没有喘？没有)."""
    return {
        fact.finding: fact.status
        for fact in _facts({"history_of_present_illness": text}, knowledge)
        if fact.who == Who.PATIENT and fact.when == When.NOW and fact.status in (Status.PRESENT, Status.ABSENT)
    }


def days_said(text: str, knowledge: Knowledge) -> float | None:
    """The first length of time of a text, in days."""
    found = knowledge.language.durations.find(knowledge.language.normalize(text).text)
    return found[0].days if found else None


class Findings(msgspec.Struct, frozen=True):
    """What a text states as the engine reads it (文中征象): findings present and findings absent, as they are said."""

    present: frozenset[str]
    absent: frozenset[str]


def findings_of_record(texts: Mapping[str, str], knowledge: Knowledge) -> Findings:
    """The findings that a record's fields state of this patient. What is present counts as present, whatever else is said."""
    findings = knowledge.content.findings
    facts = [fact for fact in _facts(texts, knowledge) if fact.finding in findings]
    resolved, _ = resolve(facts, (), (), findings)
    return Findings(
        frozenset(f for f, fact in resolved.items() if fact.status == Status.PRESENT),
        frozenset(f for f, fact in resolved.items() if fact.status == Status.ABSENT),
    )


def _facts(texts: Mapping[str, str], knowledge: Knowledge) -> Sequence[Fact]:
    return read_case(msgspec.structs.replace(Case(), **texts), knowledge.language).facts
