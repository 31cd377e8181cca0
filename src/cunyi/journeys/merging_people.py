"""Two records of one person: looked at side by side, merged, and parted again where it was a mistake."""

from __future__ import annotations

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person
from cunyi.journeys.access import person_for, require
from cunyi.store.merging import Merge, merge_by_id, merge_people, merged_details, merges_of, undo_merge
from cunyi.store.people import person_by_id, same_person
from cunyi.store.records import timeline
from cunyi.store.searching import likely_duplicates
from cunyi.store.unit import Store

_ANY = "核对重复档案"


class MergePreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a merge would do (合并预览): both records, the details as they would be, where they disagree, how many encounters move together.

    `disagreeing` names fields that both filled in differently; the kept record's stays.
    """

    kept: Person
    replaced: Person
    merged: Person
    disagreeing: tuple[str, ...]
    encounters: tuple[int, int]
    different_documents: bool


def alike(store: Store, by: Account, person_id: str) -> tuple[Person, list[Person]]:
    """A person, and who may be the same one, the likeliest first."""
    require(by, Permission.MERGE_PEOPLE)
    with store.reading() as connection:
        person = person_for(connection, by, person_id, reason=_ANY)
        return person, likely_duplicates(connection, person)


def preview_merge(store: Store, by: Account, kept_id: str, replaced_id: str) -> MergePreview:
    """What would become of two records; nothing is changed."""
    require(by, Permission.MERGE_PEOPLE)
    with store.reading() as connection:
        kept = person_for(connection, by, kept_id, reason=_ANY)
        replaced = person_for(connection, by, replaced_id, reason=_ANY)
        if kept.id == replaced.id:
            raise UserError("这两份已经是同一份档案", field="person")
        counts = tuple(
            len(timeline(connection, by.organisation, same_person(connection, by.organisation, person.id), 10_000))
            for person in (kept, replaced)
        )
    outside = [person for person in (kept, replaced) if not by.looks_after(person.village_code)]
    if outside:
        with store.writing(by.id) as writing:
            for person in outside:
                writing.audit(Action.VIEW_OUTSIDE_AREA, person=person.id, detail=_ANY)
    merged = merged_details(kept, replaced)
    disagreeing = tuple(
        name
        for name in kept.__struct_fields__
        if name not in ("id", "revision", "replaced_by", "archive_code", "household_id")
        and not isinstance(getattr(kept, name), tuple)
        and getattr(kept, name) not in (None, "")
        and getattr(replaced, name) not in (None, "")
        and getattr(kept, name) != getattr(replaced, name)
    )
    kinds = {each.kind: each.value for each in kept.identifiers}
    different = any(kinds.get(each.kind, each.value) != each.value for each in replaced.identifiers)
    return MergePreview(
        kept=kept,
        replaced=replaced,
        merged=merged,
        disagreeing=disagreeing,
        encounters=(counts[0], counts[1]),
        different_documents=different,
    )


def merge(store: Store, by: Account, preview: MergePreview, *, reason: str) -> str:
    """Merges as previewed; the id of the merge. StaleError where one of the two was changed since."""
    require(by, Permission.MERGE_PEOPLE)
    if preview.different_documents and not reason.strip():
        raise UserError("两份档案的证件号码不同；请写明为什么是同一个人", field="reason")
    with store.writing(by.id) as writing:
        merge_id = merge_people(writing, preview.kept, preview.replaced, preview.merged)
        for person in (preview.kept, preview.replaced):
            writing.audit(Action.MERGE_PEOPLE, person=person.id, subject=merge_id, detail=reason.strip())
    return merge_id


def undo(store: Store, by: Account, merge_id: str) -> str:
    """Undoes a merge by its id; the id of the record that was kept."""
    require(by, Permission.MERGE_PEOPLE)
    with store.reading() as connection:
        merge = merge_by_id(connection, by.organisation, merge_id)
    if merge is None or merge.undone:
        raise UserError("这次合并已经撤销；请重新打开档案", field="merge")
    part_again(store, by, merge)
    return merge.kept_id


def part_again(store: Store, by: Account, merge: Merge) -> None:
    """Undoes a merge."""
    require(by, Permission.MERGE_PEOPLE)
    with store.writing(by.id) as writing:
        current = [known for known in merges_of(writing.connection, by.organisation, merge.kept_id) if known == merge]
        kept = person_by_id(writing.connection, by.organisation, merge.kept_id)
        replaced = person_by_id(writing.connection, by.organisation, merge.replaced_id)
        if not current or kept is None or replaced is None:
            raise UserError("这次合并已经撤销；请重新打开档案", field="merge")
        undo_merge(writing, merge, kept, replaced)
        for person in (kept, replaced):
            writing.audit(Action.UNDO_MERGE, person=person.id, subject=merge.id)
