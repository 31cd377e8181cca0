"""The large tables partitioned by county, on PostgreSQL: a county is then one part of each, which can be moved as a whole.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = (
    "person", "household", "identifier", "search_key", "merge", "list_entry", "document", "encounter", "diagnosis", "measured",
    "prescribed", "change", "audit_entry", "note", "thread", "attachment", "attachment_part", "conflict",
)  # fmt: skip
_OLD = "before_0005"


def upgrade() -> None:
    """Makes each table anew as a partitioned one, with its rows, keys and indexes as they were."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    foreign = _rows(
        connection,
        "SELECT conname, conrelid::regclass::text AS owner, pg_get_constraintdef(oid) AS body FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace "
        "AND (conrelid::regclass::text = ANY(:tables) OR confrelid::regclass::text = ANY(:tables)) ORDER BY 1",
    )
    for each in foreign:
        op.execute(f'ALTER TABLE "{each.owner}" DROP CONSTRAINT "{each.conname}"')
    for table in _TABLES:
        _partition(connection, table)
    for each in foreign:
        op.execute(f'ALTER TABLE "{each.owner}" ADD CONSTRAINT "{each.conname}" {each.body}')


def _partition(connection: sa.Connection, table: str) -> None:
    keys = _rows(
        connection,
        "SELECT conname, pg_get_constraintdef(oid) AS body FROM pg_constraint "
        "WHERE contype IN ('p', 'u') AND conrelid = CAST(:table AS regclass) ORDER BY contype, conname",
        table,
    )
    indexes = _rows(
        connection,
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS body FROM pg_index "
        "WHERE indrelid = CAST(:table AS regclass) "
        "AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u')) ORDER BY 1",
        table,
    )
    for key in keys:
        op.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{key.conname}"')
    for index in indexes:
        op.execute(f"DROP INDEX {index.name}")
    op.execute(f'ALTER TABLE "{table}" RENAME TO "{table}_{_OLD}"')
    op.execute(
        f'CREATE TABLE "{table}" (LIKE "{table}_{_OLD}" INCLUDING DEFAULTS INCLUDING STORAGE) PARTITION BY LIST (organisation)'
    )
    for county in _counties(connection, table):
        op.execute(f'CREATE TABLE "{table}_{county}" PARTITION OF "{table}" FOR VALUES IN (\'{county}\')')
    op.execute(f'INSERT INTO "{table}" SELECT * FROM "{table}_{_OLD}"')
    op.execute(f'DROP TABLE "{table}_{_OLD}"')
    for key in keys:
        op.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{key.conname}" {key.body}')
    for index in indexes:
        op.execute(index.body)


def _counties(connection: sa.Connection, table: str) -> list[str]:
    """The counties of the nodes that are set up here, and of rows of the table."""
    return list(
        connection.execute(
            sa.text(f'SELECT organisation FROM node UNION SELECT organisation FROM "{table}_{_OLD}" ORDER BY 1')
        ).scalars()
    )


def _rows(connection: sa.Connection, query: str, table: str | None = None) -> list[Any]:
    values: dict[str, Any] = {"tables": list(_TABLES)} if table is None else {"table": table}
    return list(connection.execute(sa.text(query), values))
