"""`cunyi knowledge audit` as a user types it, on the small knowledge base and invented facts."""

import json
import shutil

import pytest

from cunyi.authoring.scoring import split_of
from cunyi.cli import main

RATIOS = (
    "name,chiefComplaint1,chiefComplaint2,chiefComplaint3,diagnosis,posLR,negLR,source\n"
    "Weakness,Cough,,,Pneumonia,9.0,0.5,Imaginary J. 2001;1:1 PMID: 12345678.\n"
    "Runny nose,Cough,,,Pneumonia,2.0,0.6,Imaginary J. 2002;2:2 PMID: 23456789.\n"
)


@pytest.fixture
def source(tmp_path, mini_root, knowledge_root):
    root = tmp_path / "source"
    shutil.copytree(mini_root, root)
    for table in (knowledge_root / "language").glob("*.csv"):
        shutil.copy(table, root / "language")
    shutil.copy(knowledge_root / "case_mix.yaml", root)
    return root


@pytest.fixture
def facts(tmp_path):
    folder = tmp_path / "facts"
    folder.mkdir()
    (folder / "likelihood_ratios.csv").write_text(RATIOS, encoding="utf-8")
    return folder


@pytest.fixture
def audited(source, facts, capsys):
    def run(*more):
        code = main(["knowledge", "audit", "--facts", str(facts), "--source", str(source), *map(str, more)])
        return code, capsys.readouterr()

    return run


def test_the_page_shows_evidence_pmid_and_place(audited):
    code, printed = audited()
    assert code == 0
    for words in ("似然比与发表的不符", "方向相反", "PMID 12345678", "diseases/pneumonia.yaml:", "cmekg.jsonl.gz"):
        assert words in printed.out
    assert "没有给病例" in printed.out


def test_each_list_is_cut_and_says_so(audited):
    assert "2 条，列出前 1 条" in audited("--limit", 1)[1].out


def test_the_factor_is_an_option(audited):
    printed = audited("--factor", 50)[1].out
    assert "PMID 12345678" not in printed and "PMID 23456789" in printed, "another direction is listed at any factor"


def test_it_is_written_to_a_file(audited, tmp_path):
    out = tmp_path / "audit.md"
    code, printed = audited("--out", out)
    assert code == 0 and printed.out == "" and str(out) in printed.err
    assert out.read_text(encoding="utf-8").startswith("# 知识库审核\n")


def test_only_tune_cases_are_assessed(audited, tmp_path):
    ids = [f"case-{number}" for number in range(40)]
    tune = [one for one in ids if split_of(one) == "tune"]
    path = tmp_path / "cases.jsonl"
    path.write_text(
        "".join(
            json.dumps({"id": one, "chief_complaint": "咳嗽", "gold": {"name": "肺炎"}, "usable": one != tune[0]})
            + "\n"
            for one in ids
        ),
        encoding="utf-8",
    )
    assert f"看了 {len(tune) - 1} 个调试用病例" in audited("--cases", path)[1].out


def test_the_table_of_wordings_of_the_knowledge_folder_is_used(audited, source, facts):
    (facts / "likelihood_ratios.csv").write_text(RATIOS.replace("Weakness", "Feels tired"), encoding="utf-8")
    assert "PMID 12345678" not in audited()[1].out
    (source / "audit_names.csv").write_text("wording,kind,id\nFeels tired,finding,weakness\n", encoding="utf-8")
    assert "PMID 12345678" in audited()[1].out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--names", "nowhere.csv"], "nowhere.csv"),
        (["--cases", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--out", "nowhere/audit.md"], "nowhere/audit.md"),
    ],
)
def test_a_path_that_does_not_work_is_told(audited, options, words, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, printed = audited(*options)
    assert code == 2 and words in printed.err and "Traceback" not in printed.err


def test_knowledge_with_errors_is_not_audited(audited, source):
    path = source / "diseases/pneumonia.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("fever: 0.75", "fevers: 0.75"), encoding="utf-8")
    code, printed = audited()
    assert code == 2 and "knowledge check" in printed.err


@pytest.mark.parametrize("option", [["--factor", "1"], ["--factor", "x"], ["--limit", "0"]])
def test_options_out_of_range_are_refused(audited, option):
    with pytest.raises(SystemExit) as refused:
        audited(*option)
    assert refused.value.code == 2
