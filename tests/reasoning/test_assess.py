"""The assessment of a case end to end, on a small knowledge base."""

import shutil

import msgspec
import pytest
from tests.conftest import MINI, with_real_language

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.load import load_library
from cunyi.domain.errors import UserError
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import prepare


def facts(present=(), absent=(), **manner):
    return [{"finding": f, "status": "present", **manner} for f in present] + [
        {"finding": f, "status": "absent"} for f in absent
    ]


def test_an_empty_case_is_no_error(mini):
    answer = assess({"id": "x"}, mini)
    assert answer.triage.level == "self_care"
    assert answer.must_exclude == [] and answer.advice == []


def test_the_likely_disease_comes_first_with_its_evidence(mini):
    answer = assess({"id": "x", "chief_complaint": "流鼻涕、咳嗽2天", "history_of_present_illness": "不发烧"}, mini)
    first = answer.differential[0]
    assert first.disease == "common_cold"
    assert {f.finding for f in first.supports} >= {"rhinorrhea", "cough"}
    assert answer.triage.level == "self_care"


def test_probabilities_and_something_else_sum_to_one(mini):
    answer = assess({"id": "x", "chief_complaint": "咳嗽、发热、胸痛"}, mini)
    assert sum(c.probability for c in answer.differential) + answer.something_else == pytest.approx(1, abs=0.01)


def test_a_red_flag_sets_the_level_the_referral_and_the_first_advice(mini):
    answer = assess({"id": "x", "age_years": 60, "sex": "male", "chief_complaint": "胸口痛，出冷汗1小时"}, mini)
    assert answer.triage.level == "emergency"
    assert answer.triage.reasons[0].rule == "chest_pain.acs"
    assert (answer.referral.to, answer.referral.within) == ("120", "now")
    assert answer.advice[0].text == "立即呼叫120。"
    assert [m.disease for m in answer.must_exclude] == ["acute_myocardial_infarction"]
    assert "胸痛" in answer.must_exclude[0].raised_by


def test_without_a_defining_finding_a_disease_sets_no_level_and_stays_where_it_was(mini, tmp_path):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    disease = root / "diseases" / "pneumonia.yaml"
    disease.write_text(disease.read_text("utf-8").replace("danger:", "defining: [hypoxemia]\ndanger:"), "utf-8")
    defined = prepare(to_bytes(compile_library(with_real_language(load_library(root)))))
    case = {"id": "x", "findings": facts(["cough", "fever", "chills", "crackles", "weakness"])}
    assert [r.rule for r in assess(case, mini).triage.reasons] == ["disease.pneumonia"]
    assert assess(case, mini).triage.level == "urgent"
    without = assess(case, defined)
    assert without.triage.level == "self_care"
    assert without.differential == assess(case, mini).differential
    case["findings"] += facts(["hypoxemia"])
    assert assess(case, defined).triage.level == "urgent"


def test_an_unasked_red_flag_makes_triage_provisional_and_is_asked_first(mini):
    answer = assess({"id": "x", "chief_complaint": "胸口有点痛"}, mini)
    assert answer.triage.provisional
    assert answer.triage.ask_first == ["cold_sweat"]
    assert answer.questions[0].finding == "cold_sweat"
    denied = assess({"id": "x", "chief_complaint": "胸口有点痛，不出冷汗", "vitals": {"systolic_mmhg": 120}}, mini)
    assert not denied.triage.provisional


def test_a_measured_value_beats_a_statement_and_the_conflict_is_shown(mini):
    answer = assess({"id": "x", "history_of_present_illness": "无发热，咳嗽", "vitals": {"temperature_c": 38.5}}, mini)
    assert [(c.finding, c.stated, c.kept, c.value) for c in answer.conflicts] == [("fever", "absent", "present", 38.5)]
    assert any(f.finding == "fever" for c in answer.differential for f in c.supports)


