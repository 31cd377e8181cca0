"""Where people sit down to work: a node that is locked until somebody opens it, and the sessions of those who did."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from cunyi.domain.account import Account, LoginPolicy
from cunyi.domain.audit import Action
from cunyi.domain.encounter import canonical
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import Revocation
from cunyi.journeys.keeping_accounts import Accounts
from cunyi.journeys.keeping_accounts import LockedNodeError as LockedNodeError
from cunyi.journeys.login_rules import (
    count_wrong_password,
    count_wrong_pin,
    expect_not_locked_out,
    expect_usable,
    is_idle,
    is_over,
    latest_known,
    normal_login,
    token_hash,
)
from cunyi.store.accounts import (
    Session,
    account_by_id,
    account_by_login,
    add_session,
    end_session,
    session_by_token,
    set_proofs,
    set_session,
)
from cunyi.store.folder import Folder
from cunyi.store.keyring import DatabaseKey
from cunyi.store.known_nodes import is_hub
from cunyi.store.migrating import drop_everything
from cunyi.store.nodes import login_policy
from cunyi.store.passwords import Cost, hash_secret, verify_secret
from cunyi.store.unit import SYSTEM, Store, last_audit

_TOKEN_BYTES = 32
# How often it is written down that a session is in use.
_SEEN = timedelta(minutes=1)
_WRONG = "用户名或密码不对；请再输一遍，忘了就请系统管理员重设"


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at work (已登录). `locked` where the screen is locked: the session goes on with a PIN or the password.

    `opened` gives the reason for each person outside the account's villages whose record was opened, by person id.
    """

    account: Account
    locked: bool
    policy: LoginPolicy
    opened: dict[str, str] = {}


