"""The check of the record's wording: what a hurried hand gets wrong is named with its file and line."""

import copy

import msgspec
import pytest
from tests.real_knowledge import real_library

from cunyi.authoring.check import check_library
from cunyi.authoring.check_summary import check_summary
from cunyi.authoring.strict_yaml import LineDict
from cunyi.knowledge.summaries import read_summary_words

FILE = "interview/summary.yaml"


def library():
    return real_library()


def problems(change):
    """What the check says after one change of the real wording."""
    real = library()
    raw = copy.deepcopy(real.interview_summary.raw)
    change(raw)
    changed = copy.copy(real)
    changed.interview_summary = msgspec.structs.replace(real.interview_summary, raw=raw)
    found = list(check_summary(changed))
    assert all(problem.file == FILE and problem.line > 0 for problem in found)
    return [problem.message for problem in found]


def test_the_real_wording_is_whole():
    assert problems(lambda raw: None) == []
    assert not [p for p in check_library(library()) if p.file == FILE]


def entry(raw, name, **wanted):
    return next(e for e in raw[name] if all(e[key] == value for key, value in wanted.items()))


CHANGES = {
    "a sentence that is missing": (lambda raw: raw["sentences"].pop("began"), "缺少 began"),
    "a sentence that nothing uses": (
        lambda raw: raw["sentences"].__setitem__("began_late", raw["sentences"]["began"]),
        "没有 began_late",
    ),
    "a slot that is not filled": (
        lambda raw: raw["sentences"]["began"].__setitem__("text", "{when}前出现{what}。"),
        "{time}、{what}",
    ),
    "a brace left open": (lambda raw: raw["sentences"]["own"].__setitem__("text", "{text"), "花括号"),
    "a part without its slot": (lambda raw: raw["parts"][0]["told"].__setitem__("text", "有。"), "{what}"),
    "a field that no record has": (lambda raw: raw["parts"][0].__setitem__("field", "illness"), "只能是"),
    "a finding that is not registered": (lambda raw: raw["names"][0].__setitem__("finding", "bellyache"), "bellyache"),
    "an option of another question": (
        lambda raw: entry(raw, "options", question="course", option="same").__setitem__("option", "never"),
        "没有选项 never",
    ),
    "an option without words": (
        lambda raw: raw["options"].remove(entry(raw, "options", question="severity", option="mild")),
        "severity 的选项 mild",
    ),
    "a place without words": (
        lambda raw: raw["places"].remove(entry(raw, "places", place="whole_head")),
        "部位 whole_head",
    ),
    "a question that is not there": (lambda raw: raw["nothing_more"].__setitem__(0, "last"), "没有问题 last"),
    "a topic that is none": (
        lambda raw: raw["background"].__setitem__("weather", raw["background"]["past"]),
        "weather",
    ),
    "a number in words": (lambda raw: raw["limits"].__setitem__("complaint", "二十"), "要写数字"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_wrong_is_named(name):
    change, words = CHANGES[name]
    found = problems(change)
    assert any(words in message for message in found), found


def test_a_library_without_the_file_has_no_wording():
    assert read_summary_words({}) is None
    bare = copy.copy(library())
    bare.interview_summary = None
    assert list(check_summary(bare)) == []


def test_a_source_must_be_registered():
    real = library()
    raw = copy.deepcopy(real.interview_summary.raw)
    raw["sources"][0] = "nowhere"
    changed = copy.copy(real)
    changed.interview_summary = msgspec.structs.replace(real.interview_summary, raw=raw)
    assert any("nowhere" in problem.message for problem in check_library(changed) if problem.file == FILE)
    assert isinstance(raw, LineDict)
