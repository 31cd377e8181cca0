"""Written doses against limits made up for these tests: what is read, what is too much, what is said not to be checked."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.real_knowledge import library_without_texts

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.check_doses import check_doses
from cunyi.authoring.load import Entry
from cunyi.authoring.strict_yaml import read_yaml
from cunyi.domain.case import Lab
from cunyi.domain.finding import Reading, When
from cunyi.domain.prescription import ConcernSeverity, PatientForPrescribing, PrescriptionLine
from cunyi.reasoning.prepared import prepare
from cunyi.reasoning.prescribing import check_prescription
from cunyi.reasoning.weight_and_kidneys import glomerular_filtration
from cunyi.reasoning.written_doses import DoseWords

MAN = {"age_years": 40, "sex": "male", "role": "village_doctor"}
CHILD = {"age_years": 5, "sex": "male", "role": "village_doctor", "weight_kg": 20}
SEVERITIES = list(ConcernSeverity)
DOSES = """
- {drug: paracetamol, route: 口服, age: {from: 12}, single: {low: 0.3, high: 1, unit: g}, times: {low: 1, high: 4}, daily: {high: 4, unit: g}, liver: reduce, sources: [general]}
- {drug: paracetamol, route: 口服, age: {from: 0.25, below: 12}, single_per_kg: {low: 10, high: 15, unit: mg}, daily_per_kg: {high: 75, unit: mg}, sources: [erke_9]}
- {drug: amoxicillin, route: 口服, age: {from: 12}, single: {low: 0.25, high: 1, unit: g}, sources: [general]}
- {drug: amoxicillin, route: 口服, age: {from: 0.25, below: 12}, daily_per_kg: {low: 20, high: 90, unit: mg}, daily: {high: 3, unit: g}, sources: [general]}
- {drug: metformin, route: 口服, age: {from: 18}, single: {low: 0.25, high: 1, unit: g}, kidney: {below: 30, action: avoid}, sources: [general]}
- {drug: gentamicin, route: 肌内注射, age: {from: 18}, single: {high: 80, unit: mg}, kidney: {below: 60, action: reduce}, sources: [general]}
- {drug: benzylpenicillin, route: 肌内注射, age: {from: 14}, single: {high: 160, unit: 万IU}, sources: [general]}
- {drug: benzylpenicillin, route: 静脉滴注, age: {from: 14}, single: {high: 1000, unit: 万IU}, sources: [general]}
- {drug: methotrexate, route: 口服, age: {from: 18}, single: {high: 20, unit: mg}, times: {high: 0.15}, daily: {high: 20, unit: mg}, sources: [general]}
"""


@pytest.fixture(scope="module")
def knowledge(knowledge_root, tmp_path_factory):
    """The shipped drugs with the doses above as both passes."""
    library = msgspec.structs.replace(library_without_texts())
    path = tmp_path_factory.mktemp("doses") / "doses.yaml"
    path.write_text(DOSES, encoding="utf-8")
    raw, problems = read_yaml(path, path.name)
    assert problems == []
    library.doses_first = library.doses_second = [Entry(entry, path.name) for entry in raw]
    assert [str(problem) for problem in check_doses(library)] == []
    return prepare(to_bytes(compile_library(library)))


@pytest.fixture(scope="module")
def words(knowledge):
    return DoseWords(knowledge.content.formulary.rules.doses)


@pytest.fixture(scope="module")
def check(knowledge):
    """The concerns about doses (and organs) of one line or several."""

    def run(*lines, **patient):
        concerns = check_prescription(
            [PrescriptionLine(**line) for line in lines], PatientForPrescribing(**(patient or MAN)), knowledge
        )
        return [c for c in concerns if c.kind == "dose" or "肾小球" in c.message or "严重肝病" in c.message]

    return run


def oral(drug, dose, frequency="每日1次", strength="", route="口服"):
    return {"drug": drug, "dose": dose, "frequency": frequency, "strength": strength, "route": route}


def said(concerns):
    return [(c.severity.value, c.message) for c in concerns]


@pytest.mark.parametrize(
    ("text", "strength", "base", "amount"),
    [
        ("0.5g", "", "mg", 500),
        ("500 mg", "", "mg", 500),
        ("0．5克", "", "mg", 500),
        ("250μg", "", "mg", 0.25),
        ("2片", "0.25g×24片", "mg", 500),
        ("半片", "5mg*20片", "mg", 2.5),
        ("1片半", "5mg", "mg", 7.5),
        ("1/2片", "5mg", "mg", 2.5),
        ("两粒", "每粒0.3g", "mg", 600),
        ("5ml", "125mg/5ml", "mg", 125),
        ("5mL", "100ml:2g", "mg", 100),
        ("10ml", "10%10ml", "mg", 1000),
        ("1支", "2ml:80mg(8万单位)", "mg", 80),
        ("1片", "0.625g(0.5g:0.125g)", "mg", 625),
        ("80万单位", "", "IU", 800_000),
        ("160万U", "", "IU", 1_600_000),
        ("每次1~2片", "0.25g", "mg", 500),
        ("0.25g×2片", "0.25g", "mg", 500),
        ("一次2片，饭后", "0.25g", "mg", 500),
        ("1片(饭后)", "0.25g", "mg", 250),
        ("2片", "", "mg", None),
        ("5ml", "0.25g", "mg", None),
        ("1片", "0.5g/0.1g", "mg", None),
    ],
)
def test_amounts_as_doctors_write_them(words, text, strength, base, amount):
    dose = words.dose(text)
    assert dose is not None
    assert words.amount(dose, base, words.strength(strength)) == (amount if amount is None else pytest.approx(amount))


@pytest.mark.parametrize(
    ("text", "per_kg", "per_day", "parts"),
    [
        ("10mg/kg", True, False, None),
        ("10mg/kg/次", True, False, None),
        ("30mg/kg/d 分3次", True, True, 3),
        ("30mg/(kg·d)，分三次", True, True, 3),
        ("每日1.5g 分3次", False, True, 3),
        ("1片", False, False, None),
    ],
)
def test_by_weight_and_by_day(words, text, per_kg, per_day, parts):
    dose = words.dose(text)
    assert (dose.per_kg, dose.per_day, dose.parts) == (per_kg, per_day, parts)


@pytest.mark.parametrize(
    "text", ["适量", "遵医嘱", "首剂加倍", "0.5", "0", "0g", "1g加2片", "30滴/分", "片", "g", "1-", "1g 2g", "/", "()"]
)
def test_what_is_not_a_dose_is_not_guessed(words, text):
    assert words.dose(text) is None


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("一天三次", 3), ("每日3次", 3), ("3次/日", 3), ("tid", 3), ("TID", 3), ("b.i.d.", 2), ("bid", 2), ("qn", 1), ("qd 饭后", 1),
        ("每8小时1次", 3), ("q8h", 3), ("q6h", 4), ("每4-6小时一次", 6), ("隔日1次", 0.5), ("qod", 0.5), ("每周1次", 1 / 7),
        ("每周3次", 3 / 7), ("每3天1次", 1 / 3), ("早晚各一次", 2), ("每晚睡前1次", 1), ("每日2-3次", 3), ("立即", 1),
        ("必要时每6小时1次", 4),
    ],
)  # fmt: skip
def test_frequencies_as_doctors_write_them(words, text, times):
    assert words.frequency(text).times == pytest.approx(times, rel=0.01)


def test_a_frequency_left_to_need_is_understood_and_nonsense_is_not(words):
    assert words.frequency("必要时").times is None and words.frequency("prn").times is None
    for text in ("", "3次", "看情况", "每日", "0次/日", "每0小时1次"):
        assert words.frequency(text) is None or text == "每日"


def test_everything_that_the_form_offers_is_understood(knowledge, words):
    rules = knowledge.content.formulary.rules
    assert [text for text in rules.frequencies if words.frequency(text) is None] == []
    assert [text for text in rules.routes if words.route(text) != text] == []
    assert words.route("静滴") == "静脉滴注" and words.route("i.m.") == "肌内注射" and words.route("随便") is None


def test_a_usual_dose_is_silent(check):
    assert check(oral("对乙酰氨基酚片", "0.5g", "每日3次"), oral("阿莫西林胶囊", "2粒", "tid", "0.25g×24粒")) == []


def test_an_adult_overdose_of_paracetamol(check):
    single = check(oral("对乙酰氨基酚", "3片", "每日1次", "0.5g"))
    assert [c.severity for c in single] == ["warn"]
    assert "1.5倍" in single[0].message and "未核实" in single[0].message and "not verified" in single[0].message_en
    daily = check(oral("对乙酰氨基酚", "1g", "每4小时1次"))
    assert [(c.severity, "一天的总量是核对上限的1.5倍" in c.message) for c in daily] == [("warn", True)]
    both = check(oral("对乙酰氨基酚", "5g", "立即"))
    assert [(c.severity, "单次剂量是核对上限的5倍" in c.message) for c in both] == [("stop", True)]
    assert all(c.needs_reason for c in (*single, *daily))


def test_no_message_shows_a_dose(check):
    lines = [oral("对乙酰氨基酚", "3g", "q4h"), oral("阿莫西林", "10g", "q4h"), oral("二甲双胍", "5mg")]
    concerns = check(*lines)
    assert len(concerns) == 3
    for concern in concerns:
        assert not re.search(r"[0-9.]+ ?(m?g|克|毫克)(?![a-z])", concern.message + concern.message_en), concern.message
        assert concern.source and "{" not in concern.message + concern.message_en


def test_a_child_by_weight_and_a_source_that_is_more_than_general(check):
    assert check(oral("对乙酰氨基酚", "0.2g", "每6小时1次"), **CHILD) == []
    concerns = check(oral("对乙酰氨基酚", "0.6g", "每日1次"), **CHILD)
    assert said(concerns) == [("stop", "对乙酰氨基酚：按体重20公斤算，单次剂量是核对上限的2倍，请核对剂量、单位和体重")]
    assert concerns[0].source == "erke_9"
    by_weight = check(oral("对乙酰氨基酚", "20mg/kg", "每日1次"), **CHILD)
    assert len(by_weight) == 1 and "1.34倍" in by_weight[0].message


def test_rounding_to_a_tablet_is_no_overdose_by_weight(check):
    assert check(oral("对乙酰氨基酚", "0.32g", "每日1次"), **CHILD) == []


@pytest.mark.parametrize(
    ("dose", "frequency", "severities"),
    [
        ("0.25g", "每日3次", []),
        ("5ml", "每日3次", []),
        ("1g", "每日3次", ["warn"]),
        ("60mg/kg/d 分3次", "", []),
        ("200mg/kg/d 分3次", "", ["stop"]),
        ("50mg", "每日2次", ["note"]),
    ],
)
def test_amoxicillin_of_a_child(check, dose, frequency, severities):
    strength = "125mg/5ml" if "ml" in dose else ""
    assert [c.severity for c in check(oral("阿莫西林", dose, frequency, strength), **CHILD)] == severities


def test_without_weight_it_is_said(check):
    patient = {**CHILD, "weight_kg": None}
    found = said(check(oral("对乙酰氨基酚", "0.2g"), oral("阿莫西林", "0.25g"), **patient))
    assert found == [("note", "对乙酰氨基酚、阿莫西林：没有体重，按体重的剂量没有核对")]
    # A limit that does not depend on weight still holds.
    assert any("一天的总量" in c.message for c in check(oral("阿莫西林", "2g", "每日3次"), **patient))


@pytest.mark.parametrize(("days_ago", "found"), [(30, True), (400, False)])
def test_the_latest_weight_counts_unless_a_child_has_outgrown_it(check, days_ago, found):
    past = (
        Reading(item="weight_kg", value=20.0, when=When.PAST, days_ago=days_ago),
        Reading(item="weight_kg", value=10.0, when=When.PAST, days_ago=days_ago + 100),
    )
    concerns = check(oral("对乙酰氨基酚", "0.6g"), **{**CHILD, "weight_kg": None, "previous": past})
    assert [("20公斤" in c.message, "没有体重" in c.message) for c in concerns] == [(found, not found)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (oral("对乙酰氨基酚", "适量"), "剂量“适量”没有读懂，没有核对"),
        (oral("对乙酰氨基酚", "2片"), "规格没有写或没有读懂，剂量没有核对"),
        (oral("对乙酰氨基酚", "0.5g", "看情况"), "频次“看情况”没有写或没有读懂"),
        (oral("对乙酰氨基酚", "0.5g", ""), "频次“”没有写或没有读懂"),
        (oral("二甲双胍", "每日1.5g", ""), "频次“”没有写或没有读懂"),
        (oral("青霉素", "80万单位", route="滴血"), "途径“滴血”没有写或没有读懂"),
        (oral("氨氯地平", "5mg"), "没有可核对的剂量界线"),
        (oral("对乙酰氨基酚", "0.5g", route="直肠给药"), "没有可核对的剂量界线"),
    ],
)
def test_what_was_not_checked_is_said(check, line, message):
    concerns = check(line)
    assert [(c.severity, message in c.message) for c in concerns] == [("note", True)]


def test_an_unknown_age_is_said(check):
    assert said(check(oral("对乙酰氨基酚", "0.5g"), sex="male")) == [("note", "年龄未填，对乙酰氨基酚的剂量没有核对")]


def test_nothing_is_said_where_no_dose_is_written_or_the_drug_goes_on_the_skin(check):
    assert check(oral("对乙酰氨基酚", "", ""), oral("莫匹罗星软膏", "适量", "每日2次", route="外用")) == []


def test_the_route_decides_the_limit(check):
    assert check(oral("青霉素", "480万U", route="静滴")) == []
    assert [c.severity for c in check(oral("青霉素", "480万U", route="肌注"))] == ["stop"]


def test_a_strength_in_the_name_is_used(check):
    assert [c.severity for c in check(oral("对乙酰氨基酚片 0.5g*12片", "4片"))] == ["stop"]


def test_two_lines_of_one_drug_are_added_up(check):
    concerns = check(oral("对乙酰氨基酚", "1g", "每日3次"), oral("扑热息痛", "1g", "每日3次"))
    assert [(c.severity, c.lines) for c in concerns] == [("warn", (0, 1))]


def test_a_weekly_drug_every_day_stops(check):
    assert check(oral("甲氨蝶呤", "10mg", "每周1次")) == []
    concerns = check(oral("甲氨蝶呤", "10mg", "每日1次"))
    assert [(c.severity, "给药次数" in c.message) for c in concerns] == [("stop", True)]


def test_far_too_little_is_a_note(check):
    concerns = check(oral("二甲双胍", "5mg"))
    assert [(c.severity, "远低于" in c.message) for c in concerns] == [("note", True)]


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "expected"),
    [(0.9, 50, "male", 104), (0.7, 50, "female", 105), (2.0, 60, "male", 37), (1.2, 40, "female", 59)],
)
def test_the_kidney_formula(knowledge, creatinine, age, sex, expected):
    formula = knowledge.content.formulary.rules.doses.kidney
    assert glomerular_filtration(creatinine * 88.4, age, sex, formula) == pytest.approx(expected, abs=1)
    assert glomerular_filtration(creatinine * 88.4, 17, sex, formula) is None


def test_kidneys_speak_against_metformin(check):
    failing = {**MAN, "age_years": 60, "labs": (Lab("肌酐", 354, "μmol/L"),)}
    concerns = check(oral("二甲双胍", "0.5g"), oral("庆大霉素", "80mg", route="肌注"), **failing)
    assert [(c.severity, c.kind) for c in concerns] == [("stop", "contraindication"), ("warn", "dose")]
    assert "约16" in concerns[0].message and "未核实" in concerns[0].message
    assert check(oral("二甲双胍", "0.5g"), **{**failing, "labs": (Lab("Scr", 1.0, "mg/dL"),)}) == []
    assert check(oral("二甲双胍", "0.5g"), **{**failing, "sex": None}) == []


def test_the_newest_kidney_value_counts_and_an_old_one_does_not(check):
    def past(item, value, days):
        return Reading(item=item, value=float(value), when=When.PAST, days_ago=days)

    def found(*previous):
        return len(check(oral("二甲双胍", "0.5g"), **MAN, previous=previous))

    assert found(past("egfr", 20, 40)) == 1
    assert found(past("creatinine", 500, 40)) == 1
    assert found(past("egfr", 90, 10), past("creatinine", 500, 40)) == 0
    assert found(past("egfr", 20, 1000)) == 0


def test_severe_liver_disease(check):
    concerns = check(oral("对乙酰氨基酚", "0.5g"), **MAN, problems=("肝硬化",))
    assert [(c.severity, "严重肝病要减量" in c.message) for c in concerns if c.kind == "dose"] == [("note", True)]


def gravest(concerns):
    return min((SEVERITIES.index(c.severity) for c in concerns), default=len(SEVERITIES))


FREQUENCIES = ["每周1次", "隔日1次", "每日1次", "每日2次", "每日3次", "每6小时1次", "每4小时1次", "必要时", ""]


@settings(max_examples=150, deadline=None)
@given(
    drug=st.sampled_from(["对乙酰氨基酚", "阿莫西林", "二甲双胍", "甲氨蝶呤"]),
    amounts=st.tuples(st.integers(1, 20_000), st.integers(1, 20_000)).map(sorted),
    frequency=st.sampled_from(FREQUENCIES),
    patient=st.sampled_from([MAN, CHILD, {**CHILD, "weight_kg": None}, {**MAN, "age_years": 16}]),
)
def test_more_of_the_same_drug_never_makes_the_concern_milder(check, drug, amounts, frequency, patient):
    def of(amount):
        concerns = check(oral(drug, f"{amount}mg", frequency), **patient)
        # Too little is another worry, which more does end.
        return gravest([c for c in concerns if "远低于" not in c.message])

    less, more = amounts
    assert of(more) <= of(less)


@settings(max_examples=60, deadline=None)
@given(
    amount=st.integers(1, 5000),
    often=st.tuples(st.integers(1, 12), st.integers(1, 12)).map(sorted),
    patient=st.sampled_from([MAN, CHILD]),
)
def test_more_often_never_makes_the_concern_milder(check, amount, often, patient):
    def of(times):
        concerns = check(oral("对乙酰氨基酚", f"{amount}mg", f"每日{times}次"), **patient)
        return gravest([c for c in concerns if "远低于" not in c.message])

    assert of(often[1]) <= of(often[0])


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789./-~*x()（），,gmlkμ片半次每日分一二三 h·%", max_size=20))
def test_no_writing_breaks_the_reader(check, text):
    check(oral("对乙酰氨基酚", text, text, text), **CHILD)
