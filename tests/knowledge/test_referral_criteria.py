"""The county plans' criteria: each fires and does not fire where it should, and belongs to one of the seven plans."""

import pytest
from tests.real_knowledge import real_library

from cunyi.app import artefact_path, load_knowledge
from cunyi.authoring.examples import example_case
from cunyi.config import read_config
from cunyi.domain.intake import parse_case
from cunyi.domain.referral import ReferralDirection
from cunyi.reasoning.referral_criteria import criteria_met

PLANS = {"hypertension", "diabetes", "coronary", "stroke", "copd", "kidney", "lipids"}
ENTRIES = real_library().referral_criteria
# Of the criteria that the assessment itself uses: (rule, an example that fires, one that does not).
UP = [
    ("hypertension.consciousness", {"present": ["elevated_blood_pressure", "confusion"]}, {"present": ["confusion"]}),
    ("hypertension.brain", {"present": ["severe_headache"], "vitals": {"systolic_mmhg": 186}}, {"present": ["severe_headache"], "vitals": {"systolic_mmhg": 150}}),
    ("hypertension.aorta", {"present": ["tearing_chest_pain"], "vitals": {"systolic_mmhg": 190}}, {"vitals": {"systolic_mmhg": 190}}),
    ("hypertension.heart", {"present": ["orthopnea"], "vitals": {"diastolic_mmhg": 118}}, {"present": ["orthopnea"], "vitals": {"diastolic_mmhg": 88}}),
    ("hypertension.severe", {"age": 60, "vitals": {"systolic_mmhg": 182}}, {"age": 60, "vitals": {"systolic_mmhg": 178}}),
    ("hypertension.potassium", {"present": ["history_hypertension"], "labs": {"potassium": 3.1}}, {"present": ["history_hypertension"], "labs": {"potassium": 4.1}}),
    ("hypertension.young", {"age": 24, "vitals": {"systolic_mmhg": 164}}, {"age": 44, "vitals": {"systolic_mmhg": 164}}),
    ("diabetes.glucose_high", {"vitals": {"glucose_mmol_l": 17.2}}, {"vitals": {"glucose_mmol_l": 11.0}}),
    ("diabetes.glucose_low", {"present": ["history_diabetes"], "vitals": {"glucose_mmol_l": 3.4}}, {"vitals": {"glucose_mmol_l": 3.4}}),
    ("diabetes.foot", {"present": ["history_diabetes", "foot_ulcer"]}, {"present": ["foot_ulcer"]}),
    ("diabetes.eye", {"present": ["history_diabetes", "sudden_vision_loss"]}, {"present": ["sudden_vision_loss"]}),
    ("coronary.acute", {"age": 60, "present": ["chest_pain", "cold_sweat"]}, {"age": 60, "present": ["chest_pain"]}),
    ("coronary.rest", {"present": ["history_coronary_heart_disease", "chest_pain", "chest_pain_at_rest"]}, {"present": ["chest_pain", "chest_pain_at_rest"]}),
    ("coronary.new_exertional", {"age": 60, "present": ["exertional_chest_pain"]}, {"age": 22, "present": ["exertional_chest_pain"]}),
    ("heart_failure.acute", {"present": ["history_heart_failure", "orthopnea"]}, {"present": ["orthopnea"]}),
    ("stroke.acute", {"present": ["facial_droop"], "onset": "sudden"}, {"present": ["facial_droop"], "onset": "gradual", "duration_days": 30}),
    ("stroke.transient", {"present": ["transient_neurological_deficit"]}, {"absent": ["transient_neurological_deficit"]}),
    ("copd.severe", {"present": ["history_copd"], "vitals": {"spo2_pct": 87}}, {"present": ["history_copd"], "vitals": {"spo2_pct": 94}}),
    ("copd.warning", {"present": ["history_copd", "cyanosis"]}, {"present": ["cyanosis"]}),
    ("kidney.severe", {"present": ["severely_reduced_egfr"]}, {"absent": ["severely_reduced_egfr", "markedly_elevated_creatinine"]}),
    ("kidney.potassium", {"labs": {"potassium": 6.4}}, {"labs": {"potassium": 5.2}}),
    ("kidney.proteinuria", {"present": ["heavy_proteinuria"]}, {"absent": ["heavy_proteinuria"]}),
    ("kidney.reduced", {"present": ["reduced_egfr"]}, {"absent": ["reduced_egfr"]}),
    ("lipid.triglycerides", {"labs": {"triglycerides": 7.1}}, {"labs": {"triglycerides": 2.1}}),
    ("lipid.ldl", {"labs": {"ldl": 5.2}}, {"labs": {"ldl": 3.2}}),
    ("lipid.statin_muscle", {"present": ["statin_use", "myalgia"], "labs": {"ck": 2400}}, {"present": ["statin_use", "myalgia"], "labs": {"ck": 120}}),
]  # fmt: skip


@pytest.fixture(scope="module")
def knowledge():
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    return load_knowledge(path)


def met(example, knowledge, direction):
    case = parse_case(example_case(example, knowledge))
    return {each.rule for each in criteria_met(case, knowledge, direction)}


@pytest.mark.parametrize(("rule", "fires", "spares"), UP, ids=[each[0] for each in UP])
def test_a_criterion_of_the_assessment_is_told_with_its_plan(knowledge, rule, fires, spares):
    assert rule in met(fires, knowledge, ReferralDirection.UP)
    assert rule not in met(spares, knowledge, ReferralDirection.UP)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_criterion_of_a_plan_fires_and_spares(knowledge, entry):
    direction = ReferralDirection(entry.raw["direction"])
    for example in entry.raw["fires"]:
        assert entry.id in met(example, knowledge, direction)
    for example in entry.raw["spares"]:
        assert entry.id not in met(example, knowledge, direction)


def test_every_one_of_the_seven_plans_has_criteria_both_ways(knowledge):
    loop = knowledge.content.referral_loop
    assert set(loop.plans) == PLANS
    up = {plan.id for rule in knowledge.content.referral if (plan := loop.plan_of_rule(rule))}
    assert up | {each.plan for each in loop.criteria if each.direction == ReferralDirection.UP} == PLANS
    assert {each.plan for each in loop.criteria if each.direction == ReferralDirection.DOWN} == PLANS


def test_what_is_not_of_a_plan_is_not_told_as_one(knowledge):
    assert met({"age": 0.1, "vitals": {"temperature_c": 38.6}}, knowledge, ReferralDirection.UP) == set()
