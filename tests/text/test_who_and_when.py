"""Whose a finding is and whether it belongs to this illness."""

import pytest

from cunyi.domain.case import Case, Sex
from cunyi.domain.finding import Who
from cunyi.reasoning.assess import assess
from cunyi.text.reader import read_case


@pytest.mark.parametrize("text", ["母亲发热", "屋里人也发烧", "同事都咳嗽发烧", "隔壁前几天发烧"])
def test_a_relative_or_neighbour_has_it(facts_in, text):
    assert facts_in(text, age_years=40, sex="male")["fever"].who == "family"


@pytest.mark.parametrize(
    "text", ["儿媳代诉：发热", "奶奶讲发热", "妈妈说发烧", "家属发现发热", "与家人争吵后发热", "母亲带来看发热"]
)
def test_who_tells_or_is_there_does_not_have_it(facts_in, text):
    assert facts_in(text, age_years=40, sex="male")["fever"].who == "patient"


@pytest.mark.parametrize(
    "text",
    [
        "我哥有高血压，我胸痛",
        "我爸高血压，我胸痛",
        "胸痛，我妈有高血压",
        "胸痛3天。我姐姐也有高血压",
        "老公有高血压，我胸痛",
    ],
)
def test_an_illness_of_a_relative_is_not_the_speakers(facts_in, text):
    found = facts_in(text, "chief_complaint")
    assert (found["history_hypertension"].who, found["chest_pain"].who) == ("family", "patient")


@pytest.mark.parametrize(
    "text",
    [
        "我爸有高血压，最近胸痛",
        "我哥哥有高血压，这两天没吃药，人没劲，今天胸痛",
        "我妈有高血压，自己停了药，胸痛",
        "俺爹六十五，爱喝茶，先是乏，胸痛",
        "儿子五岁了说话少，胸痛",
    ],
)
def test_a_relative_whose_trouble_is_told_is_the_patient(facts_in, text):
    assert {fact.who for fact in facts_in(text, "chief_complaint").values()} == {"patient"}


@pytest.mark.parametrize(
    "text", ["丈夫有高血压，咳嗽", "同学发热，咳嗽", "邻居去世后咳嗽", "目睹丈夫出事后咳嗽", "住外婆家，咳嗽"]
)
def test_complaints_after_a_relatives_go_on_with_the_patient(facts_in, text):
    assert facts_in("女，30岁，" + text, age_years=30, sex="female")["cough"].who == "patient"


def test_a_relative_named_after_the_patients_age_is_no_patient(language):
    reading = read_case(Case(chief_complaint="9岁女孩，父亲有高血压，咳嗽"), language)
    assert (reading.age_years, reading.sex) == (9, "female")


def test_the_patient_named_after_a_relative_has_it(facts_in):
    assert facts_in("母亲上周感冒，孩子发热", age_years=3, sex="male")["fever"].who == "patient"


def test_bare_findings_go_on_with_the_relative(facts_in):
    found = facts_in("父亲有高血压，糖尿病", "past_history", age_years=40, sex="male")
    assert {found["history_hypertension"].who, found["history_diabetes"].who} == {"family"}


def test_a_finding_about_the_family_is_the_patients_own(facts_in):
    assert facts_in("母亲有高血压", "family_history")["family_history_hypertension"].who == "patient"


def test_a_relative_who_is_the_subject_of_a_consultation_is_the_patient(facts_in):
    assert facts_in("我儿子发烧", "chief_complaint")["fever"].who == "patient"


def test_in_a_record_with_age_and_sex_a_son_is_a_relative(facts_in):
    assert facts_in("儿子发烧", "chief_complaint", age_years=50, sex="male")["fever"].who == "family"


def test_the_sex_of_the_subject_is_known_from_its_word(language):
    assert read_case(Case(chief_complaint="我儿子5岁，发烧"), language).sex == "male"


@pytest.mark.parametrize("text", ["以前有咳嗽", "曾咳嗽", "小时候咳嗽", "去年有一次咳嗽", "咳嗽好了", "咳嗽已消失"])
def test_what_is_over_is_past(facts_in, text):
    assert facts_in(text)["cough"].when == "past"


@pytest.mark.parametrize("text", ["去年开始咳嗽", "咳嗽10余年", "咳嗽好了很多", "3年前开始咳嗽"])
def test_what_goes_on_is_now(facts_in, text):
    assert facts_in(text)["cough"].when == "now"


