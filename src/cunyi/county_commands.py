"""The commands of a database that several counties share: which there are, and room for a further one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cunyi.config import read_config
from cunyi.domain.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy import Engine


def add_county_commands(commands: Any) -> None:
    """Adds `cunyi county` to the command line."""
    command = commands.add_parser("county", help="PostgreSQL：数据库里有哪些县，给新的县准备分区")
    actions = command.add_subparsers(required=True, metavar="动作")
    action = actions.add_parser("add", help="给一个县（6 位区划代码）准备分区；cunyi init 会自己做")
    action.add_argument("code", metavar="代码")
    action.add_argument("--database", help="PostgreSQL 数据库地址（默认 CUNYI_DATABASE）")
    action.set_defaults(run=_add)
    action = actions.add_parser("list", help="列出数据库里的县和已经建立的中心")
    action.add_argument("--database", help="PostgreSQL 数据库地址（默认 CUNYI_DATABASE）")
    action.set_defaults(run=_list)


def _add(options: argparse.Namespace) -> int:
    from cunyi.store.counties import add_county

    engine = _database(options)
    with engine.begin() as connection:
        made = add_county(connection, options.code)
    engine.dispose()
    print(f"县 {options.code} 的分区已建好" if made else f"县 {options.code} 的分区早就有了，没有改动")
    return 0


def _list(options: argparse.Namespace) -> int:
    from cunyi.store.counties import counties

    engine = _database(options)
    with engine.connect() as connection:
        found = counties(connection)
    engine.dispose()
    for code, facilities in found.items():
        print(f"{code}  {'、'.join(facilities) or '（还没有建立中心）'}")
    return 0


def _database(options: argparse.Namespace) -> Engine:
    from cunyi.store.engine import open_postgresql
    from cunyi.store.migrating import bring_up_to_date

    address = options.database or read_config().database
    if address is None:
        raise UserError("县的分区只有 PostgreSQL 才有；请写 --database 或设 CUNYI_DATABASE", field="--database")
    engine = open_postgresql(address)
    bring_up_to_date(engine)
    return engine
