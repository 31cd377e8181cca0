"""A disease that the text names: it moves the order and is shown; what is denied, past, of somebody else or only its history does not."""

from __future__ import annotations

import pytest

from cunyi.domain.intake import parse_case
from cunyi.reasoning.assess import assess
from cunyi.reasoning.evidence import gather
from cunyi.reasoning.naming import name_weight
from cunyi.reasoning.presenting import receive
from cunyi.text.disease_names import NameFinder


def named(text: str, knowledge, **fields: object) -> list[tuple[str, str, bool]]:
    found = receive(parse_case({"id": "x", "chief_complaint": text, **fields}), knowledge).named
    ids = knowledge.likelihoods.disease_ids
    return [(ids[each.diseases[0]], each.status.value, each.asked) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("肺炎又犯了", ("pneumonia", "present", False)),
        ("医院说是社区获得性肺炎", ("pneumonia", "present", False)),
        ("这是不是肺炎？", ("pneumonia", "possible", True)),
    ],
)
def test_what_the_text_says_the_patient_has(mini, text, expected):
    assert named(text, mini) == [expected]


@pytest.mark.parametrize("text", ["没有肺炎", "无肺炎病史", "肺炎病史10年", "想打肺炎疫苗", "咳嗽三天"])
def test_what_is_denied_or_no_illness_of_now(mini, text):
    assert named(text, mini) == []


def test_what_stands_in_the_past_or_family_history_is_not_todays(mini):
    assert named("咳嗽", mini, past_history="5年前患肺炎", family_history="父亲急性心肌梗死") == []


def test_the_longest_name_counts_alone(mini):
    found = receive(parse_case({"id": "x", "chief_complaint": "社区获得性肺炎"}), mini).named
    assert [each.text for each in found] == ["社区获得性肺炎"]


def test_a_broad_name_stands_for_all_that_share_it():
    finder = NameFinder({0: ["慢性鼻炎", "鼻炎"], 1: ["过敏性鼻炎", "鼻炎"]}, ["史"])
    assert [place.diseases for place in finder.find("鼻炎，过敏性鼻炎，慢性鼻炎史")] == [(0, 1), (1,)]


def test_a_latin_name_is_none_inside_a_word():
    finder = NameFinder({0: ["CAP", "RA"]}, [])
    assert [(p.start, p.end) for p in finder.find("cap，capd，ra阳性")] == [(0, 3)]


def test_a_named_disease_rises_and_the_words_are_shown(mini):
    plain = assess({"id": "x", "chief_complaint": "咳嗽"}, mini)
    said = assess({"id": "x", "chief_complaint": "咳嗽，肺炎又犯了"}, mini)
    before = {c.disease: c.probability for c in plain.differential}
    after = {c.disease: c for c in said.differential}
    assert after["pneumonia"].probability > before["pneumonia"]
    (shown,) = after["pneumonia"].named
    assert shown.text == "肺炎" and shown.weight == mini.settings.named_weight
    assert (shown.span.field, shown.span.start, shown.span.end) == ("chief_complaint", 3, 5)
    assert all(not c.named for c in said.differential if c.disease != "pneumonia")


def test_a_question_counts_less_than_a_statement(mini):
    asked = assess({"id": "x", "chief_complaint": "咳嗽，是不是肺炎？"}, mini)
    said = assess({"id": "x", "chief_complaint": "咳嗽，肺炎又犯了"}, mini)
    share = [next(c.probability for c in each.differential if c.disease == "pneumonia") for each in (asked, said)]
    assert share[0] < share[1]


def test_naming_never_moves_triage(mini):
    plain = assess({"id": "x", "chief_complaint": "咳嗽"}, mini)
    said = assess({"id": "x", "chief_complaint": "咳嗽，怕是急性心肌梗死"}, mini)
    assert said.triage == plain.triage


def test_a_name_alone_gives_a_differential(mini):
    said = assess({"id": "x", "chief_complaint": "肺炎又犯了"}, mini)
    assert said.differential[0].disease == "pneumonia"


def test_a_disease_that_accounts_for_nothing_of_what_ails_the_patient_is_hardly_named(mini):
    first = assess({"id": "x", "chief_complaint": "胸痛，压榨样胸痛，出冷汗，有高血压"}, mini).differential[0]
    assert first.disease == "acute_myocardial_infarction"
    alone = {c.disease: c for c in assess({"id": "x", "chief_complaint": "我有肺炎"}, mini).differential}
    beside = {
        c.disease: c for c in assess({"id": "x", "chief_complaint": "压榨样胸痛，出冷汗，我有肺炎"}, mini).differential
    }
    assert beside["pneumonia"].named[0].weight < alone["pneumonia"].named[0].weight


def test_an_illness_of_long_standing_counts_less_beside_something_that_ails(mini):
    [stated] = receive(parse_case({"id": "x", "chief_complaint": "我有肺炎"}), mini).named
    ailing = gather_for({"id": "x", "chief_complaint": "咳嗽"}, mini)
    well = gather_for({"id": "x", "chief_complaint": "来拿药"}, mini)
    beside = stated._replace(beside=True)
    assert name_weight(stated, ailing, mini.settings) == 1
    assert name_weight(beside, ailing, mini.settings) == mini.settings.named_beside.weight
    assert name_weight(beside, well, mini.settings) == 1


def gather_for(case, knowledge):
    reception = receive(parse_case(case), knowledge)
    return gather(reception.presentation, reception.explicit, knowledge.likelihoods, knowledge.content.findings, 0.5)
