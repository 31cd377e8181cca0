"""What a denial covers: direction, enumerations, where it ends, double negation, terms of absence."""

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "无咳嗽",
        "没有咳嗽",
        "没咳嗽",
        "冇咳嗽",
        "不咳嗽",
        "未诉咳嗽",
        "否认咳嗽",
        "从来没有咳嗽",
        "无明显咳嗽",
        "咳嗽没有",
        "咳嗽不明显",
        "咳嗽（-）",
        "咳嗽：无",
        "咳嗽都没有出现",
        "咳嗽没有啊",
    ],
)
def test_a_denial(statuses_in, text):
    assert statuses_in(text) == {"cough": "absent"}


@pytest.mark.parametrize(
    "text",
    [
        "无明显诱因咳嗽",
        "不慎受凉后咳嗽",
        "咳嗽不止",
        "咳嗽无缓解",
        "咳嗽未就诊",
        "咳嗽无关节痛",
        "咳嗽没有减轻",
        "未婚，咳嗽",
        "不明原因咳嗽",
        "吃药没有用还咳嗽",
        "不知道怎么咳嗽",
        "无名指发麻，咳嗽",
        "无痛性咳嗽",
        "无缘由咳嗽",
        "无征兆咳嗽",
        "没吃饭咳嗽",
        "没歇着咳嗽",
        "没半个钟头咳嗽",
        "没两天就咳嗽",
        "没过几天咳嗽",
        "没多大一会儿咳嗽",
        "没走几步咳嗽",
        "没有多久咳嗽",
    ],
)
def test_words_that_look_like_a_denial_and_are_none(statuses_in, text):
    assert statuses_in(text) == {"cough": "present"}


@pytest.mark.parametrize("mark", ["、", "及", "和", "或", "以及"])
def test_a_denial_goes_on_through_an_enumeration(statuses_in, mark):
    assert set(statuses_in(f"无发热{mark}咳嗽").values()) == {"absent"}


def test_unknown_members_of_an_enumeration_do_not_end_a_denial(statuses_in):
    assert statuses_in("无盗汗、午后潮热感、体重减轻、咳嗽") == {"cough": "absent"}


def test_a_denial_before_many_other_words_does_not_reach(statuses_in):
    assert statuses_in("没有让镇上医院的医生看过一直在家咳嗽") == {"cough": "present"}


@pytest.mark.parametrize("word", ["伴", "但", "却", "有", "就"])
def test_a_denial_ends_at_a_new_statement(statuses_in, word):
    assert statuses_in(f"无发热{word}咳嗽") == {"fever": "absent", "cough": "present"}


def test_a_denial_ends_before_a_term_that_says_there_is(statuses_in):
    assert statuses_in("没有发烧有痰") == {"fever": "absent", "sputum": "present"}


def test_a_plain_denial_ends_at_the_comma(statuses_in):
    assert statuses_in("无发热，咳嗽3天")["cough"] == "present"


def test_a_denial_of_histories_goes_on_over_commas(statuses_in):
    assert statuses_in("否认高血压，糖尿病病史", "past_history") == {
        "history_hypertension": "absent",
        "history_diabetes": "absent",
    }


def test_a_denial_of_histories_ends_with_the_sentence(statuses_in):
    assert statuses_in("否认高血压。糖尿病5年", "past_history")["history_diabetes"] == "present"


def test_a_denial_of_histories_does_not_end_at_having(statuses_in):
    assert statuses_in("否认有高血压", "past_history") == {"history_hypertension": "absent"}


def test_a_denial_that_stands_behind_covers_the_enumeration_before_it(statuses_in):
    assert statuses_in("发热、咳嗽均阴性") == {"fever": "absent", "cough": "absent"}


def test_a_denial_between_two_findings_belongs_to_the_second(statuses_in):
    assert statuses_in("有咳嗽没有发热") == {"cough": "present", "fever": "absent"}


@pytest.mark.parametrize("text", ["不是没有咳嗽", "并非没有咳嗽", "不无咳嗽"])
def test_a_denied_denial_is_a_statement(statuses_in, text):
    assert statuses_in(text) == {"cough": "present"}


def test_a_denial_inside_a_term_of_absence_reaches_its_neighbours(statuses_in):
    assert statuses_in("腹股沟淋巴结不大", "physical_examination") == {"groin_node": "absent", "node": "absent"}


def test_a_denied_term_of_absence_says_nothing(statuses_in):
    assert statuses_in("没有体温正常") == {}


def test_a_heading_is_no_finding(statuses_in):
    assert statuses_in("脑膜刺激征：颈软", "physical_examination") == {}


def test_a_heading_with_its_sign_is_a_finding(statuses_in):
    assert statuses_in("脑膜刺激征：阳性", "physical_examination") == {"meningism": "present"}
    assert statuses_in("脑膜刺激征：阴性", "physical_examination") == {"meningism": "absent"}


def test_what_is_absent_has_no_duration_onset_or_severity(facts_in):
    fact = facts_in("近3天突然无剧烈咳嗽")["cough"]
    assert (fact.status, fact.duration_days, fact.onset, fact.severity) == ("absent", None, None, None)


@pytest.mark.parametrize(
    "text", ["可能咳嗽", "好像咳嗽", "似乎有咳嗽", "疑似咳嗽", "不能排除咳嗽", "咳嗽待排", "咳嗽？"]
)
def test_the_possible(statuses_in, text):
    assert statuses_in(text) == {"cough": "possible"}


@pytest.mark.parametrize(
    "text",
    [
        "如果咳嗽就来",
        "若出现咳嗽，发热，请就诊",
        "有没有咳嗽",
        "是否咳嗽",
        "会不会咳嗽",
        "咳嗽吗",
        "没有那么咳嗽",
        "预防咳嗽",
    ],
)
def test_ifs_and_questions_state_nothing(statuses_in, text):
    assert statuses_in(text) == {}


def test_a_question_with_its_answer_is_a_statement(statuses_in):
    assert statuses_in("有没有咳嗽？没有。有没有发烧？有。") == {"cough": "absent", "fever": "present"}


def test_asking_for_help_is_no_question_about_the_finding(statuses_in):
    assert statuses_in("咳嗽怎么办") == {"cough": "present"}


def test_words_of_context_that_deny_do_not_deny_what_is_before_them(statuses_in):
    assert statuses_in("干咳没痰") == {"dry_cough": "present"}
    assert statuses_in("咳嗽没痰") == {"cough": "present", "dry_cough": "present"}


@pytest.mark.parametrize("text", ["淋巴结肿大不痛", "淋巴结肿大不疼", "淋巴结肿大、不红"])
def test_what_does_not_hurt_is_there(statuses_in, text):
    assert statuses_in(text) == {"node": "present"}


def test_no_regular_pain_is_a_pain_where_it_stands_behind(statuses_in):
    assert statuses_in("腹痛无规律") == {"abdominal_pain": "present"}
    assert statuses_in("无规律腹痛") == {"abdominal_pain": "absent"}


def test_a_lump_that_does_not_grow_with_cough_says_nothing_of_cough(statuses_in):
    assert statuses_in("包块不随咳嗽增大") == {}


@pytest.mark.parametrize(
    ("text", "finding", "status"),
    [
        ("不发热的咳嗽", "cough", "present"),
        ("不发热的咳嗽", "fever", "absent"),
        ("没有明显的咳嗽", "cough", "absent"),
        ("没有发热、咳嗽的情况", "cough", "absent"),
    ],
)
def test_a_denial_that_only_describes_denies_no_more(facts_in, text, finding, status):
    assert facts_in(text)[finding].status == status
