"""The interview's knowledge made ready: which finding is asked with which others, in which words, after which complaint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.knowledge.conditions import Condition, parse_condition
from cunyi.knowledge.interviews import Aid, Asked, Family, Group, InterviewWords, Label, Place, condition_of
from cunyi.knowledge.likelihoods import Likelihoods
from cunyi.knowledge.model import Content


class Plan(msgspec.Struct):
    """Look-up tables of an interview (问诊计划), built once with the knowledge."""

    words: InterviewWords
    labels: dict[str, Label]
    group_of: dict[str, Group]
    background_of: dict[str, tuple[Asked, ...]]
    """The background questions that ask for a finding, each for other people."""
    families_of: dict[str, tuple[Family, ...]]
    follow_ups: dict[str, Asked]
    places: dict[str, Place]
    conditions: dict[str, Condition]
    """Conditions of follow-ups and background questions, by id."""
    aid_conditions: dict[str, Condition]
    premises: dict[str, Condition]
    """What must hold before a finding is asked for."""
    contrary: dict[str, tuple[str, ...]]
    """The findings of which one that is there says that a finding is not."""
    askable: frozenset[str]
    """Findings that a villager can be asked for: found out by asking, with a sentence, not following from others."""
    for_children: frozenset[str]
    """Those whose sentence speaks of a child."""
    told_from: dict[str, float]
    """From which age in years a finding can be told."""
    rows: NDArray[np.int64]
    """The rows of `askable`."""
    harm: NDArray[np.float64]
    """How much clearing up each disease is worth to an interview."""


def make_plan(content: Content, likelihoods: Likelihoods) -> Plan | None:
    """The plan of a knowledge base; None where it has no `interview`."""
    words = content.interview
    if words is None:
        return None
    background_of: dict[str, tuple[Asked, ...]] = {}
    for asked in words.background:
        for option in asked.options:
            for finding in (*option.findings, *option.absent):
                background_of[finding] = (*background_of.get(finding, ()), asked)
    families: dict[str, list[Family]] = {}
    for family in words.families:
        for root in family.findings:
            for finding in (root, *likelihoods.descendants[root]):
                known = families.setdefault(finding, [])
                if family not in known:
                    known.append(family)
    askable = frozenset(
        finding.id
        for finding in content.findings.values()
        if finding.obtain == "ask" and finding.ask and finding.when is None
    )
    return Plan(
        words=words,
        labels={label.finding: label for group in words.groups for label in group.findings},
        group_of={label.finding: group for group in words.groups for label in group.findings},
        background_of=background_of,
        families_of={finding: tuple(known) for finding, known in families.items()},
        follow_ups={asked.id: asked for asked in words.follow_ups},
        places={place.id: place for place in words.places},
        conditions=_conditions((*words.follow_ups, *words.background)),
        aid_conditions=_conditions(words.first_aid),
        premises={
            finding: parse_condition(premise.when)
            for premise in words.rules.ask_if
            for root in premise.findings
            for finding in (root, *likelihoods.descendants[root])
        },
        contrary=_contrary(words.rules.not_with, likelihoods),
        askable=askable,
        for_children=frozenset(
            finding for finding in askable if (content.findings[finding].ask or "").startswith(words.children_start)
        ),
        told_from={
            finding: years
            for root, years in words.rules.told_from_years.items()
            for finding in (root, *likelihoods.descendants[root])
        },
        rows=np.array(
            [row for row, finding in enumerate(likelihoods.finding_ids) if finding in askable], dtype=np.int64
        ),
        harm=np.array([words.rules.harm[d.criticality] for d in content.diseases.values()]),
    )


def _contrary(not_with: Mapping[str, tuple[str, ...]], likelihoods: Likelihoods) -> dict[str, tuple[str, ...]]:
    contrary: dict[str, tuple[str, ...]] = {}
    for told, not_asked in not_with.items():
        for root in not_asked:
            for finding in (root, *likelihoods.descendants[root]):
                contrary[finding] = (*contrary.get(finding, ()), told)
    return contrary


def _conditions(written: Iterable[Asked | Aid]) -> dict[str, Condition]:
    return {one.id: condition for one in written if (condition := condition_of(one)) is not None}
