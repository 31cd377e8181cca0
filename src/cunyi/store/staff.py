"""Who works on the other nodes: what the hub was told of their accounts, never what proves them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select, update

from cunyi.domain.account import Account
from cunyi.domain.encounter import canonical
from cunyi.store.township_schema import staff as table


def keep_colleague(connection: Connection, account: Account, node_id: str) -> None:
    """Keeps what is known of somebody's account on another node."""
    values = {"node_id": node_id, "facility": account.facility, "details": canonical(account)}
    key = (table.c.organisation == account.organisation) & (table.c.id == account.id)
    if connection.execute(update(table).where(key).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(organisation=account.organisation, id=account.id, **values))


def colleague(connection: Connection, organisation: str, account_id: str) -> Account | None:
    """Somebody who works on another node."""
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == account_id)
    ).scalar_one_or_none()
    return None if details is None else msgspec.json.decode(details, type=Account)


def staff_by_node(connection: Connection, organisation: str) -> dict[str, list[Account]]:
    """Everybody who works on the other nodes, by node."""
    found: dict[str, list[Account]] = {}
    rows = connection.execute(
        select(table.c.node_id, table.c.details).where(table.c.organisation == organisation).order_by(table.c.id)
    )
    for row in rows:
        found.setdefault(row.node_id, []).append(msgspec.json.decode(row.details, type=Account))
    return found
