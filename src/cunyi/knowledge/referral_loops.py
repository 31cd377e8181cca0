"""The referral loop as the knowledge base has it: time limits, whom to ring when nobody answers, county plans and their criteria."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cunyi.domain.referral import ReferralDirection, ReferralState, ReferralUrgency
from cunyi.knowledge.conditions import Condition, parse_condition

# The two ways of waiting in one state: for a patient to arrive, or for the first visit at home.
ACCEPTED_DOWN = "accepted_down"
LIMITED = (
    *(state.value for state in ReferralState if state not in (ReferralState.CLOSED, ReferralState.WITHDRAWN)),
    ACCEPTED_DOWN,
)
# Whom the program tells by itself when this reminder is due.
COORDINATOR = "manager"
WHOM = ("receiver", "emergency", "patient", COORDINATOR, "self")


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """What to do when a state lasts `times` its limit (催办), and whom to turn to; of every urgency where `urgencies` is empty."""

    states: tuple[str, ...]
    times: float
    whom: str
    urgencies: tuple[ReferralUrgency, ...]
    text: str
    text_en: str


class CountyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A county plan of graded care for one disease (县域分级诊疗方案). `rules` are the prefixes of the referral criteria that are its."""

    id: str
    name: str
    name_en: str
    rules: tuple[str, ...]


class PlanCriterion(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion of a county plan (县域方案指征): to send a patient up, or back home with targets."""

    id: str
    plan: str
    direction: ReferralDirection
    name: str
    when: Condition
    to: str
    within: str
    reason: str
    reason_en: str
    targets: str
    sources: tuple[str, ...]


class ReferralLoop(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the loop is run by (转诊闭环规则). `limits` are minutes by state and urgency, `call_again` minutes after a call."""

    urgency_of: dict[str, ReferralUrgency]
    limits: dict[str, dict[ReferralUrgency, int]]
    reminders: tuple[Reminder, ...]
    call_again: dict[ReferralUrgency, int]
    purposes: dict[ReferralDirection, tuple[str, ...]]
    emergency_number: str
    plans: dict[str, CountyPlan]
    criteria: tuple[PlanCriterion, ...]

    def limit_minutes(self, state: ReferralState, urgency: ReferralUrgency, direction: ReferralDirection) -> int | None:
        """How long a state may last; None for the end, which has no limit."""
        return self.limits.get(waiting_key(state, direction), {}).get(urgency)

    def plan_of_rule(self, rule: str) -> CountyPlan | None:
        """The county plan that a referral criterion belongs to."""
        prefix = rule.partition(".")[0]
        return next((plan for plan in self.plans.values() if prefix in plan.rules), None)


def waiting_key(state: ReferralState, direction: ReferralDirection) -> str:
    """The state as limits and reminders name it."""
    if state is ReferralState.ACCEPTED and direction is ReferralDirection.DOWN:
        return ACCEPTED_DOWN
    return state.value


def read_referral_loop(raw: Mapping[str, Any], criteria: Iterable[Mapping[str, Any]]) -> ReferralLoop | None:
    """The loop of a compiled document; None where the knowledge base has none."""
    if not raw:
        return None
    return ReferralLoop(
        urgency_of={within: ReferralUrgency(urgency) for within, urgency in raw["urgency_of"].items()},
        limits={
            state: {ReferralUrgency(urgency): int(minutes) for urgency, minutes in limits.items()}
            for state, limits in raw["limits"].items()
        },
        reminders=tuple(
            Reminder(
                states=tuple(each["states"]),
                times=float(each["times"]),
                whom=each["whom"],
                urgencies=tuple(ReferralUrgency(urgency) for urgency in each.get("urgencies") or ()),
                text=each["text"],
                text_en=each["text_en"],
            )
            for each in raw["reminders"]
        ),
        call_again={ReferralUrgency(urgency): int(minutes) for urgency, minutes in raw["call_again"].items()},
        purposes={ReferralDirection(way): tuple(words) for way, words in raw["purposes"].items()},
        emergency_number=raw["emergency_number"],
        plans={
            each["id"]: CountyPlan(
                id=each["id"], name=each["name"], name_en=each["name_en"], rules=tuple(each["rules"])
            )
            for each in raw["plans"]
        },
        criteria=tuple(_criterion(each) for each in criteria),
    )


def _criterion(raw: Mapping[str, Any]) -> PlanCriterion:
    return PlanCriterion(
        id=raw["id"],
        plan=raw["plan"],
        direction=ReferralDirection(raw["direction"]),
        name=raw["name"],
        when=parse_condition(raw["when"]),
        to=str(raw["to"]),
        within=raw["within"],
        reason=raw["reason"],
        reason_en=raw["reason_en"],
        targets=raw.get("targets") or "",
        sources=tuple(raw["sources"]),
    )
