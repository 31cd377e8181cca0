"""The shipped net over how a case is told: dangers in words that nobody wrote into the lexicon."""

from __future__ import annotations

import pytest

from cunyi.reasoning.assess import assess
from cunyi.web.doctor.wording import Wording


def level(text, knowledge, **more):
    return assess({"id": "x", "chief_complaint": text, "own_words": True, **more}, knowledge).triage


@pytest.mark.parametrize(
    "text",
    [
        "我家那口子捂着胸口蹲地上，脸跟白纸一样",
        "崽崽翻白眼，手脚一抽一抽的喊不应",
        "老爷子一觉醒来半边身子不听使唤，话也讲不清",
        "屋里烧炭烤火，两个人都软在地上喊不醒",
        "月子里突然哗哗流血，站都站不住",
        "娃吃奶吃不动，嘴巴一圈发乌，肚子一鼓一鼓地喘",
    ],
)
def test_emergencies_in_everyday_words_are_never_left_at_home(knowledge, text):
    assert level(text, knowledge).level in ("urgent", "emergency")


@pytest.mark.parametrize(
    "text",
    [
        "娃流清鼻涕打喷嚏，能吃能玩",
        "蹲久了站起来腿麻，走两步就好了",
        "想量个血压，顺便开点平时吃的药",
        "手上被蚊子叮了几个包，有点痒",
        "干活累了腰有点酸，睡一觉好多了",
    ],
)
def test_everyday_complaints_do_not_sound(knowledge, text):
    assert level(text, knowledge).level in ("self_care", "routine")


def test_the_reason_and_the_step_of_care_say_by_which_words_in_both_languages(knowledge):
    answer = assess(
        {"id": "x", "chief_complaint": "崽崽身子软塌塌的，喊他眼睛都不睁", "own_words": True, "age_years": 2}, knowledge
    )
    (reason,) = [each for each in answer.triage.reasons if each.rule == "own_words"]
    assert answer.triage.provisional and answer.triage.level in ("urgent", "emergency")
    assert answer.care_step.step in ("township", "county")
    assert reason.text in answer.care_step.reason
    english = Wording(knowledge, "en").red_flag(reason.rule, reason.text, reason.source).why
    words = reason.text[reason.text.index("“") : reason.text.index("”") + 1]
    assert english.text.endswith(words) and english.text.startswith("Told as")
