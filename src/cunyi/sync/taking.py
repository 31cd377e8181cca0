"""A node takes what another gives it: whole states, on which its own unanswered changes are made again, and signed things as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table

from cunyi.domain.change import ChangeKind, Difference
from cunyi.domain.encounter import SignedRecord, canonical
from cunyi.domain.errors import UserError
from cunyi.domain.folding import FOLDS
from cunyi.domain.organisation import Area, Facility, KnownNode
from cunyi.domain.thread import Note
from cunyi.store import packing, schema, township_schema
from cunyi.store.areas import receive_area
from cunyi.store.attachments import Attachment, insert_header
from cunyi.store.bulk import ids_here, insert_tuples
from cunyi.store.facilities import receive_facility
from cunyi.store.known_nodes import receive_node
from cunyi.store.nodes import set_village
from cunyi.store.notes import KeptNote, insert_note, project_thread
from cunyi.store.projecting import project_many
from cunyi.store.travelling import keep_states, state_from, state_of, states
from cunyi.store.unit import Writing
from cunyi.sync.errors import outdated
from cunyi.sync.linking import leads_back
from cunyi.sync.merging import merge
from cunyi.sync.messages import Item
from cunyi.sync.outgoing import unsent_differences
from cunyi.sync.receiving import unknown_kinds
from cunyi.sync.receiving_signed import DOCUMENT_COLUMNS, document_row

# In this order each finds what it belongs to.
_DIRECTORY = (ChangeKind.AREA, ChangeKind.VILLAGE, ChangeKind.FACILITY, ChangeKind.NODE)
_STATES = (ChangeKind.HOUSEHOLD, ChangeKind.PERSON, ChangeKind.LIST_ENTRY, ChangeKind.MERGE, ChangeKind.CONFLICT)


Records = Mapping[str, SignedRecord]
_NOT_READ: Records = {}


def records_of(items: Sequence[Item]) -> Records:
    """The records among things, read, by their ids; none where one cannot be read."""
    try:
        return {item.subject: _read(item) for item in items if item.kind == ChangeKind.DOCUMENT}
    except (UserError, msgspec.MsgspecError):
        return {}


def take_items(writing: Writing, items: Sequence[Item], records: Records = _NOT_READ) -> int:
    """Takes things as another node has them; how many were new or otherwise here. OutdatedError where one cannot be read:

    then nothing of them is taken, and nothing is passed over. `records` are those of them that were read before.
    """
    if unknown_kinds(items):
        raise outdated()
    try:
        by_kind: dict[str, list[Item]] = {kind.value: [] for kind in ChangeKind}
        for item in items:
            by_kind[item.kind].append(item)
        for kind in _DIRECTORY:
            _take_directory(writing, kind, by_kind[kind])
        taken = sum(_take_states(writing, kind, by_kind[kind]) for kind in _STATES)
        taken += _take_records(writing, by_kind[ChangeKind.DOCUMENT], records)
        taken += _take_notes(writing, by_kind[ChangeKind.NOTE])
        return taken + _take_headers(writing, by_kind[ChangeKind.ATTACHMENT])
    except msgspec.MsgspecError:
        raise outdated() from None


def rebased(received: bytes, local: bytes | None, unanswered: Sequence[Difference]) -> dict[str, Any]:
    """A received state with what was done here since; where both changed a field, what was received stands until somebody decides.

    Its revision is later than the local one wherever anything differs, so that an open form is told.
    """
    state = msgspec.json.decode(received)
    theirs = state.get("revision", 0)
    for change in unanswered:
        state = merge(state, change).state
    if local is None or "revision" not in state:
        return dict(state)
    ours = msgspec.json.decode(local)
    same = all(state[name] == ours.get(name) for name in state if name != "revision")
    revision = max(theirs, ours["revision"]) if same else max(theirs, ours["revision"] + 1)
    return dict(state) | {"revision": revision}


def _take_directory(writing: Writing, kind: ChangeKind, items: Sequence[Item]) -> None:
    for item in items:
        match kind:
            case ChangeKind.AREA:
                receive_area(writing, msgspec.json.decode(item.body, type=Area))
            case ChangeKind.VILLAGE:
                village = msgspec.json.decode(item.body, type=dict[str, str])
                set_village(writing, village["code"], village["name"])
            case ChangeKind.FACILITY:
                receive_facility(writing, msgspec.json.decode(item.body, type=Facility))
            case ChangeKind.NODE:
                receive_node(writing, msgspec.json.decode(item.body, type=KnownNode))
            case _:
                pass


def _take_states(writing: Writing, kind: ChangeKind, items: Sequence[Item]) -> int:
    ids = [item.subject for item in items]
    local = states(writing.connection, writing.organisation, kind, ids)
    changed = [item for item in items if local.get(item.subject) != item.body]
    unanswered = unsent_differences(writing.connection, writing.organisation, [item.subject for item in changed])
    kept: list[Any] = []
    raised: list[tuple[Any, Any]] = []
    for item in changed:
        own = unanswered.get((kind, item.subject), [])
        here = local.get(item.subject)
        if here is None and not own:
            kept.append(state_of(kind, item.body))
            continue
        received = msgspec.json.decode(item.body)
        if kind is ChangeKind.CONFLICT and received["decided_at"] is not None:
            # Whatever was decided here came too late.
            kept.append(state_of(kind, item.body))
            continue
        state = rebased(item.body, here, own)
        if kind is ChangeKind.PERSON and own:
            other = state["replaced_by"]
            if other and other != received["replaced_by"] and leads_back(writing, item.subject, other):
                state["replaced_by"] = received["replaced_by"]
        thing = state_from(kind, state)
        if canonical(thing) == here:
            continue
        kept.append(thing)
        if not own and state.get("revision", 0) > received.get("revision", 0):
            raised.append((state_of(kind, item.body), thing))
    keep_states(writing.connection, writing.organisation, kind, kept, known=local)
    for received, thing in raised:
        # The others count on from here, so that a revision never means two things.
        _tell_revision(writing, kind, received, thing)
    return len(kept)


def _tell_revision(writing: Writing, kind: ChangeKind, received: Any, thing: Any) -> None:
    person = thing.id if kind is ChangeKind.PERSON else getattr(thing, "person_id", None)
    writing.change(
        kind, thing.id, before=received, after=thing, person=person, village=getattr(thing, "village_code", None)
    )


def _missing(writing: Writing, table: Table, items: Sequence[Item]) -> list[Item]:
    here = ids_here(writing.connection, table, writing.organisation, [item.subject for item in items])
    return [item for item in items if item.subject not in here]


def _unpacked(item: Item) -> bytes:
    if item.signed is None:
        raise outdated()
    try:
        return packing.unpack(item.signed.packed)
    except UserError:
        # Packed with a dictionary that only a later program has.
        raise outdated() from None


def _read(item: Item) -> SignedRecord:
    return _RECORD.decode(_unpacked(item))


def _take_records(writing: Writing, items: Sequence[Item], read: Records) -> int:
    new = _missing(writing, schema.document, items)
    records: list[SignedRecord] = []
    rows: list[tuple[Any, ...]] = []
    for item in new:
        record = read.get(item.subject) or _read(item)
        records.append(record)
        if item.signed is not None:
            rows.append(document_row(record, item.signed))
    if rows:
        insert_tuples(writing.connection, schema.document, DOCUMENT_COLUMNS, rows)
        project_many(writing.connection, writing.organisation, records)
    return len(rows)


def _take_notes(writing: Writing, items: Sequence[Item]) -> int:
    new = _missing(writing, township_schema.note, items)
    threads: dict[str, None] = {}
    for item in new:
        body = _unpacked(item)
        note = msgspec.json.decode(body, type=Note)
        if note.thread_kind not in FOLDS or item.signed is None:
            raise outdated()
        insert_note(
            writing.connection,
            KeptNote(note=note, body=body, hash=item.signed.hash, signature=item.signed.signature),
        )
        threads[note.thread] = None
    for thread in threads:
        project_thread(writing.connection, writing.organisation, thread)
    return len(new)


def _take_headers(writing: Writing, items: Sequence[Item]) -> int:
    headers = [msgspec.json.decode(item.body, type=Attachment) for item in items]
    return sum(insert_header(writing.connection, msgspec.structs.replace(each, bytes_here=0)) for each in headers)


_RECORD = msgspec.json.Decoder(SignedRecord)
