"""The rules of logging in: how wrong tries are counted, when an account may be used, when a session is over."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, timedelta

from cunyi.domain.account import Account, LoginPolicy, Role
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.store.accounts import Session, StoredAccount, account_by_id, set_proofs
from cunyi.store.unit import SYSTEM, Store, last_audit

_LONGEST_LOGIN = 40
# A clock that runs a little behind is ordinary.
_TOLERANCE = timedelta(minutes=5)
_LOCKED_OUT = (
    "输错次数太多，已锁定；请 {minutes} 分钟后再试，或请系统管理员解锁。现在电脑时间是 {clock}，不对就请先改正"
)
_LOCKED_OUT_CLOCK_BEHIND = (
    "输错次数太多，已锁定；请 {minutes} 分钟后再试，或请系统管理员解锁。"
    "电脑时间（{clock}）比已保存的记录（{latest}）早：请改正电脑时间，再运行 cunyi confirm-clock"
)
_UNCONFIRMED = (
    "这个账号离线使用超过 {days} 天；请系统管理员在本机确认账号后再登录。现在电脑时间是 {clock}，不对就请先改正"
)
_UNCONFIRMED_CLOCK_BEHIND = (
    "这个账号离线使用超过 {days} 天；请系统管理员在本机确认账号后再登录。"
    "电脑时间（{clock}）比已保存的记录（{latest}）早：请改正电脑时间，再运行 cunyi confirm-clock"
)


def normal_login(words: str) -> str:
    """A login name as it is compared: one width, without spaces around, lower case. UserError where it is empty or too long."""
    login = unicodedata.normalize("NFKC", words).strip().casefold()
    if not login:
        raise UserError("请填写用户名", field="login")
    if len(login) > _LONGEST_LOGIN:
        raise UserError("用户名最多 {longest} 字；请核对", field="login", longest=_LONGEST_LOGIN)
    return login


def token_hash(token: str) -> bytes:
    """What is kept of a session token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def latest_known(store: Store, clock: datetime) -> datetime:
    """The clock, or the latest time known where the clock was set back: a rule on time is not undone by the clock."""
    with store.reading() as connection:
        last = last_audit(connection, store.node.organisation)
    return max(clock, last.latest) if last else clock


def is_over(session: Session, policy: LoginPolicy, clock: datetime) -> bool:
    """Whether a session is too old, or begun at a time that the clock has not reached: then it was set back."""
    age = clock - session.begun_at
    return age > timedelta(hours=policy.session_hours) or age < -_TOLERANCE


def is_idle(session: Session, policy: LoginPolicy, clock: datetime) -> bool:
    """Whether nobody used a session for so long that its screen locks; a clock that was set back locks it too."""
    idle = clock - session.seen_at
    return idle > timedelta(minutes=policy.lock_minutes) or idle < -_TOLERANCE


def expect_not_locked_out(stored: StoredAccount, now: datetime, clock: datetime) -> None:
    """UserError (field `login`) while too many wrong passwords keep an account out."""
    if stored.locked_until is None or now >= stored.locked_until:
        return
    minutes = max(1, round((stored.locked_until - now).total_seconds() / 60))
    raise UserError(
        _LOCKED_OUT_CLOCK_BEHIND if _clock_is_behind(now, clock) else _LOCKED_OUT,
        field="login",
        minutes=minutes,
        **_days(now, clock),
    )


def expect_usable(
    account: Account, policy: LoginPolicy, now: datetime, clock: datetime, *, at_hub: bool = False
) -> None:
    """UserError (field `login`) for an account that was stopped, or that nobody confirmed for too long.

    Administrators are those who confirm: nobody would be left to let them in again. At a hub nobody works offline.
    """
    if not account.active:
        raise UserError("这个账号已停用；请联系系统管理员", field="login")
    kept_out = account.role is not Role.ADMINISTRATOR and not at_hub
    if kept_out and now - account.confirmed_at > timedelta(days=policy.offline_days):
        raise UserError(
            _UNCONFIRMED_CLOCK_BEHIND if _clock_is_behind(now, clock) else _UNCONFIRMED,
            field="login",
            days=policy.offline_days,
            **_days(now, clock),
        )


def count_wrong_password(store: Store, account_id: str, policy: LoginPolicy, now: datetime) -> None:
    """One more wrong password in a row; too many keep the account out for a while."""
    with store.writing(SYSTEM) as writing:
        # Counted where nobody else counts at the same time: guesses sent together are as many guesses.
        stored = account_by_id(writing.connection, writing.organisation, account_id)
        wrong = stored.wrong_passwords + 1 if stored else 1
        locked_until = stored.locked_until if stored else None
        detail = "密码不对"
        if wrong >= policy.wrong_passwords:
            locked_until, wrong, detail = now + timedelta(minutes=policy.locked_out_minutes), 0, "密码不对，已锁定"
        set_proofs(writing, account_id, wrong_passwords=wrong, locked_until=locked_until)
        writing.audit(Action.LOG_IN_REFUSED, subject=account_id, detail=detail)


def count_wrong_pin(store: Store, account_id: str, policy: LoginPolicy) -> int:
    """One more wrong PIN in a row; how many tries are left before the password is needed."""
    with store.writing(SYSTEM) as writing:
        stored = account_by_id(writing.connection, writing.organisation, account_id)
        wrong = stored.wrong_pins + 1 if stored else policy.wrong_pins
        set_proofs(writing, account_id, wrong_pins=wrong)
        writing.audit(Action.LOG_IN_REFUSED, subject=account_id, detail="PIN 不对")
    return max(0, policy.wrong_pins - wrong)


def _clock_is_behind(now: datetime, clock: datetime) -> bool:
    return clock + _TOLERANCE < now


def _days(now: datetime, clock: datetime) -> dict[str, str]:
    return {"clock": f"{clock:%Y-%m-%d}", "latest": f"{now:%Y-%m-%d}"}
