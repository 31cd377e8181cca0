"""Deciding what two people made of the same field apart from each other: either value, or a third; the first decision stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.change import ChangeKind
from cunyi.domain.conflict import Conflict
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.person import Person
from cunyi.journeys.access import require
from cunyi.journeys.form_reading import FormReading, birth_date, phone_number
from cunyi.store.accounts import account_by_id
from cunyi.store.columns import is_identity
from cunyi.store.conflicts import conflict_by_id, open_conflicts
from cunyi.store.known_nodes import node_by_id
from cunyi.store.people import StaleError, person_in_use, persons_by_id
from cunyi.store.staff import colleague
from cunyi.store.unit import Store
from cunyi.sync.deciding import decide

OURS, THEIRS, THIRD = "ours", "theirs", "third"
_WORDS = frozenset({"name", "villager_group", "address", "phone", "note", "contract_doctor", "detail", "ended_reason"})
_DAYS = frozenset({"birth_on", "since_on", "due_on", "ended_on"})
_NEEDED = frozenset({"name"})
_PEOPLE = frozenset({"head_id", "mother_id"})
_DECIDED = "这处冲突已由别人决定；请重新打开查看结果"


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """Whose value it is (意见来源): a name where it is known, on which computer, when."""

    name: str
    node: str
    at: datetime | None


class DisputedShown(msgspec.Struct, frozen=True, kw_only=True):
    """A disputed field as it is shown (分歧字段显示). `typed`: a third value can be written, as `words` or as a `day`."""

    field: str
    ours: Any
    theirs: Any
    ours_voice: Voice
    typed: str


class ConflictShown(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict as it is shown (分歧显示): about whom, what stands and who wrote something else, who decided it.

    `names` are those of the people whose ids stand among the values.
    """

    conflict: Conflict
    person: Person | None
    disputed: tuple[DisputedShown, ...]
    theirs_voice: Voice
    decided_voice: Voice | None
    names: dict[str, str]


def may_decide(by: Account) -> bool:
    """Whether the account decides conflicts at all."""
    return by.may(Permission.READ_RECORD) and by.may(Permission.REGISTER_PEOPLE)


def conflicts_for(store: Store, by: Account) -> list[ConflictShown]:
    """The open conflicts that the account may decide, the oldest first."""
    _expect_decider(by)
    with store.reading() as connection:
        return [
            _shown(connection, each)
            for each in open_conflicts(connection, store.node.organisation)
            if _is_for(by, each)
        ]


def open_conflict(store: Store, by: Account, conflict_id: str) -> ConflictShown:
    """One conflict, decided or not. UserError where there is none, or it is of a village that the account does not look after."""
    _expect_decider(by)
    with store.reading() as connection:
        return _shown(connection, _found(connection, by, conflict_id))


def decide_conflict(
    store: Store, by: Account, conflict_id: str, chosen: Mapping[str, str], typed: Mapping[str, str], *, today: date
) -> ConflictShown:
    """Decides a conflict: for each field `chosen` says ours, theirs or third, whose words are in `typed`.

    InvalidFormError names the fields that are missing or cannot be used; StaleError where somebody decided first.
    """
    _expect_decider(by)
    with store.writing(by.id) as writing:
        conflict = _found(writing.connection, by, conflict_id)
        if not conflict.is_open:
            raise StaleError(_DECIDED, field="conflict")
        decide(writing, conflict, _values(conflict, chosen, typed, today), by=by.id)
    return open_conflict(store, by, conflict_id)


def way_of_typing(kind: ChangeKind, field: str) -> str:
    """How a third value of a field is written: `words`, `day`, or not at all (empty)."""
    if kind not in (ChangeKind.PERSON, ChangeKind.HOUSEHOLD, ChangeKind.LIST_ENTRY):
        return ""
    return "words" if field in _WORDS else "day" if field in _DAYS else ""


def _values(conflict: Conflict, chosen: Mapping[str, str], typed: Mapping[str, str], today: date) -> dict[str, Any]:
    reading = FormReading({field: [words] for field, words in typed.items()})
    values: dict[str, Any] = {}
    for each in conflict.disputed:
        choice = chosen.get(each.field, "")
        if choice == THIRD and way_of_typing(conflict.kind, each.field):
            values[each.field] = _third(reading, each.field, today)
        elif choice in (OURS, THEIRS):
            values[each.field] = each.ours if choice == OURS else each.theirs
        else:
            reading.refuse(each.field, "请选一个值")
    reading.finish()
    return values


def _third(reading: FormReading, field: str, today: date) -> Any:
    if field in _NEEDED:
        return reading.needed(field, str, "请写上内容，或选前面的一个值")
    if field == "phone":
        return reading.optional(field, phone_number) or ""
    if field not in _DAYS:
        return reading.text(field)
    day = reading.optional(field, (lambda words: birth_date(words, today)) if field == "birth_on" else _day)
    return None if day is None else day.isoformat()


def _day(words: str) -> date:
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise UserError("日期要写成 2026-03-05 这样", field="day") from None


def _expect_decider(by: Account) -> None:
    require(by, Permission.READ_RECORD)
    require(by, Permission.REGISTER_PEOPLE)


def _is_for(by: Account, conflict: Conflict) -> bool:
    return conflict.village_code is None or by.looks_after(conflict.village_code)


def _found(connection: Connection, by: Account, conflict_id: str) -> Conflict:
    conflict = conflict_by_id(connection, by.organisation, conflict_id)
    if conflict is None:
        raise UserError("没有这个分歧；请从同步页重新打开", field="conflict")
    if not _is_for(by, conflict):
        raise NotAllowedError("这个分歧属于别的村，请由那个村的医生决定", field="account")
    return conflict


def _shown(connection: Connection, conflict: Conflict) -> ConflictShown:
    person = None
    if conflict.person_id is not None:
        person = person_in_use(connection, conflict.organisation, conflict.person_id)
    ids = [
        value
        for each in conflict.disputed
        if each.field in _PEOPLE
        for value in (each.ours, each.theirs)
        if isinstance(value, str)
    ]
    people = persons_by_id(connection, conflict.organisation, ids)
    return ConflictShown(
        conflict=conflict,
        names={person_id: each.name for person_id, each in people.items()},
        person=person,
        disputed=tuple(
            DisputedShown(
                field=each.field,
                ours=each.ours,
                theirs=each.theirs,
                ours_voice=_voice(connection, conflict.organisation, each.ours_by, each.ours_node, each.ours_at),
                typed=way_of_typing(conflict.kind, each.field),
            )
            for each in conflict.disputed
        ),
        theirs_voice=_voice(connection, conflict.organisation, conflict.by, conflict.node, conflict.made_at),
        decided_voice=None
        if conflict.is_open
        else _voice(connection, conflict.organisation, conflict.decided_by, conflict.decided_node, conflict.decided_at),
    )


def _voice(connection: Connection, organisation: str, account_id: str, node_id: str, at: datetime | None) -> Voice:
    name = node_name = ""
    if is_identity(account_id):
        stored = account_by_id(connection, organisation, account_id)
        known = stored.account if stored is not None else colleague(connection, organisation, account_id)
        name = known.name if known is not None else ""
    if is_identity(node_id):
        node = node_by_id(connection, organisation, node_id)
        node_name = node.name if node is not None else ""
    return Voice(name=name, node=node_name, at=at)
