"""The check of the interview's knowledge: each kind of mistake is reported at its file and line, with what to do."""

import shutil
from pathlib import Path

import pytest
from tests.real_knowledge import real_library

from cunyi.authoring.build import compile_library
from cunyi.authoring.check_interview import check_interview
from cunyi.authoring.load import load_library

MINI = Path(__file__).parents[1] / "mini_knowledge"
FOLDER = "interview"


@pytest.fixture
def changed(tmp_path):
    """A copy of the small knowledge base in which one text was replaced; gives the problems of the interview."""

    def change(file, old, new):
        root = tmp_path / "knowledge"
        shutil.copytree(MINI, root)
        path = root / FOLDER / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        library = load_library(root)
        return [str(p) for p in [*library.problems, *check_interview(library)]]

    return change


def test_the_small_and_the_shipped_interview_are_clean():
    for library in (load_library(MINI), real_library()):
        assert list(check_interview(library)) == []


def test_a_knowledge_base_without_an_interview_has_no_problem_with_it(tmp_path):
    root = tmp_path / "knowledge"
    shutil.copytree(MINI, root)
    shutil.rmtree(root / FOLDER)
    library = load_library(root)
    assert list(check_interview(library)) == []
    assert compile_library(library)["interview"] == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "what"),
    [
        ("wording.yaml", "  child: [{you: 孩子", "  chld: [{you: 孩子", 3, "最接近的是 child"),
        ("wording.yaml", "prefix: 孩子}", "prefix: 孩子, below_years: 9}", 3, "最后一个称呼"),
        ("wording.yaml", "{you}有没有下面这些", "{who}有没有下面这些", 9, "只能是 {you}、{what} 或 {count}"),
        ("wording.yaml", "  more: {id: more", "  more: {id: mre", 19, "写 more"),
        ("wording.yaml", "  danger: {text", "  dager: {text", 9, "最接近的是 danger"),
        ("wording.yaml", "lowest: 0, highest: 120, ", "", 15, "lowest 和 highest"),
        ("wording.yaml", "findings: [abdominal_pain]", "findings: [abdominal_pian]", 18, "没有登记征象 abdominal_pian"),
        ("rules.yaml", "most_gain: 3", "most_gain: many", 2, "要写数字"),
        ("rules.yaml", "sure: 0.99", "sure: 99", 11, "0 到 1"),
        ("rules.yaml", "weakness: 5", "weaknes: 5", 16, "没有登记问得到的征象 weaknes"),
        ("rules.yaml", "review: [fever,", "review: [crackles,", 19, "没有登记问得到的征象 crackles"),
        ("rules.yaml", "urgent: 3, ", "", 15, "harm 缺少 urgent"),
        ("rules.yaml", "sources: [general]", "sourcs: [general]", 18, "没有“sourcs”这个键"),
        (
            "rules.yaml",
            "finding: chest_pain, label: 胸口痛",
            "finding: chest_pian, label: 胸口痛",
            21,
            "问得到的征象 chest_pian",
        ),
        ("rules.yaml", "  provisional:", "  provisonal:", 28, "最接近的是 provisional"),
        (
            "families.yaml",
            "ask: [since, onset, chest_like",
            "ask: [since, onset, chest_lik",
            1,
            "没有登记追问 chest_lik",
        ),
        ("families.yaml", "findings: [cough,", "findings: [cogh,", 2, "没有登记征象 cogh"),
        ("follow_ups.yaml", "id: onset", "id: since", 2, "重复"),
        ("follow_ups.yaml", "topic: course, kind: place", "topic: past, kind: place", 5, "topic 要写 course"),
        ("follow_ups.yaml", "part: belly, ", "", 5, "place 要写 part"),
        ("follow_ups.yaml", "places: [navel,", "places: [nvel,", 5, "最接近的是 navel"),
        ("follow_ups.yaml", "severity: mild}", "severity: mld}", 3, "是不是 mild"),
        ("follow_ups.yaml", "when: {finding: chest_pain}", "when: {finding: chest_pian}", 4, "没有登记"),
        ("groups.yaml", "finding: fever,", "finding: rhinorrhea,", 6, "只留一处"),
        ("groups.yaml", "finding: fever,", "finding: crackles,", 6, "不是问得到的"),
        ("groups.yaml", "finding: fever,", "finding: fver,", 6, "最接近的是 fever"),
        ("places.yaml", "means: {belly: [chest_pain]}", "means: {belly: [chest_pian]}", 2, "没有登记征象"),
        ("places.yaml", "side: front}", "side: top}", 1, "只能是 front、back"),
        ("background.yaml", "findings: [history_hypertension]", "absent: [history_hypertension]", 2, "正好写一个征象"),
        (
            "background.yaml",
            "only: {sex: female, age: {from: 12",
            "only: {sex: female, age: {since: 12",
            1,
            "没有“since”",
        ),
        ("background.yaml", "topic: habit", "topic: course", 5, "背景问题的 topic"),
        ("first_aid.yaml", "when: {finding: chest_pain}", "when: {none: [{finding: cough}]}", 2, "不能用 none"),
    ],
)
def test_a_mistake_is_reported_where_it_is(changed, file, old, new, line, what):
    problems = changed(file, old, new)
    assert any(p.startswith(f"{FOLDER}/{file}:{line}: ") and what in p for p in problems), problems or "no problem"


def test_a_follow_up_that_no_complaint_asks_is_reported(changed):
    problems = changed("families.yaml", "severity, taken]", "severity]")
    assert problems == ["interview/follow_ups.yaml:6: 没有一类主诉会追问它（加到 families.yaml，或删去）"]


def test_first_aid_for_every_emergency_is_needed(changed):
    text = (MINI / FOLDER / "first_aid.yaml").read_text(encoding="utf-8")
    chest = next(line for line in text.splitlines() if "chest_pain" in line)
    assert any("没有 when" in p for p in changed("first_aid.yaml", text, chest + "\n"))


def test_the_language_of_the_interview_is_plain():
    """Sentences of at most 40 characters without clinical words; options of at most 25."""
    library = real_library()
    clinical = ("症状", "既往", "主诉", "放射", "病史", "腹泻", "发热", "呼吸困难", "诱因", "缓解", "频率", "持续时间")
    entries = [*library.interview_follow_ups, *library.interview_background]
    for entry in entries:
        assert len(entry.raw["text"]) <= 40, entry.raw["text"]
        words = [entry.raw["text"], *(option["label"] for option in entry.raw.get("options") or ())]
        assert all(len(word) <= 25 for word in words[1:]), words
        assert not any(term in word for word in words for term in clinical), words
    for group in library.interview_groups:
        for label in group.raw["findings"]:
            assert len(label["label"]) <= 16, label
            assert not any(term in label["label"] for term in clinical), label
