"""How tables are made: one metadata, keys that begin with the organisation (county), rows with an id of their own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, PrimaryKeyConstraint, String, Table

from cunyi.store.columns import Identity

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Prefix searches need an order by code point, whatever the language of the database.
KEY = String(collation="C").with_variant(String(collation="BINARY"), "sqlite")


def organisation() -> Column[str]:
    """The county that a row belongs to: the first column of every key."""
    return Column("organisation", String(6), nullable=False)


def plain_table(name: str, *items: Any, rowid: bool = False) -> Table:
    """A table whose key is among `items`."""
    return Table(name, metadata, *items, sqlite_with_rowid=rowid)


def identified(name: str, *items: Any, rowid: bool = False) -> Table:
    """A table whose rows have an id of their own."""
    key = PrimaryKeyConstraint("organisation", "id")
    return plain_table(name, organisation(), Column("id", Identity, nullable=False), *items, key, rowid=rowid)


def of_person() -> ForeignKeyConstraint:
    """The row belongs to a person who is here."""
    return ForeignKeyConstraint(["organisation", "person_id"], ["person.organisation", "person.id"])
