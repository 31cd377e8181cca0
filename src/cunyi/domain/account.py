"""Who uses a node (账号): roles, what each role may do, and the rules of logging in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What somebody is at the facility (角色: 乡村医生 / 护士 / 卫生院医生 / 管理人员 / 系统管理员)."""

    VILLAGE_DOCTOR = "village_doctor"
    NURSE = "nurse"
    TOWNSHIP_DOCTOR = "township_doctor"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """Something that a role may do (权限)."""

    FIND_PEOPLE = "find_people"
    REGISTER_PEOPLE = "register_people"
    READ_RECORD = "read_record"
    WRITE_DRAFT = "write_draft"
    SIGN_RECORD = "sign_record"
    PRESCRIBE = "prescribe"
    MERGE_PEOPLE = "merge_people"
    SEE_SENSITIVE = "see_sensitive"
    SEE_COUNTS = "see_counts"
    READ_AUDIT = "read_audit"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_NODES = "manage_nodes"
    CONSULT = "consult"
    REFER = "refer"
    ANSWER_CRITICAL_VALUE = "answer_critical_value"


_CARE = frozenset(
    {
        Permission.FIND_PEOPLE,
        Permission.REGISTER_PEOPLE,
        Permission.READ_RECORD,
        Permission.WRITE_DRAFT,
        Permission.SEE_COUNTS,
        Permission.ANSWER_CRITICAL_VALUE,
    }
)
_DOCTOR = _CARE | {
    Permission.SIGN_RECORD,
    Permission.PRESCRIBE,
    Permission.MERGE_PEOPLE,
    Permission.SEE_SENSITIVE,
    Permission.CONSULT,
    Permission.REFER,
}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VILLAGE_DOCTOR: _DOCTOR,
    Role.TOWNSHIP_DOCTOR: _DOCTOR,
    Role.NURSE: _CARE,
    Role.MANAGER: frozenset({Permission.SEE_COUNTS, Permission.READ_AUDIT}),
    Role.ADMINISTRATOR: frozenset(
        {Permission.SEE_COUNTS, Permission.READ_AUDIT, Permission.MANAGE_ACCOUNTS, Permission.MANAGE_NODES}
    ),
}


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can log in (账号). `areas` are the leading digits of the village codes whose people they look after.

    `confirmed_at` is when the account was last confirmed by whoever answers for it; it may be used offline for as long
    after that as the policy allows.
    """

    id: str
    organisation: str
    login: str
    name: str
    role: Role
    facility: str = ""
    phone: str = ""
    areas: tuple[str, ...] = ()
    active: bool = True
    confirmed_at: datetime
    has_pin: bool = False
    must_change_password: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether the role allows it."""
        return permission in PERMISSIONS[self.role]

    def looks_after(self, village_code: str) -> bool:
        """Whether the people of this village are within the account's areas."""
        return any(village_code.startswith(area) for area in self.areas)


class LoginPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of logging in on a node (登录规则). Minutes and days as named; counts are of wrong tries in a row."""

    offline_days: int = 30
    session_hours: int = 12
    lock_minutes: int = 10
    wrong_passwords: int = 5
    wrong_pins: int = 5
    locked_out_minutes: int = 15
