"""The rows of a paper report from the lines on it: nothing mended, nothing guessed, names and figures kept apart."""

import math

import msgspec
import pytest
from paper_for_tests import line, lines_of

from cunyi.devices.paper.table import rows_of, slope_of


def no_unit(text):
    return False


def only(*lines, is_unit=no_unit):
    rows = rows_of(lines, is_unit)
    assert len(rows) == 1, rows
    return rows[0]


def told(row):
    return row.names, row.value, row.unit, row.reference, row.side


def test_a_row_in_columns():
    row = only(*lines_of(("血红蛋白", "98 ↓", "115-150", "g/L")))
    assert told(row) == (("血红蛋白",), "98", "g/L", "115-150", "low")
    assert (row.lower, row.upper, row.uncertain) == (115, 150, False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("血红蛋白 98 g/L", (("血红蛋白",), "98", "g/L", "", "")),
        ("血红蛋白98g/L", (("血红蛋白",), "98", "g/L", "", "")),
        ("血红蛋白：98g/L", (("血红蛋白",), "98", "g/L", "", "")),
        ("血红蛋白(HGB) 98 L g/L 115-150", (("血红蛋白(HGB)",), "98", "g/L", "115-150", "low")),
        ("３ 血红蛋白 ９８ ｇ／Ｌ １１５～１５０", (("血红蛋白",), "98", "g/L", "115~150", "")),
        ("血红蛋白 98↓115—150 g/L", (("血红蛋白",), "98", "g/L", "115—150", "low")),
        ("白细胞 11.2 H 3.5--9.5 10^9/L", (("白细胞",), "11.2", "10^9/L", "3.5--9.5", "high")),
        ("白细胞 11.2* 3.5 - 9.5 ×10^9/L", (("白细胞",), "11.2", "×10^9/L", "3.5 - 9.5", "abnormal")),
        ("白细胞 11.2 (3.5-9.5) 109/L", (("白细胞",), "11.2", "109/L", "(3.5-9.5)", "")),
        ("葡萄糖 6.8 偏高 mmol/L <6.1", (("葡萄糖",), "6.8", "mmol/L", "<6.1", "high")),
        ("C反应蛋白 <0.5 mg/L 0-10", (("C反应蛋白",), "<0.5", "mg/L", "0-10", "")),
        ("尿蛋白 PRO 2+ 阴性", (("尿蛋白", "PRO"), "2+", "", "阴性", "")),
        ("尿蛋白 阴性(-) 阴性(-)", (("尿蛋白",), "阴性(-)", "", "阴性(-)", "")),
        ("25-羟维生素D 18.2 ng/mL 20-100", (("25-羟维生素D",), "18.2", "ng/mL", "20-100", "")),
        ("糖类抗原 CA125 35 U/mL", (("糖类抗原", "CA125"), "35", "U/mL", "", "")),
        ("红细胞沉降率 12 mm/h 0-20", (("红细胞沉降率",), "12", "mm/h", "0-20", "")),
        ("尿白细胞 3 个/HP 0-5", (("尿白细胞",), "3", "个/HP", "0-5", "")),
        ("肾小球滤过率 88 mL/min/1.73m2", (("肾小球滤过率",), "88", "mL/min/1.73m2", "", "")),
    ],
)
def test_how_reports_write_a_row(text, wanted):
    assert told(only(line(text, 100, 100))) == wanted


def test_a_point_that_was_read_as_another_mark_is_left_as_it_was_read():
    assert only(line("红细胞 4,05 3.8-5.1", 100, 100)).value == "4,05"


def test_a_row_whose_figure_was_not_read_is_still_a_row():
    row = only(*lines_of(("血红蛋白", "", "115-150", "g/L")))
    assert (row.names, row.value, row.unit) == (("血红蛋白",), "", "g/L")
    assert only(line("血红蛋白 g8 g/L 115-150", 100, 100)).value == ""


def test_two_panels_side_by_side():
    heading = ("项目", "结果", "单位", "项目", "结果", "单位")
    rows = rows_of(
        lines_of(
            ("1 血红蛋白", "98", "g/L", "11 尿酸", "431", "μmol/L"),
            ("2 白细胞", "11.2", "10^9/L", "12 肌酐", "86", "μmol/L"),
            heading=heading,
        ),
        no_unit,
    )
    assert [(row.names, row.value, row.unit) for row in rows] == [
        (("血红蛋白",), "98", "g/L"),
        (("尿酸",), "431", "μmol/L"),
        (("白细胞",), "11.2", "10^9/L"),
        (("肌酐",), "86", "μmol/L"),
    ]
    assert all(not row.uncertain for row in rows)


