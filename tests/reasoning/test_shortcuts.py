"""What is worked out the short way gives what the long way gives: the highest of many, the rules that could hold, the near milder diseases."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.domain.finding import Fact, Status
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.conditions import All, AtLeast, FindingIs, NoneOf, evaluate
from cunyi.reasoning.differential import Differential, places_of_highest
from cunyi.reasoning.evidence import Evidence
from cunyi.reasoning.rules import RuleIndex
from cunyi.reasoning.triage import _beyond_milder

LEAVES = st.builds(FindingIs, st.sampled_from("abcdef"), st.sampled_from([Status.PRESENT, Status.ABSENT]))
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(AtLeast, st.integers(1, 2), st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(NoneOf, st.lists(inner, min_size=1, max_size=2).map(tuple))
    ),
    max_leaves=8,
)


class Rule(msgspec.Struct, frozen=True):
    when: All | AtLeast | FindingIs | NoneOf


@given(st.lists(st.integers(0, 5).map(float), max_size=30), st.integers(0, 12))
def test_the_highest_are_those_of_a_stable_sort(values, count):
    array = np.array(values, dtype=np.float64)
    assert places_of_highest(array, count).tolist() == np.argsort(-array, kind="stable")[:count].tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(CONDITIONS, max_size=5), st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(list(Status))))
def test_every_rule_that_holds_is_a_candidate(conditions, statuses):
    facts = {finding: Fact(finding=finding, status=status) for finding, status in statuses.items()}
    presentation = Presentation(facts=facts, values={})
    rules = [Rule(condition) for condition in conditions]
    holding = [rule for rule in rules if evaluate(rule.when, presentation)]
    assert [rule for rule in RuleIndex(rules).candidates(presentation) if evaluate(rule.when, presentation)] == holding


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.lists(st.floats(-3, 3), min_size=4, max_size=4).map(np.array))
def test_only_near_milder_diseases_keep_a_danger_back(seed, findings, least):
    random = np.random.default_rng(seed)
    rows = random.normal(0, 2, (findings, 12)).astype(np.float32)
    prior, against = random.normal(-5, 3, 12).astype(np.float32), -random.random(12).astype(np.float32)
    support = np.maximum(rows, 0).sum(axis=0) + against
    evidence = Evidence(
        for_ids=[str(row) for row in range(findings)], for_rows=rows, for_ailing=list(range(findings)), against_ids=[], against_rows=rows[:0],
        danger_against=against, groups={}, told_rows=rows, told_groups={}, untold=np.zeros(12, dtype=np.float32),
    )  # fmt: skip
    differential = Differential(
        prior=prior, prior_weight=1, support=support, score=support, probability=support, confidence=support, something_else=0,
        danger=prior + support, danger_support=support, calm_prior=prior,
    )  # fmt: skip
    columns, milder = np.arange(4), np.arange(4, 12)
    beyond = [
        min(prior[c] + against[c] + np.maximum(rows[:, c] - rows[:, m], 0).sum() - prior[m] for m in milder)
        for c in columns
    ]
    kept = _beyond_milder(columns, milder, least, evidence, differential)
    # What lies on the border may fall on either side in single precision.
    assert {c for c, far in enumerate(beyond) if far >= least[c] + 1e-3} <= set(kept)
    assert set(kept) <= {c for c, far in enumerate(beyond) if far >= least[c] - 1e-3}
