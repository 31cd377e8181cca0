"""Registering a person by typing, with or without papers; changing the details; identifying them later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.identity import (
    Identifier,
    IdentifierKind,
    IdentityFacts,
    read_identifier,
)
from cunyi.domain.names import clean_name
from cunyi.domain.person import (
    SENSITIVE_PROGRAMMES,
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
from cunyi.journeys.form_reading import FormReading, birth_or_year, phone_number, record_id, village_of
from cunyi.store.nodes import serial_blocks, take_archive_code, villages
from cunyi.store.people import add_person, household_by_id, keep_household, replace_person
from cunyi.store.searching import likely_duplicates
from cunyi.store.unit import Store

_LONGEST_NOTE = 1000
_OF_ANOTHER_SEX = {
    Sex.MALE: "证件号码里的性别是男，填写的是女",
    Sex.FEMALE: "证件号码里的性别是女，填写的是男",
}


class PersonEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What was filled in about a person (建档表): details that can be kept, and where they disagree with the document.

    `new_household` where the person begins a household of their own.
    """

    person: Person
    differences: tuple[UserError, ...]
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

    def __init__(self, differences: Sequence[UserError]) -> None:
        self.differences = tuple(differences)
        super().__init__("{differences}。请核对证件；确实如此就勾选“已核对，按填写的保存”", field="differences")

    def told(self, translated: Callable[[str], str]) -> str:
        """Every difference and what to do, in the words of a catalogue."""
        differences = translated("；").join(difference.told(translated) for difference in self.differences)
        return translated(self.sentence).format(differences=differences)


class ContactError(UserError):
    """What cannot be kept about somebody to call (联系人有误); `trouble` is told as of a name or number of its own."""

    def __init__(self, trouble: UserError) -> None:
        self.trouble = trouble
        super().__init__("联系人：{trouble}", field="contact_phone" if trouble.field == "phone" else "contact_name")

    def told(self, translated: Callable[[str], str]) -> str:
        """That it is about the contact, and the trouble, in the words of a catalogue."""
        return translated(self.sentence).format(trouble=self.trouble.told(translated))


def read_person(
    fields: Mapping[str, Sequence[str]], *, organisation: str, person: Person | None, today: date
) -> PersonEntry:
    """The details of a form. `person` where an existing record is changed. InvalidFormError lists every bad field."""
    reading = FormReading(fields)
    name = reading.needed("name", clean_name, "请填写姓名")
    village = reading.needed("village_code", village_of(organisation), "请选择村")
    facts = _identifier(reading, person, today)
    estimated = reading.ticked("birth_estimated")
    born: tuple[date, bool] | None = reading.optional(
        "birth_on", lambda words: birth_or_year(words, today, estimated=estimated)
    )
    birth_on, estimated = born or (None, estimated)
    sex = reading.choice("sex", Sex)
    details: dict[str, Any] = {
        "organisation": organisation,
        "village_code": village or "",
        "name": name or "",
        "sex": sex or (facts.sex if facts and "sex" not in fields else sex),
        "birth_on": birth_on,
        "birth_estimated": estimated,
        "ethnic_group": reading.text("ethnic_group"),
        "identifiers": _identifiers(person, facts, reading.texts("taken_away")),
        "household_id": reading.optional("household_id", record_id),
        "relation": reading.choice("relation", Relation),
        "mother_id": reading.optional("mother_id", record_id),
        "villager_group": reading.text("villager_group"),
        "address": reading.text("address"),
        "phone": reading.optional("phone", phone_number) or "",
        "contacts": _contacts(reading),
        "insurance": reading.choices("insurance", Insurance),
        "blood_group": reading.choice("blood_group", BloodGroup),
        "rhesus_positive": {"yes": True, "no": False}.get(reading.text("rhesus_positive")),
        "disabilities": reading.choices("disabilities", Disability),
        "programmes": reading.choices("programmes", Programme),
        "contract_doctor": reading.text("contract_doctor"),
        "status": reading.choice("status", PersonStatus) or PersonStatus.ACTIVE,
        "note": reading.text("note", longest=_LONGEST_NOTE),
    }
    if facts is not None:
        if details["birth_on"] is None and "birth_on" not in reading.bad:
            details["birth_on"] = facts.birth_on
        details["sex"] = details["sex"] or facts.sex
    if details["birth_on"] is None and "birth_on" not in reading.bad:
        reading.refuse("birth_on", "请填写出生日期；只知道年份就写年份并勾选“估计的”，只知道岁数就写岁数，如 72岁")
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
        _expect_household(writing.connection, entry.person)
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


