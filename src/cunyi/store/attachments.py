"""Pictures of a thread: kept in parts within the encrypted store, so that a bad line can bring them piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, exists, insert, select, update

from cunyi.domain.change import ChangeKind
from cunyi.store.signing import sm3
from cunyi.store.township_schema import attachment as headers
from cunyi.store.township_schema import attachment_part as parts
from cunyi.store.township_schema import note as notes
from cunyi.store.unit import Writing

PART_BYTES = 96 * 1024


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a thread (附件). `bytes_here` of its `bytes_total` have arrived; `hash` is the SM3 of all of them."""

    id: str
    organisation: str
    person_id: str
    thread_id: str
    media_type: str
    bytes_total: int
    bytes_here: int
    hash: bytes

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.bytes_here == self.bytes_total


def add_attachment(writing: Writing, person_id: str, thread_id: str, media_type: str, data: bytes) -> Attachment:
    """Keeps a picture that was taken here. It is sent on only once a note of its thread names it: `send_attachments`."""
    made = Attachment(
        id=writing.new_id(),
        organisation=writing.organisation,
        person_id=person_id,
        thread_id=thread_id,
        media_type=media_type,
        bytes_total=len(data),
        bytes_here=0,
        hash=sm3(data),
    )
    insert_header(writing.connection, made)
    for first in range(0, len(data), PART_BYTES):
        insert_part(writing.connection, writing.organisation, made.id, first, data[first : first + PART_BYTES])
    return msgspec.structs.replace(made, bytes_here=len(data))


def send_attachments(writing: Writing, attachments: Sequence[Attachment]) -> None:
    """Puts pictures that a note names now into the log of changes: the header travels with it, the bytes beside it."""
    for each in attachments:
        writing.change(ChangeKind.ATTACHMENT, each.id, person=each.person_id)


def insert_header(connection: Connection, attachment: Attachment) -> bool:
    """Keeps what is known of a picture before its bytes; False where it is known already, which changes nothing."""
    if attachment_by_id(connection, attachment.organisation, attachment.id) is not None:
        return False
    values = msgspec.structs.asdict(attachment) | {"bytes_here": 0}
    connection.execute(insert(headers).values(**values))
    return True


def insert_part(connection: Connection, organisation: str, attachment_id: str, first_byte: int, data: bytes) -> int:
    """Adds the bytes that follow those that are here; how many are here now.

    A part from another place is left out, and the answer says from where to go on. Where the whole is not what was signed,
    all of it is dropped and begins anew.
    """
    known = attachment_by_id(connection, organisation, attachment_id)
    if known is None:
        return 0
    if first_byte != known.bytes_here or not data or known.bytes_here + len(data) > known.bytes_total:
        return known.bytes_here
    connection.execute(
        insert(parts).values(organisation=organisation, attachment_id=attachment_id, first_byte=first_byte, data=data)
    )
    here = known.bytes_here + len(data)
    if here == known.bytes_total and sm3(read_attachment(connection, organisation, attachment_id)) != known.hash:
        _drop_parts(connection, organisation, attachment_id)
        here = 0
    connection.execute(
        update(headers)
        .where(headers.c.organisation == organisation, headers.c.id == attachment_id)
        .values(bytes_here=here)
    )
    return here


def read_attachment(
    connection: Connection, organisation: str, attachment_id: str, first_byte: int = 0, most: int | None = None
) -> bytes:
    """The bytes that are here from one place on, at most as many as asked for."""
    rows = connection.execute(
        select(parts.c.first_byte, parts.c.data)
        .where(parts.c.organisation == organisation, parts.c.attachment_id == attachment_id)
        .order_by(parts.c.first_byte)
    )
    whole = b"".join(bytes(row.data) for row in rows)
    return whole[first_byte:] if most is None else whole[first_byte : first_byte + most]


def attachment_by_id(connection: Connection, organisation: str, attachment_id: str) -> Attachment | None:
    """What is known of a picture."""
    row = connection.execute(
        select(headers).where(headers.c.organisation == organisation, headers.c.id == attachment_id)
    ).one_or_none()
    return None if row is None else _attachment(row)


def attachments_of_thread(connection: Connection, organisation: str, thread_id: str) -> list[Attachment]:
    """The pictures of a thread in the order in which they were taken."""
    rows = connection.execute(
        select(headers)
        .where(headers.c.organisation == organisation, headers.c.thread_id == thread_id)
        .order_by(headers.c.id)
    )
    return [_attachment(row) for row in rows]


def incomplete_attachments(connection: Connection, organisation: str, limit: int = 100) -> list[Attachment]:
    """The pictures whose bytes are not all here, the oldest first."""
    rows = connection.execute(
        select(headers)
        .where(headers.c.organisation == organisation, headers.c.bytes_here < headers.c.bytes_total)
        .order_by(headers.c.id)
        .limit(limit)
    )
    return [_attachment(row) for row in rows]


def drop_attachment(writing: Writing, attachment_id: str) -> None:
    """Forgets a picture that no note names."""
    _drop_parts(writing.connection, writing.organisation, attachment_id)
    writing.connection.execute(
        delete(headers).where(headers.c.organisation == writing.organisation, headers.c.id == attachment_id)
    )


def drop_abandoned(writing: Writing, before: datetime) -> int:
    """Forgets the pictures of threads that were never begun, where they were taken before a time; how many."""
    written = exists().where(notes.c.organisation == headers.c.organisation, notes.c.thread_id == headers.c.thread_id)
    rows = writing.connection.execute(
        select(headers.c.id).where(headers.c.organisation == writing.organisation, ~written)
    )
    # The first 48 bits of an id are the milliseconds at which it was made.
    limit = int(before.timestamp() * 1000)
    old = [row.id for row in rows if UUID(row.id).int >> 80 < limit]
    for each in old:
        drop_attachment(writing, each)
    return len(old)


def _drop_parts(connection: Connection, organisation: str, attachment_id: str) -> None:
    connection.execute(
        delete(parts).where(parts.c.organisation == organisation, parts.c.attachment_id == attachment_id)
    )


def _attachment(row: Any) -> Attachment:
    return Attachment(**{**row._mapping, "hash": bytes(row.hash)})
