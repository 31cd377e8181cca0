"""Adding to, changing and ending the lists of a person: problems, allergies, long-term drugs, planned visits."""

from __future__ import annotations

from datetime import date

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.encounter import NO_KNOWN_ALLERGY, ListEntry, ListKind
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person
from cunyi.journeys.access import person_for, require
from cunyi.store.lists import add_entry, entries_of, entry_by_id, replace_entry
from cunyi.store.people import same_person
from cunyi.store.unit import Store, Writing

_LONGEST = 100
_LISTS = {
    ListKind.PROBLEM: "慢性病",
    ListKind.ALLERGY: "过敏",
    ListKind.MEDICATION: "长期用药",
    ListKind.PLAN: "随访计划",
}
_UNNAMED = {
    ListKind.PROBLEM: "请填写疾病名称",
    ListKind.ALLERGY: "请填写过敏的药物或食物",
    ListKind.MEDICATION: "请填写药名",
    ListKind.PLAN: "请填写随访内容",
}
_TOO_LONG = {
    ListKind.PROBLEM: "疾病名称最多 {longest} 字；请写短些，其余写到说明里",
    ListKind.ALLERGY: "过敏的药物或食物最多 {longest} 字；请写短些，其余写到说明里",
    ListKind.MEDICATION: "药名最多 {longest} 字；请写短些，其余写到说明里",
    ListKind.PLAN: "随访内容最多 {longest} 字；请写短些，其余写到说明里",
}


def add_to_list(
    store: Store,
    by: Account,
    person_id: str,
    kind: ListKind,
    *,
    name: str,
    code: str = "",
    detail: str = "",
    since_on: date | None = None,
    due_on: date | None = None,
    today: date,
    reason: str = "",
) -> ListEntry:
    """Puts an entry on a list of a person. UserError for an empty name, a plan without a day, no allergy of who has one."""
    require(by, Permission.WRITE_DRAFT)
    name = name.strip()
    if not name:
        raise UserError(_UNNAMED[kind], field="name")
    if len(name) > _LONGEST:
        raise UserError(_TOO_LONG[kind], field="name", longest=_LONGEST)
    if kind is ListKind.PLAN and due_on is None:
        raise UserError("请选择随访日期", field="due_on")
    if due_on is not None and due_on < today:
        raise UserError("随访日期在今天以前；请核对", field="due_on")
    if since_on is not None and since_on > today:
        raise UserError("开始日期在今天以后；请核对", field="since_on")
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        if kind is ListKind.ALLERGY:
            _make_room(writing, by, person, none_known=code == NO_KNOWN_ALLERGY, today=today)
        entry = ListEntry(
            id=writing.new_id(),
            organisation=by.organisation,
            person_id=person.id,
            kind=kind,
            name=name,
            code=code.strip(),
            detail=detail.strip(),
            since_on=since_on,
            due_on=due_on,
        )
        add_entry(writing, entry)
        writing.audit(Action.CHANGE_LIST, person=person.id, subject=entry.id, detail=_LISTS[kind])
    return entry


def _make_room(writing: Writing, by: Account, person: Person, *, none_known: bool, today: date) -> None:
    """ "No known allergy" ends with an allergy or when it is said anew, and is not said of who has one."""
    persons = same_person(writing.connection, by.organisation, person.id)
    for known in entries_of(writing.connection, by.organisation, persons):
        if known.none_known:
            why = "重新问过" if none_known else "记了过敏"
            replace_entry(writing, msgspec.structs.replace(known, ended_on=today, ended_reason=why))
        elif known.kind is ListKind.ALLERGY and none_known:
            raise UserError("已经记有过敏；确实没有的，先把它移出，再记没有过敏", field="name")


def end_entry(
    store: Store, by: Account, entry_id: str, *, revision: int, why: str, today: date, reason: str = ""
) -> ListEntry:
    """Takes an entry off its list, with why; it stays in the record. StaleError where it was changed since."""
    require(by, Permission.WRITE_DRAFT)
    if not why.strip():
        raise UserError("请写明原因，如“已停药”“误填”“已随访”", field="ended_reason")
    with store.writing(by.id) as writing:
        known = entry_by_id(writing.connection, by.organisation, entry_id)
        if known is None:
            raise UserError("没有这一条；请重新打开档案", field="entry")
        person = person_for(writing.connection, by, known.person_id, reason=reason)
        ended = replace_entry(
            writing, msgspec.structs.replace(known, revision=revision, ended_on=today, ended_reason=why.strip())
        )
        writing.audit(Action.CHANGE_LIST, person=person.id, subject=entry_id, detail=f"{_LISTS[known.kind]}，移出")
    return ended
