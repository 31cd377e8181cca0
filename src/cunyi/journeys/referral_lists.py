"""Lists of referrals: what this facility has to answer, what it waits for, what is late and whom to ring, what came in after the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.referral import Party, ReferralDirection, ReferralState, ReferralUrgency
from cunyi.domain.referral_course import ReferralCourse
from cunyi.domain.thread import Thread, ThreadKind
from cunyi.journeys.access import require
from cunyi.journeys.thread_notes import facility_of
from cunyi.knowledge.referral_loops import COORDINATOR, ReferralLoop, Reminder
from cunyi.reasoning.choosing_facility import coordinator_for
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.referral_reminders import call_again_at, reminders_due
from cunyi.store.answering import overdue_threads
from cunyi.store.facilities import facilities, facility_by_code
from cunyi.store.notes import threads_of_person
from cunyi.store.people import same_person
from cunyi.store.referrals import referrals_of
from cunyi.store.unit import Store

# What came after the end of a referral is looked for this long.
_ENDED = timedelta(days=60)
_WAITING_FOR_AN_ANSWER = (ReferralState.REQUESTED, ReferralState.RECEIVED, ReferralState.ACCEPTED)


class Pile(StrEnum):
    """Where a referral lies on the page (转诊列表分类: 要您处理 / 要您协调 / 等对方 / 结束后又有消息)."""

    MINE = "mine"
    COORDINATE = "coordinate"
    THEIRS = "theirs"
    NEWS = "news"


_TO_DO = (Pile.MINE, Pile.COORDINATE)


class ReferralLine(msgspec.Struct, frozen=True, kw_only=True):
    """One referral in a list (转诊一览). `late` is how long it is over its time, `reminder` the next thing to do about that;
    `again_at` is when to ring again where somebody has rung since the last step.
    """

    thread: Thread
    pile: Pile
    late: timedelta | None
    reminder: Reminder | None
    place_closed: bool
    unread: bool
    again_at: datetime | None = None


class ReferralCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The referrals as the first page tells them (转诊提示)."""

    mine: int
    late: int
    unread: int
    urgent: int

    @property
    def any(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.mine or self.late or self.unread)


class WhomToRing(msgspec.Struct, frozen=True, kw_only=True):
    """A reminder with the telephone that it means (催办对象); `phone` is empty where none is known."""

    reminder: Reminder
    name: str
    phone: str


def my_referrals(store: Store, by: Account, knowledge: Knowledge, now: datetime) -> list[ReferralLine]:
    """The referrals of the account's facility: what it has to do first, by urgency and lateness."""
    require(by, Permission.READ_RECORD)
    loop = knowledge.content.referral_loop
    own = facility_of(store, by)
    with store.reading() as connection:
        threads = referrals_of(connection, by.organisation, own, ended_since=now - _ENDED)
        threads += coordinated_by(connection, by.organisation, own, now)
        closed = {each.code for each in facilities(connection, by.organisation) if not each.open}
    lines = [line for each in threads if (line := _line(each, own, loop, closed, now)) is not None]
    return sorted(lines, key=_place)


def counts_of(lines: list[ReferralLine]) -> ReferralCounts:
    """The figures of the first page."""
    return ReferralCounts(
        mine=sum(each.pile in _TO_DO for each in lines),
        late=sum(each.late is not None for each in lines),
        unread=sum(each.unread for each in lines),
        urgent=sum(each.pile in _TO_DO and each.thread.urgency == ReferralUrgency.EMERGENCY.level for each in lines),
    )


def whom_to_ring(
    store: Store, by: Account, referral: ReferralCourse, knowledge: Knowledge, now: datetime
) -> list[WhomToRing]:
    """What the account's facility can do about a late referral, the latest step first, with the telephones."""
    loop = knowledge.content.referral_loop
    if (
        loop is None
        or referral.closed
        or _who_urges(referral.waits_for) not in referral.parties_of(facility_of(store, by))
    ):
        return []
    due = reminders_due(loop, referral.state, referral.urgency, referral.direction, referral.due_at, now)
    with store.reading() as connection:
        return [_ring(connection, by, referral, each) for each in due]


def referrals_about(store: Store, by: Account, person_id: str) -> list[Thread]:
    """Every referral of a person, newest first, for whoever opened their record."""
    require(by, Permission.READ_RECORD)
    with store.reading() as connection:
        persons = same_person(connection, by.organisation, person_id)
        return threads_of_person(connection, by.organisation, persons, ThreadKind.REFERRAL)


