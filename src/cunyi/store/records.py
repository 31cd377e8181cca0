"""Signed records: kept byte for byte, and the tables made from them, which can be made anew at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select

from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import SignedRecord, canonical
from cunyi.domain.errors import UserError
from cunyi.store import packing, schema
from cunyi.store.projecting import project
from cunyi.store.signing import is_signed, sm3
from cunyi.store.unit import Writing

_CHUNK = 500


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A signed record with what proves it (已签名记录及凭证). `body` is the document exactly as it was signed."""

    record: SignedRecord
    body: bytes
    hash: bytes
    signature: bytes


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """An encounter as a line of the timeline (就诊一览)."""

    encounter_id: str
    document_id: str
    person_id: str
    version: int
    kind: str
    occurred_at: Any
    complaint: str
    triage: str
    signer_name: str
    diagnoses: list[str]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value in time (一次测量)."""

    item: str
    at: Any
    number: float | None
    words: str
    unit: str
    device: str
    by: str


def keep_record(writing: Writing, record: SignedRecord) -> bytes:
    """Signs, keeps and projects a record; its hash. The caller adds the audit line."""
    body = canonical(record)
    digest = sm3(body)
    writing.connection.execute(
        insert(schema.document).values(
            organisation=record.organisation,
            id=record.id,
            person_id=record.person.id,
            encounter_id=record.encounter_id,
            version=record.version,
            body=packing.pack(body),
            hash=digest,
            signature=writing.key.sign(body),
            node_id=record.node,
            signed_at=record.signed_at,
        )
    )
    project(writing.connection, record)
    writing.change(ChangeKind.DOCUMENT, record.id, person=record.person.id)
    return digest


def kept_record(connection: Connection, organisation: str, document_id: str) -> Kept | None:
    """A signed record by the id of its document."""
    table = schema.document
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.id == document_id)
    ).one_or_none()
    return None if row is None else _kept(row)


def versions(connection: Connection, organisation: str, encounter_id: str) -> list[Kept]:
    """Every version of an encounter, the first first."""
    table = schema.document
    rows = connection.execute(
        select(table)
        .where(table.c.organisation == organisation, table.c.encounter_id == encounter_id)
        .order_by(table.c.version, table.c.id)
    )
    return [_kept(row) for row in rows]


def next_version(connection: Connection, organisation: str, encounter_id: str) -> tuple[int, str | None]:
    """The number of the version that would come next, and the id of the document it would supersede."""
    table = schema.document
    row = connection.execute(
        select(table.c.version, table.c.id)
        .where(table.c.organisation == organisation, table.c.encounter_id == encounter_id)
        .order_by(table.c.version.desc(), table.c.id.desc())
        .limit(1)
    ).one_or_none()
    return (1, None) if row is None else (row.version + 1, row.id)


def timeline(connection: Connection, organisation: str, persons: Sequence[str], limit: int = 100) -> list[Visit]:
    """The encounters of a person (all the ids they stand under), newest first."""
    table, names = schema.encounter, schema.diagnosis
    rows = connection.execute(
        select(table)
        .where(table.c.organisation == organisation, table.c.person_id.in_(persons))
        .order_by(table.c.occurred_at.desc(), table.c.id.desc())
        .limit(limit)
    ).all()
    found: dict[str, list[str]] = {row.id: [] for row in rows}
    if found:
        for line in connection.execute(
            select(names.c.encounter_id, names.c.name)
            .where(names.c.organisation == organisation, names.c.encounter_id.in_(list(found)))
            .order_by(names.c.encounter_id, names.c.position)
        ):
            found[line.encounter_id].append(line.name)
    return [
        Visit(
            encounter_id=row.id,
            document_id=row.document_id,
            person_id=row.person_id,
            version=row.version,
            kind=row.kind,
            occurred_at=row.occurred_at,
            complaint=row.complaint,
            triage=row.triage,
            signer_name=row.signer_name,
            diagnoses=found[row.id],
        )
        for row in rows
    ]


def points(
    connection: Connection, organisation: str, persons: Sequence[str], items: Sequence[str] = (), limit: int = 2000
) -> list[Point]:
    """Measured values of a person, oldest first; all items where none is named. The latest `limit` of them."""
    table = schema.measured
    query = select(table).where(table.c.organisation == organisation, table.c.person_id.in_(persons))
    if items:
        query = query.where(table.c.item.in_(items))
    rows = connection.execute(query.order_by(table.c.at.desc(), table.c.item).limit(limit)).all()
    return [
        Point(
            item=row.item,
            at=row.at,
            number=row.number,
            words=row.words,
            unit=row.unit,
            device=row.device,
            by=row.by,
        )
        for row in reversed(rows)
    ]


def prescribed_drugs(
    connection: Connection, organisation: str, persons: Sequence[str], limit: int = 30
) -> list[tuple[str, str, float | None, Any]]:
    """What was prescribed, latest first: drug, usage, days, when."""
    table = schema.prescribed
    rows = connection.execute(
        select(table.c.drug, table.c.usage, table.c.days, table.c.at)
        .where(table.c.organisation == organisation, table.c.person_id.in_(persons))
        .order_by(table.c.at.desc(), table.c.encounter_id, table.c.position)
        .limit(limit)
    )
    return [(row.drug, row.usage, row.days, row.at) for row in rows]


def every_record(connection: Connection, organisation: str) -> Iterator[Kept]:
    """Every signed record in the order in which versions follow each other."""
    table = schema.document
    rows = connection.execution_options(yield_per=_CHUNK).execute(
        select(table)
        .where(table.c.organisation == organisation)
        .order_by(table.c.encounter_id, table.c.version, table.c.id)
    )
    for row in rows:
        yield _kept(row)


def verify_records(connection: Connection, organisation: str, public_keys: dict[str, bytes]) -> list[str]:
    """In plain words every record whose bytes, hash or signature do not fit."""
    table = schema.document
    problems = []
    rows = connection.execution_options(yield_per=_CHUNK).execute(
        select(table).where(table.c.organisation == organisation).order_by(table.c.id)
    )
    for row in rows:
        try:
            body = packing.unpack(row.body)
        except UserError:
            problems.append(f"记录 {row.id} 读不出来")
            continue
        public = public_keys.get(row.node_id)
        if sm3(body) != bytes(row.hash):
            problems.append(f"记录 {row.id} 的内容与摘要不符")
        elif public is None or not is_signed(public, row.signature, body):
            problems.append(f"记录 {row.id} 的节点签名不对")
        elif not _in_its_place(row, msgspec.json.decode(body, type=SignedRecord)):
            problems.append(f"记录 {row.id} 的内容是另一份记录的")
    return problems + _missing_records(connection, organisation)


def _in_its_place(row: Any, record: SignedRecord) -> bool:
    return (row.id, row.person_id, row.encounter_id, row.version, row.node_id) == (
        record.id,
        record.person.id,
        record.encounter_id,
        record.version,
        record.node,
    )


def _missing_records(connection: Connection, organisation: str) -> list[str]:
    """The records that the audit log says were signed here and that are not there."""
    log, table = schema.audit_entry, schema.document
    rows = connection.execute(
        select(log.c.sequence, log.c.subject)
        .outerjoin(table, (table.c.organisation == log.c.organisation) & (table.c.id == log.c.subject))
        .where(
            log.c.organisation == organisation,
            log.c.action.in_([Action.SIGN_RECORD, Action.AMEND_RECORD]),
            table.c.id.is_(None),
        )
        .order_by(log.c.sequence)
    )
    return [f"记录 {row.subject} 不在了：审计日志第 {row.sequence} 条记有它的签名" for row in rows]


def count_records(connection: Connection, organisation: str) -> int:
    """How many signed records there are, every version counted."""
    table = schema.document
    return connection.execute(
        select(func.count()).select_from(table).where(table.c.organisation == organisation)
    ).scalar_one()


def _kept(row: Any) -> Kept:
    body = packing.unpack(row.body)
    return Kept(
        record=msgspec.json.decode(body, type=SignedRecord),
        body=body,
        hash=bytes(row.hash),
        signature=bytes(row.signature),
    )
