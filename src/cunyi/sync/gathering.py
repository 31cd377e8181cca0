"""Things put together for another node as they now stand, in an order in which each finds what it needs already there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.domain.organisation import KnownNode
from cunyi.store import schema, township_schema
from cunyi.store.areas import areas
from cunyi.store.attachments import Attachment
from cunyi.store.facilities import facilities
from cunyi.store.known_nodes import directory_entry, known_nodes
from cunyi.store.links import values_in
from cunyi.store.nodes import villages
from cunyi.store.travelling import states
from cunyi.store.unit import Store
from cunyi.sync.messages import Item, SignedThing

_STATES = (ChangeKind.HOUSEHOLD, ChangeKind.PERSON, ChangeKind.LIST_ENTRY, ChangeKind.MERGE, ChangeKind.CONFLICT)


class Wanted:
    """What is to be put together (清单): ids by kind, each once."""

    def __init__(self) -> None:
        self.ids: dict[ChangeKind, set[str]] = {kind: set() for kind in ChangeKind}
        self.directory = False

    def add(self, kind: ChangeKind, subject: str) -> None:
        """One thing."""
        self.ids[kind].add(subject)

    def add_everything_of(self, connection: Connection, organisation: str, persons: Iterable[str]) -> None:
        """Some people with all that is theirs, their household included."""
        people = list(persons)
        if not people:
            return
        self.ids[ChangeKind.PERSON].update(people)
        own = self._ids_where
        person, entry, visit, document = schema.person, schema.list_entry, schema.encounter, schema.document
        note, thread, merge = township_schema.note, township_schema.thread, schema.merge
        self.ids[ChangeKind.HOUSEHOLD].update(
            each for each in own(connection, organisation, person.c.household_id, person.c.id, people) if each
        )
        self.ids[ChangeKind.LIST_ENTRY].update(own(connection, organisation, entry.c.id, entry.c.person_id, people))
        encounters = own(connection, organisation, visit.c.id, visit.c.person_id, people)
        self.ids[ChangeKind.DOCUMENT].update(
            own(connection, organisation, document.c.id, document.c.encounter_id, encounters)
        )
        threads = own(connection, organisation, thread.c.id, thread.c.person_id, people)
        self.ids[ChangeKind.NOTE].update(own(connection, organisation, note.c.id, note.c.thread_id, threads))
        pictures = township_schema.attachment
        self.ids[ChangeKind.ATTACHMENT].update(
            own(connection, organisation, pictures.c.id, pictures.c.thread_id, threads)
        )
        for side in (merge.c.kept_id, merge.c.replaced_id):
            self.ids[ChangeKind.MERGE].update(own(connection, organisation, merge.c.id, side, people))
        conflict = township_schema.conflict
        disputed = people + list(self.ids[ChangeKind.LIST_ENTRY]) + list(self.ids[ChangeKind.HOUSEHOLD])
        self.ids[ChangeKind.CONFLICT].update(own(connection, organisation, conflict.c.id, conflict.c.subject, disputed))

    def add_thread(self, connection: Connection, organisation: str, threads: Iterable[str]) -> None:
        """Some threads whole."""
        note, pictures = township_schema.note, township_schema.attachment
        own, chosen = self._ids_where, list(threads)
        self.ids[ChangeKind.NOTE].update(own(connection, organisation, note.c.id, note.c.thread_id, chosen))
        self.ids[ChangeKind.ATTACHMENT].update(
            own(connection, organisation, pictures.c.id, pictures.c.thread_id, chosen)
        )

    @staticmethod
    def _ids_where(connection: Connection, organisation: str, wanted: Any, column: Any, values: list[str]) -> list[str]:
        query = select(wanted).where(column.table.c.organisation == organisation)
        return [row[0] for row in values_in(connection, query, column, values)]


def gather(store: Store, connection: Connection, wanted: Wanted) -> list[Item]:
    """What is wanted, as it now stands. Whoever something belongs to comes with it, and before it."""
    organisation = store.node.organisation
    signed, owners = _signed(connection, organisation, wanted)
    bodies: dict[ChangeKind, dict[str, bytes]] = {
        kind: states(connection, organisation, kind, wanted.ids[kind])
        for kind in _STATES
        if kind is not ChangeKind.PERSON
    }
    entries = schema.list_entry
    entry_owners = values_in(
        connection,
        select(entries.c.person_id).where(entries.c.organisation == organisation),
        entries.c.id,
        list(wanted.ids[ChangeKind.LIST_ENTRY]),
    )
    owners |= wanted.ids[ChangeKind.PERSON] | {row.person_id for row in entry_owners}
    bodies[ChangeKind.PERSON] = states(connection, organisation, ChangeKind.PERSON, owners)
    items = _directory(store, connection) if wanted.directory else []
    for kind in _STATES:
        items += [Item(kind.value, subject, body) for subject, body in sorted(bodies[kind].items())]
    return items + signed


def persons_in(items: Iterable[Item]) -> list[str]:
    """The people among some things."""
    return [item.subject for item in items if item.kind == ChangeKind.PERSON]


def header_of(attachment: Attachment) -> bytes:
    """What travels of a picture before its bytes."""
    return canonical(msgspec.structs.replace(attachment, bytes_here=0))


def _signed(connection: Connection, organisation: str, wanted: Wanted) -> tuple[list[Item], set[str]]:
    """The signed things and pictures, and whose they are."""
    items: list[Item] = []
    owners: set[str] = set()
    for kind, table in ((ChangeKind.DOCUMENT, schema.document), (ChangeKind.NOTE, township_schema.note)):
        query = select(
            table.c.id, table.c.person_id, table.c.body, table.c.hash, table.c.signature, table.c.node_id
        ).where(table.c.organisation == organisation)
        for row in values_in(connection, query, table.c.id, sorted(wanted.ids[kind])):
            owners.add(row.person_id)
            proof = SignedThing(bytes(row.body), bytes(row.hash), bytes(row.signature), row.node_id)
            items.append(Item(kind.value, row.id, b"", proof))
    pictures = township_schema.attachment
    query = select(pictures).where(pictures.c.organisation == organisation)
    for row in values_in(connection, query, pictures.c.id, wanted.ids[ChangeKind.ATTACHMENT]):
        owners.add(row.person_id)
        header = Attachment(**{**row._mapping, "hash": bytes(row.hash)})
        items.append(Item(ChangeKind.ATTACHMENT.value, row.id, header_of(header)))
    return items, owners


def _directory(store: Store, connection: Connection) -> list[Item]:
    """Every place, facility and node; the node that sends it among them."""
    organisation = store.node.organisation
    items = [Item(ChangeKind.AREA.value, each.code, canonical(each)) for each in areas(connection, organisation)]
    items += [
        Item(ChangeKind.VILLAGE.value, code, canonical({"code": code, "name": name}))
        for code, name in villages(connection, organisation).items()
    ]
    items += [
        Item(ChangeKind.FACILITY.value, each.code, canonical(each)) for each in facilities(connection, organisation)
    ]
    nodes = [directory_entry(each) for each in known_nodes(connection, organisation)]
    own = schema.node
    made = connection.execute(select(own.c.created_at).where(own.c.organisation == organisation)).scalars().first()
    if made is not None:
        nodes.append(
            KnownNode(
                id=store.node.id,
                organisation=organisation,
                facility=store.node.facility,
                name=store.node.facility_name,
                public_key=store.key.public,
                scope=(store.node.township,),
                enrolled_at=made,
            )
        )
    return items + [Item(ChangeKind.NODE.value, each.id, canonical(each)) for each in nodes]
