"""The tables that migrations make are those of the schema; a database of a newer program is left alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from cunyi.domain.errors import UserError
from cunyi.store.engine import open_sqlite
from cunyi.store.migrating import bring_up_to_date, newest_revision
from cunyi.store.township_schema import metadata


def test_migrations_make_the_tables_of_the_schema(new_engine: Engine) -> None:
    assert bring_up_to_date(new_engine, by_steps=True)
    with new_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_tables_made_at_once_are_those_of_the_steps(tmp_path: Path) -> None:
    made = {}
    for by_steps in (False, True):
        engine = open_sqlite(tmp_path / f"{by_steps}.db", None)
        assert bring_up_to_date(engine, by_steps=by_steps)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            shape = {
                table: sorted(
                    map(tuple, connection.exec_driver_sql(f"PRAGMA table_info('{table}')")), key=lambda r: r[1]
                )
                for table in (*metadata.tables, "alembic_version")
            }
            # Where a column stands, and what a step gave to rows that were there before it, are no part of the shape.
            columns = {table: [(row[1], row[2], row[3], row[5]) for row in rows] for table, rows in shape.items()}
            indexes = sorted(
                connection.exec_driver_sql("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'")
            )
            told = sorted(connection.exec_driver_sql("SELECT * FROM sqlite_stat1"))
            version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
        made[by_steps] = (columns, [tuple(row) for row in indexes], [tuple(row) for row in told], version)
        engine.dispose()
    assert made[False] == made[True]


def test_opening_again_changes_nothing(new_engine: Engine) -> None:
    assert bring_up_to_date(new_engine)
    assert not bring_up_to_date(new_engine)


def test_a_newer_database_is_refused_and_left_as_it_was(new_engine: Engine) -> None:
    bring_up_to_date(new_engine)
    with new_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UserError, match="请升级程序，数据没有动"):
        bring_up_to_date(new_engine)
    with new_engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "9999"


def test_two_programs_that_start_together_migrate_once(new_engine: Engine) -> None:
    done: list[bool | Exception] = []

    def start() -> None:
        try:
            done.append(bring_up_to_date(new_engine))
        except Exception as error:
            done.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done, key=repr) == [False, True]
    with new_engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == [
            newest_revision()
        ]
