"""The condition language: three-valued, closed."""

import pytest

from cunyi.domain.case import Sex
from cunyi.domain.finding import Fact, Onset, Reading, Severity, Status, When
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.conditions import evaluate, parse_condition, undecided_findings


def presentation(present=(), absent=(), values=None, previous=(), **person):
    facts = {f: Fact(finding=f, status=Status.PRESENT) for f in present}
    facts |= {f: Fact(finding=f, status=Status.ABSENT) for f in absent}
    readings = {item: Reading(item=item, value=value) for item, value in (values or {}).items()}
    return Presentation(facts=facts, values=readings, previous=previous, **person)


def holds(raw, **known):
    return evaluate(parse_condition(raw), presentation(**known))


def test_a_finding_is_true_false_or_unknown():
    raw = {"finding": "cough"}
    assert holds(raw, present=["cough"]) is True
    assert holds(raw, absent=["cough"]) is False
    assert holds(raw) is None


def test_a_possible_finding_decides_nothing():
    possible = Presentation(facts={"cough": Fact(finding="cough", status=Status.POSSIBLE)}, values={})
    assert evaluate(parse_condition({"finding": "cough"}), possible) is None


def test_all_is_false_as_soon_as_one_part_is():
    raw = {"all": [{"finding": "a"}, {"finding": "b"}]}
    assert holds(raw, absent=["a"]) is False
    assert holds(raw, present=["a"]) is None
    assert holds(raw, present=["a", "b"]) is True


def test_any_is_true_as_soon_as_one_part_is():
    raw = {"any": [{"finding": "a"}, {"finding": "b"}]}
    assert holds(raw, present=["b"]) is True
    assert holds(raw, absent=["a"]) is None
    assert holds(raw, absent=["a", "b"]) is False


def test_at_least_counts():
    raw = {"at_least": {"count": 2, "of": [{"finding": "a"}, {"finding": "b"}, {"finding": "c"}]}}
    assert holds(raw, present=["a", "c"]) is True
    assert holds(raw, present=["a"], absent=["b"]) is None
    assert holds(raw, present=["a"], absent=["b", "c"]) is False


def test_none_of_turns_unknown_into_unknown():
    raw = {"none": [{"finding": "a"}]}
    assert holds(raw, absent=["a"]) is True
    assert holds(raw, present=["a"]) is False
    assert holds(raw) is None


def test_lower_bounds_are_inclusive_and_upper_exclusive():
    raw = {"vital": "systolic_mmhg", "from": 90, "below": 140}
    assert holds(raw, values={"systolic_mmhg": 90}) is True
    assert holds(raw, values={"systolic_mmhg": 140}) is False
    assert holds(raw) is None


def test_age_sex_pregnancy_and_month_are_unknown_when_not_given():
    for raw in ({"age": {"from": 65}}, {"sex": "female"}, {"pregnant": True}, {"month": [7, 8]}):
        assert holds(raw) is None
    assert holds({"age": {"from": 65}}, age_years=65) is True
    assert holds({"sex": "female"}, sex=Sex.MALE) is False
    assert holds({"pregnant": True}, pregnant=True) is True
    assert holds({"month": [7, 8]}, month=9) is False


def test_onset_severity_and_duration_of_a_finding():
    fact = Fact(
        finding="headache", status=Status.PRESENT, onset=Onset.SUDDEN, severity=Severity.MODERATE, duration_days=2
    )
    known = Presentation(facts={"headache": fact}, values={})
    assert evaluate(parse_condition({"finding": "headache", "onset": "sudden"}), known) is True
    assert evaluate(parse_condition({"finding": "headache", "severity": "mild"}), known) is True
    assert evaluate(parse_condition({"finding": "headache", "severity": "severe"}), known) is False
    assert evaluate(parse_condition({"finding": "headache", "duration_days": {"from": 14}}), known) is False
    vague = presentation(present=["headache"])
    assert evaluate(parse_condition({"finding": "headache", "onset": "sudden"}), vague) is None


def test_previous_values_and_trends():
    older = (Reading(item="weight_kg", value=60.0, when=When.PAST, days_ago=90),)
    raw = {"trend": "weight_kg", "falls_pct": 5, "within_days": 180}
    assert holds(raw, values={"weight_kg": 55.0}, previous=older) is True
    assert holds(raw, values={"weight_kg": 59.0}, previous=older) is False
    assert holds(raw, values={"weight_kg": 55.0}) is None
    assert holds({"previous": "weight_kg", "from": 60, "within_days": 30}, previous=older) is None
    assert holds({"previous": "weight_kg", "from": 60, "within_days": 100}, previous=older) is True


@pytest.mark.parametrize(
    "raw",
    [
        {"findings": "a"},
        {"all": []},
        {"finding": "a", "near": "b"},
        {"vital": "pulse_bpm"},
        {"age": {"from": 10, "below": 5}},
        {"finding": "a", "onset": "slowly"},
        {"python": "1 + 1"},
    ],
)
def test_anything_outside_the_language_is_refused(raw):
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_condition(raw)


def test_undecided_findings_are_those_that_could_still_make_it_true():
    condition = parse_condition({"all": [{"finding": "a"}, {"any": [{"finding": "b"}, {"finding": "c"}]}]})
    assert undecided_findings(condition, presentation(present=["a"], absent=["b"])) == ["c"]
