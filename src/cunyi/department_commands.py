"""The commands about departments: the national list, and what the hospitals around call theirs."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from cunyi import app, node_commands, tables
from cunyi.config import read_config
from cunyi.domain.errors import InvalidFormError, UserError
from cunyi.domain.hospital import LEVELS, HospitalDepartment
from cunyi.knowledge.departments import Department
from cunyi.reasoning.prepared import Knowledge

COLUMNS = ("级别", "科室", "医院", "本院名称", "位置")
_LEVELS = {"县": "county", "县级": "county", "乡镇": "township", "乡": "township", "镇": "township"}
_NONE = ("无", "没有")
_WORDS = {"county": "县", "township": "乡镇"}


def add_department_commands(commands: Any) -> None:
    """Adds `cunyi department` to the command line."""
    command = commands.add_parser("department", help="科室：国家名录，以及县医院、卫生院自己的科室名称")
    actions = command.add_subparsers(required=True, metavar="动作")
    action = actions.add_parser("list", help="列出科室：代码、名称、没有时由谁看")
    action.set_defaults(run=_list)
    action = actions.add_parser("map", help="载入医院自己的科室名称（CSV）")
    action.add_argument("file", type=Path, metavar="对照.csv", help=f"表头 {'，'.join(COLUMNS)}")
    node_commands.add_opening_options(action)
    action.set_defaults(run=_map)
    action = actions.add_parser("show", help="列出已载入的医院科室名称")
    node_commands.add_opening_options(action)
    action.set_defaults(run=_show)
    action = actions.add_parser("unmap", help="不再用某一级医院自己的名称，改回国家名录的名称")
    action.add_argument("level", choices=LEVELS, help="county 县级医院；township 乡镇卫生院")
    node_commands.add_opening_options(action)
    action.set_defaults(run=_unmap)


def _list(options: argparse.Namespace) -> int:
    departments = app.load_knowledge(read_config().knowledge).content.departments
    table = Table("代码", "名称", "标识", "一般在", "没有时由谁看")
    for each in sorted(departments.values(), key=lambda department: (department.code, department.id)):
        stand_in = departments[each.parent].name if each.parent else ""
        table.add_row(each.code, each.name, each.id, f"{_WORDS[each.level]}级", stand_in)
    tables.OUT.print(table)
    return 0


def _map(options: argparse.Namespace) -> int:
    from cunyi.journeys.hospital_names import map_departments

    try:
        data = options.file.read_bytes()
    except OSError as error:
        raise UserError(f"读不了 {options.file}：{error.strerror}；请核对路径", field="file") from error
    found = read_hospital_table(data, app.load_knowledge(read_config().knowledge))
    store, _ = node_commands.open_records(options)
    map_departments(store, found)
    store.close()
    counts = "，".join(
        f"{_WORDS[level]}级 {sum(each.level == level for each in found)} 个"
        for level in LEVELS
        if any(each.level == level for each in found)
    )
    print(f"已载入：{counts}。此后评估、转诊和打印都用这些名称")
    return 0


def _show(options: argparse.Namespace) -> int:
    from cunyi.journeys.hospital_names import own_names

    knowledge = app.load_knowledge(read_config().knowledge)
    store, _ = node_commands.open_records(options)
    names = own_names(store)
    store.close()
    table = Table("级别", "科室", "医院", "本院名称", "位置")
    for (level, department), own in names.items():
        known = knowledge.content.departments.get(department)
        table.add_row(_WORDS[level], known.name if known else department, own.hospital, own.name or "无", own.place)
    tables.OUT.print(table)
    return 0


def _unmap(options: argparse.Namespace) -> int:
    from cunyi.journeys.hospital_names import unmap_departments

    store, _ = node_commands.open_records(options)
    unmap_departments(store, options.level)
    store.close()
    print(f"{_WORDS[options.level]}级医院改回国家名录的名称")
    return 0


def read_hospital_table(data: bytes, knowledge: Knowledge) -> list[HospitalDepartment]:
    """The rows of a table (CSV as Excel saves it, with the columns of `COLUMNS`). InvalidFormError names every row that cannot be used."""
    rows = csv.DictReader(io.StringIO(_decoded(data)))
    missing = [name for name in COLUMNS[:4] if name not in (rows.fieldnames or ())]
    if missing:
        raise UserError(f"表头缺少 {'、'.join(missing)}；第一行要写 {'，'.join(COLUMNS)}", field="file")
    found: dict[tuple[str, str], HospitalDepartment] = {}
    errors = []
    for number, row in enumerate(rows, start=2):
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if not any(cells.values()):
            continue
        try:
            one = _row(cells, knowledge)
            if (one.level, one.department) in found:
                raise UserError("这个科室上面已经写过")
            found[one.level, one.department] = one
        except UserError as error:
            errors.append(UserError(f"第 {number} 行：{error.message}", field=f"row_{number}"))
    if errors:
        raise InvalidFormError(errors)
    if not found:
        raise UserError("表里没有科室；每行写一个科室", field="file")
    return list(found.values())


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UserError("看不懂文件的编码；请在 Excel 里另存为“CSV UTF-8”", field="file")


def _row(cells: Mapping[str, str], knowledge: Knowledge) -> HospitalDepartment:
    level = _LEVELS.get(cells["级别"])
    if level is None:
        raise UserError("级别要写“县”或“乡镇”")
    if not cells["本院名称"]:
        raise UserError("本院名称没有写；没有这个科就写“无”")
    return HospitalDepartment(
        level=level,
        department=_department(cells["科室"], knowledge).id,
        hospital=cells["医院"],
        name="" if cells["本院名称"] in _NONE else cells["本院名称"],
        place=cells["位置"],
    )


def _department(words: str, knowledge: Knowledge) -> Department:
    departments = knowledge.content.departments
    for department in departments.values():
        if words in (department.id, department.name):
            return department
    # Excel takes 03.10 for a number and makes 3.1 of it, which may be another code: only codes written in full are taken.
    coded = [department for department in departments.values() if department.code == words]
    parents = {department.parent for department in coded}
    general = [department for department in coded if len(coded) == 1 or department.id in parents]
    if len(general) != 1:
        raise UserError(f"不认识科室“{words}”；写国家名录的代码（如 03.01）或名称，cunyi department list 可看全部")
    return general[0]
