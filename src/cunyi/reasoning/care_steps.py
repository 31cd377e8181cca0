"""The step of graded care: what the village can do, what a township or a county hospital must see, and why."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.domain.assessment import CareStep
from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.care_words import Words, say
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.referring import ReasonToRefer
from cunyi.reasoning.triage import Triage


def care_step(
    triage: Triage, reasons: Sequence[ReasonToRefer], knowledge: Knowledge, *, understood: bool = True
) -> CareStep:
    """The step for what is known: the farthest that the level of care or a reason that holds now asks for.

    Where nothing was `understood`, it says so: that the village can care for it would be a false comfort.
    """
    firm = [reason for reason in reasons if reason.firm]
    if triage.level == TriageLevel.EMERGENCY or any(reason.to == "120" for reason in firm):
        step, words = "county", say(knowledge, "emergency", why=_why(triage, firm, knowledge))
    elif firm:
        step, words = (
            max(firm, key=lambda reason: reason.gravity).to,
            say(knowledge, "referral", why=_why(triage, firm, knowledge)),
        )
    elif triage.level == TriageLevel.URGENT:
        step, words = "township", say(knowledge, "urgent", why=_why(triage, firm, knowledge))
    elif not understood:
        step, words = "village", say(knowledge, "unknown")
    elif triage.provisional:
        step, words = "village", say(knowledge, "asking")
    elif reasons:
        step, words = (
            "village",
            say(knowledge, "later", why=reasons[0].usual or (reasons[0].reason, reasons[0].reason_en)),
        )
    else:
        step, words = "village", say(knowledge, "village")
    return CareStep(step=step, reason=words[0], reason_en=words[1], provisional=triage.provisional or not understood)


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
