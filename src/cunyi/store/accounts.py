"""Accounts and sessions as they are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from cunyi.domain.account import Account
from cunyi.domain.change import ChangeKind
from cunyi.domain.encounter import canonical
from cunyi.store import schema
from cunyi.store.unit import Writing


class StoredAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account with what proves its owner (账号及凭证). Its hashes never leave the store and the login."""

    account: Account
    password_hash: str
    pin_hash: str | None
    wrong_passwords: int
    wrong_pins: int
    locked_until: datetime | None

    def __repr__(self) -> str:
        """Says whose it is and nothing that proves it."""
        return f"StoredAccount({self.account.id})"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A login that goes on (登录会话), known by the hash of its token.

    `opened` gives the reason for each person outside the account's villages whose record was opened, by person id.
    """

    token_hash: bytes
    account_id: str
    begun_at: datetime
    seen_at: datetime
    locked: bool
    opened: dict[str, str] = {}


def add_account(writing: Writing, account: Account, password_hash: str) -> None:
    """Keeps a new account."""
    writing.connection.execute(
        insert(schema.account).values(
            organisation=account.organisation,
            id=account.id,
            login=account.login,
            details=canonical(account),
            password_hash=password_hash,
            pin_hash=None,
            wrong_passwords=0,
            wrong_pins=0,
            locked_until=None,
        )
    )
    writing.change(ChangeKind.ACCOUNT, account.id, after=account)


def replace_account(writing: Writing, account: Account) -> None:
    """Keeps changed details of an account."""
    table = schema.account
    stored = account_by_id(writing.connection, account.organisation, account.id)
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == account.organisation, table.c.id == account.id)
        .values(login=account.login, details=canonical(account))
    )
    writing.change(ChangeKind.ACCOUNT, account.id, before=stored.account if stored else None, after=account)


def set_proofs(writing: Writing, account_id: str, **values: Any) -> None:
    """Changes what proves an account or counts wrong tries: columns of the account table by name."""
    table = schema.account
    writing.connection.execute(
        update(table).where(table.c.organisation == writing.organisation, table.c.id == account_id).values(**values)
    )


def settle_times(writing: Writing, longest_lock_out: timedelta) -> None:
    """After the clock was corrected: what was dated later than now ends or begins now, so that nobody is kept out or in."""
    accounts, sessions = schema.account, schema.session
    own = accounts.c.organisation == writing.organisation
    locked_until = writing.at + longest_lock_out
    writing.connection.execute(
        update(accounts).where(own, accounts.c.locked_until > locked_until).values(locked_until=locked_until)
    )
    writing.connection.execute(
        delete(sessions).where(sessions.c.organisation == writing.organisation, sessions.c.begun_at > writing.at)
    )
    for account in every_account(writing.connection, writing.organisation):
        if account.confirmed_at > writing.at:
            replace_account(writing, msgspec.structs.replace(account, confirmed_at=writing.at))


def account_by_login(connection: Connection, organisation: str, login: str) -> StoredAccount | None:
    """An account by the name its owner logs in with."""
    table = schema.account
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.login == login)
    ).one_or_none()
    return None if row is None else _stored(row)


def account_by_id(connection: Connection, organisation: str, account_id: str) -> StoredAccount | None:
    """An account by id."""
    table = schema.account
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.id == account_id)
    ).one_or_none()
    return None if row is None else _stored(row)


def every_account(connection: Connection, organisation: str) -> list[Account]:
    """Every account of the node."""
    table = schema.account
    rows = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation).order_by(table.c.login)
    ).scalars()
    return [msgspec.json.decode(details, type=Account) for details in rows]


def add_session(writing: Writing, session: Session) -> None:
    """Keeps a new session."""
    writing.connection.execute(
        insert(schema.session).values(
            organisation=writing.organisation,
            **msgspec.structs.asdict(session) | {"opened": canonical(session.opened)},
        )
    )


def session_by_token(connection: Connection, organisation: str, token_hash: bytes) -> Session | None:
    """A session by the hash of its token."""
    table = schema.session
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.token_hash == token_hash)
    ).one_or_none()
    if row is None:
        return None
    return Session(
        token_hash=bytes(row.token_hash),
        account_id=row.account_id,
        begun_at=row.begun_at,
        seen_at=row.seen_at,
        locked=row.locked,
        opened=msgspec.json.decode(row.opened, type=dict[str, str]),
    )


def set_session(writing: Writing, token_hash: bytes, **values: Any) -> None:
    """Changes a session: `seen_at`, `locked`, `opened` (as canonical JSON)."""
    table = schema.session
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.token_hash == token_hash)
        .values(**values)
    )


def end_session(writing: Writing, token_hash: bytes) -> None:
    """Ends a session."""
    table = schema.session
    writing.connection.execute(
        delete(table).where(table.c.organisation == writing.organisation, table.c.token_hash == token_hash)
    )


def end_sessions_of(writing: Writing, account_id: str) -> None:
    """Ends every session of an account."""
    table = schema.session
    writing.connection.execute(
        delete(table).where(table.c.organisation == writing.organisation, table.c.account_id == account_id)
    )


def _stored(row: Any) -> StoredAccount:
    return StoredAccount(
        account=msgspec.json.decode(row.details, type=Account),
        password_hash=row.password_hash,
        pin_hash=row.pin_hash,
        wrong_passwords=row.wrong_passwords,
        wrong_pins=row.wrong_pins,
        locked_until=row.locked_until,
    )
