"""An interview before the consultation from consent to the doctor's draft: nothing lost, nothing counted twice, nobody found out."""

from __future__ import annotations

import threading
from datetime import timedelta

import msgspec
import pytest
from clinic_day import Desk, count, rows
from sqlalchemy import select

from cunyi.domain.account import Role
from cunyi.domain.audit import Action
from cunyi.domain.encounter import Encounter, ListKind, canonical
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.finding import Status
from cunyi.domain.interview import Answer, Informant, Question, QuestionKind, Slot, Topic, give_answer
from cunyi.domain.referral import ReferralDirection
from cunyi.journeys.case_of_person import background_of
from cunyi.journeys.consulting import begin_draft, open_draft
from cunyi.journeys.filling_slip import FilledSlip, SlipGround, fill_slip
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.journeys.opening_record import open_record
from cunyi.journeys.preconsulting import (
    Agreed,
    Said,
    Shown,
    agree,
    answer,
    begin,
    go_on,
    look,
    refuse_guardian,
    say_who,
    stop,
)
from cunyi.journeys.preconsulting_clinic import (
    Doubts,
    acknowledge,
    alarms,
    clinic_interviews,
    discard_interview,
    doubts,
    erase_old,
    invite,
    open_interview,
    pick_up,
)
from cunyi.journeys.preconsulting_handover import (
    CHECKED,
    complaint_in_words,
    gaps_in,
    hand_over,
    level_before,
    queue_confirmed,
    said_in,
    take_along,
    unchecked_in,
)
from cunyi.journeys.preconsulting_rules import (
    READY_KEPT,
    TAKEN_OVER_KEPT,
    UNFINISHED_KEPT,
    WRONG_CODE_OF_ACCOUNT,
    Limit,
    Limits,
    LinkGoneError,
    TooOftenError,
    needs_guardian,
)
from cunyi.journeys.today import open_today
from cunyi.reasoning.interviewing_case import sex_of
from cunyi.reasoning.prepared import Knowledge
from cunyi.store import schema
from cunyi.store.interviews import ConsentBy, InterviewState, Way, interview_by_id
from cunyi.web.doctor.encounter_form import fields_of, read_encounter
from cunyi.web.doctor.form import read_form
from cunyi.web.doctor.villager_said import villager_view

HEART = "胸口像石头压着一样痛，出冷汗，半个钟头了"
NUMBER = "11010519491231002X"


def begun(desk: Desk, by: ConsentBy = ConsentBy.SELF, said: Said | None = None) -> str:
    """The token of an interview at the door, ready for its first question."""
    token = begin(desk.store, Agreed(by=by, name="王桂花", relation="mother"), now=desk.clock())
    say_who(desk.store, token, said or Said(), now=desk.clock())
    return token


def said_to(question: Question, complaint: str = "咳嗽三天，有痰", age: float = 45) -> Answer:
    """What an ordinary patient answers to any question: no to everything that is asked as yes or no."""
    match question.kind:
        case QuestionKind.TEXT:
            return give_answer(question, text=complaint if question.topic is Topic.COMPLAINT else "没有别的")
        case QuestionKind.YES_NO | QuestionKind.SEVERAL:
            return give_answer(question, statuses={option.id: Status.ABSENT for option in question.options})
        case QuestionKind.CHOICE | QuestionKind.PLACE:
            return give_answer(question, chosen=(question.options[0].id,))
        case QuestionKind.NUMBER:
            return give_answer(question, number=age if question.slot is Slot.AGE_YEARS else question.lowest)
        case _:
            return give_answer(question, days=2)


def give(desk: Desk, knowledge: Knowledge, token: str, shown: Shown | None = None, **said) -> Shown:
    """Answers the question that is asked now."""
    shown = shown or look(desk.store, token, knowledge, now=desk.clock())
    assert shown.step is not None and shown.step.question is not None
    return answer(
        desk.store,
        token,
        knowledge,
        at=shown.stored.revision,
        question_id=shown.step.question.id,
        read=lambda question: said_to(question, **said),
        now=desk.clock(),
    )