def test_the_past_history_is_past_but_for_what_it_says_is_now(facts_in):
    assert facts_in("咳嗽", "past_history")["cough"].when == "past"
    assert facts_in("目前咳嗽", "past_history")["cough"].when == "now"


@pytest.mark.parametrize("heading", ["既往史：", "#既往史#", "既往史:"])
def test_a_heading_switches_the_section(facts_in, heading):
    assert facts_in(f"发热。{heading}咳嗽")["cough"].when == "past"


def test_a_family_heading_switches_to_the_family(facts_in):
    assert facts_in("咳嗽。家族史：发热")["fever"].who == "family"


@pytest.mark.parametrize(
    ("text", "years", "sex"),
    [
        ("男，15岁，咳嗽", 15, "male"),
        ("女宝宝7个月", 7 / 12, "female"),
        ("咳嗽4个多月", None, None),
        ("3个多月的小孩咳嗽", 0.25, None),
        ("生完孩子2个月后咳嗽", None, None),
        ("宝宝3个月前开始咳嗽", None, None),
        ("男婴，2月龄，咳嗽", 2 / 12, "male"),
        ("日龄6天，咳嗽", 6 / 365.25, None),
        ("6周龄女婴，咳嗽", 42 / 365.25, "female"),
        ("60多岁，咳嗽", 63, None),
        ("咳嗽，今年四十八了", 48, None),
        ("我妈妈，63岁，咳嗽", 63, "female"),
        ("15岁时咳嗽，现23岁", 23, None),
        ("我咳嗽，舅舅15岁时有过", None, None),
        ("我咳嗽，我爸四十岁没了", None, None),
        ("孙子六岁半，他爸到十岁还咳嗽", 6.5, None),
        ("闺女一岁半才会走，咳嗽", 1.5, "female"),
        ("尿床到十岁，咳嗽", None, None),
        ("60岁前胸痛3天", 60, None),
        ("七十多了，咳嗽", 73, None),
        ("俺爹71，咳嗽", 71, "male"),
        ("我爸都六十八了，咳嗽", 68, "male"),
        ("生后4小时男婴，咳嗽", 4 / 24 / 365.25, "male"),
        ("生后3天出现咳嗽", None, None),
        ("男婴5天，咳嗽，母31岁", 5 / 365.25, "male"),
        ("男婴，3天前咳嗽", None, "male"),
        ("女婴3月，母41岁，咳嗽", 0.25, "female"),
        ("老母63岁，咳嗽", 63, None),
        ("六天大的娃咳嗽", 6 / 365.25, None),
        ("孩子半个月大，咳嗽", 0.5 / 12, None),
        ("孙女四天大，咳嗽", 4 / 365.25, "female"),
        ("四天大便没解，咳嗽", None, None),
        ("咳嗽一天比一天大声", None, None),
        ("一天比一天大，咳嗽", None, None),
        ("才二十天，咳嗽不吃奶", 20 / 365.25, None),
        ("才二十天，咳嗽", None, None),
        ("娃才五天，咳嗽", 5 / 365.25, None),
        ("孩子一个多月，咳嗽", 1 / 12, None),
        ("新生3天，咳嗽", 3 / 365.25, None),
        ("出生七天吐绿水，咳嗽", 7 / 365.25, None),
        ("生后1h，咳嗽", 1 / 24 / 365.25, None),
        ("早产儿，现在五个月，咳嗽", 5 / 12, None),
        ("男64。咳嗽", 64, "male"),
        ("女69，咳嗽", 69, "female"),
        ("老人七十五，咳嗽", 75, None),
        ("我婆婆七十多了走路不稳，咳嗽", 73, "female"),
        ("怀孕九个月，孩子动得少，咳嗽", None, None),
        ("生完孩子两个月，咳嗽", None, None),
        ("28岁，跟男朋友吃饭后咳嗽", 28, None),
    ],
)
def test_age_and_sex_of_the_first_lines(language, text, years, sex):
    reading = read_case(Case(chief_complaint=text), language)
    assert reading.age_years == (None if years is None else pytest.approx(years))
    assert reading.sex == sex


def test_a_filled_in_age_and_sex_are_not_looked_for(language):
    reading = read_case(Case(chief_complaint="男，15岁", age_years=15, sex="male"), language)
    assert (reading.age_years, reading.sex) == (None, None)


