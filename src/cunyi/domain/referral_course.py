"""The course of a referral: its state from its notes, who may do what next, and what of it is contradictory or late."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

import msgspec

from cunyi.domain.encounter import PersonAsSigned
from cunyi.domain.referral import (
    Party,
    ReferralContent,
    ReferralDirection,
    ReferralPlace,
    ReferralSlip,
    ReferralState,
    ReferralStep,
    ReferralUrgency,
    content_of,
    step_of,
)
from cunyi.domain.thread import Note

_State, _Step = ReferralState, ReferralStep
_ASKED = frozenset({_State.REQUESTED, _State.RECEIVED})
_BEFORE = _ASKED | {_State.ACCEPTED, _State.DECLINED, _State.NOT_ARRIVED}
_THERE = frozenset({_State.ARRIVED, _State.ADMITTED, _State.TREATED})
_BACK = frozenset({_State.RETURNED, _State.FOLLOWED_UP})
_OPEN = _BEFORE | _THERE | _BACK

# From which states a step leads on, and where to. What ends a referral ends it from everywhere: see `_CLOSING`.
_COURSE: dict[ReferralStep, tuple[frozenset[ReferralState], ReferralState]] = {
    _Step.RECEIVE: (frozenset({_State.REQUESTED}), _State.RECEIVED),
    _Step.ACCEPT: (_ASKED | {_State.DECLINED}, _State.ACCEPTED),
    _Step.DECLINE: (_ASKED | {_State.ACCEPTED}, _State.DECLINED),
    _Step.REDIRECT: (_BEFORE, _State.REQUESTED),
    _Step.ARRIVE: (_BEFORE, _State.ARRIVED),
    _Step.NOT_ARRIVED: (_BEFORE - {_State.NOT_ARRIVED}, _State.NOT_ARRIVED),
    _Step.ADMIT: (_BEFORE | {_State.ARRIVED}, _State.ADMITTED),
    _Step.TREAT: (_BEFORE | {_State.ARRIVED, _State.ADMITTED}, _State.TREATED),
    _Step.RETURN: (_OPEN, _State.RETURNED),
    _Step.FOLLOW_UP: (_OPEN - _ASKED, _State.FOLLOWED_UP),
}
_USUAL = {
    _State.REQUESTED: _Step.RECEIVE,
    _State.RECEIVED: _Step.ACCEPT,
    _State.ACCEPTED: _Step.ARRIVE,
    _State.DECLINED: _Step.REDIRECT,
    _State.NOT_ARRIVED: _Step.REDIRECT,
    _State.ARRIVED: _Step.TREAT,
    _State.ADMITTED: _Step.RETURN,
    _State.TREATED: _Step.RETURN,
    _State.RETURNED: _Step.FOLLOW_UP,
    _State.FOLLOWED_UP: _Step.CLOSE,
}
_CLOSING = {_Step.CLOSE: _State.CLOSED, _Step.WITHDRAW: _State.WITHDRAWN}
_OF_RECEIVER = frozenset(
    {_Step.RECEIVE, _Step.ACCEPT, _Step.DECLINE, _Step.ARRIVE, _Step.ADMIT, _Step.TREAT, _Step.RETURN}
)
# What was said is news to the other side at any time; of the steps themselves the state tells, until it is over.
_NEWS_AT_THE_END = _OF_RECEIVER - {_Step.RECEIVE} | {_Step.NOT_ARRIVED}


class ReferralEvent(msgspec.Struct, frozen=True):
    """One note in the course of a referral (转诊经过): `counted` where it led on; the others are kept and shown.

    `entitled`: its author's facility may write such a note here, whatever the state.
    """

    note: Note
    step: ReferralStep | None
    content: ReferralContent
    counted: bool
    entitled: bool


class ReferralCourse(msgspec.Struct, frozen=True, kw_only=True):
    """A referral as it stands (转诊全程), with everything that was written of it.

    `coordinators` are the facilities that the program told because nobody answered in time, `escalated` whether it did so since
    the last step. `disputed`: one of the other side accepted and another declined without knowing of each other; the acceptance holds.
    `unread_by` are the sides to whom the other one said something after which they wrote nothing.
    """

    id: str
    person: PersonAsSigned
    state: ReferralState
    slip: ReferralSlip | None
    place: ReferralPlace
    from_facility: str
    from_name: str
    opened_at: datetime
    changed_at: datetime
    due_at: datetime | None
    events: tuple[ReferralEvent, ...]
    addressed: frozenset[str]
    coordinators: frozenset[str]
    escalated: bool
    disputed: bool
    unread_by: frozenset[Party]

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        return self.state in (_State.CLOSED, _State.WITHDRAWN)

    @property
    def direction(self) -> ReferralDirection:
        """Which way the patient goes."""
        return self.slip.direction if self.slip else ReferralDirection.UP

    @property
    def urgency(self) -> ReferralUrgency:
        """How soon the patient must be there."""
        return self.slip.urgency if self.slip else ReferralUrgency.ROUTINE

    @property
    def waits_for(self) -> Party | None:
        """Whose turn it is; None where it is over."""
        if self.closed:
            return None
        if self.state in (_State.DECLINED, _State.NOT_ARRIVED):
            return Party.SENDER
        if self.state in _BACK or (self.state is _State.ACCEPTED and self.direction is ReferralDirection.DOWN):
            return Party.HOME
        return Party.RECEIVER

    def last(self, step: ReferralStep) -> ReferralEvent | None:
        """The last note of a step that counted."""
        return next((each for each in reversed(self.events) if each.step is step and each.counted), None)

    @property
    def last_call(self) -> ReferralEvent | None:
        """The last telephone call since the last step; None where nobody has rung since."""
        since = itertools.takewhile(lambda each: not each.counted, reversed(self.events))
        return next((each for each in since if each.step is _Step.CALL and each.entitled), None)

    def last_return(self) -> ReferralEvent | None:
        """The last return slip, also one that came after the end."""
        return next(
            (
                each
                for each in reversed(self.events)
                if each.step is _Step.RETURN and each.entitled and each.content.returned
            ),
            None,
        )

    def parties_of(self, facility: str) -> frozenset[Party]:
        """What a facility is to the referral; nothing for one that has no part in it."""
        found = set()
        if facility == self.from_facility:
            found.add(Party.SENDER)
        if facility == self.place.facility:
            found.add(Party.RECEIVER)
        home = self.from_facility if self.direction is ReferralDirection.UP else self.place.facility
        if facility == home:
            found.add(Party.HOME)
        return frozenset(found)


def follow(notes: Sequence[Note]) -> ReferralCourse:
    """The course of a referral from its notes, in order and never empty. It accepts every sequence."""
    begun = next((note for note in notes if step_of(note) is _Step.REQUEST), notes[0])
    slip = content_of(begun).slip
    walk = _Walk(begun, slip, _addressed(notes, begun, slip))
    for note in notes:
        walk.take(note)
    return walk.arrived_at(notes)


def leads_to(step: ReferralStep) -> ReferralState | None:
    """The state that a step leads to; None for one that leads nowhere, like a message."""
    if step in _CLOSING:
        return _CLOSING[step]
    return _COURSE[step][1] if step in _COURSE else None


def tells_for_the_other(referral: ReferralCourse, facility: str, step: ReferralStep) -> bool:
    """Whether somebody who writes this writes down what the other side told, and has to say who told it."""
    return step in _OF_RECEIVER and facility != referral.place.facility


def steps_open_to(referral: ReferralCourse, facility: str) -> tuple[ReferralStep, ...]:
    """What somebody of a facility may do next, the usual first. The sender may write down what the other side told by telephone."""
    parties = referral.parties_of(facility)
    if not parties:
        coordinates = facility in referral.coordinators and not referral.closed
        return (_Step.CALL, _Step.SAY) if coordinates else ()
    if referral.closed:
        late = (_Step.RETURN,) if Party.RECEIVER in parties else ()
        return (*late, _Step.SAY)
    found = []
    for step, (states, _) in _COURSE.items():
        if referral.state not in states or not _sensible(referral, step):
            continue
        if step is _Step.FOLLOW_UP:
            may = Party.HOME in parties
        elif step is _Step.REDIRECT:
            may = Party.SENDER in parties
        elif step is _Step.RECEIVE:
            may = Party.RECEIVER in parties
        else:
            may = bool(parties & {Party.SENDER, Party.RECEIVER})
        if may:
            found.append(step)
    if Party.SENDER in parties and referral.state in _BEFORE:
        found.append(_Step.WITHDRAW)
    if Party.HOME in parties and referral.state not in _ASKED:
        found.append(_Step.CLOSE)
    found.sort(key=lambda step: step is not _USUAL[referral.state])
    return (*found, _Step.CALL, _Step.SAY)


def _sensible(referral: ReferralCourse, step: ReferralStep) -> bool:
    """What a page offers: a patient who comes home is not admitted there, and one who was followed up is not sent back twice."""
    if referral.direction is ReferralDirection.DOWN:
        hospital = {_Step.ARRIVE, _Step.ADMIT, _Step.TREAT, _Step.RETURN, _Step.NOT_ARRIVED}
        return step not in hospital and not (step is _Step.DECLINE and referral.state is _State.ACCEPTED)
    if step is _Step.FOLLOW_UP:
        return referral.state not in (_State.ACCEPTED, _State.FOLLOWED_UP)
    return True


def _addressed(notes: Sequence[Note], begun: Note, slip: ReferralSlip | None) -> frozenset[str]:
    """Every facility that the sender ever sent the patient to, whether or not it came to that."""
    elsewhere = (
        content.place.facility
        for note in notes
        if note.facility == begun.facility
        and step_of(note) is _Step.REDIRECT
        and (content := content_of(note)).place is not None
    )
    return frozenset({slip.place.facility if slip else "", *elsewhere} - {""})


class _Walk:
    """One pass over the notes of a referral."""

    def __init__(self, begun: Note, slip: ReferralSlip | None, addressed: frozenset[str]) -> None:
        self.begun, self.slip = begun, slip
        self.place = slip.place if slip else ReferralPlace(name="")
        self.state = _State.REQUESTED
        self.due_at: datetime | None = content_of(begun).due_at
        self.changed_at = begun.signed_at
        self.addressed = addressed
        self.events: list[ReferralEvent] = []
        self.seen: dict[str, frozenset[str]] = {}
        self.answers: list[tuple[ReferralStep, str]] = []
        self.disputed = False
        self.unread: dict[str, bool] = {}
        self.coordinators: set[str] = set()
        self.escalated = False

    def take(self, note: Note) -> None:
        """The next note in order."""
        before = frozenset(note.after).union(*(self.seen.get(each, frozenset()) for each in note.after))
        self.seen[note.id] = before
        step, content = step_of(note), content_of(note)
        self._keep_news(note, step, before)
        entitled = note is self.begun or (
            step is not None and step is not _Step.REQUEST and self._may(note, step, content)
        )
        counted = entitled and step is not None and self._lead_on(note, step, content, before)
        if counted:
            self.escalated = False
        if entitled and step is _Step.ESCALATE and content.to_facility:
            self.coordinators.add(content.to_facility)
            self.escalated = True
        self.events.append(ReferralEvent(note, step, content, counted, entitled))

    def arrived_at(self, notes: Sequence[Note]) -> ReferralCourse:
        """The referral after the last note."""
        return ReferralCourse(
            id=notes[0].thread,
            person=self.begun.person,
            state=self.state,
            slip=self.slip,
            place=self.place,
            from_facility=self.begun.facility,
            from_name=self.begun.facility_name,
            opened_at=self.begun.signed_at,
            changed_at=self.changed_at,
            due_at=None if self.state in _CLOSING.values() else self.due_at,
            events=tuple(self.events),
            addressed=self.addressed,
            coordinators=frozenset(self.coordinators),
            escalated=self.escalated,
            disputed=self.disputed,
            unread_by=frozenset(Party.RECEIVER if by_sender else Party.SENDER for by_sender in self.unread.values()),
        )

    def _lead_on(self, note: Note, step: ReferralStep, content: ReferralContent, before: frozenset[str]) -> bool:
        if note is self.begun:
            return step is _Step.REQUEST
        if self.state in _CLOSING.values():
            return False
        if step in _CLOSING:
            self.state, self.changed_at = _CLOSING[step], note.signed_at
            return True
        if step not in _COURSE:
            return False
        states, leads_to = _COURSE[step]
        if step in (_Step.ACCEPT, _Step.DECLINE):
            self._compare_answers(note, step, before)
        if self.state not in states or self._is_overruled(step, before):
            return False
        if step is _Step.REDIRECT:
            if content.place is None:
                return False
            self.place = content.place
            self.answers, self.disputed = [], False
        self.state, self.due_at, self.changed_at = leads_to, content.due_at, note.signed_at
        return True

    def _keep_news(self, note: Note, step: ReferralStep | None, before: frozenset[str]) -> None:
        """What one side says is news to the other, until that side writes something having read it."""
        by_sender = note.facility == self.begun.facility
        self.unread = {each: sent for each, sent in self.unread.items() if sent is by_sender or each not in before}
        over = self.state in _CLOSING.values()
        if step is _Step.SAY or (over and step in _NEWS_AT_THE_END):
            self.unread[note.id] = by_sender

    @property
    def _upwards(self) -> bool:
        return self.slip is None or self.slip.direction is ReferralDirection.UP

    def _may(self, note: Note, step: ReferralStep, content: ReferralContent) -> bool:
        sender, receiver = note.facility == self.begun.facility, note.facility == self.place.facility
        if step in (_Step.SAY, _Step.CALL):
            return True
        if step is _Step.ESCALATE:
            return note.author.role == "program"
        if step in (_Step.REDIRECT, _Step.WITHDRAW):
            return sender
        if step in (_Step.FOLLOW_UP, _Step.CLOSE):
            # Whoever was addressed at any time may end it, so that it stays ended whatever else turns up.
            return sender if self._upwards else note.facility in self.addressed
        if step is _Step.NOT_ARRIVED:
            return sender or receiver
        return receiver or (sender and bool(content.told_by) and step is not _Step.RECEIVE)

    def _compare_answers(self, note: Note, step: ReferralStep, before: frozenset[str]) -> None:
        """Whether somebody of the other side answered otherwise without knowing of this answer."""
        if any(other is not step and other_id not in before for other, other_id in self.answers):
            self.disputed = True
        self.answers.append((step, note.id))

    def _is_overruled(self, step: ReferralStep, before: frozenset[str]) -> bool:
        """A bed that one of them gave is not taken away by another who did not know of it."""
        if step is not _Step.DECLINE or self.state is not _State.ACCEPTED:
            return False
        return any(other is _Step.ACCEPT and other_id not in before for other, other_id in self.answers)
