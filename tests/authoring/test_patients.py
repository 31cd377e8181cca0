"""Example patients: read as cases, counted, and checked."""

from __future__ import annotations

import msgspec
import pytest

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.check import check_library
from cunyi.authoring.load import load_library
from cunyi.authoring.patients import PatientText, case_of, check_patients, patient_texts


def test_an_admission_record_is_read_by_its_sections_and_a_spoken_text_is_a_complaint():
    record = "男，60岁。主诉：胸痛。现病史：压榨样。既往史：高血压。查体：出汗。体格检查：心率快。"
    case = case_of(PatientText("x", "admission", record))
    assert case["chief_complaint"] == "胸痛。"
    assert case["history_of_present_illness"] == "男，60岁。压榨样。"
    assert case["physical_examination"] == "出汗。心率快。"
    assert case_of(PatientText("x", "spoken", "胸口痛"))["chief_complaint"] == "胸口痛"
    assert case_of(PatientText("x", "note", "胸口痛"))["history_of_present_illness"] == "胸口痛"


def test_what_the_texts_tell_is_counted_by_disease(taught_library):
    learned = compile_library(taught_library)["learned"]
    assert learned["told"]["pneumonia"]["texts"] == 4
    assert len(patient_texts(taught_library)) == 10
    assert all(0 < n <= 4 for n in learned["told"]["pneumonia"]["findings"].values())


def test_the_same_library_gives_the_same_bytes(taught_library):
    assert to_bytes(compile_library(taught_library)) == to_bytes(compile_library(taught_library))


def test_told_findings_become_likelier_and_the_others_stay(mini, taught):
    told = taught.content.learned.told["pneumonia"].findings
    column = mini.likelihoods.disease_index["pneumonia"]
    before, after = mini.likelihoods.probability[:, column], taught.likelihoods.probability[:, column]
    moved = {f for f, row in mini.likelihoods.finding_index.items() if abs(before[row] - after[row]) > 1e-6}
    assert moved and moved <= set(told)
    for finding in moved:
        row = mini.likelihoods.finding_index[finding]
        share = told[finding] / 4
        assert min(before[row], share) - 1e-6 <= after[row] <= max(before[row], share) + 1e-6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- disease: plague\n  texts: [{kind: note, text: 发热}]\n  sources: [general]\n", "没有登记疾病 plague"),
        ("- disease: pneumonia\n  texts: [{kind: poem, text: 发热}]\n  sources: [general]\n", "kind"),
        (
            "- disease: pneumonia\n  texts: [{kind: note, text: 发热}, {kind: note, text: 发热}]\n  sources: [general]\n",
            "已经写过",
        ),
        ("- disease: pneumonia\n  sources: [general]\n", "texts"),
    ],
)
def test_wrong_example_patients_are_told_by_line(mini_library, tmp_path, text, message):
    (tmp_path / "patients").mkdir()
    (tmp_path / "patients" / "wrong.yaml").write_text(text, encoding="utf-8")
    loaded = load_library(tmp_path)
    library = msgspec.structs.replace(mini_library, patients=loaded.patients)
    problems = [*loaded.problems, *check_patients(library)]
    assert any(message in p.message and p.line >= 1 for p in problems), problems


def test_the_example_patients_of_the_tests_pass_the_check(taught_library):
    assert not [p for p in check_library(taught_library) if p.file.startswith("patients/")]


def test_a_disease_without_example_patients_beside_others_is_told(mini_library, taught_library):
    fewer = msgspec.structs.replace(taught_library, patients=taught_library.patients[:-1])
    assert [p.fatal for p in check_patients(fewer)] == [False]
    assert not list(check_patients(mini_library))
