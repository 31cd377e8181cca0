"""A person of the health record (居民), where they live and who answers for them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.identity import Identifier


class PersonStatus(StrEnum):
    """Whether the record is in use (档案状态: 在册 / 迁出 / 死亡)."""

    ACTIVE = "active"
    MOVED_AWAY = "moved_away"
    DIED = "died"


class BloodGroup(StrEnum):
    """ABO blood group (血型)."""

    A = "A"
    B = "B"
    O = "O"  # noqa: E741  # the name of the group
    AB = "AB"


class Insurance(StrEnum):
    """How care is paid for (医疗费用支付方式), as the national personal information form lists it."""

    EMPLOYEE = "employee"
    RESIDENT = "resident"
    POVERTY_RELIEF = "poverty_relief"
    COMMERCIAL = "commercial"
    FULL_PUBLIC = "full_public"
    SELF_PAY = "self_pay"
    OTHER = "other"


class Disability(StrEnum):
    """A kind of disability (残疾情况), as the national personal information form lists it."""

    SIGHT = "sight"
    HEARING = "hearing"
    SPEECH = "speech"
    LIMB = "limb"
    INTELLECTUAL = "intellectual"
    MENTAL = "mental"
    OTHER = "other"


class Programme(StrEnum):
    """A programme of basic public health that the person is in (重点人群)."""

    HYPERTENSION = "hypertension"
    DIABETES = "diabetes"
    COPD = "copd"
    STROKE = "stroke"
    CORONARY = "coronary"
    OLD_AGE = "old_age"
    PREGNANCY = "pregnancy"
    CHILD = "child"
    MENTAL_ILLNESS = "mental_illness"
    TUBERCULOSIS = "tuberculosis"
    DISABLED = "disabled"
    LOW_INCOME = "low_income"
    OUT_OF_POVERTY = "out_of_poverty"


# Shown only to those who treat the person.
SENSITIVE_PROGRAMMES = frozenset({Programme.MENTAL_ILLNESS, Programme.TUBERCULOSIS})


class Relation(StrEnum):
    """Relation to the head of the household (与户主关系)."""

    HEAD = "head"
    SPOUSE = "spouse"
    SON = "son"
    DAUGHTER = "daughter"
    GRANDCHILD = "grandchild"
    PARENT = "parent"
    GRANDPARENT = "grandparent"
    SIBLING = "sibling"
    OTHER = "other"


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to call (联系人); a guardian (监护人) answers for a child or for one who cannot decide."""

    name: str
    phone: str = ""
    relation: str = ""
    guardian: bool = False


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person's details (个人基本信息). The id never changes; neither does the registering county in `organisation`.

    `birth_estimated`: only the year is sure. `mother_id` links a newborn without papers. `revision` counts the changes;
    a change states which revision it was made on. `replaced_by` is the id of the record that a merge left in use.
    """

    id: str
    organisation: str
    village_code: str
    name: str
    sex: Sex | None = None
    birth_on: date | None = None
    birth_estimated: bool = False
    ethnic_group: str = ""
    identifiers: tuple[Identifier, ...] = ()
    archive_code: str | None = None
    household_id: str | None = None
    relation: Relation | None = None
    mother_id: str | None = None
    villager_group: str = ""
    address: str = ""
    phone: str = ""
    contacts: tuple[Contact, ...] = ()
    insurance: tuple[Insurance, ...] = ()
    blood_group: BloodGroup | None = None
    rhesus_positive: bool | None = None
    disabilities: tuple[Disability, ...] = ()
    programmes: tuple[Programme, ...] = ()
    contract_doctor: str = ""
    status: PersonStatus = PersonStatus.ACTIVE
    note: str = ""
    revision: int = 1
    replaced_by: str | None = None


class Household(msgspec.Struct, frozen=True, kw_only=True):
    """A household (家庭户): people who live together; `head_id` is the person whose name it goes by."""

    id: str
    organisation: str
    village_code: str
    head_id: str | None = None
    villager_group: str = ""
    address: str = ""
    phone: str = ""
    revision: int = 1


def age_years(birth_on: date | None, on: date) -> float | None:
    """Age in years on a day: whole years, and months as twelfths below six years; None where the birth date is not known."""
    if birth_on is None or birth_on > on:
        return None
    months = (on.year - birth_on.year) * 12 + on.month - birth_on.month - (on.day < birth_on.day)
    if months == 0:
        return (on - birth_on).days / 365.25
    return months / 12 if months < _MONTHS_COUNTED else float(months // 12)


_MONTHS_COUNTED = 72
