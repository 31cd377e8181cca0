"""One form of writing, and the way back to the original characters."""

import pytest

from cunyi.domain.case import Case
from cunyi.text.normalize import plain
from cunyi.text.reader import read_case


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("發燒３天", "發燒"),
        ("發　燒", "發　燒"),
        ("发 热", "发 热"),
        ("我发绕了", "发绕"),
        ("胸　　口　疼", "胸　　口　疼"),
    ],
)
def test_spans_are_those_of_the_original(language, text, words):
    (fact,) = read_case(Case(chief_complaint=text), language).facts
    assert text[fact.span.start : fact.span.end] == words


def test_a_blank_between_lines_of_talk_ends_a_statement(statuses_in):
    assert statuses_in("没有头晕 咳嗽两天了") == {"cough": "present"}


def test_an_answer_of_one_character_stays_apart(statuses_in):
    assert statuses_in("没 咳嗽两天了") == {"cough": "present"}


def test_a_full_stop_of_either_width_ends_a_sentence(statuses_in):
    assert statuses_in("否认高血压.糖尿病5年", "past_history")["history_diabetes"] == "present"


def test_plain_is_what_terms_and_cues_are_compared_in():
    assert plain("ＷＢＣ （×１０）") == "wbc (x10)"
    assert plain("发 热") == "发热"
