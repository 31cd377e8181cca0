"""What a sentence denies although it stands on the person's lists: shown to the doctor, and never told to a hospital as a fact."""

from __future__ import annotations

from typing import Any

import msgspec

from cunyi.domain.case import Case
from cunyi.domain.finding import Status
from cunyi.domain.interview import Slot
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive


class OnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the lists of a record name (档案所记), as it is written there."""

    problems: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    medications: tuple[str, ...] = ()


def contradicted_by(field: str, text: str, record: OnRecord, knowledge: Knowledge) -> tuple[str, ...]:
    """The names on the record that a sentence in a field of the case denies; none where it denies nothing of them."""
    said: dict[str, Any] = {field: text}
    denied = _findings(Case(**said), Status.ABSENT, knowledge)
    if not denied:
        return ()
    listed = [(name, Case(problems=(name,))) for name in record.problems]
    listed += [(name, Case(medications=(name,))) for name in record.medications]
    found = [name for name, case in listed if denied & _findings(case, Status.PRESENT, knowledge)]
    found += [name for name in record.allergies if denied & _findings_of_allergy(name, knowledge)]
    return tuple(dict.fromkeys(found))


def _findings(case: Case, status: Status, knowledge: Knowledge) -> set[str]:
    facts = receive(case, knowledge).presentation.facts
    return {finding for finding, fact in facts.items() if fact.status is status}


def _findings_of_allergy(name: str, knowledge: Knowledge) -> set[str]:
    """What an interview's question about allergies would have had to say of this one; every answer where it is not known which."""
    interview, rules = knowledge.content.interview, knowledge.content.formulary.rules
    asked = interview.background if interview else ()
    answers = {
        finding
        for question in asked
        if question.slot is Slot.ALLERGIES
        for option in question.options
        for finding in option.findings
    }
    said = name + next(iter(rules.allergy_words), "") if rules else name
    return answers & _findings(Case(past_history=said), Status.PRESENT, knowledge) or answers
