"""Interviews before the consultation on the clinic's side: giving out links, who is ready, the alarm, whose it is, taking over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person, age_years
from cunyi.domain.queue import gravity
from cunyi.journeys.access import require
from cunyi.journeys.preconsulting import erase, new_token
from cunyi.journeys.preconsulting_rules import WRONG_CODE_OF_ACCOUNT, Limits, kept_until
from cunyi.reasoning.interviewing_case import age_of, sex_of
from cunyi.store.interviews import (
    OPEN,
    OVER,
    READY,
    Claim,
    InterviewRecord,
    InterviewState,
    StoredInterview,
    Way,
    add_interview,
    alarms_of,
    count_interviews,
    interview_by_code,
    interview_by_id,
    interviews_in,
    replace_interview,
)
from cunyi.store.people import identifier_forms, person_in_use, persons_with_identifier
from cunyi.store.searching import find_people
from cunyi.store.unit import SYSTEM, Store

_NAMESAKES = 20
# People give their age in round or in traditional years.
_YEARS_APART = 3


class ClinicInterviews(msgspec.Struct, frozen=True, kw_only=True):
    """The interviews of the clinic (预问诊一览): `ready` with the gravest first, `going_on`, and those `taken_over` of late."""

    ready: list[StoredInterview]
    going_on: list[StoredInterview]
    taken_over: list[StoredInterview]


class OpenedInterview(msgspec.Struct, frozen=True, kw_only=True):
    """An interview as the doctor opens it (预问诊内容), with the people it may be of, most likely first."""

    stored: StoredInterview
    likely: list[Person]


class Doubts(msgspec.Struct, frozen=True):
    """What does not fit (对不上): sex and age in years, each as it was said and as it is in the record; None where it fits or is not known."""

    sex: tuple[str, str] | None
    age: tuple[float, float] | None


def invite(store: Store, by: Account, way: Way, *, person_id: str = "") -> tuple[str, StoredInterview]:
    """A link for one villager: its token, told this once, and the interview. `person_id` is whom a slip of the queue is for."""
    require(by, Permission.WRITE_DRAFT)
    token = new_token()
    with store.writing(by.id) as writing:
        person = person_in_use(writing.connection, by.organisation, person_id) if person_id else None
        if person_id and person is None:
            raise UserError("没有这份档案；它可能刚被合并，请重新查找", field="person")
        record = InterviewRecord(way=way, invited_person=person.id if person else "")
        made = add_interview(writing, token, record, InterviewState.INVITED, pickup_code="")
        writing.audit(Action.INVITE_INTERVIEW, person=person.id if person else None, subject=made.id, detail=way.value)
    return token, made


def clinic_interviews(store: Store, by: Account, *, now: datetime) -> ClinicInterviews:
    """What the clinic has: emergencies first, then by level, then by when they were finished."""
    require(by, Permission.WRITE_DRAFT)
    erase_old(store, now)
    with store.reading() as connection:
        facility = store.node.facility
        ready = interviews_in(connection, by.organisation, facility, READY)
        going_on = interviews_in(connection, by.organisation, facility, OPEN)
        taken = interviews_in(connection, by.organisation, facility, [InterviewState.TAKEN_OVER])
    alarming = [each for each in going_on if is_alarming(each)]
    today = [each for each in taken if each.updated_at.astimezone().date() == now.astimezone().date()]
    return ClinicInterviews(
        ready=sorted([*ready, *alarming], key=_urgency),
        going_on=[each for each in going_on if not is_alarming(each)],
        taken_over=today[::-1],
    )


def is_alarming(stored: StoredInterview) -> bool:
    """Whether it was an emergency and nobody of the clinic has said yet that they saw it."""
    return stored.alarmed_at is not None and stored.acknowledged_at is None and stored.state not in OVER


def alarms(store: Store, by: Account) -> list[StoredInterview]:
    """The emergencies that nobody has said they saw; none for an account that does not treat people."""
    if not by.may(Permission.WRITE_DRAFT):
        return []
    with store.reading() as connection:
        return alarms_of(connection, by.organisation, store.node.facility)


def count_ready(store: Store, by: Account) -> int:
    """How many have answered and wait for the doctor."""
    if not by.may(Permission.WRITE_DRAFT):
        return 0
    with store.reading() as connection:
        return count_interviews(connection, by.organisation, store.node.facility, READY)


def acknowledge(store: Store, by: Account, interview_id: str) -> None:
    """Somebody says that they saw the emergency and see to it; the alarm ends on every page."""
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id) as writing:
        known = _known(writing.connection, by, interview_id)
        if known.acknowledged_at is None:
            replace_interview(writing, msgspec.structs.replace(known, acknowledged_at=writing.latest))
        writing.audit(Action.ACKNOWLEDGE_INTERVIEW, person=known.person_id, subject=known.id)


def pick_up(store: Store, by: Account, code: str, limits: Limits) -> str:
    """The id of the interview under a pick-up code. UserError for a wrong one; after several, a wait."""
    require(by, Permission.WRITE_DRAFT)
    limits.expect(WRONG_CODE_OF_ACCOUNT, by.id)
    with store.reading() as connection:
        stored = interview_by_code(connection, by.organisation, "".join(code.split()))
    if stored is None or stored.facility != store.node.facility:
        limits.count(WRONG_CODE_OF_ACCOUNT, by.id)
        raise UserError("没有这个取号码；请让病人再念一遍，或从列表里找", field="code")
    return stored.id


def open_interview(store: Store, by: Account, interview_id: str, *, why: str = "") -> OpenedInterview:
    """An interview to read, written down, with the people whom the villager may have named."""
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id) as writing:
        stored = _known(writing.connection, by, interview_id)
        writing.audit(Action.VIEW_INTERVIEW, person=stored.person_id, subject=stored.id, detail=why)
    with store.reading() as connection:
        return OpenedInterview(stored=stored, likely=_likely(connection, by.organisation, stored))


def doubts(stored: StoredInterview, person: Person, today: date) -> Doubts:
    """What of the answers does not fit somebody's record: it may be another person's interview."""
    interview = stored.record.interview
    said_sex, said_age = (sex_of(interview), age_of(interview)) if interview else (None, None)
    known_age = age_years(person.birth_on, today)
    apart = said_age is not None and known_age is not None and abs(said_age - known_age) > _YEARS_APART
    return Doubts(
        sex=(said_sex.value, person.sex.value) if said_sex and person.sex and said_sex != person.sex else None,
        age=(said_age, known_age) if apart and said_age is not None and known_age is not None else None,
    )


def discard_interview(store: Store, by: Account, interview_id: str, why: str) -> None:
    """Throws an interview away for a reason; what was said is erased, the reason stays."""
    require(by, Permission.WRITE_DRAFT)
    if not why.strip():
        raise UserError("请写明为什么不要这份预问诊", field="why")
    with store.writing(by.id) as writing:
        known = _known(writing.connection, by, interview_id)
        if known.state is InterviewState.TAKEN_OVER:
            raise UserError("这份预问诊已经接手，写在草稿里了；不要的话请放弃那份草稿", field="why")
        erase(writing, known, InterviewState.DISCARDED, why.strip()[:200])
        writing.audit(Action.DISCARD_INTERVIEW, subject=known.id)


def erase_old(store: Store, now: datetime) -> int:
    """Erases what was said in interviews that are older than they are kept; how many."""
    with store.reading() as connection:
        live = interviews_in(
            connection,
            store.node.organisation,
            store.node.facility,
            [*OPEN, *READY, InterviewState.TAKEN_OVER],
        )
    old = [each for each in live if now >= kept_until(each)]
    if old:
        with store.writing(SYSTEM) as writing:
            for each in old:
                erase(writing, each, InterviewState.EXPIRED, "到期")
                writing.audit(Action.EXPIRE_INTERVIEW, subject=each.id)
    return len(old)


def known_interview(store: Store, by: Account, interview_id: str) -> StoredInterview:
    """An interview of this clinic, without a line in the log: for a page that was opened and written down."""
    require(by, Permission.WRITE_DRAFT)
    with store.reading() as connection:
        return _known(connection, by, interview_id)


def _urgency(stored: StoredInterview) -> tuple[bool, int, datetime]:
    # What is mild only because nobody answered stands where the queue puts it, not behind those who are known to be well.
    return (not is_alarming(stored), -gravity(stored.level, provisional=stored.record.provisional), stored.updated_at)


def _known(connection: Connection, by: Account, interview_id: str) -> StoredInterview:
    stored = interview_by_id(connection, by.organisation, interview_id)
    if stored is None:
        raise UserError("没有这份预问诊；请从列表里打开", field="interview")
    if stored.state in (InterviewState.DISCARDED, InterviewState.EXPIRED):
        raise UserError("这份预问诊已经删除或过期，里面没有内容了；请直接问诊", field="interview")
    return stored


def _likely(connection: Connection, organisation: str, stored: StoredInterview) -> list[Person]:
    named: Sequence[str] = [name for name in (stored.person_id, stored.record.invited_person) if name]
    found = [person_in_use(connection, organisation, each) for each in named]
    claim = stored.record.claim or Claim()
    if claim.number:
        owners = persons_with_identifier(connection, organisation, identifier_forms(claim.number))
        found += [person_in_use(connection, organisation, owner.id) for owner in owners]
    if claim.phone:
        owners = find_people(connection, organisation, claim.phone).people
        namesakes = find_people(connection, organisation, claim.name, limit=_NAMESAKES).people
        # A phone is shared by a household: who is called so comes first.
        found += [person for person in owners if person.name == claim.name]
        found += owners
        found += [person for person in namesakes if person.name == claim.name]
    return list({person.id: person for person in found if person is not None}.values())
