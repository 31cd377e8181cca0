"""Logging in on both databases: wrong tries, lock-outs, PINs, idle and old sessions, stopped accounts, a clock that jumps."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from clinic_day import MORNING, Desk, count, misfits
from node_for_tests import CHEAP, LOGIN, PASSWORD
from sqlalchemy import select

from cunyi.domain.account import PERMISSIONS, Permission, Role
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.journeys.access import require
from cunyi.journeys.safekeeping import confirm_account, confirm_clock
from cunyi.journeys.seat import Seat
from cunyi.store import schema

WRONG = "bad-password-0"
DOCTORS = {Role.VILLAGE_DOCTOR, Role.TOWNSHIP_DOCTOR}
CARE = DOCTORS | {Role.NURSE}
OFFICE = {Role.MANAGER, Role.ADMINISTRATOR}
WHO_MAY = {
    Permission.FIND_PEOPLE: CARE,
    Permission.REGISTER_PEOPLE: CARE,
    Permission.READ_RECORD: CARE,
    Permission.WRITE_DRAFT: CARE,
    Permission.SIGN_RECORD: DOCTORS,
    Permission.PRESCRIBE: DOCTORS,
    Permission.MERGE_PEOPLE: DOCTORS,
    Permission.SEE_SENSITIVE: DOCTORS,
    Permission.SEE_COUNTS: CARE | OFFICE,
    Permission.READ_AUDIT: OFFICE,
    Permission.MANAGE_ACCOUNTS: {Role.ADMINISTRATOR},
    Permission.MANAGE_NODES: {Role.ADMINISTRATOR},
    Permission.ANSWER_CRITICAL_VALUE: CARE,
    Permission.REFER: DOCTORS,
    Permission.CONSULT: DOCTORS,
}


def wrong(desk: Desk, times: int) -> None:
    for _ in range(times):
        with pytest.raises(UserError, match="用户名或密码不对"):
            desk.seat.sign_in(LOGIN, WRONG)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_what_each_role_may_do(role: Role, permission: Permission, kit_accounts) -> None:
    account = kit_accounts[role]
    assert (permission in PERMISSIONS[role]) is (role in WHO_MAY[permission])
    if role in WHO_MAY[permission]:
        require(account, permission)
    else:
        with pytest.raises(NotAllowedError, match="系统管理员"):
            require(account, permission)


@pytest.fixture(scope="module")
def kit_accounts(tmp_path_factory: pytest.TempPathFactory):
    from clinic_day import in_folder

    desk = in_folder(tmp_path_factory.mktemp("roles") / "node")
    made = {role: desk.colleague(f"{role}-1", role=role) for role in Role}
    desk.seat.close()
    return made


def test_passwords_are_kept_as_argon2id(desk: Desk) -> None:
    with desk.store.reading() as connection:
        hashed = connection.execute(select(schema.account.c.password_hash)).scalar_one()
    assert hashed.startswith("$argon2id$") and PASSWORD not in hashed


def test_too_many_wrong_passwords_lock_out_for_a_while(desk: Desk) -> None:
    wrong(desk, 5)
    with pytest.raises(UserError, match="请 15 分钟后再试"):
        desk.seat.sign_in(LOGIN, PASSWORD)
    desk.clock.at = MORNING - timedelta(days=1)
    with pytest.raises(UserError, match="请改正电脑时间，再运行 cunyi confirm-clock"):
        desk.seat.sign_in(LOGIN, PASSWORD)
    desk.clock.at = MORNING + timedelta(minutes=15)
    assert desk.seat.sign_in(LOGIN, PASSWORD)
    wrong(desk, 4)
    assert desk.seat.sign_in(LOGIN, PASSWORD)
    wrong(desk, 4)


def test_wrong_passwords_sent_together_are_all_counted(desk: Desk) -> None:
    def guess() -> None:
        with pytest.raises(UserError):
            desk.seat.sign_in(LOGIN, WRONG)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(UserError, match="已锁定"):
        desk.seat.sign_in(LOGIN, PASSWORD)


def test_an_unknown_name_is_refused_like_a_wrong_password(desk: Desk) -> None:
    with pytest.raises(UserError, match="用户名或密码不对") as told:
        desk.seat.sign_in("nobody", PASSWORD)
    assert told.value.field == "password"


def test_a_pin_unlocks_the_screen_until_it_was_wrong_too_often(desk: Desk) -> None:
    desk.seat.set_pin(desk.account, PASSWORD, "7294")
    desk.seat.lock(desk.token)
    assert desk.seat.who(desk.token).locked
    assert not desk.seat.unlock(desk.token, "7294").locked
    desk.seat.lock(desk.token)
    for left in (4, 3, 2, 1):
        with pytest.raises(UserError, match=f"还可以试 {left} 次"):
            desk.seat.unlock(desk.token, "0000")
    with pytest.raises(UserError, match="请输入登录密码"):
        desk.seat.unlock(desk.token, "0000")
    with pytest.raises(UserError, match="请输入登录密码"):
        desk.seat.unlock(desk.token, "7294")
    assert not desk.seat.unlock(desk.token, PASSWORD).locked
    desk.seat.lock(desk.token)
    assert not desk.seat.unlock(desk.token, "7294").locked
    with pytest.raises(UserError):
        desk.seat.sign_in(LOGIN, "7294")


def test_a_page_that_only_listens_keeps_no_session_awake(desk: Desk) -> None:
    desk.pass_time(minutes=9)
    assert not desk.seat.who(desk.token, watching=True).locked
    desk.pass_time(minutes=2)
    assert desk.seat.who(desk.token, watching=True).locked


def test_an_idle_screen_locks_and_an_old_session_ends_for_good(desk: Desk) -> None:
    desk.pass_time(minutes=9)
    assert not desk.seat.who(desk.token).locked
    desk.pass_time(minutes=9)
    assert not desk.seat.who(desk.token).locked
    desk.pass_time(minutes=11)
    assert desk.seat.who(desk.token).locked
    desk.seat.unlock(desk.token, PASSWORD)
    desk.clock.at = MORNING + timedelta(hours=12, minutes=1)
    with pytest.raises(UserError, match="登录已经结束"):
        desk.seat.unlock(desk.token, PASSWORD)
    assert desk.seat.who(desk.token) is None
    desk.clock.at = MORNING + timedelta(hours=1)
    assert desk.seat.who(desk.token) is None


def test_a_clock_set_back_opens_no_screen(desk: Desk) -> None:
    desk.pass_time(minutes=9)
    assert not desk.seat.who(desk.token).locked
    desk.clock.at = MORNING
    assert desk.seat.who(desk.token).locked
    desk.clock.at = MORNING - timedelta(days=1)
    assert desk.seat.who(desk.token) is None


def test_an_account_that_nobody_confirmed_is_refused_and_the_clock_does_not_help(desk: Desk) -> None:
    keeper = desk.colleague("keeper", role=Role.ADMINISTRATOR, areas=())
    desk.pass_time(days=31)
    with pytest.raises(UserError, match="离线使用超过 30 天"):
        desk.seat.sign_in(LOGIN, PASSWORD)
    # Whoever confirms can always come in.
    desk.seat.sign_in("keeper", PASSWORD)
    desk.clock.at = MORNING
    with pytest.raises(UserError, match="离线使用超过 30 天"):
        desk.seat.sign_in(LOGIN, PASSWORD)
    desk.seat.change_account(keeper, desk.account.id, confirm=True)
    assert desk.seat.sign_in(LOGIN, PASSWORD)


def test_a_lone_doctor_is_confirmed_by_whoever_can_open_the_data(desk: Desk) -> None:
    desk.pass_time(days=31)
    wrong(desk, 5)
    with pytest.raises(UserError, match="没有这个用户名"):
        confirm_account(desk.store, "nobody")
    confirm_account(desk.store, f" {LOGIN.upper()} ")
    assert desk.seat.sign_in(LOGIN, PASSWORD)
    assert misfits(desk.store, desk.folder) == []


def test_a_clock_that_was_years_ahead_keeps_nobody_out_for_good(desk: Desk) -> None:
    desk.pass_time(days=3650)
    wrong(desk, 5)
    other = desk.colleague("wang")
    token, _ = desk.seat.sign_in("wang", PASSWORD)
    desk.clock.at = MORNING + timedelta(hours=1)
    with pytest.raises(UserError, match="confirm-clock"):
        desk.seat.sign_in(LOGIN, PASSWORD)
    assert desk.seat.clock_is_doubtful()
    confirm_clock(desk.store)
    assert not desk.seat.clock_is_doubtful()
    assert desk.seat.who(token) is None
    desk.pass_time(minutes=16)
    assert desk.seat.sign_in(LOGIN, PASSWORD)
    assert not desk.see(desk.register("曾小明")).clock_doubtful
    desk.pass_time(days=31)
    with pytest.raises(UserError, match="离线使用超过"):
        desk.seat.sign_in(other.login, PASSWORD)
    assert misfits(desk.store, desk.folder) == []


def test_a_stopped_account_is_out_at_once(desk: Desk) -> None:
    keeper = desk.colleague("keeper", role=Role.ADMINISTRATOR, areas=())
    desk.seat.change_account(keeper, desk.account.id, active=False)
    assert desk.seat.who(desk.token) is None
    with pytest.raises(UserError, match="已停用"):
        desk.seat.sign_in(LOGIN, PASSWORD)
    with pytest.raises(UserError, match="不能停用自己"):
        desk.seat.change_account(keeper, keeper.id, active=False)
    with pytest.raises(NotAllowedError):
        desk.seat.change_account(desk.account, keeper.id, active=False)


def test_an_administrator_sets_a_first_password_again(desk: Desk) -> None:
    keeper = desk.colleague("keeper", role=Role.ADMINISTRATOR, areas=())
    with pytest.raises(UserError, match="密码至少要"):
        desk.seat.change_account(keeper, desk.account.id, active=False, password="short")
    assert desk.seat.who(desk.token) is not None
    with pytest.raises(UserError, match="负责的村"):
        desk.seat.change_account(keeper, desk.account.id, areas=("11",))
    desk.seat.change_account(keeper, desk.account.id, password="river-stone-7")
    assert desk.seat.who(desk.token) is None
    with pytest.raises(UserError):
        desk.seat.sign_in(LOGIN, PASSWORD)
    _, me = desk.seat.sign_in(LOGIN, "river-stone-7")
    assert me.account.must_change_password
    desk.seat.change_password(me.account, "river-stone-7", "tall-bamboo-3")
    _, me = desk.seat.sign_in(LOGIN, "tall-bamboo-3")
    assert not me.account.must_change_password
    assert misfits(desk.store, desk.folder) == []


def restarted(kit: Desk) -> Seat:
    """The node after the computer was started again: nobody has opened it."""
    kit.seat.close()
    return Seat(clock=kit.clock, cost=CHEAP, folder=kit.folder)


def test_the_first_login_after_a_start_opens_the_disk(kit: Desk) -> None:
    seat = restarted(kit)
    assert seat.who(kit.token) is None and not seat.is_open
    with pytest.raises(UserError, match="用户名或密码不对"):
        seat.sign_in(LOGIN, WRONG)
    assert not seat.is_open
    seat.sign_in(LOGIN, PASSWORD)
    assert seat.is_open
    with seat.store.reading() as connection:
        details = connection.execute(select(schema.audit_entry.c.detail)).scalars().all()
    assert "打开数据前输错 1 次" in details
    seat.close()


def test_a_stopped_account_does_not_open_the_disk(kit: Desk) -> None:
    keeper = kit.colleague("keeper", role=Role.ADMINISTRATOR, areas=())
    kit.seat.change_account(keeper, kit.account.id, active=False)
    seat = restarted(kit)
    with pytest.raises(UserError, match="用户名或密码不对"):
        seat.sign_in(LOGIN, PASSWORD)
    assert not seat.is_open
    seat.sign_in("keeper", PASSWORD)
    seat.close()


def test_a_change_of_password_that_was_interrupted_changes_nothing(kit: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(
            "cunyi.journeys.keeping_accounts.hash_secret", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        kit.seat.change_password(kit.account, PASSWORD, "river-stone-7")
    seat = restarted(kit)
    with pytest.raises(UserError):
        seat.sign_in(LOGIN, "river-stone-7")
    seat.sign_in(LOGIN, PASSWORD)
    seat.close()


def test_a_change_of_password_that_was_cut_off_locks_nobody_out(kit: Desk) -> None:
    """The power goes when the keyring is written and the records are not."""
    key = kit.folder.keyring().open(LOGIN, PASSWORD)
    kit.folder.keyring().change(LOGIN, "river-stone-7", key)
    seat = restarted(kit)
    seat.sign_in(LOGIN, "river-stone-7")
    seat.sign_in(LOGIN, "river-stone-7")
    with pytest.raises(UserError):
        seat.sign_in(LOGIN, PASSWORD)
    seat.close()


def test_every_session_has_a_token_that_is_kept_as_a_hash(desk: Desk) -> None:
    second, _ = desk.seat.sign_in(LOGIN, PASSWORD)
    assert count(desk.store, schema.session) == 2 and second != desk.token
    with desk.store.reading() as connection:
        kept = [bytes(row.token_hash) for row in connection.execute(select(schema.session))]
    assert not any(desk.token.encode() in each for each in kept)
    desk.seat.sign_out(desk.token)
    assert desk.seat.who(desk.token) is None and desk.seat.who(second) is not None
    assert desk.seat.who("\ud800") is None
