"""The queue of the clinic: who comes is put in with a level, looked at again whenever something changes, moved by staff for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.assessment import Assessment
from cunyi.domain.audit import Action
from cunyi.domain.case import Case
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Origin, Status
from cunyi.domain.person import Person, Programme
from cunyi.domain.queue import UNKNOWN, QueueSource, QueueTriage, Triaged, gravity
from cunyi.domain.triage import TriageLevel
from cunyi.journeys.access import person_for, require
from cunyi.journeys.case_of_person import background_of, case_of
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.people import persons_by_id
from cunyi.store.unit import Store, Writing
from cunyi.store.waiting import Waiting, add_waiting, end_waiting, everybody_waiting, set_triage, waiting_of

# A working day with its night: who came earlier is not waiting any more.
A_DAY = timedelta(hours=18)
_REASONS = 4
_WORDS = {UNKNOWN: "未评估", "self_care": "居家观察", "routine": "门诊", "urgent": "当日", "emergency": "急症"}
_LONGEST_REASON = 200


FIRST_SHOWN = 12
"""How many of the queue a page shows at once; who is urgent or graver is always among them."""


class InQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody waiting, with who they are and for how many minutes (候诊居民)."""

    waiting: Waiting
    person: Person
    minutes: int


def sees_lists(by: Account) -> bool:
    """Whether an account is shown who waits and who is due: those who treat people, in the villages they look after."""
    return by.may(Permission.READ_RECORD) and bool(by.areas)


def the_queue(store: Store, by: Account, now: datetime) -> list[InQueue]:
    """Who waits in the account's villages, the gravest first, then who came first."""
    if not sees_lists(by):
        return []
    with store.reading() as connection:
        waiting = everybody_waiting(connection, by.organisation, by.areas, now - A_DAY)
        people = persons_by_id(connection, by.organisation, [each.person_id for each in waiting])
    # Python sorts stably: within a level the order of arrival stays.
    waiting.sort(key=lambda each: -gravity(each.triage.level, provisional=each.triage.provisional))
    return [
        InQueue(
            waiting=each,
            person=people[each.person_id],
            minutes=max(0, int((now - each.arrived_at).total_seconds() // 60)),
        )
        for each in waiting
    ]


class ShownQueue(msgspec.Struct, frozen=True, kw_only=True):
    """The queue as a page shows it (候诊名单): `first` in full, `folded` behind a fold, `hidden` left out by the filter."""

    first: list[InQueue]
    folded: list[InQueue]
    hidden: int
    waiting: int
    emergencies: int


def show_queue(queue: Sequence[InQueue], village: str = "") -> ShownQueue:
    """The queue of one village, or of all. An emergency is never filtered out; who is urgent is never folded away."""
    emergency = TriageLevel.EMERGENCY.code
    kept = [
        each
        for each in queue
        if not village or each.waiting.village_code == village or each.waiting.triage.level == emergency
    ]
    grave = sum(_gravity(each) >= TriageLevel.URGENT for each in kept)
    shown = max(grave, FIRST_SHOWN)
    return ShownQueue(
        first=kept[:shown],
        folded=kept[shown:],
        hidden=len(queue) - len(kept),
        waiting=len(queue),
        emergencies=sum(each.waiting.triage.level == emergency for each in queue),
    )


def _gravity(each: InQueue) -> int:
    return gravity(each.waiting.triage.level, provisional=each.waiting.triage.provisional)


def triaged(assessment: Assessment, source: QueueSource) -> Triaged:
    """What an assessment says of somebody who waits; nothing where it understood nothing of today."""
    triage = assessment.triage
    told = any(
        finding.span is not None
        or (finding.origin in (Origin.STATED, Origin.MEASURED) and finding.status == Status.PRESENT)
        for finding in assessment.findings
    )
    if not (told or assessment.readings) and triage.level == TriageLevel.SELF_CARE.code:
        return Triaged(level=UNKNOWN, provisional=True, reasons=(), source=source)
    reasons = [reason.text for reason in triage.reasons]
    reasons += [f"{value.item} {value.value} {value.unit or ''}".strip() for value in assessment.critical_values]
    return Triaged(
        level=triage.level,
        provisional=triage.provisional,
        reasons=tuple(dict.fromkeys(reasons))[:_REASONS],
        source=source,
    )


def arrive(
    store: Store, by: Account, person_id: str, why: str, knowledge: Knowledge, *, now: datetime, reason: str = ""
) -> str:
    """Puts a person in the queue with the level that the words of their complaint give, with their age, sex and record."""
    require(by, Permission.WRITE_DRAFT)
    with store.reading() as connection:
        person = person_for(connection, by, person_id, reason=reason or why)
    background = background_of(store, by, person, knowledge, now)
    pregnant = True if Programme.PREGNANCY in person.programmes else None
    case = case_of(Case(chief_complaint=why, pregnant=pregnant, own_words=True), person, background, now.date())
    triage = triaged(assess(case, knowledge, now), QueueSource.ARRIVAL)
    return join_queue(store, by, person.id, why, triage=triage, reason=reason)


def join_queue(
    store: Store, by: Account, person_id: str, why: str, *, triage: Triaged | None = None, reason: str = ""
) -> str:
    """Puts a person in today's queue with a level; the id of the entry. Whoever waits already keeps their place in time.

    `reason` is needed where the person lives outside the account's villages.
    """
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason or why)
        waiting = add_waiting(writing, person.id, person.village_code, why.strip(), since=writing.latest - A_DAY)
        writing.audit(Action.CHECK_IN, person=person.id, subject=waiting.id)
        if triage is not None:
            _look(writing, waiting, triage, by)
    return waiting.id


def leave_queue(store: Store, by: Account, person_id: str) -> None:
    """Takes somebody out of the queue who went away."""
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id) as writing:
        end_waiting(writing, person_id)
        writing.audit(Action.CHECK_IN, person=person_id, detail="离开")