def test_a_number_in_the_text_reaches_the_ranges_like_an_entered_one(mini):
    in_text = assess({"id": "x", "auxiliary_examination": "血红蛋白55g/L", "sex": "male", "age_years": 40}, mini)
    entered = assess(
        {"id": "x", "labs": [{"name": "Hb", "value": 5.5, "unit": "g/dL"}], "sex": "male", "age_years": 40}, mini
    )
    for answer in (in_text, entered):
        assert [(v.item, v.value, v.threshold) for v in answer.critical_values] == [("血红蛋白", 55, "<60")]
        assert any(f.finding == "anemia" and f.status == "present" for f in answer.findings)


def test_an_impossible_value_is_left_out(mini):
    answer = assess({"id": "x", "vitals": {"temperature_c": 385}}, mini)
    assert answer.readings == []


def test_structured_facts_override_the_text(mini):
    answer = assess({"id": "x", "chief_complaint": "咳嗽", "findings": facts(absent=["cough"])}, mini)
    assert all(f.finding != "cough" for c in answer.differential for f in c.supports)


def test_a_structured_unknown_takes_a_misread_finding_back(mini):
    answer = assess(
        {"id": "x", "chief_complaint": "咳嗽", "findings": [{"finding": "cough", "status": "unknown"}]}, mini
    )
    assert all(f.finding != "cough" for c in answer.differential for f in (*c.supports, *c.against))


def test_the_familys_disease_is_not_the_patients(mini):
    answer = assess({"id": "x", "family_history": "母亲有高血压", "chief_complaint": "胸痛"}, mini)
    assert all(f.finding != "history_hypertension" for c in answer.differential for f in c.supports)


def test_a_past_symptom_does_not_count_now_but_a_past_illness_does(mini):
    answer = assess({"id": "x", "past_history": "高血压，曾咳嗽", "chief_complaint": "胸痛"}, mini)
    counted = {f.finding for c in answer.differential for f in (*c.supports, *c.against)}
    assert "history_hypertension" in counted and "cough" not in counted


def test_a_derived_finding_raises_its_flag(mini):
    answer = assess({"id": "x", "chief_complaint": "咳嗽3周"}, mini)
    assert answer.triage.level == "routine"
    assert next(r.rule for r in answer.triage.reasons) == "cough.long"


def test_the_absence_of_a_parent_makes_its_variants_absent(mini):
    answer = assess({"id": "x", "chief_complaint": "无胸痛"}, mini)
    assert all("crushing_chest_pain" not in c.unknown for c in answer.differential)
    assert all(q.finding != "crushing_chest_pain" for q in answer.questions)


def test_a_referral_criterion_uses_pregnancy_from_the_text(mini):
    answer = assess({"id": "x", "sex": "female", "age_years": 25, "chief_complaint": "怀孕，发烧1天"}, mini)
    assert answer.referral.to == "county" and answer.referral.reasons[0] == "孕妇发热要到县级医院"


def test_pregnancy_changes_what_a_value_means(mini):
    case = {"id": "x", "sex": "female", "age_years": 25, "labs": [{"name": "血红蛋白", "value": 115, "unit": "g/L"}]}

    def anemia(**more):
        found = assess({**case, **more}, mini).findings
        return [f.status for f in found if f.finding == "anemia"]

    assert anemia(pregnant=True) == ["absent"]
    assert anemia(pregnant=False) == ["present"]
    assert anemia() == []


def test_every_shown_item_names_a_source(mini):
    answer = assess({"id": "x", "age_years": 60, "chief_complaint": "胸口痛，出冷汗，咳嗽，发热"}, mini)
    assert all(r.source for r in answer.triage.reasons)
    assert all(c.sources for c in answer.differential) and all(m.sources for m in answer.must_exclude)
    assert all(q.source for q in answer.questions) and all(e.source for e in answer.examinations)
    assert all(a.source for a in answer.advice) and answer.referral.sources


def test_candidates_limit_the_answer(mini):
    answer = assess(
        {"id": "x", "chief_complaint": "咳嗽", "candidates": ["pneumonia", "acute_myocardial_infarction"]}, mini
    )
    assert {c.disease for c in answer.differential} == {"pneumonia", "acute_myocardial_infarction"}


