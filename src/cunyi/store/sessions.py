"""Sessions of an account, for what goes on in the background of somebody's work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from cunyi.store import schema


def last_begun(connection: Connection, organisation: str, account_id: str) -> datetime | None:
    """When the newest session of an account that nobody ended began, None where there is none."""
    table = schema.session
    newest = select(func.max(table.c.begun_at)).where(
        table.c.organisation == organisation, table.c.account_id == account_id
    )
    begun: datetime | None = connection.execute(newest).scalar_one()
    return begun
