"""Registering a person by typing, with or without papers; changing the details; identifying them later."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.errors import InvalidFormError, UserError
from cunyi.domain.identity import (
    Identifier,
    IdentifierKind,
    IdentityFacts,
    read_identifier,
)
from cunyi.domain.names import clean_name
from cunyi.domain.person import (
    BloodGroup,
    Contact,
    Disability,
    Household,
    Insurance,
    Person,
    PersonStatus,
    Programme,
    Relation,
)
from cunyi.journeys.access import person_for, require
from cunyi.store.nodes import serial_blocks, take_archive_code, villages
from cunyi.store.people import add_person, keep_household, person_by_id, replace_person
from cunyi.store.searching import likely_duplicates
from cunyi.store.unit import Store

_PHONE_DIGITS = range(7, 13)
_LONGEST = 200


class PersonEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What was filled in about a person (建档表): details that can be kept, and where they disagree with the document.

    `new_household` where the person begins a household of their own.
    """

    person: Person
    differences: tuple[str, ...]
    new_household: bool


class DuplicatesFoundError(UserError):
    """People who may be the same are registered already (疑似重复): shown before anything is saved."""

    def __init__(self, people: Sequence[Person]) -> None:
        super().__init__(
            "可能已经建过档：请看看下面是不是同一个人。是，就打开那份档案；不是，就选“不是同一人，继续建档”",
            field="duplicates",
        )
        self.people = list(people)


class DifferencesFoundError(UserError):
    """What was typed disagrees with the document number (与证件不符); a person decides, nothing is applied silently."""

    def __init__(self, differences: Sequence[str]) -> None:
        super().__init__("；".join(differences) + "。请核对证件；确实如此就勾选“已核对，按填写的保存”", field="differences")
        self.differences = tuple(differences)


def read_person(
    fields: Mapping[str, Sequence[str]], *, organisation: str, person: Person | None, today: date
) -> PersonEntry:
    """The details of a form. `person` where an existing record is changed. InvalidFormError lists every bad field."""
    reading = _Reading(fields)
    name = reading.needed("name", clean_name, "请填写姓名")
    village = reading.needed("village_code", _village_of(organisation), "请选择村")
    facts = _identifier(reading, person, today)
    birth_on = reading.optional("birth_on", lambda words: _birth_date(words, today))
    sex = reading.choice("sex", Sex)
    details: dict[str, Any] = {
        "organisation": organisation,
        "village_code": village or "",
        "name": name or "",
        "sex": sex or (facts.sex if facts and "sex" not in fields else sex),
        "birth_on": birth_on,
        "birth_estimated": reading.ticked("birth_estimated"),
        "ethnic_group": reading.text("ethnic_group"),
        "identifiers": _identifiers(person, facts),
        "household_id": reading.text("household_id") or None,
        "relation": reading.choice("relation", Relation),
        "mother_id": reading.text("mother_id") or None,
        "villager_group": reading.text("villager_group"),
        "address": reading.text("address"),
        "phone": reading.optional("phone", _phone) or "",
        "contacts": _contacts(reading),
        "insurance": reading.choices("insurance", Insurance),
        "blood_group": reading.choice("blood_group", BloodGroup),
        "rhesus_positive": {"yes": True, "no": False}.get(reading.text("rhesus_positive")),
        "disabilities": reading.choices("disabilities", Disability),
        "programmes": reading.choices("programmes", Programme),
        "contract_doctor": reading.text("contract_doctor"),
        "status": reading.choice("status", PersonStatus) or PersonStatus.ACTIVE,
        "note": reading.text("note"),
    }
    if facts is not None:
        if details["birth_on"] is None and "birth_on" not in reading.bad:
            details["birth_on"] = facts.birth_on
        details["sex"] = details["sex"] or facts.sex
    if details["birth_on"] is None and "birth_on" not in reading.bad:
        reading.refuse("birth_on", "请填写出生日期；只知道年份就填那年 1 月 1 日，并勾选“估计”")
    reading.finish()
    made = Person(id="", **details) if person is None else msgspec.structs.replace(person, **details)
    return PersonEntry(
        person=made, differences=_differences(facts, made), new_household=reading.ticked("new_household")
    )