def test_gold_labels_and_other_fields_are_never_read(mini):
    case = {"id": "x", "chief_complaint": "咳嗽"}
    assert assess({**case, "gold": {"name": "肺炎"}, "department": "心内科", "dialogue": []}, mini) == assess(
        case, mini
    )


def test_the_same_case_gives_the_same_bytes(mini):
    case = {"id": "x", "chief_complaint": "咳嗽、发热3天", "vitals": {"spo2_pct": 91}}
    assert msgspec.json.encode(assess(case, mini)) == msgspec.json.encode(assess(dict(case), mini))


@pytest.mark.parametrize(
    ("case", "field"),
    [
        ([], ""),
        ({"sex": "男"}, "sex"),
        ({"age_years": "五岁"}, "age_years"),
        ({"age_years": -1}, "age_years"),
        ({"age_years": float("nan")}, "age_years"),
        ({"chief_complaint": 3}, "chief_complaint"),
        ({"vitals": {"temperature": 38}}, "vitals.temperature"),
        ({"vitals": {"temperature_c": "38"}}, "vitals.temperature_c"),
        ({"labs": [{"value": 3}]}, "labs[0]"),
        ({"findings": [{"finding": "coughing"}]}, "findings[0].finding"),
        ({"findings": [{"finding": "cough", "status": "maybe"}]}, "findings[0].status"),
        ({"month": 13}, "month"),
        ({"pregnant": "yes"}, "pregnant"),
        ({"candidates": ["plague"]}, "candidates[0]"),
        ({"previous": [{"item": "height"}]}, "previous[0]"),
    ],
)
def test_bad_input_names_the_field(mini, case, field):
    with pytest.raises(UserError) as refused:
        assess(case, mini)
    assert refused.value.field == field
    assert refused.value.message


def test_a_cooler_case_mix_spreads_confidence_and_still_sums_to_one(mini):
    case = {"id": "x", "chief_complaint": "咳嗽、发热、胸痛"}
    mixes = {"cool": msgspec.structs.replace(mini.settings.case_mixes["primary_care"], sharpness=0.5)}
    settings = msgspec.structs.replace(mini.settings, case_mix="cool", case_mixes=mixes)
    warm, cool = assess(case, mini), assess(case, msgspec.structs.replace(mini, settings=settings))
    odds = [each.differential[0].probability / each.differential[1].probability for each in (cool, warm)]
    assert 1 < odds[0] < odds[1]
    assert sum(c.probability for c in cool.differential) + cool.something_else == pytest.approx(1, abs=0.01)
    assert cool.case_mix == "cool"


@pytest.mark.parametrize(("clear_beyond", "level"), [(0.0, "urgent"), (9.0, "self_care")])
def test_less_of_a_typical_picture_is_enough_where_nothing_milder_explains_it(mini, clear_beyond, level):
    case = {"id": "x", "age_years": 60, "chief_complaint": "发热、胸痛"}
    clear = msgspec.structs.replace(mini.settings.triage["urgent"].clear, beyond=clear_beyond)
    urgent = msgspec.structs.replace(mini.settings.triage["urgent"], clear=clear)
    settings = msgspec.structs.replace(mini.settings, triage={**mini.settings.triage, "urgent": urgent})
    assert assess(case, msgspec.structs.replace(mini, settings=settings)).triage.level == level


def humbled(mini, *, told, measured, outside=1.0):
    """The mini knowledge with a lapse that the answers show."""
    lapse = msgspec.structs.replace(mini.settings.case_mixes["primary_care"].lapse, told=told, measured=measured)
    mix = msgspec.structs.replace(mini.settings.case_mixes["primary_care"], sharpness=9.0, lapse=lapse)
    misled = msgspec.structs.replace(mini.settings.misled, outside=outside, flatness=0.2)
    settings = msgspec.structs.replace(mini.settings, case_mix="humble", case_mixes={"humble": mix}, misled=misled)
    return msgspec.structs.replace(mini, settings=settings)


