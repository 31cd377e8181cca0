"""Taking a node out of the township: a lost one, or one that was retired; and what it does to itself when it hears of it."""

from __future__ import annotations

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import KnownNode, NodeState, Revocation
from cunyi.journeys.access import require
from cunyi.journeys.enrolling import ESCROW, expect_hub
from cunyi.journeys.seat import Seat
from cunyi.store.facilities import facility_by_code
from cunyi.store.keyring import DatabaseKey
from cunyi.store.known_nodes import keep_node, node_by_id
from cunyi.store.links import hub_link
from cunyi.store.sealing import SealingKey
from cunyi.store.unit import SYSTEM, Store

_LONGEST_REASON = 100


def revoke(store: Store, by: Account | None, node_id: str, *, reason: str, retired: bool = False) -> KnownNode:
    """From now on the hub refuses this node, which destroys its data when it hears of it. Without `by`: at the hub's own computer.

    What it signed before stays valid, and what it has not sent is lost unless it is sent before.
    """
    if by is not None:
        require(by, Permission.MANAGE_NODES)
    if not reason.strip():
        raise UserError("请写明停用的原因，如 10 月 3 日在去下坪村的路上遗失", field="reason")
    if len(reason.strip()) > _LONGEST_REASON:
        raise UserError("原因最多 {longest} 字", field="reason", longest=_LONGEST_REASON)
    with store.writing(by.id if by else SYSTEM) as writing:
        expect_hub(writing)
        node = node_by_id(writing.connection, writing.organisation, node_id)
        if node is None:
            raise UserError("没有这台设备；请在设备页核对", field="node")
        if node.state is NodeState.REVOKED:
            raise UserError("这台设备已经停用了", field="node")
        revoked = msgspec.structs.replace(
            node,
            state=NodeState.REVOKED,
            revoked_at=writing.latest,
            revoked_reason=reason.strip(),
            retired=retired,
        )
        keep_node(writing, revoked)
        writing.audit(Action.REVOKE_NODE, subject=node.id, detail="退役" if retired else "遗失")
    return revoked


def wipe(seat: Seat, reason: str) -> Revocation:
    """What a node does that its hub revoked: the keys are destroyed first, then everything that they opened.

    The caller has seen the hub's signature. What is told afterwards names the hub and its phone, and nobody's record.
    """
    store = seat.store
    organisation = store.node.organisation
    with store.reading() as connection:
        link = hub_link(connection, organisation)
        hub = node_by_id(connection, organisation, link.id) if link else None
        place = facility_by_code(connection, organisation, hub.facility) if hub else None
    told = Revocation(at=seat.now(), reason=reason, hub=link.name if link else "", phone=place.phone if place else "")
    seat.erase(told)
    return told


def open_escrow(store: Store, by: Account | None, node_id: str) -> DatabaseKey:
    """The database key of a node out of the hub's safe, for a kit whose passwords and recovery sheet are all lost. Written down."""
    if by is not None:
        require(by, Permission.MANAGE_NODES)
    with store.writing(by.id if by else SYSTEM) as writing:
        node = node_by_id(writing.connection, writing.organisation, node_id)
        if node is None:
            raise UserError("没有这台设备；请在设备页核对", field="node")
        raw = SealingKey.of_node(store.key).open(node.escrow, ESCROW + node.id.encode())
        if raw is None:
            raise UserError("这台设备没有把密钥托管在中心；请用它的恢复单打开", field="node")
        writing.audit(Action.OPEN_ESCROW, subject=node.id)
    return DatabaseKey(raw)
