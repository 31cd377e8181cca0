"""The tables of encounters made from signed records: one record at its signature, or all of them anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, select

from cunyi.domain.encounter import SignedRecord
from cunyi.store import packing, schema
from cunyi.store.bulk import insert_rows
from cunyi.store.unit import Writing

_AT_ONCE = 500


def project(connection: Connection, record: SignedRecord) -> None:
    """The rows of one record in place of those of the version before."""
    visits = schema.encounter
    # Records of other nodes may come in any order, and two nodes may each have made the same version.
    current = connection.execute(
        select(visits.c.version, visits.c.document_id).where(
            visits.c.organisation == record.organisation, visits.c.id == record.encounter_id
        )
    ).one_or_none()
    if current is not None:
        if (current.version, current.document_id) > (record.version, record.id):
            return
        connection.execute(
            delete(visits).where(visits.c.organisation == record.organisation, visits.c.id == record.encounter_id)
        )
        for table in (schema.diagnosis, schema.measured, schema.prescribed):
            connection.execute(
                delete(table).where(
                    table.c.organisation == record.organisation,
                    table.c.person_id == record.person.id,
                    table.c.encounter_id == record.encounter_id,
                )
            )
    _insert(connection, _rows_of(record))


def project_many(connection: Connection, organisation: str, records: Sequence[SignedRecord]) -> None:
    """The rows of many records, in whatever order they came."""
    visits = schema.encounter
    newest: dict[str, SignedRecord] = {}
    for record in records:
        there = newest.get(record.encounter_id)
        if there is None or (there.version, there.id) < (record.version, record.id):
            newest[record.encounter_id] = record
    known: set[str] = set()
    ids = list(newest)
    for start in range(0, len(ids), _AT_ONCE):
        chunk = ids[start : start + _AT_ONCE]
        known.update(
            connection.execute(
                select(visits.c.id).where(visits.c.organisation == organisation, visits.c.id.in_(chunk))
            ).scalars()
        )
    for encounter_id in known:
        project(connection, newest.pop(encounter_id))
    _insert_all(connection, newest)


def rebuild(writing: Writing) -> int:
    """Makes the tables of encounters anew from the signed records; how many records there are."""
    connection = writing.connection
    for table in schema.PROJECTIONS:
        connection.execute(delete(table).where(table.c.organisation == writing.organisation))
    document = schema.document
    ids = (
        connection.execute(
            select(document.c.id)
            .where(document.c.organisation == writing.organisation)
            .order_by(document.c.encounter_id, document.c.version, document.c.id)
        )
        .scalars()
        .all()
    )
    latest: dict[str, SignedRecord] = {}
    for start in range(0, len(ids), _AT_ONCE):
        chunk = ids[start : start + _AT_ONCE]
        bodies = connection.execute(
            select(document.c.body)
            .where(document.c.organisation == writing.organisation, document.c.id.in_(chunk))
            .order_by(document.c.encounter_id, document.c.version, document.c.id)
        ).scalars()
        for body in bodies:
            record = msgspec.json.decode(packing.unpack(body), type=SignedRecord)
            if record.encounter_id not in latest and len(latest) >= _AT_ONCE:
                _insert_all(connection, latest)
            latest[record.encounter_id] = record
    _insert_all(connection, latest)
    return len(ids)


def _insert_all(connection: Connection, latest: dict[str, SignedRecord]) -> None:
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in schema.PROJECTIONS}
    for record in latest.values():
        for table, lines in _rows_of(record).items():
            rows[table] += lines
    _insert(connection, rows)
    latest.clear()


def _insert(connection: Connection, rows: dict[Table, list[dict[str, Any]]]) -> None:
    for table, lines in rows.items():
        insert_rows(connection, table, lines)


def _rows_of(record: SignedRecord) -> dict[Table, list[dict[str, Any]]]:
    content, person = record.encounter, record.person.id
    owner = {"organisation": record.organisation, "person_id": person, "encounter_id": record.encounter_id}
    return {
        schema.encounter: [
            {
                "organisation": record.organisation,
                "id": record.encounter_id,
                "person_id": person,
                "document_id": record.id,
                "version": record.version,
                "kind": content.kind,
                "occurred_at": content.occurred_at,
                "complaint": content.texts.get("chief_complaint", ""),
                "triage": content.decision.triage if content.decision else "",
                "signer": record.signer.account,
                "signer_name": record.signer.name,
            }
        ],
        schema.diagnosis: [
            {
                **owner,
                "position": position,
                "name": each.name,
                "icd10": each.icd10,
                "disease": each.disease,
                "certainty": each.certainty,
                "chronic": each.chronic,
            }
            for position, each in enumerate(content.diagnoses)
        ],
        schema.measured: [
            {
                **owner,
                "position": position,
                "item": each.item,
                "at": each.at or content.occurred_at,
                "number": None if isinstance(each.value, str) else each.value,
                "words": each.value if isinstance(each.value, str) else "",
                "unit": each.unit,
                "device": each.device,
                "by": each.by,
                "laboratory": each.laboratory,
            }
            for position, each in enumerate(content.measured)
        ],
        schema.prescribed: [
            {
                **owner,
                "position": position,
                "at": content.occurred_at,
                "drug": line.drug,
                "usage": " ".join(part for part in (line.dose, line.route, line.frequency) if part),
                "days": line.days,
            }
            for position, line in enumerate(content.prescription)
        ],
    }
