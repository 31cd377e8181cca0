"""Nobody answers: the next facility up is told, by the program, to the minute, once for each limit that passes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from cunyi.domain.audit import Action
from cunyi.domain.consultation import ConsultationState, ConsultationStep, ConsultationWritten, consultation_details
from cunyi.domain.critical_value import CriticalAct, CriticalState, CriticalStep, critical_details
from cunyi.domain.organisation import Facility, FacilityLevel
from cunyi.domain.referral import ReferralContent, ReferralDirection, ReferralState, ReferralStep, ReferralUrgency
from cunyi.domain.thread import Thread, ThreadKind
from cunyi.journeys.thread_notes import PROGRAM, go_on
from cunyi.knowledge.referral_loops import COORDINATOR, ReferralLoop
from cunyi.reasoning.choosing_facility import coordinator_for
from cunyi.reasoning.referral_reminders import reminders_due
from cunyi.store.answering import overdue_threads
from cunyi.store.facilities import facilities
from cunyi.store.unit import SYSTEM, Store

_KINDS = (ThreadKind.CONSULTATION, ThreadKind.CRITICAL_VALUE, ThreadKind.REFERRAL)
_LEVELS = list(FacilityLevel)
# The steps that somebody else can take where nobody does.
_PASSED_ON = {
    ThreadKind.CONSULTATION: (ConsultationState.ASKED, ConsultationState.SEEN),
    ThreadKind.CRITICAL_VALUE: (CriticalState.NOTIFIED, CriticalState.ACKNOWLEDGED),
}
_WRITTEN: dict[ThreadKind, tuple[type[ConsultationWritten | CriticalAct | ReferralContent], str]] = {
    ThreadKind.CONSULTATION: (ConsultationWritten, ConsultationStep.ESCALATE.value),
    ThreadKind.CRITICAL_VALUE: (CriticalAct, CriticalStep.ESCALATE.value),
    ThreadKind.REFERRAL: (ReferralContent, ReferralStep.ESCALATE.value),
}


class _NothingToDoError(Exception):
    """Somebody else wrote it meanwhile: nothing of this write stays."""


def escalate_overdue(store: Store, now: datetime, loop: ReferralLoop | None) -> int:
    """Passes on every question, critical value and referral whose limit has passed; how many. Only a hub does so.

    A referral stays with its two sides: whoever coordinates them is told when the rules (`loop`) say so.
    Several workers may look at the same time: what is late is looked at again by the only one that may write.
    """
    with store.reading() as connection:
        if not _to_pass_on(connection, store.node.organisation, now, loop):
            return 0
    try:
        with store.writing(SYSTEM) as writing:
            late = _to_pass_on(writing.connection, store.node.organisation, now, loop)
            if not late:
                raise _NothingToDoError
            own = store.node.facility, store.node.facility_name
            for thread, to in late:
                kind, step = _WRITTEN[thread.kind]
                content = kind(to_facility=to.code, to_name=to.name)
                go_on(writing, thread.id, step, content, facility=own, author=PROGRAM)
                writing.audit(Action.ESCALATE, person=thread.person_id, subject=thread.id, detail=thread.kind.value)
    except _NothingToDoError:
        return 0
    return len(late)


def next_facility(
    told: Mapping[str, str], from_facility: str, village_code: str, known: list[Facility]
) -> Facility | None:
    """Who is told next: the nearest open facility of the level above everybody who was told; None above the county."""
    by_code = {each.code: each for each in known}
    reached = [_LEVELS.index(by_code[code].level) for code in (*told, from_facility) if code in by_code]
    highest = max(reached, default=0)
    candidates = [
        each
        for each in known
        if each.open
        and _LEVELS.index(each.level) > highest
        and each.code not in told
        and each.answers_for(village_code)
    ]
    return min(candidates, key=lambda each: (_LEVELS.index(each.level), each.code), default=None)


def _to_pass_on(
    connection: Connection, organisation: str, now: datetime, loop: ReferralLoop | None
) -> list[tuple[Thread, Facility]]:
    late = [
        thread
        for thread in overdue_threads(connection, organisation, _KINDS, now)
        if (_is_to_be_coordinated(thread, loop, now) if thread.kind is ThreadKind.REFERRAL else _waits_still(thread))
    ]
    known = facilities(connection, organisation) if late else []
    found = []
    for thread in late:
        if thread.kind is ThreadKind.REFERRAL:
            sides = (thread.from_facility, thread.to_facility)
            if (coordinator := coordinator_for(thread.village_code, sides, known)) is not None:
                found.append((thread, coordinator))
            continue
        read = consultation_details if thread.kind is ThreadKind.CONSULTATION else critical_details
        to = next_facility(read(thread).facilities, thread.from_facility, thread.village_code, known)
        if to is not None:
            found.append((thread, to))
    return found


def _waits_still(thread: Thread) -> bool:
    return thread.state in _PASSED_ON[thread.kind]


def _is_to_be_coordinated(thread: Thread, loop: ReferralLoop | None, now: datetime) -> bool:
    """Whether the rules say that the coordinator is told by now, and nobody told them since the last step."""
    details = thread.details
    if loop is None or details.get("escalated"):
        return False
    state, urgency = ReferralState(thread.state), ReferralUrgency(details["urgency"])
    due = reminders_due(loop, state, urgency, ReferralDirection(details["direction"]), thread.due_at, now)
    return any(each.whom == COORDINATOR for each in due)
