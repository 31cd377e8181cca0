"""The commands of a node: setting up, backing up, restoring, checking; for whoever looks after the computer."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cunyi import app
from cunyi.config import Config, read_config
from cunyi.domain.account import Role
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import NodeRole

if TYPE_CHECKING:
    from cunyi.journeys.organisation_file import Organisation
    from cunyi.journeys.setting_up import HubSetup, JoiningSetup, NodeSetup
    from cunyi.store.folder import Folder
    from cunyi.store.keyring import DatabaseKey, Keyring
    from cunyi.store.unit import Store

# What opens a database is imported by the commands that do, so that the others start at once.


def now() -> datetime:
    """The computer's clock."""
    return datetime.now(UTC)


def add_commands(commands: Any) -> None:
    """Adds the node's commands to the command line."""
    command = commands.add_parser("init", help="在这台电脑上建立一个节点（加密的数据文件夹）")
    _where(command)
    command.add_argument(
        "--village", action="append", default=[], metavar="代码=名称", help="12 位村代码和村名，可写多次"
    )
    command.add_argument("--facility", default="", help="机构编号")
    command.add_argument("--facility-name", default="", help="机构名称，如 上坪村卫生室")
    command.add_argument("--serials", default="1-99999", metavar="起-止", help="本机可用的档案编号段（由卫生院分配）")
    command.add_argument("--login", required=True, help="第一个账号的用户名")
    command.add_argument("--name", required=True, help="第一个账号的姓名")
    command.add_argument(
        "--role",
        choices=[*(role.value for role in Role), NodeRole.HUB.value],
        default=Role.ADMINISTRATOR.value,
        help="第一个账号的角色；写 hub 是建立中心，第一个账号是系统管理员",
    )
    command.add_argument(
        "--organisation", type=Path, metavar="机构表", help="建立中心用：区划和机构（CSV、YAML、JSON）"
    )
    command.add_argument("--hub", metavar="地址", help="加入中心：中心的地址，村、机构和编号都由中心给")
    command.add_argument("--code", metavar="登记码", help="加入中心：管理员给的登记码")
    command.add_argument("--password-file", type=Path, help="从文件第一行读密码；不写就提示输入")
    command.set_defaults(run=_init)

    command = commands.add_parser("backup", help="备份：一个加密的文件，可存到 U 盘")
    command.add_argument("target", type=Path, metavar="备份文件")
    add_opening_options(command)
    command.set_defaults(run=_backup)

    command = commands.add_parser("restore", help="用备份恢复，并核对恢复出来的内容")
    command.add_argument("source", type=Path, metavar="备份文件")
    command.add_argument("--replace", action="store_true", help="代替现有的数据（现有数据移到旁边，不删除）")
    add_opening_options(command)
    command.set_defaults(run=_restore)

    for name, run, help_text in (
        ("verify", _verify, "核对全部数据：数据库、每份签名的记录、审计日志、各表"),
        ("rebuild", _rebuild, "由签名的记录重新生成各表和检索"),
        ("confirm-clock", _confirm_clock, "电脑时间改正后确认：此后以现在的时间为准"),
    ):
        command = commands.add_parser(name, help=help_text)
        add_opening_options(command)
        command.set_defaults(run=run)

    command = commands.add_parser("confirm-account", help="账号离线使用到期或被锁：在这台电脑上确认它，可以继续用")
    command.add_argument("account", metavar="用户名")
    add_opening_options(command)
    command.set_defaults(run=_confirm_account)

    command = commands.add_parser("audit", help="审计日志")
    actions = command.add_subparsers(required=True, metavar="动作")
    action = actions.add_parser("verify", help="核对审计日志有没有被改过、删过、截短过")
    add_opening_options(action)
    action.set_defaults(run=_audit_verify)


def _where(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, help="数据文件夹（默认 CUNYI_DATA 或系统的数据目录）")
    command.add_argument("--database", help="PostgreSQL 数据库地址（默认 CUNYI_DATABASE）")


def add_opening_options(command: argparse.ArgumentParser) -> None:
    """Adds what a command needs that opens the records of a node."""
    _where(command)
    command.add_argument("--login", help="用来打开数据的用户名；不写就提示输入")
    command.add_argument("--password-file", type=Path, help="从文件第一行读密码；不写就提示输入")
    command.add_argument("--recovery-code-file", type=Path, help="密码都忘了：从文件第一行读恢复码")


def configured(options: argparse.Namespace) -> Config:
    """The configuration with what the command line says."""
    config = read_config()
    return msgspec.structs.replace(
        config,
        host=getattr(options, "host", None) or config.host,
        port=getattr(options, "port", None) or config.port,
        role=NodeRole(served) if (served := getattr(options, "serve_role", None)) else config.role,
        data=options.data or config.data,
        database=options.database or config.database,
    )


