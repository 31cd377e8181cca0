"""From many mentions to one presentation: a measured value beats a statement, a statement beats an inference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from cunyi.domain.finding import Fact, Origin, Severity, Status, When, Who
from cunyi.domain.presentation import Conflict
from cunyi.knowledge.model import Finding

LASTING_KINDS = frozenset({"history", "exposure", "drug"})
"""Kinds that count whenever they happened; a symptom of the past is no symptom now."""
_SEVERITIES = (Severity.MILD, Severity.MODERATE, Severity.SEVERE)
# To look a member up in its enumeration takes as long as to make a fact.
_ABSENT, _UNKNOWN, _DERIVED, _MEASURED = Status.ABSENT, Status.UNKNOWN, Origin.DERIVED, Origin.MEASURED
_NOW, _PATIENT = When.NOW, Who.PATIENT


def is_current(fact: Fact, findings: Mapping[str, Finding]) -> bool:
    """Whether a mention says something about this patient in this illness."""
    finding = findings.get(fact.finding)
    if finding is None or fact.who is not _PATIENT:
        return False
    return fact.when is _NOW or finding.kind in LASTING_KINDS


def resolve(
    mentions: Iterable[Fact],
    stated: Iterable[Fact],
    measured: Iterable[Fact],
    findings: Mapping[str, Finding],
) -> tuple[dict[str, Fact], list[Conflict]]:
    """One fact a finding, and the contradictions met on the way.

    Mentions are merged (present beats possible beats absent); what a person stated directly replaces them; what was
    measured replaces both, and a statement that it contradicts is reported.
    """
    facts: dict[str, Fact] = {}
    for mention in mentions:
        if is_current(mention, findings):
            known = facts.get(mention.finding)
            facts[mention.finding] = mention if known is None else merge(known, mention)
    for fact in stated:
        if not is_current(fact, findings):
            continue
        if fact.status == Status.UNKNOWN:
            facts.pop(fact.finding, None)
        else:
            facts[fact.finding] = fact
    conflicts = []
    measured_facts: dict[str, Fact] = {}
    for fact in measured:
        known = measured_facts.get(fact.finding)
        if known is None or (known.status == Status.ABSENT and fact.status == Status.PRESENT):
            measured_facts[fact.finding] = fact
    for finding, fact in measured_facts.items():
        said = facts.get(finding)
        if said is not None and said.status != fact.status:
            if fact.status == Status.ABSENT and said.status == Status.PRESENT:
                # Yesterday's fever is part of the illness though the thermometer reads normal now.
                continue
            conflicts.append(Conflict(finding=finding, stated=said, kept=fact))
        facts[finding] = fact if said is None else _with_history(fact, said)
    return facts, conflicts


_RANK = {Status.UNKNOWN: 0, Status.ABSENT: 1, Status.POSSIBLE: 2, Status.PRESENT: 3}


def merge(first: Fact, second: Fact) -> Fact:
    """Two mentions of one finding as one: the stronger status, with the most that either says about it."""
    if _RANK[second.status] > _RANK[first.status]:
        first, second = second, first
    if first.status is not second.status:
        return first
    onset = first.onset or second.onset
    severity = _worse(first.severity, second.severity)
    duration_days = _longest(first.duration_days, second.duration_days)
    if onset is first.onset and severity is first.severity and duration_days == first.duration_days:
        return first
    return replace(first, onset=onset, severity=severity, duration_days=duration_days)


def _with_history(measured: Fact, said: Fact) -> Fact:
    if said.status is not measured.status:
        return measured
    return replace(measured, onset=said.onset, severity=said.severity, duration_days=said.duration_days, span=said.span)


def _worse(first: Severity | None, second: Severity | None) -> Severity | None:
    if first is None or second is None:
        return first or second
    return max(first, second, key=_SEVERITIES.index)


def _longest(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    return max(first, second)


def close_over_hierarchy(
    facts: dict[str, Fact],
    ancestors: Mapping[str, tuple[str, ...]],
    descendants: Mapping[str, tuple[str, ...]],
) -> None:
    """Adds what follows from the is-a tree: who has a variant has its parent; who lacks the parent has no variant."""
    for finding, fact in list(facts.items()):
        status = fact.status
        if status is _ABSENT or status is _UNKNOWN:
            continue
        for above in ancestors[finding]:
            known = facts.get(above)
            if known is None or _RANK[known.status] < _RANK[status]:
                facts[above] = replace(fact, finding=above, origin=_DERIVED, value=None, unit=None)
            elif known.status is status and known.origin is not _MEASURED:
                facts[above] = merge(known, fact)
    for finding, fact in list(facts.items()):
        if fact.status is _ABSENT:
            span = fact.span
            for below in descendants[finding]:
                if below not in facts:
                    facts[below] = Fact(finding=below, status=_ABSENT, origin=_DERIVED, span=span)
