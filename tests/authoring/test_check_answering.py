"""The limits of answering: what ships is right, and every mistake is told by its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.real_knowledge import ROOT

from cunyi.authoring.check_answering import check_answering
from cunyi.authoring.check_references import check_sources
from cunyi.authoring.load import load_library
from cunyi.knowledge.answering import URGENCIES, read_answering

SHIPPED = (ROOT / "answering.yaml").read_text(encoding="utf-8")


def problems(folder: Path, text: str) -> list[str]:
    (folder / "answering.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "sources", folder / "sources", dirs_exist_ok=True)
    library = load_library(folder)
    return [problem.message for problem in (*library.problems, *check_answering(library), *check_sources(library))]


def test_what_ships_has_nothing_wrong_and_every_urgency(tmp_path):
    assert problems(tmp_path, SHIPPED) == []
    rules = read_answering(load_library(tmp_path).answering.raw)
    assert [each.id for each in rules.urgencies] == list(URGENCIES) and [each.level for each in rules.urgencies] == [
        0,
        1,
        2,
    ]
    minutes = [each.answer_minutes for each in rules.urgencies]
    assert minutes == sorted(minutes, reverse=True) and rules.urgency("now").rings and rules.act("refer")


@pytest.mark.parametrize(
    ("was", "became", "told"),
    [
        ("  routine:", "  rutine:", "会诊时限缺少 routine"),
        ("  routine:", "  rutine:", "最接近的是 routine"),
        ("see_minutes: 10", "see_minutes: 0", "大于 0 的整数"),
        ("see_minutes: 10", "see_minutes: 61", "更急的要更短"),
        ("rings: false", "rings: never", "true 或 false"),
        ("id: repeat", "id: reached", "写了两次"),
        ("  act_minutes: 30\n", "", "缺少 act_minutes"),
        ("sources: [general]", "sources: [nowhere]", "nowhere"),
    ],
)
def test_a_mistake_is_told(tmp_path, was, became, told):
    assert was in SHIPPED
    found = problems(tmp_path, SHIPPED.replace(was, became, 1))
    assert any(told in message for message in found), found
