"""Which department, at which hospital, and which step of graded care: on the whole knowledge base and on a small one."""

import pytest

from cunyi.app import artefact_path, load_knowledge
from cunyi.config import read_config
from cunyi.reasoning.assess import assess
from cunyi.reasoning.departments import at_level
from cunyi.reasoning.prepared import Knowledge


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge base was not built")
    return load_knowledge(path)


def departments(knowledge, complaint, **case):
    given = assess({"chief_complaint": complaint, **case}, knowledge)
    county, township = given.department, given.township_department
    return (county.department if county else None, township.department if township else None)


@pytest.mark.parametrize(
    ("complaint", "case", "county", "township"),
    [
        ("准备要二胎，想问备孕要吃什么", {"sex": "female", "age_years": 30}, "family_planning", "family_planning"),
        ("想配眼镜，看远处模糊", {"age_years": 30}, "ophthalmology", "general_practice"),
        ("想给牙齿做矫正，戴牙套", {"age_years": 20}, "stomatology", "stomatology"),
        ("想割双眼皮", {"age_years": 22}, "medical_cosmetology", "general_practice"),
        ("大腿内侧起红疙瘩，很痒，抓破了", {"age_years": 40}, "dermatology", "general_practice"),
        ("咳嗽、咳黄痰、发热3天", {"age_years": 50}, "respiratory", "internal_medicine"),
        ("咳嗽、咳黄痰、发热3天", {"age_years": 4}, "pediatrics", "internal_medicine"),
        ("宝宝拉肚子两天", {}, "pediatrics", "internal_medicine"),
        ("膝盖疼，上下楼梯疼得厉害", {"age_years": 60}, "orthopedics", "surgery"),
        ("月经推迟半个月", {"sex": "female", "age_years": 24}, "gynecology", "gynecology"),
        ("肾阴虚吃什么中药调理", {"age_years": 40}, "traditional_medicine", "traditional_medicine"),
    ],
)
def test_the_department_of_a_complaint(knowledge, complaint, case, county, township):
    assert departments(knowledge, complaint, **case) == (county, township)


def test_an_emergency_goes_to_emergency_medicine_first_and_the_specialty_is_told(knowledge):
    given = assess({"chief_complaint": "突发胸痛2小时，出冷汗，左臂痛", "age_years": 60, "sex": "male"}, knowledge)
    assert given.triage.level == "emergency"
    assert (given.department.department, given.department.specialty) == ("emergency", "cardiology")
    assert "急症先到急诊科" in given.department.why
    assert given.care_step.step == "county"
    assert "120" in given.care_step.reason


def test_a_man_is_never_sent_to_gynecology_and_an_adult_not_to_pediatrics(knowledge):
    assert departments(knowledge, "老婆备孕，我想查一下精子", sex="male", age_years=30)[0] == "urology"
    assert departments(knowledge, "小腹痛，月经", sex="male", age_years=30)[0] not in ("gynecology", "obstetrics")
    for age in (14, 30, 80):
        assert departments(knowledge, "扁桃体发炎，发烧咳嗽", age_years=age)[0] != "pediatrics"


def test_pregnancy_leads_to_obstetrics(knowledge):
    words = {"sex": "female", "age_years": 28, "pregnant": True}
    assert departments(knowledge, "怀孕7个月，下肢浮肿", **words)[0] in ("obstetrics", "emergency")


def test_without_a_word_to_go_by_no_department_is_named(knowledge):
    assert departments(knowledge, "") == (None, None)
    assert departments(knowledge, "你好，在吗") == (None, None)


def test_hints_make_no_disease_likelier_and_no_level_graver(knowledge):
    plain = assess({"chief_complaint": "头晕", "age_years": 30}, knowledge)
    hinted = assess({"chief_complaint": "头晕，想配眼镜", "age_years": 30}, knowledge)
    # How the text is worded may move the order; what speaks for a disease and the level stay.
    before = {c.disease: [(w.finding, w.weight) for w in c.supports] for c in plain.differential}
    after = {c.disease: [(w.finding, w.weight) for w in c.supports] for c in hinted.differential}
    assert before.keys() & after.keys() and all(before[d] == after[d] for d in before.keys() & after.keys())
    assert plain.triage == hinted.triage


def test_the_steps_of_graded_care(knowledge):
    village = assess({"chief_complaint": "流清鼻涕、打喷嚏1天，不发烧，精神好", "age_years": 30}, knowledge)
    assert village.care_step.step == "village"
    assert village.care_step.reason
    grave = assess({"chief_complaint": "黑便2天，头晕", "age_years": 60}, knowledge)
    assert grave.care_step.step == "county"
    assert "转上级医院" in village.care_step.reason, "what a mild disease says of when to refer is for later"
    tuberculosis = assess({"chief_complaint": "咳嗽1个月，咯血，盗汗，消瘦，低热", "age_years": 40}, knowledge)
    assert tuberculosis.care_step.step == "county"


def test_every_level_at_least_urgent_leaves_the_village(knowledge):
    for complaint in ("发烧40度，寒战", "血压200/120，头痛", "咳血", "腿肿一条，疼"):
        given = assess({"chief_complaint": complaint, "age_years": 55}, knowledge)
        if given.triage.level in ("urgent", "emergency"):
            assert given.care_step.step != "village", complaint


def test_every_department_ends_at_one_that_a_township_hospital_has(knowledge):
    known = knowledge.content.departments
    for department in known.values():
        assert at_level(department, known, "township").level == "township", department.id
        assert at_level(department, known, "county") is department


def test_a_small_knowledge_base_without_hints_goes_by_the_diseases_alone(mini):
    given = assess({"chief_complaint": "咳嗽、发热"}, mini)
    assert given.department is not None
    assert given.department.department in mini.content.departments
    assert given.care_step is not None
