"""The rules of visit rounds are checked: what a rule looks at, known ids, bounds, and that it cannot concern everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.real_knowledge import real_library

from cunyi.authoring.check_visit_rounds import check_visit_rounds
from cunyi.authoring.load import Library, load_library
from cunyi.authoring.strict_yaml import read_yaml
from cunyi.knowledge.visit_rounds import GROUNDS, URGENCIES, read_visit_rules

REAL = Path(__file__).parents[2] / "knowledge/visit_rounds.yaml"


def problems_of(tmp_path: Path, old: str, new: str) -> list[str]:
    text = REAL.read_text(encoding="utf-8")
    assert text.count(old) >= 1, old
    (tmp_path / "visit_rounds.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    changed, real = load_library(tmp_path), real_library()
    library = Library(visit_rounds=changed.visit_rounds, items=real.items, findings=real.findings, sources=real.sources)
    return [problem.message for problem in [*changed.problems, *check_visit_rounds(library)]]


def test_the_shipped_rules_have_no_problem_and_every_urgency_and_ground(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "巡诊", "巡诊") == []
    raw, _ = read_yaml(REAL, "visit_rounds.yaml")
    rules = read_visit_rules(raw)
    assert rules is not None
    assert {rule.urgency for rule in rules.rules} == set(URGENCIES)
    assert {rule.ground for rule in rules.rules} == set(GROUNDS)
    assert read_visit_rules(None) is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("urgency: today", "urgency: tomorrow", "只能是"),
        ("ground: thread", "ground: threads", "只能是"),
        ("    thread: critical_value\n", "", "用不到|要写 thread"),
        ("states: [notified, acknowledged]", "states: [noticed]", "没有 noticed 这个状态"),
        ("findings: [severe_hypertension,", "findings: [severe_hypertensoin,", "没有登记征象"),
        ("findings: [severe_hypertension,", "findings: [chest_pain,", "没有读数能得出 chest_pain"),
        ("age_of_reading_days: {below: 15}", "age_of_reading_days: {from: 15, below: 15}", "from 应小于 below"),
        ("overdue_days: {from: 31}", "words: [出院]", "用不到 words"),
        ("    age_days: {below: 28}\n", "", "人人都符合"),
        ("programmes: [tuberculosis]", "programmes: [tuberculoses]", "只能是"),
        ("id: overdue_long", "id: overdue", "重复"),
        ("sources: [general, htn_primary_2020", "sources: [general, htn_2099", "没有登记来源"),
        ("readings_shown: [systolic_mmhg", "readings_shown: [sistolic_mmhg", "没有登记项目"),
        ("longest_days: {today: 1, soon: 3, week: 30}", "longest_days: {today: 1, week: 30}", "缺少 soon"),
        ("done_days: 7", "done_day: 7", "没有“done_day”这个键"),
    ],
)
def test_a_mistake_is_told(old: str, new: str, told: str, tmp_path: Path) -> None:
    found = problems_of(tmp_path, old, new)
    assert any(word in problem for problem in found for word in told.split("|")), found
