"""Adding thousands of rows at once: on SQLite past SQLAlchemy, column by column, which takes a third of the time."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Boolean, Connection, Dialect, LargeBinary, Table, insert, select
from sqlalchemy.dialects import sqlite

from cunyi.store.columns import Identity, Moment

_FEW = 20
_AT_ONCE = 500


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows that all have the same columns."""
    if rows:
        names = tuple(rows[0])
        insert_tuples(connection, table, names, [tuple([row[name] for name in names]) for row in rows])


def insert_tuples(
    connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Adds rows that are given as their values in the order of `names`."""
    if not rows:
        return
    dialect = connection.dialect
    if dialect.name != "sqlite" or len(rows) < _FEW:
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        return
    statement, order, key = _statement(table, names, dialect)
    columns = list(zip(*rows, strict=True))
    whole = list(zip(*[_converted(dialect, table, names[place], columns[place]) for place in order], strict=True))
    # In the order of the key a page of the file is written once.
    whole.sort(key=itemgetter(*key))
    connection.exec_driver_sql(statement, whole)


def ids_here(connection: Connection, table: Table, organisation: str, ids: Collection[str]) -> set[str]:
    """Which of many ids a table has."""
    whole: list[str] = list(ids)
    found: set[str] = set()
    for start in range(0, len(whole), _AT_ONCE):
        chunk = whole[start : start + _AT_ONCE]
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(chunk))
            words = f"SELECT id FROM {table.name} WHERE organisation = ? AND id IN ({marks})"
            rows = connection.exec_driver_sql(words, (organisation, *map(_identity, chunk)))
            there = {bytes(row[0]) for row in rows}
            found.update(each for each in chunk if _identity(each) in there)
        else:
            query = select(table.c.id).where(table.c.organisation == organisation, table.c.id.in_(chunk))
            found.update(connection.execute(query).scalars())
    return found


@lru_cache(maxsize=64)
def _statement(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, list[int], list[int]]:
    """The statement, the places of its values among the names, and those of the key among its values."""
    compiled: Any = insert(table).compile(dialect=dialect, column_keys=list(names))
    given = list(compiled.positiontup or names)
    key = [given.index(column.name) for column in table.primary_key.columns]
    return str(compiled), [names.index(name) for name in given], key


def _converted(dialect: Dialect, table: Table, name: str, values: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as the database takes them."""
    kind = table.c[name].type
    if isinstance(kind, LargeBinary):
        return values
    if isinstance(kind, Identity):
        return [_identity(value) for value in values]
    if isinstance(kind, Moment):
        return [kind.process_bind_param(value, dialect) for value in values]
    convert = kind.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return values
    if isinstance(kind, Boolean):
        known = {value: convert(value) for value in set(values)}
        return [known[value] for value in values]
    return [convert(value) for value in values]


# The same few people and encounters, over and over, in every table.
@lru_cache(maxsize=32_768)
def _identity(value: str | None) -> Any:
    return _IDENTITY.process_bind_param(value, _SQLITE)


_IDENTITY = Identity()
_SQLITE: Dialect = sqlite.dialect()


@contextmanager
def without_collecting() -> Iterator[None]:
    """While thousands of things are made that hold nothing of each other: to look through them for circles, over and over, takes

    longer than to make them.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
