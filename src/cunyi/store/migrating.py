"""Bringing a database to the tables of this program, and refusing one that a newer program made."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from cunyi.domain.errors import UserError
from cunyi.store.engine import WRITE

_FOLDER = Path(__file__).parent / "migrations"


def bring_up_to_date(engine: Engine) -> bool:
    """Runs what is missing, in one transaction; whether anything was.

    UserError where the database belongs to a newer program: an older one must not write to it.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection, connection.execution_options(**{WRITE: True}).begin():
        found = MigrationContext.configure(connection).get_current_revision()
        if found == scripts.get_current_head():
            return False
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise UserError(
                "这份数据是更新版本的程序写的，这个版本不能打开；请升级程序，数据没有动", field="database"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
