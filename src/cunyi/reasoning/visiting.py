"""Why somebody is to be visited at home: the rules of visit rounds over how they stand. Made for thousands of people at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

from cunyi.domain.finding import Reading, Status
from cunyi.domain.person import SENSITIVE_PROGRAMMES
from cunyi.domain.presentation import Presentation
from cunyi.domain.visit_round import LastReading, Standing, VisitReason, VisitUrgency
from cunyi.knowledge.conditions import ValueIs, evaluate, leaves
from cunyi.knowledge.follow_ups import FollowUp
from cunyi.knowledge.model import Item
from cunyi.knowledge.visit_rounds import GROUNDS, VisitRule, VisitRules
from cunyi.reasoning.measuring import Person, critical_values, facts_of
from cunyi.reasoning.prepared import Knowledge

_ANY = float("inf")
Found = Iterable[dict[str, Any]]


class RoundRules:
    """The rules of visit rounds, prepared once for a knowledge base and a day (巡诊判断).

    `sensitive`: whether programmes that only doctors may see are looked at.
    """

    def __init__(self, rules: VisitRules, knowledge: Knowledge, today: date, *, sensitive: bool) -> None:
        self._items = knowledge.content.items
        self._today = today
        self._follow_ups = [
            (each, frozenset({knowledge.content.diseases[each.disease].name, *knowledge.content.diseases[each.disease].aliases}),
             knowledge.content.diseases[each.disease].icd10)
            for each in knowledge.content.follow_ups.values()
        ]  # fmt: skip
        self._limits = {
            rule.id: _limits(rule, knowledge.content.items) for rule in rules.rules if rule.ground == "reading"
        }
        self._any_limits: dict[str, set[tuple[float, float, float, float]]] = {}
        for limits in self._limits.values():
            for item, bounds in limits.items():
                self._any_limits.setdefault(item, set()).update(bounds)
        self._hidden = frozenset() if sensitive else SENSITIVE_PROGRAMMES
        self._looks: dict[str, Callable[[VisitRule, Standing], Found]] = {
            ground: getattr(self, f"_by_{ground}") for ground in GROUNDS
        }
        self._checks: dict[str, list[tuple[int, VisitRule, VisitUrgency]]] = {}
        for place, rule in enumerate(rules.rules):
            self._checks.setdefault(rule.ground, []).append((place, rule, VisitUrgency(rule.urgency)))

    @property
    def items(self) -> dict[str, float]:
        """The items whose last readings decide anything, each with the days after which they no longer do."""
        days = {
            leaf.item: _ANY
            for each, _, _ in self._follow_ups
            if each.sooner is not None
            for leaf in leaves(each.sooner.when)
            if isinstance(leaf, ValueIs)
        }
        for _, rule, _ in self._checks.get("reading", ()):
            upper = rule.age_of_reading_days.upper
            for item in self._limits.get(rule.id, ()):
                days[item] = max(days.get(item, 0.0), _ANY if upper is None else upper)
        return days

    def may_matter(self, standing: Standing, item: str, value: float) -> bool:
        """Whether a value of somebody could be a reason: false for nearly all, and quick to ask."""
        if (standing.programmes or standing.problems) and not standing.plans:
            return True
        return _may_be(self._any_limits.get(item, ()), value, standing.age_years)

    def reasons_of(self, standing: Standing) -> list[VisitReason]:
        """Every reason to visit somebody, the gravest first; none for most people."""
        seen = standing.last_seen
        unseen = None if seen is None else (self._today - seen).days
        found: list[tuple[int, int, VisitReason]] = []
        for ground in _grounds_of(standing):
            check = self._looks[ground]
            for place, rule, urgency in self._checks.get(ground, ()):
                if unseen is not None and (unseen < rule.unseen_days or (rule.never_seen and ground != "childbirth")):
                    continue
                for more in check(rule, standing):
                    found.append((urgency.rank, place, VisitReason(rule=rule.id, urgency=urgency, **more)))
        # The file is in the order of danger, but a less urgent rule may stand before another.
        return [reason for _, _, reason in sorted(found, key=lambda one: one[:2])]

    def _by_thread(self, rule: VisitRule, standing: Standing) -> Found:
        for matter in standing.matters:
            if matter.kind == rule.thread and (not rule.states or matter.state in rule.states):
                yield {"on": matter.changed_on}

    def _by_reading(self, rule: VisitRule, standing: Standing) -> Found:
        limits, age = self._limits[rule.id], standing.age_years
        for reading in standing.readings:
            if not _may_be(limits.get(reading.item, ()), reading.value, age):
                continue
            on = reading.at.astimezone().date()
            days = (self._today - on).days
            if rule.age_of_reading_days.holds(days) and self._is_bad(rule, reading, standing):
                yield {"item": reading.item, "value": reading.value, "on": on, "days": days}

    def _is_bad(self, rule: VisitRule, reading: LastReading, standing: Standing) -> bool:
        item = self._items[reading.item]
        person = Person(sex=standing.sex, age_years=standing.age_years, pregnant=_pregnant(standing))
        measured = Reading(item=reading.item, value=reading.value)
        if rule.critical and critical_values([measured], {item.id: item}, person):
            return True
        return any(
            fact.finding in rule.findings and fact.status is Status.PRESENT for fact in facts_of(measured, item, person)
        )

    def _by_age(self, rule: VisitRule, standing: Standing) -> Found:
        if standing.age_years is None or standing.age_days is None:
            return
        if rule.age_years.holds(standing.age_years) and rule.age_days.holds(standing.age_days):
            yield self._since_seen(standing)

    def _by_childbirth(self, rule: VisitRule, standing: Standing) -> Found:
        born = standing.youngest_born
        if born is None or not rule.child_age_days.holds((self._today - born).days):
            return
        if not rule.never_seen or standing.last_seen is None or standing.last_seen < born:
            yield {"on": born, "days": (self._today - born).days}

    def _by_plan(self, rule: VisitRule, standing: Standing) -> Found:
        for plan in standing.plans:
            days = (self._today - plan.due_on).days
            if rule.overdue_days.holds(days):
                yield {"words": plan.name, "on": plan.due_on, "days": days}

    def _by_follow_up_sooner(self, rule: VisitRule, standing: Standing) -> Found:
        for programme in self._unplanned(standing):
            sooner = programme.sooner
            if sooner is None or not self._unseen_between(standing, sooner.within_days, programme.interval_days):
                continue
            values = {each.item: Reading(item=each.item, value=each.value) for each in standing.readings}
            known = Presentation(
                facts={}, values=values, sex=standing.sex, age_years=standing.age_years, pregnant=_pregnant(standing)
            )
            if evaluate(sooner.when, known) is True:
                yield {"words": programme.name, **self._since_seen(standing)}

    def _by_follow_up_missed(self, rule: VisitRule, standing: Standing) -> Found:
        for programme in self._unplanned(standing):
            if standing.last_seen is None or self._unseen_between(standing, programme.interval_days, _ANY):
                yield {"words": programme.name, **self._since_seen(standing)}

    def _unplanned(self, standing: Standing) -> Iterator[FollowUp]:
        """The programmes of somebody for whom nobody has planned the next visit: with a plan its day decides."""
        if standing.plans:
            return
        for programme, names, icd10 in self._follow_ups:
            if programme.id in standing.programmes or any(
                each.name in names or each.code == icd10 for each in standing.problems
            ):
                yield programme

    def _unseen_between(self, standing: Standing, least: float, below: float) -> bool:
        return standing.last_seen is not None and least <= (self._today - standing.last_seen).days < below

    def _by_programme(self, rule: VisitRule, standing: Standing) -> Found:
        for name in standing.programmes:
            if name in rule.programmes and name not in self._hidden:
                yield {"words": name, **self._since_seen(standing)}
                return

    def _by_words(self, rule: VisitRule, standing: Standing) -> Found:
        for problem in standing.problems:
            old = rule.within_days is not None and (
                problem.since_on is None or (self._today - problem.since_on).days > rule.within_days
            )
            if not old and any(word in problem.words for word in rule.words):
                yield {"words": problem.words, **self._since_seen(standing)}
                return
        if rule.within_days is None and any(word in standing.note for word in rule.words):
            yield {"words": standing.note, **self._since_seen(standing)}

    def _since_seen(self, standing: Standing) -> dict[str, Any]:
        seen = standing.last_seen
        return {"on": seen, "days": None if seen is None else (self._today - seen).days}


def _grounds_of(standing: Standing) -> Iterator[str]:
    """What there is at all to look at: of most people little."""
    yield "age"
    if standing.matters:
        yield "thread"
    if standing.readings:
        yield "reading"
    if standing.youngest_born is not None:
        yield "childbirth"
    if standing.plans:
        yield "plan"
    if standing.programmes or standing.problems:
        yield from ("follow_up_sooner", "follow_up_missed", "programme")
    if standing.problems or standing.note:
        yield "words"


def _pregnant(standing: Standing) -> bool | None:
    return True if "pregnancy" in standing.programmes else None


def _limits(rule: VisitRule, items: dict[str, Item]) -> dict[str, list[tuple[float, float, float, float]]]:
    """By item the intervals (values, ages) outside of which the rule cannot find anything: quicker than asking every band."""
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for item in items.values():
        # Results of a laboratory have their own alarm, which is a thread.
        if item.obtain != "village":
            continue
        bands = [band for band in item.bands if band.finding in rule.findings]
        for band in (*bands, *(item.critical if rule.critical else ())):
            if band.value is None:
                continue
            low, high = band.value.lower, band.value.upper
            young, old = (None, None) if band.age is None else (band.age.lower, band.age.upper)
            found.setdefault(item.id, []).append(
                (
                    -_ANY if low is None else low,
                    _ANY if high is None else high,
                    -_ANY if young is None else young,
                    _ANY if old is None else old,
                )
            )
    return found


def _may_be(limits: Iterable[tuple[float, float, float, float]], value: float, age: float | None) -> bool:
    # Asked some ten thousand times for one list: a loop is twice as quick as `any`.
    for low, high, young, old in limits:  # noqa: SIM110
        if low <= value < high and (age is None or young <= age < old):
            return True
    return False
