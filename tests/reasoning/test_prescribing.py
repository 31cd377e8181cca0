"""The prescription check on the drug list that ships: what it must stop, what it must not, and what it says it did not check."""

import math
import re

import pytest
from tests.real_knowledge import real_knowledge

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.domain.errors import KnowledgeError, UserError
from cunyi.domain.prescription import ConcernSeverity, PatientForPrescribing, PrescriptionLine
from cunyi.reasoning.prepared import prepare
from cunyi.reasoning.prescribing import check_prescription, find_drug, suggest_drugs

MAN = {"age_years": 40, "sex": "male", "role": "village_doctor"}
WOMAN = {"age_years": 28, "sex": "female", "pregnant": False, "lactating": False, "role": "village_doctor"}


@pytest.fixture(scope="module")
def shipped(knowledge_root):
    return real_knowledge()


@pytest.fixture(scope="module")
def check(shipped):
    """Checks drug names (or whole lines) for a patient."""

    def run(*drugs, **patient):
        lines = [PrescriptionLine(**d) if isinstance(d, dict) else PrescriptionLine(drug=d) for d in drugs]
        return check_prescription(lines, PatientForPrescribing(**(patient or MAN)), shipped)

    return run


def said(concerns, kind):
    return [(c.severity.value, c.lines) for c in concerns if c.kind == kind]


def test_the_list_is_as_long_as_it_must_be(shipped):
    formulary = shipped.content.formulary
    prescribed = [drug for drug in formulary.drugs.values() if not drug.ingredient_only]
    assert len(prescribed) >= 220
    assert len(formulary.interactions) >= 60


def test_a_harmless_prescription_is_silent(check):
    assert check("对乙酰氨基酚片", "蒙脱石散", "口服补液盐") == []


def test_empty_rows_are_no_drugs(check):
    assert check("", "  ") == []


@pytest.mark.parametrize(
    ("words", "drug"),
    [
        ("芬必得", "ibuprofen"),
        ("拜新同", "nifedipine"),
        ("感冒通", "ganmaotong"),
        ("安乃近片", "metamizole"),
        ("阿莫西林胶囊 0.25g×24粒", "amoxicillin"),
        ("注射用头孢曲松钠", "ceftriaxone"),
        ("阿莫西林克拉维酸钾片", "amoxicillin_clavulanate"),
        ("盐酸二甲双胍缓释片 0.5g*30", "metformin"),
        ("阿司匹林肠溶片(拜阿司匹灵)", "aspirin"),
        ("阿莫西林(克拉维酸钾)", "amoxicillin_clavulanate"),
        ("维生素B12", "vitamin_b12"),
        ("维生素B1片", "vitamin_b1"),
        ("红霉素眼膏", "erythromycin_eye"),
        ("红霉素软膏", "erythromycin_ointment"),
        ("Ibuprofen", "ibuprofen"),
        ("氯化钾缓释片", "potassium_chloride"),
    ],
)
def test_names_as_doctors_write_them(shipped, words, drug):
    found = find_drug(words, shipped)
    assert found is not None and found.id == drug


@pytest.mark.parametrize(
    "words", ["", "甘油", "头孢", "布洛芬(某药)", "布洛芬注射液", "红霉素凝胶", "对乙酰氨基酚加某药", "片"]
)
def test_what_may_be_another_product_is_not_guessed(shipped, words):
    assert find_drug(words, shipped) is None


def test_suggestions_begin_with_what_was_typed(shipped):
    names = [drug.name for drug in suggest_drugs("头孢", shipped, 5)]
    assert len(names) == 5 and all(name.startswith("头孢") for name in names)
    assert suggest_drugs("芬必", shipped)[0].id == "ibuprofen"
    assert suggest_drugs("", shipped) == [] and suggest_drugs("安替比林", shipped) == []


