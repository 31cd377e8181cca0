"""What a node gives back to a hub that was restored: everything it holds, a few thousand things at a time, as the hub had it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, Table, select

from cunyi.domain.change import SIGNED, ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.store import schema, township_schema
from cunyi.store.attachments import attachment_by_id
from cunyi.store.travelling import TYPES, states
from cunyi.store.unit import Store
from cunyi.sync.gathering import header_of
from cunyi.sync.merging import undone
from cunyi.sync.messages import Item
from cunyi.sync.outgoing import signed_original, unsent_differences

_AT_ONCE = 1000
# In an order in which each finds what it belongs to.
_KINDS: tuple[tuple[ChangeKind, Table], ...] = (
    (ChangeKind.HOUSEHOLD, schema.household),
    (ChangeKind.PERSON, schema.person),
    (ChangeKind.LIST_ENTRY, schema.list_entry),
    (ChangeKind.MERGE, schema.merge),
    (ChangeKind.CONFLICT, township_schema.conflict),
    (ChangeKind.ACCOUNT, schema.account),
    (ChangeKind.DOCUMENT, schema.document),
    (ChangeKind.NOTE, township_schema.note),
    (ChangeKind.ATTACHMENT, township_schema.attachment),
)
DONE = "done"


def held(store: Store, connection: Connection, cursor: str) -> tuple[list[Item], str]:
    """The next things that this node holds, and the cursor after them; DONE after the last.

    What was done here and not answered yet is taken away again: it is sent as changes afterwards.
    """
    place, _, last = cursor.partition(" ")
    kind, table = _KINDS[int(place or 0)]
    query = select(table.c.id).where(table.c.organisation == store.node.organisation).order_by(table.c.id)
    if last:
        query = query.where(table.c.id > last)
    ids = list(connection.execute(query.limit(_AT_ONCE)).scalars())
    if len(ids) == _AT_ONCE:
        following = f"{place or 0} {ids[-1]}"
    else:
        following = f"{int(place or 0) + 1}" if int(place or 0) + 1 < len(_KINDS) else DONE
    return list(_items(store, connection, kind, ids)), following


def in_batches(items: Sequence[Item], limit: int) -> Iterator[list[Item]]:
    """Things in messages of a bounded size."""
    batch: list[Item] = []
    size = 0
    for item in items:
        length = len(item.body) + (len(item.signed.packed) if item.signed else 0)
        if batch and size + length > limit:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def _items(store: Store, connection: Connection, kind: ChangeKind, ids: Sequence[str]) -> Iterator[Item]:
    organisation = store.node.organisation
    if kind in SIGNED:
        for subject in ids:
            yield Item(kind.value, subject, b"", signed_original(connection, organisation, kind, subject))
    elif kind is ChangeKind.ATTACHMENT:
        for subject in ids:
            header = attachment_by_id(connection, organisation, subject)
            if header is not None and header.is_whole:
                yield Item(kind.value, subject, header_of(header))
    elif kind is ChangeKind.ACCOUNT:
        accounts = schema.account
        rows = connection.execute(
            select(accounts.c.id, accounts.c.details).where(
                accounts.c.organisation == organisation, accounts.c.id.in_(ids)
            )
        )
        for row in rows:
            yield Item(kind.value, row.id, bytes(row.details))
    else:
        here = states(connection, organisation, kind, ids)
        unanswered = unsent_differences(connection, organisation, ids)
        for subject, body in here.items():
            own = unanswered.get((kind, subject), [])
            if not own:
                yield Item(kind.value, subject, body)
                continue
            state = undone(msgspec.json.decode(body), own)
            if state is None:
                continue
            if "revision" in state:
                state = state | {"revision": max(1, own[0].revision - 1)}
            yield Item(kind.value, subject, canonical(msgspec.convert(state, TYPES[kind], strict=False)))