def coordinated_by(connection: Connection, organisation: str, own: str, now: datetime) -> list[Thread]:
    """The late referrals of others that the program told this facility of, until somebody takes the next step."""
    late = overdue_threads(connection, organisation, (ThreadKind.REFERRAL,), now)
    return [
        each
        for each in late
        if own in each.details.get("coordinators", ())
        and each.details.get("escalated")
        and own not in (each.from_facility, each.to_facility)
    ]


def _line(thread: Thread, own: str, loop: ReferralLoop | None, closed: set[str], now: datetime) -> ReferralLine | None:
    details = thread.details
    if own not in (thread.from_facility, thread.to_facility):
        return _of_coordinator(thread, loop, now)
    side = Party.SENDER if thread.from_facility == own else Party.RECEIVER
    unread = side.value in details["unread_by"]
    if thread.closed and not unread:
        return None
    state, direction = ReferralState(thread.state), ReferralDirection(details["direction"])
    urgency = ReferralUrgency(details["urgency"])
    gone = thread.to_facility in closed and state in _WAITING_FOR_AN_ANSWER
    late = now - thread.due_at if thread.due_at is not None and now > thread.due_at else None
    waits_for = Party(details["waits_for"]) if details["waits_for"] else None
    parties = {side}
    if side is (Party.SENDER if direction is ReferralDirection.UP else Party.RECEIVER):
        parties.add(Party.HOME)
    mine = waits_for in parties
    reminders = []
    if loop and not thread.closed and _who_urges(waits_for) in parties:
        reminders = reminders_due(loop, state, urgency, direction, thread.due_at, now)
    if gone:
        mine = side is Party.SENDER
    pile = Pile.NEWS if thread.closed else Pile.MINE if mine else Pile.THEIRS
    return ReferralLine(
        thread=thread,
        pile=pile,
        late=late,
        reminder=reminders[0] if reminders else None,
        place_closed=gone,
        unread=unread,
        again_at=_again_at(thread, loop),
    )


def _of_coordinator(thread: Thread, loop: ReferralLoop | None, now: datetime) -> ReferralLine:
    details = thread.details
    due: list[Reminder] = []
    if loop is not None:
        state, urgency = ReferralState(thread.state), ReferralUrgency(details["urgency"])
        due = reminders_due(loop, state, urgency, ReferralDirection(details["direction"]), thread.due_at, now)
    return ReferralLine(
        thread=thread,
        pile=Pile.COORDINATE,
        late=now - thread.due_at if thread.due_at is not None else None,
        # What was to be done before the coordinator was told is for them to do now.
        reminder=next((each for each in due if each.whom != COORDINATOR), None),
        place_closed=False,
        unread=False,
        again_at=_again_at(thread, loop),
    )


def _again_at(thread: Thread, loop: ReferralLoop | None) -> datetime | None:
    called = thread.details.get("called_at")
    if loop is None or called is None or thread.closed:
        return None
    return call_again_at(loop, ReferralUrgency(thread.details["urgency"]), datetime.fromisoformat(called))


def _who_urges(waits_for: Party | None) -> Party | None:
    """Who does something about a delay: whoever is to act, but where the other side is to answer it is the sender who rings."""
    return Party.SENDER if waits_for is Party.RECEIVER else waits_for


def _place(line: ReferralLine) -> tuple[int, int, bool, float, str]:
    return (
        list(Pile).index(line.pile),
        -line.thread.urgency,
        line.late is None,
        -(line.late or timedelta()).total_seconds(),
        line.thread.id,
    )


def _ring(connection: Connection, by: Account, referral: ReferralCourse, reminder: Reminder) -> WhomToRing:
    name, phone = "", ""
    slip = referral.slip
    place = facility_by_code(connection, by.organisation, referral.place.facility) if referral.place.facility else None
    match reminder.whom:
        case "receiver":
            name = f"{referral.place.name} {referral.place.department}".strip()
            phone = referral.place.phone or (place.phone if place else "")
        case "emergency":
            name = referral.place.name
            phone = place.emergency_phone if place else ""
        case "patient":
            name = referral.person.name
            phone = slip.patient_phone if slip else ""
        case "manager":
            known = facilities(connection, by.organisation)
            sides = (referral.from_facility, referral.place.facility)
            above = coordinator_for(referral.events[0].note.village_code, sides, known)
            name, phone = (above.name, above.phone) if above else ("", "")
    return WhomToRing(reminder=reminder, name=name, phone=phone)