def test_however_clear_the_picture_the_lapse_is_left_to_something_else(mini):
    case = {"id": "x", "chief_complaint": "咳嗽、发热、胸痛"}
    bold, humble = assess(case, mini), assess(case, humbled(mini, told=0.3, measured=0.0))
    assert humble.something_else >= 0.3
    assert humble.differential[0].probability <= 0.7
    assert sum(c.probability for c in humble.differential) + humble.something_else == pytest.approx(1, abs=0.01)
    # What is told changes; the order and the level of care do not.
    assert [c.disease for c in humble.differential if c.probability > 0] == [
        c.disease for c in bold.differential[: sum(c.probability > 0 for c in humble.differential)]
    ]
    assert humble.triage == bold.triage


def test_of_whom_the_picture_misleads_most_have_another_disease_of_the_list(mini):
    case = {"id": "x", "chief_complaint": "咳嗽、发热、胸痛"}
    outside = assess(case, humbled(mini, told=0.4, measured=0.0))
    listed = assess(case, humbled(mini, told=0.4, measured=0.0, outside=0.25))
    assert listed.something_else < outside.something_else
    assert listed.differential[1].probability > outside.differential[1].probability
    assert sum(c.probability for c in listed.differential) + listed.something_else == pytest.approx(1, abs=0.01)


def test_who_was_measured_has_a_lapse_of_their_own(mini):
    told = {"id": "x", "chief_complaint": "咳嗽、发热、胸痛"}
    measured = {**told, "vitals": {"systolic_mmhg": 118.0, "diastolic_mmhg": 76.0, "pulse_bpm": 76.0}}
    assert mini.settings.misled.measured_from == len(measured["vitals"])

    def surest(case, **lapse):
        return assess(case, humbled(mini, **lapse)).differential[0].probability

    assert surest(told, told=0.3, measured=0.0) == surest(told, told=0.3, measured=0.6)
    assert surest(measured, told=0.3, measured=0.0) > surest(measured, told=0.3, measured=0.6)


def test_base_rates_count_less_among_diseases_that_somebody_has_chosen(mini):
    case = {"id": "x", "chief_complaint": "咳嗽、发热", "candidates": ["common_cold", "pneumonia"]}
    whole = msgspec.structs.replace(mini.settings.prior_weight, limited=1.0)
    settings = msgspec.structs.replace(mini.settings, prior_weight=whole)
    by_all, by_few = assess(case, msgspec.structs.replace(mini, settings=settings)), assess(case, mini)

    def odds(assessment):
        share = {c.disease: c.probability for c in assessment.differential}
        return share["common_cold"] / share["pneumonia"]

    assert odds(by_few) < odds(by_all)


@pytest.mark.parametrize(
    ("case", "field"),
    [
        ({"vitals": {"temperature_c": 400, "pulse_bpm": 80}}, "vitals.temperature_c"),
        ({"labs": [{"name": "血红蛋白", "value": 9000, "unit": "g/L"}]}, "labs[0].value"),
    ],
)
def test_an_impossible_value_that_was_entered_is_named_with_its_field_and_the_rest_is_done(mini, case, field):
    answer = assess({"id": "x", "chief_complaint": "咳嗽3天", **case}, mini)
    assert [r.field for r in answer.refused] == [field]
    assert "不可能（应不低于" in answer.refused[0].message
    assert answer.differential


def test_swapped_pressures_are_refused_and_not_judged(mini):
    pair = {"systolic_mmhg": 74, "diastolic_mmhg": 118}
    answer = assess({"id": "x", "chief_complaint": "咳嗽3天", "vitals": pair}, mini)
    assert {r.field for r in answer.refused} == {"vitals.systolic_mmhg", "vitals.diastolic_mmhg"}
    assert "填反" in answer.refused[0].message and answer.readings == [] and answer.critical_values == []


def test_a_possible_value_and_an_impossible_one_in_a_text_are_not_refused(mini):
    case = {"id": "x", "history_of_present_illness": "咳嗽3天，体温400℃", "vitals": {"temperature_c": 38.5}}
    answer = assess(case, mini)
    assert answer.refused == []
    assert [r.value for r in answer.readings] == [38.5]
