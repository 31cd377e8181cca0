"""The knowledge that ships, through the whole engine: what its files must not lose between them."""

import random

import pytest
from tests.real_knowledge import real_knowledge

from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.assess import assess


@pytest.fixture(scope="module")
def shipped(knowledge_root):
    return real_knowledge()


def test_a_measured_fever_beats_its_denial_and_the_conflict_is_shown(shipped):
    answer = assess({"id": "x", "history_of_present_illness": "咳嗽3天，无发热，体温38.5℃"}, shipped)
    assert [(c.finding, c.stated, c.kept, c.value) for c in answer.conflicts] == [("fever", "absent", "present", 38.5)]


@pytest.mark.parametrize(
    ("case", "reason", "to"),
    [
        (
            {"chief_complaint": "复诊", "vitals": {"systolic_mmhg": 186, "diastolic_mmhg": 100}},
            "收缩压≥180",
            "township",
        ),
        (
            {"chief_complaint": "头痛呕吐", "vitals": {"systolic_mmhg": 200, "diastolic_mmhg": 120}},
            "血压达到180/110 mmHg并有剧烈头痛、呕吐",
            "120",
        ),
        ({"past_history": "糖尿病", "physical_examination": "右足溃疡，有脓"}, "糖尿病人足部溃疡", "county"),
        ({"chief_complaint": "咳嗽3周"}, "咳嗽咳痰2周以上", "county"),
        ({"pregnant": True, "chief_complaint": "阴道流血1天"}, "妊娠期出血", "county"),
        ({"labs": [{"name": "血钾", "value": 6.4, "unit": "mmol/L"}]}, "血钾≥6.0", "120"),
    ],
)
def test_criteria_of_graded_care(shipped, case, reason, to):
    adult = {"age_years": 55, "sex": "male"} if "pregnant" not in case else {"age_years": 28, "sex": "female"}
    referral = assess({"id": "x", **adult, **case}, shipped).referral
    assert referral.needed
    assert any(r.startswith(reason) for r in referral.reasons), referral.reasons
    order = ["village", "township", "county", "120"]
    assert order.index(referral.to) >= order.index(to)


def test_a_suspicion_alone_calls_no_ambulance(shipped):
    case = {"age_years": 60, "sex": "male", "past_history": "糖尿病", "chief_complaint": "口渴"}
    answer = assess({"id": "x", **case, "vitals": {"glucose_mmol_l": 18}}, shipped)
    assert answer.triage.level == "urgent"
    assert answer.referral.to in ("township", "county")


def test_bereavement_is_the_patients_own(shipped):
    answer = assess({"id": "x", "age_years": 70, "chief_complaint": "老伴死了半年，讲活着没意思，想死"}, shipped)
    assert "mood.suicide" in [r.rule for r in answer.triage.reasons]
    assert answer.triage.level == "emergency"


@pytest.mark.parametrize(
    "words", ["今早左眼突然一下子看不见了", "左腿突然剧痛、冰凉、发白3小时", "下化粪池清淤时突然昏倒"]
)
def test_few_words_of_an_emergency_are_enough(shipped, words):
    assert (
        assess({"id": "x", "age_years": 66, "sex": "male", "chief_complaint": words}, shipped).triage.level
        == "emergency"
    )


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        ("无关节痛", "joint_pain"),
        ("无意识障碍", "altered_consciousness"),
        ("无端坐呼吸", "orthopnea"),
        ("没打喷嚏", "sneezing"),
    ],
)
def test_a_word_of_the_language_tables_swallows_no_negation(shipped, words, finding):
    findings = assess({"id": "x", "history_of_present_illness": words}, shipped).findings
    assert [(f.finding, f.status) for f in findings] == [(finding, "absent")]


def level(case, knowledge):
    return TriageLevel.from_code(assess(case, knowledge).triage.level)


def kin(findings, finding):
    """What stands beside, above and below a finding."""
    parents = findings[finding].parents
    return [f for f, each in findings.items() if set(each.parents) & {finding, *parents} or f in parents]


def test_a_further_present_finding_never_makes_triage_milder(shipped):
    chance = random.Random(20261126)
    findings = shipped.content.findings
    diseases = list(shipped.content.diseases.values())
    for _ in range(300):
        told = list(chance.choice(diseases).findings)
        said = chance.sample(told, min(len(told), chance.randint(1, 6)))
        statuses = {f: chance.choice(["present", "present", "absent", "possible"]) for f in said}
        # Another variant of what was told takes its parent along; a denial may be taken back.
        further = chance.choice([*kin(findings, chance.choice(said)), *said])
        case = {"id": "x", "age_years": chance.choice([1, 25, 70]), "sex": chance.choice(["male", "female"])}
        case["own_words"] = chance.choice([True, False])
        levels = [
            level({**case, "findings": [{"finding": f, "status": s} for f, s in all_of.items()]}, shipped)
            for all_of in (statuses, {**statuses, further: "present"})
        ]
        assert levels[1] >= levels[0], (statuses, further)


def test_a_cold_is_no_pneumonia(shipped):
    text = "咳嗽、流清涕、咽痛2天，有点低烧，吃饭正常，精神好"
    case = {"id": "x", "age_years": 30, "sex": "male", "history_of_present_illness": text}
    assert level(case, shipped) <= TriageLevel.ROUTINE


def test_a_pneumonia_is_no_cold(shipped):
    text = "发热、咳嗽、咳黄痰、胸痛3天，高热39.5℃，寒战，气促，右下肺湿啰音"
    case = {"id": "x", "age_years": 30, "sex": "male", "history_of_present_illness": text}
    assert level(case, shipped) >= TriageLevel.URGENT


@pytest.mark.parametrize("text", ["脸上长痘痘，反复半年", "右脚趾缝发痒脱皮两周", "牙疼两天"])
def test_what_is_merely_common_does_not_stand_before_what_was_told_of(shipped, text):
    answer = assess({"id": "x", "age_years": 30, "sex": "female", "chief_complaint": text}, shipped)
    first = [candidate.disease for candidate in answer.differential[:5]]
    assert first and not {"acute_upper_respiratory_infection", "essential_hypertension"} & set(first), first
