"""The step of graded care: what the village can do, what a township or a county hospital must see, and why."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.domain.assessment import CareStep
from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.referring import ReasonToRefer
from cunyi.reasoning.triage import Triage

REASONS = (
    *("emergency", "referral", "urgent", "village", "later", "asking"),
    *("diseases", "words", "child", "pregnant", "first_emergency", "first_emergency_alone", "stands_in"),
)
"""What the knowledge base must have words for."""

Words = tuple[str, str]
"""The same words in Chinese and in English."""


def say(knowledge: Knowledge, key: str, **slots: Words) -> Words:
    """A reason in words; empty where the knowledge base has none."""
    if knowledge.content.care_words is None:
        return "", ""
    text, text_en = knowledge.content.care_words.reasons[key]
    return (
        text.format(**{name: words[0] for name, words in slots.items()}),
        text_en.format(**{name: words[1] for name, words in slots.items()}),
    )


def care_step(triage: Triage, reasons: Sequence[ReasonToRefer], knowledge: Knowledge) -> CareStep:
    """The step for what is known: the farthest that the level of care or a reason that holds now asks for."""
    firm = [reason for reason in reasons if reason.firm]
    if triage.level == TriageLevel.EMERGENCY or any(reason.to == "120" for reason in firm):
        step, words = "county", say(knowledge, "emergency", why=_why(triage, firm, knowledge))
    elif firm:
        step, words = firm[0].to, say(knowledge, "referral", why=_why(triage, firm, knowledge))
    elif triage.level == TriageLevel.URGENT:
        step, words = "township", say(knowledge, "urgent", why=_why(triage, firm, knowledge))
    elif triage.provisional:
        step, words = "village", say(knowledge, "asking")
    elif reasons:
        step, words = "village", say(knowledge, "later", why=(reasons[0].reason, reasons[0].reason_en))
    else:
        step, words = "village", say(knowledge, "village")
    return CareStep(step=step, reason=words[0], reason_en=words[1], provisional=triage.provisional)


def _why(triage: Triage, firm: Sequence[ReasonToRefer], knowledge: Knowledge) -> Words:
    for raised in triage.flags:
        if raised.level == triage.level >= TriageLevel.URGENT:
            return raised.flag.why, raised.flag.why_en
    if firm:
        return firm[0].reason, firm[0].reason_en
    if triage.alarm is not None:
        return triage.alarm.said(knowledge)
    for column in triage.diseases[:1]:
        disease = knowledge.diseases[column]
        return disease.name, disease.name_en
    return "", ""
