"""Symptom slots with a label become cases whose answer is among the labels of their file."""

from __future__ import annotations

import json

import pytest

from cunyi.authoring.symptom_slots import LabelCode, cases_of_slots, is_slot_case
from cunyi.cli import main
from cunyi.domain.errors import UserError

ROWS = [
    {"id": "a", "explicit": {"咳嗽": True}, "implicit": {"发热": True, "胸痛": False, "呕吐": None}, "label": "肺炎"},
    {"id": "b", "explicit": {"压榨样胸痛": True}, "implicit": {}, "label": "冠心病"},
]
LABELS = [
    {"label": "肺炎", "accept_icd10": ["J18"], "accept_names": ["肺炎"]},
    {"label": "冠心病", "accept_icd10": ["I20", "I21"], "accept_names": ["冠心病"]},
]


def codes():
    return {
        row["label"]: LabelCode(row["label"], tuple(row["accept_icd10"]), tuple(row["accept_names"])) for row in LABELS
    }


def test_slots_keep_what_was_denied_and_the_answer_is_one_of_the_labels(mini):
    first, second = cases_of_slots(ROWS, codes(), list(mini.content.diseases.values()))
    assert first["chief_complaint"] == "咳嗽。"
    assert first["history_of_present_illness"] == "发热。无胸痛。"
    assert first["gold"]["name"] == "肺炎"
    assert first["candidates"] == second["candidates"]
    icd10 = {mini.content.diseases[d].icd10[:3] for d in first["candidates"]}
    assert icd10 <= {"J18", "I20", "I21"} and "J18" in icd10


def test_a_label_without_codes_is_told(mini):
    with pytest.raises(UserError, match="肺炎"):
        list(cases_of_slots(ROWS, {}, list(mini.content.diseases.values())))


def test_only_rows_with_slots_are_slot_cases():
    assert is_slot_case(ROWS[0])
    assert not is_slot_case({"id": "x", "gold": {}})


def test_the_command_measures_a_slot_file_with_the_labels_beside_it(tmp_path, capsys):
    cases = tmp_path / "slots.jsonl"
    cases.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS), encoding="utf-8")
    (tmp_path / "label_codes.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in LABELS), encoding="utf-8"
    )
    assert main(["evaluate", str(cases), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)[0]
    assert report["cases"] == 2
    assert report["top"]["1"]["hits"] == 2
