"""Which facts count for and against diseases, each once: rows of the likelihood arrays with weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import msgspec
import numpy as np

from cunyi.domain.finding import Fact, Status
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.likelihoods import Likelihoods, Matrix, Untold
from cunyi.knowledge.model import Finding
from cunyi.reasoning.resolving import LASTING_KINDS


class Evidence(msgspec.Struct):
    """What a presentation says about every disease: one row a counted finding, one column a disease.

    `for_rows` are log likelihood ratios of present (or, at half weight, possible) findings, `against_rows` of absent
    ones; `for_ids`, `against_ids` name the findings. An ancestor that is only implied counts under the finding that
    implies it. `told_rows` has a row for each of them and of what they imply: what a danger is judged by, because a further
    variant must not take its ancestor away from another.
    """

    for_ids: list[str]
    for_rows: Matrix
    for_ailing: list[int]
    """Places in `for_rows` of what ails the patient: symptoms, signs and results; no earlier illness, exposure or drug."""
    against_ids: list[str]
    against_rows: Matrix
    danger_against: Matrix
    """Sum over explicitly absent findings, computed so that a further present finding cannot lower it."""
    groups: dict[str, list[int]]
    told_rows: Matrix
    told_groups: dict[str, list[int]]
    untold: Matrix
    """What it says of each disease that complaints were not told of: log likelihood ratios, no more than a little above zero."""


def gather(
    presentation: Presentation,
    explicit: frozenset[str],
    likelihoods: Likelihoods,
    findings: Mapping[str, Finding],
    possible_weight: float,
) -> Evidence:
    """The evidence of a presentation. `explicit` are the findings that were said or measured, not inferred from a variant."""
    index, parent = likelihoods.finding_index, likelihoods.parent
    facts = presentation.facts
    # Deepest first, so that an implied ancestor is booked under its most specific descendant.
    for_ids = sorted(
        (f for f in explicit if facts[f].status in (Status.PRESENT, Status.POSSIBLE)),
        key=lambda f: (-len(likelihoods.ancestors[f]), index[f]),
    )
    present = [index[f] for f in for_ids]
    for_rows = likelihoods.present[present]
    counted = set(present)
    for finding, row, total in zip(for_ids, present, for_rows, strict=True):
        above = parent.item(row)
        while above >= 0 and above not in counted:
            counted.add(above)
            total += likelihoods.present[above]
            above = parent.item(above)
        if facts[finding].status == Status.POSSIBLE:
            total *= np.float32(possible_weight)
    denied = sorted(index[f] for f in explicit if facts[f].status == Status.ABSENT)
    against, as_variant = list[int](), list[int]()
    for row in denied:
        status = _status_above(row, facts, likelihoods)
        if status == Status.PRESENT:
            as_variant.append(len(against))
        if status != Status.ABSENT:
            against.append(row)
    against_rows = likelihoods.absent[against]
    if as_variant:
        against_rows[as_variant] = likelihoods.absent_variant[[against[place] for place in as_variant]]
    danger = np.minimum(0, np.maximum(likelihoods.absent[denied], likelihoods.absent_variant[denied])).sum(axis=0)
    told = sorted(
        index[f] for f, fact in facts.items() if fact.status in (Status.PRESENT, Status.POSSIBLE) and f in index
    )
    told_ids = [likelihoods.finding_ids[row] for row in told]
    told_rows = likelihoods.present[told]
    possible = [at for at, finding in enumerate(told_ids) if facts[finding].status == Status.POSSIBLE]
    if possible:
        told_rows[possible] *= np.float32(possible_weight)
    return Evidence(
        for_ids=for_ids,
        for_rows=for_rows,
        for_ailing=[place for place, f in enumerate(for_ids) if findings[f].kind not in LASTING_KINDS],
        against_ids=[likelihoods.finding_ids[row] for row in against],
        against_rows=against_rows,
        danger_against=danger,
        groups=_groups(for_ids, findings),
        told_rows=told_rows,
        told_groups=_groups(
            told_ids, findings, implied=frozenset(a for f in told_ids for a in likelihoods.ancestors[f])
        ),
        untold=_untold(facts, likelihoods.untold),
    )


def _untold(facts: Mapping[str, Fact], untold: Untold) -> Matrix:
    """What is left when the complaints that were told of, denied or asked about are taken out."""
    spoken_of = sorted({place for finding in facts for place in untold.places.get(finding, ())})
    rest: Matrix = untold.total - untold.rows[spoken_of].sum(axis=0)
    return rest


def _groups(
    told: Sequence[str], findings: Mapping[str, Finding], implied: Set[str] = frozenset()
) -> dict[str, list[int]]:
    """The places of findings that belong together, where there are several of a group. What another of them implies is one with it
    and no repetition."""
    groups: dict[str, list[int]] = {}
    for position, finding in enumerate(told):
        group = findings[finding].group
        if group is not None and finding not in implied:
            groups.setdefault(group, []).append(position)
    return {group: positions for group, positions in groups.items() if len(positions) > 1}


def _status_above(row: int, facts: Mapping[str, Fact], likelihoods: Likelihoods) -> Status:
    above = int(likelihoods.parent[row])
    if above < 0:
        return Status.UNKNOWN
    fact = facts.get(likelihoods.finding_ids[above])
    return Status.UNKNOWN if fact is None else fact.status


def total_for(rows: Matrix, groups: Mapping[str, Sequence[int]], repeat_weight: float) -> Matrix:
    """The sum of what speaks for each disease; within a correlated group all but the strongest count `repeat_weight`."""
    total: Matrix = rows.sum(axis=0)
    for positions in groups.values():
        members = rows[positions]
        total -= (1 - repeat_weight) * (members.sum(axis=0) - members.max(axis=0))
    return total