def retriage(store: Store, by: Account, person_id: str, triage: Triaged) -> bool:
    """One more look at somebody who waits; whether it said something new. Nothing for one who does not wait."""
    require(by, Permission.WRITE_DRAFT)
    with store.reading() as connection:
        now = store.clock()
        waiting = waiting_of(connection, by.organisation, person_id, now - A_DAY)
    if waiting is None or waiting.triage.looked(triage, at=now, by=by.name) is waiting.triage:
        return False
    with store.writing(by.id) as writing:
        waiting = waiting_of(writing.connection, by.organisation, person_id, writing.latest - A_DAY)
        if waiting is None:
            writing.audit(Action.RETRIAGE, person=person_id, detail="已不在候诊")
            return False
        _look(writing, waiting, triage, by)
    return True


def is_waiting(store: Store, by: Account, person_id: str) -> bool:
    """Whether a person is in today's queue."""
    with store.reading() as connection:
        return waiting_of(connection, by.organisation, person_id, store.clock() - A_DAY) is not None


def set_level(store: Store, by: Account, person_id: str, level: str, why: str) -> None:
    """Staff decide the level of somebody who waits. A reason is always needed and kept; lowering is told as such in the log."""
    require(by, Permission.WRITE_DRAFT)
    if level not in [each.code for each in TriageLevel]:
        raise UserError("请选择级别", field="level")
    if not why.strip():
        raise UserError("请写明为什么改级别，会和候诊记录一起保存", field="level_reason")
    with store.writing(by.id) as writing:
        waiting = waiting_of(writing.connection, by.organisation, person_id, writing.latest - A_DAY)
        if waiting is None:
            raise UserError("这位居民已经不在候诊；请刷新页面", field="level")
        decision = Triaged(
            level=level, provisional=False, reasons=(why.strip()[:_LONGEST_REASON],), source=QueueSource.STAFF
        )
        _look(writing, waiting, decision, by)


def _look(writing: Writing, waiting: Waiting, triage: Triaged, by: Account) -> QueueTriage:
    after = waiting.triage.looked(triage, at=writing.latest, by=by.name)
    if after is waiting.triage:
        return after
    set_triage(writing, waiting.id, after)
    before = waiting.triage
    moved = _moved(before, after)
    by_hand = "人工" if triage.source is QueueSource.STAFF else "自动"
    detail = f"{by_hand}{moved}：{_WORDS[before.level]}→{_WORDS[after.level]}"
    writing.audit(Action.RETRIAGE, person=waiting.person_id, subject=waiting.id, detail=detail)
    return after


def _moved(before: QueueTriage, after: QueueTriage) -> str:
    if not before.steps:
        return "分级"
    old, new = (gravity(each.level, provisional=False) for each in (before, after))
    return "改重" if new > old else "改轻" if new < old else "再看"
