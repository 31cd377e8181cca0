"""Who this node exchanges changes with and how far it got; on a hub also its epochs, and whom its nodes follow."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import uuid_utils
from sqlalchemy import Connection, func, insert, select, update

from cunyi.domain.audit import Action
from cunyi.domain.encounter import canonical
from cunyi.store import schema, township_schema
from cunyi.store.known_nodes import pass_over_grants
from cunyi.store.unit import Writing

_AT_ONCE = 500


class LinkRole(StrEnum):
    """What the other node is to this one (对方身份: 中心 / 节点)."""

    HUB = "hub"
    KIT = "kit"


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another node, and how far the exchange with it got (同步进度).

    A kit keeps of its hub: `epoch`, `after` and `after_id` (its place in the hub's log), `cursor` and `through`, `through_id` while
    a first sync goes on, `first_done`; `offering` while a restored hub is given what is here, None otherwise, and in a file
    `offered_in`, the number of the last message of it; `settled`, the last of its own
    changes whose result it has seen; `own_until`, up to where it fetches its own work after it was restored itself; `uploads`, the
    bytes that the hub has of pictures not yet complete there. A hub keeps of each node: `received` and `received_id`, the last
    of the node's own changes. `scope` is this node's own, as the hub has it. Between kits `counter` is the last number of this one's
    messages, `heard` that of the other's. `marks` are places of the hub's log that were seen, few and ever wider apart, by which a
    hub that was restored is told from where on its log is another.
    """

    id: str
    organisation: str
    role: LinkRole
    name: str = ""
    public_key: bytes = b""
    file_key: bytes = b""
    address: str = ""
    counter: int = 0
    epoch: str = ""
    after: int = 0
    after_id: str | None = None
    cursor: str = ""
    first_done: bool = False
    offering: str | None = None
    offered_in: int = 0
    settled: int = 0
    own_until: int = 0
    uploads: dict[str, int] = {}
    scope: tuple[str, ...] = ()
    heard: int = 0
    marks: tuple[tuple[int, str], ...] = ()
    received: int = 0
    received_id: str | None = None
    contact_at: datetime | None = None
    problem: str = ""


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """The time of a hub between two restorations (纪元). Its log had `after_sequence` places when it began."""

    number: int
    mark: str
    after_sequence: int


def hub_link(connection: Connection, organisation: str) -> Link | None:
    """The link of a kit to its hub; None where it belongs to none."""
    table = township_schema.link
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.role == LinkRole.HUB).limit(1)
    ).scalar_one_or_none()
    return None if details is None else msgspec.json.decode(details, type=Link)


def link_by_id(connection: Connection, organisation: str, node_id: str) -> Link | None:
    """The link to a node."""
    table = township_schema.link
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == node_id)
    ).scalar_one_or_none()
    return None if details is None else msgspec.json.decode(details, type=Link)


def keep_link(connection: Connection, link: Link) -> None:
    """Keeps a link as it now is."""
    table = township_schema.link
    values = {"role": link.role, "details": canonical(link)}
    key = (table.c.organisation == link.organisation) & (table.c.id == link.id)
    if connection.execute(update(table).where(key).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(organisation=link.organisation, id=link.id, **values))


def current_epoch(connection: Connection, organisation: str) -> Epoch | None:
    """The epoch that a hub is in; None where this is no hub."""
    table = township_schema.epoch
    row = connection.execute(
        select(table).where(table.c.organisation == organisation).order_by(table.c.number.desc()).limit(1)
    ).one_or_none()
    return None if row is None else Epoch(number=row.number, mark=row.mark, after_sequence=row.after_sequence)


def begin_epoch(writing: Writing, after_sequence: int | None = None) -> Epoch:
    """Makes this node a hub, or tells its nodes that it was restored: they give again what they hold, and fetch everything anew.

    `after_sequence` is the last place of the log that is as it was before; where it is not given, all of it is.
    """
    before = current_epoch(writing.connection, writing.organisation)
    made = Epoch(
        number=before.number + 1 if before else 1,
        # Not made from the clock: a restored hub must never give out the same mark twice.
        mark=str(uuid_utils.uuid4()),
        after_sequence=last_sequence(writing.connection, writing.organisation)
        if after_sequence is None
        else after_sequence,
    )
    writing.connection.execute(
        insert(township_schema.epoch).values(
            organisation=writing.organisation, begun_at=writing.at, **msgspec.structs.asdict(made)
        )
    )
    if before is not None:
        pass_over_grants(writing)
    writing.audit(Action.BEGIN_EPOCH, detail=str(made.number))
    return made


def last_sequence(connection: Connection, organisation: str) -> int:
    """The last place of this node's log."""
    table = schema.change
    last: int = connection.execute(
        select(func.coalesce(func.max(table.c.sequence), 0)).where(table.c.organisation == organisation)
    ).scalar_one()
    return last


def id_at(connection: Connection, organisation: str, sequence: int) -> str | None:
    """The id of the change at a place of this node's log; None where there is none."""
    table = schema.change
    return connection.execute(
        select(table.c.id).where(table.c.organisation == organisation, table.c.sequence == sequence)
    ).scalar_one_or_none()


def advance_counter(connection: Connection, organisation: str, node_id: str, counter: int) -> bool:
    """Remembers the counter of a request; False where it is not later than the last one: then the request is an old one."""
    table = township_schema.known_node
    key = (table.c.organisation == organisation) & (table.c.id == node_id) & (table.c.counter < counter)
    return bool(connection.execute(update(table).where(key).values(counter=counter)).rowcount)


def counter_of(connection: Connection, organisation: str, node_id: str) -> int:
    """The counter of the last request of a node."""
    table = township_schema.known_node
    last: int | None = connection.execute(
        select(table.c.counter).where(table.c.organisation == organisation, table.c.id == node_id)
    ).scalar_one_or_none()
    return last or 0


def note_heard(connection: Connection, organisation: str, node_id: str, at: datetime) -> None:
    """Writes down that a node was heard of."""
    table = township_schema.known_node
    connection.execute(
        update(table).where(table.c.organisation == organisation, table.c.id == node_id).values(contact_at=at)
    )


def followed_by(connection: Connection, organisation: str, node_id: str) -> dict[str, int]:
    """The people whom a node was given beside those of its villages, and since which place of the log."""
    table = township_schema.followed
    rows = connection.execute(
        select(table.c.person_id, table.c.since).where(table.c.organisation == organisation, table.c.node_id == node_id)
    )
    return {row.person_id: row.since for row in rows}


def follow(connection: Connection, organisation: str, node_id: str, person_id: str, since: int) -> None:
    """Gives a person to a node from a place of the log on."""
    table = township_schema.followed
    key = (table.c.organisation == organisation) & (table.c.node_id == node_id) & (table.c.person_id == person_id)
    if connection.execute(update(table).where(key).values(since=since)).rowcount == 0:
        connection.execute(
            insert(table).values(organisation=organisation, node_id=node_id, person_id=person_id, since=since)
        )


def values_in(connection: Connection, query: Any, column: Any, values: Collection[str]) -> list[Any]:
    """The rows of a query whose column is one of many values, asked for a few hundred at a time."""
    found: list[Any] = []
    whole = list(values)
    for start in range(0, len(whole), _AT_ONCE):
        found += connection.execute(query.where(column.in_(whole[start : start + _AT_ONCE]))).all()
    return found
