"""What must hold for every interview, whatever is answered: nothing twice, nothing known, an end, corrections that fit."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.real_knowledge import real_knowledge

from cunyi.domain.case import Sex
from cunyi.domain.finding import Status
from cunyi.domain.interview import Finish, Informant, Interview, QuestionKind, Topic, give_answer
from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.assess import assess
from cunyi.reasoning.interviewing import answered, case_of_interview, next_step, sensible
from cunyi.reasoning.presenting import receive

MOST = 90
STATUS = st.sampled_from([Status.PRESENT, Status.ABSENT, Status.ABSENT, Status.UNKNOWN])
WORDS = st.sampled_from(
    [
        "咳嗽3天",
        "胸痛",
        "肚子痛，不发烧",
        "流鼻涕，没力气",
        "发烧怕冷两天",
        "说不清",
        "头晕",
        "肚子痛怀孕了",
        "抽烟，咳嗽",
        "拉肚子",
    ]
)
PEOPLE = st.builds(
    Interview,
    informant=st.sampled_from(Informant),
    sex=st.sampled_from([None, *Sex]),
    age_years=st.none() | st.sampled_from([0.1, 0.8, 3.0, 13.0, 14.0, 30.0, 51.0, 75.0]),
    month=st.none() | st.integers(1, 12),
)
RUN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RUN_SHIPPED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Held:
    """A knowledge base that a failing example does not print."""

    def __init__(self, knowledge):
        self.knowledge = knowledge


@pytest.fixture(scope="module")
def small(mini):
    return Held(mini)


@pytest.fixture(scope="module")
def shipped(knowledge_root):
    return Held(real_knowledge())


def draw_answer(draw, question):
    """Any answer that a page could send to a question."""
    if draw(st.integers(0, 4)) == 0:
        return give_answer(question, unknown=True)
    match question.kind:
        case QuestionKind.TEXT:
            return give_answer(question, text=draw(WORDS))
        case QuestionKind.NUMBER:
            return give_answer(question, number=draw(st.integers(int(question.lowest), int(question.highest))))
        case QuestionKind.DURATION:
            return give_answer(question, days=draw(st.sampled_from([0.01, 1, 3, 20, 400])))
        case QuestionKind.CHOICE:
            return give_answer(question, chosen=(draw(st.sampled_from([o.id for o in question.options])),))
        case QuestionKind.PLACE:
            places = st.lists(st.sampled_from([o.id for o in question.options]), min_size=1, max_size=3)
            return give_answer(question, chosen=tuple(draw(places)))
        case _:
            return give_answer(question, statuses={o.id: draw(STATUS) for o in question.options})


def draw_interview(draw, knowledge, interview=None, *, watch=lambda interview, step: None):
    """A whole interview with any answers; `watch` sees every step."""
    interview = draw(PEOPLE) if interview is None else interview
    for _ in range(MOST):
        step = next_step(interview, knowledge)
        watch(interview, step)
        if step.question is None:
            return interview
        interview = answered(interview, draw_answer(draw, step.question), knowledge)
    raise AssertionError("the interview does not end")


def findings_of(question):
    return [finding for option in question.options for finding in (*option.findings, *option.absent)]


def check_one(data, knowledge):
    """One interview, every step of it looked at."""
    rules = knowledge.interviewing.words.rules
    seen_ids: set[str] = set()
    seen_findings: set[str] = set()

    def watch(interview, step):
        presentation = receive(case_of_interview(interview, knowledge), knowledge).presentation
        assert (step.question is None) == (step.finish is not None) == (step.care is not None)
        assert step.asked == len(interview.answers)
        if step.question is None:
            return
        question = step.question
        named = set(findings_of(question))
        assert question.id not in seen_ids
        assert not named & seen_findings, "asked twice"
        assert all(presentation.status(finding) == Status.UNKNOWN for finding in named), "known already"
        seen_ids.add(question.id)
        # Whoever picks the worst of the list has not answered for the rest of it.
        seen_findings.update(named if question.id != "menu" else ())
        if presentation.sex == Sex.MALE:
            assert not any(f.startswith("pregnan") for f in named)
            assert all(knowledge.content.findings[f].sex != "female" for f in named)
        if question.priority == "gain" or question.topic == Topic.DANGER:
            assert len(question.options) <= rules.most_together
        assert question.wording.strip()
        assert "{" not in question.wording + question.wording_en
        assert next_step(interview, knowledge) == step, "the same interview, the same step"

    interview = draw_interview(data.draw, knowledge, watch=watch)
    assert sum(a.question.priority == "gain" for a in interview.answers) <= rules.most_gain
    return interview


@RUN
@given(st.data())
def test_nothing_is_asked_twice_nor_when_known_and_it_ends(small, data):
    check_one(data, small.knowledge)


@RUN_SHIPPED
@given(st.data())
def test_nothing_is_asked_twice_nor_when_known_and_it_ends_with_the_shipped_knowledge(shipped, data):
    check_one(data, shipped.knowledge)


def check_emergency(data, knowledge):
    def watch(interview, step):
        case = case_of_interview(interview, knowledge)
        grave = assess_level(case, knowledge) == TriageLevel.EMERGENCY
        assert grave == (step.finish == Finish.EMERGENCY)
        if grave:
            assert step.care.first_aid

    draw_interview(data.draw, knowledge, watch=watch)


def assess_level(case, knowledge):
    return TriageLevel.from_code(assess(case, knowledge).triage.level)


@RUN
@given(st.data())
def test_an_emergency_ends_it_at_once_and_nothing_else_does(small, data):
    check_emergency(data, small.knowledge)


@RUN_SHIPPED
@given(st.data())
def test_an_emergency_ends_it_at_once_with_the_shipped_knowledge(shipped, data):
    check_emergency(data, shipped.knowledge)


def check_same_again(data, knowledge):
    interview = draw_interview(data.draw, knowledge)
    assert sensible(interview, knowledge) == interview, "what was asked made sense when it was asked"
    if interview.answers:
        answer = data.draw(st.sampled_from(interview.answers))
        assert answered(interview, answer, knowledge) == interview


@RUN
@given(st.data())
def test_the_same_answer_again_changes_nothing(small, data):
    check_same_again(data, small.knowledge)


@RUN_SHIPPED
@given(st.data())
def test_the_same_answer_again_changes_nothing_with_the_shipped_knowledge(shipped, data):
    check_same_again(data, shipped.knowledge)


@RUN
@given(st.data())
def test_a_correction_keeps_what_fits_and_the_interview_still_ends(small, data):
    interview = draw_interview(data.draw, small.knowledge)
    if not interview.answers:
        return
    position = data.draw(st.integers(0, len(interview.answers) - 1))
    question = interview.answers[position].question
    new = draw_answer(data.draw, question)
    corrected = answered(interview, new, small.knowledge)
    kept = [a for a in corrected.answers if a.question.id != question.id]
    assert all(a in interview.answers for a in kept)
    assert corrected.answer_to(question.id) in (new, None)
    assert sensible(corrected, small.knowledge) == corrected
    ended = draw_interview(data.draw, small.knowledge, corrected)
    assert len({a.question.id for a in ended.answers}) == len(ended.answers)


@RUN
@given(st.data())
def test_an_interview_written_down_is_the_same(small, data):
    interview = draw_interview(data.draw, small.knowledge)
    read = msgspec.json.decode(msgspec.json.encode(interview), type=Interview)
    assert read == interview
    assert case_of_interview(read, small.knowledge) == case_of_interview(interview, small.knowledge)
