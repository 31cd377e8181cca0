"""Opening a database: SQLite encrypted with SQLCipher, or PostgreSQL, with the same promises about writing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import QueuePool

from cunyi.domain.errors import UserError
from cunyi.store.keyring import DatabaseKey

# Seconds that one program waits for another that is writing to the same file.
_BUSY_SECONDS = 30
_PAGE_CACHE_KIB = 16_384
# Signed documents are about 1.2 KB: on larger pages less room is left over between them.
_PAGE_BYTES = 8_192
_CONNECTIONS = 16
_POSTGRESQL_CONNECTIONS = 20
WRITE = "cunyi_write"
# An arbitrary number that the writers of a PostgreSQL database share: of each county one writes at a time, so that sequences follow commits.
WRITERS = 0x63756E79


class StoreFullError(UserError):
    """The disk is full (磁盘已满): nothing of this step was kept, everything kept before is safe."""


class StoreBusyError(UserError):
    """Another program is writing for too long (数据库正忙)."""


class DatabaseDefectError(Exception):
    """A defect that the database refused (数据库拒绝的操作): which kind of error, never with the values of a row."""


class WrongKeyError(UserError):
    """The database cannot be read with this key (密钥不对或数据库损坏)."""


def open_sqlite(path: Path, key: DatabaseKey | None) -> Engine:
    """The engine of a SQLite file, encrypted where a key is given. The key goes to the connection, never into a URL.

    Raises WrongKeyError where the file does not open with the key.
    """

    def connect() -> Any:
        # The C library knows `sqlite3` and `sqlcipher3` connections alike; the latter opens plain files too.
        connection = sqlcipher.connect(
            str(path), timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            if key is not None:
                # The default and not the setting of one connection: a backup is made with it, too.
                connection.execute(f"PRAGMA cipher_default_page_size = {_PAGE_BYTES}")
                connection.execute(f"PRAGMA key = \"x'{key.hex}'\"")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                "temp_store = MEMORY",
                f"cache_size = -{_PAGE_CACHE_KIB}",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except sqlcipher.DatabaseError as error:
            connection.close()
            if _is_not_a_database(error):
                raise WrongKeyError(
                    "数据库打不开：密钥不对，或文件已损坏。请用备份恢复（cunyi restore）", field="database"
                ) from None
            raise
        return connection

    engine = create_engine(
        "sqlite+pysqlite://",
        module=sqlcipher,
        creator=connect,
        poolclass=QueuePool,
        pool_size=_CONNECTIONS,
        max_overflow=_CONNECTIONS,
        hide_parameters=True,
    )
    _begin_as_asked(engine)
    event.listen(engine, "handle_error", _tell_people)
    with engine.connect():
        pass
    return engine


def open_postgresql(url: str) -> Engine:
    """The engine of a PostgreSQL database. `url` as `postgresql://user:password@host/database`."""
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=_POSTGRESQL_CONNECTIONS,
        max_overflow=_POSTGRESQL_CONNECTIONS,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(engine, "handle_error", _tell_people)
    return engine


def _begin_as_asked(engine: Engine) -> None:
    """A writer takes the lock at once, so that it never fails half-way because somebody else wrote first."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get(WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _is_not_a_database(error: BaseException) -> bool:
    return "not a database" in str(error) or "malformed" in str(error)


def _tell_people(context: ExceptionContext) -> None:
    """What a person can do something about is told in words; everything else stays the defect that it is."""
    words = str(context.original_exception)
    state = getattr(context.original_exception, "sqlstate", None)
    if "disk I/O error" in words or state == "58030":
        raise StoreFullError(
            "磁盘写不进去（已满，或坏了），这一步没有保存；之前保存的都在。请腾出空间再试；还是不行，请换一块磁盘，用备份恢复",
            field="disk",
        ) from None
    if "database or disk is full" in words or state in ("53100", "53000"):
        raise StoreFullError(
            "磁盘已满，这一步没有保存；之前保存的都在。请删去不用的文件，腾出空间后再试", field="disk"
        ) from None
    if "database is locked" in words or state == "55P03":
        raise StoreBusyError("另一个程序正在写数据库；请稍等再试", field="database") from None
    original = context.original_exception
    if isinstance(original, sqlite3.DatabaseError | sqlcipher.DatabaseError) and _is_not_a_database(original):
        raise WrongKeyError("数据库文件已损坏；请用备份恢复（cunyi restore）", field="database") from None
    if state is not None and not context.is_disconnect and not context.is_pre_ping:
        # PostgreSQL repeats the values of the row in its words ("DETAIL: Key (…)=(…)").
        constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
        told = f"{type(original).__name__} {state} {constraint or ''}".strip()
        # SQLAlchemy raises ours from the original whatever stands here, and a traceback shows the words of both.
        original.args = (told,)
        raise DatabaseDefectError(told) from None