def test_a_number_of_its_own_before_the_name_is_no_result():
    heading = ("序号", "项目", "结果", "单位")
    rows = rows_of(lines_of(("1", "血红蛋白", "98", "g/L"), ("2", "尿酸", "431", "μmol/L"), heading=heading), no_unit)
    assert [(row.names, row.value) for row in rows] == [(("血红蛋白",), "98"), (("尿酸",), "431")]


EARLIER = ("项目", "上次结果", "本次结果", "单位", "参考值")


def test_of_two_figures_the_one_below_the_heading_is_taken():
    row = only(*lines_of(("血红蛋白", "120", "98", "g/L"), heading=EARLIER))
    assert (row.value, row.uncertain) == ("98", False)


def test_an_earlier_result_or_a_reference_never_takes_the_place_of_a_result_that_was_not_read():
    row = only(*lines_of(("血红蛋白", "120", "", "g/L"), heading=EARLIER))
    assert (row.value, row.uncertain) == ("", True)
    row = only(*lines_of(("尿糖", "", "", "", "阴性"), heading=EARLIER))
    assert (row.value, row.reference) == ("", "阴性")
    assert only(*lines_of(("尿糖", "", "2+", "", "阴性"), heading=EARLIER)).value == "2+"


def test_a_figure_that_stands_below_another_heading_is_uncertain():
    row = only(*lines_of(("血红蛋白", "", "", "98 g/L"), heading=EARLIER))
    assert (row.value, row.uncertain) == ("98", True)


def test_without_a_heading_two_figures_or_a_lone_step_are_uncertain():
    assert only(line("血红蛋白 120 98 g/L", 100, 100)).uncertain
    assert only(line("尿糖 阴性", 100, 100)).uncertain
    assert not only(line("尿糖 2+ 阴性", 100, 100)).uncertain


def test_what_stands_above_the_heading_is_no_result():
    above = [line("样本号 20261120 g/L", 100, 40), line("年龄：56岁", 500, 40)]
    assert told(only(*above, *lines_of(("血红蛋白", "98", "", "g/L"))))[0] == ("血红蛋白",)


def test_a_date_is_no_range():
    assert rows_of([line("检验时间 2026-11-20", 100, 100)], no_unit) == []


def test_an_unusual_unit_is_known_to_whoever_asks():
    row = only(line("某某项目 12 大卡 3-9", 100, 100), is_unit=lambda text: text == "大卡")
    assert (row.names, row.unit, row.reference) == (("某某项目",), "大卡", "3-9")


def test_the_box_holds_the_whole_row_and_the_least_sure_line_counts():
    lines = lines_of(("血红蛋白", "98", "115-150", "g/L"))
    lines[-1] = msgspec.structs.replace(lines[-1], confidence=0.5)
    row = only(*lines)
    assert row.confidence == 0.5
    assert row.box[0] == 100 and row.box[2] >= lines[-1].right
    figure = next(each for each in lines if each.text == "98")
    assert row.figure_box == (figure.left, figure.top, figure.right, figure.bottom)


def crooked(lines, slope):
    """The same lines on a page that was not held straight."""
    return [
        msgspec.structs.replace(
            each, top=each.top + slope * each.middle[0], bottom=each.bottom + slope * each.middle[0]
        )
        for each in lines
    ]


@pytest.mark.parametrize("slope", [-0.1, -0.03, 0.0, 0.05, 0.12])
def test_the_slope_of_a_page_is_found(slope):
    rows = [
        ("血红蛋白", "98", "115-150", "g/L"),
        ("尿酸", "431", "155-357", "μmol/L"),
        ("肌酐", "86", "41-73", "μmol/L"),
    ]
    assert math.isclose(slope_of(crooked(lines_of(*rows * 3), slope)), slope, abs_tol=0.006)


def test_rows_that_bend_stay_together():
    lines = lines_of(("血红蛋白", "98", "115-150", "g/L"), ("尿酸", "431", "155-357", "μmol/L"))
    bent = [
        msgspec.structs.replace(
            each, top=each.top + (bend := 25 * math.sin(each.middle[0] / 400)), bottom=each.bottom + bend
        )
        for each in lines
    ]
    assert [(row.names[0], row.value, row.reference) for row in rows_of(bent, no_unit)] == [
        ("血红蛋白", "98", "115-150"),
        ("尿酸", "431", "155-357"),
    ]


def test_a_page_without_lines_has_no_rows():
    assert rows_of([], no_unit) == [] and slope_of([]) == 0
