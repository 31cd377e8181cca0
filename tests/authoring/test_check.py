"""The knowledge check: each kind of mistake is reported at its file and line, with what to do."""

import re
import shutil
from pathlib import Path

import pytest
from tests.conftest import with_real_language

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.check import check_library
from cunyi.authoring.examples import check_examples
from cunyi.authoring.load import load_library
from cunyi.reasoning.prepared import prepare

MINI = Path(__file__).parents[1] / "mini_knowledge"


@pytest.fixture
def changed(tmp_path):
    """A copy of the small knowledge base in which one text was replaced; gives the problems."""

    def change(file, old, new):
        root = tmp_path / "knowledge"
        shutil.copytree(MINI, root)
        path = root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return [str(p) for p in check_library(load_library(root))]

    return change


def test_the_small_knowledge_base_is_clean():
    assert check_library(load_library(MINI)) == []


AMI, PNEUMONIA, COLD = (
    "diseases/acute_myocardial_infarction.yaml",
    "diseases/pneumonia.yaml",
    "diseases/common_cold.yaml",
)


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "what"),
    [
        (AMI, "chest_pain: 0.85", "chest_pian: 0.85", f"{AMI}:12", "最接近的是 chest_pain"),
        (AMI, "chest_pain: 0.85", "chest_pain: 1.2", f"{AMI}:12", "应在 0.001 到 0.99 之间"),
        (AMI, "chest_pain: 0.85", "chest_pain: sometimes", f"{AMI}:12", "要写数字或"),
        (AMI, "chest_pain: 0.85", "chest_pain: 0.3", f"{AMI}:12", "上级至少一样常见"),
        (AMI, "icd10: I21.9", "icd10: 121.9", f"{AMI}:5", "ICD-10"),
        (AMI, "icd10: I21.9", "icd10: I21.9\nicd_10: x", f"{AMI}:6", "没有“icd_10”这个键"),
        (AMI, "criticality: critical", "criticality: critcal", f"{AMI}:6", "是不是 critical"),
        (AMI, "exclude: 立即做心电图。\n", "", f"{AMI}:1", "exclude"),
        (AMI, "department: cardiology", "department: cardiolgy", f"{AMI}:8", "最接近的是 cardiology"),
        (AMI, "{0-15: 0.01, 15-45: 0.3", "{0-15: 0.01, 10-45: 0.3", f"{AMI}:10", "重叠"),
        (AMI, "sources: [book]", "sources: [bok]", f"{AMI}:21", "最接近的是 book"),
        (AMI, "sources: [book]", "sources: []", f"{AMI}:21", "至少要有 1 项"),
        (AMI, "sources: [book]", "note: x", f"{AMI}:1", "缺少 sources"),
        (AMI, "danger:", "defining: [rhinorrhea]\ndanger:", f"{AMI}:13", "要先写在 findings 或 risk_factors 里"),
        (AMI, "smoking: 2", "smoking: 0", f"{AMI}:11", "相对危险度"),
        (AMI, "base_rate: 30", "base_rate: 0571", f"{AMI}:9", "要写数字"),
        (AMI, "aliases: [急性心梗]", "aliases: [急性心梗，心梗]", f"{AMI}:4", "全角标点"),
        (AMI, "aliases: [急性心梗]", "aliases: [肺炎]", f"{PNEUMONIA}:4", "真同义词只能属于一个病"),
        (AMI, "aliases: [急性心梗]", "aliases: [急性心梗合并心衰]", f"{AMI}:4", "复合诊断"),
        (PNEUMONIA, "aliases: [社区获得性肺炎]", "aliases: [急性肺炎]", f"{PNEUMONIA}:4", "比本病窄"),
        (PNEUMONIA, "crackles: 0.7, chest_pain: 0.3, ", "", f"{PNEUMONIA}:10", "至少 8 个"),
        (PNEUMONIA, "多休息多喝水观察呼吸。", "发热难受时用对乙酰氨基酚。", f"{PNEUMONIA}:17", "不能照抄"),
        (PNEUMONIA, "  - {text: 气促加重马上来。, sources: [general]}\n", "", f"{PNEUMONIA}:16", "至少 3 条"),
        (PNEUMONIA, "within: 24h", "within: 3h", f"{PNEUMONIA}:15", "within"),
        (
            "findings/all.yaml",
            "parent: [chest_pain]",
            "parent: [chest_ache]",
            "findings/all.yaml:14",
            "没有登记征象 chest_ache",
        ),
        ("findings/all.yaml", "background: 0.002", "background: 2", "findings/all.yaml:15", "background 2"),
        ("findings/all.yaml", "terms: [出冷汗, 大汗]", "terms: [出冷汗, 咳]", "findings/all.yaml:35", "只留给一个征象"),
        ("findings/all.yaml", "terms: [出冷汗, 大汗]", "terms: [<汗>出]", "findings/all.yaml:26", "没有词类 <汗>"),
        ("findings/all.yaml", "  ask: 出冷汗吗？\n", "", "findings/all.yaml:21", "要写 ask 和 ask_en"),
        ("findings/all.yaml", "id: cold_sweat", "id: cough", "findings/all.yaml:30", "重复"),
        ("findings/all.yaml", "when: {finding: cough,", "when: {finding: caugh,", "findings/all.yaml:45", "没有登记"),
        ("ranges/all.yaml", "g/dL: 10", "g/dL: 0", "ranges/all.yaml:62", "换算"),
        ("ranges/all.yaml", "below: 70, age: {below: 12}", "below: 70, age: {below: 13}", "ranges/all.yaml:20", "重叠"),
        ("ranges/all.yaml", 'at_least: "1+"', 'at_least: "5+"', "ranges/all.yaml:86", "不在 scale 里"),
        ("ranges/all.yaml", "finding: fever", "finding: feever", "ranges/all.yaml:8", "没有登记征象 feever"),
        ("red_flags/chest_pain.yaml", "within: now", "within: 2w", "red_flags/chest_pain.yaml:12", "不能两周内才转"),
        (
            "red_flags/chest_pain.yaml",
            "{finding: cold_sweat}",
            "{finding: cold_swet}",
            "red_flags/chest_pain.yaml:11",
            "没有登记",
        ),
        (
            "red_flags/chest_pain.yaml",
            "when: {all: [",
            "when: {all: [{none: [{finding: cough}]}, ",
            "red_flags/chest_pain.yaml:11",
            "不能用 none",
        ),
        (
            "red_flags/chest_pain.yaml",
            "{finding: cold_sweat}",
            "{finding: cold_sweat, status: absent}",
            "red_flags/chest_pain.yaml:11",
            "不能靠",
        ),
        (
            "red_flags/chest_pain.yaml",
            "when: {all: [",
            "when: {all: [{age: {from: 60}}, {age: {below: 50}}, ",
            "red_flags/chest_pain.yaml:11",
            "永远不成立",
        ),
        (
            "red_flags/chest_pain.yaml",
            "suspect: [acute",
            "suspect: [acut",
            "red_flags/chest_pain.yaml:14",
            "没有登记疾病",
        ),
        (
            "red_flags/chest_pain.yaml",
            "vital: systolic_mmhg",
            "vital: systolic",
            "red_flags/chest_pain.yaml:11",
            "没有登记",
        ),
        ("referral/all.yaml", "within: 24h", "within: soon", "referral/all.yaml:5", "只能是"),
    ],
)
def test_a_mistake_is_reported_where_it_is(changed, file, old, new, where, what):
    problems = changed(file, old, new)
    assert any(p.startswith(f"{where}: ") and what in p for p in problems), problems


