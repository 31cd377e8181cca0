"""What a swiped identity card leads to: the person's record and where the card differs from it, or a form filled in for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.ethnic_groups import same_ethnic_group
from cunyi.domain.identity import (
    EARLIEST_BIRTH,
    Identifier,
    IdentifierKind,
    IdentityFacts,
    canonical,
    read_identifier,
)
from cunyi.domain.measurement import IdentityCard
from cunyi.domain.names import clean_name
from cunyi.domain.person import Person, PersonStatus
from cunyi.journeys.access import require
from cunyi.journeys.registering import PersonEntry, change_person, details_of
from cunyi.store.nodes import villages
from cunyi.store.people import StaleError, identifier_forms, person_in_use, persons_with_identifier
from cunyi.store.searching import likely_duplicates
from cunyi.store.unit import Store

_PERMITS = frozenset({IdentifierKind.HK_MACAO_PERMIT, IdentifierKind.TAIWAN_PERMIT})
_DETAIL = "刷证件"
_SEX_NUMBER = {
    Sex.MALE: "证件号码里的性别是男，证件上读出的是女；请对照证件核对",
    Sex.FEMALE: "证件号码里的性别是女，证件上读出的是男；请对照证件核对",
}
_SEX_RECORD = {Sex.MALE: "证件上的性别是男，档案里是女", Sex.FEMALE: "证件上的性别是女，档案里是男"}
_NOT_IN_USE = {
    PersonStatus.DIED: "档案里这位居民已经登记死亡；请核对是不是本人，或者档案登错了",
    PersonStatus.MOVED_AWAY: "档案里这位居民已经登记迁出；请核对，搬回来了就改档案状态",
}


class Swiped(msgspec.Struct, frozen=True, kw_only=True):
    """Whose card was swiped (刷卡结果). `name` and `birth_on` stand on the card, so that a relative's card is noticed.

    `found` is the person registered with it. `differences` are for the person looking, each with the field it is about: what
    is doubtful about the card first (expired, a number that cannot be right), then where it differs from the record. `likely`
    may be the same person and `fields` are the form of registering filled in; both empty where somebody was found.
    """

    name: str
    birth_on: date | None
    found: Person | None
    differences: tuple[UserError, ...]
    likely: tuple[Person, ...] = ()
    fields: dict[str, list[str]] = {}

    def __repr__(self) -> str:
        """Nothing of the holder: reprs end in logs."""
        return f"Swiped(found={self.found is not None}, differences={len(self.differences)}, likely={len(self.likely)})"


def swipe(store: Store, by: Account, card: IdentityCard, *, today: date) -> Swiped:
    """Looks for the holder of a card; written down as a search. Nothing of the card is kept: `apply_card` does what was ticked.

    Whatever is wrong with the card is told in `differences`, never raised.
    """
    require(by, Permission.FIND_PEOPLE)
    facts, doubts = _looked_at(card, today)
    with store.writing(by.id) as writing:
        connection = writing.connection
        owners = _owners(connection, by.organisation, card)
        found = owners[0] if len(owners) == 1 else None
        if found is not None:
            swiped = Swiped(
                name=card.name,
                birth_on=card.birth_on,
                found=found,
                differences=(*doubts, *_of_status(found), *_differing(card, found)),
            )
        else:
            if owners:
                doubts.append(
                    UserError(
                        "有 {count} 份档案登记了这个证件号码；请看看是哪一位，同一个人就把档案合并",
                        field="identifiers",
                        count=len(owners),
                    )
                )
            names = {c: name for c, name in villages(connection, by.organisation).items() if by.looks_after(c)}
            fields = _fields(card, facts, _village_named(card.address, names))
            swiped = Swiped(
                name=card.name,
                birth_on=card.birth_on,
                found=None,
                differences=tuple(doubts),
                likely=tuple(owners or _likely(connection, by.organisation, card, fields)),
                fields=fields,
            )
        writing.audit(Action.SEARCH_PEOPLE, person=found.id if found else None, detail=_DETAIL)
    return swiped


def apply_card(
    store: Store,
    by: Account,
    person_id: str,
    card: IdentityCard,
    accepted: Collection[str],
    *,
    revision: int | None = None,
    reason: str = "",
) -> Person:
    """Takes over from a card what was ticked (`name sex birth_on ethnic_group address identifiers`), and nothing else.

    Written down as a change of the details. `revision` is the one that was looked at: StaleError where somebody changed it
    since. UserError where the card does not say it or says what cannot be kept; `reason` as in `change_person`.
    """
    person = details_of(store, by, person_id, reason=reason)
    if revision is not None and revision != person.revision:
        raise StaleError("这份档案在别处刚改过；请重新刷卡核对", field="revision")
    if not accepted:
        return person
    details: dict[str, Any] = {}
    for field in accepted:
        details |= _taken(field, card, person, store.clock().astimezone().date())
    entry = PersonEntry(person=msgspec.structs.replace(person, **details), differences=(), new_household=False)
    return change_person(store, by, entry, reason=reason)


def _taken(field: str, card: IdentityCard, person: Person, today: date) -> dict[str, Any]:
    """The details that one ticked field of the card gives."""
    if field == "identifiers":
        facts = read_identifier(card.number, card.kind, today=today)
        new = Identifier(kind=facts.kind, value=facts.value)
        return {"identifiers": (new, *(known for known in person.identifiers if known != new))}
    if field == "birth_on" and card.birth_on is not None:
        if not EARLIEST_BIRTH <= card.birth_on <= today:
            raise UserError("证件上的出生日期不可能；请核对，电脑日期不对就先改正", field=field)
        return {"birth_on": card.birth_on, "birth_estimated": False}
    if field not in ("name", "sex", "ethnic_group", "address") or not getattr(card, field):
        raise UserError("证件上没有这一项；请在档案里手工修改", field=field)
    return {field: clean_name(_spoken(card.name)) if field == "name" else getattr(card, field)}


def _looked_at(card: IdentityCard, today: date) -> tuple[IdentityFacts | None, list[UserError]]:
    """What the number says, None where it cannot be right, and everything about the card that a person should look at."""
    doubts = list(_of_period(card, today))
    try:
        facts = read_identifier(card.number, card.kind, today=today)
    except UserError:
        facts = None
        doubts.append(UserError("读出的证件号码不对（位数或校验码不合）；请对照证件核对", field="identifiers"))
    if _kept_name(card) is None:
        doubts.append(UserError("读出的姓名里有不能用的字；请对照证件核对后手工改正", field="name"))
    if facts is not None:
        if facts.birth_on is not None and card.birth_on is not None and facts.birth_on != card.birth_on:
            doubts.append(
                UserError(
                    "证件号码里的出生日期是 {number}，证件上读出的是 {card}；请对照证件核对",
                    field="birth_on",
                    number=facts.birth_on,
                    card=card.birth_on,
                )
            )
        if facts.sex is not None and card.sex is not None and facts.sex != card.sex:
            doubts.append(UserError(_SEX_NUMBER[facts.sex], field="sex"))
    return facts, doubts


def _of_period(card: IdentityCard, today: date) -> Iterable[UserError]:
    if card.valid_until is not None and card.valid_until < today:
        yield UserError(
            "这张证件 {day} 已经到期；请核对是不是本人和现在的住址，并提醒换证",
            field="valid_until",
            day=card.valid_until,
        )
    if card.valid_from is None and card.valid_until is None:
        yield UserError("证件的有效期没有读出来；请看一眼证件是否过期", field="valid_until")
    if card.valid_from is not None and card.valid_from > today:
        yield UserError(
            "这张证件从 {day} 才开始有效；请核对证件，电脑日期不对就先改正", field="valid_from", day=card.valid_from
        )


def _owners(connection: Connection, organisation: str, card: IdentityCard) -> list[Person]:
    """Everybody in use who is registered with the number of the card, each once."""
    forms = identifier_forms(canonical(card.number))
    return _in_use(connection, organisation, persons_with_identifier(connection, organisation, forms))


def _in_use(connection: Connection, organisation: str, people: Iterable[Person]) -> list[Person]:
    used = [person_in_use(connection, organisation, person.id) or person for person in people]
    return list({person.id: person for person in used}.values())


def _likely(
    connection: Connection, organisation: str, card: IdentityCard, fields: dict[str, list[str]]
) -> list[Person]:
    """Who may be the holder, registered without this number: with the permit on the card, or with this name and birth date."""
    found: list[Person] = []
    if card.permit_number:
        registered = persons_with_identifier(connection, organisation, [canonical(card.permit_number)])
        with_permit = [person for person in registered if any(each.kind in _PERMITS for each in person.identifiers)]
        found += _in_use(connection, organisation, with_permit)
    holder = Person(
        id="",
        organisation=organisation,
        village_code=fields["village_code"][0],
        name=fields["name"][0],
        sex=Sex(fields["sex"][0]) if fields["sex"][0] else None,
        birth_on=date.fromisoformat(fields["birth_on"][0]) if fields["birth_on"][0] else None,
    )
    found += [other for other in likely_duplicates(connection, holder) if not _has_another_number(other, card)]
    return list({person.id: person for person in found}.values())


def _has_another_number(person: Person, card: IdentityCard) -> bool:
    """Whether somebody's own number says that they are another person; a foreigner's changes with a new card."""
    if card.kind is not IdentifierKind.RESIDENT_ID:
        return False
    return any(each.kind is card.kind for each in person.identifiers)


def _of_status(person: Person) -> Iterable[UserError]:
    if person.status in _NOT_IN_USE:
        yield UserError(_NOT_IN_USE[person.status], field="status")


def _differing(card: IdentityCard, person: Person) -> Iterable[UserError]:
    """Where card and record say different things; what one of them does not say is no difference."""
    if (_kept_name(card) or card.name) != person.name:
        yield UserError(
            "证件上的姓名是{card}，档案里是{record}",
            field="name",
            card=_kept_name(card) or card.name,
            record=person.name,
        )
    if card.sex is not None and person.sex is not None and card.sex != person.sex:
        yield UserError(_SEX_RECORD[card.sex], field="sex")
    if card.birth_on is not None and person.birth_on is not None and card.birth_on != person.birth_on:
        yield UserError(
            "证件上的出生日期是 {card}，档案里是 {record}", field="birth_on", card=card.birth_on, record=person.birth_on
        )
    if card.ethnic_group and person.ethnic_group and not same_ethnic_group(card.ethnic_group, person.ethnic_group):
        yield UserError(
            "证件上的民族是{card}，档案里是{record}",
            field="ethnic_group",
            card=card.ethnic_group,
            record=person.ethnic_group,
        )
    if card.address and person.address and not _same_place(card.address, person.address):
        yield UserError(
            "证件上的住址是{card}，档案里是{record}", field="address", card=card.address, record=person.address
        )


def _same_place(card: str, record: str) -> bool:
    """Whether the record has the card's address, perhaps without the county and province that everybody knows."""
    card, record = "".join(card.split()), "".join(record.split())
    return card.endswith(record) or record.endswith(card)


