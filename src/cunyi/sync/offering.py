"""A hub that was restored from a backup takes again what its nodes hold: nothing that any of them had is lost, nothing overwrites what is newer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Table, and_, insert, not_, select

from cunyi.domain.change import SIGNED, ChangeKind, Difference, Outcome, difference
from cunyi.domain.encounter import canonical
from cunyi.store import schema, township_schema
from cunyi.store.links import Epoch, last_sequence, values_in
from cunyi.store.signing import sm3
from cunyi.store.travelling import keep_states, state_from, states
from cunyi.sync.batch import MISFITS, Batch, Verdict
from cunyi.sync.linking import link_same_document
from cunyi.sync.merging import Clash, Merged
from cunyi.sync.messages import Item, Mark, TravellingChange
from cunyi.sync.receiving_signed import SignedThings
from cunyi.sync.receiving_states import in_dispute, keep_clashes, not_against_others, objection_to, placed_at

_MARK_BYTES = 12
_ORDER = (
    ChangeKind.HOUSEHOLD,
    ChangeKind.PERSON,
    ChangeKind.LIST_ENTRY,
    ChangeKind.MERGE,
    ChangeKind.CONFLICT,
    ChangeKind.ACCOUNT,
)


def mark(item: Item) -> Mark:
    """What stands for a thing in an offer before it is asked for."""
    digest = item.signed.hash if item.signed is not None else sm3(item.body)
    return Mark(item.kind, item.subject, digest[:_MARK_BYTES])


def wanted(batch: Batch, marks: Sequence[Mark]) -> tuple[int, ...]:
    """The places of the marks whose things stand otherwise here, or not at all."""
    here: dict[tuple[str, str], bytes] = {}
    for kind in _ORDER:
        ids = [each.subject for each in marks if each.kind == kind]
        for subject, body in states(batch.connection, batch.organisation, kind, ids).items():
            here[kind, subject] = sm3(body)[:_MARK_BYTES]
    tables: tuple[tuple[ChangeKind, Table], ...] = (
        (ChangeKind.DOCUMENT, schema.document),
        (ChangeKind.NOTE, township_schema.note),
    )
    for kind, table in tables:
        ids = [each.subject for each in marks if each.kind == kind]
        query = select(table.c.id, table.c.hash).where(table.c.organisation == batch.organisation)
        for row in values_in(batch.connection, query, table.c.id, ids):
            here[kind, row.id] = bytes(row.hash)[:_MARK_BYTES]
    pictures = township_schema.attachment
    query = select(pictures.c.id).where(pictures.c.organisation == batch.organisation)
    ids = [each.subject for each in marks if each.kind == ChangeKind.ATTACHMENT]
    known = {row.id for row in values_in(batch.connection, query, pictures.c.id, ids)}
    return tuple(
        place
        for place, each in enumerate(marks)
        if (
            each.subject not in known
            if each.kind == ChangeKind.ATTACHMENT
            else here.get((each.kind, each.subject)) != each.hash
        )
    )


def take_back(batch: Batch, epoch: Epoch, items: Sequence[Item]) -> None:
    """Takes what a node held: what is missing, and what is later than the backup was."""
    new: list[str] = []
    for kind in _ORDER:
        for item in items:
            if item.kind == kind and _taken(batch, epoch, kind, item) and kind is ChangeKind.PERSON:
                new.append(item.subject)
    signed = SignedThings(batch)
    for item in items:
        kind = ChangeKind(item.kind)
        if kind in SIGNED and item.signed is not None:
            _log_signed(batch, item, signed.keep(kind, item.subject, item.signed, writer=None))
        elif kind is ChangeKind.ATTACHMENT:
            _log_signed(batch, item, signed.keep_header(item.subject, item.body, None))
    signed.finish()
    for person in new:
        link_same_document(batch.writing, person)


def _taken(batch: Batch, epoch: Epoch, kind: ChangeKind, item: Item) -> bool:
    """Whether a thing is new here; one that the database will not have leaves nothing behind."""
    try:
        with batch.connection.begin_nested():
            return _take_state(batch, epoch, kind, item)
    except (*MISFITS, msgspec.MsgspecError):
        batch.forget()
        return False


def _take_state(batch: Batch, epoch: Epoch, kind: ChangeKind, item: Item) -> bool:
    """Whether a thing is new here."""
    theirs = msgspec.json.decode(item.body)
    thing = state_from(kind, theirs)
    if thing.id != item.subject or getattr(thing, "organisation", batch.organisation) != batch.organisation:
        return False
    if kind is ChangeKind.LIST_ENTRY and batch.village_of(thing.person_id) is None:
        return False
    stands = states(batch.connection, batch.organisation, kind, [item.subject]).get(item.subject)
    if stands == item.body:
        return False
    ours = None if stands is None else msgspec.json.decode(stands)
    scope = batch.scope_of(batch.sender.id)
    if kind is ChangeKind.ACCOUNT and ours is not None and (scope is None or objection_to(batch, kind, scope, ours)):
        return False
    merged, is_known = _decided(batch, epoch, kind, item.subject, ours, theirs)
    if kind is ChangeKind.PERSON:
        before = ours or theirs | {"archive_code": None, "replaced_by": None}
        merged = not_against_others(batch, kind, item.subject, before, merged)
    if ours is not None and not merged.changed and not merged.clashes:
        return False
    state = merged.state
    if merged.clashes and "revision" in state:
        state = state | {"revision": max(ours["revision"] if ours else 0, theirs["revision"]) + 1}
    keep_states(
        batch.connection,
        batch.organisation,
        kind,
        [state_from(kind, state)],
        known=[item.subject] if is_known else [],
        node=batch.sender.id,
    )
    placed = (
        placed_at(batch, kind, state, Outcome.UPDATED, before=ours)
        if kind is not ChangeKind.CONFLICT
        else Verdict(outcome=Outcome.UPDATED, person=thing.person_id, village=thing.village_code)
    )
    if merged.clashes:
        placed = in_dispute(placed, merged)
    made = difference(ours, state)
    _log(batch, kind, item.subject, canonical(made), placed)
    if merged.clashes:
        _keep(batch, epoch, kind, item, theirs, merged, placed)
    return ours is None


def _decided(
    batch: Batch, epoch: Epoch, kind: ChangeKind, subject: str, ours: dict[str, Any] | None, theirs: dict[str, Any]
) -> tuple[Merged, bool]:
    """What becomes of a thing that is offered, and whether it is here already."""
    if ours is None:
        return Merged(state=theirs, changed=True, clashes=()), False
    same = Merged(state=ours, changed=False, clashes=())
    if kind is ChangeKind.MERGE:
        # A merge that was undone is never done again.
        undone = ours | {"undone": ours["undone"] or theirs["undone"]}
        return Merged(state=undone, changed=undone != ours, clashes=()), True
    if kind is ChangeKind.ACCOUNT:
        return Merged(state=theirs, changed=theirs != ours, clashes=()), True
    differ = [name for name in theirs if name != "revision" and theirs[name] != ours.get(name)]
    touched = _touched(batch, epoch, subject)
    if not differ:
        later = ours | {"revision": max(ours["revision"], theirs["revision"])}
        return Merged(state=later, changed=later != ours, clashes=()), True
    if theirs["revision"] > ours["revision"] and not touched:
        return Merged(state=theirs, changed=True, clashes=()), True
    if theirs["revision"] < ours["revision"] and (
        not touched or theirs["revision"] <= _restored(batch, epoch, subject)
    ):
        return same, True
    if kind is ChangeKind.CONFLICT:
        # A conflict has no conflicts: the decision that is here stands.
        return same, True
    clashes = tuple(Clash(field=name, ours=ours.get(name), theirs=theirs[name]) for name in differ)
    return Merged(state=ours, changed=False, clashes=clashes), True


def _touched(batch: Batch, epoch: Epoch, subject: str) -> bool:
    """Whether somebody changed a thing since the restoration, other than by giving it back."""
    log = schema.change
    given_back = and_(log.c.origin.is_not(None), log.c.outcome.is_(None))
    return (
        batch.connection.execute(
            select(log.c.sequence)
            .where(
                log.c.organisation == batch.organisation,
                log.c.subject == subject,
                log.c.sequence > epoch.after_sequence,
                not_(given_back),
            )
            .limit(1)
        ).first()
        is not None
    )


def _restored(batch: Batch, epoch: Epoch, subject: str) -> int:
    """The revision that a thing had in the backup, as far as the log tells."""
    log = schema.change
    body = (
        batch.connection.execute(
            select(log.c.body)
            .where(
                log.c.organisation == batch.organisation,
                log.c.subject == subject,
                log.c.sequence <= epoch.after_sequence,
            )
            .order_by(log.c.sequence.desc())
            .limit(1)
        )
        .scalars()
        .first()
    )
    return msgspec.json.decode(body, type=Difference).revision if body else 0


def _keep(
    batch: Batch, epoch: Epoch, kind: ChangeKind, item: Item, theirs: dict[str, Any], merged: Merged, placed: Verdict
) -> None:
    """The fields that clash, under an id that is the same whenever the same is offered again."""
    change = TravellingChange(
        id=str(uuid5(UUID(epoch.mark), f"{item.subject} {sm3(item.body).hex()}")),
        sequence=0,
        kind=kind.value,
        subject=item.subject,
        origin=batch.sender.id,
        at=int(batch.writing.at.timestamp() * 1000),
        person=placed.person,
        body=b"",
        signature=b"",
    )
    if change.id not in states(batch.connection, batch.organisation, ChangeKind.CONFLICT, [change.id]):
        keep_clashes(batch, change, kind, Difference(before=None, after=theirs), merged, placed)


def _log_signed(batch: Batch, item: Item, verdict: Verdict) -> None:
    if verdict.outcome is Outcome.NEW:
        _log(batch, ChangeKind(item.kind), item.subject, b"", verdict)


def _log(batch: Batch, kind: ChangeKind, subject: str, body: bytes, placed: Verdict) -> None:
    """A line of the log that says who gave it back, and has no outcome."""
    batch.connection.execute(
        insert(schema.change).values(
            organisation=batch.organisation,
            sequence=last_sequence(batch.connection, batch.organisation) + 1,
            id=batch.writing.new_id(),
            kind=kind,
            subject=subject,
            body=body,
            at=batch.writing.latest,
            origin=batch.sender.id,
            person_id=placed.person,
            village_code=placed.village,
            village_before=placed.left,
        )
    )
