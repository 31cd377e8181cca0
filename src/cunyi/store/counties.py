"""Counties in one PostgreSQL database: each has its own partition of every large table, made before its first row."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from cunyi.domain.errors import UserError
from cunyi.store import schema

_DIGITS = 6
_PARTITIONED = """
SELECT pg_class.relname FROM pg_partitioned_table
JOIN pg_class ON pg_class.oid = pg_partitioned_table.partrelid
WHERE pg_class.relnamespace = current_schema()::regnamespace ORDER BY pg_class.relname
"""


def add_county(connection: Connection, code: str) -> bool:
    """Makes the partitions of a county (6-digit code) where they are not there yet; whether any was made.

    Nothing on SQLite, where a database is one node's.
    """
    if len(code) != _DIGITS or not (code.isascii() and code.isdigit()):
        raise UserError("县的区划代码是 6 位数字", field="county")
    if connection.dialect.name != "postgresql":
        return False
    made = False
    for table in partitioned_tables(connection):
        partition = f"{table}_{code}"
        if connection.execute(text("SELECT to_regclass(:name)"), {"name": f'"{partition}"'}).scalar() is None:
            connection.exec_driver_sql(f'CREATE TABLE "{partition}" PARTITION OF "{table}" FOR VALUES IN (\'{code}\')')
            made = True
    return made


def partitioned_tables(connection: Connection) -> list[str]:
    """The tables that are partitioned by county."""
    return list(connection.execute(text(_PARTITIONED)).scalars())


def counties(connection: Connection) -> dict[str, list[str]]:
    """The counties that may have rows here, each with the names of the facilities whose nodes are set up in this database."""
    found: dict[str, list[str]] = {}
    if connection.dialect.name == "postgresql" and "person" in partitioned_tables(connection):
        names = connection.execute(
            text(
                "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
                "WHERE inhparent = 'person'::regclass ORDER BY relname"
            )
        ).scalars()
        found = {name.rpartition("_")[2]: [] for name in names}
    for organisation, name in connection.execute(select(schema.node.c.organisation, schema.node.c.facility_name)):
        found.setdefault(organisation, []).append(name)
    return found
