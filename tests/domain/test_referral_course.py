"""The course of a referral: every way through it, what two people do at once, and that no order of arrival matters."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.domain.encounter import PersonAsSigned, Signer
from cunyi.domain.folding import fold
from cunyi.domain.referral import (
    Party,
    ReferralContent,
    ReferralDirection,
    ReferralPlace,
    ReferralSlip,
    ReferralStep,
    ReferralUrgency,
)
from cunyi.domain.referral_course import follow, steps_open_to
from cunyi.domain.thread import Note, ThreadKind, heads, in_order

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CLINIC, TOWNSHIP, COUNTY = "V1", "T1", "C1"
PLACE = ReferralPlace(facility=TOWNSHIP, name="乡卫生院")
OTHER = ReferralPlace(facility=COUNTY, name="县医院")
SLIP = ReferralSlip(direction=ReferralDirection.UP, urgency=ReferralUrgency.SOON, place=PLACE, reason="血压连续不达标")


class Writer:
    """Writes the notes of one thread."""

    def __init__(self, slip=SLIP, facility=CLINIC):
        self.notes = []
        self.write("request", facility, slip=slip)

    def write(self, kind, facility, *, after=None, number=None, **content):
        known = self.notes if after is None else after
        note = Note(
            format=1,
            id=f"n{len(self.notes) if number is None else number:03}",
            organisation="360731",
            thread="t",
            thread_kind=ThreadKind.REFERRAL,
            kind=str(kind),
            after=heads(known) if known else (),
            facility=facility,
            facility_name=facility,
            node=facility,
            person=PersonAsSigned(id="p", name="周大福", sex="male", birth_on=None, archive_code=None),
            village_code="360731101201",
            author=Signer(account="a", name="李建国", role="village_doctor"),
            signed_at=NOON + timedelta(minutes=len(self.notes)),
            clock_doubtful=False,
            content=msgspec.to_builtins(ReferralContent(**content)),
        )
        self.notes.append(note)
        return note

    @property
    def referral(self):
        return follow(in_order(self.notes))


def test_the_whole_way_up_and_back():
    thread = Writer()
    states = [thread.referral.state]
    for kind, facility in (
        ("receive", TOWNSHIP), ("accept", TOWNSHIP), ("arrive", TOWNSHIP), ("admit", TOWNSHIP), ("return", TOWNSHIP),
        ("follow_up", CLINIC), ("close", CLINIC),
    ):  # fmt: skip
        assert ReferralStep(kind) in steps_open_to(thread.referral, facility)
        thread.write(kind, facility)
        states.append(thread.referral.state)
    assert states == [
        "requested", "received", "accepted", "arrived", "admitted", "returned", "followed_up", "closed",
    ]  # fmt: skip
    assert fold(thread.notes).closed


def test_declined_with_another_place_leads_there():
    thread = Writer()
    thread.write("decline", TOWNSHIP, words="没有床位", place=OTHER)
    assert fold(thread.notes).details["alternative"] == "县医院"
    assert thread.referral.waits_for is Party.SENDER
    thread.write("redirect", CLINIC, place=OTHER)
    assert (thread.referral.state, fold(thread.notes).to_facility) == ("requested", COUNTY)
    # The one that was left has no say any more.
    thread.write("accept", TOWNSHIP)
    assert thread.referral.state == "requested"
    thread.write("accept", COUNTY)
    assert thread.referral.state == "accepted"


def test_a_patient_who_did_not_come_and_comes_later():
    thread = Writer()
    thread.write("accept", TOWNSHIP)
    thread.write("not_arrived", TOWNSHIP)
    assert (thread.referral.state, thread.referral.waits_for) == ("not_arrived", Party.SENDER)
    thread.write("arrive", TOWNSHIP)
    assert thread.referral.state == "arrived"


def test_accepted_by_one_and_declined_by_another_at_once_is_accepted_and_told():
    for first, second in (("accept", "decline"), ("decline", "accept")):
        thread = Writer()
        known = list(thread.notes)
        thread.write(first, TOWNSHIP, after=known)
        thread.write(second, TOWNSHIP, after=known)
        referral = thread.referral
        assert (referral.state, referral.disputed) == ("accepted", True)
        assert len(referral.events) == 3


def test_a_bed_that_is_gone_can_be_taken_back():
    thread = Writer()
    thread.write("accept", TOWNSHIP)
    thread.write("decline", TOWNSHIP)
    assert (thread.referral.state, thread.referral.disputed) == ("declined", False)


def test_what_was_withdrawn_while_it_was_accepted_is_withdrawn():
    thread = Writer()
    known = list(thread.notes)
    thread.write("accept", TOWNSHIP, after=known)
    thread.write("withdraw", CLINIC, after=known)
    assert thread.referral.state == "withdrawn"


def test_a_letter_that_comes_after_the_end_is_news_until_it_is_read():
    thread = Writer()
    thread.write("close", CLINIC)
    thread.write("return", TOWNSHIP)
    assert thread.referral.closed and thread.referral.unread_by == {Party.SENDER}
    assert thread.referral.last_return() is None
    thread.write("say", CLINIC)
    assert Party.SENDER not in thread.referral.unread_by


def test_only_those_concerned_lead_it_on():
    thread = Writer()
    thread.write("accept", "somebody else")
    thread.write("withdraw", TOWNSHIP)
    thread.write("accept", CLINIC)
    assert thread.referral.state == "requested"
    assert steps_open_to(thread.referral, "somebody else") == ()
    thread.write("accept", CLINIC, told_by="内科王医生")
    assert thread.referral.state == "accepted"


def test_down_to_the_village():
    slip = msgspec.structs.replace(
        SLIP, direction=ReferralDirection.DOWN, place=ReferralPlace(facility=CLINIC, name="村卫生室")
    )
    thread = Writer(slip, TOWNSHIP)
    assert ReferralStep.ARRIVE not in steps_open_to(thread.referral, CLINIC)
    thread.write("accept", CLINIC)
    assert (thread.referral.state, thread.referral.waits_for) == ("accepted", Party.HOME)
    thread.write("follow_up", CLINIC)
    assert ReferralStep.CLOSE in steps_open_to(thread.referral, CLINIC)
    assert ReferralStep.CLOSE not in steps_open_to(thread.referral, TOWNSHIP)
    thread.write("close", CLINIC)
    assert thread.referral.closed


CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "words": st.sampled_from(["", "好"]),
        "told_by": st.sampled_from(["", "王医生"]),
        "due_at": st.sampled_from([None, NOON]),
        "place": st.sampled_from([PLACE, OTHER]),
    },
)
ACTS = st.tuples(
    st.sampled_from([*ReferralStep, "unheard_of"]),
    st.sampled_from([CLINIC, TOWNSHIP, COUNTY, "X"]),
    CONTENTS,
    st.integers(0, 7),
    st.integers(0, 10_000),
)


def played(acts, direction):
    """Notes of people who each had seen only some of the thread; ids in no order of time."""
    thread = Writer(msgspec.structs.replace(SLIP, direction=direction))
    for place, (kind, facility, content, seen, number) in enumerate(acts):
        known = thread.notes[: max(1, len(thread.notes) - seen)]
        thread.write(kind, facility, after=known, number=1000 + number * 10 + place, **content)
    return thread.notes


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=9), st.sampled_from(list(ReferralDirection)), st.randoms())
def test_every_sequence_folds_and_the_order_of_arrival_does_not_matter(acts, direction, chance):
    notes = played(acts, direction)
    wanted = fold(notes)
    for _ in range(3):
        chance.shuffle(notes)
        assert fold(notes) == wanted
    referral = follow(in_order(notes))
    assert len(referral.events) == len(notes)
    for facility in (CLINIC, TOWNSHIP, COUNTY, "X"):
        steps_open_to(referral, facility)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=9), st.sampled_from(list(ReferralDirection)))
def test_what_is_over_stays_over_whatever_turns_up_later(acts, direction):
    notes = played(acts, direction)
    for missing in range(1, len(notes)):
        some = [note for note in notes if note is not notes[missing]]
        if fold(some).closed:
            assert fold(notes).closed


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, min_size=1, max_size=6), st.integers(0, 5))
def test_a_part_of_a_thread_folds_too(acts, first):
    notes = played(acts, ReferralDirection.UP)[first:]
    if notes:
        fold(notes)


def test_a_note_whose_content_nobody_understands_is_kept_and_says_nothing():
    thread = Writer()
    thread.write("accept", TOWNSHIP)
    strange = msgspec.structs.replace(thread.notes[-1], content={"place": 7, "due_at": "soon"})
    referral = follow([thread.notes[0], strange])
    assert referral.state == "accepted" and referral.events[1].content == ReferralContent()
