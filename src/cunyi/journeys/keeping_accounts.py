"""The accounts of a node: their owners' passwords and PINs, and what administrators do to them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from cunyi.domain.account import Account, Permission, Role
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.journeys.access import require
from cunyi.journeys.changing_accounts import (
    NewAccount,
    expect_areas,
    keep_changed_account,
    keep_new_account,
    keep_password,
)
from cunyi.journeys.login_rules import normal_login
from cunyi.journeys.organising import expect_facility
from cunyi.store.accounts import account_by_id, account_by_login, every_account, replace_account, set_proofs
from cunyi.store.folder import Folder
from cunyi.store.keyring import DatabaseKey
from cunyi.store.passwords import Cost, check_password, check_pin, hash_secret, verify_secret
from cunyi.store.unit import Store


class LockedNodeError(UserError):
    """Nobody has opened the node since it was started (节点未打开)."""


class Accounts(ABC):
    """A node whose accounts can be kept (账号管理). On an encrypted node a password also opens the disk."""

    _cost: Cost
    _folder: Folder | None
    _key: DatabaseKey | None
    _opening: threading.Lock

    @property
    @abstractmethod
    def store(self) -> Store:
        """The records; LockedNodeError before somebody opened the node."""

    def change_password(self, account: Account, old: str, new: str) -> None:
        """A new password by its owner, who also knows the old one. On an encrypted node it opens the disk from now on."""
        store = self.store
        with store.reading() as connection:
            stored = account_by_id(connection, store.node.organisation, account.id)
        if stored is None or not verify_secret(stored.password_hash, old):
            raise UserError("原来的密码不对；请再输一遍", field="old_password")
        if old == new:
            raise UserError("新密码和原来的一样；请换一个", field="password")
        self._set_password(account.id, stored.account, new, must_change=False)

    def set_pin(self, account: Account, password: str, pin: str) -> None:
        """A PIN that unlocks the screen, never the disk."""
        check_pin(pin)
        store = self.store
        with store.reading() as connection:
            stored = account_by_id(connection, store.node.organisation, account.id)
        if stored is None or not verify_secret(stored.password_hash, password):
            raise UserError("密码不对；请再输一遍", field="old_password")
        with store.writing(account.id) as writing:
            set_proofs(writing, account.id, pin_hash=hash_secret(pin, self._cost), wrong_pins=0)
            replace_account(writing, msgspec.structs.replace(stored.account, has_pin=True))
            writing.audit(Action.CHANGE_PASSWORD, subject=account.id, detail="PIN")

    def create_account(
        self,
        by: Account,
        *,
        login: str,
        name: str,
        role: Role,
        password: str,
        areas: tuple[str, ...] = (),
        phone: str = "",
        facility: str = "",
    ) -> Account:
        """A new account with a first password, which its owner changes at the first login.

        `facility` is where its owner works, the node's where nothing is said.
        """
        require(by, Permission.MANAGE_ACCOUNTS)
        return self.add_account(
            by.id,
            login=login,
            name=name,
            role=role,
            password=password,
            areas=areas,
            phone=phone,
            facility=facility,
            must_change=True,
        )

    def add_account(
        self,
        by: str,
        *,
        login: str,
        name: str,
        role: Role,
        password: str,
        areas: tuple[str, ...] = (),
        phone: str = "",
        facility: str = "",
        must_change: bool = False,
    ) -> Account:
        """Adds an account in the name of `by`, for the setting up of a node and its administrators."""
        store, login = self.store, normal_login(login)
        check_password(password, login=login)
        if not name.strip():
            raise UserError("请填写姓名", field="name")
        expect_areas(store, areas)
        facility = facility.strip() or store.node.facility
        expect_facility(store, facility)
        with store.reading() as connection:
            if account_by_login(connection, store.node.organisation, login) is not None:
                raise UserError("这个用户名已经有人用；请换一个", field="login")
        new = NewAccount(
            login=login,
            name=name.strip(),
            role=role,
            areas=areas,
            phone=phone.strip(),
            facility=facility,
            must_change=must_change,
        )
        with self._opening_the_disk(login, password):
            return keep_new_account(store, by, new, hash_secret(password, self._cost))

    def accounts(self, by: Account) -> list[Account]:
        """Every account of the node."""
        require(by, Permission.MANAGE_ACCOUNTS)
        with self.store.reading() as connection:
            return every_account(connection, self.store.node.organisation)

    def names_of_accounts(self) -> list[Account]:
        """Every account, for showing who wrote what."""
        with self.store.reading() as connection:
            return every_account(connection, self.store.node.organisation)

    def change_account(
        self,
        by: Account,
        account_id: str,
        *,
        active: bool | None = None,
        confirm: bool = False,
        areas: tuple[str, ...] | None = None,
        facility: str | None = None,
        password: str | None = None,
    ) -> Account:
        """What an administrator does to an account: stop, allow or confirm it, other areas, another facility, a new password."""
        require(by, Permission.MANAGE_ACCOUNTS)
        store = self.store
        with store.reading() as connection:
            stored = account_by_id(connection, store.node.organisation, account_id)
        if stored is None:
            raise UserError("没有这个账号", field="account")
        if password is not None:
            check_password(password, login=stored.account.login)
        if active is False and account_id == by.id:
            raise UserError("不能停用自己的账号；请由另一位管理员操作", field="account")
        if areas is not None:
            expect_areas(store, areas)
        if facility is not None:
            expect_facility(store, facility)
        account = keep_changed_account(
            store, by.id, stored.account, active=active, confirm=confirm, areas=areas, facility=facility
        )
        if not account.active and self._folder is not None:
            with self._opening:
                if (keyring := self._folder.keyring()).has(account.login):
                    keyring.remove(account.login)
        if password is not None:
            self._set_password(by.id, account, password, must_change=True)
        return account

    def _set_password(self, by: str, account: Account, new: str, *, must_change: bool) -> None:
        check_password(new, login=account.login)
        with self._opening_the_disk(account.login, new):
            keep_password(self.store, by, account, hash_secret(new, self._cost), must_change=must_change)

    @contextmanager
    def _opening_the_disk(self, login: str, password: str) -> Iterator[None]:
        """A password opens the disk from now on if what is written within is kept. One at a time: the keyring is one file."""
        if self._folder is None:
            yield
            return
        if self._key is None:
            raise LockedNodeError("数据还没有打开；请先登录", field="login")
        with self._opening, self._folder.keyring().trying(login, password, self._key):
            yield
