"""Signed records, signed notes and pictures that a node sends: believed by their signatures, kept byte for byte."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Table, select

from cunyi.domain.change import ChangeKind, Outcome
from cunyi.domain.encounter import SignedRecord
from cunyi.domain.errors import UserError
from cunyi.domain.folding import FOLDS
from cunyi.domain.thread import Note
from cunyi.store import packing, schema, township_schema
from cunyi.store.attachments import Attachment, attachment_by_id, insert_header
from cunyi.store.bulk import insert_tuples
from cunyi.store.columns import is_identity
from cunyi.store.nodes import public_keys
from cunyi.store.notes import KeptNote, insert_note, project_thread
from cunyi.store.projecting import project_many
from cunyi.store.signing import is_signed, sm3
from cunyi.sync.batch import Batch, Verdict, not_taken
from cunyi.sync.messages import SignedThing, TravellingChange
from cunyi.sync.scope import Scope

_MOST_BYTES = 2**31
_MOST_VERSIONS, _VILLAGE_DIGITS = 32_000, 12
_EMPTY = "签名原件没有随来；请再同步一次"
_UNREADABLE = "签名原件读不懂；请更新程序后再试"
_DAMAGED = "签名原件的内容与摘要不符，可能已损坏；请联系管理员"
_FORGED = "签名原件的设备签名不对；请联系管理员"
_ANOTHER = "签名原件与它的编号不符；请联系管理员"
_NO_PERSON = "中心没有这位居民的档案；请先上传档案"
_OUTSIDE = "这位居民不在本机负责的村（村代码 {village}）；请先在中心查到这位居民并说明原因，再重新上传"
_NOT_THE_SAME = "中心已有同一编号的另一份；请联系管理员"


class SignedThings:
    """What was signed, of one batch (一批签名原件): records are added together at the end."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._keys: dict[str, bytes] | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._records: list[SignedRecord] = []
        self._waiting: dict[str, bytes] = {}

    def take(self, change: TravellingChange, kind: ChangeKind) -> Verdict:
        """A signed record or note that is sent as a change."""
        if change.signed is None:
            return not_taken(_EMPTY)
        return self.keep(kind, change.subject, change.signed, writer=change.origin)

    def keep(self, kind: ChangeKind, subject: str, signed: SignedThing, *, writer: str | None) -> Verdict:
        """Keeps a signed thing. `writer` is the node that must be allowed to write of the person; None where it is only given back."""
        try:
            body = packing.unpack(signed.packed)
            thing: SignedRecord | Note = signed_thing(kind, body)
        except (UserError, msgspec.MsgspecError):
            return not_taken(_UNREADABLE)
        if sm3(body) != signed.hash:
            return not_taken(_DAMAGED)
        public = self._key(thing.node)
        if public is None or not is_signed(public, signed.signature, body):
            return not_taken(_FORGED)
        if (thing.id, thing.node, thing.organisation) != (subject, signed.node, self._batch.organisation):
            return not_taken(_ANOTHER)
        if not _fits(thing, body):
            return not_taken(_UNREADABLE)
        village = self._batch.village_of(thing.person.id)
        if village is None:
            return not_taken(_NO_PERSON)
        there = self._hash_of(kind, thing.id)
        if there is not None:
            same = Verdict(outcome=Outcome.IDENTICAL, person=thing.person.id, village=village)
            return same if there == signed.hash else not_taken(_NOT_THE_SAME)
        scope = None if writer is None else self._batch.scope_of(writer)
        if writer is not None and (scope is None or not self._may(scope, thing, village)):
            return not_taken(_OUTSIDE, village=village)
        if isinstance(thing, Note):
            if thing.thread_kind not in FOLDS:
                return not_taken(_UNREADABLE)
            insert_note(
                self._batch.connection,
                KeptNote(note=thing, body=body, hash=signed.hash, signature=signed.signature),
            )
            project_thread(self._batch.connection, thing.organisation, thing.thread)
        else:
            self._records.append(thing)
            self._waiting[thing.id] = signed.hash
            self._rows.append(document_row(thing, signed))
        return Verdict(outcome=Outcome.NEW, person=thing.person.id, village=village)

    def take_header(self, change: TravellingChange, scope: Scope) -> Verdict:
        """What is known of a picture; its bytes come part by part."""
        return self.keep_header(change.subject, change.body, scope)

    def keep_header(self, subject: str, body: bytes, scope: Scope | None) -> Verdict:
        """Keeps what is known of a picture. Without a scope it is only given back."""
        try:
            header = msgspec.json.decode(body, type=Attachment)
        except msgspec.MsgspecError:
            return not_taken(_UNREADABLE)
        sound = is_identity(header.person_id) and is_identity(header.thread_id) and 0 < header.bytes_total < _MOST_BYTES
        if header.id != subject or header.organisation != self._batch.organisation or not sound:
            return not_taken(_ANOTHER)
        village = self._batch.village_of(header.person_id)
        if village is None:
            return not_taken(_NO_PERSON)
        if scope is not None and not (
            scope.may_write(header.person_id, village) or scope.takes_part_in(header.thread_id)
        ):
            return not_taken(_OUTSIDE, village=village)
        there = attachment_by_id(self._batch.connection, self._batch.organisation, header.id)
        if there is not None and there.hash != header.hash:
            return not_taken(_NOT_THE_SAME)
        new = insert_header(self._batch.connection, msgspec.structs.replace(header, bytes_here=0))
        outcome = Outcome.NEW if new else Outcome.IDENTICAL
        return Verdict(outcome=outcome, person=header.person_id, village=village)

    def finish(self) -> None:
        """Adds the records with the tables made from them."""
        if self._rows:
            insert_tuples(self._batch.connection, schema.document, DOCUMENT_COLUMNS, self._rows)
            project_many(self._batch.connection, self._batch.organisation, self._records)
        self._rows, self._records, self._waiting = [], [], {}

    def _may(self, scope: Scope, thing: SignedRecord | Note, village: str) -> bool:
        if scope.may_write(thing.person.id, village):
            return True
        return isinstance(thing, Note) and (scope.takes_part_in(thing.thread) or thing.facility == scope.node.facility)

    def _key(self, node_id: str) -> bytes | None:
        if self._keys is None:
            self._keys = public_keys(self._batch.connection)
        return self._keys.get(node_id)

    def _hash_of(self, kind: ChangeKind, subject: str) -> bytes | None:
        if subject in self._waiting:
            return self._waiting[subject]
        table: Table = schema.document if kind is ChangeKind.DOCUMENT else township_schema.note
        found = self._batch.connection.execute(
            select(table.c.hash).where(table.c.organisation == self._batch.organisation, table.c.id == subject)
        ).scalar_one_or_none()
        return None if found is None else bytes(found)


