"""Vital signs as people type them: units are understood, what cannot be used is told with the reason."""

import pytest

from cunyi.domain.intake import parse_case
from cunyi.journeys.typed_readings import read_typed, stands_for
from cunyi.reasoning.assess import assess


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        ("temperature_c", "38.5℃", 38.5),
        ("temperature_c", "３８．５ °C", 38.5),
        ("temperature_c", "38。5度", 38.5),
        ("spo2_pct", "98%", 98),
        ("spo2_pct", "98％", 98),
        ("height_cm", "155cm", 155),
        ("height_cm", "1.55米", 155),
        ("weight_kg", "90斤", 45),
        ("weight_kg", "45公斤", 45),
        ("weight_kg", "45 KG", 45),
        ("pulse_bpm", "78次/分", 78),
        ("respiratory_rate_bpm", "20 次／分", 20),
        ("systolic_mmhg", "150mmHg", 150),
        ("glucose_mmol_l", "6.1mmol/L", 6.1),
    ],
)
def test_a_unit_of_the_field_after_the_number_is_understood(knowledge, field, typed, value):
    found = read_typed({field: typed}, knowledge)
    assert found.trouble == {} and found.values == {field: pytest.approx(value)}


@pytest.mark.parametrize(("field", "typed"), [("temperature_c", "98%"), ("pulse_bpm", "快"), ("spo2_pct", "98啊")])
def test_another_unit_is_not_guessed(knowledge, field, typed):
    found = read_typed({field: typed}, knowledge)
    assert found.values == {}
    assert typed in found.trouble[field].message and "读不懂" in found.trouble[field].message


def test_an_impossible_value_is_told_with_the_possible_range(knowledge):
    told = read_typed({"temperature_c": "385"}, knowledge).trouble["temperature_c"].message
    assert "体温 385 不可能（应不低于" in told and "℃" in told


def test_a_pair_fills_both_pressures(knowledge):
    both = {"systolic_mmhg": 150.0, "diastolic_mmhg": 90.0}
    assert read_typed({"systolic_mmhg": "150/90"}, knowledge).values == both
    assert read_typed({"systolic_mmhg": "150／90 mmHg", "diastolic_mmhg": "90"}, knowledge).values == both
    other = read_typed({"systolic_mmhg": "150/90", "diastolic_mmhg": "95"}, knowledge)
    assert other.values == {} and set(other.trouble) == set(both)


@pytest.mark.parametrize("pair", [("74", "118"), ("90", "90"), ("74/118", "")])
def test_a_systolic_pressure_that_is_not_above_the_diastolic_one_is_asked_about(knowledge, pair):
    found = read_typed(dict(zip(("systolic_mmhg", "diastolic_mmhg"), pair, strict=True)), knowledge)
    assert found.values == {} and set(found.trouble) == {"systolic_mmhg", "diastolic_mmhg"}
    assert "是不是填反了" in found.trouble["systolic_mmhg"].message


@pytest.mark.parametrize(("typed", "raised"), [("HI", "high"), ("Hi", "high"), ("ＬＯ", "low"), ("lo", "low")])
def test_the_word_of_a_meter_raises_the_alarm_of_the_end_of_its_range(knowledge, typed, raised):
    found = read_typed({"glucose_mmol_l": typed}, knowledge)
    meter = knowledge.content.items["glucose_mmol_l"].meter
    assert found.values == {"glucose_mmol_l": meter.upper if raised == "high" else meter.lower}
    assert found.beyond == {"glucose_mmol_l": typed} and found.trouble == {}
    given = assess(parse_case({"id": "", "age_years": 50, "vitals": found.values}), knowledge)
    assert [each.item for each in given.critical_values] == ["血糖"]
    assert given.triage.level == "emergency"


def test_an_item_without_a_meter_has_no_such_word(knowledge):
    assert stands_for("temperature_c", "HI", knowledge) is None
    assert "temperature_c" in read_typed({"temperature_c": "HI"}, knowledge).trouble
