"""Values in the text: spoken and written, with units, conversions, what is impossible, how long ago."""

import pytest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("39度半", [("temperature_c", 39.5)]),
        ("直腿抬高试验右侧35°阳性", []),
        ("Cobb角40°，体温38.2°", [("temperature_c", 38.2)]),
        ("SpO₂ 89%", [("spo2_pct", 89.0)]),
        ("发烧39度2天", [("temperature_c", 39.0)]),
        ("三十九度二", [("temperature_c", 39.2)]),
        ("T：36.5℃", [("temperature_c", 36.5)]),
        ("38.2-39.5℃", [("temperature_c", 39.5)]),
        ("烧到40", [("temperature_c", 40.0)]),
        ("脉搏：88次／分", [("pulse_bpm", 88.0)]),
        ("脉38次/分，头晕", [("pulse_bpm", 38.0)]),
        ("脉搏细弱 42 次", [("pulse_bpm", 42.0)]),
        ("脉搏细弱，42次/分", [("pulse_bpm", 42.0)]),
        ("脉细数，120次/分", [("pulse_bpm", 120.0)]),
        ("R 24", [("respiratory_rate_bpm", 24.0)]),
        ("血压最高180/110mmHg", [("systolic_mmhg", 180.0), ("diastolic_mmhg", 110.0)]),
        ("160-170/90-100mmHg", [("systolic_mmhg", 170.0), ("diastolic_mmhg", 100.0)]),
        ("血氧饱和度为92％", [("spo2_pct", 92.0)]),
        ("体重48kg", [("weight_kg", 48.0)]),
        ("空腹血糖 7.8mmol/L", [("glucose_mmol_l", 7.8)]),
        ("血糖180mg/dl", [("glucose_mmol_l", 9.99)]),
        ("白细胞 12.3*10^9", [("white_blood_cells", 12.3)]),
        ("白细胞12300", [("white_blood_cells", 12.3)]),
        ("中性粒细胞百分比 0.85", [("neutrophil_pct", 85.0)]),
        ("中性粒细胞百分比85%↑", [("neutrophil_pct", 85.0)]),
        ("肌酐 120umol/L", [("creatinine", 120.0)]),
        ("Cr 1.5mg/dL", [("creatinine", 132.6)]),
        ("尿蛋白：弱阳性", [("urine_protein", "±")]),
        ("白细胞持续15.2", [("white_blood_cells", 15.2)]),
        ("肌酐由80升至190", [("creatinine", 190.0)]),
        ("肌酐从80 μmol/L升到190μmol/L", [("creatinine", 190.0)]),
        ("血压由160/100mmHg下降至90/60mmHg", [("systolic_mmhg", 90.0), ("diastolic_mmhg", 60.0)]),
        ("血压从160降到90/60", [("systolic_mmhg", 90.0), ("diastolic_mmhg", 60.0)]),
        ("体重从70公斤掉到55公斤", [("weight_kg", 55.0)]),
        ("血糖今早8.9", [("glucose_mmol_l", 8.9)]),
        ("血压230，头痛", [("systolic_mmhg", 230.0)]),
        ("量血压有180多", [("systolic_mmhg", 180.0)]),
        ("血压上边215下边130", [("systolic_mmhg", 215.0), ("diastolic_mmhg", 130.0)]),
        ("血压高的一百八，低的一百一", [("systolic_mmhg", 180.0), ("diastolic_mmhg", 110.0)]),
        ("血压一百五六", [("systolic_mmhg", 160.0)]),
        ("血压两百一十多", [("systolic_mmhg", 210.0)]),
        ("喘得快，数了一分钟三十五", [("respiratory_rate_bpm", 35.0)]),
        ("一分钟喘四十多下", [("respiratory_rate_bpm", 40.0)]),
        ("娃娃呼吸快，一分钟六十次", [("respiratory_rate_bpm", 60.0)]),
        ("心跳快，数了一分钟一百三十下", [("pulse_bpm", 130.0)]),
        ("血氧饱和度显示八十五", [("spo2_pct", 85.0)]),
        ("体重一百二十斤", [("weight_kg", 60.0)]),
        ("心室率40次/分", [("pulse_bpm", 40.0)]),
        ("室温约42℃，体温38.5℃", [("temperature_c", 38.5)]),
    ],
)
def test_values(readings_in, text, expected):
    assert [(r.item, r.value) for r in readings_in(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "体温正常",
        "血压下降50mmHg",
        "站起来血压降低了30mmHg",
        "血压正常",
        "体温99℃",
        "心率1次/日",
        "门静脉15次",
        "动脉搏动减弱，20次",
        "心跳快，发作3次",
        "体重下降6kg",
        "VEP P100潜伏期延长",
        "体重减轻了3公斤",
        "血糖没查过",
        "呼吸3天",
        "头昏3/4天",
        "CRP升高",
        "白细胞：中性85%",
        "室温约42℃",
        "气温四十度，在地里干活",
        "血压高20年",
        "血压十多年",
        "血压3级",
        "血压 20岁时正常",
        "呼吸十分困难",
        "脉搏十分微弱",
        "喘，咳嗽一分钟二十下",
        "抽了一分钟，三十五岁",
        "血压正常，上面110楼",
    ],
)
def test_what_is_no_value(readings_in, text):
    assert readings_in(text) == ()


def test_a_value_of_yesterday_is_of_this_illness(readings_in):
    (reading,) = readings_in("前天烧到39度")
    assert (reading.when, reading.days_ago) == ("now", 2)


def test_a_value_of_long_ago_is_past(readings_in):
    assert {(r.when.value, r.days_ago) for r in readings_in("2年前血压180/100mmHg")} == {("past", 730)}


def test_a_value_of_the_past_history_is_past(readings_in):
    assert {r.when.value for r in readings_in("血压最高180/100mmHg", "past_history")} == {"past"}


def test_a_value_keeps_its_words_and_place(readings_in):
    text = "查：白细胞　12.3×10^9/L。"
    (reading,) = readings_in(text)
    assert text[reading.span.start : reading.span.end] == "白细胞　12.3×10^9/L"
