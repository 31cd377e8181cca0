"""Referring a patient and answering a referral: every step is a signed note that both sides keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.encounter import ListEntry, ListKind
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.domain.person import Person
from cunyi.domain.referral import (
    HomePlan,
    ReferralContent,
    ReferralDirection,
    ReferralPlace,
    ReferralSlip,
    ReferralState,
    ReferralStep,
)
from cunyi.domain.referral_course import ReferralCourse, follow, leads_to, steps_open_to, tells_for_the_other
from cunyi.domain.thread import Thread, ThreadKind, in_order
from cunyi.journeys.access import person_for, require
from cunyi.journeys.form_reading import phone_number
from cunyi.journeys.onward_referral import sent_on, under_way
from cunyi.journeys.thread_notes import begin_thread, facility_of, go_on, name_of_facility, signer_of
from cunyi.knowledge.referral_loops import ReferralLoop
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.referral_reminders import due_after
from cunyi.store.facilities import facility_by_code
from cunyi.store.lists import add_entry
from cunyi.store.notes import notes_of
from cunyi.store.people import person_in_use
from cunyi.store.unit import Store, Writing

_LONGEST = 4_000


class OpenReferral(msgspec.Struct, frozen=True, kw_only=True):
    """A referral as somebody opens it (打开的转诊): what they may do next, and whom it is about as the record has them now."""

    referral: ReferralCourse
    person: Person
    facility: str
    steps: tuple[ReferralStep, ...]
    place_closed: str
    """Why the facility takes nobody now; empty where it does."""
    onward: tuple[Thread, ...]
    """The referrals by which the patient was sent further."""


def send_referral(
    store: Store,
    by: Account,
    person_id: str,
    slip: ReferralSlip,
    knowledge: Knowledge,
    *,
    reason: str = "",
    again: bool = False,
) -> str:
    """Sends a patient; the id of the referral. InvalidFormError tells what is missing; nothing is kept then.

    `again`: although a referral to the same place is still under way.
    """
    require(by, Permission.REFER)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        own = facility_of(store, by)
        going = [] if again else under_way(writing.connection, by.organisation, person.id)
        _complete(writing.connection, by, slip, own, going)
        state = ReferralState.REQUESTED
        due = due_after(_loop(knowledge), state, slip.urgency, slip.direction, writing.at)
        thread = writing.new_id()
        begin_thread(
            writing,
            ThreadKind.REFERRAL,
            ReferralStep.REQUEST,
            ReferralContent(slip=slip, due_at=due),
            thread_id=thread,
            person=person,
            facility=(own, name_of_facility(writing.connection, store.node, own)),
            author=signer_of(by),
        )
        writing.audit(Action.WRITE_REFERRAL, person=person.id, subject=thread, detail=ReferralStep.REQUEST)
    return thread


def open_referral(store: Store, by: Account, thread_id: str) -> OpenReferral:
    """A referral for one of its two sides, for whom the program told that nobody answers, or for whoever looks after the

    patient's village; the opening is written down.
    """
    require(by, Permission.READ_RECORD)
    with store.writing(by.id) as writing:
        opened = _opened(writing.connection, store, by, thread_id)
        writing.audit(Action.VIEW_REFERRAL, person=opened.person.id, subject=thread_id)
    return opened


def write_step(
    store: Store,
    by: Account,
    thread_id: str,
    step: ReferralStep,
    content: ReferralContent,
    knowledge: Knowledge,
    *,
    today: date,
) -> ReferralCourse:
    """A further step by the account's facility. UserError where it may not do that now, or something is missing."""
    require(by, Permission.REFER)
    with store.writing(by.id) as writing:
        opened = _opened(writing.connection, store, by, thread_id)
        referral = opened.referral
        if step not in opened.steps:
            raise UserError("这一步现在做不了：转诊的状态刚变过，或不由您的机构来做；请看最新的经过", field="step")
        _complete_step(writing.connection, by, referral, opened.facility, step, content)
        state = leads_to(step)
        due = due_after(_loop(knowledge), state, referral.urgency, referral.direction, writing.at) if state else None
        go_on(
            writing,
            thread_id,
            step,
            msgspec.structs.replace(content, due_at=due),
            facility=(opened.facility, name_of_facility(writing.connection, store.node, opened.facility)),
            author=signer_of(by),
        )
        _plan_visits(writing, opened, step, content, today)
        writing.audit(Action.WRITE_REFERRAL, person=opened.person.id, subject=thread_id, detail=step)
        return _referral(writing.connection, by.organisation, thread_id)


def _opened(connection: Connection, store: Store, by: Account, thread_id: str) -> OpenReferral:
    referral = _referral(connection, by.organisation, thread_id)
    person = person_in_use(connection, by.organisation, referral.person.id)
    own = facility_of(store, by)
    concerned = own in (referral.from_facility, *referral.addressed, *referral.coordinators)
    if person is None or not (concerned or by.looks_after(person.village_code)):
        raise NotAllowedError("这次转诊不是您的机构的，病人也不在您负责的村，您不能看", field="thread")
    place = facility_by_code(connection, by.organisation, referral.place.facility) if referral.place.facility else None
    closed = "" if place is None or place.open else place.closed_reason or place.name
    onward = sent_on(connection, by.organisation, referral)
    steps = steps_open_to(referral, own) if by.may(Permission.REFER) else ()
    return OpenReferral(
        referral=referral, person=person, facility=own, steps=steps, place_closed=closed, onward=tuple(onward)
    )


def _referral(connection: Connection, organisation: str, thread_id: str) -> ReferralCourse:
    notes = [kept.note for kept in notes_of(connection, organisation, thread_id)]
    if not notes or notes[0].thread_kind is not ThreadKind.REFERRAL:
        raise UserError("没有这次转诊；请从转诊列表打开，或核对单子上的编号", field="thread")
    return follow(in_order(notes))