class Seat(Accounts):
    """A node as people use it (工作席位). On an encrypted node the first login after the start opens the database.

    `as_hub` says whether it is served as a hub, None where that does not matter.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        cost: Cost,
        folder: Folder | None = None,
        store: Store | None = None,
        key: DatabaseKey | None = None,
        as_hub: bool | None = None,
    ) -> None:
        self._clock = clock
        self._cost = cost
        self._folder = folder
        self._store = store
        self._key = key
        self._opening = threading.Lock()
        self._wrong: dict[str, int] = {}
        self._revoked: Revocation | None = None
        self._as_hub = as_hub
        if store is not None:
            self._expect_role(store)

    @property
    def is_open(self) -> bool:
        """Whether the records can be read."""
        return self._store is not None

    @property
    def store(self) -> Store:
        """The records; LockedNodeError before somebody opened the node."""
        if self._store is None:
            raise LockedNodeError("数据还没有打开；请先登录", field="login")
        return self._store

    @property
    def database_key(self) -> DatabaseKey | None:
        """The key of the encrypted database, for the hub's safe; None where a server protects it, or before it is open."""
        return self._key

    @property
    def revoked(self) -> Revocation | None:
        """Who revoked this node and why, where its data was destroyed."""
        return self._revoked or (self._folder.revocation() if self._folder is not None else None)

    def erase(self, told: Revocation) -> None:
        """Destroys everything that is here, the keys first. Nothing can be read afterwards, by nobody."""
        with self._opening:
            store, self._store, self._key, self._revoked = self._store, None, None, told
            if self._folder is not None:
                self._folder.erase_keys(told)
            if store is not None:
                store.shut()
                if self._folder is None:
                    drop_everything(store.engine)
            if self._folder is not None:
                self._folder.erase_files(told)

    def now(self) -> datetime:
        """The computer's clock."""
        return self._clock()

    def clock_is_doubtful(self) -> bool:
        """Whether the clock stands well before what was already written."""
        with self.store.reading() as connection:
            last = last_audit(connection, self.store.node.organisation)
        return last is not None and self._clock() + timedelta(minutes=5) < last.latest

    def sign_in(self, login: str, password: str) -> tuple[str, SignedIn]:
        """A new session: its token and whose it is. UserError where name or password do not fit, or the account may not be used."""
        login = normal_login(login)
        if self.revoked is not None:
            raise UserError("这台电脑已被停用，数据已清除；请按页面上的说明联系卫生院", field="login")
        opened_by_this = self._store is None and self._open(login, password)
        store = self.store
        with store.reading() as connection:
            stored = account_by_login(connection, store.node.organisation, login)
            policy = login_policy(connection, store.node.organisation)
            at_hub = is_hub(connection, store.node.organisation)
        clock = self._clock()
        now = latest_known(store, clock)
        if stored is None:
            # As long as a real one takes.
            hash_secret(password, self._cost)
            with store.writing(SYSTEM) as writing:
                writing.audit(Action.LOG_IN_REFUSED, detail="账号不存在")
            raise UserError(_WRONG, field="password")
        expect_not_locked_out(stored, now, clock)
        right = verify_secret(stored.password_hash, password)
        if not right and not opened_by_this:
            count_wrong_password(store, stored.account.id, policy, now)
            raise UserError(_WRONG, field="password")
        expect_usable(stored.account, policy, now, clock, at_hub=at_hub)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with store.writing(stored.account.id) as writing:
            if not right:
                # It opened the disk: a change of password was cut off after the keyring and before the database.
                set_proofs(writing, stored.account.id, password_hash=hash_secret(password, self._cost))
                writing.audit(Action.CHANGE_PASSWORD, subject=stored.account.id)
            set_proofs(writing, stored.account.id, wrong_passwords=0, wrong_pins=0, locked_until=None)
            add_session(
                writing,
                Session(
                    token_hash=token_hash(token),
                    account_id=stored.account.id,
                    begun_at=writing.at,
                    seen_at=writing.at,
                    locked=False,
                ),
            )
            writing.audit(Action.LOG_IN, subject=stored.account.id)
        return token, SignedIn(account=stored.account, locked=False, policy=policy)

    def who(self, token: str | None, *, watching: bool = False) -> SignedIn | None:
        """Whose session a token is, None where it is none or too old. An idle session comes back locked.

        `watching`: nobody did anything, a page only goes on listening, so the session grows older.
        """
        if not token or self._store is None:
            return None
        store, hashed = self.store, token_hash(token)
        with store.reading() as connection:
            session = session_by_token(connection, store.node.organisation, hashed)
            if session is None:
                return None
            stored = account_by_id(connection, store.node.organisation, session.account_id)
            policy = login_policy(connection, store.node.organisation)
        now = self._clock()
        if stored is None or not stored.account.active:
            return None
        if is_over(session, policy, now):
            # For good: no clock brings it back.
            with store.writing(SYSTEM, working_state=True) as writing:
                end_session(writing, hashed)
            return None
        locked = session.locked or is_idle(session, policy, now)
        if locked and not session.locked:
            self.lock(token)
        elif not (locked or watching) and now - session.seen_at > _SEEN:
            with store.writing(stored.account.id, working_state=True) as writing:
                set_session(writing, hashed, seen_at=writing.at)
        return SignedIn(account=stored.account, locked=locked, policy=policy, opened=session.opened)

    def open_outside(self, token: str, person_id: str, reason: str) -> None:
        """Remembers for this session why a person outside the account's villages is seen; the opening itself is audited."""
        if not reason.strip():
            raise UserError("请写明打开档案的原因", field="reason")
        store, hashed = self.store, token_hash(token)
        with store.writing(SYSTEM, working_state=True) as writing:
            session = session_by_token(writing.connection, store.node.organisation, hashed)
            if session is not None:
                opened = session.opened | {person_id: reason.strip()}
                set_session(writing, hashed, opened=canonical(opened))

    def lock(self, token: str) -> None:
        """Locks the screen; what is being written stays as it is."""
        store, hashed = self.store, token_hash(token)
        with store.writing(SYSTEM) as writing:
            session = session_by_token(writing.connection, store.node.organisation, hashed)
            set_session(writing, hashed, locked=True)
            writing.audit(Action.LOCK, subject=session.account_id if session else None)

    def unlock(self, token: str, secret: str) -> SignedIn:
        """Goes on with a locked session by PIN or password. UserError after a wrong one; after too many the password is needed."""
        store, hashed = self.store, token_hash(token)
        with store.reading() as connection:
            session = session_by_token(connection, store.node.organisation, hashed)
            stored = account_by_id(connection, store.node.organisation, session.account_id) if session else None
            policy = login_policy(connection, store.node.organisation)
            at_hub = is_hub(connection, store.node.organisation)
        if session is None or stored is None:
            raise UserError("登录已经结束；请重新登录，写的内容还在草稿里", field="login")
        clock = self._clock()
        now = latest_known(store, clock)
        if is_over(session, policy, clock):
            raise UserError("登录已经结束；请重新登录，写的内容还在草稿里", field="login")
        pins_left = stored.wrong_pins < policy.wrong_pins
        right = bool(stored.pin_hash and pins_left and verify_secret(stored.pin_hash, secret))
        if not right:
            expect_not_locked_out(stored, now, clock)
            right = verify_secret(stored.password_hash, secret)
        if not right:
            if secret.isdigit() and stored.pin_hash is not None and pins_left:
                left = count_wrong_pin(store, stored.account.id, policy)
                if left:
                    raise UserError("PIN 不对，还可以试 {left} 次", field="secret", left=left)
                raise UserError("PIN 不对；请输入登录密码", field="secret")
            count_wrong_password(store, stored.account.id, policy, now)
            raise UserError("不对；请输入登录密码", field="secret")
        expect_usable(stored.account, policy, now, clock, at_hub=at_hub)
        with store.writing(stored.account.id) as writing:
            set_session(writing, hashed, locked=False, seen_at=writing.at)
            set_proofs(writing, stored.account.id, wrong_pins=0, wrong_passwords=0)
            writing.audit(Action.UNLOCK, subject=stored.account.id)
        return SignedIn(account=stored.account, locked=False, policy=policy)

    def sign_out(self, token: str) -> None:
        """Ends a session."""
        store, hashed = self.store, token_hash(token)
        with store.writing(SYSTEM) as writing:
            session = session_by_token(writing.connection, store.node.organisation, hashed)
            end_session(writing, hashed)
            writing.audit(Action.LOG_OUT, subject=session.account_id if session else None)

    def close(self) -> None:
        """Closes the records."""
        if self._store is not None:
            self._store.close()

    def _open(self, login: str, password: str) -> bool:
        """Opens the disk; whether it was this password that opened it."""
        with self._opening:
            if self._store is not None or self._folder is None:
                return False
            try:
                key = self._folder.keyring().open(login, password)
            except UserError as error:
                if error.field != "password":
                    raise
                self._wrong[login] = self._wrong.get(login, 0) + 1
                raise UserError(_WRONG, field="password") from None
            store = self._folder.open(key, clock=self._clock)
            self._expect_role(store)
            self._store, self._key = store, key
            wrong, self._wrong = sum(self._wrong.values()), {}
        if wrong:
            with self.store.writing(SYSTEM) as writing:
                writing.audit(Action.LOG_IN_REFUSED, detail=f"打开数据前输错 {wrong} 次")
        return True

    def _expect_role(self, store: Store) -> None:
        """UserError where a hub's data are served as a kit's, or the other way round: neither would do its work."""
        if self._as_hub is None:
            return
        with store.reading() as connection:
            found = is_hub(connection, store.node.organisation)
        if found == self._as_hub:
            return
        store.close()
        if found:
            raise UserError("这里是中心的数据；请用 cunyi serve --role hub 打开", field="login")
        raise UserError(
            "这里的数据不是中心的；请用 cunyi serve 打开，或用 cunyi init --role hub 建立中心", field="login"
        )
