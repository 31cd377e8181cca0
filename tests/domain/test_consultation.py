"""Consultations and critical values made from their notes: any sequence folds, order does not matter, what is closed stays so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.domain.consultation import (
    ConsultationState,
    ConsultationStep,
    consultation_details,
    open_steps,
)
from cunyi.domain.critical_value import CriticalState, CriticalStep, critical_details, open_critical_steps
from cunyi.domain.encounter import PersonAsSigned, Signer, canonical
from cunyi.domain.folding import fold
from cunyi.domain.thread import Note, ThreadKind

BEGUN = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
CLINIC, TOWNSHIP, COUNTY = "C1", "T1", "X1"
ASKED = {
    "to_facility": TOWNSHIP,
    "to_name": "云上镇卫生院",
    "urgency": "now",
    "urgency_level": 2,
    "question": "要不要转？",
    "limits": {"see": 10, "answer": 30, "take_up": 60, "close": 600, "rings": True},
}
FOUND = {
    "item": "血钾",
    "value": "6.8",
    "to_facility": CLINIC,
    "facilities": {CLINIC: "卫生室"},
    "limits": {"acknowledge": 10, "act": 30, "close": 600},
}


def note(number, step, after=(), content=None, *, facility=CLINIC, kind=ThreadKind.CONSULTATION, minutes=None):
    """A note of a thread; its author is of the facility."""
    return Note(
        format=1,
        id=f"n{number:03d}",
        organisation="360731",
        thread="t1",
        thread_kind=kind,
        kind=step,
        after=tuple(f"n{each:03d}" for each in after),
        facility=facility,
        facility_name=facility,
        node=facility,
        person=PersonAsSigned(id="p1", name="周大福", sex="male", birth_on=None, archive_code=None),
        village_code="360731101201",
        author=Signer(account="a", name=f"{facility}的医生", role="village_doctor"),
        signed_at=BEGUN + timedelta(minutes=number if minutes is None else minutes),
        clock_doubtful=False,
        content=content or {},
    )


def line(*steps, kind=ThreadKind.CONSULTATION):
    """Notes that follow each other: (step, content, facility, minute)."""
    return [
        note(number, step, (number - 1,) if number else (), content, facility=facility, kind=kind, minutes=minutes)
        for number, (step, content, facility, minutes) in enumerate(steps)
    ]


def asked(*steps):
    return fold(line((ConsultationStep.ASK, ASKED, CLINIC, 0), *steps))


def test_a_question_waits_for_the_facility_that_it_is_addressed_to():
    thread = asked()
    assert (thread.state, thread.to_facility, thread.urgency) == (ConsultationState.ASKED, TOWNSHIP, 2)
    assert thread.due_at == BEGUN + timedelta(minutes=10)
    assert ConsultationStep.ANSWER in open_steps(thread, TOWNSHIP)
    assert open_steps(thread, CLINIC) == (ConsultationStep.REPLY, ConsultationStep.CLOSE)
    assert open_steps(thread, COUNTY) == ()


def test_an_answer_is_unread_until_the_asker_opened_it():
    answered = [
        (ConsultationStep.SEE, {}, TOWNSHIP, 4),
        (ConsultationStep.ANSWER, {"diagnosis": "心绞痛", "plan": "转诊"}, TOWNSHIP, 12),
    ]
    thread = asked(*answered)
    details = consultation_details(thread)
    assert thread.state == ConsultationState.ANSWERED and details.unread == ("n002",)
    assert (details.minutes, details.in_time, details.answered_from) == (12, True, TOWNSHIP)
    read = asked(*answered, (ConsultationStep.READ, {"notes": ["n002"]}, CLINIC, 20))
    assert consultation_details(read).unread == () and read.state == ConsultationState.ANSWERED


def test_a_question_back_waits_for_the_asker_and_the_reply_for_the_expert():
    back = [(ConsultationStep.ASK_BACK, {"words": "血压多少？"}, TOWNSHIP, 5)]
    assert ConsultationStep.REPLY in open_steps(asked(*back), CLINIC)
    again = asked(*back, (ConsultationStep.REPLY, {"words": "90/60"}, CLINIC, 9))
    assert again.state == ConsultationState.ASKED and again.due_at == BEGUN + timedelta(minutes=19)


def test_forwarded_to_the_county_the_township_may_still_answer():
    thread = asked((ConsultationStep.FORWARD, {"to_facility": COUNTY, "to_name": "县医院"}, TOWNSHIP, 5))
    assert thread.to_facility == COUNTY and set(consultation_details(thread).facilities) == {TOWNSHIP, COUNTY}
    assert open_steps(thread, TOWNSHIP) and open_steps(thread, COUNTY)


def test_passed_on_by_the_program_the_time_runs_anew():
    thread = asked((ConsultationStep.ESCALATE, {"to_facility": COUNTY, "to_name": "县医院"}, TOWNSHIP, 11))
    assert thread.due_at == BEGUN + timedelta(minutes=21) and consultation_details(thread).escalations == 1


def test_two_answers_at_once_are_both_unread():
    notes = [
        note(0, ConsultationStep.ASK, content=ASKED),
        note(1, ConsultationStep.ANSWER, (0,), {"diagnosis": "甲"}, facility=TOWNSHIP),
        note(2, ConsultationStep.ANSWER, (0,), {"diagnosis": "乙"}, facility=COUNTY),
    ]
    assert consultation_details(fold(notes)).unread == ("n001", "n002")


def test_an_answer_after_the_end_does_not_open_it_again_but_counts():
    thread = asked((ConsultationStep.CLOSE, {}, CLINIC, 3), (ConsultationStep.ANSWER, {}, TOWNSHIP, 4))
    details = consultation_details(thread)
    assert thread.closed and details.after_end == 1 and details.unread == ("n002",)


def critical(*steps):
    return fold(line((CriticalStep.NOTIFY, FOUND, CLINIC, 0), *steps, kind=ThreadKind.CRITICAL_VALUE))


def test_a_critical_value_is_acknowledged_acted_on_and_closed():
    thread = critical()
    assert thread.state == CriticalState.NOTIFIED and thread.due_at == BEGUN + timedelta(minutes=10)
    assert open_critical_steps(thread, CLINIC) == (CriticalStep.ACKNOWLEDGE,)
    assert open_critical_steps(thread, TOWNSHIP) == ()
    steps = [
        (CriticalStep.ACKNOWLEDGE, {}, CLINIC, 3),
        (CriticalStep.ACT, {"act": "refer", "act_name": "转诊"}, CLINIC, 7),
        (CriticalStep.CLOSE, {"words": "已到医院"}, CLINIC, 90),
    ]
    details = critical_details(critical(*steps))
    assert (details.acknowledge_minutes, details.acts) == (3, ("转诊",))
    assert critical(*steps).closed and open_critical_steps(critical(*steps), CLINIC) == ()


def test_whoever_a_critical_value_was_passed_on_to_may_acknowledge_it():
    thread = critical((CriticalStep.ESCALATE, {"to_facility": TOWNSHIP, "to_name": "卫生院"}, CLINIC, 11))
    assert thread.to_facility == TOWNSHIP and thread.due_at == BEGUN + timedelta(minutes=21)
    assert open_critical_steps(thread, TOWNSHIP) == open_critical_steps(thread, CLINIC) == (CriticalStep.ACKNOWLEDGE,)


STEPS = {
    ThreadKind.CONSULTATION: [*ConsultationStep, "what another version writes"],
    ThreadKind.CRITICAL_VALUE: [*CriticalStep, "what another version writes"],
}
WORDS = st.one_of(
    st.none(), st.integers(-5, 10**12), st.booleans(), st.text(max_size=4), st.lists(st.integers(), max_size=2)
)
CONTENTS = st.one_of(
    st.just(ASKED),
    st.just(FOUND),
    st.dictionaries(
        st.sampled_from(
            ["to_facility", "to_name", "limits", "words", "notes", "urgency_level", "facilities", "question"]
        ),
        st.one_of(WORDS, st.just({"see": 10**12, "acknowledge": 10**12})),
        max_size=3,
    ),
    st.builds(lambda code: {"to_facility": code, "to_name": code}, st.sampled_from([TOWNSHIP, COUNTY])),
)


@st.composite
def threads(draw):
    """Notes of one thread by several people at once, with whatever content."""
    kind = draw(st.sampled_from(sorted(STEPS)))
    notes = []
    for number in range(draw(st.integers(1, 9))):
        after = draw(st.lists(st.integers(0, number - 1), max_size=2, unique=True)) if number else []
        step = draw(st.sampled_from(STEPS[kind]))
        facility = draw(st.sampled_from([CLINIC, TOWNSHIP, COUNTY]))
        notes.append(note(number, step, after, draw(CONTENTS), facility=facility, kind=kind))
    return notes


@settings(max_examples=60, deadline=None)
@given(notes=threads(), random=st.randoms(use_true_random=False))
def test_any_notes_fold_to_the_same_whatever_the_order_of_their_arrival(notes, random):
    thread = fold(notes)
    mixed = notes[:]
    random.shuffle(mixed)
    assert fold(mixed) == thread
    # It can be kept and read again.
    assert canonical(msgspec.json.decode(canonical(thread.details))) == canonical(thread.details)
    details = (consultation_details if thread.kind is ThreadKind.CONSULTATION else critical_details)(thread)
    assert details.facilities is not None


@settings(max_examples=40, deadline=None)
@given(notes=threads(), step=st.sampled_from([*ConsultationStep, *CriticalStep]))
def test_what_is_closed_stays_closed(notes, step):
    kind = notes[0].thread_kind
    end = note(50, "close", [each for each in range(len(notes))], kind=kind)
    later = note(51, step, (50,), {"to_facility": COUNTY, "to_name": COUNTY}, kind=kind, facility=COUNTY)
    assert fold([*notes, end]).closed and fold([*notes, end, later]).closed
