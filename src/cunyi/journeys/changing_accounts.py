"""What becomes of an account in the records: made, changed, given a new password; each in one write."""

from __future__ import annotations

import msgspec

from cunyi.domain.account import Account, Role
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.store.accounts import add_account, end_sessions_of, replace_account, set_proofs
from cunyi.store.unit import Store


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of somebody who is to log in (新账号), checked already."""

    login: str
    name: str
    role: Role
    areas: tuple[str, ...]
    phone: str
    facility: str
    must_change: bool


def expect_areas(store: Store, areas: tuple[str, ...]) -> None:
    """UserError (field `areas`) for what is not the code of a village of this county or its leading digits."""
    county = store.node.organisation
    for area in areas:
        if not area.isdigit() or not area.startswith(county):
            raise UserError("负责的村要写村代码或它的前几位（本县 {county}）", field="areas", county=county)


def keep_new_account(store: Store, by: str, new: NewAccount, password_hash: str) -> Account:
    """Keeps an account that is made in the name of `by`."""
    with store.writing(by) as writing:
        account = Account(
            id=writing.new_id(),
            organisation=store.node.organisation,
            login=new.login,
            name=new.name,
            role=new.role,
            facility=new.facility,
            phone=new.phone,
            areas=new.areas,
            confirmed_at=writing.latest,
            must_change_password=new.must_change,
        )
        add_account(writing, account, password_hash)
        writing.audit(Action.CREATE_ACCOUNT, subject=account.id, detail=new.role)
    return account


def keep_changed_account(
    store: Store,
    by: str,
    account: Account,
    *,
    active: bool | None,
    confirm: bool,
    areas: tuple[str, ...] | None,
    facility: str | None = None,
) -> Account:
    """Stops or allows an account, confirms it, gives it other areas or another facility; None leaves a thing as it is."""
    if active is not None:
        account = msgspec.structs.replace(account, active=active)
    if areas is not None:
        account = msgspec.structs.replace(account, areas=areas)
    if facility is not None:
        account = msgspec.structs.replace(account, facility=facility)
    with store.writing(by) as writing:
        if confirm:
            account = msgspec.structs.replace(account, confirmed_at=writing.latest)
            set_proofs(writing, account.id, wrong_passwords=0, wrong_pins=0, locked_until=None)
        replace_account(writing, account)
        if not account.active:
            end_sessions_of(writing, account.id)
        writing.audit(Action.CHANGE_ACCOUNT, subject=account.id)
    return account


def keep_password(store: Store, by: str, account: Account, password_hash: str, *, must_change: bool) -> None:
    """Keeps the hash of a new password; one that somebody else set ends the sessions of its owner."""
    with store.writing(by) as writing:
        set_proofs(writing, account.id, password_hash=password_hash, wrong_passwords=0, wrong_pins=0, locked_until=None)
        replace_account(writing, msgspec.structs.replace(account, must_change_password=must_change))
        if by != account.id:
            end_sessions_of(writing, account.id)
        writing.audit(Action.CHANGE_PASSWORD, subject=account.id)