def test_a_broad_name_of_an_unknown_disease_is_reported(tmp_path):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    (root / "language/names.csv").write_text(
        "cue,kind,scope,value,note\n肺部发炎,broad_name,0,pneumonia pneumnia,\n", encoding="utf-8"
    )
    (problem,) = [str(p) for p in check_library(load_library(root))]
    assert problem.startswith("language/names.csv:2") and "最接近的是 pneumonia" in problem


def test_a_finding_that_the_settings_name_and_nobody_knows_is_reported(tmp_path, knowledge_root):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    text = (knowledge_root / "case_mix.yaml").read_text(encoding="utf-8")
    settings = re.sub(r"of_grown_women: \[.*\]", "of_grown_women: [cough, coughh]", text)
    (root / "case_mix.yaml").write_text(settings, encoding="utf-8")
    (problem,) = [str(p) for p in check_library(load_library(root)) if "coughh" in str(p)]
    assert problem.startswith("case_mix.yaml:") and "最接近的是 cough" in problem


def test_a_near_identical_profile_is_reported(changed, tmp_path):
    twin = (MINI / "diseases/pneumonia.yaml").read_text(encoding="utf-8")
    problems = changed(
        COLD, (MINI / COLD).read_text(encoding="utf-8"), twin.replace("id: pneumonia", "id: common_cold")
    )
    assert any("几乎一样" in p for p in problems)


