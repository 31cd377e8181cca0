"""The command that simulates a township: `cunyi simulate township`; for whoever wants to know what holds before it is used."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from cunyi import app
from cunyi.config import read_config
from cunyi.domain.errors import UserError


def add_simulate_commands(commands: Any) -> None:
    """Adds `cunyi simulate` to the command line."""
    command = commands.add_parser("simulate", help="模拟：在这台电脑上跑一个虚构的乡镇，核对什么也没有丢、没有重")
    actions = command.add_subparsers(required=True, metavar="什么")
    action = actions.add_parser("township", help="一个中心、若干村卫生室，真的进程，真的网页；结束时写一份报告")
    action.add_argument("--residents", type=_positive, default=38_000, help="村民人数（默认 38000）")
    action.add_argument("--clinics", type=_positive, default=15, help="村卫生室个数（默认 15）")
    action.add_argument("--doctors", type=_positive, default=50, help="医生人数，村里和上级合计（默认 50）")
    action.add_argument("--days", type=_positive, default=100, help="模拟多少天（默认 100）")
    action.add_argument("--visits-a-year", type=float, default=None, help="每个村民一年看几次病（默认 4）")
    action.add_argument("--seed", type=int, default=1, help="随机数种子（默认 1）：同样的种子，同样的人和病")
    action.add_argument("--faults", type=int, default=0, help="日子过完以后再注入多少次故障（默认 0）")
    action.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="中心用哪种数据库")
    action.add_argument("--report", type=Path, help="报告写到哪个文件（Markdown）；不写就打印出来")
    action.add_argument("--keep", type=Path, help="节点留在哪个空文件夹（默认用完就删）")
    action.set_defaults(run=_township)


def _positive(words: str) -> int:
    if not words.isdigit() or int(words) < 1:
        raise argparse.ArgumentTypeError("要写 1 或更大的整数")
    return int(words)


def _township(options: argparse.Namespace) -> int:
    from cunyi.simulation.plan import VISITS_A_YEAR, Plan
    from cunyi.simulation.telling import simulate

    if options.clinics > options.residents or options.clinics > options.doctors:
        raise UserError("村民和医生都不能比卫生室少", field="--clinics")
    if options.keep is not None and options.keep.exists() and any(options.keep.iterdir()):
        raise UserError(f"{options.keep} 不是空的；请换一个文件夹", field="--keep")
    place = options.keep or Path(tempfile.mkdtemp(prefix="cunyi-township-"))
    plan = Plan(
        residents=options.residents, clinics=options.clinics, doctors=options.doctors, days=options.days, seed=options.seed,
        place=place, database=options.database, visits_a_year=options.visits_a_year or VISITS_A_YEAR, faults=options.faults,
    )  # fmt: skip
    try:
        told = simulate(
            plan,
            app.load_knowledge(read_config().knowledge),
            tell=lambda words: print(words, file=sys.stderr, flush=True),
        )
    finally:
        if options.keep is None:
            shutil.rmtree(place, ignore_errors=True)
    if options.report is None:
        print(told.report)
    else:
        options.report.write_text(told.report, encoding="utf-8")
        said = "什么也没有丢，没有重" if told.comparison.good else "有丢失、重复或不一致，见报告"
        print(f"报告写到了 {options.report}：{said}")
    return 0 if told.comparison.good else 1
