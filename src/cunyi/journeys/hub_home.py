"""The first page of a hub: what was sent to whoever looks, the most urgent first, and how the nodes of the township stand."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.organisation import Facility, FacilityLevel, KnownNode, NodeState
from cunyi.domain.thread import Thread, ThreadKind
from cunyi.journeys.access import require
from cunyi.journeys.organising import workplace
from cunyi.journeys.referral_lists import coordinated_by
from cunyi.store.facilities import facilities
from cunyi.store.known_nodes import contacts, known_nodes, undecided_conflicts
from cunyi.store.nodes import login_policy
from cunyi.store.notes import open_threads
from cunyi.store.unit import Store

# A node that works speaks about once a minute.
_ONLINE = timedelta(minutes=5)
PATHS = {
    ThreadKind.REFERRAL: "/referrals/",
    ThreadKind.CONSULTATION: "/consultations/",
    ThreadKind.CRITICAL_VALUE: "/critical-values/",
}
_MOST_LINES = 200


class ThreadLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits (待办一行). `name` is empty for who may not read records; `path` then leads nowhere, too.

    `waiting_minutes` is since anybody last wrote, `late_minutes` since the next step was due, None where it is not late.
    """

    thread: Thread
    path: str
    name: str
    sender: str
    addressee: str
    waiting_minutes: int
    late_minutes: int | None


class NodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A node as the hub knows it (设备一行). `facility` is its name, `days_left` until its accounts cannot be used offline any more,

    given only when half of that time has passed.
    """

    node: KnownNode
    facility: str
    contact_at: datetime | None
    is_online: bool
    minutes_silent: int | None
    days_left: int | None
    conflicts: int


class HubHome(msgspec.Struct, frozen=True, kw_only=True):
    """What the first page of a hub shows (中心首页). `lines` by kind of thread; `ours` where they are those of one facility.

    `nodes` those in use first, `revoked` those that were taken out; `bare` facilities of the villages without any node.
    """

    place: str
    ours: bool
    lines: dict[str, list[ThreadLine]]
    late: int
    nodes: list[NodeLine]
    revoked: list[NodeLine]
    bare: list[Facility]
    closed: list[Facility]
    conflicts: int


def open_hub_home(store: Store, by: Account, now: datetime) -> HubHome:
    """The first page for one account: doctors see what was sent to their facility or is theirs to coordinate, managers what waits anywhere, without names."""
    require(by, Permission.SEE_COUNTS)
    doctor = by.may(Permission.READ_RECORD)
    place = workplace(store, by)
    organisation = store.node.organisation
    with store.reading() as connection:
        every = {each.code: each for each in facilities(connection, organisation)}
        lines = {
            kind.value: [
                _line(thread, every, now, doctor=doctor)
                for thread in open_threads(
                    connection, organisation, kind, to_facility=place.code if doctor else None, limit=_MOST_LINES
                )
            ]
            for kind in ThreadKind
        }
        if doctor:
            told = coordinated_by(connection, organisation, place.code, now)
            lines[ThreadKind.REFERRAL.value] += [_line(thread, every, now, doctor=True) for thread in told]
        nodes = _nodes(connection, organisation, every, now)
        conflicts = undecided_conflicts(connection, organisation)
    in_use = [each for each in nodes if each.node.state is NodeState.ENROLLED]
    equipped = {each.node.facility for each in in_use}
    villages = [each for each in every.values() if each.level is FacilityLevel.VILLAGE]
    return HubHome(
        place=place.name,
        ours=doctor,
        lines=lines,
        late=sum(line.late_minutes is not None for found in lines.values() for line in found),
        nodes=in_use,
        revoked=[each for each in nodes if each.node.state is NodeState.REVOKED],
        bare=[each for each in villages if each.code not in equipped],
        closed=[each for each in every.values() if not each.open],
        conflicts=sum(conflicts.values()),
    )


def nodes_of(store: Store, now: datetime) -> list[NodeLine]:
    """Every node that was enrolled, the one that needs somebody first."""
    with store.reading() as connection:
        every = {each.code: each for each in facilities(connection, store.node.organisation)}
        return _nodes(connection, store.node.organisation, every, now)


def _line(thread: Thread, every: dict[str, Facility], now: datetime, *, doctor: bool) -> ThreadLine:
    late = None if thread.due_at is None or now < thread.due_at else _minutes(now - thread.due_at)
    return ThreadLine(
        thread=thread,
        path=PATHS[thread.kind] + thread.id if doctor else "",
        name=str(thread.details.get("name", "")) if doctor else "",
        sender=_named(every, thread.from_facility, thread.details.get("from_name")),
        addressee=_named(every, thread.to_facility, thread.details.get("to_name")),
        waiting_minutes=_minutes(now - thread.changed_at),
        late_minutes=late,
    )


def _named(every: dict[str, Facility], code: str, told: object) -> str:
    return every[code].name if code in every else str(told or code)


def _nodes(connection: Connection, organisation: str, every: dict[str, Facility], now: datetime) -> list[NodeLine]:
    heard, conflicts = contacts(connection, organisation), undecided_conflicts(connection, organisation)
    offline_days = login_policy(connection, organisation).offline_days
    found = []
    for node in known_nodes(connection, organisation):
        at = heard.get(node.id)
        silent = now - (at or node.enrolled_at)
        found.append(
            NodeLine(
                node=node,
                facility=every[node.facility].name if node.facility in every else node.facility,
                contact_at=at,
                is_online=at is not None and silent <= _ONLINE,
                minutes_silent=None if at is None else _minutes(silent),
                days_left=max(0, offline_days - silent.days) if 2 * silent.days >= offline_days else None,
                conflicts=sum(
                    count
                    for village, count in conflicts.items()
                    if village and any(village.startswith(each) for each in node.scope)
                ),
            )
        )
    return sorted(found, key=_need)


def _need(line: NodeLine) -> tuple[bool, bool, int, str]:
    """What somebody should look at first: refused or undecided things, then the longest silence."""
    trouble = bool(line.node.standing.refused or line.conflicts)
    return (not trouble, line.is_online, -(line.minutes_silent or 0), line.facility)


def _minutes(span: timedelta) -> int:
    return max(0, int(span.total_seconds() // 60))
