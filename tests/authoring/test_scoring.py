"""How answers are scored: right disease, levels, captured, intervals, splits."""

import hashlib

import pytest

from cunyi.authoring.evaluate import outcomes, report, select
from cunyi.authoring.scoring import Gold, is_right, plain_name, share, split_of


def test_a_disease_is_right_by_code_prefix_or_by_name():
    gold = Gold(name="肺炎", accept_names=("社区获得性肺炎", "肺炎（细菌性）"), accept_icd10=("J18", "J15.9"))
    assert is_right(gold, "别的", (), "J18.9")
    assert is_right(gold, "社区获得性 肺炎", (), "Z00")
    assert is_right(gold, "别的", ("肺炎细菌性",), "Z00")
    assert not is_right(gold, "肺结核", ("结核",), "A16.2")
    assert not is_right(gold, "肺", (), "J1")


@pytest.mark.parametrize(
    ("one", "other"), [("手足口病", "手足口"), ("干燥综合征", "干燥"), ("抑郁 症", "抑郁"), ("痔（混合）", "痔混合")]
)
def test_names_are_compared_without_punctuation_and_suffix(one, other):
    assert plain_name(one) == plain_name(other)


def test_the_split_is_the_last_hexadecimal_digit_of_the_hash():
    for case_id in ("a", "b", "c", "villagedev-000"):
        even = int(hashlib.sha256(case_id.encode()).hexdigest()[-1], 16) % 2 == 0
        assert split_of(case_id) == ("tune" if even else "hold")


def test_wilson_interval():
    half = share([True] * 50 + [False] * 50)
    assert (half.value, round(half.low, 3), round(half.high, 3)) == (0.5, 0.404, 0.596)
    assert share([]).cases == 0
    assert share([True] * 10).high == pytest.approx(1.0)


def labelled(case_id, complaint, gold_name, urgency, **more):
    return {
        "id": case_id,
        "age_years": 60,
        "chief_complaint": complaint,
        "gold": {
            "name": gold_name,
            "accept_names": [gold_name],
            "urgency": urgency,
            "must_not_miss": urgency == "emergency",
        },
        **more,
    }


CASES = [
    labelled("1", "胸口痛，出冷汗", "急性心肌梗死", "emergency"),
    labelled("2", "流鼻涕，咳嗽", "感冒", "self_care"),
    labelled("3", "流鼻涕，咳嗽", "肺炎", "emergency"),
    labelled("4", "流鼻涕，咳嗽", "鹦鹉热", "urgent"),
]


def test_figures_of_a_report(mini):
    figures = report("f", None, 0, list(outcomes(CASES, mini)))
    assert figures.cases == 4
    assert figures.coverage.hits == 3
    assert figures.top["1"].hits == 2
    assert figures.top_covered["1"].cases == 3
    assert figures.top["3"].hits == 3
    assert figures.triage["exact"].hits == 2
    assert figures.triage["severe_under"].hits == 2
    assert figures.must_not_miss_captured.hits == 2
    assert 0 <= figures.calibration_error.low <= figures.calibration_error.value <= figures.calibration_error.high


def test_only_tune_lists_cases(mini):
    scored = list(outcomes(CASES, mini))
    assert report("f", "tune", 0, scored).worst and report("f", "tune", 0, scored).uncovered == {"鹦鹉热": 1}
    for split in ("hold", None):
        assert report("f", split, 0, scored).worst == [] and report("f", split, 0, scored).uncovered == {}


def test_unusable_cases_are_left_out_and_counted():
    usable, unusable = select([*CASES, labelled("5", "x", "y", None, usable=False)], None)
    assert (len(usable), unusable) == (4, 1)


def test_splits_do_not_overlap():
    cases = [labelled(str(i), "x", "y", None) for i in range(50)]
    tune, hold = select(cases, "tune")[0], select(cases, "hold")[0]
    assert len(tune) + len(hold) == 50 and not {c["id"] for c in tune} & {c["id"] for c in hold}
