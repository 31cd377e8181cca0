"""Bringing a database to the tables of this program, and refusing one that a newer program made."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from cunyi.domain.errors import UserError
from cunyi.store.engine import WRITE, WRITERS
from cunyi.store.township_schema import metadata

# Alembic keeps what it works on in a place that all threads share.
_ONE_AT_A_TIME = threading.Lock()
# What the planner is told: rows of a table, and rows alike in each further column of an index.
_ROWS, _ALIKE = 100_000, 20
# A merged record is the exception: to look for those in use by this column is to read them all.
_MOSTLY_EMPTY = ("replaced_by",)
_FOLDER = Path(__file__).parent / "migrations"


def bring_up_to_date(engine: Engine, *, by_steps: bool = False) -> bool:
    """Runs what is missing, in one transaction; whether anything was.

    An empty SQLite file is given the newest tables at once, which come out the same as `by_steps`.

    UserError where the database belongs to a newer program: an older one must not write to it.
    """
    with engine.connect() as connection:
        if _revision(connection) == newest_revision():
            return False
    if engine.dialect.name == "sqlite" and not by_steps and _make_at_once(engine):
        return True
    # Only here: Alembic takes a third of a second to load, and a database is seldom behind.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with _ONE_AT_A_TIME, engine.connect() as connection, connection.execution_options(**{WRITE: True}).begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": WRITERS})
        found = _revision(connection)
        if found == newest_revision():
            return False
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise UserError("这份数据是更新版本的程序写的，这个版本不能打开；请升级程序，数据没有动", field="database")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if engine.dialect.name == "sqlite":
            _tell_planner(connection)
    # Connections opened before do not know the new tables and statistics.
    engine.dispose()
    return True


def _make_at_once(engine: Engine) -> bool:
    """Makes the newest tables in an empty file; whether it was empty."""
    with _ONE_AT_A_TIME, engine.connect() as connection, connection.execution_options(**{WRITE: True}).begin():
        if inspect(connection).get_table_names():
            return False
        metadata.create_all(connection)
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version ("
            "version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (newest_revision(),))
        _tell_planner(connection)
    engine.dispose()
    return True


def drop_everything(engine: Engine) -> None:
    """Takes every table away, with all that is in them: for a node that was revoked and whose database has a server of its own."""
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")


def newest_revision() -> str:
    """The revision of the last step: steps are files named by their number."""
    return max(path.stem.removeprefix("v").partition("_")[0] for path in _FOLDER.glob("versions/v*.py"))


def _tell_planner(connection: Connection) -> None:
    """Tells SQLite how selective the columns of each index are, as they are in a node at work.

    Every key begins with the organisation, which is one and the same on a kit. Without statistics SQLite takes it for
    selective and reads whole tables; measured on an empty database there would be none.
    """
    connection.exec_driver_sql("ANALYZE")
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    for table in metadata.sorted_tables:
        for index in connection.exec_driver_sql(f"PRAGMA index_list('{table.name}')").all():
            columns = connection.exec_driver_sql(f"PRAGMA index_info('{index[1]}')").all()
            rows = [_ROWS, _ROWS, *(_ROWS // 2 if name in _MOSTLY_EMPTY else _ALIKE for _, _, name in columns[1:])]
            if index[2]:
                rows[-1] = 1
            # The primary key of a table without row ids goes by the table's name.
            name = table.name if index[3] == "pk" and not table.dialect_options["sqlite"]["with_rowid"] else index[1]
            connection.exec_driver_sql(
                "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table.name, name, " ".join(map(str, rows)))
            )
    connection.exec_driver_sql("ANALYZE sqlite_schema")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return None if found is None else str(found)
