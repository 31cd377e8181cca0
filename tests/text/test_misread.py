"""Words that were read as something else: cut out of longer ones, names of tests, other people, other times."""

import pytest
from tests.real_knowledge import real_library

from cunyi.authoring.language import compile_language
from cunyi.domain.case import Case
from cunyi.text.reader import Language, read_case


@pytest.fixture(scope="module")
def language():
    library = real_library()
    findings, items = ([entry.raw for entry in entries] for entries in (library.findings, library.items))
    return Language.from_compiled(compile_language(findings, items, library.classes, library.tables))


@pytest.fixture(scope="module")
def facts_in(language):
    def read(text, field="history_of_present_illness"):
        facts = read_case(Case(**{field: text}), language).facts
        return {(fact.finding, fact.status.value, fact.who.value, fact.when.value) for fact in facts}

    return read


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("左眼黄斑水肿", "jaundice"),
        ("5天前头痛起来", "frontal_headache"),
        ("否认慢性病病史", "history_sexually_transmitted_infection"),
        ("皮肤红润", "rash"),
        ("乳头和乳晕正常", "dizziness"),
        ("肚脐眼里有黄水", "purulent_eye_discharge"),
        ("鼻子下面痒", "vulvar_itching"),
        ("膝盖下面痒", "vulvar_itching"),
        ("早上喝多了水", "alcohol_binge"),
        ("乙肝两对半已查", "history_hepatitis_b"),
        ("梅毒抗体检测", "history_syphilis"),
        ("做了乳腺癌筛查", "history_malignancy"),
        ("痰液培养：待回报", "productive_cough"),
        ("输血前检查", "blood_transfusion"),
        ("血清胰岛素测定", "insulin_use"),
        ("吸入支气管扩张剂", "history_bronchiectasis"),
        ("肌酸激酶同工酶", "myalgia"),
        ("结节TI-RADS3类", "s3_gallop"),
        ("胃镜：非萎缩性胃炎", "gastroscopy_atrophic_gastritis"),
        ("肠鸣音未闻及异常", "absent_bowel_sounds"),
        ("手指肿痛，否认其他关节痛", "joint_pain"),
        ("牵拉耳廓不痛", "ear_pain"),
        ("首次发作时住过院", "previous_similar_episode"),
        ("不是长期吸烟者", "smoking"),
        ("家属当高血压给他吃药", "history_hypertension"),
        ("想要做剖宫产", "history_cesarean_section"),
        ("以后会停止饮酒", "alcohol_use"),
    ],
)
def test_what_is_not_said_is_not_read(facts_in, language, text, finding):
    assert finding in language.numbers
    assert finding not in {fact[0] for fact in facts_in(text)}


@pytest.mark.parametrize(
    ("text", "finding", "status", "who", "when"),
    [
        ("2天前胸痛", "chest_pain", "present", "patient", "now"),
        ("没碰伤", "recent_trauma", "absent", "patient", "now"),
        ("没有撞到头", "head_trauma", "absent", "patient", "now"),
        ("右侧巴氏征可疑", "babinski_sign", "possible", "patient", "now"),
        ("没有心脏病的家族史", "history_heart_disease", "absent", "family", "now"),
        ("家族中没有人患癫痫", "history_epilepsy", "absent", "family", "now"),
        ("家里没别人皮肤痒", "pruritus", "absent", "family", "now"),
        ("吸烟20年，已戒3年", "smoking", "present", "patient", "past"),
        ("吸烟20年，没戒烟", "smoking", "present", "patient", "now"),
        ("6月前出现呕血，当时住院。近5天无呕血", "hematemesis", "present", "patient", "past"),
        ("6月前开始反复咳嗽。近5天无咳嗽", "cough", "present", "patient", "now"),
        ("3天前发热，今天无发热", "fever", "present", "patient", "now"),
        ("比以前咳得厉害", "cough", "present", "patient", "now"),
        ("以前咳嗽，一直持续至今", "cough", "present", "patient", "now"),
        ("皮肤感觉过敏", "migratory_skin_dysesthesia", "present", "patient", "now"),
        ("像被撕开一样的胸痛", "tearing_chest_pain", "present", "patient", "now"),
    ],
)
def test_whose_when_and_whether(facts_in, language, text, finding, status, who, when):
    assert finding in language.numbers
    assert (finding, status, who, when) in facts_in(text)


def test_the_past_history_tells_of_now_where_it_says_so(facts_in):
    assert ("constipation", "present", "patient", "now") in facts_in("长期便秘", "past_history")
    found = facts_in("近1年便血，人瘦了。小时候便秘", "past_history")
    assert ("weight_loss", "present", "patient", "now") in found
    assert ("constipation", "present", "patient", "past") in found


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("TBIL: 39.5", "temperature_c"),
        ("脑脊液：蛋白0.9，葡萄糖2.1mmol/L", "glucose_random"),
        ("全天最慢心率：48次/分", "pulse_bpm"),
    ],
)
def test_values_of_something_else(language, text, item):
    assert item not in {r.item for r in read_case(Case(auxiliary_examination=text), language).readings}


def test_blood_after_another_fluid_is_blood_again(language):
    readings = read_case(
        Case(auxiliary_examination="脑脊液：蛋白0.9，血糖5.8mmol/L。葡萄糖6.1mmol/L"), language
    ).readings
    assert [r.value for r in readings] == [5.8, 6.1]