@pytest.mark.parametrize("allergy", ["青霉素过敏", "对阿莫西林过敏，皮疹", "盘尼西林", "青霉素类药物过敏史", "阿莫仙"])
def test_an_allergy_stops_the_whole_group_and_warns_of_relatives(check, allergy):
    concerns = check("阿莫西林", "头孢拉定", "阿奇霉素", allergies=(allergy,), **MAN)
    assert said(concerns, "allergy") == [("stop", (0,))]
    assert said(concerns, "cross_allergy") == [("warn", (1,))]
    assert not [c for c in concerns if c.message.startswith("过敏记录")]


@pytest.mark.parametrize(
    ("allergy", "drug"),
    [
        ("头孢", "头孢克洛"),
        ("磺胺过敏", "复方新诺明"),
        ("磺胺过敏", "磺胺嘧啶银乳膏"),
        ("阿司匹林", "布洛芬"),
        ("止痛药过敏", "去痛片"),
        ("扑尔敏", "快克"),
        ("红霉素", "红霉素眼膏"),
        ("左氧氟沙星", "氧氟沙星滴眼液"),
        ("碘过敏", "碘伏"),
        ("链霉素", "庆大霉素"),
        ("头孢", "头孢某某"),
    ],
)
def test_allergy_to_an_ingredient_or_its_group(check, allergy, drug):
    assert said(check(drug, allergies=(allergy,), **MAN), "allergy") == [("stop", (0,))]


@pytest.mark.parametrize(
    "denied", ["否认青霉素、头孢过敏史", "无药物过敏史", "无", "没有青霉素过敏", "花粉过敏", "海鲜、牛奶过敏"]
)
def test_what_is_denied_or_no_drug_is_no_allergy(check, denied):
    kinds = {c.kind for c in check("阿莫西林", "头孢拉定", allergies=(denied,), **MAN)}
    assert not kinds & {"allergy", "cross_allergy", "not_in_list"}


def test_a_denial_covers_only_what_it_denies(check):
    assert said(check("阿莫西林", allergies=("无食物过敏史、青霉素过敏",), **MAN), "allergy")
    assert said(check("阿莫西林", allergies=("无食物过敏，青霉素过敏",), **MAN), "allergy")


def test_an_allergy_not_understood_is_named(check):
    concerns = check("对乙酰氨基酚", allergies=("奇妙素过敏",), **MAN)
    assert [(c.severity, c.lines) for c in concerns] == [("note", ())]
    assert "奇妙素" in concerns[0].message and "奇妙素" in concerns[0].message_en


@pytest.mark.parametrize(
    ("first", "second", "severity"),
    [
        ("依那普利", "螺内酯", "warn"),
        ("依那普利", "缬沙坦", "stop"),
        ("硝酸甘油", "西地那非", "stop"),
        ("消心痛", "万艾可", "stop"),
        ("华法林", "布洛芬", "stop"),
        ("华法林", "甲硝唑", "stop"),
        ("华法林", "感冒通", "stop"),
        ("甲氨蝶呤", "双氯芬酸", "stop"),
        ("地高辛", "胺碘酮", "stop"),
        ("地高辛", "克拉霉素", "stop"),
        ("辛伐他汀", "克拉霉素", "stop"),
        ("舍曲林", "司来吉兰", "stop"),
        ("舍曲林", "曲马多", "stop"),
        ("格列齐特", "左氧氟沙星", "warn"),
        ("消渴丸", "左氧氟沙星", "warn"),
        ("氨茶碱", "环丙沙星", "stop"),
        ("氨茶碱", "红霉素", "stop"),
        ("庆大霉素", "呋塞米", "stop"),
        ("碳酸锂", "布洛芬", "stop"),
        ("碳酸锂", "氢氯噻嗪", "stop"),
        ("头孢哌酮", "藿香正气水", "stop"),
        ("甲硝唑", "藿香正气水", "stop"),
        ("安定", "吗啡", "stop"),
        ("美托洛尔", "维拉帕米", "stop"),
        ("美托洛尔", "沙丁胺醇吸入剂", "warn"),
        ("清开灵注射液", "双黄连注射液", "stop"),
    ],
)
def test_interactions_in_both_orders_and_with_drugs_in_use(check, first, second, severity):
    def gravest(concerns):
        return min((list(ConcernSeverity).index(c.severity) for c in concerns if c.kind == "interaction"), default=None)

    expected = list(ConcernSeverity).index(severity)
    assert gravest(check(first, second)) == gravest(check(second, first)) == expected
    in_use = check(first, current_drugs=(f"{second}，每日一次，口服",), **MAN)
    assert gravest(in_use) == expected
    assert all(c.lines == (0,) for c in in_use if c.kind == "interaction")
    assert not [c for c in in_use if c.kind == "not_in_list"]


