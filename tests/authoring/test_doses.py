"""Two passes over the doses: what both say is compiled, everything else is listed; mistakes are found with file and line."""

import shutil
from pathlib import Path

import pytest

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.check import check_library
from cunyi.authoring.doses import join_doses
from cunyi.authoring.load import load_library
from cunyi.cli import main
from cunyi.knowledge.doses import read_doses

MINI = Path(__file__).parents[1] / "mini_knowledge"
FIRST, SECOND = "drugs/doses/first/all.yaml", "drugs/doses/second/all.yaml"
ADULT = """\
- drug: paracetamol
  route: 口服
  age: {from: 14}
  single: {low: 0.3, high: 1, unit: g}
  times: {low: 2, high: 4}
  daily: {high: 4, unit: g}
  liver: avoid
  sources: [general]
"""


@pytest.fixture
def library(tmp_path):
    """A copy of the small knowledge base with these two passes."""

    def write(first, second):
        root = tmp_path / "knowledge"
        shutil.copytree(MINI, root, dirs_exist_ok=True)
        for name, text in ((FIRST, first), (SECOND, second)):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return load_library(root)

    return write


@pytest.fixture
def joined(library):
    def join(first, second):
        both = library(first, second)
        assert [str(problem) for problem in check_library(both)] == []
        return join_doses(both)

    return join


def test_what_both_passes_say_is_compiled_in_one_unit(joined):
    other = ADULT.replace("{low: 0.3, high: 1, unit: g}", "{low: 300, high: 1000, unit: mg}")
    found = joined(ADULT, other)
    assert found.disagreements == [] and found.figures == 6
    (dose,) = read_doses(found.agreed)["paracetamol"]
    assert (dose.single.low, dose.single.high, dose.single.unit) == (300, 1000, "mg")
    assert dose.daily.high == 4000 and dose.daily.low is None
    assert (dose.age_from, dose.age_below, dose.liver, dose.sources) == (14, None, "avoid", ("general",))


@pytest.mark.parametrize(
    ("first", "second", "agreed"),
    [
        ("1, unit: g", "0.9, unit: g", 900),
        ("1, unit: g", "0.89, unit: g", None),
        ("1, unit: g", "1, unit: IU", None),
        ("5, unit: 万IU", "50000, unit: IU", 50_000),
        ("250, unit: μg", "0.25, unit: mg", 0.25),
    ],
)
def test_a_figure_within_the_tolerance_is_agreed_and_the_stricter_maximum_kept(joined, first, second, agreed):
    record = "- {{drug: ibuprofen, route: 口服, age: {{from: 14}}, single: {{high: {0}}}, liver: avoid, sources: [general]}}\n"
    found = joined(record.format(first), record.format(second))
    single = found.agreed[0].get("single")
    assert (single and single["high"]) == (pytest.approx(agreed) if agreed else None)
    assert found.agreed[0]["liver"] == "avoid"
    assert len(found.disagreements) == (0 if agreed else 1)


def test_what_one_pass_says_alone_or_otherwise_is_dropped_and_listed(joined):
    other = ADULT.replace("  liver: avoid\n", "  kidney: {below: 30, action: reduce}\n").replace(
        "high: 4, unit", "high: 3, unit"
    )
    found = joined(ADULT, other)
    listed = [(one.field, one.first, one.second) for one in found.disagreements]
    assert listed == [("daily.high", "4 g", "3 g"), ("kidney", "", "<30 reduce"), ("liver", "avoid", "")]
    assert found.agreed[0].keys() == {"drug", "route", "age_from", "single", "times", "sources"}
    assert {one.age for one in found.disagreements} == {"14-"}


def test_a_drug_of_one_pass_alone_gives_nothing(joined):
    found = joined(ADULT, ADULT.replace("paracetamol", "ibuprofen"))
    assert found.agreed == [] and found.figures == 0
    assert {(one.drug, bool(one.first)) for one in found.disagreements} == {("ibuprofen", False), ("paracetamol", True)}


def test_only_the_age_that_both_cover_counts(joined):
    child = "- {{drug: paracetamol, route: 口服, age: {{from: {0}, below: {1}}}, single_per_kg: {{high: 15, unit: mg}}, sources: [{2}]}}\n"
    first, second = child.format(0.25, 12, "general"), child.format(0.5, 14, "book")
    found = joined(first + ADULT, second + ADULT)
    assert [(dose["age_from"], dose.get("age_below")) for dose in found.agreed] == [(0.5, 12), (14, None)]
    assert found.agreed[0]["sources"] == ["book", "general"]
    listed = {(one.age, one.field) for one in found.disagreements}
    assert listed == {("0.25-0.5", "single_per_kg.high"), ("12-14", "single_per_kg.high")}