def test_own_words_about_a_relative_are_the_patients_even_with_a_filled_in_head(language):
    # A doctor's record speaks of 母亲; 我妈 is nobody's but the daughter's, whoever wrote it down.
    for told, own_words, who in (
        ("我妈咳嗽三天，发烧", True, Who.PATIENT),
        ("我妈咳嗽三天，发烧", False, Who.PATIENT),
        ("母亲咳嗽三天，发烧", True, Who.PATIENT),
        ("母亲咳嗽三天，发烧", False, Who.FAMILY),
    ):
        case = Case(sex=Sex.FEMALE, age_years=68, chief_complaint=told, own_words=own_words)
        facts = {fact.finding: fact.who for fact in read_case(case, language).facts}
        assert facts["cough"] == who, (told, own_words)


def test_age_and_sex_may_stand_in_the_examination(language):
    reading = read_case(Case(chief_complaint="咳嗽3天", physical_examination="8岁男孩，咽红"), language)
    assert (reading.age_years, reading.sex) == (8, "male")


def test_where_the_mother_is_the_patient_her_illness_is_no_familys(facts_in):
    assert "family_history_hypertension" not in facts_in("母亲有高血压，今天胸痛", "chief_complaint")


@pytest.mark.parametrize(
    ("text", "sex", "years"),
    [
        ("我家老头子胸口痛", Sex.MALE, 70),
        ("孩子他爸胸口痛", Sex.MALE, 35),
        ("孙子他奶奶胸口痛", Sex.FEMALE, 70),
        ("我妈胸口痛", Sex.FEMALE, 55),
        ("娃发烧", None, 5),
        ("宝宝发烧", None, 1),
        ("胸口痛", None, None),
        ("生完孩子第三天胸口痛", None, None),
        ("怀孕九个月，孩子动得少，胸口痛", None, None),
        ("娃刚生，胸口痛", None, 0.005),
        ("娃出生时缺氧，胸口痛", None, 5),
        ("宝宝满月后发烧", None, 1),
        ("我儿子胸口痛", Sex.MALE, 5),
        ("跟我老公同房后胸口痛", None, None),
    ],
)
def test_the_word_for_the_patient_says_how_old_and_which_sex(language, text, sex, years):
    reading = read_case(Case(chief_complaint=text, own_words=True), language)
    assert (reading.sex, reading.supposed_years) == (sex, years)
    assert reading.age_years is None
    assert all(fact.who == Who.PATIENT for fact in reading.facts)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("我老公喝了农药", Who.PATIENT),
        ("隔壁王大爷喝了农药", Who.PATIENT),
        ("我老公喝了农药，我头痛", Who.FAMILY),
    ],
)
def test_who_tells_only_of_anothers_exposure_comes_for_it(knowledge, text, who):
    facts = {f.finding: f.who for f in read_case(Case(chief_complaint=text, own_words=True), knowledge.language).facts}
    assert facts["pesticide_ingestion"] == who


def test_red_flags_go_by_a_grown_ups_age_where_nobody_said_it(knowledge):
    def level(text, **more):
        return assess({"id": "x", "chief_complaint": text, **more}, knowledge).triage.level

    assert level("胸口痛，出冷汗") == level("胸口痛，出冷汗", age_years=40) == "emergency"
    assert level("娃胸口痛，出冷汗") == level("胸口痛，出冷汗", age_years=5)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("生后2天足月男婴，皮肤黄", 2 / 365.25),
        ("女，出生3d，不吃奶", 3 / 365.25),
        ("娃才生三天，脸黄", 3 / 365.25),
        ("男，20月，便血3次", 20 / 12),
        ("8月男婴，腹泻", 8 / 12),
        ("女婴22月，发热", 22 / 12),
        ("我刚生两天，肚子痛", None),
        ("头痛，8月加重", None),
    ],
)
def test_ages_of_infants(language, text, years):
    reading = read_case(Case(history_of_present_illness=text), language)
    assert reading.age_years == (None if years is None else pytest.approx(years, rel=0.01))


def test_the_letter_beside_the_age_says_the_sex(language):
    assert read_case(Case(history_of_present_illness="男，30岁，阴毛女性分布"), language).sex == Sex.MALE