def first_line(path: Path, field: str) -> str:
    """The first line of a file, for what must not stand on the command line."""
    try:
        return path.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, IndexError):
        raise UserError(f"读不了 {path} 的第一行；请核对文件", field=field) from None


def ask_password(options: argparse.Namespace, prompt: str = "密码：") -> str:
    """A password from the file that the command line names, or asked for at the terminal."""
    if options.password_file is not None:
        return first_line(options.password_file, "--password-file")
    if not sys.stdin.isatty():
        raise UserError("请写 --password-file，或在终端里运行以便输入密码", field="--password-file")
    return getpass.getpass(prompt)


def database_key(options: argparse.Namespace, keyring: Keyring) -> DatabaseKey:
    """The key of the database, by the password or the recovery code that the command line names."""
    if options.recovery_code_file is not None:
        return keyring.open_with_recovery(first_line(options.recovery_code_file, "--recovery-code-file"))
    login = options.login or (input("用户名：") if sys.stdin.isatty() else "")
    if not login:
        raise UserError("请写 --login 用户名", field="--login")
    return keyring.open(login.strip().casefold(), ask_password(options))


def open_records(options: argparse.Namespace) -> tuple[Store, Folder | None]:
    """The records of the node that the command line names, and its folder where it has one."""
    store, folder, _ = open_with_key(options)
    return store, folder


def open_with_key(options: argparse.Namespace) -> tuple[Store, Folder | None, DatabaseKey | None]:
    """The records of a node, its folder and the key of its database, where it has them."""
    from cunyi.store.engine import open_postgresql
    from cunyi.store.folder import Folder
    from cunyi.store.migrating import bring_up_to_date
    from cunyi.store.nodes import open_node

    config = configured(options)
    if config.database is not None:
        engine = open_postgresql(config.database)
        bring_up_to_date(engine)
        return open_node(engine, clock=now, county=config.county), None, None
    folder = Folder(config.data_folder)
    if not folder.is_set_up:
        raise UserError(f"{folder.path} 里没有节点；先运行 cunyi init，或写 --data", field="--data")
    key = database_key(options, folder.keyring())
    return folder.open(key, clock=now), folder, key


def _init(options: argparse.Namespace) -> int:
    from cunyi.interop.hub_http import ENROL_PATH, HubLine
    from cunyi.journeys.setting_up import NewNode, set_up, set_up_database, set_up_from_hub, set_up_hub
    from cunyi.store.engine import open_postgresql
    from cunyi.store.folder import Folder
    from cunyi.store.passwords import Cost

    config = configured(options)
    joins = options.hub is not None or options.code is not None
    if options.role == NodeRole.HUB and joins:
        raise UserError("中心不加入别的中心；--role hub 和 --hub 只写一个", field="--hub")
    password = ask_password(options, "给第一个账号设密码：")
    if options.password_file is None and getpass.getpass("再输一遍：") != password:
        raise UserError("两次输入的密码不一样；请重新运行", field="password")
    where = open_postgresql(config.database) if config.database is not None else Folder(config.data_folder)
    if options.role == NodeRole.HUB:
        made = set_up_hub(where, _organisation(options, config), _hub_setup(options, password), clock=now, cost=Cost())
    elif joins:
        with HubLine(_hub_address(options), config.line, ENROL_PATH) as line:
            made = set_up_from_hub(where, _joining(options, password), line.send, clock=now, cost=Cost())
    elif isinstance(where, Folder):
        made = set_up(where, _node_setup(options, password), clock=now, cost=Cost())
    else:
        made = NewNode(
            seat=set_up_database(where, _node_setup(options, password), clock=now, cost=Cost()), recovery_code=""
        )
    print(f"{made.seat.store.node.facility_name}（{made.seat.store.node.facility}）")
    made.seat.close()
    told = "cunyi serve --role hub" if options.role == NodeRole.HUB else "cunyi serve"
    print(f"节点已建立{f'在 {where.path}' if isinstance(where, Folder) else ''}。运行 {told} 打开。")
    if made.recovery_code:
        print("恢复码（密码全忘时唯一的办法；请抄在纸上锁好，不要存在这台电脑里）：")
        print(f"\n    {made.recovery_code}\n")
    return 0


def _node_setup(options: argparse.Namespace, password: str) -> NodeSetup:
    from cunyi.journeys.setting_up import NodeSetup

    for name in ("village", "facility", "facility_name"):
        if not getattr(options, name):
            raise UserError("没有写；加入中心的电脑写 --hub 和 --code 就不用写", field=f"--{name.replace('_', '-')}")
    pairs = [pair.partition("=") for pair in options.village]
    first, _, last = options.serials.partition("-")
    if not first.isdigit() or not last.isdigit():
        raise UserError("编号段要写成 1-500 这样", field="--serials")
    return NodeSetup(
        facility=options.facility,
        facility_name=options.facility_name,
        villages={code.strip(): name.strip() or code.strip() for code, _, name in pairs},
        serials=(int(first), int(last)),
        login=options.login,
        name=options.name,
        password=password,
        role=Role(options.role),
    )


