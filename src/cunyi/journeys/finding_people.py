"""Finding people: who fits what was typed, told apart by village, household and the tail of their papers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.errors import UserError
from cunyi.domain.identity import IdentifierKind, IdentityFacts, mask, read_identifier
from cunyi.domain.person import Person
from cunyi.journeys.access import require
from cunyi.journeys.today import search
from cunyi.store.nodes import villages
from cunyi.store.people import households_by_id, identifier_forms, person_in_use, persons_by_id, persons_with_identifier
from cunyi.store.unit import Store


class FoundPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody found (找到的居民). `head` is the name of the head of the household, empty where none is known.

    `papers` are the document numbers, masked; `ours` within the account's villages.
    """

    person: Person
    village: str
    head: str
    papers: tuple[str, ...]
    ours: bool


class FoundPeople(msgspec.Struct, frozen=True, kw_only=True):
    """The people found for some words (查找结果); `more` where there are others still."""

    words: str
    lines: list[FoundPerson]
    more: bool


class NumberRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a document number says (证件号码所含信息) and who is registered with it already."""

    facts: IdentityFacts
    owners: list[Person]


def find(store: Store, by: Account, words: str, *, everywhere: bool = False, village: str = "") -> FoundPeople:
    """People who fit the words; without words the first ones of the account's villages, or of one of them."""
    found = search(store, by, words, everywhere=everywhere, village=village)
    return FoundPeople(words=words.strip(), lines=shown(store, by, found.people), more=found.more)


def shown(store: Store, by: Account, people: Sequence[Person]) -> list[FoundPerson]:
    """People with what tells them apart."""
    require(by, Permission.FIND_PEOPLE)
    with store.reading() as connection:
        names = villages(connection, by.organisation)
        heads = _heads(connection, by.organisation, people)
    return [
        FoundPerson(
            person=person,
            village=names.get(person.village_code, person.village_code),
            head=heads.get(person.household_id or "", ""),
            papers=tuple(mask(each.value) for each in person.identifiers),
            ours=by.looks_after(person.village_code),
        )
        for person in people
    ]


def every_village(store: Store, by: Account) -> dict[str, str]:
    """The villages that the node knows: code to name."""
    with store.reading() as connection:
        return villages(connection, by.organisation)


def read_number(store: Store, by: Account, words: str, kind: str, *, today: date) -> NumberRead:
    """What a document number says, before anything is kept. UserError where it cannot be right."""
    require(by, Permission.REGISTER_PEOPLE)
    if kind and kind not in list(IdentifierKind):
        raise UserError("请选择证件种类", field="identifier_kind")
    facts = read_identifier(words, IdentifierKind(kind) if kind else None, today=today)
    with store.reading() as connection:
        owners = persons_with_identifier(connection, by.organisation, identifier_forms(facts.value))
        used = [person_in_use(connection, by.organisation, owner.id) or owner for owner in owners]
    return NumberRead(facts=facts, owners=list({person.id: person for person in used}.values()))


def _heads(connection: Connection, organisation: str, people: Sequence[Person]) -> dict[str, str]:
    """The names of the heads of people's households, by household."""
    households = households_by_id(
        connection, organisation, [person.household_id for person in people if person.household_id]
    )
    heads = persons_by_id(connection, organisation, [each.head_id for each in households.values() if each.head_id])
    return {head.household_id: head.name for head in heads.values() if head.household_id}
