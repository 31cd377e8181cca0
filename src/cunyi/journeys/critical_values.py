"""Critical values: found when a record is signed or a reading confirmed, told to whoever is near, acknowledged, acted on, closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.assessment import CriticalValueFound
from cunyi.domain.audit import Action
from cunyi.domain.critical_value import (
    CriticalAct,
    CriticalLimits,
    CriticalNotice,
    CriticalStep,
    critical_details,
    open_critical_steps,
)
from cunyi.domain.device import ArrivedValue
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.finding import Reading
from cunyi.domain.organisation import FacilityLevel
from cunyi.domain.person import Person, age_years
from cunyi.domain.thread import Note, Thread, ThreadKind, in_order
from cunyi.journeys.access import require
from cunyi.journeys.thread_notes import PROGRAM, begin_thread, facility_of, go_on, name_of_facility, signer_of
from cunyi.knowledge.answering import AnsweringRules
from cunyi.reasoning import measuring
from cunyi.reasoning.explaining import critical_values_found
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.answering import waiting_threads
from cunyi.store.facilities import facilities
from cunyi.store.notes import notes_of, thread_by_id, threads_of_person
from cunyi.store.people import person_in_use, same_person
from cunyi.store.records import next_version
from cunyi.store.unit import Store, Writing

# The namespace of the ids of these threads.
_THREADS = UUID("6f0a1f54-6f5e-5b0f-9d2a-0c1e5b7d9a31")
_LONGEST_WORDS = 500
_SHOWN_AFTER = timedelta(days=14)


class OpenedCriticalValue(msgspec.Struct, frozen=True, kw_only=True):
    """A critical value as its page shows it (危急值往来). `steps` are what this account may do next; `signed`: the encounter is.

    `referrals` are those of the person since the value was found.
    """

    thread: Thread
    notes: list[Note]
    person: Person | None
    steps: tuple[CriticalStep, ...]
    signed: bool
    referrals: list[Thread]


def notify_found(
    writing: Writing,
    by: Account,
    person: Person,
    encounter_id: str,
    found: Sequence[CriticalValueFound],
    rules: AnsweringRules | None,
) -> None:
    """Opens a thread for every critical value of an encounter that has none yet; within the transaction that keeps the values."""
    for each in found:
        words = each.value if isinstance(each.value, str) else f"{each.value:g}"
        thread_id = critical_thread_id(encounter_id, each.item, words)
        if thread_by_id(writing.connection, writing.organisation, thread_id) is not None:
            continue
        own = by.facility or writing.node.facility
        told = _responsible(writing, person, own)
        notice = CriticalNotice(
            item=each.item,
            value=words,
            unit=each.unit or "",
            threshold=each.threshold,
            source=each.source,
            encounter=encounter_id,
            found_by=by.name,
            to_facility=next(iter(told)),
            facilities=told,
            limits=CriticalLimits()
            if rules is None
            else CriticalLimits(
                acknowledge=rules.acknowledge_minutes, act=rules.act_minutes, close=rules.close_minutes
            ),
        )
        begin_thread(
            writing,
            ThreadKind.CRITICAL_VALUE,
            CriticalStep.NOTIFY,
            notice,
            thread_id=thread_id,
            person=person,
            facility=(own, name_of_facility(writing.connection, writing.node, own)),
            author=PROGRAM,
        )
        writing.audit(Action.NOTIFY_CRITICAL_VALUE, person=person.id, subject=thread_id)


def critical_thread_id(encounter: str, item: str, value: str) -> str:
    """The id of the thread about one value of one encounter: the same wherever and however often it is found."""
    return str(uuid5(_THREADS, f"{encounter}/{item}/{value}"))


def notify_reading(
    writing: Writing,
    by: Account,
    person: Person,
    encounter_id: str,
    values: Sequence[ArrivedValue],
    knowledge: Knowledge,
) -> None:
    """The same for a reading of an instrument, before the encounter is signed."""
    items = knowledge.content.items
    readings = [
        Reading(item=each.item, value=each.value, unit=each.unit)
        for each in values
        if each.known and each.usable and each.value is not None and each.item in items
    ]
    whose = measuring.Person(person.sex, age_years(person.birth_on, writing.at.date()), None)
    found = critical_values_found(measuring.critical_values(readings, items, whose))
    notify_found(writing, by, person, encounter_id, found, knowledge.content.answering)


def critical_values_here(store: Store, by: Account, now: datetime) -> list[Thread]:
    """The critical values that this account's facility is told of or that are of its villages: open ones, and those of late."""
    require(by, Permission.READ_RECORD)
    own = facility_of(store, by)
    with store.reading() as connection:
        threads = waiting_threads(
            connection, by.organisation, [ThreadKind.CRITICAL_VALUE], ended_since=now - _SHOWN_AFTER
        )
    return [thread for thread in threads if _concerns(thread, by, own)]


