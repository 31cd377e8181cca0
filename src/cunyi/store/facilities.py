"""The facilities of a county: what each can do, how far it is, whether it takes anybody now."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.domain.organisation import Facility, FacilityLevel
from cunyi.store import packing
from cunyi.store.columns import identity_of
from cunyi.store.township_schema import facility as table
from cunyi.store.unit import Writing

_LEVELS = list(FacilityLevel)
# Where nobody said how long it takes, after those of which it is known.
_FAR_AWAY = 10_000


def keep_facility(writing: Writing, facility: Facility) -> Facility | None:
    """Keeps a facility and counts its revision; None where nothing of it changed."""
    before = facility_by_code(writing.connection, writing.organisation, facility.code)
    if before is not None and msgspec.structs.replace(facility, revision=before.revision) == before:
        return None
    kept = msgspec.structs.replace(facility, revision=before.revision + 1 if before else 1)
    _write(writing, kept)
    subject = identity_of(ChangeKind.FACILITY, kept.code)
    writing.change(ChangeKind.FACILITY, subject, after=kept, before=before)
    return kept


def receive_facility(writing: Writing, facility: Facility) -> bool:
    """Keeps a facility as the hub has it; False where what is here is later."""
    before = facility_by_code(writing.connection, writing.organisation, facility.code)
    if before is not None and before.revision >= facility.revision:
        return False
    _write(writing, facility)
    return True


def facilities(
    connection: Connection, organisation: str, *, level: FacilityLevel | None = None, only_open: bool = False
) -> list[Facility]:
    """The facilities, the county's first, then by code."""
    query = select(table.c.details).where(table.c.organisation == organisation)
    if level is not None:
        query = query.where(table.c.level == level)
    found = [_facility(details) for details in connection.execute(query.order_by(table.c.code)).scalars()]
    if only_open:
        found = [each for each in found if each.open]
    return sorted(found, key=lambda each: -_LEVELS.index(each.level))


def facility_by_code(connection: Connection, organisation: str, code: str) -> Facility | None:
    """A facility by its number."""
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.code == code)
    ).scalar_one_or_none()
    return None if details is None else _facility(details)


def facilities_for(
    connection: Connection,
    organisation: str,
    village_code: str,
    *,
    department: str | None = None,
    examination: str | None = None,
) -> list[Facility]:
    """The open facilities that have a department or can do an examination: the lowest level first, then the shortest way."""
    found = [
        each
        for each in facilities(connection, organisation, only_open=True)
        if (department is None or any(has.department == department for has in each.capabilities))
        and (examination is None or examination in each.examinations)
    ]
    return sorted(
        found,
        key=lambda each: (
            _LEVELS.index(each.level),
            not each.answers_for(village_code),
            each.minutes_away.get(village_code, _FAR_AWAY),
            each.code,
        ),
    )


def _write(writing: Writing, facility: Facility) -> None:
    key = (table.c.organisation == writing.organisation) & (table.c.code == facility.code)
    values: dict[str, Any] = {
        "level": facility.level,
        "revision": facility.revision,
        "details": packing.pack(canonical(facility)),
    }
    if writing.connection.execute(update(table).where(key).values(**values)).rowcount == 0:
        writing.connection.execute(
            insert(table).values(organisation=writing.organisation, code=facility.code, **values)
        )


def _facility(details: bytes) -> Facility:
    return msgspec.json.decode(packing.unpack(details), type=Facility)
