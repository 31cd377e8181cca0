"""What the knowledge base shows by itself: diseases never reached, pairs told apart by nothing, findings nobody uses."""

import shutil
from types import SimpleNamespace

import pytest
from tests.conftest import with_real_language

from cunyi.authoring.audit_inside import alike, unreached, unused
from cunyi.authoring.audit_profile import build_profile
from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.load import load_library
from cunyi.reasoning.prepared import prepare


@pytest.fixture
def changed(tmp_path, mini_root):
    """The small knowledge base with files added or texts replaced, as library and profile."""

    def change(*, replace=(), add=()):
        root = tmp_path / "knowledge"
        shutil.copytree(mini_root, root)
        for file, old, new in replace:
            text = (root / file).read_text(encoding="utf-8")
            assert old in text
            (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        for file, text in add:
            (root / file).write_text(text, encoding="utf-8")
        library = with_real_language(load_library(root))
        return SimpleNamespace(
            root=root, library=library, profile=build_profile(prepare(to_bytes(compile_library(library))))
        )

    return change


def twin(mini_root, **values):
    """A disease like pneumonia under another id."""
    text = (mini_root / "diseases/pneumonia.yaml").read_text(encoding="utf-8")
    text = text.replace("id: pneumonia", "id: bronchitis").replace("name: 肺炎", "name: 支气管炎")
    text = text.replace("[社区获得性肺炎]", "[]").replace("J18.9", "J40")
    for old, new in values.items():
        text = text.replace(f"{old}: ", f"{old}: {new} #", 1)
    return text


def test_a_twin_cannot_be_told_apart(changed, mini_root):
    base = changed(add=[("diseases/bronchitis.yaml", twin(mini_root))])
    (found,) = alike(base.profile, least_evidence=1.0, least_overlap=0.6)
    assert {found.first, found.second} == {"pneumonia", "bronchitis"}
    assert found.here == pytest.approx(0, abs=1e-3) and found.overlap == pytest.approx(1)
    assert not found.levels_differ


def test_another_level_of_care_makes_it_matter_more(changed, mini_root):
    same = changed(add=[("diseases/bronchitis.yaml", twin(mini_root))])
    (first,) = alike(same.profile, least_evidence=1.0, least_overlap=0.6)
    shutil.rmtree(same.root)
    other = changed(add=[("diseases/bronchitis.yaml", twin(mini_root, triage="routine"))])
    (second,) = alike(other.profile, least_evidence=1.0, least_overlap=0.6)
    assert second.levels_differ and second.matter > first.matter


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("crackles: 0.7", "crackles: 0.02"),
        ("department: respiratory", "department: respiratory\nage: {0-5: 1, 5-120: 0}"),
    ],
    ids=["a finding differs", "others fall ill"],
)
def test_what_differs_is_no_pair(changed, mini_root, old, new):
    text = twin(mini_root)
    assert old in text
    base = changed(add=[("diseases/bronchitis.yaml", text.replace(old, new))])
    assert alike(base.profile, least_evidence=1.0, least_overlap=0.6) == []


def test_a_finding_that_nothing_reads_is_unused(changed):
    base = changed(
        add=[
            (
                "findings/more.yaml",
                "- id: hiccup\n  name: 打嗝\n  name_en: Hiccup\n  kind: symptom\n  background: 0.01\n"
                "  ask: 打嗝吗？\n  ask_en: Hiccup?\n  sources: [general]\n"
                "- id: barking_cough\n  name: 犬吠样咳嗽\n  name_en: Barking cough\n  kind: symptom\n  parent: [cough]\n"
                "  background: 0.001\n  ask: 像狗叫吗？\n  ask_en: Barking?\n  sources: [general]\n",
            )
        ]
    )
    found = {one.finding: one.above for one in unused(base.library, base.profile)}
    assert found["hiccup"] is None and found["barking_cough"] == "cough"
    assert not found.keys() & {"cough", "cough_over_2_weeks", "smoking", "crushing_chest_pain"}


def test_diseases_that_no_case_reaches(changed, mini_root):
    twins = [
        (
            f"diseases/b{n}.yaml",
            twin(mini_root, base_rate=9000)
            .replace("bronchitis", f"bronchitis_{n}")
            .replace("支气管炎", f"支气管炎{n}"),
        )
        for n in range(10)
    ]
    base = changed(add=twins)
    cases = [
        {"id": "a", "chief_complaint": "流鼻涕，咳嗽3天", "gold": {"name": "感冒"}},
        {"id": "b", "chief_complaint": "咳嗽，发热", "gold": {"name": "心梗", "accept_names": ["急性心梗"]}},
    ]
    never, number = unreached(cases, base.profile)
    assert number == 2
    assert never[0].disease == "acute_myocardial_infarction" and never[0].gold == 1
    reached = set(base.profile.knowledge.content.diseases) - {one.disease for one in never}
    assert "common_cold" in reached and len(reached) >= 10
