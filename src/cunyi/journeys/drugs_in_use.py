"""Which drugs a person takes now: the long-term list, and what was prescribed here as long as its course can still be running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from cunyi.knowledge.drugs import PrescribingRules
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.prescribing import find_drug

_DAY = timedelta(days=1)


class Prescribed(msgspec.Struct, frozen=True, kw_only=True):
    """A drug that was prescribed here (开过的药)."""

    drug: str
    usage: str
    days: float | None
    at: datetime


def drugs_in_use(
    listed: Iterable[str], prescribed: Sequence[Prescribed], knowledge: Knowledge, now: datetime
) -> tuple[str, ...]:
    """The names of the drugs in use, each drug once: those of the long-term list, then prescribed ones, latest first."""
    rules = knowledge.content.formulary.rules
    running = [each.drug for each in prescribed if rules is not None and _is_running(each, rules, now)]
    names: dict[str, str] = {}
    for name in (*listed, *running):
        drug = find_drug(name, knowledge)
        names.setdefault(name if drug is None else drug.id, name)
    return tuple(names.values())


def _is_running(each: Prescribed, rules: PrescribingRules, now: datetime) -> bool:
    if _is_once(each, rules):
        return now - each.at < _DAY
    days = rules.usual_days if each.days is None else each.days
    return now - each.at <= (days + rules.in_use.margin_days) * _DAY


def _is_once(each: Prescribed, rules: PrescribingRules) -> bool:
    """A dose and no course: said so, for one day, or an injection without a number of days."""
    if any(word in rules.in_use.once_words for word in each.usage.split()):
        return True
    if each.days is not None:
        return each.days <= 1
    return any(word in f"{each.drug} {each.usage}" for word in rules.injection_words)