def _fields(card: IdentityCard, facts: IdentityFacts | None, village_code: str) -> dict[str, list[str]]:
    """The form of registering, filled in from the card; `journeys.registering.read_person` reads it."""
    sex = card.sex or (facts.sex if facts else None)
    birth_on = card.birth_on or (facts.birth_on if facts else None)
    return {
        "name": [_kept_name(card) or card.name],
        "identifier_kind": [card.kind.value],
        "identifier": [card.number],
        "sex": [sex.value if sex else ""],
        "birth_on": [birth_on.isoformat() if birth_on else ""],
        "ethnic_group": [card.ethnic_group],
        "address": [card.address],
        "village_code": [village_code],
    }


def _village_named(address: str, names: dict[str, str]) -> str:
    """The code of the village that an address names, empty where it names none or several."""
    named = [(name, code) for code, name in names.items() if name and name in address]
    # 大上坪村 names 上坪村 too, and means only itself.
    whole = {code for name, code in named if not any(name != other and name in other for other, _ in named)}
    return whole.pop() if len(whole) == 1 else ""


def _spoken(name: str) -> str:
    """A name as it is said: the comma between a foreigner's family and given names goes."""
    return name.replace(",", " ")


def _kept_name(card: IdentityCard) -> str | None:
    """The name as records keep it, None where it holds what no name does."""
    try:
        return clean_name(_spoken(card.name))
    except UserError:
        return None
