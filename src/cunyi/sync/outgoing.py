"""What a node has not been answered about yet, made ready to travel: its own changes, and those that it carries for others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select

from cunyi.domain.change import DIRECTORY, SIGNED, ChangeKind, Difference
from cunyi.store import schema, township_schema
from cunyi.store.attachments import attachment_by_id
from cunyi.store.links import values_in
from cunyi.store.travelling import TYPES
from cunyi.store.unit import Store
from cunyi.sync.gathering import header_of
from cunyi.sync.messages import SignedThing, TravellingChange
from cunyi.sync.sealing import signed_change

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MOST_AT_ONCE = 500
_BYTES_BESIDE = 250


def unsent(store: Store, connection: Connection, limit: int, *, after: int = 0) -> list[TravellingChange]:
    """The unanswered changes after a place of this log, oldest first, as many as fit; one at least."""
    log = schema.change
    query = (
        select(log)
        .where(
            log.c.organisation == store.node.organisation,
            log.c.sent_at.is_(None),
            log.c.sequence > after,
            log.c.kind.not_in(DIRECTORY),
        )
        .order_by(log.c.sequence)
        .limit(_MOST_AT_ONCE)
    )
    rows = connection.execute(query).all()
    originals = _originals(connection, store.node.organisation, rows)
    changes: list[TravellingChange] = []
    size = 0
    for row in rows:
        change = _travelling(store, connection, row, originals)
        size += _BYTES_BESIDE + len(change.body) + (len(change.signed.packed) if change.signed else 0)
        if changes and size > limit:
            break
        changes.append(change)
    return changes


def has_unsent(connection: Connection, organisation: str) -> bool:
    """Whether anything waits to be answered."""
    log = schema.change
    query = select(log.c.sequence).where(
        log.c.organisation == organisation, log.c.sent_at.is_(None), log.c.kind.not_in(DIRECTORY)
    )
    return connection.execute(query.limit(1)).first() is not None


def unsent_differences(
    connection: Connection, organisation: str, subjects: Sequence[str]
) -> dict[tuple[ChangeKind, str], list[Difference]]:
    """What was done to things here and not answered yet, oldest first."""
    log = schema.change
    query = (
        select(log.c.kind, log.c.subject, log.c.body)
        .where(log.c.organisation == organisation, log.c.sent_at.is_(None), log.c.kind.in_(list(TYPES)))
        .order_by(log.c.sequence)
    )
    found: dict[tuple[ChangeKind, str], list[Difference]] = {}
    for row in values_in(connection, query, log.c.subject, subjects):
        if row.body:
            made = msgspec.json.decode(row.body, type=Difference)
            found.setdefault((ChangeKind(row.kind), row.subject), []).append(made)
    return found


def signed_original(connection: Connection, organisation: str, kind: ChangeKind, subject: str) -> SignedThing | None:
    """A signed record or note with its proof."""
    table = _TABLES[kind]
    found = values_in(connection, select(table).where(table.c.organisation == organisation), table.c.id, [subject])
    return _proof(found[0]) if found else None


_TABLES: dict[ChangeKind, Table] = {ChangeKind.DOCUMENT: schema.document, ChangeKind.NOTE: township_schema.note}


def _originals(connection: Connection, organisation: str, rows: Sequence[Any]) -> dict[str, SignedThing]:
    found: dict[str, SignedThing] = {}
    for kind, table in _TABLES.items():
        ids = [row.subject for row in rows if row.kind == kind]
        query = select(table.c.id, table.c.body, table.c.hash, table.c.signature, table.c.node_id).where(
            table.c.organisation == organisation
        )
        found |= {row.id: _proof(row) for row in values_in(connection, query, table.c.id, ids)}
    return found


def _proof(row: Any) -> SignedThing:
    return SignedThing(bytes(row.body), bytes(row.hash), bytes(row.signature), row.node_id)


def _travelling(store: Store, connection: Connection, row: Any, originals: dict[str, SignedThing]) -> TravellingChange:
    carried = row.origin is not None
    kind, body, signed = ChangeKind(row.kind), bytes(row.body), None
    if kind in SIGNED:
        # What is carried for another, of somebody who is not known here, lies in the change itself.
        signed = originals.get(row.subject) or (msgspec.msgpack.decode(body, type=SignedThing) if body else None)
        body = b""
    elif kind is ChangeKind.ATTACHMENT and not carried:
        header = attachment_by_id(connection, store.node.organisation, row.subject)
        body = header_of(header) if header else b""
    change = TravellingChange(
        row.id,
        row.sequence,
        row.kind,
        row.subject,
        row.origin or store.node.id,
        (row.at - _START) // _MILLISECOND,
        row.person_id,
        body,
        bytes(row.signature) if carried and row.signature else b"",
        signed,
    )
    return change if carried or kind in SIGNED else signed_change(store.key, change)
