"""`cunyi evaluate --interview` as a user types it, on the small knowledge base."""

import json

import pytest

from cunyi.authoring.build import compile_library, write_artefact
from cunyi.cli import main

CASE = {
    "id": "甲",
    "sex": "male",
    "age_years": 60,
    "chief_complaint": "咳嗽3天",
    "history_of_present_illness": "发烧，怕冷",
    "gold": {"name": "肺炎", "accept_names": ["肺炎"], "urgency": "urgent"},
}
RECORD = {"id": "1", "explicit": {"咳嗽": True}, "implicit": {"发热": True}, "label": "肺炎"}


@pytest.fixture(autouse=True)
def knowledge(tmp_path, monkeypatch, mini_library):
    path = tmp_path / "knowledge.json"
    write_artefact(compile_library(mini_library), path)
    monkeypatch.setenv("CUNYI_KNOWLEDGE", str(path))


def written(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_simulated_interviews_are_reported(tmp_path, capsys):
    path = written(tmp_path / "cases.jsonl", CASE)
    assert main(["evaluate", path, "--interview", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert report["cases"] == 1
    assert {"top_after", "top_early", "top_full", "kept", "milliseconds_median"} <= set(report)
    assert main(["evaluate", path, "--interview"]) == 0
    printed = capsys.readouterr().out
    assert "问诊后" in printed
    assert "主诉后只问15题" in printed


def test_records_of_slots_are_asked_for_their_own_slots(tmp_path, capsys):
    written(tmp_path / "label_codes.jsonl", {"label": "肺炎", "accept_names": ["肺炎"], "accept_icd10": []})
    path = written(tmp_path / "slots.jsonl", RECORD)
    assert main(["evaluate", path, "--interview", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["records"], report["labels"], report["unmapped"]) == (1, 1, [])
    assert main(["evaluate", path, "--interview"]) == 0
    assert "只凭自诉" in capsys.readouterr().out


def test_records_of_slots_without_their_labels_are_refused(tmp_path, capsys):
    assert main(["evaluate", written(tmp_path / "slots.jsonl", RECORD), "--interview"]) == 2
    assert "label_codes.jsonl" in capsys.readouterr().err


def test_cases_without_gold_are_refused(tmp_path, capsys):
    path = written(tmp_path / "cases.jsonl", {"id": "x", "chief_complaint": "咳嗽"})
    assert main(["evaluate", path, "--interview"]) == 2
    assert "gold" in capsys.readouterr().err
