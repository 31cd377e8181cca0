"""Who somebody is, asked at the hub: as few facts as are needed to know whether it is the right person."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, select

from cunyi.domain.identity import mask
from cunyi.domain.person import Person
from cunyi.store import schema
from cunyi.store.nodes import villages
from cunyi.store.people import identifier_forms, person_in_use, persons_by_id, persons_with_identifier
from cunyi.sync.messages import Find, FoundPerson

# Who asks knows the person: more than a few with one name and one birth date are not shown.
_MOST = 5


def find_people(connection: Connection, organisation: str, asked: Find) -> tuple[FoundPerson, ...]:
    """The people in use with this document number, or with this name and birth date."""
    if asked.identifier:
        owners = persons_with_identifier(connection, organisation, identifier_forms(asked.identifier))
    else:
        owners = _by_name(connection, organisation, asked)
    in_use: dict[str, Person] = {}
    for owner in owners:
        person = person_in_use(connection, organisation, owner.id)
        if person is not None:
            in_use[person.id] = person
    names = villages(connection, organisation)
    return tuple(_shown(each, names) for each in list(in_use.values())[:_MOST])


def _by_name(connection: Connection, organisation: str, asked: Find) -> list[Person]:
    try:
        birth_on = date.fromisoformat(asked.birth_on)
    except ValueError:
        return []
    people = schema.person
    ids = (
        connection.execute(
            select(people.c.id)
            .where(
                people.c.organisation == organisation,
                people.c.name == asked.name,
                people.c.birth_on == birth_on,
            )
            .order_by(people.c.id)
            .limit(_MOST)
        )
        .scalars()
        .all()
    )
    return list(persons_by_id(connection, organisation, ids).values())


def _shown(person: Person, names: dict[str, str]) -> FoundPerson:
    return FoundPerson(
        id=person.id,
        name=person.name,
        sex=person.sex,
        birth_on=person.birth_on.isoformat() if person.birth_on else None,
        village_code=person.village_code,
        village=names.get(person.village_code, ""),
        identifier=mask(person.identifiers[0].value) if person.identifiers else "",
    )
