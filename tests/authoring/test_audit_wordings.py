"""Wordings that the example patients contradict are found, those that they bear out are not."""

import copy

import pytest

from cunyi.authoring.audit_wordings import contradicted
from cunyi.authoring.build import compile_library, to_bytes
from cunyi.reasoning.prepared import prepare


@pytest.fixture
def library(taught_library):
    """The example patients of the cold tell of a cold sweat, which is none of a cold's findings."""
    changed = copy.deepcopy(taught_library)
    by_disease = {entry.raw["disease"]: entry for entry in changed.patients}
    by_disease["common_cold"].raw["texts"] = [
        {"kind": "note", "text": f"出冷汗，流鼻涕{days}天"} for days in range(2, 7)
    ]
    return changed


def test_words_read_in_texts_of_diseases_without_the_finding_are_listed(library):
    found = contradicted(library, prepare(to_bytes(compile_library(library))))
    one = next(each for each in found if each.words == "出冷汗")
    assert one.finding == "cold_sweat" and one.diseases == ("common_cold",)
    assert one.texts - one.fitting >= 4
    assert all(each.words != "流鼻涕" for each in found), "a cold has it"