def change_person(store: Store, by: Account, entry: PersonEntry, *, checked: bool = False, reason: str = "") -> Person:
    """Keeps changed details. StaleError where somebody else changed them since; DifferencesFoundError as in registering."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.writing(by.id) as writing:
        known = person_for(writing.connection, by, entry.person.id, reason=reason)
        if entry.differences and not checked:
            raise DifferencesFoundError(entry.differences)
        person = msgspec.structs.replace(entry.person, programmes=_programmes(by, entry.person, known))
        _expect_household(writing.connection, person)
        new_papers = set(person.identifiers) - set(known.identifiers)
        if new_papers:
            taken = [
                other for other in likely_duplicates(writing.connection, person) if set(other.identifiers) & new_papers
            ]
            if taken:
                raise DuplicatesFoundError(taken)
        if person.archive_code is None and serial_blocks(writing.connection, by.organisation, person.village_code):
            person = msgspec.structs.replace(person, archive_code=take_archive_code(writing, person.village_code).text)
        if entry.new_household:
            household = _household_of(writing.new_id(), person)
            keep_household(writing, household)
            person = msgspec.structs.replace(person, household_id=household.id, relation=Relation.HEAD)
        changed = replace_person(writing, person)
        writing.audit(Action.CHANGE_PERSON, person=person.id)
    return changed


def details_of(store: Store, by: Account, person_id: str, *, reason: str = "") -> Person:
    """The details as they are now, for the form that changes them."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.reading() as connection:
        return person_for(connection, by, person_id, reason=reason)


def newborn_of(store: Store, by: Account, mother_id: str, *, reason: str = "") -> dict[str, list[str]]:
    """The first fields of a newborn's form, from the mother's record: village, household, address, phone and a name."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.reading() as connection:
        mother = person_for(connection, by, mother_id, reason=reason)
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
        return {code: name for code, name in villages(connection, by.organisation).items() if by.looks_after(code)}


def _identifier(reading: FormReading, person: Person | None, today: date) -> IdentityFacts | None:
    kind = reading.choice("identifier_kind", IdentifierKind)
    facts: IdentityFacts | None = reading.optional(
        "identifier", lambda words: read_identifier(words, kind, today=today)
    )
    if facts is None and person is not None and "identifier" not in reading.bad:
        # The field of a changed record may be left as it is: what was there is compared again.
        taken_away = reading.texts("taken_away")
        for known in person.identifiers:
            if known.value not in taken_away:
                return read_identifier(known.value, known.kind, today=today)
    return facts


def _identifiers(
    person: Person | None, facts: IdentityFacts | None, taken_away: Sequence[str]
) -> tuple[Identifier, ...]:
    known = person.identifiers if person is not None else ()
    left = tuple(each for each in known if each.value not in taken_away)
    if facts is None or (facts.value in taken_away and all(each.value != facts.value for each in left)):
        return left
    new = Identifier(kind=facts.kind, value=facts.value)
    return (new, *(each for each in left if each != new))


def _differences(facts: IdentityFacts | None, person: Person) -> tuple[UserError, ...]:
    found = []
    if facts is None:
        return ()
    if facts.birth_on is not None and person.birth_on is not None and facts.birth_on != person.birth_on:
        found.append(
            UserError(
                "证件号码里的出生日期是 {known}，填写的是 {typed}",
                field="birth_on",
                known=facts.birth_on,
                typed=person.birth_on,
            )
        )
    if facts.sex is not None and person.sex is not None and facts.sex != person.sex:
        found.append(UserError(_OF_ANOTHER_SEX[facts.sex], field="sex"))
    return tuple(found)


def _contacts(reading: FormReading) -> tuple[Contact, ...]:
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
                    phone=phone_number(phone) if phone else "",
                    relation=relations[index] if index < len(relations) else "",
                    guardian=str(index) in guardians,
                )
            )
        except UserError as error:
            reading.remember(ContactError(error))
    return tuple(found)


def _programmes(by: Account, person: Person, known: Person) -> tuple[Programme, ...]:
    """The programmes of a changed record: whoever may not see some of them does not take them away either."""
    if by.may(Permission.SEE_SENSITIVE):
        return person.programmes
    hidden = tuple(programme for programme in known.programmes if programme in SENSITIVE_PROGRAMMES)
    return (*(programme for programme in person.programmes if programme not in SENSITIVE_PROGRAMMES), *hidden)


def _expect_household(connection: Connection, person: Person) -> None:
    if person.household_id and household_by_id(connection, person.organisation, person.household_id) is None:
        raise UserError("没有这一户；请重新查找这一户的人", field="household_id")


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
