"""Who may do what, asked before every step: by role, and by the villages that an account looks after."""

from __future__ import annotations

from sqlalchemy import Connection

from cunyi.domain.account import Account, Permission
from cunyi.domain.errors import NeedsReasonError, NotAllowedError, UserError
from cunyi.domain.person import Person
from cunyi.store.people import person_in_use

_REFUSED = {
    Permission.FIND_PEOPLE: "您的账号不能查找居民；需要时请联系系统管理员",
    Permission.REGISTER_PEOPLE: "您的账号不能建档或改档案；需要时请联系系统管理员",
    Permission.READ_RECORD: "您的账号不能看健康档案；需要时请联系系统管理员",
    Permission.WRITE_DRAFT: "您的账号不能写接诊记录；需要时请联系系统管理员",
    Permission.SIGN_RECORD: "您的账号不能签名；请由医生打开这份草稿签名；需要时请联系系统管理员",
    Permission.PRESCRIBE: "您的账号不能开处方；请由医生开；需要时请联系系统管理员",
    Permission.MERGE_PEOPLE: "您的账号不能合并档案；请由医生操作；需要时请联系系统管理员",
    Permission.SEE_SENSITIVE: "这一项只有医生能看；需要时请联系系统管理员",
    Permission.SEE_COUNTS: "您的账号不能看汇总；需要时请联系系统管理员",
    Permission.READ_AUDIT: "您的账号不能看审计日志；需要时请联系系统管理员",
    Permission.REFER: "您的账号不能转诊或答复转诊；请由医生操作，需要时请联系系统管理员",
    Permission.MANAGE_ACCOUNTS: "您的账号不能管理账号；需要时请联系系统管理员",
    Permission.MANAGE_NODES: "您的账号不能管理机构和设备；需要时请联系系统管理员",
    Permission.CONSULT: "您的账号不能提出或答复会诊；请由医生操作，需要时请联系系统管理员",
    Permission.ANSWER_CRITICAL_VALUE: "您的账号不能处理危急值；请由医生或护士操作，需要时请联系系统管理员",
}


def require(account: Account, permission: Permission) -> None:
    """NotAllowedError where the role of the account does not allow it."""
    if not account.may(permission):
        raise NotAllowedError(_REFUSED[permission], field="account")


def person_for(connection: Connection, account: Account, person_id: str, *, reason: str = "") -> Person:
    """The person in use, if the account may open their record.

    NeedsReasonError where the person lives outside the account's villages and no reason was given: neighbours come too,
    but opening their record is written down with the reason.
    """
    person = person_in_use(connection, account.organisation, person_id)
    if person is None:
        raise UserError("没有这份档案；它可能刚被合并，请重新查找", field="person")
    if not account.looks_after(person.village_code) and not reason.strip():
        raise NeedsReasonError("这位居民不在您负责的村；请写明打开档案的原因，会记入审计日志", field="reason")
    return person