def test_a_cream_does_not_interact_like_a_tablet(check):
    assert not said(check("华法林", "达克宁"), "interaction")
    assert not said(check("红霉素眼膏", "辛伐他汀"), "interaction")


def test_an_ingredient_given_twice_is_found_in_compounds_once_for_all(check):
    concerns = check("快克", "感冒灵颗粒", "扑热息痛")
    doubled = [c for c in concerns if c.kind == "duplicate" and "对乙酰氨基酚，" in c.message]
    assert [(c.severity, c.lines) for c in doubled] == [("stop", (0, 1, 2))]
    assert "Paracetamol" in doubled[0].message_en
    assert said(check("泰诺", current_drugs=("白加黑",), **MAN), "duplicate") == [("stop", (0,))]


def test_two_of_a_class_are_a_duplication(check):
    assert said(check("布洛芬", "双氯芬酸钠"), "duplicate") == [("warn", (0, 1))]
    assert said(check("氨氯地平", current_drugs=("拜新同",), **MAN), "duplicate") == [("warn", (0,))]


def test_a_refill_is_only_a_note_and_solvents_may_stand_twice(check):
    assert said(check("氨氯地平", current_drugs=("络活喜 5mg qd",), **MAN), "duplicate") == [("note", (0,))]
    assert not said(check("生理盐水", "生理盐水"), "duplicate")


@pytest.mark.parametrize(
    ("drug", "problem", "severity"),
    [
        ("布洛芬", "胃溃疡", "stop"),
        ("布洛芬", "gastric_ulcer", "stop"),
        ("布洛芬", "history_peptic_ulcer", "stop"),
        ("快克", "乙肝肝硬化", "stop"),
        ("倍他乐克", "支气管哮喘", "stop"),
        ("噻吗洛尔滴眼液", "哮喘", "stop"),
        ("二甲双胍", "慢性肾功能不全", "stop"),
        ("阿托品", "青光眼", "stop"),
        ("复方新诺明", "蚕豆病", "stop"),
        ("左氧氟沙星", "癫痫", "warn"),
        ("氢氯噻嗪", "痛风", "warn"),
        ("甲硝唑", "饮酒", "warn"),
        ("新康泰克", "高血压", "warn"),
        ("复方氨酚烷胺", "疑似消化道出血", None),
    ],
)
def test_contraindications_by_problem(check, drug, problem, severity):
    found = {s for s, _ in said(check(drug, problems=(problem,), **MAN), "contraindication")}
    assert (severity in found) if severity else not found


@pytest.mark.parametrize("problem", ["父亲哮喘", "无哮喘", "否认哮喘病史", "高血压，否认哮喘"])
def test_a_problem_of_the_family_or_denied_does_not_count(check, problem):
    assert not said(check("倍他乐克", problems=(problem,), **MAN), "contraindication")


def test_a_problem_not_understood_is_named(check):
    concerns = check("布洛芬", problems=("某某奇症",), **MAN)
    assert [c.message for c in concerns if "某某奇症" in c.message]


@pytest.mark.parametrize(
    ("drug", "age", "severity"),
    [
        ("左氧氟沙星", 17, "stop"),
        ("左氧氟沙星", 18, None),
        ("多西环素", 7, "stop"),
        ("多西环素", 8, None),
        ("阿司匹林", 15, "stop"),
        ("阿司匹林", 16, None),
        ("可待因", 11, "stop"),
        ("可待因", 17, "stop"),
        ("尼美舒利", 11, "stop"),
        ("联邦止咳露", 15, "stop"),
        ("白加黑", 1, "stop"),
        ("对乙酰氨基酚", 3, None),
        ("庆大霉素", 70, "note"),
    ],
)
def test_age_limits_and_old_age(check, drug, age, severity):
    found = [s for s, _ in said(check(drug, age_years=age, sex="male"), "age")]
    assert found == ([severity] if severity else [])


