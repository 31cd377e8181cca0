"""Readings that arrived from instruments: kept until a person confirms or discards them, and after that to know them again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, insert, or_, select, update

from cunyi.domain.device import ArrivedReading, ReadingState
from cunyi.domain.errors import UserError
from cunyi.store import packing, schema
from cunyi.store.unit import Writing

_MOST = 200


def add_arrived(writing: Writing, reading: ArrivedReading, mark: bytes) -> None:
    """Keeps a new reading; `mark` is the same for whatever is the same reading of this instrument."""
    writing.connection.execute(
        insert(schema.arrived_reading).values(
            organisation=reading.organisation,
            id=reading.id,
            device_id=reading.device_id,
            mark=mark,
            received_at=reading.received_at,
            draft_id=reading.draft_id,
            state=reading.state,
            details=_packed(reading),
        )
    )


def replace_arrived(writing: Writing, reading: ArrivedReading) -> None:
    """Keeps what became of a reading."""
    table = schema.arrived_reading
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == reading.organisation, table.c.id == reading.id)
        .values(draft_id=reading.draft_id, state=reading.state, details=_packed(reading))
    )


def arrived_before(
    connection: Connection, organisation: str, device_id: str, mark: bytes, *, since: datetime | None
) -> bool:
    """Whether the same reading of this instrument is here already; `since`: only what arrived from then on counts."""
    table = schema.arrived_reading
    query = select(table.c.id).where(
        table.c.organisation == organisation, table.c.device_id == device_id, table.c.mark == mark
    )
    if since is not None:
        query = query.where(table.c.received_at >= since)
    return connection.execute(query.limit(1)).first() is not None


def arrived_by_id(connection: Connection, organisation: str, reading_id: str) -> ArrivedReading | None:
    """A reading by id."""
    table = schema.arrived_reading
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == reading_id)
    ).scalar_one_or_none()
    return None if details is None else _reading(details)


def arrived_for_draft(
    connection: Connection, organisation: str, draft_id: str, state: ReadingState
) -> list[ArrivedReading]:
    """The readings of one encounter under way in one state, in order of arrival."""
    table = schema.arrived_reading
    return _readings(
        connection,
        select(table.c.details)
        .where(table.c.organisation == organisation, table.c.state == state, table.c.draft_id == draft_id)
        .order_by(table.c.received_at, table.c.id),
    )


def arrived_for_nobody(connection: Connection, organisation: str) -> list[ArrivedReading]:
    """The readings that wait and belong to no encounter, or to one that is no longer under way; newest first, the first 200."""
    table, drafts = schema.arrived_reading, schema.draft
    found = _readings(
        connection,
        select(table.c.details)
        .outerjoin(drafts, (drafts.c.organisation == table.c.organisation) & (drafts.c.id == table.c.draft_id))
        .where(
            table.c.organisation == organisation,
            table.c.state == ReadingState.WAITING,
            or_(table.c.draft_id.is_(None), drafts.c.id.is_(None)),
        )
        .order_by(table.c.received_at.desc(), table.c.id.desc())
        .limit(_MOST),
    )
    return [msgspec.structs.replace(reading, draft_id=None, person_id=None) for reading in found]


def release_confirmed(writing: Writing, draft_id: str) -> None:
    """Lets what was confirmed into an encounter wait again: the encounter was thrown away and its values with it."""
    for reading in arrived_for_draft(writing.connection, writing.organisation, draft_id, ReadingState.CONFIRMED):
        replace_arrived(
            writing,
            msgspec.structs.replace(reading, draft_id=None, person_id=None, state=ReadingState.WAITING, settled_by=""),
        )


def _readings(connection: Connection, query: Select[Any]) -> list[ArrivedReading]:
    return [_reading(details) for details in connection.execute(query).scalars()]


def _packed(reading: ArrivedReading) -> bytes:
    return packing.pack(msgspec.json.encode(reading, enc_hook=_plain_error))


def _reading(details: bytes) -> ArrivedReading:
    return msgspec.json.decode(packing.unpack(details), type=ArrivedReading, dec_hook=_error)


def _plain_error(error: Any) -> dict[str, Any]:
    """What is told, as its sentence and slots, so that it can be told in another language later."""
    if not isinstance(error, UserError):
        raise NotImplementedError
    return {"sentence": error.sentence, "field": error.field, "values": error.values}


def _error(kind: type, plain: dict[str, Any]) -> UserError:
    return UserError(plain["sentence"], field=plain["field"], **plain["values"])
