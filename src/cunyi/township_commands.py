"""The commands of a township: its organisation, the codes that enrol nodes, revoking them, opening one with the key in the hub's safe."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cunyi import app, node_commands, tables
from cunyi.config import read_config
from cunyi.domain.errors import InvalidFormError, UserError
from cunyi.domain.organisation import FacilityLevel, KnownNode, NodeState

if TYPE_CHECKING:
    from cunyi.store.unit import Store

_LEVELS = {FacilityLevel.VILLAGE: "村", FacilityLevel.TOWNSHIP: "乡镇", FacilityLevel.COUNTY: "县"}


def add_township_commands(commands: Any) -> None:
    """Adds `cunyi organisation` and `cunyi node` to the command line."""
    _add_organisation(commands.add_parser("organisation", help="中心：区划和机构"))
    command = commands.add_parser("node", help="中心：登记、停用设备；巡诊包：加入中心")
    actions = command.add_subparsers(required=True, metavar="动作")
    action = actions.add_parser("enrol-code", help="中心：给一台设备的一次性登记码，24 小时内有效")
    action.add_argument("--facility", required=True, help="设备属于哪家机构（编号）")
    action.add_argument(
        "--scope", nargs="+", default=[], metavar="代码", help="管哪些村：村代码或前几位（默认机构负责的区划）"
    )
    action.add_argument("--node-name", default="", help="设备的名称，如 2 号巡诊包（默认机构名称）")
    action.add_argument("--serials", type=int, default=500, help="每村给多少档案编号（默认 500）")
    _acting(action, _enrol_code)
    action = actions.add_parser("enrol", help="巡诊包：用登记码加入中心")
    action.add_argument("--hub", required=True, metavar="地址", help="中心的地址，如 https://域名")
    action.add_argument("--code", required=True, metavar="登记码")
    _acting(action, _enrol)
    _acting(actions.add_parser("list", help="中心：列出登记过的设备"), _list)
    action = actions.add_parser("revoke", help="中心：停用一台遗失或退役的设备，它下次联系时清除全部数据")
    action.add_argument("node", metavar="设备编号", help="cunyi node list 里的编号，或它开头独有的几位")
    action.add_argument("--reason", required=True, help="原因")
    action.add_argument("--retired", action="store_true", help="退役（不是遗失）")
    _acting(action, _revoke)
    _acting(actions.add_parser("restored", help="中心：数据库用备份恢复以后，让各台设备重新对账"), _restored)
    action = actions.add_parser("serials", help="中心：再给一台设备一段档案编号")
    action.add_argument("node", metavar="设备编号")
    action.add_argument("village", metavar="村代码")
    action.add_argument("--count", type=int, default=500, help="多少个（默认 500）")
    _acting(action, _serials)
    action = actions.add_parser(
        "escrow", help="中心：取出一台设备托管的数据库密钥（密码和恢复单都丢了时；会记入审计日志）"
    )
    action.add_argument("node", metavar="设备编号")
    action.add_argument("--out", type=Path, required=True, metavar="文件", help="密钥写到哪里；用完就删")
    _acting(action, _escrow)
    action = actions.add_parser("reopen", help="巡诊包：用中心取出的密钥打开，并给一个账号设新密码")
    action.add_argument("--data", type=Path, help="数据文件夹（默认 CUNYI_DATA 或系统的数据目录）")
    action.add_argument("--key-file", type=Path, required=True, metavar="文件", help="中心取出的密钥文件")
    action.add_argument("--login", required=True, help="给哪个账号设新密码")
    action.add_argument("--password-file", type=Path, help="从文件第一行读新密码；不写就提示输入")
    action.set_defaults(run=_reopen, database=None)


def _add_organisation(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="动作")
    action = actions.add_parser("load", help="载入机构表（CSV、YAML 或 JSON）；有一行不对就什么也不载入")
    action.add_argument("file", type=Path, metavar="机构表")
    _acting(action, _load)
    _acting(actions.add_parser("show", help="列出区划和机构"), _show)


def _acting(action: argparse.ArgumentParser, run: Any) -> None:
    node_commands.add_opening_options(action)
    action.set_defaults(run=run)


def _load(options: argparse.Namespace) -> int:
    from cunyi.journeys.organisation_file import read_organisation
    from cunyi.journeys.organising import known_areas, load_organisation

    knowledge = app.load_knowledge(read_config().knowledge)
    data = node_commands.read_file(options.file, "file")
    store, _ = node_commands.open_records(options)
    try:
        found = read_organisation(data, knowledge, organisation=store.node.organisation, known=known_areas(store))
        loaded = load_organisation(store, found)
    except InvalidFormError as error:
        for each in error.errors:
            tables.ERRORS.print(each.message, markup=False, highlight=False, soft_wrap=True)
        raise UserError(f"{len(error.errors)} 处不对，什么也没有载入；改好再载入一次", field="file") from None
    finally:
        store.close()
    print(
        f"区划 {loaded.areas} 个（改动 {loaded.changed_areas}），机构 {loaded.facilities} 个（改动 {loaded.changed_facilities}）"
    )
    if loaded.left:
        print(f"不在文件里、保持不变的机构：{'、'.join(loaded.left)}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from cunyi.journeys.organising import show_organisation

    departments = app.load_knowledge(read_config().knowledge).content.departments
    store, _ = node_commands.open_records(options)
    found = show_organisation(store)
    store.close()
    places = Table("代码", "名称")
    for area in found.areas:
        places.add_row(area.code, area.name)
    facilities = Table()
    for name in ("编号", "名称"):
        facilities.add_column(name, no_wrap=True)
    for name in ("级别", "负责区划", "电话", "科室", "状态"):
        facilities.add_column(name, overflow="fold")
    for each in found.facilities:
        names = [departments[has.department].name for has in each.capabilities if has.department in departments]
        phones = " ".join(filter(None, (each.phone, f"急救 {each.emergency_phone}" if each.emergency_phone else "")))
        state = "开诊" if each.open else f"停诊（{each.closed_reason}）"
        row = (_LEVELS[each.level], " ".join(each.catchment), phones, "、".join(names), state)
        facilities.add_row(each.code, each.name, *row)
    tables.OUT.print(places)
    tables.OUT.print(facilities)
    return 0


def _enrol_code(options: argparse.Namespace) -> int:
    from cunyi.journeys.enrolling import make_code

    store, _ = node_commands.open_records(options)
    made = make_code(
        store,
        None,
        facility=options.facility,
        scope=tuple(options.scope),
        name=options.node_name,
        serials=options.serials,
    )
    store.close()
    print(f"{made.facility.name}，管 {' '.join(made.kept.plan.scope)}，每村 {made.kept.plan.serials} 个编号")
    print(f"登记码（只用一次，{made.kept.expires_at.astimezone():%m-%d %H:%M} 前有效）：\n\n    {made.code}\n")
    return 0


def _enrol(options: argparse.Namespace) -> int:
    from cunyi.interop.hub_http import ENROL_PATH, HubLine, check_address
    from cunyi.journeys.joining import join
    from cunyi.store.unit import SYSTEM

    address = check_address(options.hub, "--hub")
    config = node_commands.configured(options)
    store, folder, key = node_commands.open_with_key(options)
    try:
        with HubLine(address, config.line, ENROL_PATH) as line:
            joined = join(store, key, SYSTEM, code=options.code, send=line.send, address=address)
    finally:
        store.close()
    villages = "、".join(joined.villages.values())
    print(f"已加入 {joined.hub}，管 {villages}")
    if folder is not None:
        print("密钥已托管在中心" if joined.escrowed else "密钥还没有托管到中心，下次联系时再试")
    return 0


def _list(options: argparse.Namespace) -> int:
    from cunyi.store.known_nodes import contacts, known_nodes

    store, _ = node_commands.open_records(options)
    with store.reading() as connection:
        nodes = known_nodes(connection, store.node.organisation)
        heard = contacts(connection, store.node.organisation)
    store.close()
    table = Table()
    table.add_column("设备编号", no_wrap=True)
    for name in ("名称", "管哪些村", "最近联系", "状态"):
        table.add_column(name, overflow="fold")
    for node in nodes:
        at = heard.get(node.id)
        contact = f"{at.astimezone():%m-%d %H:%M}" if at else "还没有"
        state = "正常" if node.state is NodeState.ENROLLED else f"已停用（{node.revoked_reason}）"
        table.add_row(node.id, node.name, " ".join(node.scope), contact, state)
    tables.OUT.print(table)
    return 0


def _node(store: Store, words: str) -> KnownNode:
    from cunyi.store.known_nodes import known_nodes

    with store.reading() as connection:
        found = [each for each in known_nodes(connection, store.node.organisation) if each.id.startswith(words.strip())]
    if len(found) != 1:
        raise UserError("没有这台设备，或者不止一台；请写 cunyi node list 里的完整编号", field="node")
    return found[0]


def _revoke(options: argparse.Namespace) -> int:
    from cunyi.journeys.revoking import revoke

    store, _ = node_commands.open_records(options)
    node = revoke(store, None, _node(store, options.node).id, reason=options.reason, retired=options.retired)
    store.close()
    print(f"已停用 {node.name}（{node.id}）；它下次联系中心时清除自己的全部数据")
    return 0


def _serials(options: argparse.Namespace) -> int:
    from cunyi.journeys.enrolling import grant_more_serials

    store, _ = node_commands.open_records(options)
    granted = grant_more_serials(store, None, _node(store, options.node).id, options.village, options.count)
    store.close()
    print(f"已给 {granted.village_code} 的编号 {granted.first}–{granted.last}；设备下次联系时收到")
    return 0


def _restored(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import after_restoring_hub

    store, _ = node_commands.open_records(options)
    after_restoring_hub(store)
    store.close()
    print("已记下中心恢复过；各台设备下次联系时把手里的再交一遍，缺的补上，重复的不会算两次")
    return 0


def _escrow(options: argparse.Namespace) -> int:
    from cunyi.journeys.revoking import open_escrow

    if options.out.exists():
        raise UserError(f"{options.out} 已经存在；请换一个文件名", field="--out")
    store, _ = node_commands.open_records(options)
    node = _node(store, options.node)
    key = open_escrow(store, None, node.id)
    store.close()
    with open(options.out, "x", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(key.hex + "\n")
    print(f"{node.name} 的密钥写到了 {options.out}。在那台电脑上运行：\n")
    print(f"    cunyi node reopen --key-file {options.out.name} --login 用户名\n")
    print("用完立即删掉这个文件：有它就能打开那台电脑的全部档案。")
    return 0


def _reopen(options: argparse.Namespace) -> int:
    from cunyi.journeys.safekeeping import reopen
    from cunyi.store.folder import Folder
    from cunyi.store.keyring import DatabaseKey
    from cunyi.store.passwords import Cost

    words = node_commands.first_line(options.key_file, "--key-file")
    try:
        key = DatabaseKey(bytes.fromhex(words))
    except ValueError:
        raise UserError("这不是中心取出的密钥文件；请核对", field="--key-file") from None
    folder = Folder(node_commands.configured(options).data_folder)
    password = node_commands.ask_password(options, "新密码：")
    reopen(folder, key, options.login, password, clock=node_commands.now, cost=Cost())
    print(f"已给 {options.login} 设了新密码，可以登录了。请删掉密钥文件 {options.key_file}。")
    return 0
