"""Reasons to refer: this patient's own facts, never what a disease is referred for in general; and what is said where nothing is known."""

import pytest
from tests.real_knowledge import real_knowledge

from cunyi.domain.intake import parse_case
from cunyi.reasoning.assess import assess
from cunyi.reasoning.opinion import expert_opinion


@pytest.fixture(scope="module")
def knowledge():
    return real_knowledge()


def told(knowledge, text, **case):
    return assess({"history_of_present_illness": text, **case}, knowledge)


def test_no_reason_is_what_a_disease_is_referred_for_in_general(knowledge):
    general = {disease.referral.when for disease in knowledge.diseases if disease.referral.when}
    for text, case in (
        ("胸口压榨样痛40分钟，出大汗，有胆囊结石，右上腹有时胀痛", {"age_years": 60, "sex": "male"}),
        ("咳嗽、咳黄痰、发热3天", {"age_years": 70}),
        ("右上腹绞痛反复发作，吃油腻后痛，B超有胆囊结石", {"age_years": 50}),
    ):
        referral = told(knowledge, text, **case).referral
        assert referral.needed
        assert not [reason for reason in referral.reasons if any(when in reason for when in general)]
        assert len(referral.reasons) == len(referral.reasons_en)


def test_an_emergency_is_referred_for_itself_first_and_for_nothing_that_can_wait(knowledge):
    answer = told(knowledge, "胸口压榨样痛40分钟，出大汗，有胆囊结石，右上腹有时胀痛", age_years=60, sex="male")
    assert answer.triage.level == "emergency"
    flags = knowledge.content.red_flags
    first = next(flags[r.rule] for r in answer.triage.reasons if r.rule in flags)
    assert answer.referral.reasons[0] == first.why and first.triage == "emergency"
    assert not [reason for reason in answer.referral.reasons if "胆囊结石" in reason]
    poisoned = told(knowledge, "打农药后手抖，出汗，流口水", age_years=50, sex="male")
    assert not [reason for reason in poisoned.referral.reasons if "认知" in reason or "专科" in reason]


@pytest.mark.parametrize(("upper", "lower"), [(152, 88), (156, 96)])
def test_a_known_raised_pressure_alone_is_no_reason_to_refer(knowledge, upper, lower):
    vitals = {"systolic_mmhg": upper, "diastolic_mmhg": lower}
    answer = told(knowledge, "高血压三年，来量血压", age_years=60, sex="male", past_history="高血压", vitals=vitals)
    assert not answer.referral.needed
    assert "高血压病" in answer.care_step.reason, "when it is referred in general is still told, as such"


@pytest.mark.parametrize("sex", ["female", "male"])
def test_where_nothing_is_known_nothing_is_called_safe(knowledge, sex):
    case = {"history_of_present_illness": "不舒服", "age_years": 82, "sex": sex}
    answer = assess(case, knowledge)
    assert not answer.recognised
    opinion = expert_opinion(parse_case(case), answer, knowledge)
    said = opinion.verdict.text + "".join(s.text for part in opinion.sections for s in part.statements)
    said += answer.care_step.reason
    assert answer.care_step.provisional
    assert "可以在村卫生室处理" not in said and "没有必须先排除" not in said
    assert "体温" in said and "血压" in said and "血糖" in said


def test_nobody_is_asked_what_his_sex_cannot_have(knowledge):
    for text in ("肩膀痛三天", "腹痛半天", "头晕三天"):
        answer = told(knowledge, text, age_years=58, sex="male")
        asked = [*answer.triage.ask_first, *(question.finding for question in answer.questions)]
        assert not [f for f in asked if knowledge.content.findings[f].sex == "female"], text


def test_an_old_person_without_strength_is_asked_for_vital_signs_first(knowledge):
    first = told(knowledge, "没劲、吃不下三天", age_years=82).triage.ask_first
    assert {"fever", "tachycardia", "hypotension"} <= set(first)
    assert "sparse_body_hair" not in first


def test_a_hand_raises_no_question_about_the_leg(knowledge):
    answer = told(knowledge, "切菜切到手指，口子两公分，流血，按住了", age_years=40, sex="female")
    asked = {question.finding for question in answer.questions}
    assert not asked & {"achilles_snap", "thigh_injury_deformity", "unable_to_bear_weight", "shin_injury_deformity"}
    assert "tendon_or_nerve_injury_sign" in asked
    leg = {"achilles_tendon_rupture", "tibia_fibula_shaft_fracture", "femoral_shaft_fracture"}
    first = {candidate.disease for candidate in answer.differential[:5]}
    assert not first & leg
    assert not [advice for advice in answer.advice if "不缝合" in advice.text]
