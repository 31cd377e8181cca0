"""When a chronic disease is seen again: the programme's interval, or sooner where today's values ask for it."""

from __future__ import annotations

import msgspec

from cunyi.domain.case import Case
from cunyi.knowledge.conditions import evaluate
from cunyi.knowledge.follow_ups import FollowUp
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive


class NextVisit(msgspec.Struct, frozen=True):
    """When to see somebody again (下次随访): in how many days, and why where it is sooner than usual."""

    days: int
    why: str
    why_en: str


def next_visit(programme: FollowUp, case: Case, knowledge: Knowledge) -> NextVisit:
    """The next visit of a programme for the values of a case. What was not measured does not bring it forward."""
    sooner = programme.sooner
    if sooner is not None and evaluate(sooner.when, receive(case, knowledge).presentation) is True:
        return NextVisit(sooner.within_days, sooner.why, sooner.why_en)
    return NextVisit(programme.interval_days, "", "")