def _hub_setup(options: argparse.Namespace, password: str) -> HubSetup:
    from cunyi.journeys.setting_up import HubSetup

    if not options.facility:
        raise UserError("没有写；中心在哪家机构，写它在机构表里的编号", field="--facility")
    return HubSetup(facility=options.facility, login=options.login, name=options.name, password=password)


def _organisation(options: argparse.Namespace, config: Config) -> Organisation:
    from cunyi.journeys.organisation_file import read_organisation

    if options.organisation is None:
        raise UserError("没有写；建立中心要先有机构表（写法见 docs/township.md）", field="--organisation")
    return read_organisation(read_file(options.organisation, "--organisation"), app.load_knowledge(config.knowledge))


def _hub_address(options: argparse.Namespace) -> str:
    from cunyi.interop.hub_http import check_address

    if not options.hub or not options.code:
        raise UserError("加入中心要写 --hub 中心地址 和 --code 登记码", field="--code" if options.hub else "--hub")
    return check_address(options.hub, "--hub")


def _joining(options: argparse.Namespace, password: str) -> JoiningSetup:
    from cunyi.journeys.setting_up import JoiningSetup

    return JoiningSetup(
        code=options.code,
        address=_hub_address(options),
        login=options.login,
        name=options.name,
        password=password,
        role=Role(options.role),
    )


def read_file(path: Path, field: str) -> bytes:
    """The bytes of a file that the command line names."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"读不了 {path}：{error.strerror}；请核对路径", field=field) from None


def _backup(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import make_backup

    store, folder = open_records(options)
    if folder is None:
        raise UserError("PostgreSQL 上的节点请用 pg_dump 备份（见 docs/node.md）", field="--database")
    manifest = make_backup(store, folder, options.target)
    store.close()
    print(f"已备份到 {options.target}（{manifest.made_at.astimezone():%Y-%m-%d %H:%M}），读回核对无误")
    return 0


def _restore(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import bring_back
    from cunyi.store.folder import Folder

    folder = Folder(configured(options).data_folder)
    found, aside = bring_back(
        options.source, folder, lambda keyring: database_key(options, keyring), replace=options.replace, clock=now
    )
    if aside is not None:
        print(f"原来的数据移到了 {aside}")
    print(f"已恢复到 {folder.path}：{found.records} 份记录，{found.audit_lines} 条审计日志")
    return _told(found.problems)


def _verify(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import verify

    store, folder = open_records(options)
    found = verify(store, folder)
    store.close()
    print(f"核对了 {found.records} 份记录，{found.audit_lines} 条审计日志")
    return _told(found.problems)


def _rebuild(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import rebuild_tables

    store, _ = open_records(options)
    records, people = rebuild_tables(store)
    store.close()
    print(f"已由 {records} 份签名的记录重新生成各表，由 {people} 份档案重新生成检索")
    return 0


def _confirm_clock(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import confirm_clock

    store, _ = open_records(options)
    confirm_clock(store)
    store.close()
    print(f"已确认电脑时间：{now().astimezone():%Y-%m-%d %H:%M}")
    return 0


def _confirm_account(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import confirm_account

    store, _ = open_records(options)
    confirm_account(store, options.account)
    store.close()
    print(f"已确认账号 {options.account}，可以继续使用")
    return 0


def _audit_verify(options: argparse.Namespace) -> int:
    from cunyi.store.audit import verify_audit

    store, folder = open_records(options)
    with store.reading() as connection:
        found = verify_audit(connection, store.node.organisation, folder.head if folder else None, store.key.public)
    store.close()
    print(f"核对了 {found.lines} 条审计日志")
    return _told(found.problems)


def _told(problems: tuple[str, ...]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    print("没有发现问题" if not problems else f"发现 {len(problems)} 个问题")
    return 1 if problems else 0


def serve(options: argparse.Namespace) -> int:
    """Serves a node's pages, a demonstration's, or the workbench alone."""
    config = configured(options)
    if options.workbench_only:
        app.serve(config)
    elif options.demonstration:
        # Never the folder that the environment names: real records may lie there.
        app.serve_demonstration(config, options.data, clock=now)
    elif config.role is NodeRole.HUB:
        app.serve_hub(config, clock=now, workers=options.workers)
    else:
        app.serve_node(config, clock=now)
    return 0
