"""The commands as a user types them, on the small knowledge base."""

import json
import shutil

import pytest

from cunyi.authoring.build import compile_library, write_artefact
from cunyi.cli import main


@pytest.fixture(autouse=True)
def knowledge(tmp_path, monkeypatch, mini_library):
    path = tmp_path / "knowledge.json"
    write_artefact(compile_library(mini_library), path)
    monkeypatch.setenv("CUNYI_KNOWLEDGE", str(path))
    return path


@pytest.fixture
def source(tmp_path, mini_root, knowledge_root):
    root = tmp_path / "source"
    shutil.copytree(mini_root, root)
    for table in (knowledge_root / "language").glob("*.csv"):
        shutil.copy(table, root / "language")
    shutil.copy(knowledge_root / "case_mix.yaml", root)
    return root


CASE = {"id": "甲", "age_years": 60, "chief_complaint": "胸口痛，出冷汗1小时"}


def test_assess_prints_a_readable_table(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text(json.dumps(CASE), encoding="utf-8")
    assert main(["assess", str(path)]) == 0
    printed = capsys.readouterr().out
    for words in ("立即转诊/120", "急性心肌梗死", "I21.9", "需排除", "建议检查", "不能替代医师诊断"):
        assert words in printed


def test_assess_names_an_impossible_value_and_answers_without_it(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({**CASE, "vitals": {"temperature_c": 400}}), encoding="utf-8")
    assert main(["assess", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "未采用：体温 400.0 不可能" in printed and "急性心肌梗死" in printed


def test_assess_json_is_the_assessment_format(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text(json.dumps(CASE), encoding="utf-8")
    assert main(["assess", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["id"] == "甲" and answer["triage"]["level"] == "emergency"
    assert set(answer["differential"][0]) >= {"disease", "name", "icd10", "probability", "for", "against", "unknown"}


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "不是完整的 JSON"), ('{"sex": "男"}', "sex：sex 只能写 male、female"), ("[]", "病例要写成一个 JSON 对象")],
)
def test_a_bad_case_is_told_without_a_traceback(tmp_path, capsys, content, words):
    path = tmp_path / "case.json"
    path.write_text(content, encoding="utf-8")
    assert main(["assess", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_a_missing_file_is_told(capsys):
    assert main(["assess", "/nowhere/case.json"]) == 2
    assert "读不了" in capsys.readouterr().err


def test_missing_knowledge_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CUNYI_KNOWLEDGE", str(tmp_path / "none.json"))
    path = tmp_path / "case.json"
    path.write_text("{}", encoding="utf-8")
    assert main(["assess", str(path)]) == 2
    assert "cunyi knowledge build" in capsys.readouterr().err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_batch_answers_every_line_in_order_and_reports_bad_ones(tmp_path, capsys, jobs):
    lines = [json.dumps({**CASE, "id": str(i)}, ensure_ascii=False) for i in range(130)]
    lines[11] = '{"id": "11", "age_years": "老"}'
    lines[12] = "不是 JSON"
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["assess", "--batch", str(source), "--out", str(out), "--jobs", jobs]) == 0
    answers = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [a["id"] for a in answers] == [str(i) if i != 12 else None for i in range(130)]
    assert answers[11] == {
        "id": "11",
        "line": 12,
        "error": {"field": "age_years", "message": "age_years 要写数字；不知道就不写"},
    }
    assert answers[12]["line"] == 13 and "不是完整的 JSON" in answers[12]["error"]["message"]
    told = capsys.readouterr().err
    assert "第 12 行" in told and "130 行，128 个评估，2 行未能评估" in told


def test_evaluate_reports_figures(tmp_path, capsys):
    cases = [
        {
            **CASE,
            "gold": {"name": "急性心肌梗死", "accept_icd10": ["I21"], "urgency": "emergency", "must_not_miss": True},
        },
        {
            "id": "乙",
            "chief_complaint": "流鼻涕",
            "gold": {"name": "感冒", "accept_names": ["感冒"], "urgency": "self_care"},
        },
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(c) for c in cases), encoding="utf-8")
    assert main(["evaluate", str(path), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)[0]
    assert figures["top"]["1"] == pytest.approx(
        {"hits": 2, "cases": 2, "value": 1.0, "low": 0.342, "high": 1.0}, abs=0.001
    )
    assert figures["triage"]["exact"]["hits"] == 2 and figures["must_not_miss_captured"]["cases"] == 1
    assert main(["evaluate", str(path)]) == 0
    assert "知识库覆盖" in capsys.readouterr().out


def test_evaluate_refuses_cases_without_gold(tmp_path, capsys):
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "1"}', encoding="utf-8")
    assert main(["evaluate", str(path)]) == 2
    assert "gold" in capsys.readouterr().err


def test_knowledge_check_and_build(source, tmp_path, capsys):
    assert main(["knowledge", "check", "--source", str(source)]) == 0
    assert "错误 0" in capsys.readouterr().out
    outs = [tmp_path / "a.json", tmp_path / "b.json"]
    for out in outs:
        assert main(["knowledge", "build", "--source", str(source), "--out", str(out)]) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    (source / "diseases/pneumonia.yaml").write_text("id: pneumonia\n", encoding="utf-8")
    assert main(["knowledge", "check", "--source", str(source)]) == 1
    assert "diseases/pneumonia.yaml:1: 疾病缺少 icd10（补上）" in capsys.readouterr().out
    broken = tmp_path / "c.json"
    assert main(["knowledge", "build", "--source", str(source), "--out", str(broken)]) == 1
    assert not broken.exists()


def test_knowledge_show_and_list(capsys):
    assert main(["knowledge", "show", "急性心肌梗死"]) == 0
    sheet = capsys.readouterr().out
    assert "# 急性心肌梗死（Acute myocardial infarction）" in sheet and "| 胸痛 | Chest pain | 85.0% |" in sheet
    assert main(["knowledge", "show", "cough"]) == 0
    assert "| 肺炎 | Pneumonia | 90.0% |" in capsys.readouterr().out
    assert main(["knowledge", "show", "pneumonie"]) == 2
    assert "最接近的是 pneumonia" in capsys.readouterr().err
    assert main(["knowledge", "list"]) == 0
    assert "pneumonia\t肺炎\tPneumonia" in capsys.readouterr().out