def finish(desk: Desk, knowledge: Knowledge, token: str, **said) -> Shown:
    """Answers until there is nothing more to ask."""
    shown = look(desk.store, token, knowledge, now=desk.clock())
    for _ in range(60):
        if shown.step is None or shown.step.finish is not None:
            return shown
        shown = give(desk, knowledge, token, shown, **said)
    raise AssertionError("it never ends")


def log(desk: Desk) -> list[str]:
    table = schema.audit_entry
    with desk.store.reading() as connection:
        return list(connection.execute(select(table.c.action).order_by(table.c.sequence)).scalars())


def test_nothing_is_kept_before_somebody_agrees(desk: Desk, knowledge: Knowledge) -> None:
    token, made = invite(desk.store, desk.account, Way.LINK)
    shown = look(desk.store, token, knowledge, now=desk.clock())
    assert shown.stored.state is InterviewState.INVITED and shown.step is None
    assert shown.stored.record.consent is None and shown.stored.pickup_code == ""
    say_who(desk.store, token, Said(phone="13800001111", name="周大福"), now=desk.clock())
    assert look(desk.store, token, knowledge, now=desk.clock()).stored.record.claim is None
    agree(desk.store, token, Agreed(by=ConsentBy.SELF), now=desk.clock())
    stored = look(desk.store, token, knowledge, now=desk.clock()).stored
    assert stored.record.consent is not None and stored.record.consent.by is ConsentBy.SELF
    assert stored.record.consent.at == desk.clock() and stored.state is InterviewState.CONSENTED
    assert made.id == stored.id


