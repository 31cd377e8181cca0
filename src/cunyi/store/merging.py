"""Two records of one person: joined by a link, never by rewriting; undone by taking the link away."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.domain.person import Person
from cunyi.store import schema
from cunyi.store.people import replace_person
from cunyi.store.unit import Writing


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """A merge (合并): which record stays in use, which one leads to it, and both as they were before."""

    id: str
    kept_id: str
    replaced_id: str
    before: tuple[Person, Person]
    undone: bool


def merge_people(writing: Writing, kept: Person, replaced: Person, details: Person) -> str:
    """Links `replaced` to `kept`, whose details become `details`; the id of the merge.

    Signed records, lists and drafts stay under the id they were made for.
    """
    merge_id = writing.new_id()
    before = (kept, replaced)
    writing.connection.execute(
        insert(schema.merge).values(
            organisation=writing.organisation,
            id=merge_id,
            kept_id=kept.id,
            replaced_id=replaced.id,
            before=canonical(before),
            undone=False,
        )
    )
    replace_person(writing, details)
    replace_person(writing, msgspec.structs.replace(replaced, replaced_by=kept.id))
    made = Merge(id=merge_id, kept_id=kept.id, replaced_id=replaced.id, before=before, undone=False)
    writing.change(ChangeKind.MERGE, merge_id, after=made, person=kept.id)
    return merge_id


def undo_merge(writing: Writing, merge: Merge, kept: Person, replaced: Person) -> None:
    """Takes the link away. Details changed by the merge go back to what they were, later changes stay.

    `kept` and `replaced` are the two records as they are now.
    """
    was_kept, _ = merge.before
    after = merged_details(was_kept, merge.before[1])
    back = {
        name: getattr(was_kept, name)
        for name in kept.__struct_fields__
        if name not in ("id", "revision", "replaced_by") and getattr(kept, name) == getattr(after, name)
    }
    replace_person(writing, msgspec.structs.replace(kept, **back))
    replace_person(writing, msgspec.structs.replace(replaced, replaced_by=None))
    table = schema.merge
    writing.connection.execute(
        update(table).where(table.c.organisation == writing.organisation, table.c.id == merge.id).values(undone=True)
    )
    undone = msgspec.structs.replace(merge, undone=True)
    writing.change(ChangeKind.MERGE, merge.id, before=merge, after=undone, person=kept.id)


def merged_details(kept: Person, replaced: Person) -> Person:
    """The details of both: what stands in `kept` stays, what it lacks comes from `replaced`, lists are joined."""
    filled: dict[str, Any] = {}
    for name in kept.__struct_fields__:
        ours, theirs = getattr(kept, name), getattr(replaced, name)
        if isinstance(ours, tuple):
            filled[name] = ours + tuple(entry for entry in theirs if entry not in ours)
        elif ours in (None, "") and theirs not in (None, ""):
            filled[name] = theirs
    filled.pop("replaced_by", None)
    # Its number stays with the record that got it, and finds this one through the link.
    filled.pop("archive_code", None)
    if "birth_on" in filled:
        filled["birth_estimated"] = replaced.birth_estimated
    if "household_id" not in filled:
        # A relation is to the head of a household: it does not go to another one.
        filled.pop("relation", None)
    return msgspec.structs.replace(kept, **filled)


def merges_of(connection: Connection, organisation: str, person_id: str) -> list[Merge]:
    """The merges that a person's record was part of and that were not undone."""
    table = schema.merge
    rows = connection.execute(
        select(table).where(
            table.c.organisation == organisation,
            table.c.undone.is_(False),
            or_(table.c.kept_id == person_id, table.c.replaced_id == person_id),
        )
    )
    return [_merge(row) for row in rows]


def merge_by_id(connection: Connection, organisation: str, merge_id: str) -> Merge | None:
    """A merge by its id, undone or not."""
    table = schema.merge
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.id == merge_id)
    ).one_or_none()
    return None if row is None else _merge(row)


def _merge(row: Any) -> Merge:
    return Merge(
        id=row.id,
        kept_id=row.kept_id,
        replaced_id=row.replaced_id,
        before=msgspec.json.decode(row.before, type=tuple[Person, Person]),
        undone=row.undone,
    )
