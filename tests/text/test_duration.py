"""How long, how suddenly, how badly, and to which finding it belongs."""

import pytest


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("咳嗽一周", 7),
        ("咳嗽三个月", 90),
        ("咳嗽2年", 730),
        ("咳嗽一个多礼拜", 8.4),
        ("咳嗽2-3天", 3),
        ("咳嗽从小就有", 3650),
        ("今早咳嗽", 0.3),
        ("前天开始咳嗽", 2),
        ("大前天咳嗽", 3),
        ("10天前咳嗽", 10),
        ("咳嗽十几天", 13),
        ("咳嗽1年半", 547.5),
        ("咳嗽30分钟", 30 / 1440),
    ],
)
def test_lengths(facts_in, text, days):
    assert facts_in(text)["cough"].duration_days == pytest.approx(days, rel=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "咳嗽，每天3次",
        "咳嗽一天三次",
        "咳嗽，输液3天",
        "服药5天咳嗽",
        "术后3天咳嗽",
        "咳嗽每次10分钟可缓解",
        "2020年3月5日咳嗽",
        "第3天咳嗽",
        "半夜咳嗽",
    ],
)
def test_rates_dates_and_treatments_are_no_durations(facts_in, text):
    assert facts_in(text)["cough"].duration_days is None


def test_each_finding_has_its_own_length(facts_in):
    found = facts_in("咳嗽10年，加重伴气紧3天", "chief_complaint")
    assert found["cough"].duration_days == 3650
    assert found["dyspnea"].duration_days == 3


def test_the_chief_complaints_length_applies_to_its_findings(facts_in):
    found = facts_in("发热，咳嗽5天", "chief_complaint")
    assert found["fever"].duration_days == 5


def test_a_moment_holds_for_the_rest_of_its_sentence_only(facts_in):
    found = facts_in("3天前受凉，后咳嗽。今有发热")
    assert found["cough"].duration_days == 3
    assert found["fever"].duration_days is None


def test_a_clause_of_nothing_but_a_length_belongs_to_the_one_before(facts_in):
    assert facts_in("咳嗽，已经两周了")["cough"].duration_days == 14


def test_the_age_of_a_child_is_no_length(facts_in):
    assert facts_in("3个月的宝宝咳嗽")["cough"].duration_days is None


@pytest.mark.parametrize(
    ("text", "onset"),
    [("突然胸痛", "sudden"), ("一下子胸痛", "sudden"), ("胸痛突发", "sudden"), ("慢慢胸痛", "gradual"), ("胸痛", None)],
)
def test_onset(facts_in, text, onset):
    assert facts_in(text)["chest_pain"].onset == onset


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("剧烈胸痛", "severe"),
        ("胸痛难忍", "severe"),
        ("胸痛得厉害", "severe"),
        ("轻微胸痛", "mild"),
        ("有点胸痛", "mild"),
        ("明显胸痛", "moderate"),
        ("胸痛", None),
    ],
)
def test_severity(facts_in, text, severity):
    assert facts_in(text)["chest_pain"].severity == severity


def test_a_degree_belongs_to_the_nearest_finding(facts_in):
    found = facts_in("剧烈胸痛、咳嗽")
    assert (found["chest_pain"].severity, found["cough"].severity) == ("severe", None)


def test_a_length_of_years_is_of_its_own_clause_only(facts_in):
    assert facts_in("长期咳嗽")["cough"].duration_days == 365
    assert facts_in("长期抽烟，这回咳嗽")["cough"].duration_days is None