def register_person(
    store: Store, by: Account, entry: PersonEntry, *, not_the_same: bool = False, checked: bool = False
) -> Person:
    """Keeps a new person with an archive code. DuplicatesFoundError and DifferencesFoundError ask before anything is kept.

    `not_the_same`: the doctor looked at the duplicates; `checked`: at the differences.
    """
    require(by, Permission.REGISTER_PEOPLE)
    if entry.differences and not checked:
        raise DifferencesFoundError(entry.differences)
    with store.writing(by.id) as writing:
        found = likely_duplicates(writing.connection, entry.person)
        same_papers = [other for other in found if set(other.identifiers) & set(entry.person.identifiers)]
        if found and (not not_the_same or same_papers):
            raise DuplicatesFoundError(same_papers or found)
        village = entry.person.village_code
        has_block = bool(serial_blocks(writing.connection, by.organisation, village))
        person = msgspec.structs.replace(
            entry.person,
            id=writing.new_id(),
            archive_code=take_archive_code(writing, village).text if has_block else None,
        )
        if entry.new_household:
            household = _household_of(writing.new_id(), person)
            person = msgspec.structs.replace(person, household_id=household.id, relation=Relation.HEAD)
            add_person(writing, person)
            keep_household(writing, household)
        else:
            add_person(writing, person)
        writing.audit(Action.REGISTER_PERSON, person=person.id)
    return person


def change_person(
    store: Store, by: Account, entry: PersonEntry, *, checked: bool = False, reason: str = ""
) -> Person:
    """Keeps changed details. StaleError where somebody else changed them since; DifferencesFoundError as in registering."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.writing(by.id) as writing:
        known = person_for(writing.connection, by, entry.person.id, reason=reason)
        if entry.differences and not checked:
            raise DifferencesFoundError(entry.differences)
        person = entry.person
        new_papers = set(person.identifiers) - set(known.identifiers)
        if new_papers:
            taken = [
                other
                for other in likely_duplicates(writing.connection, person)
                if set(other.identifiers) & new_papers
            ]
            if taken:
                raise DuplicatesFoundError(taken)
        if person.archive_code is None and serial_blocks(writing.connection, by.organisation, person.village_code):
            person = msgspec.structs.replace(
                person, archive_code=take_archive_code(writing, person.village_code).text
            )
        if entry.new_household:
            household = _household_of(writing.new_id(), person)
            keep_household(writing, household)
            person = msgspec.structs.replace(person, household_id=household.id, relation=Relation.HEAD)
        changed = replace_person(writing, person)
        writing.audit(Action.CHANGE_PERSON, person=person.id)
    return changed


def newborn_of(store: Store, by: Account, mother_id: str) -> dict[str, list[str]]:
    """The first fields of a newborn's form, from the mother's record: village, household, address, phone and a name."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.reading() as connection:
        mother = person_for(connection, by, mother_id)
    return {
        "name": [f"{mother.name}之婴"],
        "village_code": [mother.village_code],
        "household_id": [mother.household_id or ""],
        "villager_group": [mother.villager_group],
        "address": [mother.address],
        "mother_id": [mother.id],
        "contact_name": [mother.name],
        "contact_phone": [mother.phone],
        "contact_relation": ["母亲"],
        "contact_guardian": ["0"],
    }


def known_villages(store: Store, by: Account) -> dict[str, str]:
    """The villages that an account may register people in, by code."""
    with store.reading() as connection:
        return {
            code: name for code, name in villages(connection, by.organisation).items() if by.looks_after(code)
        }


def mother_of(store: Store, person: Person) -> Person | None:
    """The mother's record, where it is known."""
    if person.mother_id is None:
        return None
    with store.reading() as connection:
        return person_by_id(connection, person.organisation, person.mother_id)


