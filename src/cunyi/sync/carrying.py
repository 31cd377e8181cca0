"""A kit takes what another kit did and the hub has not answered yet: it makes use of what is within its villages, and carries all to the hub."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Table, insert, select

from cunyi.domain.change import DIRECTORY, SIGNED, ChangeKind, Difference
from cunyi.domain.encounter import SignedRecord
from cunyi.domain.errors import UserError
from cunyi.domain.thread import Note
from cunyi.store import packing, schema, township_schema
from cunyi.store.columns import is_identity
from cunyi.store.links import hub_link, last_sequence, values_in
from cunyi.store.nodes import public_keys
from cunyi.store.signing import is_signed, sm3
from cunyi.store.travelling import TYPES, keep_states, owners_of_codes, state_from, states
from cunyi.store.unit import Writing
from cunyi.sync.errors import outdated
from cunyi.sync.linking import leads_back
from cunyi.sync.merging import merge, next_revision
from cunyi.sync.messages import Item, TravellingChange
from cunyi.sync.receiving import unknown_kinds
from cunyi.sync.receiving_signed import signed_thing
from cunyi.sync.sealing import is_true
from cunyi.sync.taking import take_items

_START = datetime(1970, 1, 1, tzinfo=UTC)


def carry(writing: Writing, changes: Sequence[TravellingChange]) -> int:
    """Takes unanswered changes of other nodes; how many were new here and are what they say. OutdatedError where one cannot be read."""
    if unknown_kinds(changes):
        raise outdated()
    log = schema.change
    query = select(log.c.id).where(log.c.organisation == writing.organisation)
    sound = [
        each for each in changes if all(map(is_identity, (each.id, each.subject, each.origin, each.person or each.id)))
    ]
    known = {row.id for row in values_in(writing.connection, query, log.c.id, [each.id for each in sound])}
    keys = public_keys(writing.connection)
    taken = 0
    for change in sound:
        kind = ChangeKind(change.kind)
        if change.id in known or kind in DIRECTORY or not _is_what_it_says(kind, change, keys):
            continue
        known.add(change.id)
        _use(writing, kind, change)
        _keep(writing, kind, change)
        taken += 1
    return taken


def _is_what_it_says(kind: ChangeKind, change: TravellingChange, keys: dict[str, bytes]) -> bool:
    """Whether the node that is named made it."""
    if kind not in SIGNED:
        public = keys.get(change.origin)
        return public is not None and is_true(change, public)
    if change.signed is None:
        return False
    try:
        body = packing.unpack(change.signed.packed)
        thing: SignedRecord | Note = signed_thing(kind, body)
    except UserError:
        # Packed with a dictionary that only a later program has.
        raise outdated() from None
    except msgspec.MsgspecError:
        return False
    public = keys.get(thing.node)
    return (
        public is not None
        and (thing.id, thing.node) == (change.subject, change.signed.node)
        and sm3(body) == change.signed.hash
        and is_signed(public, change.signed.signature, body)
    )


def _use(writing: Writing, kind: ChangeKind, change: TravellingChange) -> None:
    """Makes use of a change where the person it is about is here, or belongs here."""
    if kind in TYPES and kind is not ChangeKind.ACCOUNT:
        _use_state(writing, kind, change)
    elif kind in (*SIGNED, ChangeKind.ATTACHMENT) and change.person and _is_here(writing, change.person):
        take_items(writing, [Item(change.kind, change.subject, change.body, change.signed)])


def _use_state(writing: Writing, kind: ChangeKind, change: TravellingChange) -> None:
    try:
        made = msgspec.json.decode(change.body, type=Difference)
        here = states(writing.connection, writing.organisation, kind, [change.subject]).get(change.subject)
        if here is None:
            _use_new(writing, kind, made)
            return
        ours = msgspec.json.decode(here)
        merged = merge(ours, made)
        if not merged.changed:
            return
        state = _without_what_is_taken(writing, kind, merged.state, ours)
        if "revision" in state:
            state["revision"] = next_revision(ours["revision"], made.revision)
        keep_states(writing.connection, writing.organisation, kind, [state_from(kind, state)], known=[change.subject])
    except msgspec.MsgspecError:
        # The hub says what becomes of it.
        return


def _use_new(writing: Writing, kind: ChangeKind, made: Difference) -> None:
    if made.before is not None or kind is ChangeKind.CONFLICT:
        return
    state = dict(made.after)
    persons = {
        ChangeKind.LIST_ENTRY: [state.get("person_id")],
        ChangeKind.MERGE: [state.get("kept_id"), state.get("replaced_id")],
    }.get(kind)
    if persons is None:
        link = hub_link(writing.connection, writing.organisation)
        if link is None or not str(state.get("village_code")).startswith(link.scope or ("-",)):
            return
    elif not all(isinstance(each, str) and is_identity(each) and _is_here(writing, each) for each in persons):
        return
    nothing: dict[str, Any] = {"archive_code": None, "replaced_by": None}
    state = _without_what_is_taken(writing, kind, state, nothing)
    thing = state_from(kind, state)
    if getattr(thing, "organisation", writing.organisation) == writing.organisation:
        keep_states(writing.connection, writing.organisation, kind, [thing], known=[])


def _without_what_is_taken(
    writing: Writing, kind: ChangeKind, state: dict[str, Any], ours: dict[str, Any]
) -> dict[str, Any]:
    """A person without a code that another has here, and without a link that would close a circle: the hub decides."""
    state = dict(state)
    if kind is ChangeKind.PERSON:
        code, other = state["archive_code"], state["replaced_by"]
        if (
            code
            and owners_of_codes(writing.connection, writing.organisation, [code]).get(code, state["id"])
            != (state["id"])
        ):
            state["archive_code"] = ours["archive_code"]
        if other and other != ours["replaced_by"] and leads_back(writing, state["id"], other):
            state["replaced_by"] = ours["replaced_by"]
    return state


def _keep(writing: Writing, kind: ChangeKind, change: TravellingChange) -> None:
    """Lets it wait among the unanswered changes of this node."""
    body = change.body
    if kind in SIGNED and change.signed is not None and not _is_kept(writing, kind, change.subject):
        body = msgspec.msgpack.encode(change.signed)
    people = schema.person
    village = None
    if change.person is not None:
        village = writing.connection.execute(
            select(people.c.village_code).where(
                people.c.organisation == writing.organisation, people.c.id == change.person
            )
        ).scalar_one_or_none()
    writing.connection.execute(
        insert(schema.change).values(
            organisation=writing.organisation,
            sequence=last_sequence(writing.connection, writing.organisation) + 1,
            id=change.id,
            kind=kind,
            subject=change.subject,
            body=body,
            at=_moment(writing, change),
            origin=change.origin,
            signature=change.signature,
            person_id=change.person,
            village_code=village,
        )
    )


def _moment(writing: Writing, change: TravellingChange) -> datetime:
    try:
        return _START + timedelta(milliseconds=change.at)
    except OverflowError:
        return writing.latest


def _is_here(writing: Writing, person_id: str) -> bool:
    people = schema.person
    query = select(people.c.id).where(people.c.organisation == writing.organisation, people.c.id == person_id)
    return writing.connection.execute(query).first() is not None


def _is_kept(writing: Writing, kind: ChangeKind, subject: str) -> bool:
    table: Table = schema.document if kind is ChangeKind.DOCUMENT else township_schema.note
    query = select(table.c.id).where(table.c.organisation == writing.organisation, table.c.id == subject)
    return writing.connection.execute(query).first() is not None