def _loop(knowledge: Knowledge) -> ReferralLoop:
    loop = knowledge.content.referral_loop
    if loop is None:
        raise UserError("知识库里没有转诊规则；请系统管理员重新生成知识库", field="step")
    return loop


def _complete(connection: Connection, by: Account, slip: ReferralSlip, own: str, going: Sequence[Thread]) -> None:
    errors = []
    try:
        _check_place(connection, by, slip.place, own)
    except UserError as error:
        errors.append(error)
    errors += _not_a_phone(slip.patient_phone, "patient_phone")
    if slip.place.name.strip():
        errors += _twice(slip, going)
    if not slip.reason.strip():
        errors.append(UserError("请写转诊原因：为什么要转", field="reason"))
    if slip.direction is ReferralDirection.UP and not slip.complaint.strip():
        errors.append(UserError("请写主诉：病人哪里不舒服、多久了", field="complaint"))
    if slip.direction is ReferralDirection.DOWN and not slip.home.plan.strip():
        errors.append(UserError("请写回村后怎么管理", field="plan"))
    if max(map(len, (slip.reason, slip.history, slip.findings, slip.treatment, slip.home.plan))) > _LONGEST:
        errors.append(UserError("有一栏超过 {longest} 字；请写短些", field="history", longest=_LONGEST))
    if errors:
        raise InvalidFormError(errors)


def _not_a_phone(words: str, field: str) -> Iterator[UserError]:
    if words:
        try:
            phone_number(words)
        except UserError as error:
            yield UserError(error.sentence, field=field, **error.values)


def _twice(slip: ReferralSlip, going: Sequence[Thread]) -> Iterator[UserError]:
    """That the same patient is on the way to the same place already."""
    for each in going:
        place = each.to_facility or each.details["to_name"]
        if each.details["direction"] == slip.direction and place == (slip.place.facility or slip.place.name):
            yield UserError(
                "这位居民 {day} 已经转往{place}，那次还没有结束；请在那次转诊里接着写，确实要另转一次就勾选“再转一次”",
                field="again",
                day=f"{each.opened_at.astimezone():%m-%d %H:%M}",
                place=each.details["to_name"],
            )
            return


def _check_place(connection: Connection, by: Account, place: ReferralPlace, own: str) -> None:
    if not place.name.strip():
        raise UserError("请选择转到哪里；登记里没有的机构可以手写名称", field="place")
    if not place.facility:
        for error in _not_a_phone(place.phone, "place_phone"):
            raise error
        return
    if place.facility == own:
        raise UserError("不能转给自己的机构；请选择别的机构", field="place")
    known = facility_by_code(connection, by.organisation, place.facility)
    if known is None:
        raise UserError("登记里没有这个机构；请重新选择，或手写名称", field="place")
    if not known.open:
        raise UserError("{facility}已停诊，不能转去；请选择别的机构", field="place", facility=known.name)


def _complete_step(
    connection: Connection,
    by: Account,
    referral: ReferralCourse,
    own: str,
    step: ReferralStep,
    content: ReferralContent,
) -> None:
    errors = []
    if tells_for_the_other(referral, own, step) and not content.told_by.strip():
        errors.append(UserError("这是对方告诉的：请写是谁、怎么告诉的", field="told_by"))
    takes_in = step is ReferralStep.ACCEPT and referral.direction is ReferralDirection.UP
    if takes_in and not content.come_at.strip() and not tells_for_the_other(referral, own, step):
        errors.append(UserError("请写什么时候到哪里，病人照着去；现在就能来就写“现在就来”和科室", field="come_at"))
    if step in (ReferralStep.DECLINE, ReferralStep.WITHDRAW, ReferralStep.NOT_ARRIVED) and not content.words.strip():
        errors.append(UserError("请写原因，对方要看", field="words"))
    if step in (ReferralStep.SAY, ReferralStep.FOLLOW_UP) and not content.words.strip():
        errors.append(UserError("请写内容", field="words"))
    if step is ReferralStep.CALL and not content.called.strip():
        errors.append(UserError("请写给谁打了电话", field="called"))
    if step is ReferralStep.RETURN and (content.returned is None or not content.returned.diagnoses):
        errors.append(UserError("回转单要写诊断；还不明确就写“待查”", field="diagnosis"))
    if step is ReferralStep.REDIRECT:
        try:
            _check_place(connection, by, content.place or ReferralPlace(name=""), own)
        except UserError as error:
            errors.append(error)
    if errors:
        raise InvalidFormError(errors)


def _plan_visits(
    writing: Writing, opened: OpenReferral, step: ReferralStep, content: ReferralContent, today: date
) -> None:
    """What is to be looked at again at home becomes planned visits: when a patient is taken over, and when one came back."""
    referral = opened.referral
    if step is ReferralStep.ACCEPT and referral.direction is ReferralDirection.DOWN and referral.slip is not None:
        plan = referral.slip.home
    elif step is ReferralStep.FOLLOW_UP and referral.state is ReferralState.RETURNED:
        back = referral.last_return()
        plan = back.content.returned.home if back and back.content.returned else HomePlan()
    else:
        return
    for check in plan.checks:
        if check.on >= today:
            entry = ListEntry(
                id=writing.new_id(),
                organisation=writing.organisation,
                person_id=opened.person.id,
                kind=ListKind.PLAN,
                name=check.what,
                detail=content.words.strip() if step is ReferralStep.ACCEPT else "",
                since_on=today,
                due_on=check.on,
                source=referral.id,
            )
            add_entry(writing, entry)
            writing.audit(Action.CHANGE_LIST, person=opened.person.id, subject=entry.id, detail="随访计划")