def _fits(thing: SignedRecord | Note, body: bytes) -> bool:
    """Whether every database can hold it."""
    if isinstance(thing, Note):
        ids: tuple[str, ...] = (thing.thread, thing.person.id)
        sound = len(thing.village_code) <= _VILLAGE_DIGITS
    else:
        ids = (thing.encounter_id, thing.person.id, thing.signer.account)
        sound = 0 < thing.version <= _MOST_VERSIONS
    return sound and all(map(is_identity, ids)) and rb"\u0000" not in body


def signed_thing(kind: ChangeKind, body: bytes) -> SignedRecord | Note:
    """A record or note from its bytes. msgspec.MsgspecError where it is none."""
    if kind is ChangeKind.DOCUMENT:
        return msgspec.json.decode(body, type=SignedRecord)
    return msgspec.json.decode(body, type=Note)


DOCUMENT_COLUMNS = (
    "organisation",
    "id",
    "person_id",
    "encounter_id",
    "version",
    "body",
    "hash",
    "signature",
    "node_id",
    "signed_at",
)


def document_row(record: SignedRecord, signed: SignedThing) -> tuple[Any, ...]:
    """A signed record as its table keeps it, packed as it came, in the order of `DOCUMENT_COLUMNS`."""
    return (
        record.organisation,
        record.id,
        record.person.id,
        record.encounter_id,
        record.version,
        signed.packed,
        signed.hash,
        signed.signature,
        record.node,
        record.signed_at,
    )
