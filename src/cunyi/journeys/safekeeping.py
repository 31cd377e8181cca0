"""Keeping the records safe: backing up, restoring, checking, making the tables anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.journeys.changing_accounts import keep_password
from cunyi.journeys.login_rules import normal_login
from cunyi.store import schema, township_schema
from cunyi.store.accounts import account_by_login, replace_account, set_proofs, settle_times
from cunyi.store.audit import verify_audit
from cunyi.store.backup import Manifest, back_up, check_integrity, pass_over_serials, read_backup, restore
from cunyi.store.folder import Folder
from cunyi.store.keyring import DatabaseKey, Keyring
from cunyi.store.links import begin_epoch, current_epoch
from cunyi.store.nodes import login_policy, public_keys
from cunyi.store.notes import rebuild_threads
from cunyi.store.passwords import Cost, check_password, hash_secret
from cunyi.store.people import reindex
from cunyi.store.projecting import rebuild
from cunyi.store.records import count_records, verify_records
from cunyi.store.unit import SYSTEM, Store


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What checking a node found (核对结果): how much was looked at, and in plain words what is wrong (empty: nothing)."""

    records: int
    audit_lines: int
    problems: tuple[str, ...]


def make_backup(store: Store, folder: Folder, target: Path) -> Manifest:
    """Backs up a node that is at work, and reads the backup once more before it is trusted."""
    with store.writing(SYSTEM) as writing:
        writing.audit(Action.BACK_UP, subject=store.node.id)
    back_up(store, folder, target)
    return read_backup(target)


def bring_back(
    source: Path,
    folder: Folder,
    open_key: Callable[[Keyring], DatabaseKey],
    *,
    replace: bool,
    clock: Callable[[], datetime],
) -> tuple[Verified, Path | None]:
    """Restores a backup and checks what it brought; also the folder to which the data before it was moved.

    `open_key` opens the keyring, with a password or the recovery code.
    """
    keys: list[DatabaseKey] = []

    def ready(incoming: Folder) -> None:
        # A wrong password, or a backup that does not open, must not cost the data that is there.
        keys.append(open_key(incoming.keyring()))
        incoming.open(keys[0], clock=clock).close()

    aside = restore(source, folder, replace=replace, ready=ready)
    store = folder.open(keys[0], clock=clock)
    try:
        with store.writing(SYSTEM) as writing:
            pass_over_serials(writing)
            writing.audit(Action.RESTORE, subject=store.node.id)
            if current_epoch(writing.connection, writing.organisation) is not None:
                # Its nodes give back what the backup does not have.
                begin_epoch(writing)
        return verify(store, folder), aside
    finally:
        store.close()


def after_restoring_hub(store: Store) -> None:
    """Tells the nodes of a hub whose database was restored by its own server that they give again what they hold.

    UserError (field `role`) where this node is no hub.
    """
    with store.writing(SYSTEM) as writing:
        if current_epoch(writing.connection, writing.organisation) is None:
            raise UserError("这台不是中心，不用这样做；巡诊包恢复备份以后会自己补齐", field="role")
        pass_over_serials(writing)
        writing.audit(Action.RESTORE, subject=store.node.id)
        begin_epoch(writing)


def verify(store: Store, folder: Folder | None = None) -> Verified:
    """Checks everything that can be checked: the file, every signed record, the audit log, the tables against the records."""
    organisation = store.node.organisation
    head = folder.head if folder is not None else None
    with store.reading() as connection:
        problems = [f"数据库：{words}" for words in check_integrity(connection)]
        damaged = verify_records(connection, organisation, public_keys(connection))
        records = count_records(connection, organisation)
    # The end of the log is read before the log: another program may be writing.
    with store.reading() as connection:
        audit = verify_audit(connection, organisation, head, store.key.public)
    # From damaged records nothing can be made anew to compare with.
    problems += [*damaged, *audit.problems, *([] if damaged else stale_tables(store))]
    return Verified(records=records, audit_lines=audit.lines, problems=tuple(problems))


def rebuild_tables(store: Store) -> tuple[int, int]:
    """Makes the tables of encounters from the signed records and the search keys from the persons; how many of each."""
    with store.writing(SYSTEM) as writing:
        counted = rebuild(writing), reindex(writing)
        rebuild_threads(writing)
        writing.audit(Action.REBUILD, detail=f"{counted[0]} 份记录，{counted[1]} 人")
    return counted


def stale_tables(store: Store) -> list[str]:
    """The tables that would be different if they were made anew; nothing is changed."""
    found: list[str] = []

    class _Undo(Exception):
        """Ends the trial without keeping anything."""

    try:
        with store.writing(SYSTEM, working_state=True) as writing:
            before = _snapshot(writing.connection, store.node.organisation)
            rebuild(writing)
            reindex(writing)
            rebuild_threads(writing)
            after = _snapshot(writing.connection, store.node.organisation)
            found = [
                f"表 {name} 与已签名的记录不一致；请运行 cunyi rebuild"
                for name in before
                if before[name] != after[name]
            ]
            raise _Undo
    except _Undo:
        return found


def snapshot(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the tables that can be made anew, in order, for comparing."""
    with store.reading() as connection:
        return _snapshot(connection, store.node.organisation)


def _snapshot(connection: Connection, organisation: str) -> dict[str, list[tuple[object, ...]]]:
    tables = (*township_schema.PROJECTIONS, schema.identifier, schema.search_key)
    return {
        table.name: sorted(
            (tuple(row) for row in connection.execute(select(table).where(table.c.organisation == organisation))),
            key=repr,
        )
        for table in tables
    }


def confirm_clock(store: Store, by: str = SYSTEM) -> None:
    """After the computer's clock was corrected: from now on the present time counts, whatever was written before.

    The way out where a clock ran years ahead and everything since looks too early.
    """
    with store.writing(by) as writing:
        writing.audit(Action.CONFIRM_CLOCK, clock_confirmed=True)
        policy = login_policy(writing.connection, writing.organisation)
        settle_times(writing, timedelta(minutes=policy.locked_out_minutes))


def confirm_account(store: Store, login: str, by: str = SYSTEM) -> None:
    """Confirms an account for further use offline and ends its lock-out, by whoever could open the data.

    The way out of a node whose only account was not confirmed for too long. UserError (field `login`) where there is none.
    """
    with store.writing(by) as writing:
        stored = account_by_login(writing.connection, writing.organisation, normal_login(login))
        if stored is None:
            raise UserError("没有这个用户名；请核对", field="login")
        replace_account(writing, msgspec.structs.replace(stored.account, confirmed_at=writing.latest))
        set_proofs(writing, stored.account.id, wrong_passwords=0, wrong_pins=0, locked_until=None)
        writing.audit(Action.CHANGE_ACCOUNT, subject=stored.account.id)


def reopen(
    folder: Folder, key: DatabaseKey, login: str, password: str, *, clock: Callable[[], datetime], cost: Cost
) -> None:
    """A new password for an account, by whoever has the database key out of the hub's safe; it opens the disk from then on."""
    login = normal_login(login)
    check_password(password, login=login)
    store = folder.open(key, clock=clock)
    try:
        with store.reading() as connection:
            stored = account_by_login(connection, store.node.organisation, login)
        if stored is None:
            raise UserError("没有这个用户名；请核对", field="login")
        with folder.keyring().trying(login, password, key):
            keep_password(store, SYSTEM, stored.account, hash_secret(password, cost), must_change=False)
    finally:
        store.close()
