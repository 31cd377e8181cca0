"""A consultation between a clinic and its hub: asked, answered, read, taken up; pictures; escalation; who may do what."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from node_for_tests import PASSWORD, Clock
from two_nodes import CLINIC, COUNTY, TOWNSHIP, two_nodes

from cunyi.domain.account import Role
from cunyi.domain.consultation import ConsultationAsked, ConsultationStep, ConsultationWritten
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.journeys.attaching import forget_picture, keep_picture, without_remarks
from cunyi.journeys.consulting_experts import (
    answer_times,
    ask,
    consultations_here,
    facilities_to_ask,
    open_consultation,
    picture_bytes,
    write_step,
)
from cunyi.journeys.escalating import escalate_overdue
from cunyi.journeys.ringing import Why, ringing
from cunyi.journeys.watching_threads import ThreadWatch
from cunyi.store.attachments import attachments_of_thread
from cunyi.store.notes import notes_of

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
THREAD = "018f0000-0000-7000-8000-00000000c001"
REMARK = b"\xff\xe1" + (2 + 20).to_bytes(2, "big") + b"Exif\0\0GPS 26.1,115.9"
JPEG = (
    b"\xff\xd8"
    + b"\xff\xe0\x00\x04JF"
    + REMARK
    + b"\xff\xdb\x00\x05abc"
    + b"\xff\xda\x00\x04xy"
    + b"data"
    + b"\xff\xd9"
)


@pytest.fixture
def both(tmp_path):
    with two_nodes(tmp_path, Clock(MORNING)) as made:
        yield made


@pytest.fixture
def rules(mini):
    return mini.content.answering


@pytest.fixture
def person(both):
    return both.clinic.register("周大福")


def asked(both, person, rules, *, urgency="now", pictures=(), thread=THREAD, to=TOWNSHIP):
    question = ConsultationAsked(
        to_facility=to, urgency=urgency, case="男，65岁，胸痛2小时。", question="要不要马上转？"
    )
    return ask(both.clinic.store, both.clinic.account, person.id, thread, question, pictures=pictures, rules=rules)


def bells(both, at_hub=None):
    store, account = (both.hub.store, at_hub) if at_hub else (both.clinic.store, both.clinic.account)
    return [(each.why, each.loud) for each in ringing(store, account, both.clock())]


def step(both, account, what, thread=THREAD, **words):
    store = both.clinic.store if account is both.clinic.account else both.hub.store
    return write_step(store, account, thread, what, ConsultationWritten(**words))


def test_from_the_question_to_the_end(both, person, rules):
    asked(both, person, rules)
    assert bells(both) == []
    both.sync()
    assert bells(both, both.township_doctor) == [(Why.ASKED, True)]
    assert bells(both, both.county_doctor) == []

    both.pass_minutes(4)
    step(both, both.township_doctor, ConsultationStep.SEE)
    assert bells(both, both.township_doctor) == []
    both.pass_minutes(5)
    step(
        both, both.township_doctor, ConsultationStep.ANSWER, diagnosis="急性冠脉综合征？", plan="立即转诊", refer="now"
    )
    assert bells(both) == [], "the clinic has not heard of it"
    both.sync()
    assert bells(both) == [(Why.ANSWERED, True)]

    shown = open_consultation(both.clinic.store, both.clinic.account, THREAD)
    assert [note.kind for note in shown.notes] == ["ask", "see", "answer", "read"]
    assert shown.details.minutes == 9 and shown.details.in_time and bells(both) == []
    step(both, both.clinic.account, ConsultationStep.TAKE_UP, taken=True)
    thread = step(both, both.clinic.account, ConsultationStep.CLOSE)
    assert thread.closed
    both.sync()
    shown = open_consultation(both.hub.store, both.township_doctor, THREAD)
    assert shown.thread.closed and shown.details.taken and shown.steps == ()
    (times,) = answer_times(both.hub.store, both.township_doctor, MORNING - timedelta(days=1), both.clock())
    assert (times.facility, times.answered, times.middle_minutes, times.in_time) == (TOWNSHIP, 1, 9, 1.0)


def test_a_routine_question_is_listed_and_not_heard(both, person, rules):
    asked(both, person, rules, urgency="routine")
    both.sync()
    assert bells(both, both.township_doctor) == []
    assert [thread.id for thread in consultations_here(both.hub.store, both.township_doctor, both.clock())] == [THREAD]
    step(both, both.township_doctor, ConsultationStep.ANSWER, plan="观察")
    both.sync()
    assert bells(both) == [(Why.ANSWERED, False)], "told on every page, but not heard"


def test_a_nurse_reads_an_answer_and_the_doctor_is_told_all_the_same(both, person, rules):
    asked(both, person, rules)
    both.sync()
    step(both, both.township_doctor, ConsultationStep.ANSWER, plan="转诊")
    both.sync()
    nurse = both.clinic.seat.add_account(
        "system", login="chen", name="陈护士", role=Role.NURSE, password=PASSWORD, areas=("360731101201",)
    )
    shown = open_consultation(both.clinic.store, nurse, THREAD)
    assert shown.steps == () and bells(both) == [(Why.ANSWERED, True)]
    with pytest.raises(NotAllowedError):
        write_step(both.clinic.store, nurse, THREAD, ConsultationStep.TAKE_UP, ConsultationWritten(taken=True))


def test_a_question_back_rings_at_the_clinic_and_the_reply_at_the_hub(both, person, rules):
    asked(both, person, rules)
    both.sync()
    step(both, both.township_doctor, ConsultationStep.ASK_BACK, words="心电图有吗？")
    both.sync()
    assert bells(both) == [(Why.ASKED_BACK, True)]
    open_consultation(both.clinic.store, both.clinic.account, THREAD)
    step(both, both.clinic.account, ConsultationStep.REPLY, words="没有")
    both.sync()
    assert bells(both, both.township_doctor) == [(Why.ASKED, True)]


def test_nobody_answers_and_the_county_is_told_once(both, person, rules):
    asked(both, person, rules)
    both.sync()
    both.pass_minutes(rules.urgency("now").see_minutes - 1)
    assert escalate_overdue(both.hub.store, both.clock(), None) == 0
    both.pass_minutes(2)
    # Shown from the times alone, whether or not the program has written it down yet.
    assert bells(both) == [(Why.NOBODY_ANSWERS, False)]
    assert [ring.phone for ring in ringing(both.clinic.store, both.clinic.account, both.clock())] == ["0797-0000001"]
    assert escalate_overdue(both.hub.store, both.clock(), None) == 1
    assert escalate_overdue(both.hub.store, both.clock(), None) == 0
    assert bells(both, both.county_doctor) == [(Why.ASKED, True)] == bells(both, both.township_doctor)
    with both.hub.store.reading() as connection:
        last = notes_of(connection, "360731", THREAD)[-1].note
    assert (last.kind, last.author.account, last.signed_at) == ("escalate", "system", both.clock())
    both.pass_minutes(60)
    assert escalate_overdue(both.hub.store, both.clock(), None) == 0, "there is nobody above the county"
    step(both, both.county_doctor, ConsultationStep.ANSWER, plan="转来")
    both.sync()
    shown = open_consultation(both.clinic.store, both.clinic.account, THREAD)
    assert shown.details.answered_from == COUNTY and shown.details.in_time is False


def test_forwarded_to_the_county(both, person, rules):
    asked(both, person, rules, urgency="soon")
    both.sync()
    with pytest.raises(UserError, match="转给哪个机构"):
        step(both, both.township_doctor, ConsultationStep.FORWARD, to_facility=TOWNSHIP)
    step(both, both.township_doctor, ConsultationStep.FORWARD, to_facility=COUNTY, words="请心内科看")
    assert bells(both, both.county_doctor) == [(Why.ASKED, True)]


def test_two_people_act_at_once_and_both_are_seen(both, person, rules):
    asked(both, person, rules)
    both.sync()
    step(both, both.clinic.account, ConsultationStep.CLOSE, words="病人已自行去医院")
    step(both, both.township_doctor, ConsultationStep.ANSWER, plan="立即转诊")
    both.sync()
    ours = open_consultation(both.hub.store, both.township_doctor, THREAD)
    assert ours.thread.closed or ours.thread.state == "answered"
    assert {note.kind for note in ours.notes} >= {"close", "answer"}
    assert bells(both) == [(Why.ANSWERED, True)], "the answer is not overlooked, whichever came first"
    theirs = open_consultation(both.clinic.store, both.clinic.account, THREAD)
    both.sync()
    assert open_consultation(both.hub.store, both.township_doctor, THREAD).thread == theirs.thread


def test_what_is_missing_is_told_by_field(both, person, rules):
    with pytest.raises(InvalidFormError) as refused:
        ask(both.clinic.store, both.clinic.account, person.id, THREAD, ConsultationAsked(), rules=rules)
    assert set(refused.value.by_field()) == {"to_facility", "urgency", "case", "question"}
    asked(both, person, rules)
    asked(both, person, rules)
    with both.clinic.store.reading() as connection:
        assert len(notes_of(connection, "360731", THREAD)) == 1, "sent twice is one question"
    with pytest.raises(UserError, match="不用做了"):
        step(both, both.clinic.account, ConsultationStep.TAKE_UP, taken=True)
    both.sync()
    step(both, both.township_doctor, ConsultationStep.ANSWER, plan="转诊")
    both.sync()
    with pytest.raises(UserError, match="为什么不采纳"):
        step(both, both.clinic.account, ConsultationStep.TAKE_UP, taken=False)


def test_somebody_of_elsewhere_may_not_open_it(both, person, rules):
    asked(both, person, rules)
    both.sync()
    with both.hub.store.reading():
        stranger = both.hub.add_account(
            "system", login="wu", name="吴", role=Role.TOWNSHIP_DOCTOR, password=PASSWORD, areas=("360731109",)
        )

    stranger = msgspec.structs.replace(stranger, facility="T0009", areas=("360731109",))
    assert ringing(both.hub.store, stranger, both.clock()) == []
    with pytest.raises(NotAllowedError):
        open_consultation(both.hub.store, stranger, THREAD)


def test_pictures_go_along_without_what_the_camera_wrote(both, person, rules):
    store, me = both.clinic.store, both.clinic.account
    first = keep_picture(store, me, person.id, THREAD, JPEG)
    second = keep_picture(store, me, person.id, THREAD, JPEG)
    forget_picture(store, me, second.id)
    asked(both, person, rules, pictures=[first.id])
    with pytest.raises(UserError, match="已经发出"):
        forget_picture(store, me, first.id)
    both.sync()
    media_type, data = picture_bytes(both.hub.store, both.township_doctor, first.id)
    assert media_type == "image/jpeg" and b"GPS" not in data and data.endswith(b"data\xff\xd9")
    shown = open_consultation(both.hub.store, both.township_doctor, THREAD)
    assert shown.notes[0].content["pictures"][0]["hash"] == first.hash.hex() and shown.pictures[first.id].is_whole


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n\0\0\0\x05IHDRabc",
        JPEG[:12],
        b"\xff\xd8\xff\xe0\x00\x00",
        b"\xff\xd8" + b"\xff\xdb\xff\xff",
    ],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(UserError):
        without_remarks(data)


def test_pictures_of_a_form_that_was_never_sent_are_forgotten(both, person):
    store, me = both.clinic.store, both.clinic.account
    keep_picture(store, me, person.id, THREAD, JPEG)
    both.clock.at += timedelta(days=4)
    keep_picture(store, me, person.id, THREAD.replace("c001", "c002"), JPEG)
    with store.reading() as connection:
        assert attachments_of_thread(connection, "360731", THREAD) == []


def test_the_nearer_facility_is_offered_first_and_ones_own_never(both):
    assert [each.code for each in facilities_to_ask(both.clinic.store, both.clinic.account)] == [TOWNSHIP, COUNTY]
    assert [each.code for each in facilities_to_ask(both.hub.store, both.township_doctor)] == [COUNTY]
    assert both.clinic.store.node.facility == CLINIC


def test_the_hub_passes_on_what_is_late_while_no_page_is_open(both, person, rules):
    asked(both, person, rules)
    both.sync()
    both.pass_minutes(rules.urgency("now").see_minutes)
    first, second = (ThreadWatch(both.hub, None, every_s=0.05) for _ in range(2))
    first.start()
    second.start()
    deadline = time.monotonic() + 20
    while not bells(both, both.county_doctor) and time.monotonic() < deadline:
        time.sleep(0.02)
    first.stop()
    second.stop()
    with both.hub.store.reading() as connection:
        kinds = [kept.note.kind for kept in notes_of(connection, "360731", THREAD)]
    assert kinds == ["ask", "escalate"], "once, however many look"
