"""What takes the space of a database: the pages of every table and index, counted in a copy without encryption."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from cunyi.store.engine import open_sqlite
from cunyi.store.keyring import DatabaseKey


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """The size of a database file in MB, and of each table and index, largest first."""

    file_mb: float
    parts: list[tuple[str, float]]


def space_of(database: Path, key: DatabaseKey) -> Space:
    """The space of an encrypted database of invented people; the copy is gone when this returns."""
    engine = open_sqlite(database, key)
    connection: Any = engine.raw_connection().driver_connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    size = database.stat().st_size / 1e6
    with tempfile.TemporaryDirectory(dir=database.parent) as place:
        plain = Path(place, "plain.db")
        connection.execute("ATTACH DATABASE ? AS plain KEY ''", (str(plain),))
        connection.execute("SELECT sqlcipher_export('plain')").fetchall()
        connection.execute("DETACH DATABASE plain")
        engine.dispose()
        copy = sqlite3.connect(plain)
        parts = copy.execute("SELECT name, sum(pgsize) / 1e6 FROM dbstat GROUP BY name ORDER BY 2 DESC").fetchall()
        copy.close()
    return Space(file_mb=size, parts=[(str(name), float(mb)) for name, mb in parts])