def open_critical_value(store: Store, by: Account, thread_id: str) -> OpenedCriticalValue:
    """One critical value with every note; the opening is written down."""
    require(by, Permission.READ_RECORD)
    own = facility_of(store, by)
    with store.writing(by.id) as writing:
        thread = _known(writing, by, own, thread_id)
        writing.audit(Action.VIEW_CRITICAL_VALUE, person=thread.person_id, subject=thread.id)
        notes = in_order([kept.note for kept in notes_of(writing.connection, by.organisation, thread_id)])
        person = person_in_use(writing.connection, by.organisation, thread.person_id)
        signed = next_version(writing.connection, by.organisation, critical_details(thread).encounter)[1] is not None
        referrals = _referrals_since(writing, thread)
    may = by.may(Permission.ANSWER_CRITICAL_VALUE)
    return OpenedCriticalValue(
        thread=thread,
        notes=notes,
        person=person,
        steps=open_critical_steps(thread, own) if may else (),
        signed=signed,
        referrals=referrals,
    )


def answer_critical_value(
    store: Store, by: Account, thread_id: str, step: CriticalStep, written: CriticalAct, rules: AnsweringRules | None
) -> Thread:
    """Acknowledges, acts, or closes. UserError where the step is open no more, or words are missing."""
    require(by, Permission.ANSWER_CRITICAL_VALUE)
    own = facility_of(store, by)
    with store.writing(by.id) as writing:
        thread = _known(writing, by, own, thread_id)
        if step not in open_critical_steps(thread, own):
            raise UserError("刚才有人处理过，这一步已经不用做了；请看下面最新的情况", field="step")
        content = _complete(step, written, rules)
        if step is CriticalStep.ACT and (referrals := _referrals_since(writing, thread)):
            content = msgspec.structs.replace(content, referral=referrals[0].id)
        facility = own, name_of_facility(writing.connection, writing.node, own)
        done = go_on(writing, thread_id, step, content, facility=facility, author=signer_of(by))
        writing.audit(Action.ANSWER_CRITICAL_VALUE, person=thread.person_id, subject=thread_id, detail=step.value)
    return done


def _complete(step: CriticalStep, written: CriticalAct, rules: AnsweringRules | None) -> CriticalAct:
    words = written.words.strip()
    if len(words) > _LONGEST_WORDS:
        raise UserError("最多写 {longest} 字；请写短些", field="words", longest=_LONGEST_WORDS)
    if step is CriticalStep.ACT:
        chosen = rules.act(written.act) if rules else None
        if chosen is None and not words:
            raise UserError("请选择或写明怎么处理的", field="act")
        return CriticalAct(act=chosen.id if chosen else "", act_name=chosen.name if chosen else words, words=words)
    if step is CriticalStep.CLOSE and not words:
        raise UserError("请写明结果，如“复测正常”“已住院”", field="words")
    return CriticalAct(words=words)


def _referrals_since(writing: Writing, thread: Thread) -> list[Thread]:
    """The referrals of the person since the value was found, the latest first."""
    persons = same_person(writing.connection, writing.organisation, thread.person_id)
    found = threads_of_person(writing.connection, writing.organisation, persons, ThreadKind.REFERRAL)
    return [each for each in found if each.opened_at >= thread.opened_at]


def _known(writing: Writing, by: Account, own: str, thread_id: str) -> Thread:
    thread = thread_by_id(writing.connection, by.organisation, thread_id)
    if thread is None or thread.kind is not ThreadKind.CRITICAL_VALUE:
        raise UserError("没有这条危急值；请从列表重新打开", field="thread")
    if not _concerns(thread, by, own):
        raise NotAllowedError("这条危急值不归您的机构处理，您不能打开", field="thread")
    return thread


def _concerns(thread: Thread, by: Account, own: str) -> bool:
    told = own == thread.from_facility or own in critical_details(thread).facilities
    return told or by.looks_after(thread.village_code)


def _responsible(writing: Writing, person: Person, own: str) -> dict[str, str]:
    """Who is told: the clinic that answers for the person's village first, and the facility that found it."""
    clinics = facilities(writing.connection, writing.organisation, level=FacilityLevel.VILLAGE, only_open=True)
    told = {each.code: each.name for each in clinics if each.answers_for(person.village_code)}
    first = dict([next(iter(told.items()))]) if told and own not in told else {}
    return first | {own: name_of_facility(writing.connection, writing.node, own)}
