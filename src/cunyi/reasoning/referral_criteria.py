"""Which criteria of the county plans a patient meets: to be sent up, or to be cared for at home again."""

from __future__ import annotations

from collections.abc import Iterator

from cunyi.domain.case import Case
from cunyi.domain.presentation import Presentation
from cunyi.domain.referral import CriterionMet, ReferralDirection
from cunyi.domain.triage import REFERRAL_DEADLINES, REFERRAL_TARGETS
from cunyi.knowledge.conditions import evaluate
from cunyi.knowledge.referral_loops import ReferralLoop
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive


def criteria_met(case: Case, knowledge: Knowledge, direction: ReferralDirection) -> list[CriterionMet]:
    """The criteria that hold, the farthest and soonest first. What is not known does not make one hold."""
    loop = knowledge.content.referral_loop
    if loop is None:
        return []
    presentation = receive(case, knowledge).presentation
    found = sorted(_holding(presentation, loop, knowledge, direction), key=lambda each: each[:2])
    return [criterion for _, _, criterion in found]


def targets_of(case: Case, knowledge: Knowledge) -> list[str]:
    """What is to be reached at home, for every plan whose criterion to go home holds."""
    loop = knowledge.content.referral_loop
    met = {each.rule for each in criteria_met(case, knowledge, ReferralDirection.DOWN)}
    return [each.targets for each in loop.criteria if each.id in met] if loop else []


def _holding(
    presentation: Presentation, loop: ReferralLoop, knowledge: Knowledge, direction: ReferralDirection
) -> Iterator[tuple[int, int, CriterionMet]]:
    if direction is ReferralDirection.UP:
        for rule in knowledge.referral_index.candidates(presentation):
            plan = loop.plan_of_rule(rule.id)
            if plan is not None and evaluate(rule.when, presentation) is True:
                yield *_place(rule.to, rule.within), CriterionMet(rule=rule.id, plan=plan.name, reason=rule.reason)
    for each in loop.criteria:
        if each.direction is direction and evaluate(each.when, presentation) is True:
            told = CriterionMet(rule=each.id, plan=loop.plans[each.plan].name, reason=each.reason)
            yield *_place(each.to, each.within), told


def _place(to: str, within: str) -> tuple[int, int]:
    return REFERRAL_DEADLINES.index(within), -REFERRAL_TARGETS.index(to)
