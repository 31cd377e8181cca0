"""The command `cunyi knowledge audit`: its options, and where its page goes."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cunyi.authoring.audit import Limits, audit
from cunyi.authoring.audit_report import report_lines
from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.check import check_library
from cunyi.authoring.evaluate import select
from cunyi.authoring.load import Library
from cunyi.domain.errors import UserError
from cunyi.reasoning.prepared import prepare

Libraries = Callable[[Path | None], Library]
Cases = Callable[[Path], Iterator[Mapping[str, Any]]]
NAMES = "audit_names.csv"


def add_audit(actions: Any, read_library: Libraries, read_cases: Cases) -> None:
    """Adds the action to `cunyi knowledge`; the two readers tell users what is wrong with a folder or a case file."""
    action = actions.add_parser("audit", help="把知识库和事实文件、病例对一遍，列出可疑的、缺的和分不开的")
    action.add_argument("--facts", type=Path, required=True, metavar="文件夹", help="放事实文件的文件夹")
    action.add_argument("--cases", nargs="+", type=Path, default=None, metavar="病例.jsonl", help="只用其中 tune 一半")
    action.add_argument("--out", type=Path, default=None, metavar="文件.md", help="写到哪里（默认打印）")
    action.add_argument("--source", type=Path, default=None, help="知识库文件夹（默认当前目录的 knowledge）")
    action.add_argument(
        "--names", type=Path, default=None, metavar="表.csv", help=f"来源的叫法对我们的标识（默认知识库里的 {NAMES}）"
    )
    action.add_argument("--factor", type=_above_one, default=3.0, help="似然比差多少倍以上才列出（默认 3）")
    action.add_argument("--limit", type=_positive, default=100, help="每一类最多列多少条（默认 100）")
    action.set_defaults(run=functools.partial(run_audit, read_library=read_library, read_cases=read_cases))


def run_audit(options: argparse.Namespace, *, read_library: Libraries, read_cases: Cases) -> int:
    """Audits and writes the page. 0 whatever was found: the points are questions for the authors."""
    library = read_library(options.source)
    fatal = [problem for problem in check_library(library) if problem.fatal]
    if fatal:
        raise UserError(f"知识库有 {len(fatal)} 个错误，第一个是 {fatal[0]}；先用 cunyi knowledge check 改好")
    knowledge = prepare(to_bytes(compile_library(library)))
    names = options.names or (options.source or Path("knowledge")) / NAMES
    if options.names is not None and not names.is_file():
        raise UserError(f"没有 {names}；请核对路径", field="--names")
    found = audit(
        library,
        knowledge,
        facts=options.facts,
        names=names if names.is_file() else None,
        cases=None if options.cases is None else _tune(options.cases, read_cases),
        limits=Limits(factor=options.factor),
    )
    page = "\n".join(report_lines(found, knowledge.content, library, options.limit)) + "\n"
    if options.out is None:
        print(page, end="")
        return 0
    try:
        options.out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"写不了 {options.out}：{error.strerror}；请核对路径", field="--out") from error
    print(f"已写入 {options.out}", file=sys.stderr)
    return 0


def _tune(files: list[Path], read_cases: Cases) -> Iterator[Mapping[str, Any]]:
    """The tune cases of the files; of hold none is opened."""
    for file in files:
        yield from select(read_cases(file), "tune")[0]


def _above_one(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if value <= 1:
        raise argparse.ArgumentTypeError("要写大于 1 的数")
    return value


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("要写 1 或更大的整数")
    return int(text)
