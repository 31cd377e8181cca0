"""Bringing a database to the tables of this program, and refusing one that a newer program made."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from cunyi.domain.errors import UserError
from cunyi.store.engine import WRITE, WRITERS

# Alembic keeps what it works on in a place that all threads share.
_ONE_AT_A_TIME = threading.Lock()
_FOLDER = Path(__file__).parent / "migrations"


def bring_up_to_date(engine: Engine) -> bool:
    """Runs what is missing, in one transaction; whether anything was.

    UserError where the database belongs to a newer program: an older one must not write to it.
    """
    with engine.connect() as connection:
        if _revision(connection) == newest_revision():
            return False
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
    return True


def newest_revision() -> str:
    """The revision of the last step: steps are files named by their number."""
    return max(path.stem.removeprefix("v").partition("_")[0] for path in _FOLDER.glob("versions/v*.py"))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return None if found is None else str(found)
