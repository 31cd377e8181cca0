"""A follow-up visit with as little typing as it can have: the form filled from the programme and the last visit."""

from __future__ import annotations

from datetime import date, timedelta

from cunyi.domain.encounter import Certainty
from cunyi.journeys.opening_record import PersonRecord
from cunyi.knowledge.follow_ups import FollowUp
from cunyi.reasoning.prepared import Knowledge

_CARRIED_DAYS = 120


def programme_of(name: str, knowledge: Knowledge) -> FollowUp | None:
    """A programme by id."""
    return knowledge.content.follow_ups.get(name)


def first_fields(record: PersonRecord, name: str, knowledge: Knowledge, today: date) -> dict[str, list[str]]:
    """The fields of a follow-up's form; empty where `name` is no programme.

    Long-term drugs and those of the last visits are carried over for the doctor to look at, never signed by themselves.
    """
    programme = programme_of(name, knowledge)
    if programme is None:
        return {}
    disease = knowledge.content.diseases[programme.disease]
    fields: dict[str, list[str]] = {
        "follow_up": [programme.id],
        "chief_complaint": [programme.name],
        "diagnosis_name": [disease.name],
        "diagnosis_certainty": [Certainty.CONFIRMED],
        "diagnosis_chronic": ["yes"],
        "next_visit_on": [(today + timedelta(days=programme.interval_days)).isoformat()],
        "next_visit_reason": [programme.name],
    }
    if record.prescribed:
        last = record.prescribed[0].at
        carried = [each for each in record.prescribed if each.at == last]
        if (today - last.date()).days <= _CARRIED_DAYS:
            fields["plan"] = ["继续用药：" + "；".join(f"{each.drug} {each.usage}".strip() for each in carried)]
    return fields
