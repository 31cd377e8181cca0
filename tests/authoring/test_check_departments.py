"""What is told of departments, hint words and their words that cannot be right: by file and line."""

import copy

import pytest
from tests.real_knowledge import real_library

from cunyi.authoring.check_departments import check_departments
from cunyi.authoring.load import Library


@pytest.fixture
def library() -> Library:
    whole = real_library()
    kept = Library()
    kept.departments = copy.deepcopy(whole.departments)
    kept.department_hints = copy.deepcopy(whole.department_hints)
    kept.care_steps = copy.deepcopy(whole.care_steps)
    kept.first_level_names = copy.deepcopy(whole.first_level_names)
    return kept


def told(library):
    return [str(problem) for problem in check_departments(library)]


def test_the_files_are_clean(library):
    assert told(library) == []


def test_a_stand_in_that_nobody_knows_is_told_with_the_nearest(library):
    library.departments[0].raw["parent"] = "general_practise"
    assert any("没有登记科室 general_practise" in each and "general_practice" in each for each in told(library))


def test_a_chain_that_ends_at_no_township_hospital_is_told(library):
    for entry in library.departments:
        if entry.id in ("pain", "surgery"):
            entry.raw["level"] = "county"
            entry.raw["parent"] = "pain"
    assert any("往上找不到乡镇卫生院有的科室" in each for each in told(library))


def test_a_word_that_stands_twice_and_a_gap_in_a_wrong_place_are_told(library):
    entry = library.department_hints.raw["departments"][0]
    entry["weak"].append(entry["certain"][0])
    entry["weak"].append("…疙瘩")
    problems = told(library)
    assert any("写了两次" in each for each in problems)
    assert any("只能在两段文字之间写一次" in each for each in problems)


def test_a_hint_of_an_unknown_department_and_a_missing_weight_are_told(library):
    library.department_hints.raw["departments"][0]["id"] = "dermatolgy"
    del library.department_hints.raw["weights"]["weak"]
    problems = told(library)
    assert any("dermatolgy" in each for each in problems)
    assert any("weights 要正好写" in each for each in problems)


def test_missing_words_and_names_are_told(library):
    del library.care_steps.raw["reasons"]["village"]
    del library.first_level_names.raw["names"]["urology"]
    problems = told(library)
    assert any("缺少 village" in each for each in problems)
    assert any("urology 没有对照的名称" in each for each in problems)
