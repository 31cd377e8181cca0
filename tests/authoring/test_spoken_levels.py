"""Sentences of patients with their level of care: checked, and learned from."""

from __future__ import annotations

import numpy as np
import pytest

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.check import check_library
from cunyi.authoring.load import load_library
from cunyi.authoring.spoken_levels import check_spoken_levels, fit_ridge, sentences
from cunyi.domain.triage import TriageLevel


def with_sentences(mini_library, folder, text):
    (folder / "spoken_levels").mkdir()
    (folder / "spoken_levels" / "some.yaml").write_text(text, encoding="utf-8")
    loaded = load_library(folder)
    mini_library.spoken_levels, problems = loaded.spoken_levels, loaded.problems
    return problems


@pytest.fixture
def library(mini_library):
    yield mini_library
    mini_library.spoken_levels = []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- level: grave\n  sentences: [发烧]\n  sources: [general]\n", "level"),
        ("- level: urgent\n  sources: [general]\n", "sentences"),
        ("- level: urgent\n  sentences: [叫不应, 叫不应]\n  sources: [general]\n", "已经写过"),
        (
            "- level: urgent\n  sentences: [叫不应]\n  sources: [general]\n"
            "- level: routine\n  sentences: [叫不应]\n  sources: [general]\n",
            "级别不同",
        ),
    ],
)
def test_wrong_sentences_are_told_by_line(library, tmp_path, text, message):
    problems = with_sentences(library, tmp_path, text)
    found = [*problems, *check_spoken_levels(library), *check_library(library)]
    assert any(message in problem.message for problem in found)


def test_the_same_sentences_give_the_same_alarms(heard_library):
    alarms = compile_library(heard_library)["learned"]["alarms"]
    assert set(alarms) == {"emergency", "urgent"}
    assert to_bytes(compile_library(heard_library)) == to_bytes(compile_library(heard_library))


def test_without_sentences_there_are_no_alarms(mini_library):
    assert sentences(mini_library) == []
    assert compile_library(mini_library)["learned"]["alarms"] == {}


def test_what_example_patients_say_counts_with_the_level_of_their_disease(heard_library, taught_library):
    heard_library.patients, kept = taught_library.patients, heard_library.patients
    try:
        said = [each for each in sentences(heard_library) if each.weight < 1]
    finally:
        heard_library.patients = kept
    assert {each.level for each in said} == {TriageLevel.EMERGENCY, TriageLevel.URGENT, TriageLevel.SELF_CARE}
    assert all(each.weight == heard_library.settings["spoken_alarm"]["patient_weight"] for each in said)


def test_the_fit_finds_the_telling_feature_and_shrinks_with_the_ridge():
    random = np.random.default_rng(7)
    features = random.random((400, 3)) < 0.4
    is_true = (features[:, 0] | (random.random(400) < 0.1)).astype(float)
    rows, columns = np.nonzero(features)
    weak, strong = (fit_ridge(columns, rows, 3, is_true, np.ones(400), ridge) for ridge in (1.0, 50.0))
    assert weak[1][0] > 2 and abs(weak[1][1]) < 1 and abs(weak[1][2]) < 1
    assert abs(strong[1][0]) < abs(weak[1][0])
    # Without the feature the log-odds are those of the noise.
    assert weak[0] == pytest.approx(np.log(0.1 / 0.9), abs=0.7)
