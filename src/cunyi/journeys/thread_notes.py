"""Writing into threads: for which facility somebody acts, and a further note after those that are here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account
from cunyi.domain.encounter import PersonAsSigned, Signer
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person
from cunyi.domain.thread import Note, Thread, ThreadKind, heads
from cunyi.store.facilities import facility_by_code
from cunyi.store.notes import keep_note, notes_of
from cunyi.store.unit import SYSTEM, NodeFacts, Store, Writing

NOTE_FORMAT = 1
PROGRAM = Signer(account=SYSTEM, name="", role="program")


def facility_of(store: Store, by: Account) -> str:
    """The facility that somebody acts for: their own, or that of the node."""
    return by.facility or store.node.facility


def name_of_facility(connection: Connection, node: NodeFacts, code: str) -> str:
    """What a facility is called; its number where it is in no register."""
    if code == node.facility:
        return node.facility_name
    known = facility_by_code(connection, node.organisation, code)
    return known.name if known else code


def as_signed(person: Person) -> PersonAsSigned:
    """A person in the words of today, for a note."""
    return PersonAsSigned(
        id=person.id,
        name=person.name,
        sex=person.sex,
        birth_on=person.birth_on,
        archive_code=person.archive_code,
    )


def begin_thread(
    writing: Writing,
    kind: ThreadKind,
    step: str,
    content: Any,
    *,
    thread_id: str,
    person: Person,
    facility: tuple[str, str],
    author: Signer,
) -> Thread:
    """The first note of a thread; `facility` is the code and the name of the one that begins it. The caller adds the audit line."""
    return _keep(
        writing,
        kind,
        step,
        content,
        thread_id=thread_id,
        person=as_signed(person),
        village_code=person.village_code,
        facility=facility,
        author=author,
        after=(),
    )


def go_on(
    writing: Writing, thread_id: str, step: str, content: Any, *, facility: tuple[str, str], author: Signer
) -> Thread:
    """A further note after all that are here. The caller has looked whether the step fits, and adds the audit line."""
    notes = [kept.note for kept in notes_of(writing.connection, writing.organisation, thread_id)]
    if not notes:
        raise UserError("没有这条往来；请从列表重新打开", field="thread")
    first = next((note for note in notes if not note.after), notes[0])
    return _keep(
        writing,
        first.thread_kind,
        step,
        content,
        thread_id=thread_id,
        person=first.person,
        village_code=first.village_code,
        facility=facility,
        author=author,
        after=heads(notes),
    )


def signer_of(by: Account) -> Signer:
    """An account as the author of a note."""
    return Signer(account=by.id, name=by.name, role=by.role)


def _keep(
    writing: Writing,
    kind: ThreadKind,
    step: str,
    content: Any,
    *,
    thread_id: str,
    person: PersonAsSigned,
    village_code: str,
    facility: tuple[str, str],
    author: Signer,
    after: Sequence[str],
) -> Thread:
    note = Note(
        format=NOTE_FORMAT,
        id=writing.new_id(),
        organisation=writing.organisation,
        thread=thread_id,
        thread_kind=kind,
        kind=step,
        after=tuple(after),
        facility=facility[0],
        facility_name=facility[1],
        node=writing.node.id,
        person=person,
        village_code=village_code,
        author=author,
        signed_at=writing.at,
        clock_doubtful=writing.clock_doubtful,
        content=msgspec.to_builtins(content),
    )
    return keep_note(writing, note)
