"""What is read from a sentence: one behaviour a test, on a small lexicon with the real language tables."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.domain.case import TEXT_FIELDS, Case
from cunyi.text.reader import read_case


@pytest.fixture(scope="module")
def read(mini):
    def reader(text, field="history_of_present_illness"):
        reading = read_case(Case(**{field: text}), mini.language)
        return {f.finding: f for f in reading.facts}

    return reader


@pytest.fixture(scope="module")
def values(mini):
    def reader(text, field="history_of_present_illness"):
        return [(r.item, r.value) for r in read_case(Case(**{field: text}), mini.language).readings]

    return reader


@pytest.mark.parametrize(
    ("text", "finding", "status"),
    [
        ("咳嗽3天", "cough", "present"),
        ("无咳嗽", "cough", "absent"),
        ("没有发烧", "fever", "absent"),
        ("不发烧", "fever", "absent"),
        ("冇发烧", "fever", "absent"),
        ("否认发热", "fever", "absent"),
        ("胸口不疼", "chest_pain", "absent"),
        ("胸口有点疼", "chest_pain", "present"),
        ("发热不明显", "fever", "absent"),
        ("双肺未闻及湿啰音", "crackles", "absent"),
        ("湿啰音（-）", "crackles", "absent"),
        ("湿啰音阴性", "crackles", "absent"),
        ("双肺呼吸音清", "crackles", "absent"),
        ("全身无力", "weakness", "present"),
        ("没解大便没力气", "weakness", "present"),
        ("否认全身无力", "weakness", "absent"),
        ("没打喷嚏，无关节痛，无意识障碍，无咳嗽", "cough", "absent"),
        ("无明显诱因咳嗽", "cough", "present"),
        ("咳嗽不止", "cough", "present"),
        ("吃了止咳药", "cough", None),
        ("可能发烧了", "fever", "possible"),
        ("好像有点发烧", "fever", "possible"),
        ("是不是发烧", "fever", None),
        ("有没有咳嗽", "cough", None),
        ("如果发烧就来", "fever", None),
        ("不是没有咳嗽", "cough", "present"),
        ("不能排除发热", "fever", "possible"),
        ("发绕两天", "fever", "present"),
        ("體温正常", "chest_pain", None),
    ],
)
def test_status(read, text, finding, status):
    fact = read(text).get(finding)
    assert (fact.status.value if fact else None) == status


def test_a_negation_covers_an_enumeration_and_ends_at_a_new_predicate(read):
    found = read("无发热、咳嗽及流涕，伴胸痛")
    assert [found[f].status.value for f in ("fever", "cough", "rhinorrhea", "chest_pain")] == ["absent"] * 3 + [
        "present"
    ]


def test_a_negation_ends_at_with_inside_a_clause(read):
    found = read("无发热伴咳嗽")
    assert found["fever"].status == "absent" and found["cough"].status == "present"


def test_a_denial_goes_on_over_commas_with_bare_findings(read):
    found = read("否认咳嗽，流涕，发热")
    assert {f.status.value for f in found.values()} == {"absent"}


def test_a_plain_negation_stops_at_the_comma(read):
    found = read("无发热，咳嗽")
    assert found["cough"].status == "present"


def test_a_longer_word_hides_the_shorter_one(read):
    found = read("压榨性胸痛")
    assert "crushing_chest_pain" in found and "chest_pain" not in found


def test_a_context_term_counts_only_with_its_parent(read):
    assert "crushing_chest_pain" in read("胸痛，像石头压着")
    assert "crushing_chest_pain" not in read("肚子痛，像石头压着")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("咳嗽3天", 3),
        ("咳嗽半个月", 15),
        ("咳嗽近两周", 14),
        ("咳嗽十余年", 365 * 10 * 1.2),
        ("咳嗽1月", 30),
        ("咳嗽6小时", 0.25),
        ("咳嗽1个半小时", 0.0625),
        ("咳嗽两三天", 2.5),
        ("昨晚咳嗽", 0.6),
        ("3天前开始，咳嗽", 3),
    ],
)
def test_duration(read, text, days):
    assert read(text)["cough"].duration_days == pytest.approx(days)


def test_dates_are_no_durations(read):
    assert read("8月份咳嗽")["cough"].duration_days is None
    assert read("2020年咳嗽")["cough"].duration_days is None


def test_onset_and_severity(read):
    fact = read("突然剧烈胸痛")["chest_pain"]
    assert fact.onset == "sudden" and fact.severity == "severe"


def test_family_and_narrator(read):
    assert read("母亲有高血压")["history_hypertension"].who == "family"
    assert read("妈妈说发烧")["fever"].who == "patient"
    assert read("发热", field="family_history")["fever"].who == "family"


def test_the_past_is_past(read):
    assert read("咳嗽", field="past_history")["cough"].when == "past"
    assert read("以前有咳嗽")["cough"].when == "past"
    assert read("既往史：咳嗽。")["cough"].when == "past"


def test_spans_count_code_points_of_the_original(mini):
    text = "𠮷 今天 ｃ咳  嗽3天，发　烧"
    for fact in read_case(Case(chief_complaint=text), mini.language).facts:
        field, start, end = fact.span
        assert field == "chief_complaint"
        assert text[start:end].replace(" ", "").replace("　", "") in ("咳嗽", "发烧")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("体温38.5℃", [("temperature_c", 38.5)]),
        ("３８．５℃", [("temperature_c", 38.5)]),
        ("烧到39度2", [("temperature_c", 39.2)]),
        ("三十八度五", [("temperature_c", 38.5)]),
        ("三十九度", [("temperature_c", 39.0)]),
        ("最高体温39.5", [("temperature_c", 39.5)]),
        ("T39.2", [("temperature_c", 39.2)]),
        ("38-39℃", [("temperature_c", 39.0)]),
        ("T:38.1℃ ,P:102次/分", [("temperature_c", 38.1), ("pulse_bpm", 102.0)]),
        ("BP 160/100mmHg", [("systolic_mmhg", 160.0), ("diastolic_mmhg", 100.0)]),
        ("血压160/100", [("systolic_mmhg", 160.0), ("diastolic_mmhg", 100.0)]),
        ("BP21.3/13.3kPa", [("systolic_mmhg", 160.0), ("diastolic_mmhg", 100.0)]),
        ("BP：90/60/mmhg", [("systolic_mmhg", 90.0), ("diastolic_mmhg", 60.0)]),
        ("高压180，低压110", [("systolic_mmhg", 180.0), ("diastolic_mmhg", 110.0)]),
        ("血红蛋白62g/L", [("hemoglobin", 62.0)]),
        ("Hb 6.2g/dL", [("hemoglobin", 62.0)]),
        ("白细胞12.3×10^9/L", [("white_blood_cells", 12.3)]),
        ("白细胞2.08×109/L", [("white_blood_cells", 2.08)]),
        ("WBC 12.3*10^9/L↑", [("white_blood_cells", 12.3)]),
        ("尿蛋白2+", [("urine_protein", "2+")]),
        ("尿蛋白（++）", [("urine_protein", "2+")]),
        ("尿蛋白阴性", [("urine_protein", "-")]),
        ("尿蛋白±", [("urine_protein", "±")]),
        ("SpO2 92%", [("spo2_pct", 92.0)]),
        ("体重100斤", [("weight_kg", 50.0)]),
        ("病程38天", []),
        ("今年38岁", []),
    ],
)
def test_values(values, text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "years", "sex"),
    [
        ("5岁男孩发烧", 5, "male"),
        ("宝宝8个月，女宝", 8 / 12, "female"),
        ("1岁半孩子咳嗽", 1.5, None),
        ("咳嗽3天", None, None),
    ],
)
def test_age_and_sex_where_the_text_says_them(mini, text, years, sex):
    reading = read_case(Case(chief_complaint=text), mini.language)
    assert reading.age_years == (None if years is None else pytest.approx(years))
    assert reading.sex == sex


def test_a_result_by_name_value_and_unit(mini):
    assert mini.language.read_result("血红蛋白", 6.2, "g/dL").value == 62
    assert mini.language.read_result("HGB", "62", None).value == 62
    assert mini.language.read_result("尿蛋白", "阳性", None).value == "1+"
    assert mini.language.read_result("没有的项目", 1, None) is None
    assert mini.language.read_result("血红蛋白", "看不清", None) is None


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=80)
    | st.text("无没有不咳嗽发烧胸口痛疼，、。：？0123456789.度℃/天年月(+-)高压低血", max_size=60)
)
def test_any_text_is_read_the_same_way_twice_and_spans_lie_inside(mini, text):
    case = Case(**{field: text for field in TEXT_FIELDS})
    reading = read_case(case, mini.language)
    assert reading == read_case(case, mini.language)
    for span in [f.span for f in reading.facts] + [r.span for r in reading.readings]:
        assert 0 <= span.start < span.end <= len(text)
