"""The drug list is checked like the rest of the knowledge: file, line, what is wrong, what to do."""

import shutil
from pathlib import Path

import pytest

from cunyi.authoring.check import check_library
from cunyi.authoring.load import load_library

MINI = Path(__file__).parents[1] / "mini_knowledge"
LIST, CLASSES, GROUPS, PAIRS, RULES = (
    "drugs/list/all.yaml",
    "drugs/classes.yaml",
    "drugs/allergy_groups.yaml",
    "drugs/interactions.yaml",
    "prescribing.yaml",
)


@pytest.fixture
def problems(tmp_path):
    """The problems of a copy of the small knowledge base in which one text was replaced."""

    def change(file, old, new):
        root = tmp_path / "knowledge"
        shutil.copytree(MINI, root)
        text = (root / file).read_text(encoding="utf-8")
        assert old in text
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return [str(problem) for problem in check_library(load_library(root))]

    return change


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        (LIST, "class: penicillin", "class: penicilin", "最接近的是 penicillin"),
        (LIST, "ingredients: [paracetamol,", "ingredients: [paracetamole,", "最接近的是 paracetamol"),
        (LIST, "pregnancy: avoid", "pregnancy: avoided", "是不是 avoid"),
        (LIST, "aliases: [芬必得]", "aliases: [扑热息痛]", "药名“扑热息痛”已是"),
        (LIST, "below: 0.5", "below: 500", "岁之间"),
        (LIST, "severity: stop, reason", "severity: grave, reason", "stop、warn、note"),
        (LIST, "reason_en: Not under 6 months}", "reason_en: Not under 6 months, sex: male}", "没有“sex”这个键"),
        (LIST, "  name: 复方感冒片", "  dose: 1\n  name: 复方感冒片", "没有“dose”这个键"),
        (LIST, "antimicrobial_level: unrestricted", "antimicrobial_level: free", "unrestricted"),
        (CLASSES, "[history_hypertension]", "[history_hypertensive]", "最接近的是 history_hypertension"),
        (CLASSES, "allergy_group: penicillins", "allergy_group: penicilins", "最接近的是 penicillins"),
        (CLASSES, "words: [西林]", "words: [头孢]", "药物类别的说法“头孢”已是"),
        (CLASSES, "id: infusion", "id: warfarin", "既是药品又是类别"),
        (CLASSES, "sources: [book]", "sources: [bok]", "最接近的是 book"),
        (GROUPS, "cross: [cephalosporins]", "cross: [cephalosporin]", "最接近的是 cephalosporins"),
        (PAIRS, "[nsaid, bleeding_risk]", "[nsaid, bleeding]", "最接近的是 bleeding_risk"),
        (PAIRS, "[nsaid, bleeding_risk]", "[nsaid, bleeding_risk, warfarin]", "正好写两个"),
        (RULES, "usual_days: 7", "usual_days: 2", "依次不减"),
        (RULES, "lowest_role: village_doctor", "lowest_role: nobody", "lowest_role 要是 levels 里的一个"),
        (RULES, "village_doctor: [unrestricted]", "village_doctor: [all]", "抗菌药物级别 all"),
        (RULES, "{drug}：孕妇不用", "{medicine}：孕妇不用", "pregnancy_avoid 里没有 {medicine} 可填"),
        (RULES, "{drug}：孕妇不用", "{drug：孕妇不用", "花括号没有配对"),
        (RULES, "  skin_test:", "  skin_tests:", "messages 缺少 skin_test"),
    ],
)
def test_a_mistake_is_found(problems, file, old, new, what):
    found = problems(file, old, new)
    assert any(problem.startswith(file) and what in problem for problem in found), found


def test_a_compound_is_no_milder_than_what_is_in_it(problems):
    found = problems(
        LIST,
        "ingredients: [paracetamol, chlorphenamine]\n  pregnancy: caution",
        "ingredients: [paracetamol, chlorphenamine]\n  pregnancy: ok",
    )
    assert any("成分 chlorphenamine 是 caution" in problem for problem in found), found


def test_a_pair_is_written_once(problems):
    twice = (
        "- between: [bleeding_risk, nsaid]\n  severity: note\n  text: 出血\n  text_en: Bleeding\n  sources: [general]\n"
    )
    found = problems(PAIRS, "- between: [nsaid", twice + "- between: [nsaid")
    assert any("合并" in problem for problem in found), found


def test_a_list_of_drugs_needs_rules(tmp_path):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    (root / RULES).unlink()
    assert any("prescribing.yaml" in str(problem) for problem in check_library(load_library(root)))
