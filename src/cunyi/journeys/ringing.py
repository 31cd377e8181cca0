"""What must not be overlooked on any page: questions and critical values that nobody has seen to, answers that nobody has opened."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.consultation import ConsultationState, consultation_details
from cunyi.domain.critical_value import CriticalState, critical_details
from cunyi.domain.thread import Thread, ThreadKind
from cunyi.journeys.thread_notes import facility_of
from cunyi.store.answering import waiting_threads
from cunyi.store.facilities import facility_by_code
from cunyi.store.notes import threads_of_person
from cunyi.store.people import same_person
from cunyi.store.unit import Store

_KINDS = (ThreadKind.CONSULTATION, ThreadKind.CRITICAL_VALUE)
# An answer that came after the end is told for as long.
_ENDED = timedelta(days=14)


class Why(StrEnum):
    """Why something rings (提醒原因: 待接手 / 答复超时 / 有答复 / 要补充 / 无人应答 / 危急值待接报 / 危急值待处置)."""

    ASKED = "asked"
    ANSWER_LATE = "answer_late"
    ANSWERED = "answered"
    ASKED_BACK = "asked_back"
    NOBODY_ANSWERS = "nobody_answers"
    CRITICAL = "critical"
    CRITICAL_LATE = "critical_late"


class Ringing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must not be overlooked (提醒). `loud`: it is heard until somebody sees to it; `late_minutes` since it was due.

    `place` and `phone` are whom to call where nobody answers.
    """

    thread: str
    kind: ThreadKind
    why: Why
    loud: bool
    name: str
    words: str
    place: str
    phone: str = ""
    since: datetime
    late_minutes: int = 0
    escalated: bool = False
    may_see_to_it: bool = False


def ringing(store: Store, by: Account, now: datetime) -> list[Ringing]:
    """What rings for somebody now, what is heard first. It follows from the threads and the time alone, whoever looks."""
    if not by.may(Permission.READ_RECORD):
        return []
    own = facility_of(store, by)
    found: list[Ringing] = []
    with store.reading() as connection:
        for thread in waiting_threads(connection, by.organisation, _KINDS, ended_since=now - _ENDED, ended_from=own):
            rings = _of_critical if thread.kind is ThreadKind.CRITICAL_VALUE else _of_consultation
            one = rings(thread, by, own, now)
            if one is None:
                continue
            if one.why is Why.NOBODY_ANSWERS:
                to = facility_by_code(connection, by.organisation, thread.to_facility)
                one = msgspec.structs.replace(one, phone=(to.emergency_phone or to.phone) if to else "")
            found.append(one)
    return sorted(found, key=lambda each: (not each.loud, -each.late_minutes, each.since))


def _of_consultation(thread: Thread, by: Account, own: str, now: datetime) -> Ringing | None:
    details = consultation_details(thread)
    asker, addressed = own == thread.from_facility, own in details.facilities
    late = _late_minutes(thread, now)
    state = ConsultationState(thread.state)
    heard = details.rings or details.escalations > 0
    why: Why | None = None
    if asker and details.unread:
        why = Why.ASKED_BACK if state is ConsultationState.ASKED_BACK else Why.ANSWERED
    elif thread.closed:
        return None
    elif addressed and state is ConsultationState.ASKED and (heard or late):
        why = Why.ASKED
    elif addressed and state is ConsultationState.SEEN and late:
        why = Why.ANSWER_LATE
    elif asker and state in (ConsultationState.ASKED, ConsultationState.SEEN) and late:
        why = Why.NOBODY_ANSWERS
    if why is None:
        return None
    answering = why in (Why.ASKED, Why.ANSWER_LATE)
    return Ringing(
        thread=thread.id,
        kind=thread.kind,
        why=why,
        loud=heard and why in (Why.ASKED, Why.ANSWERED, Why.ASKED_BACK),
        name=details.name,
        words=details.question,
        place=details.from_name if answering else details.to_name,
        since=(details.unread_since or thread.changed_at)
        if details.unread and asker
        else details.waiting_since or thread.opened_at,
        late_minutes=late,
        escalated=details.escalations > 0,
        may_see_to_it=why is Why.ASKED and by.may(Permission.CONSULT),
    )


