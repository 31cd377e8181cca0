"""Whether, where to and how soon to refer, and which department: from red flags, criteria and the likely diseases."""

from __future__ import annotations

import msgspec
import numpy as np

from cunyi.domain.assessment import DepartmentChosen, ReferralProposed
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import REFERRAL_DEADLINES, REFERRAL_TARGETS, TriageLevel
from cunyi.knowledge.conditions import evaluate
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.triage import Triage


class _Proposal(msgspec.Struct, frozen=True):
    to: str
    within: str | None
    reason: str
    sources: tuple[str, ...]

    @property
    def gravity(self) -> tuple[int, int]:
        deadline = len(REFERRAL_DEADLINES) if self.within is None else REFERRAL_DEADLINES.index(self.within)
        return REFERRAL_TARGETS.index(self.to), -deadline


def propose_referral(
    presentation: Presentation, differential: Differential, triage: Triage, knowledge: Knowledge
) -> ReferralProposed:
    """The farthest and soonest that any reason asks for, with every reason that asks for a referral."""
    proposals = [
        _Proposal(r.flag.referral.to, r.flag.referral.within, r.flag.why, r.flag.sources)
        for r in triage.flags
        if r.flag.referral is not None
    ]
    proposals += [
        _Proposal(rule.to, rule.within, rule.reason, rule.sources)
        for rule in knowledge.referral_index.candidates(presentation)
        if evaluate(rule.when, presentation)
    ]
    diseases = list(knowledge.content.diseases.values())
    likely = np.flatnonzero(differential.probability >= knowledge.settings.referral_probability)
    grave = triage.diseases if triage.level >= TriageLevel.URGENT else []
    for column in dict.fromkeys([*(int(c) for c in likely), *grave[:1]]):
        disease = diseases[column]
        to, within = disease.referral.to, disease.referral.within
        if to == "village":
            continue
        if to == "120" and triage.level < TriageLevel.EMERGENCY:
            # Only suspected: to the hospital that can exclude it, without an ambulance.
            to, within = "county", "2h"
        reason = f"{disease.name}：{disease.referral.when}" if disease.referral.when else disease.name
        proposals.append(_Proposal(to, within, reason, disease.sources))
    proposals = [p for p in proposals if p.to != "village"]
    if not proposals:
        return ReferralProposed(needed=False, to="village", within=None, reasons=[], sources=[])
    gravest = max(proposals, key=lambda p: p.gravity)
    soonest = min((p.within for p in proposals if p.within is not None), key=REFERRAL_DEADLINES.index, default=None)
    return ReferralProposed(
        needed=True,
        to=gravest.to,
        within=soonest,
        reasons=list(dict.fromkeys(p.reason for p in sorted(proposals, key=lambda p: p.gravity, reverse=True))),
        sources=list(dict.fromkeys(source for p in proposals for source in p.sources)),
    )


def choose_department(differential: Differential, knowledge: Knowledge) -> DepartmentChosen | None:
    """The department that most of the probability of the likeliest diseases points to."""
    weight: dict[str, float] = {}
    diseases = list(knowledge.content.diseases.values())
    for column in np.argsort(-differential.probability, kind="stable")[:10]:
        department = diseases[int(column)].department
        weight[department] = weight.get(department, 0) + float(differential.probability[column])
    if not weight or max(weight.values()) <= 0:
        return None
    best = knowledge.content.departments[max(weight, key=lambda d: (weight[d], d))]
    return DepartmentChosen(best.code, best.name, best.name_en)
