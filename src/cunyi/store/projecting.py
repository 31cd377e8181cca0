"""The tables of encounters made from signed records: one record at its signature, or all of them anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, select

from cunyi.domain.encounter import SignedRecord
from cunyi.store import packing, schema
from cunyi.store.bulk import ids_here, insert_tuples
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
    newest: dict[str, SignedRecord] = {}
    for record in records:
        there = newest.get(record.encounter_id)
        if there is None or (there.version, there.id) < (record.version, record.id):
            newest[record.encounter_id] = record
    known = ids_here(connection, schema.encounter, organisation, newest)
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
    rows: Rows = {table: [] for table in schema.PROJECTIONS}
    for record in latest.values():
        _add_rows(rows, record)
    _insert(connection, rows)
    latest.clear()


def _insert(connection: Connection, rows: Rows) -> None:
    for table, lines in rows.items():
        insert_tuples(connection, table, _COLUMNS[table], lines)


def _rows_of(record: SignedRecord) -> Rows:
    rows: Rows = {table: [] for table in schema.PROJECTIONS}
    _add_rows(rows, record)
    return rows


def _add_rows(rows: Rows, record: SignedRecord) -> None:
    """The rows of a record, in the order of `_COLUMNS`. Plain tuples: five years of a village are half a million."""
    content, person, county, visit = record.encounter, record.person.id, record.organisation, record.encounter_id
    at = content.occurred_at
    rows[schema.encounter].append(
        (
            county,
            visit,
            person,
            record.id,
            record.version,
            content.kind.value,
            at,
            content.texts.get("chief_complaint", ""),
            content.decision.triage if content.decision else "",
            record.signer.account,
            record.signer.name,
        )
    )
    rows[schema.diagnosis] += [
        (county, visit, position, person, each.name, each.icd10, each.disease, each.certainty.value, each.chronic)
        for position, each in enumerate(content.diagnoses)
    ]
    measured = rows[schema.measured]
    for position, each in enumerate(content.measured):
        value = each.value
        number, words = (None, value) if isinstance(value, str) else (value, "")
        measured.append(
            (
                county,
                person,
                each.item,
                each.at or at,
                visit,
                position,
                number,
                words,
                each.unit,
                each.device,
                each.by,
                each.laboratory,
            )
        )
    rows[schema.prescribed] += [
        (
            county,
            person,
            at,
            visit,
            position,
            line.drug,
            " ".join([part for part in (line.dose, line.route, line.frequency) if part]),
            line.days,
        )
        for position, line in enumerate(content.prescription)
    ]


Rows = dict[Table, list[tuple[Any, ...]]]
_COLUMNS: dict[Table, tuple[str, ...]] = {
    schema.encounter: (
        "organisation",
        "id",
        "person_id",
        "document_id",
        "version",
        "kind",
        "occurred_at",
        "complaint",
        "triage",
        "signer",
        "signer_name",
    ),
    schema.diagnosis: (
        "organisation",
        "encounter_id",
        "position",
        "person_id",
        "name",
        "icd10",
        "disease",
        "certainty",
        "chronic",
    ),
    schema.measured: (
        "organisation",
        "person_id",
        "item",
        "at",
        "encounter_id",
        "position",
        "number",
        "words",
        "unit",
        "device",
        "by",
        "laboratory",
    ),
    schema.prescribed: ("organisation", "person_id", "at", "encounter_id", "position", "drug", "usage", "days"),
}
