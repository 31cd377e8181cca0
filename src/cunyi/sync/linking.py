"""Two persons with the same identity document, met by two nodes apart from each other: the hub links them, and it can be undone."""

from __future__ import annotations

from sqlalchemy import and_, or_, select

from cunyi.domain.audit import Action
from cunyi.domain.identity import IdentifierKind
from cunyi.domain.person import Person
from cunyi.store import schema
from cunyi.store.merging import merge_people, merged_details
from cunyi.store.people import identifier_forms, person_by_id
from cunyi.store.unit import Writing


def link_same_document(writing: Writing, person_id: str) -> list[str]:
    """Links a person with everybody in use who has the same document; the ids of those who now lead to another record.

    The older record stays in use. Two that somebody parted stay parted.
    """
    linked: list[str] = []
    person = person_by_id(writing.connection, writing.organisation, person_id)
    while person is not None and person.replaced_by is None:
        other = _another_with_the_same(writing, person)
        if other is None:
            break
        kept, replaced = sorted((person, other), key=lambda each: each.id)
        merge_id = merge_people(writing, kept, replaced, merged_details(kept, replaced))
        for each in (kept, replaced):
            writing.audit(Action.LINK_PEOPLE, person=each.id, subject=merge_id)
        linked.append(replaced.id)
        person = person_by_id(writing.connection, writing.organisation, kept.id)
    return linked


def leads_back(writing: Writing, person_id: str, replaced_by: str) -> bool:
    """Whether a link would close a circle, in which nobody's record would be in use any more."""
    seen = {person_id}
    following: str | None = replaced_by
    while following is not None:
        if following in seen:
            return True
        seen.add(following)
        person = person_by_id(writing.connection, writing.organisation, following)
        following = person.replaced_by if person else None
    return False


def _another_with_the_same(writing: Writing, person: Person) -> Person | None:
    numbers = [
        (each.kind, form)
        for each in person.identifiers
        if each.kind is not IdentifierKind.OTHER
        for form in (identifier_forms(each.value) if each.kind is IdentifierKind.RESIDENT_ID else (each.value,))
    ]
    if not numbers:
        return None
    table, people = schema.identifier, schema.person
    rows = writing.connection.execute(
        select(people.c.id)
        .join(table, (table.c.organisation == people.c.organisation) & (table.c.person_id == people.c.id))
        .where(
            table.c.organisation == writing.organisation,
            or_(*(and_(table.c.kind == kind, table.c.value == value) for kind, value in numbers)),
            people.c.replaced_by.is_(None),
            people.c.id != person.id,
        )
        .order_by(people.c.id)
    ).scalars()
    for other in rows.all():
        if not _parted(writing, person.id, other):
            return person_by_id(writing.connection, writing.organisation, other)
    return None


def _parted(writing: Writing, one: str, other: str) -> bool:
    merges = schema.merge
    return (
        writing.connection.execute(
            select(merges.c.id).where(
                merges.c.organisation == writing.organisation,
                merges.c.undone.is_(True),
                merges.c.kept_id.in_([one, other]),
                merges.c.replaced_id.in_([one, other]),
            )
        ).first()
        is not None
    )
