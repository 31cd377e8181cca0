"""How a node stands with its hub, for the person in front of it: what waits, what was refused, and asking the hub for somebody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind, Reason
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.person import Person
from cunyi.journeys.access import require
from cunyi.journeys.deciding_conflicts import may_decide
from cunyi.journeys.seat import Seat
from cunyi.journeys.synchronising import Synchroniser
from cunyi.store.known_nodes import is_hub, undecided_conflicts
from cunyi.store.links import hub_link
from cunyi.store.outbox import OutboxLine, refused, send_again, unsent_count
from cunyi.store.people import persons_by_id
from cunyi.store.unit import Store
from cunyi.sync.messages import FoundPerson

# How many pages of a person's past are fetched while somebody waits; the rest comes by itself.
_PAGES_AT_ONCE = 20


class RefusedShown(msgspec.Struct, frozen=True, kw_only=True):
    """A refused change as it is shown (被拒变更显示), with the person it is of where it is of one."""

    line: OutboxLine
    person: Person | None


class HubStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How this node stands with its hub (同步现状). `hub` is empty where it belongs to none; `is_hub` where it is one itself.

    `conflicts` counts those that the account may decide.
    """

    hub: str
    is_hub: bool
    has_address: bool
    contact_at: datetime | None
    first_done: bool
    problem: Reason
    waiting: dict[ChangeKind, int]
    refused: list[RefusedShown]
    conflicts: int

    @property
    def waiting_in_all(self) -> int:
        """How many changes wait."""
        return sum(self.waiting.values())


def expect_synchronising(account: Account) -> None:
    """NotAllowedError for an account that neither cares for people here nor looks after the computer."""
    if not (account.may(Permission.FIND_PEOPLE) or account.may(Permission.MANAGE_ACCOUNTS)):
        raise NotAllowedError("您的账号不能操作同步；需要时请联系系统管理员", field="account")


def standing(store: Store, by: Account) -> HubStanding:
    """How the node stands."""
    expect_synchronising(by)
    with store.reading() as connection:
        return _standing(connection, by)


def offer_refused_again(store: Store, by: Account) -> int:
    """Sends what was refused once more, after somebody put right what stood in its way; how many changes."""
    expect_synchronising(by)
    with store.writing(by.id) as writing:
        lines = refused(writing.connection, writing.organisation)
        send_again(writing, [line.id for line in lines])
        writing.audit(Action.SEND_CHANGES, detail=f"{len(lines)} 条再送")
    return len(lines)


def find_on_hub(
    store: Store, synchroniser: Synchroniser, by: Account, *, identifier: str, name: str, birth_on: str
) -> Sequence[FoundPerson]:
    """Who somebody is according to the hub, by document number, or by name and birth date. UserError without a line.

    That it was asked is written down on both sides, never for whom.
    """
    require(by, Permission.FIND_PEOPLE)
    if not identifier.strip() and not (name.strip() and birth_on.strip()):
        raise UserError("请写身份证号，或写姓名和出生日期", field="identifier")
    with store.writing(by.id) as writing:
        writing.audit(Action.LOOK_UP_ON_HUB)
    with synchroniser.asking() as kit:
        return kit.find(by.id, identifier=identifier.strip(), name=name.strip(), birth_on=birth_on.strip())


def follow_from_hub(
    seat: Seat, synchroniser: Synchroniser, by: Account, token: str, person_id: str, reason: str
) -> None:
    """Fetches the record of somebody who came to be seen here; from now on what is new of them comes too.

    The reason is written down on both sides, and opens the record for this session.
    """
    require(by, Permission.READ_RECORD)
    if not reason.strip():
        raise UserError("请写明为什么要调这份档案，如 来本室就诊", field="reason")
    with seat.store.writing(by.id) as writing:
        writing.audit(Action.FOLLOW_PERSON, person=person_id)
    with synchroniser.asking() as kit:
        kit.follow(by.id, person_id, reason=reason.strip())
        for _ in range(_PAGES_AT_ONCE):
            if not kit.pull().more:
                break
    synchroniser.wake()
    seat.open_outside(token, person_id, reason)


def _standing(connection: Connection, by: Account) -> HubStanding:
    organisation = by.organisation
    link = hub_link(connection, organisation)
    lines = refused(connection, organisation) if link is not None else []
    people = persons_by_id(connection, organisation, [line.person for line in lines if line.person is not None])
    return HubStanding(
        hub="" if link is None else link.name,
        is_hub=is_hub(connection, organisation),
        has_address=link is not None and bool(link.address),
        contact_at=None if link is None else link.contact_at,
        first_done=link is not None and link.first_done,
        problem=Reason() if link is None else Reason.of(link.problem),
        waiting={} if link is None else unsent_count(connection, organisation),
        refused=[
            RefusedShown(line=line, person=people.get(line.person) if line.person is not None else None)
            for line in lines
        ],
        conflicts=sum(
            count
            for village, count in undecided_conflicts(connection, organisation).items()
            if may_decide(by) and (not village or by.looks_after(village))
        ),
    )
