"""The nodes that were enrolled: the hub's directory, and on every kit what it was told of the others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from cunyi.domain.archive_code import SerialBlock
from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.domain.organisation import KnownNode, NodeStanding
from cunyi.store import schema, township_schema
from cunyi.store.nodes import grant_serials, serial_blocks, villages
from cunyi.store.township_schema import known_node as table
from cunyi.store.unit import Writing

# The highest serials of every village are the hub's own.
HUB_SERIALS = (90_001, 99_999)
# More than are granted for one village between two backups.
_PASSED_OVER = 5_000


def is_hub(connection: Connection, organisation: str) -> bool:
    """Whether this node is a hub: only hubs have epochs."""
    epochs = township_schema.epoch
    found = connection.execute(select(epochs.c.number).where(epochs.c.organisation == organisation).limit(1))
    return found.first() is not None


def keep_node(writing: Writing, node: KnownNode) -> None:
    """Keeps what the hub decided of a node, and tells the others of it; its sealed key goes nowhere."""
    before = node_by_id(writing.connection, writing.organisation, node.id)
    _write(writing, node)
    was = None if before is None else directory_entry(before)
    if was != directory_entry(node):
        writing.change(ChangeKind.NODE, node.id, before=was, after=directory_entry(node))


def receive_node(writing: Writing, node: KnownNode) -> None:
    """Keeps what the hub says of a node: of another one its key and state, of this one the serials that it may give out."""
    if node.id != writing.node.id:
        before = node_by_id(writing.connection, writing.organisation, node.id)
        if before is not None and not node.sealing_key:
            node = msgspec.structs.replace(node, sealing_key=before.sealing_key, holds_key=before.holds_key)
        _write(writing, node)
        return
    for granted in node.serials:
        known = serial_blocks(writing.connection, writing.organisation, granted.village_code)
        if all(granted.first > block.last or block.first > granted.last for block in known):
            grant_serials(
                writing, SerialBlock(village_code=granted.village_code, first=granted.first, last=granted.last)
            )


def directory_entry(node: KnownNode) -> KnownNode:
    """What other nodes may know of a node."""
    return msgspec.structs.replace(node, escrow=b"", standing=NodeStanding())


def known_nodes(connection: Connection, organisation: str) -> list[KnownNode]:
    """Every node that was enrolled, the revoked ones too, in the order of enrolment."""
    rows = connection.execute(select(table.c.details).where(table.c.organisation == organisation).order_by(table.c.id))
    return sorted((_node(details) for details in rows.scalars()), key=lambda node: (node.enrolled_at, node.id))


def node_by_id(connection: Connection, organisation: str, node_id: str) -> KnownNode | None:
    """A node by its id."""
    details = connection.execute(select(table.c.details).where(_key(organisation, node_id))).scalar_one_or_none()
    return None if details is None else _node(details)


def note_contact(
    writing: Writing, node_id: str, *, protocol: int, waiting: int, refused: int, conflicts: int = 0
) -> None:
    """Writes down that a node was heard of and how it stands. Working state: nothing of it is a record."""
    node = node_by_id(writing.connection, writing.organisation, node_id)
    if node is None:
        return
    standing = NodeStanding(
        synced_at=node.standing.synced_at if waiting else writing.at,
        waiting=waiting,
        refused=refused,
        conflicts=conflicts,
    )
    heard = msgspec.structs.replace(node, standing=standing, protocol=protocol)
    writing.connection.execute(
        update(table).where(_key(writing.organisation, node_id)).values(contact_at=writing.at, details=canonical(heard))
    )


def contacts(connection: Connection, organisation: str) -> dict[str, datetime | None]:
    """When each node was last heard of, by node id; None for one that was never heard of since it was enrolled."""
    rows = connection.execute(select(table.c.id, table.c.contact_at).where(table.c.organisation == organisation))
    return {row.id: row.contact_at for row in rows}


def undecided_conflicts(connection: Connection, organisation: str) -> dict[str, int]:
    """How many conflicts wait for a decision, by village; those of no village under the empty code."""
    conflicts = township_schema.conflict
    rows = connection.execute(
        select(conflicts.c.village_code, func.count())
        .where(conflicts.c.organisation == organisation, conflicts.c.decided_at.is_(None))
        .group_by(conflicts.c.village_code)
    )
    return {code or "": count for code, count in rows}


def highest_serial(connection: Connection, organisation: str, village_code: str, below: int) -> int:
    """The highest archive serial of a village, under a bound, that anybody here has or any node may give out; 0 for none."""
    people = schema.person
    codes = connection.execute(
        select(func.max(people.c.archive_code)).where(
            people.c.organisation == organisation,
            people.c.archive_code >= f"{village_code}00000",
            people.c.archive_code < f"{village_code}{below:05}",
        )
    ).scalar_one()
    used = [int(codes[-5:])] if codes else []
    own = [block.last for block in serial_blocks(connection, organisation, village_code) if block.first < below]
    others = [
        granted.last
        for node in known_nodes(connection, organisation)
        for granted in node.serials
        if granted.village_code == village_code
    ]
    return max((*used, *own, *others, 0))


def pass_over_grants(writing: Writing) -> None:
    """After a hub was restored: serials that it may have granted since the backup are not granted again."""
    for village in villages(writing.connection, writing.organisation):
        first = highest_serial(writing.connection, writing.organisation, village, HUB_SERIALS[0]) + 1
        last = min(first + _PASSED_OVER, HUB_SERIALS[0]) - 1
        if first <= last:
            grant_serials(writing, SerialBlock(village_code=village, first=first, last=last, used_through=last))


def _key(organisation: str, node_id: str) -> Any:
    return (table.c.organisation == organisation) & (table.c.id == node_id)


def _write(writing: Writing, node: KnownNode) -> None:
    values: dict[str, Any] = {
        "facility": node.facility,
        "public_key": node.public_key,
        "state": node.state,
        "details": canonical(node),
    }
    changed = writing.connection.execute(update(table).where(_key(writing.organisation, node.id)).values(**values))
    if changed.rowcount == 0:
        writing.connection.execute(
            insert(table).values(organisation=node.organisation, id=node.id, counter=0, contact_at=None, **values)
        )


def _node(details: bytes) -> KnownNode:
    return msgspec.json.decode(details, type=KnownNode)
