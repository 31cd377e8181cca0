"""The checks of the referral loop: a limit for every state, criteria for every plan, examples that fire and spare."""

import copy

import pytest
from tests.real_knowledge import real_library

from cunyi.authoring.check_referral_loop import check_referral_loop
from cunyi.authoring.load import Entry, Library


@pytest.fixture
def library():
    """The rules of referrals alone, to be spoiled."""
    real = real_library()
    return Library(
        findings=real.findings,
        items=real.items,
        referral=real.referral,
        referral_loop=Entry(copy.deepcopy(real.referral_loop.raw), real.referral_loop.file),
        referral_criteria=[Entry(copy.deepcopy(each.raw), each.file) for each in real.referral_criteria],
    )


def told(library):
    return [problem.message for problem in check_referral_loop(library)]


def test_the_real_rules_are_right(library):
    assert told(library) == []


def test_a_state_without_a_limit_is_told(library):
    del library.referral_loop.raw["limits"]["arrived"]
    del library.referral_loop.raw["limits"]["treated"]["soon"]
    library.referral_loop.raw["limits"]["admitted"]["soon"] = 0
    assert told(library) == ["缺少 arrived", "时限写整数分钟，大于 0", "缺少 soon"]


def test_a_reminder_for_nobody_is_told(library):
    library.referral_loop.raw["reminders"][0]["whom"] = "mayor"
    assert any("只能是" in message for message in told(library))


def test_a_plan_needs_its_rules_and_a_way_home(library):
    library.referral_loop.raw["plans"][0]["rules"] = ["hypertention"]
    library.referral_criteria = [each for each in library.referral_criteria if each.id != "hypertension.stable"]
    messages = told(library)
    assert any("hypertention" in message for message in messages)
    assert "方案 hypertension 没有下转指征（写进 referral_criteria/）" in messages


def test_a_criterion_needs_a_plan_targets_and_known_words(library):
    criterion = next(each for each in library.referral_criteria if each.id == "copd.stable")
    criterion.raw["plan"] = "asthma"
    del criterion.raw["targets"]
    criterion.raw["when"] = {"finding": "no_such_finding"}
    criterion.raw["fires"][0]["present"] = ["no_such_finding_either"]
    messages = told(library)
    assert any("没有方案 asthma" in message for message in messages)
    assert any("targets" in message for message in messages)
    assert sum("no_such_finding" in message for message in messages) == 2