def _of_critical(thread: Thread, by: Account, own: str, now: datetime) -> Ringing | None:
    details = critical_details(thread)
    if thread.closed or (own != thread.from_facility and own not in details.facilities):
        return None
    state, late = CriticalState(thread.state), _late_minutes(thread, now)
    if state is CriticalState.NOTIFIED:
        why = Why.CRITICAL
    elif state is CriticalState.ACKNOWLEDGED and late:
        why = Why.CRITICAL_LATE
    else:
        return None
    return Ringing(
        thread=thread.id,
        kind=thread.kind,
        why=why,
        loud=True,
        name=details.name,
        words=f"{details.item} {details.value} {details.unit}".strip(),
        place=details.from_name,
        since=thread.opened_at,
        late_minutes=late,
        escalated=details.escalations > 0,
        may_see_to_it=why is Why.CRITICAL and by.may(Permission.ANSWER_CRITICAL_VALUE),
    )


def _late_minutes(thread: Thread, now: datetime) -> int:
    """How many minutes the next step is late; 0 where it is not."""
    if thread.due_at is None or thread.due_at > now:
        return 0
    return max(1, int((now - thread.due_at).total_seconds() // 60))


class ThreadCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many threads wait for somebody here (待办往来): to answer, answers to act on, own questions that are late, critical values."""

    to_answer: int = 0
    to_act_on: int = 0
    late: int = 0
    critical: int = 0


def thread_counts(store: Store, by: Account, now: datetime) -> ThreadCounts:
    """The numbers of the first page."""
    if not by.may(Permission.READ_RECORD):
        return ThreadCounts()
    own = facility_of(store, by)
    with store.reading() as connection:
        threads = waiting_threads(connection, by.organisation, _KINDS)
    counts = {"to_answer": 0, "to_act_on": 0, "late": 0, "critical": 0}
    waiting = (ConsultationState.ASKED, ConsultationState.SEEN)
    for thread in threads:
        asker = own == thread.from_facility
        if thread.kind is ThreadKind.CRITICAL_VALUE:
            counts["critical"] += asker or own in critical_details(thread).facilities
        elif asker and thread.state not in waiting:
            counts["to_act_on"] += 1
        elif asker:
            counts["late"] += _late_minutes(thread, now) > 0
        elif thread.state in waiting and own in consultation_details(thread).facilities:
            counts["to_answer"] += 1
    return ThreadCounts(**counts)


class ThreadAbout(msgspec.Struct, frozen=True, kw_only=True):
    """A consultation or critical value on the page of whom it is about (本人往来). `unread`: an answer nobody has opened."""

    thread: Thread
    words: str
    unread: bool
    late_minutes: int


def threads_about(store: Store, by: Account, person_id: str, now: datetime) -> list[ThreadAbout]:
    """The consultations and critical values about a person: open ones and unread ones first, then the latest."""
    with store.reading() as connection:
        persons = same_person(connection, by.organisation, person_id)
        threads = [each for each in threads_of_person(connection, by.organisation, persons) if each.kind in _KINDS]
    found = [_about(thread, now) for thread in threads]
    return sorted(found, key=lambda each: (not each.unread, each.thread.closed, -each.thread.urgency))


def _about(thread: Thread, now: datetime) -> ThreadAbout:
    if thread.kind is ThreadKind.CRITICAL_VALUE:
        value = critical_details(thread)
        words, unread = f"{value.item} {value.value} {value.unit}".strip(), False
    else:
        details = consultation_details(thread)
        words, unread = details.question, bool(details.unread)
    late = 0 if thread.closed else _late_minutes(thread, now)
    return ThreadAbout(thread=thread, words=words, unread=unread, late_minutes=late)
