"""Denials of the degree, of a time or as a question; doubts and drugs that are only talked of; other people, other fluids."""

import pytest
from tests.real_knowledge import real_library

from cunyi.authoring.language import compile_language
from cunyi.domain.case import Case
from cunyi.text.reader import Language, read_case


@pytest.fixture(scope="module")
def real():
    library = real_library()
    findings, items = ([entry.raw for entry in entries] for entries in (library.findings, library.items))
    return Language.from_compiled(compile_language(findings, items, library.classes, library.tables))


@pytest.mark.parametrize(
    "text",
    [
        "不怎么咳嗽",
        "没怎么咳嗽",
        "咳嗽不多",
        "没有昨天那么咳嗽",
        "不是特别咳嗽",
        "不是整天咳嗽",
        "不是一直咳嗽",
        "也不怎么咳嗽",
        "咳嗽好些了",
    ],
)
def test_less_of_it_is_still_there(facts_in, text):
    fact = facts_in(text)["cough"]
    assert (fact.status, fact.severity) == ("present", "mild")


@pytest.mark.parametrize(
    "text",
    ["没有咳嗽加重", "没有那么咳嗽", "不经常咳嗽", "没有一直咳嗽", "没有咳嗽那么难受", "白天不咳嗽", "咳嗽白天不明显"],
)
def test_what_says_only_how_much_or_when_denies_nothing(statuses_in, text):
    assert statuses_in(text).get("cough") != "absent"


@pytest.mark.parametrize("text", ["不咳嗽也不发烧", "不怎么发烧也没有咳嗽", "倒不怎么咳嗽", "应该不会咳嗽"])
def test_what_is_denied_stays_denied(statuses_in, text):
    assert statuses_in(text)["cough"] == "absent"


def test_a_denied_degree_is_no_degree(facts_in):
    assert facts_in("胸痛没有昨天厉害")["chest_pain"].severity is None


@pytest.mark.parametrize("text", ["咳血不少", "咳出不少血块咳血", "咳血不下三次"])
def test_no_few_are_many(statuses_in, text):
    assert statuses_in(text)["hemoptysis"] == "present"


@pytest.mark.parametrize(
    "text",
    [
        "不发烧的时候精神好",
        "只要不发烧就没事",
        "没发烧之前吃得好",
        "会引起发烧吗",
        "怕她会发烧",
        "不会是发烧吧",
        "发烧怎么区分",
    ],
)
def test_conditions_and_fears_are_no_statements(statuses_in, text):
    assert "fever" not in statuses_in(text)


def test_what_follows_a_condition_is_stated(statuses_in):
    assert statuses_in("没咳嗽之前发烧了") == {"fever": "present"}


@pytest.mark.parametrize(
    "text",
    [
        "青霉素可以服用吗",
        "能不能吃青霉素",
        "用不用吃青霉素",
        "青霉素好还是别的好",
        "家里有青霉素",
        "可以用青霉素吧",
        "抽烟对鼻子有害吗",
    ],
)
def test_what_is_asked_for_is_not_taken(statuses_in, text):
    assert not {"penicillin_use", "smoking"} & statuses_in(text).keys()


@pytest.mark.parametrize("text", ["吃了青霉素还可以吃什么药吗", "青霉素吃了3天，行吗", "每天用青霉素"])
def test_what_was_taken_is_taken(statuses_in, text):
    assert statuses_in(text)["penicillin_use"] == "present"


@pytest.mark.parametrize(
    ("text", "cough"),
    [
        ("好像发烧有咳嗽", "present"),
        ("可能发烧引起咳嗽", "present"),
        ("好像以前有咳嗽", "possible"),
        ("可能发烧并伴有咳嗽", "possible"),
        ("也许咳嗽", "possible"),
        ("不知道是咳嗽还是喘", "possible"),
        ("不知道是什么原因咳嗽", "present"),
    ],
)
def test_how_far_a_doubt_goes(statuses_in, text, cough):
    assert statuses_in(text)["cough"] == cough


@pytest.mark.parametrize("text", ["拟“高血压”收入院", "可能患有高血压", "与高血压的症状相符", "考虑为高血压"])
def test_a_first_diagnosis_is_no_history(statuses_in, text):
    assert statuses_in(text) == {"history_hypertension": "possible"}


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("以前咳嗽", "past"),
        ("以前不多现在天天咳嗽", "now"),
        ("一个月前咳嗽，后来好了", "past"),
        ("昨天咳嗽，后来好了", "now"),
        ("上周是咳嗽", "past"),
        ("休息一下咳嗽就好了", "now"),
        ("以前总是咳嗽", "past"),
    ],
)
def test_past_or_now(facts_in, text, when):
    assert facts_in(text)["cough"].when == when


def test_what_the_carer_has_is_not_the_childs(language):
    case = Case(chief_complaint="宝宝发烧2天。我也咳嗽")
    of_child = {fact.finding: fact.who for fact in read_case(case, language, of_child=True).facts}
    assert (of_child["fever"], of_child["cough"]) == ("patient", "family")
    # Of nobody who is not known to be a child.
    assert {fact.who for fact in read_case(case, language).facts} == {"patient"}


@pytest.mark.parametrize("text", ["便里有血丝，白细胞13", "尿液分析：白细胞计数90", "大便常规：白细胞15"])
def test_values_of_stool_and_urine_are_not_the_bloods(readings_in, text):
    assert not readings_in(text)


@pytest.mark.parametrize("text", ["尿常规正常，白细胞13", "大便常规：红细胞3。血常规：白细胞13"])
def test_blood_after_stool_or_urine_is_blood(readings_in, text):
    assert [r.item for r in readings_in(text)] == ["white_blood_cells"]


@pytest.mark.parametrize(
    ("text", "mark"),
    [("血糖3.9↓mmol/L", "low"), ("血糖6.0mmol/L ↑", "high"), ("血糖偏低3.9", "low"), ("血糖5.0", None)],
)
def test_a_mark_beside_a_value(language, text, mark):
    marks = read_case(Case(auxiliary_examination=text), language).marks
    assert list(marks.values()) == ([] if mark is None else [mark])


@pytest.mark.parametrize(
    ("text", "finding", "status"),
    [
        ("头皮不是特别痒", "pruritus", "present"),
        ("一起床不怎么头痛", "headache", "possible"),
        ("肚子不怎么疼，拉了两次", "abdominal_pain", "possible"),
        ("肚子不咋疼", "abdominal_pain", "possible"),
        ("黄痰不多", "purulent_sputum", "present"),
        ("流泪不多", "tearing", "absent"),
        ("这个是什么痘痘", "acne_comedone", "possible"),
    ],
)
def test_with_the_real_lexicon(real, text, finding, status):
    facts = read_case(Case(history_of_present_illness=text), real).facts
    known = {fact.finding: fact.status.value for fact in facts}
    assert finding in real.numbers
    assert known.get(finding) == status