def test_red_flag_examples_are_tried(tmp_path, mini_library):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    path = root / "red_flags/chest_pain.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("present: [chest_pain], absent", "present: [chest_pain, cold_sweat], absent"), encoding="utf-8"
    )
    library = load_library(root)
    library.tables, library.settings = mini_library.tables, mini_library.settings
    problems = list(check_examples(library, prepare(to_bytes(compile_library(library)))))
    assert problems == []  # absent wins over present for the same finding, so the example still spares
    path.write_text(text.replace("absent: [cold_sweat]", "vitals: {systolic_mmhg: 80}"), encoding="utf-8")
    library = load_library(root)
    library.tables, library.settings = mini_library.tables, mini_library.settings
    problems = [str(p) for p in check_examples(library, prepare(to_bytes(compile_library(library))))]
    assert (
        len(problems) == 1
        and problems[0].startswith("red_flags/chest_pain.yaml:19: ")
        and "不该触发却触发了" in problems[0]
    )


def test_a_doctors_case_that_comes_out_differently_is_reported(tmp_path, mini_library):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    (root / "cases/typical").mkdir(parents=True)
    (root / "cases/typical/cold.yaml").write_text(
        "title: 感冒\nby: 李医生\ncase: {chief_complaint: 流鼻涕}\n"
        "expect: {triage: emergency, among_first: {pneumonia: 1}, findings: {rhinorrhea: absent}}\n",
        encoding="utf-8",
    )
    library = load_library(root)
    library.tables, library.settings = mini_library.tables, mini_library.settings
    problems = [p.message for p in check_examples(library, prepare(to_bytes(compile_library(library))))]
    assert len(problems) == 3
    assert problems[0] == "病例“感冒”与预期不符（李医生）：分诊应为 emergency，实为 self_care"


def test_a_disease_without_other_names_is_no_mistake(tmp_path):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    path = root / AMI
    path.write_text(path.read_text("utf-8").replace("aliases: [急性心梗]", "aliases: []"), "utf-8")
    library = load_library(root)
    assert check_library(library) == []
    knowledge = prepare(to_bytes(compile_library(with_real_language(library))))
    assert knowledge.content.diseases["acute_myocardial_infarction"].aliases == ()


def test_the_same_library_gives_the_same_bytes(mini_library):
    assert to_bytes(compile_library(mini_library)) == to_bytes(compile_library(load_library_again(mini_library)))


def load_library_again(like):
    library = load_library(MINI)
    library.tables, library.settings, library.opinion = like.tables, like.settings, like.opinion
    library.referral_loop, library.answering = like.referral_loop, like.answering
    return library
