"""The places of a county by their official codes, the villages that people live in among them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select, update

from cunyi.domain.change import ChangeKind
from cunyi.domain.organisation import Area
from cunyi.store.columns import identity_of
from cunyi.store.nodes import set_village
from cunyi.store.township_schema import area as table
from cunyi.store.unit import Writing

VILLAGE_DIGITS = 12


def keep_area(writing: Writing, area: Area) -> bool:
    """Keeps a place; whether it is new or has another name. A village can be lived in from then on."""
    before = area_by_code(writing.connection, writing.organisation, area.code)
    if before == area:
        return False
    receive_area(writing, area)
    subject = identity_of(ChangeKind.AREA, area.code)
    village = area.code if len(area.code) == VILLAGE_DIGITS else None
    writing.change(ChangeKind.AREA, subject, after=area, before=before, village=village)
    return True


def receive_area(writing: Writing, area: Area) -> None:
    """Keeps a place as the hub has it."""
    key = (table.c.organisation == writing.organisation) & (table.c.code == area.code)
    if writing.connection.execute(update(table).where(key).values(name=area.name)).rowcount == 0:
        writing.connection.execute(
            insert(table).values(organisation=writing.organisation, **msgspec.structs.asdict(area))
        )
    if len(area.code) == VILLAGE_DIGITS:
        set_village(writing, area.code, area.name)


def areas(connection: Connection, organisation: str) -> list[Area]:
    """Every place in the order of the codes: the county before its townships before their villages."""
    rows = connection.execute(
        select(table.c.code, table.c.name).where(table.c.organisation == organisation).order_by(table.c.code)
    )
    return [Area(code=row.code, name=row.name) for row in rows]


def area_by_code(connection: Connection, organisation: str, code: str) -> Area | None:
    """A place by its code."""
    row = connection.execute(
        select(table.c.code, table.c.name).where(table.c.organisation == organisation, table.c.code == code)
    ).one_or_none()
    return None if row is None else Area(code=row.code, name=row.name)
