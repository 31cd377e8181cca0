"""The form of a person's details: what its fields hold, and how what was sent is read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.errors import UserError
from cunyi.domain.identity import IdentifierKind
from cunyi.domain.person import (
    SENSITIVE_PROGRAMMES,
    BloodGroup,
    Disability,
    Insurance,
    Person,
    PersonStatus,
    Programme,
    Relation,
)
from cunyi.journeys.form_reading import record_id
from cunyi.journeys.keeping_households import members_of
from cunyi.journeys.registering import PersonEntry
from cunyi.store.unit import Store
from cunyi.web.gate import first

Fields = dict[str, list[str]]
OWN_HOUSEHOLD = "new"
KINDS = tuple(kind.value for kind in IdentifierKind)
CHOICES = {
    "relation": tuple(relation.value for relation in Relation),
    "insurance": tuple(insurance.value for insurance in Insurance),
    "blood_group": tuple(group.value for group in BloodGroup),
    "disabilities": tuple(disability.value for disability in Disability),
    "status": tuple(status.value for status in PersonStatus),
}
_TEXTS = ("name", "ethnic_group", "villager_group", "address", "phone", "contract_doctor", "note", "village_code")
# What stands under "more": the page opens it where one of these cannot be used.
MORE = (
    "ethnic_group",
    "contact_name",
    "contact_phone",
    "insurance",
    "blood_group",
    "rhesus_positive",
    "disabilities",
    "programmes",
    "contract_doctor",
    "note",
)
# In the order of the form, for naming those that changed in the meantime.
SHOWN_FIELDS = (
    "name",
    "sex",
    "birth_on",
    "village_code",
    "villager_group",
    "address",
    "phone",
    "household_id",
    "relation",
    "status",
    "ethnic_group",
    "contact_name",
    "contact_phone",
    "insurance",
    "blood_group",
    "rhesus_positive",
    "disabilities",
    "programmes",
    "contract_doctor",
    "note",
)
# Whose messages stand beside their fields; "duplicates" are told by the list of them.
PLACED = frozenset({*SHOWN_FIELDS, "identifier", "identifier_kind", "duplicates"})


class ContactRow(msgspec.Struct, frozen=True):
    """One row of the contacts as it is shown (联系人一行)."""

    name: str = ""
    phone: str = ""
    relation: str = ""
    guardian: bool = False


class HouseholdChoice(msgspec.Struct, frozen=True):
    """A household that can be chosen (可选的户): its id and the names of who lives there."""

    id: str
    names: str


def fields_of(person: Person) -> Fields:
    """The details as the form sends them."""
    fields = {name: [str(getattr(person, name))] for name in _TEXTS}
    rhesus = {True: "yes", False: "no", None: ""}[person.rhesus_positive]
    fields |= {
        "sex": [person.sex or ""],
        "birth_on": [_birth_as_typed(person)],
        "birth_estimated": ["1"] if person.birth_estimated else [],
        "household_id": [person.household_id or ""],
        "relation": [person.relation or ""],
        "mother_id": [person.mother_id or ""],
        "insurance": [*person.insurance],
        "blood_group": [person.blood_group or ""],
        "rhesus_positive": [rhesus],
        "disabilities": [*person.disabilities],
        "programmes": [*person.programmes],
        "status": [person.status],
        "contact_name": [contact.name for contact in person.contacts],
        "contact_phone": [contact.phone for contact in person.contacts],
        "contact_relation": [contact.relation for contact in person.contacts],
        "contact_guardian": [str(index) for index, contact in enumerate(person.contacts) if contact.guardian],
        "revision": [str(person.revision)],
    }
    return fields


def for_reading(sent: Fields) -> Fields:
    """What was sent, with the choice of the household as the details name it."""
    if first(sent, "household_id") == OWN_HOUSEHOLD:
        return sent | {"household_id": [""], "new_household": ["1"]}
    return sent | {"new_household": []}


def contact_rows(fields: Fields) -> list[ContactRow]:
    """The contacts with one empty row to write in."""
    names, phones, relations = (fields.get(f"contact_{part}", []) for part in ("name", "phone", "relation"))
    guardians = fields.get("contact_guardian", [])
    count = max(len(names), len(phones))
    rows = [
        ContactRow(_at(names, index), _at(phones, index), _at(relations, index), str(index) in guardians)
        for index in range(count)
    ]
    if not rows or rows[-1].name or rows[-1].phone:
        rows.append(ContactRow())
    return rows


def offered_programmes(account: Account) -> list[str]:
    """The programmes that this account may see."""
    may = account.may(Permission.SEE_SENSITIVE)
    return [programme.value for programme in Programme if may or programme not in SENSITIVE_PROGRAMMES]


def household_choices(store: Store, by: Account, people: Sequence[Person], chosen: str) -> list[HouseholdChoice]:
    """The households of some people, the one that is chosen first."""
    ids = []
    try:
        ids.append(record_id(chosen))
    except UserError:
        # None is chosen yet, or a new one.
        ids = []
    ids += [person.household_id for person in people if person.household_id]
    choices = []
    for household_id in dict.fromkeys(ids):
        names = [member.name for member in members_of(store, by, household_id)]
        if names:
            choices.append(HouseholdChoice(household_id, "、".join(names)))
    return choices


def agreed(entry: PersonEntry, sent: Fields) -> bool:
    """Whether the doctor already agreed to exactly these differences between papers and what was typed."""
    return bool(entry.differences) and first(sent, "checked") == differences_key(entry.differences)


def differences_key(differences: Sequence[UserError]) -> str:
    """What the box of agreement sends: other differences are asked about again."""
    return "；".join(difference.message for difference in differences)


def told_apart(people: Sequence[Person], sent: Fields) -> bool:
    """Whether the doctor already said that the new person is none of these."""
    return {person.id for person in people} <= set(first(sent, "not_the_same").split())


def revision_of(sent: Fields) -> int:
    """The revision that the form was opened with; 0, which fits none, where it is missing."""
    words = first(sent, "revision")
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else 0


def _birth_as_typed(person: Person) -> str:
    """The birth date, or the year alone where no more is known."""
    if person.birth_on is None:
        return ""
    only_year = person.birth_estimated and (person.birth_on.month, person.birth_on.day) == (1, 1)
    return str(person.birth_on.year) if only_year else person.birth_on.isoformat()


def _at(values: list[str], index: int) -> str:
    return values[index] if index < len(values) else ""