def test_an_unknown_age_is_said_where_it_matters(check):
    assert said(check("左氧氟沙星", "口服补液盐", sex="male"), "age") == [("note", (0,))]


def test_pregnancy_and_lactation(check):
    pregnant = {**WOMAN, "pregnant": True}
    assert said(check("左氧氟沙星", "阿莫西林", **pregnant), "pregnancy") == [("stop", (0,))]
    assert said(check("板蓝根颗粒", **pregnant), "pregnancy") == [("note", (0,))]
    assert said(check("快克", **pregnant), "pregnancy") == [("stop", (0,))]
    assert said(check("左氧氟沙星", **{**WOMAN, "lactating": True}), "lactation") == [("stop", (0,))]
    assert not said(check("左氧氟沙星", **WOMAN), "pregnancy")


def test_an_unknown_pregnancy_is_asked_about_only_where_it_may_be(check):
    assert said(check("依那普利", "阿莫西林", age_years=28, sex="female"), "pregnancy") == [("note", (0,))]
    assert not said(check("依那普利", age_years=70, sex="female"), "pregnancy")
    assert not said(check("依那普利", age_years=28, sex="male"), "pregnancy")


@pytest.mark.parametrize(
    ("drug", "role", "stopped"),
    [
        ("阿莫西林", "village_doctor", False),
        ("莫西沙星", "village_doctor", True),
        ("莫西沙星", "attending_doctor", False),
        ("万古霉素", "attending_doctor", True),
        ("万古霉素", "senior_doctor", False),
        ("莫西沙星", "", True),
        ("莫西沙星", "stranger", True),
    ],
)
def test_antimicrobials_by_the_prescribers_right(check, drug, role, stopped):
    found = said(check(drug, age_years=40, sex="male", role=role), "antimicrobial_level")
    assert found == ([("stop", (0,))] if stopped else [])


def test_an_infused_antimicrobial_in_a_village_needs_approval(check):
    infused = {"drug": "头孢曲松", "route": "静滴"}
    assert said(check(infused), "antimicrobial_level") == [("warn", (0,))]
    assert not said(check(infused, **{**MAN, "role": "township_doctor"}), "antimicrobial_level")
    assert not said(check({"drug": "葡萄糖注射液", "route": "静滴"}), "antimicrobial_level")


@pytest.mark.parametrize(
    ("drug", "days", "patient", "severity"),
    [
        ("氨氯地平", 7, {}, None),
        ("氨氯地平", 7.5, {}, "warn"),
        ("氨氯地平", 3, {"emergency_visit": True}, None),
        ("氨氯地平", 4, {"emergency_visit": True}, "warn"),
        ("氨氯地平", 28, {"chronic_reason": "高血压稳定"}, "note"),
        ("氨氯地平", 28, {"chronic_reason": "  "}, "warn"),
        ("氨氯地平", 29, {"chronic_reason": "高血压稳定"}, "warn"),
        ("氨氯地平", 84, {"chronic_reason": "高血压稳定"}, "warn"),
        ("氨氯地平", 85, {"chronic_reason": "高血压稳定"}, "stop"),
        ("阿莫西林", 14, {"chronic_reason": "慢性病"}, "warn"),
        ("安定", 14, {"chronic_reason": "失眠"}, "warn"),
        ("异烟肼", 28, {"chronic_reason": "结核"}, "note"),
    ],
)
def test_days(check, drug, days, patient, severity):
    found = said(check({"drug": drug, "days": days}, **MAN, **patient), "too_long")
    assert found == ([(severity, (0,))] if severity else [])