def test_ages_that_go_on_the_same_are_one_record(joined):
    part = "- {{drug: paracetamol, route: 口服, age: {{from: {0}, below: {1}}}, single: {{high: 1, unit: g}}, sources: [general]}}\n"
    found = joined(part.format(14, 60) + part.format(60, 120), part.format(14, 120))
    assert [(dose["age_from"], dose["age_below"]) for dose in found.agreed] == [(14, 120)]


def test_the_kidney_limit_needs_the_same_action(joined):
    record = "- {{drug: ibuprofen, route: 口服, age: {{from: 14}}, kidney: {{below: {0}, action: {1}}}, sources: [general]}}\n"
    same = joined(record.format(30, "avoid"), record.format(29, "avoid"))
    assert same.agreed[0]["kidney"] == {"below": 30, "action": "avoid"}
    assert joined(record.format(30, "avoid"), record.format(30, "reduce")).agreed == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("drug: paracetamol", "drug: paracetamole", 1, "最接近的是 paracetamol"),
        ("route: 口服", "route: 口吃", 2, "没有途径 口吃"),
        ("high: 1, unit: g", "high: 1, unit: 片", 4, "单位 片 不能用"),
        ("high: 1, unit: g", "high: 0.1, unit: g", 4, "low 大于 high"),
        ("low: 0.3, high: 1", "low: 0, high: 1", 4, "single.low 要大于 0"),
        ("{low: 0.3, high: 1, unit: g}", "{unit: g}", 4, "要有 low 或 high"),
        ("high: 4, unit", "hihg: 4, unit", 6, "最接近的是 high"),
        ("high: 4, unit: g", "high: 0.5, unit: g", 6, "少于一次最多"),
        ("high: 4, unit: g", "high: 400, unit: mL", 1, "单位不是一类"),
        ("age: {from: 14}", "age: {from: 14, below: 3}", 3, "年龄要从小到大"),
        ("  age: {from: 14}\n", "", 1, "缺少 age"),
        ("liver: avoid", "liver: never", 7, "reduce、avoid"),
        ("sources: [general]", "sources: [generel]", 8, "最接近的是 general"),
        ("  liver: avoid", "  kidney: {below: 30}", 7, "缺少 action"),
    ],
)
def test_a_mistake_is_found_with_its_line(library, old, new, line, what):
    assert old in ADULT
    found = [str(p) for p in check_library(library(ADULT.replace(old, new, 1), ADULT)) if p.fatal]
    assert any(problem.startswith(f"{FIRST}:{line}:") and what in problem for problem in found), found


def test_one_pass_may_not_say_an_age_twice(library):
    found = [str(p) for p in check_library(library(ADULT + ADULT, ADULT))]
    assert [problem for problem in found if "重叠" in problem and problem.startswith(f"{FIRST}:11:")], found


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("mmol: {mmol: 1,", "mmol: {mmol: 2,", "mmol 里要有 mmol: 1"),
        ("g: 1000,", "g: many,", "g 要写大于 0 的倍数"),
        ("    qd: 1\n", "    qd: 0\n", "“qd”要写大于 0 的数"),
        ("    漱口: [", "    洗口: [", "没有途径 洗口"),
        ("[history_hypertension]", "[history_hypertensive]", "最接近的是 history_hypertension"),
        ("kappa: {male: 0.9, female: 0.7}", "kappa: {male: 0.9}", "kappa 要写 male 和 female"),
        ("  agreement: 0.1 ", "  agrement: 0.1 ", "最接近的是 agreement"),
    ],
)
def test_a_mistake_in_the_rules_is_found(library, tmp_path, old, new, what):
    library(ADULT, ADULT)
    path = tmp_path / "knowledge/prescribing.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = [str(p) for p in check_library(load_library(tmp_path / "knowledge"))]
    assert any(what in problem and problem.startswith("prescribing.yaml:") for problem in found), found


def test_a_knowledge_base_without_doses_compiles(mini_library):
    assert compile_library(mini_library)["doses"] == []
    assert to_bytes(compile_library(mini_library)) == to_bytes(compile_library(mini_library))


def test_the_command_lists_what_was_dropped(library, tmp_path, capsys):
    library(ADULT, ADULT.replace("high: 4, unit", "high: 3, unit"))
    assert main(["knowledge", "doses", "--source", str(tmp_path / "knowledge")]) == 0
    said = capsys.readouterr().out
    assert "一致 5 个数（1 组），没有采用 1 个，其中只有一遍写的 0 个" in said
    assert all(words in said for words in ("paracetamol", "daily.high", "4 g", "3 g"))


def test_the_command_refuses_a_broken_pass(library, tmp_path, capsys):
    library(ADULT.replace("route: 口服", "route: 口吃"), ADULT)
    assert main(["knowledge", "doses", "--source", str(tmp_path / "knowledge")]) == 1
    assert f"{FIRST}:2:" in capsys.readouterr().out
