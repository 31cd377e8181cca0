"""The hospitals' own names of departments, as the administrator loaded them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select

from cunyi.domain.hospital import HospitalDepartment, HospitalMap
from cunyi.store import schema
from cunyi.store.unit import Writing


def set_hospital_departments(writing: Writing, level: str, departments: Sequence[HospitalDepartment]) -> None:
    """Replaces every own name of the hospital of one level; none are left where `departments` is empty."""
    table = schema.hospital_department
    writing.connection.execute(
        delete(table).where(table.c.organisation == writing.organisation, table.c.level == level)
    )
    for each in departments:
        writing.connection.execute(
            insert(table).values(
                **msgspec.structs.asdict(each), organisation=writing.organisation, set_at=writing.latest
            )
        )


def hospital_departments(connection: Connection, organisation: str) -> HospitalMap:
    """Every own name that was loaded."""
    table = schema.hospital_department
    rows = connection.execute(
        select(table.c.level, table.c.department, table.c.hospital, table.c.name, table.c.place)
        .where(table.c.organisation == organisation)
        .order_by(table.c.level, table.c.department)
    )
    found = [HospitalDepartment(**row._mapping) for row in rows]
    return {(each.level, each.department): each for each in found}