@pytest.mark.parametrize("days", [0, -1, math.nan, math.inf])
def test_impossible_days_are_named(check, days):
    with pytest.raises(UserError) as refused:
        check("阿莫西林", {"drug": "布洛芬", "days": days})
    assert refused.value.field == "lines[1].days" and "第 2 个药" in refused.value.message


def test_more_than_five_drugs(check):
    five = ["对乙酰氨基酚", "蒙脱石散", "口服补液盐", "维生素C", "叶酸"]
    assert not said(check(*five), "too_many")
    assert said(check(*five, "炉甘石洗剂"), "too_many") == [("warn", (0, 1, 2, 3, 4, 5))]


def test_a_skin_test_is_called_to_mind(check):
    assert said(check("青霉素", "破伤风抗毒素", "头孢拉定"), "skin_test") == [("note", (0,)), ("note", (1,))]


def test_what_is_not_in_the_list_is_said_and_what_is_known_of_it_is_checked(check):
    concerns = check("神奇散", "加替沙星", current_drugs=("仙丹",), **{**MAN, "age_years": 10})
    assert said(concerns, "not_in_list") == [("note", ()), ("note", (0,)), ("note", (1,))]
    assert any("仙丹" in c.message for c in concerns) and any("神奇散" in c.message for c in concerns)
    assert said(concerns, "age") == [("stop", (1,))]


def test_the_gravest_comes_first_and_the_order_is_stable(check):
    drugs = ["感冒通", "莫西沙星", "华法林", "倍他乐克"]
    patient = {**MAN, "problems": ("哮喘", "胃溃疡"), "allergies": ("双氯芬酸",)}
    concerns = check(*drugs, **patient)
    ranks = [list(ConcernSeverity).index(c.severity) for c in concerns]
    assert ranks == sorted(ranks) and ranks[0] == 0
    assert concerns[0].kind == "allergy"
    assert concerns == check(*drugs, **patient)
    assert len(set(concerns)) == len(concerns)


def test_only_notes_need_no_reason_and_every_concern_has_a_known_source(check, shipped):
    concerns = check("感冒通", {"drug": "莫西沙星", "days": 20}, "华法林", "神奇散", problems=("哮喘",), **MAN)
    assert {c.severity for c in concerns} == {"stop", "warn", "note"}
    for concern in concerns:
        assert concern.needs_reason == (concern.severity != "note")
        assert concern.source in shipped.content.sources
        assert "{" not in concern.message + concern.message_en
        if "神奇散" not in concern.message:
            assert not re.search("[\u4e00-\u9fff]", concern.message_en), concern.message_en


def test_everything_shown_has_an_english_name(shipped):
    formulary = shipped.content.formulary
    for entry in (*formulary.drugs.values(), *formulary.classes.values(), *formulary.allergy_groups.values()):
        assert entry.name_en.isascii(), entry.id


@pytest.mark.parametrize("kind", ["drugs", "ingredients"])
def test_every_drug_finds_itself_by_each_of_its_names(shipped, kind):
    for drug in shipped.content.formulary.drugs.values():
        if drug.ingredient_only == (kind == "ingredients"):
            for name in (drug.name, drug.name_en, *drug.aliases):
                assert find_drug(name, shipped) is drug, name


def test_a_knowledge_base_without_rules_says_so(mini_library):
    document = compile_library(mini_library) | {"prescribing": {}}
    with pytest.raises(KnowledgeError, match=r"prescribing\.yaml"):
        check_prescription([PrescriptionLine(drug="布洛芬")], PatientForPrescribing(), prepare(to_bytes(document)))


def test_a_small_list_works_the_same(mini):
    lines = [PrescriptionLine(drug=drug) for drug in ("阿莫西林", "扑热息痛", "复方感冒片", "布洛芬")]
    patient = PatientForPrescribing(age_years=30, sex="male", allergies=("头孢",), current_drugs=("华法林",))
    kinds = {(c.kind.value, c.lines) for c in check_prescription(lines, patient, mini)}
    assert kinds == {
        ("cross_allergy", (0,)),
        ("duplicate", (1, 2)),
        ("interaction", (3,)),
        ("skin_test", (0,)),
    }