class _Reading:
    """Reads a form field by field and remembers what was wrong."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields
        self.errors: list[UserError] = []
        self.bad: set[str] = set()

    def refuse(self, field: str, message: str) -> None:
        self.errors.append(UserError(message, field=field))
        self.bad.add(field)

    def text(self, field: str) -> str:
        words = next(iter(self._fields.get(field, ())), "")
        words = unicodedata.normalize("NFC", words).strip(" \t\r\n\u3000")
        if len(words) > _LONGEST:
            self.refuse(field, f"这一栏最多 {_LONGEST} 字，现在有 {len(words)} 字；请写短些，长的写到备注里")
            return ""
        return words

    def texts(self, field: str) -> list[str]:
        return [unicodedata.normalize("NFC", words).strip() for words in self._fields.get(field, ())]

    def ticked(self, field: str) -> bool:
        return self.text(field) not in ("", "no", "0")

    def optional(self, field: str, read: Callable[[str], Any]) -> Any:
        words = self.text(field)
        if not words:
            return None
        try:
            return read(words)
        except UserError as error:
            self.refuse(field, error.message)
            return None

    def needed(self, field: str, read: Callable[[str], Any], missing: str) -> Any:
        if not self.text(field) and field not in self.bad:
            self.refuse(field, missing)
            return None
        return self.optional(field, read)

    def choice(self, field: str, kind: type[StrEnum]) -> Any:
        words = self.text(field)
        if not words:
            return None
        try:
            return kind(words)
        except ValueError:
            self.refuse(field, "这一栏选的不是列出的一项；请重新选择")
            return None

    def choices(self, field: str, kind: type[StrEnum]) -> tuple[Any, ...]:
        try:
            return tuple(dict.fromkeys(kind(words) for words in self.texts(field) if words))
        except ValueError:
            self.refuse(field, "这一栏选的不是列出的一项；请重新选择")
            return ()

    def finish(self) -> None:
        if self.errors:
            raise InvalidFormError(self.errors)


def _village_of(organisation: str) -> Callable[[str], str]:
    def read(words: str) -> str:
        code = unicodedata.normalize("NFKC", words)
        if len(code) != 12 or not code.isascii() or not code.isdigit():
            raise UserError("村的代码是 12 位数字；请从列表中选择", field="village_code")
        if not code.startswith(organisation):
            raise UserError("这个村不属于本县；请从列表中选择", field="village_code")
        return code

    return read


def _birth_date(words: str, today: date) -> date:
    plain = unicodedata.normalize("NFKC", words)
    for mark in "年月./":
        plain = plain.replace(mark, "-")
    plain = plain.replace("日", "").strip("- ")
    try:
        if plain.isdigit() and len(plain) == 8:
            born = date(int(plain[:4]), int(plain[4:6]), int(plain[6:]))
        else:
            year, month, day = plain.split("-")
            born = date(int(year), int(month), int(day))
    except ValueError:
        raise UserError("出生日期要写成 1953-06-15 这样，并且是真有的日子；请核对", field="birth_on") from None
    if born > today:
        raise UserError("出生日期在今天以后；请核对，电脑日期不对就先改正", field="birth_on")
    if born.year < 1900:
        raise UserError("出生日期早于 1900 年；请核对", field="birth_on")
    return born


def _phone(words: str) -> str:
    digits = "".join(c for c in unicodedata.normalize("NFKC", words) if c not in " -()　")
    plain = digits.removeprefix("+86")
    if not plain.isascii() or not plain.isdigit() or len(plain) not in _PHONE_DIGITS:
        raise UserError("电话要写 7 到 12 位数字（座机连区号）；请核对，没有就空着", field="phone")
    return plain


def _identifier(reading: _Reading, person: Person | None, today: date) -> IdentityFacts | None:
    kind = reading.choice("identifier_kind", IdentifierKind)
    facts: IdentityFacts | None = reading.optional(
        "identifier", lambda words: read_identifier(words, kind, today=today)
    )
    if facts is None and person is not None and "identifier" not in reading.bad:
        # The field of a changed record may be left as it is: what was there is compared again.
        for known in person.identifiers:
            return read_identifier(known.value, known.kind, today=today)
    return facts


def _identifiers(person: Person | None, facts: IdentityFacts | None) -> tuple[Identifier, ...]:
    known = person.identifiers if person is not None else ()
    if facts is None:
        return known
    new = Identifier(kind=facts.kind, value=facts.value)
    return (new, *(each for each in known if each != new))


def _differences(facts: IdentityFacts | None, person: Person) -> tuple[str, ...]:
    found = []
    if facts is None:
        return ()
    if facts.birth_on is not None and person.birth_on is not None and facts.birth_on != person.birth_on:
        found.append(f"证件号码里的出生日期是 {facts.birth_on}，填写的是 {person.birth_on}")
    if facts.sex is not None and person.sex is not None and facts.sex != person.sex:
        words = {Sex.MALE: "男", Sex.FEMALE: "女"}
        found.append(f"证件号码里的性别是{words[facts.sex]}，填写的是{words[person.sex]}")
    return tuple(found)


def _contacts(reading: _Reading) -> tuple[Contact, ...]:
    names, phones, relations = (reading.texts(f"contact_{part}") for part in ("name", "phone", "relation"))
    guardians = {words for words in reading.texts("contact_guardian") if words}
    found = []
    for index, name in enumerate(names):
        phone = phones[index] if index < len(phones) else ""
        if not name and not phone:
            continue
        try:
            found.append(
                Contact(
                    name=clean_name(name) if name else "",
                    phone=_phone(phone) if phone else "",
                    relation=relations[index] if index < len(relations) else "",
                    guardian=str(index) in guardians,
                )
            )
        except UserError as error:
            reading.refuse("contact_phone" if error.field == "phone" else "contact_name", f"联系人：{error.message}")
    return tuple(found)


def _household_of(household_id: str, person: Person) -> Household:
    return Household(
        id=household_id,
        organisation=person.organisation,
        village_code=person.village_code,
        head_id=person.id or None,
        villager_group=person.villager_group,
        address=person.address,
        phone=person.phone,
    )
