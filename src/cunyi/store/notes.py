"""Notes of threads, kept byte for byte as they were signed, and the present state of each thread made from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.domain.folding import fold
from cunyi.domain.thread import Note, Thread, ThreadKind
from cunyi.store import packing
from cunyi.store.signing import sm3
from cunyi.store.township_schema import note as notes
from cunyi.store.township_schema import thread as threads
from cunyi.store.unit import Writing


class KeptNote(msgspec.Struct, frozen=True, kw_only=True):
    """A signed note with what proves it (往来记录及凭证). `body` is the note exactly as it was signed."""

    note: Note
    body: bytes
    hash: bytes
    signature: bytes


def keep_note(writing: Writing, note: Note) -> Thread:
    """Signs and keeps a note that was written here, and brings its thread up to date. The caller adds the audit line."""
    body = canonical(note)
    insert_note(writing.connection, KeptNote(note=note, body=body, hash=sm3(body), signature=writing.key.sign(body)))
    writing.change(ChangeKind.NOTE, note.id, person=note.person.id)
    return project_thread(writing.connection, note.organisation, note.thread)


def insert_note(connection: Connection, kept: KeptNote) -> None:
    """Keeps a note as it was signed. Its thread is brought up to date by `project_thread`."""
    note = kept.note
    connection.execute(
        insert(notes).values(
            organisation=note.organisation,
            id=note.id,
            thread_id=note.thread,
            thread_kind=note.thread_kind,
            person_id=note.person.id,
            body=packing.pack(kept.body),
            hash=kept.hash,
            signature=kept.signature,
            node_id=note.node,
            signed_at=note.signed_at,
        )
    )


def project_thread(connection: Connection, organisation: str, thread_id: str) -> Thread:
    """Makes the present state of a thread from its notes."""
    thread = fold([kept.note for kept in notes_of(connection, organisation, thread_id)])
    key = (threads.c.organisation == organisation) & (threads.c.id == thread_id)
    values = _row(thread)
    if connection.execute(update(threads).where(key).values(**values)).rowcount == 0:
        connection.execute(insert(threads).values(**values))
    return thread


def rebuild_threads(writing: Writing) -> int:
    """Makes every thread anew from its notes; how many there are."""
    writing.connection.execute(delete(threads).where(threads.c.organisation == writing.organisation))
    found = (
        writing.connection.execute(
            select(notes.c.thread_id).where(notes.c.organisation == writing.organisation).distinct()
        )
        .scalars()
        .all()
    )
    for thread_id in found:
        project_thread(writing.connection, writing.organisation, thread_id)
    return len(found)


def note_by_id(connection: Connection, organisation: str, note_id: str) -> KeptNote | None:
    """A note by its id."""
    row = connection.execute(
        select(notes).where(notes.c.organisation == organisation, notes.c.id == note_id)
    ).one_or_none()
    return None if row is None else _kept(row)


def notes_of(connection: Connection, organisation: str, thread_id: str) -> list[KeptNote]:
    """The notes of a thread by id; `in_order` puts them in the order in which they follow each other."""
    rows = connection.execute(
        select(notes).where(notes.c.organisation == organisation, notes.c.thread_id == thread_id).order_by(notes.c.id)
    )
    return [_kept(row) for row in rows]


def thread_by_id(connection: Connection, organisation: str, thread_id: str) -> Thread | None:
    """A thread as it stands."""
    row = connection.execute(
        select(threads).where(threads.c.organisation == organisation, threads.c.id == thread_id)
    ).one_or_none()
    return None if row is None else thread_of_row(row)


def threads_of_person(
    connection: Connection, organisation: str, persons: Sequence[str], kind: ThreadKind | None = None
) -> list[Thread]:
    """The threads about a person (all the ids they stand under), newest first."""
    query = select(threads).where(threads.c.organisation == organisation, threads.c.person_id.in_(persons))
    if kind is not None:
        query = query.where(threads.c.kind == kind)
    return [
        thread_of_row(row)
        for row in connection.execute(query.order_by(threads.c.opened_at.desc(), threads.c.id.desc()))
    ]


def open_threads(
    connection: Connection,
    organisation: str,
    kind: ThreadKind,
    *,
    to_facility: str | None = None,
    from_facility: str | None = None,
    limit: int = 500,
) -> list[Thread]:
    """The threads of a kind that are not closed, the most urgent first and then the longest unchanged."""
    query = select(threads).where(
        threads.c.organisation == organisation, threads.c.kind == kind, threads.c.closed.is_(False)
    )
    if to_facility is not None:
        query = query.where(threads.c.to_facility == to_facility)
    if from_facility is not None:
        query = query.where(threads.c.from_facility == from_facility)
    rows = connection.execute(query.order_by(threads.c.urgency.desc(), threads.c.changed_at, threads.c.id).limit(limit))
    return [thread_of_row(row) for row in rows]


def _row(thread: Thread) -> dict[str, Any]:
    values = msgspec.structs.asdict(thread)
    values["details"] = packing.pack(canonical(thread.details))
    return values


def thread_of_row(row: Any) -> Thread:
    """A thread as its table keeps it."""
    return Thread(
        **{**row._mapping, "kind": ThreadKind(row.kind), "details": msgspec.json.decode(packing.unpack(row.details))}
    )


def _kept(row: Any) -> KeptNote:
    body = packing.unpack(row.body)
    return KeptNote(
        note=msgspec.json.decode(body, type=Note), body=body, hash=bytes(row.hash), signature=bytes(row.signature)
    )
