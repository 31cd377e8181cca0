"""The net over how a case is told: it raises the level in somebody's own words, says by what, and never more."""

from __future__ import annotations

import msgspec
import pytest

from cunyi.domain.finding import Span
from cunyi.domain.intake import parse_case
from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.alarming import sounded, understood_share
from cunyi.reasoning.assess import assess
from cunyi.reasoning.presenting import receive

UNREAD = "婆婆嘴皮乌青，叫不应"
"""Words that the small lexicon does not know."""


def heard_in(text, knowledge):
    return sounded(receive(parse_case({"id": "x", "chief_complaint": text}), knowledge).written, knowledge)


def own(text, knowledge, **more):
    return assess({"id": "x", "chief_complaint": text, "own_words": True, **more}, knowledge)


def test_what_is_told_like_an_emergency_sounds(heard):
    assert heard_in(UNREAD, heard).level == TriageLevel.EMERGENCY
    assert heard_in("清鼻涕，有点痒", heard) is None


def test_own_words_raise_the_level_provisionally_and_say_by_which_words(heard, mini):
    answer = own(UNREAD, heard)
    assert answer.triage.level == "emergency" and answer.triage.provisional
    (reason,) = [each for each in answer.triage.reasons if each.rule == "own_words"]
    assert "嘴皮乌青" in reason.text or "叫不应" in reason.text
    assert answer.care_step.step == "county"
    # The knowledge without sentences hears nothing.
    assert own(UNREAD, mini).triage.level == "self_care"


def test_a_doctors_text_is_heard_only_where_little_of_it_was_understood(heard):
    answer = assess({"id": "x", "chief_complaint": UNREAD}, heard)
    assert answer.triage.level == "emergency" and answer.triage.provisional
    assert [each.rule for each in answer.triage.reasons] == ["own_words"]
    noted = {"id": "x", "chief_complaint": UNREAD, "history_of_present_illness": "咳嗽、发热、胸痛"}
    assert assess(noted, heard).triage.level == "urgent"
    assert assess(noted | {"own_words": True}, heard).triage.level == "emergency"


@pytest.mark.parametrize(
    ("spans", "share"),
    [
        ([], 0),
        ([("chief_complaint", 0, 2)], 0.25),
        ([("chief_complaint", 0, 2), ("chief_complaint", 1, 2), None], 0.25),
        ([("chief_complaint", 0, 5), ("history_of_present_illness", 0, 4)], 1),
        ([("physical_examination", 0, 2)], 0),
    ],
)
def test_how_much_was_understood(spans, share):
    case = parse_case(
        {
            "id": "x",
            "chief_complaint": "咳嗽，头昏",
            "history_of_present_illness": "胸口闷痛",
            "physical_examination": "咽红",
        }
    )
    assert understood_share(case, [each and Span(*each) for each in spans]) == pytest.approx(share)


def test_where_nothing_is_written_nothing_is_missed():
    assert understood_share(parse_case({"id": "x"}), []) == 1


def test_an_urgent_sound_is_seen_today(heard):
    emergency = own(UNREAD, heard).referral
    assert emergency.needed and emergency.to == "120"
    answer = own("娃脸肿得眼睛睁不开，一天没屙尿", heard)
    assert answer.referral.needed and answer.referral.to == "township"
    assert answer.triage.level == "urgent"
    assert answer.care_step.step == "township"


def test_it_names_no_disease_and_moves_none(heard):
    plain = msgspec.structs.replace(
        heard, content=msgspec.structs.replace(heard.content, learned=msgspec.structs.replace(heard.content.learned, alarms={}))
    )  # fmt: skip
    case = "咳嗽、发热，嘴皮乌青，叫不应"
    with_net, without = own(case, heard), own(case, plain)
    assert with_net.differential == without.differential
    assert with_net.must_exclude == without.must_exclude


def test_what_only_explains_a_milder_level_is_no_reason_for_what_was_heard(heard):
    answer = own("咳嗽、发热、胸痛，右肺啰音，嘴皮乌青，叫不应", heard, age_years=70)
    plain = own("咳嗽、发热、胸痛，右肺啰音", heard, age_years=70)
    assert plain.triage.level == "urgent" and any(each.rule.startswith("disease.") for each in plain.triage.reasons)
    assert answer.triage.level == "emergency"
    assert not any(each.rule.startswith("disease.") for each in answer.triage.reasons)
    assert [each.rule for each in answer.triage.reasons].count("own_words") == 1


def test_a_level_that_is_understood_says_its_own_reasons(heard):
    answer = own("胸口压榨样痛，出冷汗，叫不应", heard, age_years=60)
    assert answer.triage.level == "emergency"
    assert all(reason.rule != "own_words" for reason in answer.triage.reasons)


@pytest.mark.parametrize("more", ["。饭照吃，人精神", "。鼻子不通，打喷嚏。包有点痒。走多了路腿有点酸"])
def test_harmless_talk_does_not_drown_it_in_other_stretches(heard, more):
    short = msgspec.structs.replace(heard.settings.spoken_alarm, window=12)
    settings = msgspec.structs.replace(heard.settings, spoken_alarm=short)
    narrow = msgspec.structs.replace(heard, settings=settings)
    assert heard_in(UNREAD, narrow).level == TriageLevel.EMERGENCY
    assert heard_in(UNREAD + more, narrow) == heard_in(UNREAD, narrow)


@pytest.mark.parametrize("text", ["", "，。！", "？"])
def test_nothing_but_punctuation_does_not_sound(heard, text):
    assert heard_in(text, heard) is None
