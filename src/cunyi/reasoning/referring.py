"""Whether, where to and how soon to refer: from red flags, criteria and the likely diseases."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from cunyi.domain.assessment import ReferralProposed
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import REFERRAL_DEADLINES, REFERRAL_TARGETS, TriageLevel
from cunyi.knowledge.conditions import evaluate
from cunyi.reasoning.care_words import say
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.triage import Triage

_WEEKS = REFERRAL_DEADLINES[-1]
"""A referral that is planned."""


class ReasonToRefer(msgspec.Struct, frozen=True):
    """One reason to refer, where to and how soon (转诊理由). `firm`: it holds now; else it says when to refer later on."""

    to: str
    within: str | None
    reason: str
    reason_en: str
    sources: tuple[str, ...]
    firm: bool
    usual: tuple[str, str] | None = None
    """When the disease is referred in general, in both languages: nothing that was found of this patient."""
    only_then: bool = False
    """It refers only in those cases and nobody has said that one of them holds: no reason of its own."""
    reaches_level: bool = False
    """What it names is why the level of care is what it is."""

    @property
    def gravity(self) -> tuple[int, int]:
        """Farther and sooner compares greater."""
        deadline = len(REFERRAL_DEADLINES) if self.within is None else REFERRAL_DEADLINES.index(self.within)
        return REFERRAL_TARGETS.index(self.to), -deadline


def reasons_to_refer(
    presentation: Presentation, differential: Differential, triage: Triage, knowledge: Knowledge
) -> list[ReasonToRefer]:
    """Every reason of red flags, of criteria and of the likely diseases, the farthest and soonest first; in an emergency its own first,
    and none that can wait for weeks."""
    reasons = [
        ReasonToRefer(
            r.flag.referral.to,
            r.flag.referral.within,
            r.flag.why,
            r.flag.why_en,
            r.flag.sources,
            firm=True,
            reaches_level=r.level == triage.level,
        )
        for r in triage.flags
        if r.flag.referral is not None
    ]
    reasons += [
        ReasonToRefer(rule.to, rule.within, rule.reason, rule.reason_en, rule.sources, firm=True)
        for rule in knowledge.referral_index.candidates(presentation)
        if evaluate(rule.when, presentation)
    ]
    if triage.alarm is not None:
        heard = knowledge.settings.spoken_alarm.levels[triage.alarm.level.code]
        text, text_en = triage.alarm.said(knowledge)
        reasons.append(ReasonToRefer(heard.to, heard.within, text, text_en, knowledge.settings.sources, firm=True))
    likely = np.flatnonzero(differential.probability >= knowledge.settings.referral_probability).tolist()
    grave = triage.diseases if triage.level >= TriageLevel.URGENT else []
    for column in dict.fromkeys([*likely, *grave[:1]]):
        disease = knowledge.diseases[column]
        to, within = disease.referral.to, disease.referral.within
        if to == "120" and triage.level < TriageLevel.EMERGENCY:
            # Only suspected: to the hospital that can exclude it, without an ambulance.
            to, within = "county", "2h"
        # What a mild disease says of when to refer is for later; a grave one is referred because it is suspected.
        later = disease.referral.when is not None and within in (_WEEKS, None)
        mild = TriageLevel.from_code(disease.triage) < TriageLevel.URGENT
        name = (disease.name, disease.name_en)
        # Nobody has looked whether what the disease is referred for in general holds: it is only suspected.
        reason, reason_en = say(knowledge, "likely_disease", name=name)
        when = disease.referral.when
        reasons.append(
            ReasonToRefer(
                to,
                within,
                reason or disease.name,
                reason_en or disease.name_en,
                disease.sources,
                firm=not (later and mild),
                usual=None
                if when is None
                else say(knowledge, "usual_reasons", name=name, when=(when, disease.name_en)),
                only_then=when is not None and within is None,
                reaches_level=column in triage.diseases,
            )
        )
    away = [reason for reason in reasons if reason.to != "village"]
    if triage.level < TriageLevel.EMERGENCY:
        return sorted(away, key=lambda reason: reason.gravity, reverse=True)
    soon = [reason for reason in away if reason.within not in (_WEEKS, None)]
    return sorted(soon, key=lambda reason: (reason.reaches_level, reason.gravity), reverse=True)


def propose_referral(reasons: Sequence[ReasonToRefer]) -> ReferralProposed:
    """The farthest and soonest that any reason asks for, with every reason that asks for a referral."""
    reasons = [reason for reason in reasons if not reason.only_then]
    if not reasons:
        return ReferralProposed(needed=False, to="village", within=None, reasons=[], sources=[])
    soonest = min((r.within for r in reasons if r.within is not None), key=REFERRAL_DEADLINES.index, default=None)
    told: dict[str, str] = {}
    for reason in reasons:
        told.setdefault(reason.reason, reason.reason_en)
    return ReferralProposed(
        needed=True,
        to=max(reasons, key=lambda reason: reason.gravity).to,
        within=soonest,
        reasons=list(told),
        sources=list(dict.fromkeys(source for reason in reasons for source in reason.sources)),
        reasons_en=list(told.values()),
    )