def test_from_the_door_to_the_list_of_the_clinic(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    assert clinic_interviews(desk.store, desk.account, now=desk.clock()).ready == []
    shown = finish(desk, knowledge, token)
    assert shown.stored.state is InterviewState.FINISHED and shown.stored.level
    [ready] = clinic_interviews(desk.store, desk.account, now=desk.clock()).ready
    assert ready == shown.stored and len(ready.pickup_code) == 4
    assert (
        pick_up(desk.store, desk.account, f" {ready.pickup_code[:2]} {ready.pickup_code[2:]}", Limits(desk.clock))
        == ready.id
    )
    done = log(desk)
    for action in (
        Action.CONSENT_INTERVIEW,
        Action.IDENTIFY_INTERVIEW,
        Action.ANSWER_INTERVIEW,
        Action.FINISH_INTERVIEW,
    ):
        assert action in done


def test_the_same_answer_sent_again_counts_once(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    first = look(desk.store, token, knowledge, now=desk.clock())
    second = give(desk, knowledge, token, first)
    again = give(desk, knowledge, token, first)
    assert again.stored.revision == second.stored.revision == 1 and not again.notice
    assert again.step == second.step and len(again.stored.record.interview.answers) == 1


def test_two_taps_at_the_same_moment_count_once(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    first = look(desk.store, token, knowledge, now=desk.clock())
    done: list[Shown] = []
    threads = [threading.Thread(target=lambda: done.append(give(desk, knowledge, token, first))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [shown.stored.revision for shown in done] == [1, 1, 1, 1]
    assert len(look(desk.store, token, knowledge, now=desk.clock()).stored.record.interview.answers) == 1


def test_another_answer_from_an_old_page_is_not_counted_and_told(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    first = look(desk.store, token, knowledge, now=desk.clock())
    second = give(desk, knowledge, token, first)
    question = first.step.question
    other = answer(
        desk.store,
        token,
        knowledge,
        at=0,
        question_id=question.id,
        read=lambda asked: give_answer(asked, unknown=True),
        now=desk.clock(),
    )
    assert other.notice and other.stored.record.interview == second.stored.record.interview
    unheard = answer(desk.store, token, knowledge, at=7, question_id="never-asked", read=said_to, now=desk.clock())
    assert unheard.notice and unheard.stored.revision == 1


def test_an_earlier_answer_is_corrected(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    shown = look(desk.store, token, knowledge, now=desk.clock())
    while shown.step.question.topic is not Topic.COMPLAINT:
        shown = give(desk, knowledge, token, shown)
    complaint = shown.step.question.id
    shown = give(desk, knowledge, token, shown)
    corrected = answer(
        desk.store,
        token,
        knowledge,
        at=shown.stored.revision,
        question_id=complaint,
        read=lambda question: give_answer(question, text="拉肚子两天"),
        corrects=True,
        now=desk.clock(),
    )
    assert corrected.stored.record.interview.answer_to(complaint).text == "拉肚子两天"
    assert corrected.stored.revision == shown.stored.revision + 1


def test_an_answer_that_cannot_be_read_changes_nothing(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    shown = look(desk.store, token, knowledge, now=desk.clock())
    with pytest.raises(UserError):
        answer(
            desk.store,
            token,
            knowledge,
            at=0,
            question_id=shown.step.question.id,
            read=lambda question: give_answer(question, chosen=("no-such-choice",)),
            now=desk.clock(),
        )
    assert look(desk.store, token, knowledge, now=desk.clock()) == shown


def test_it_goes_on_with_the_same_link_where_it_stopped(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    shown = give(desk, knowledge, token)
    desk.pass_time(hours=20)
    later = look(desk.store, token, knowledge, now=desk.clock())
    assert later == shown


def test_whoever_stops_is_in_the_list_and_may_go_on_after_all(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    give(desk, knowledge, token)
    stopped = stop(desk.store, token, knowledge, now=desk.clock())
    assert stopped.stored.state is InterviewState.FINISHED
    assert [each.id for each in clinic_interviews(desk.store, desk.account, now=desk.clock()).ready] == [
        stopped.stored.id
    ]
    on = go_on(desk.store, token, knowledge, now=desk.clock())
    assert on.stored.state is InterviewState.ANSWERING and on.step.question is not None
    assert clinic_interviews(desk.store, desk.account, now=desk.clock()).ready == []


def test_an_emergency_stops_it_and_rings_at_the_clinic_until_it_is_seen(desk: Desk, knowledge: Knowledge) -> None:
    calm = finish(desk, knowledge, begun(desk))
    token = begun(desk, said=Said(phone="13800001111", name="周大福"))
    shown = finish(desk, knowledge, token, complaint=HEART, age=68)
    assert shown.stored.state is InterviewState.EMERGENCY and shown.stored.level == "emergency"
    assert shown.step.care.first_aid
    assert [each.id for each in alarms(desk.store, desk.account)] == [shown.stored.id]
    ready = clinic_interviews(desk.store, desk.account, now=desk.clock()).ready
    assert [each.id for each in ready] == [shown.stored.id, calm.stored.id], "an emergency stands first"
    acknowledge(desk.store, desk.account, shown.stored.id)
    assert alarms(desk.store, desk.account) == []
    assert log(desk)[-1] == Action.ACKNOWLEDGE_INTERVIEW and Action.ALARM_INTERVIEW in log(desk)


def test_taking_an_answer_back_does_not_silence_an_alarm_that_nobody_saw(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    shown = finish(desk, knowledge, token, complaint=HEART, age=68)
    complaint = next(
        a.question.id for a in shown.stored.record.interview.answers if a.question.topic is Topic.COMPLAINT
    )
    milder = answer(
        desk.store,
        token,
        knowledge,
        at=shown.stored.revision,
        question_id=complaint,
        read=lambda question: give_answer(question, text="流鼻涕两天"),
        corrects=True,
        now=desk.clock(),
    )
    assert milder.step.question is not None and milder.stored.state is InterviewState.ANSWERING
    assert [each.id for each in alarms(desk.store, desk.account)] == [milder.stored.id]
    assert clinic_interviews(desk.store, desk.account, now=desk.clock()).ready[0].id == milder.stored.id


def test_an_account_that_treats_nobody_hears_no_alarm_and_sees_no_interview(desk: Desk, knowledge: Knowledge) -> None:
    shown = finish(desk, knowledge, begun(desk), complaint=HEART, age=68)
    manager = desk.colleague("manager", Role.MANAGER)
    assert alarms(desk.store, manager) == []
    for work in (
        lambda: clinic_interviews(desk.store, manager, now=desk.clock()),
        lambda: open_interview(desk.store, manager, shown.stored.id),
        lambda: acknowledge(desk.store, manager, shown.stored.id),
        lambda: invite(desk.store, manager, Way.LINK),
    ):
        with pytest.raises(NotAllowedError):
            work()


@pytest.mark.parametrize("registered", [True, False])
def test_what_is_said_of_who_it_is_tells_nothing_of_any_record(
    desk: Desk, knowledge: Knowledge, registered: bool
) -> None:
    if registered:
        desk.register("周大福", identifier=NUMBER, phone="13800001111")
    before = count(desk.store, schema.audit_entry)
    for said in (Said(number=NUMBER), Said(phone="13800001111", name="周大福")):
        token = begin(desk.store, Agreed(by=ConsentBy.SELF), now=desk.clock())
        say_who(desk.store, token, said, now=desk.clock())
        shown = look(desk.store, token, knowledge, now=desk.clock())
        assert shown.stored.person_id is None and shown.stored.state is InterviewState.ANSWERING
    assert count(desk.store, schema.audit_entry) - before == 4
    with desk.store.reading() as connection:
        lines = connection.execute(
            select(schema.audit_entry.c.person).order_by(schema.audit_entry.c.sequence)
        ).scalars()
        assert list(lines)[-4:] == [None] * 4, "nobody's record was touched"


def test_age_and_sex_that_stand_in_the_number_are_not_asked_again(desk: Desk, knowledge: Knowledge) -> None:
    shown = finish(desk, knowledge, begun(desk, said=Said(number=NUMBER)))
    interview = shown.stored.record.interview
    assert interview.age_years == 76 and interview.sex is not None
    assert not any(each.question.slot in (Slot.AGE_YEARS, Slot.SEX) for each in interview.answers)


@pytest.mark.parametrize(
    "said",
    [
        Said(number="123"),
        Said(number="110105194912310021"),
        Said(phone="1"),
        Said(phone="13800001111"),
        Said(name="周大福"),
    ],
)
def test_what_cannot_be_a_number_or_phone_is_refused_before_it_is_kept(desk: Desk, said: Said) -> None:
    token = begin(desk.store, Agreed(by=ConsentBy.SELF), now=desk.clock())
    with pytest.raises(UserError) as refused:
        say_who(desk.store, token, said, now=desk.clock())
    assert "123" not in str(refused.value) and refused.value.field in ("number", "phone", "name")


def test_a_childs_guardian_agrees_by_name(desk: Desk, knowledge: Knowledge) -> None:
    for missing in (Agreed(by=ConsentBy.GUARDIAN), Agreed(by=ConsentBy.GUARDIAN, name="王桂花")):
        with pytest.raises(UserError):
            begin(desk.store, missing, now=desk.clock())
    assert count(desk.store, schema.interview) == 0
    token = begun(desk, ConsentBy.GUARDIAN)
    record = look(desk.store, token, knowledge, now=desk.clock()).stored.record
    assert record.consent.name == "王桂花" and record.consent.relation == "mother"
    assert record.interview.informant is Informant.CHILD


def test_a_child_without_a_guardians_consent_is_asked_nothing_more(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    shown = look(desk.store, token, knowledge, now=desk.clock())
    while not needs_guardian(shown.stored):
        shown = give(desk, knowledge, token, shown, age=9)
    assert shown.stored.record.interview is not None
    waiting = look(desk.store, token, knowledge, now=desk.clock())
    assert waiting.step is None
    with pytest.raises(UserError, match="监护人"):
        agree(desk.store, token, Agreed(by=ConsentBy.SELF), now=desk.clock())
    agree(desk.store, token, Agreed(by=ConsentBy.GUARDIAN, name="王桂花", relation="mother"), now=desk.clock())
    on = look(desk.store, token, knowledge, now=desk.clock())
    assert on.step.question is not None and on.stored.record.interview.informant is Informant.CHILD


def test_where_no_guardian_agrees_everything_said_is_erased(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk, said=Said(phone="13800001111", name="周大福"))
    shown = look(desk.store, token, knowledge, now=desk.clock())
    while not needs_guardian(shown.stored):
        shown = give(desk, knowledge, token, shown, age=9)
    refuse_guardian(desk.store, token, now=desk.clock())
    with pytest.raises(LinkGoneError):
        look(desk.store, token, knowledge, now=desk.clock())
    with pytest.raises(UserError, match="没有内容"):
        open_interview(desk.store, desk.account, shown.stored.id)


@pytest.mark.parametrize(("answers", "kept"), [(1, UNFINISHED_KEPT), (60, READY_KEPT)])
def test_what_nobody_took_over_is_erased_when_its_time_is_over(
    desk: Desk, knowledge: Knowledge, answers: int, kept: timedelta
) -> None:
    token = begun(desk)
    shown = finish(desk, knowledge, token) if answers > 1 else give(desk, knowledge, token)
    desk.clock.at = desk.clock() + kept - timedelta(seconds=1)
    assert erase_old(desk.store, desk.clock()) == 0
    look(desk.store, token, knowledge, now=desk.clock())
    desk.pass_time(seconds=2)
    with pytest.raises(LinkGoneError):
        look(desk.store, token, knowledge, now=desk.clock())
    assert erase_old(desk.store, desk.clock()) == 1
    assert erase_old(desk.store, desk.clock()) == 0
    with desk.store.reading() as connection:
        left = interview_by_id(connection, desk.store.node.organisation, shown.stored.id)
    assert (left.state, left.record.interview, left.pickup_code) == (InterviewState.EXPIRED, None, "")
    with pytest.raises(UserError):
        open_interview(desk.store, desk.account, shown.stored.id)


def test_who_it_may_be_is_looked_for_when_the_doctor_opens_it(desk: Desk, knowledge: Knowledge) -> None:
    brother = desk.register("周大寿", phone="13800001111")
    person = desk.register("周大福", phone="13800001111")
    number = desk.register("李秀英", identifier=NUMBER)
    by_phone = finish(desk, knowledge, begun(desk, said=Said(phone="13800001111", name="周大福")))
    by_number = finish(desk, knowledge, begun(desk, said=Said(number=NUMBER)))
    anonymous = finish(desk, knowledge, begun(desk))

    def likely(shown: Shown) -> list[str]:
        return [each.id for each in open_interview(desk.store, desk.account, shown.stored.id).likely]

    assert likely(by_phone) == [person.id, brother.id]
    assert likely(by_number) == [number.id]
    assert likely(anonymous) == []


def test_the_draft_holds_every_sentence_once_with_where_it_comes_from(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    shown = finish(desk, knowledge, begun(desk))
    first = {"kind": ["outpatient"], "occurred_on": ["2026-03-02"], "occurred_time": ["08:30"]}
    draft_id = hand_over(desk.store, desk.account, shown.stored.id, person.id, knowledge, form=first)
    draft = open_draft(desk.store, desk.account, draft_id).draft
    assert draft.person_id == person.id and "咳嗽" in draft.form["chief_complaint"][0]
    said = said_in(draft.form)
    assert said and all(each.text in draft.form[each.field][0] and each.source for each in said)
    again = hand_over(desk.store, desk.account, shown.stored.id, person.id, knowledge, form=first)
    assert again == draft_id
    assert open_draft(desk.store, desk.account, draft_id).draft.form == draft.form
    stored = open_interview(desk.store, desk.account, shown.stored.id).stored
    assert stored.state is InterviewState.TAKEN_OVER
    assert (stored.person_id, stored.draft_id) == (person.id, draft_id)
    for action in (Action.CONFIRM_INTERVIEW, Action.TAKE_OVER_INTERVIEW):
        assert action in log(desk)


def test_the_draft_knows_the_gravest_level_that_the_answers_gave(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    for complaint, level in ((HEART, "emergency"), ("流清鼻涕两天", "emergency")):
        shown = finish(desk, knowledge, begun(desk), complaint=complaint)
        draft_id = hand_over(desk.store, desk.account, shown.stored.id, person.id, knowledge, form={})
        before = level_before(open_draft(desk.store, desk.account, draft_id).draft.form)
        assert before.level == level and before.reasons


@pytest.mark.parametrize("kept", ["", "{", '{"level": "soon", "reasons": []}'])
def test_a_level_that_is_none_is_no_level(kept: str) -> None:
    assert level_before({"villager_level": [kept]}) is None
    assert level_before({}) is None


def test_what_the_doctor_wrote_before_stays_in_front(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    begin_draft(desk.store, desk.account, person.id, {"past_history": ["高血压十年"], "chief_complaint": ["发热"]})
    shown = finish(desk, knowledge, begun(desk))
    draft_id = hand_over(desk.store, desk.account, shown.stored.id, person.id, knowledge, form={})
    form = open_draft(desk.store, desk.account, draft_id).draft.form
    assert form["past_history"][0].startswith("高血压十年")
    assert form["chief_complaint"][0].startswith("发热") and "咳嗽" in form["chief_complaint"][0]


def test_after_it_was_taken_over_the_villager_changes_nothing_more(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    token = begun(desk)
    shown = finish(desk, knowledge, token)
    hand_over(desk.store, desk.account, shown.stored.id, person.id, knowledge, form={})
    before = rows(desk.store, schema.interview)
    given = shown.stored.record.interview.answers[0]
    late = answer(
        desk.store,
        token,
        knowledge,
        at=shown.stored.revision,
        question_id=given.question.id,
        read=lambda question: give_answer(question, unknown=True),
        corrects=True,
        now=desk.clock(),
    )
    assert late.step is None and rows(desk.store, schema.interview) == before
    desk.clock.at = desk.clock() + TAKEN_OVER_KEPT
    assert erase_old(desk.store, desk.clock()) == 1


def test_a_confirmed_person_waits_in_the_queue_with_the_complaint(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    shown = finish(desk, knowledge, begun(desk), complaint=HEART, age=68)
    queue_confirmed(desk.store, desk.account, shown.stored.id, person.id, knowledge, now=desk.clock())
    [waiting] = open_today(desk.store, desk.account, desk.clock()).queue
    assert waiting.person.id == person.id and "胸口" in waiting.waiting.reason
    assert alarms(desk.store, desk.account) == [], "whoever confirmed the person has seen the emergency"
    assert open_interview(desk.store, desk.account, shown.stored.id).likely == [person]


def test_the_encounter_of_somebody_from_the_queue_takes_the_answers_along(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    shown = finish(desk, knowledge, begun(desk))
    draft = begin_draft(desk.store, desk.account, person.id, {})
    assert take_along(desk.store, desk.account, draft, knowledge) == draft, "nobody has confirmed whose it is"
    queue_confirmed(desk.store, desk.account, shown.stored.id, person.id, knowledge, now=desk.clock())
    taken = take_along(desk.store, desk.account, draft, knowledge)
    assert "咳嗽" in taken.form["chief_complaint"][0] and said_in(taken.form)
    assert take_along(desk.store, desk.account, taken, knowledge) == taken
    stored = open_interview(desk.store, desk.account, shown.stored.id).stored
    assert (stored.state, stored.draft_id) == (InterviewState.TAKEN_OVER, draft.id)


def test_an_age_or_sex_that_does_not_fit_the_record_is_told(desk: Desk, knowledge: Knowledge) -> None:
    old = desk.register("周大福", birth_on="1960-05-05", sex="male")
    young = desk.register("周小福", birth_on="1980-05-05", sex="female")
    stored = finish(desk, knowledge, begun(desk), age=45).stored
    said = sex_of(stored.record.interview)
    assert doubts(stored, old, desk.today).age == (45, 65)
    assert doubts(stored, young, desk.today).age is None
    assert (doubts(stored, young, desk.today).sex is not None) == (said != young.sex)
    assert (doubts(stored, old, desk.today).sex is not None) == (said != old.sex)
    assert doubts(stored, msgspec.structs.replace(old, birth_on=None, sex=None), desk.today) == Doubts(None, None)


def test_what_was_not_asked_is_told_beside_the_sentences(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    token = begun(desk)
    shown = look(desk.store, token, knowledge, now=desk.clock())
    while shown.step.question.topic is not Topic.COMPLAINT:
        shown = give(desk, knowledge, token, shown)
    give(desk, knowledge, token, shown, complaint="胸口痛一天")
    shown = stop(desk.store, token, knowledge, now=desk.clock())
    draft_id = hand_over(desk.store, desk.account, shown.stored.id, person.id, knowledge, form={})
    form = open_draft(desk.store, desk.account, draft_id).draft.form
    assert {gap.kind for gap in gaps_in(form)} == {"danger", "background"}


def test_a_slip_says_for_whom_it_is_and_the_doctor_still_confirms(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("周大福")
    token, made = invite(desk.store, desk.account, Way.SLIP, person_id=person.id)
    agree(desk.store, token, Agreed(by=ConsentBy.SELF), now=desk.clock())
    shown = finish(desk, knowledge, token)
    assert shown.stored.person_id is None
    assert open_interview(desk.store, desk.account, made.id).likely == [person]


def test_it_is_thrown_away_for_a_reason_and_its_words_are_gone(desk: Desk, knowledge: Knowledge) -> None:
    token = begun(desk)
    shown = finish(desk, knowledge, token)
    with pytest.raises(UserError, match="为什么"):
        discard_interview(desk.store, desk.account, shown.stored.id, " ")
    discard_interview(desk.store, desk.account, shown.stored.id, "小孩乱点的")
    assert clinic_interviews(desk.store, desk.account, now=desk.clock()).ready == []
    with pytest.raises(LinkGoneError):
        look(desk.store, token, knowledge, now=desk.clock())


def test_pickup_codes_are_tried_a_few_times_only(desk: Desk, knowledge: Knowledge) -> None:
    shown = finish(desk, knowledge, begun(desk))
    limits = Limits(desk.clock)
    for _ in range(WRONG_CODE_OF_ACCOUNT.most):
        with pytest.raises(UserError, match="没有这个取号码"):
            pick_up(desk.store, desk.account, "1111", limits)
    with pytest.raises(TooOftenError):
        pick_up(desk.store, desk.account, shown.stored.pickup_code, limits)
    desk.clock.at = desk.clock() + WRONG_CODE_OF_ACCOUNT.within + timedelta(seconds=1)
    assert pick_up(desk.store, desk.account, shown.stored.pickup_code, limits) == shown.stored.id


def test_a_limit_forgets_and_a_clock_set_back_keeps_nobody_out(desk: Desk) -> None:
    limits, limit = Limits(desk.clock), Limit(2, timedelta(minutes=1))
    for _ in range(2):
        limits.expect(limit, "a")
        limits.count(limit, "a")
    with pytest.raises(TooOftenError):
        limits.expect(limit, "a")
    limits.expect(limit, "b")
    desk.clock.at = desk.clock() - timedelta(days=1)
    limits.expect(limit, "a")


@pytest.fixture
def denying(desk: Desk, knowledge: Knowledge):
    """A resident with diseases and a drug on the record who tapped 没点的都没有: the person and the draft of the interview."""
    person = desk.register("周大福")
    listed = [(ListKind.PROBLEM, "高血压病"), (ListKind.PROBLEM, "2型糖尿病"), (ListKind.MEDICATION, "氨氯地平")]
    for kind, name in [*listed, (ListKind.ALLERGY, "青霉素")]:
        add_to_list(
            desk.store,
            desk.account,
            person.id,
            kind,
            name=name,
            detail="5mg 每日1次" * (name == "氨氯地平"),
            today=desk.today,
        )
    shown = finish(desk, knowledge, begun(desk), age=66)
    form = {"occurred_on": [desk.today.isoformat()], "occurred_time": ["08:00"]}
    draft = hand_over(desk.store, desk.account, shown.stored.id, person.id, knowledge, form=form)
    return person, open_draft(desk.store, desk.account, draft).draft.form


def slip_of(desk: Desk, knowledge: Knowledge, person, form) -> FilledSlip:
    written = read_encounter(
        form,
        read_form(form, knowledge),
        knowledge,
        zone=desk.clock(),
        by="李建国",
        proposed_level="",
        proposed_diseases=[],
        overrides=[],
    )
    # What is signed is read back as it was written.
    written = msgspec.json.decode(canonical(written), type=Encounter)
    assert unchecked_in({**form, **fields_of(written)}) == (written.unchecked or ())
    record = open_record(desk.store, desk.account, person.id, today=desk.today)
    ground, up = SlipGround(encounter=written), ReferralDirection.UP
    return fill_slip(desk.store, desk.account, record, ground, knowledge, direction=up, now=desk.clock())


def test_what_nobody_checked_is_no_fact_on_a_referral_slip(desk: Desk, knowledge: Knowledge, denying) -> None:
    person, form = denying
    assert "否认" in form["past_history"][0] and "高血压病史" in form["past_history"][0]
    filled = slip_of(desk, knowledge, person, form)
    slip = filled.slip
    assert "否认" not in slip.past_history + slip.history and "高血压病、2型糖尿病" in slip.past_history
    assert slip.current_drugs == ("氨氯地平 5mg 每日1次",) and slip.home.drugs == ()
    assert slip.complaint.endswith("（自述，未核对）") and "（自述，未核对）" in slip.history
    against = {name for each in filled.left_out for name in each.against}
    assert against == {"高血压病", "2型糖尿病", "氨氯地平", "青霉素"}


def test_a_checked_denial_goes_along_unless_the_record_says_otherwise(
    desk: Desk, knowledge: Knowledge, denying
) -> None:
    person, form = denying
    checked = {**form, CHECKED: [",".join(str(number) for number in range(len(said_in(form))))]}
    filled = slip_of(desk, knowledge, person, checked)
    assert "自述" not in filled.slip.complaint + filled.slip.history and "否认" in filled.slip.history
    assert "高血压病史" not in filled.slip.past_history and "降压药" not in filled.slip.past_history
    assert filled.left_out and all(each.against for each in filled.left_out)


def test_the_draft_shows_what_of_the_record_was_denied(desk: Desk, knowledge: Knowledge, denying) -> None:
    person, form = denying
    background = background_of(desk.store, desk.account, person, knowledge, desk.clock())
    view = villager_view(form, background.on_record, knowledge)
    assert view is not None and set(view.against) == {"高血压病", "2型糖尿病", "氨氯地平", "青霉素"}
    rewritten = {**form, "past_history": ["高血压10年"]}
    view = villager_view(rewritten, background.on_record, knowledge)
    assert view is not None and view.against == []


def test_who_answered_almost_nothing_is_shown_with_what_was_tapped_and_not_behind_who_is_well(
    desk: Desk, knowledge: Knowledge
) -> None:
    told = [("tapped", {"text": "不想说"}, True), ("nothing", {"text": "不想说"}, False)]
    shown = {}
    for name, said, taps in told:
        token = begun(desk)
        for _ in range(4):
            step = look(desk.store, token, knowledge, now=desk.clock()).step
            if step is None or step.question is None or step.question.id == "menu":
                break
            give(desk, knowledge, token, complaint=said["text"])
        if taps:
            menu = look(desk.store, token, knowledge, now=desk.clock())
            answer(
                desk.store,
                token,
                knowledge,
                at=menu.stored.revision,
                question_id="menu",
                read=lambda question: give_answer(question, chosen=("belly",)),
                now=desk.clock(),
            )
        shown[name] = stop(desk.store, token, knowledge, now=desk.clock()).stored
    assert complaint_in_words(shown["tapped"]) == "不想说；肚子痛"
    assert complaint_in_words(shown["nothing"]) == "不想说"
    assert shown["nothing"].level == "self_care" and shown["nothing"].record.provisional
