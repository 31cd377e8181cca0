"""What is taken from a talk about a child, and from values beside which the report says what they are."""

import pytest
from tests.real_knowledge import real_knowledge

from cunyi.domain.case import Case
from cunyi.reasoning.assess import assess
from cunyi.reasoning.presenting import receive


@pytest.fixture(scope="module")
def knowledge():
    return real_knowledge()


def _found(case, knowledge):
    return receive(case, knowledge).presentation.facts


@pytest.mark.parametrize("text", ["宝宝咳嗽3天，我还在哺乳期", "宝宝5个月，发烧，我月子里也感冒过"])
def test_what_only_grown_women_have_is_the_mothers(knowledge, text):
    found = _found(Case(chief_complaint=text, age_years=0.4), knowledge)
    assert not {"breastfeeding", "postpartum"} & found.keys()


@pytest.mark.parametrize(
    "text", ["生完孩子3天，大出血，头晕", "宝宝刚出生，产妇大出血不止", "孩子他妈怀孕7个月，抽筋，叫不醒"]
)
def test_a_mother_who_speaks_of_her_child_is_no_child(knowledge, text):
    given = assess({"id": "x", "chief_complaint": text}, knowledge)
    assert given.triage.level == "emergency"
    assert {f.finding for f in given.findings} & {"postpartum", "late_pregnancy"}


def test_of_a_woman_it_is_her_own(knowledge):
    found = _found(Case(chief_complaint="我还在哺乳期，咳嗽3天", age_years=28, sex="female"), knowledge)
    assert found["breastfeeding"].status == "present"


def test_a_mark_keeps_a_value_from_denying_what_it_says(knowledge):
    assert "hypomagnesemia" in knowledge.content.findings
    plain = _found(Case(auxiliary_examination="镁0.78mmol/L"), knowledge)
    marked = _found(Case(auxiliary_examination="镁0.78↓mmol/L"), knowledge)
    assert plain["hypomagnesemia"].status == "absent"
    assert "hypomagnesemia" not in marked


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("停经一个半月，下腹剧痛", "female"),
        ("咳嗽三天", None),
        ("没有停经，下腹痛", None),
        ("我头痛，老婆停经一个半月", None),
    ],
)
def test_the_sex_that_alone_has_it_is_supposed_for_red_flags(knowledge, text, sex):
    presentation = receive(Case(chief_complaint=text, own_words=True), knowledge).presentation
    assert (presentation.sex, presentation.supposed_sex) == (None, sex)


def test_a_red_flag_of_women_is_raised_where_only_they_have_it(knowledge):
    triage = assess({"chief_complaint": "上了环，下腹痛，阴道出血", "own_words": True}, knowledge).to_dict()["triage"]
    assert "lower_abdominal_pain_woman.ectopic" in {reason["rule"] for reason in triage["reasons"]}
