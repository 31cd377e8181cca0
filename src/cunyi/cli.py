"""The command line: assess, evaluate, knowledge, serve, and the commands of a node and of its instruments."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from cunyi import (
    app,
    county_commands,
    department_commands,
    device_commands,
    node_commands,
    simulate_commands,
    sync_commands,
    tables,
    township_commands,
)
from cunyi.authoring.audit_command import add_audit
from cunyi.authoring.build import ARTEFACT, compile_library, to_bytes, write_artefact
from cunyi.authoring.check import check_library
from cunyi.authoring.doses import join_doses
from cunyi.authoring.examples import check_examples
from cunyi.authoring.load import Library, load_library
from cunyi.authoring.render import disease_sheet, finding_sheet
from cunyi.authoring.shapes import nearest
from cunyi.config import read_config
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import NodeRole
from cunyi.evaluation_command import add_evaluate, labelled
from cunyi.journeys.screen_cases import screen_lines
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge, prepare
from cunyi.version import ENGINE_VERSION


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. 0: done; 1: the answer is no (a check failed); 2: the input cannot be used."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UserError as error:
        where = f"{error.field}：" if error.field else ""
        print(f"{where}{error.message}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cunyi", description="村医 Cunyi：供有资质的医务人员参考，不能替代医师诊断。")
    parser.add_argument("--version", action="version", version=f"cunyi {ENGINE_VERSION}")
    commands = parser.add_subparsers(required=True, metavar="命令")

    command = commands.add_parser("assess", help="评估一个病例（JSON 文件），或成批评估（JSON Lines）")
    command.add_argument("case", nargs="?", type=Path, help="病例文件；写 - 从标准输入读")
    command.add_argument("--json", action="store_true", help="输出完整的 JSON")
    command.add_argument("--batch", type=Path, metavar="输入.jsonl", help="每行一个病例")
    command.add_argument("--out", type=Path, metavar="输出.jsonl", help="每行一个评估，次序与输入相同")
    command.add_argument("--jobs", type=_positive, default=1, help="同时用几个进程（默认 1）")
    command.set_defaults(run=_assess)

    add_evaluate(commands, _knowledge)

    command = commands.add_parser("knowledge", help="检查、生成、查看知识库")
    actions = command.add_subparsers(required=True, metavar="动作")
    for name, run, help_text in (
        ("check", _knowledge_check, "检查知识库的文字，逐条报告 文件:行: 说明（建议）"),
        ("build", _knowledge_build, "检查并生成 knowledge.json"),
        ("doses", _knowledge_doses, "列出两遍剂量不一致、因而没有采用的数"),
    ):
        action = actions.add_parser(name, help=help_text)
        action.add_argument("--source", type=Path, default=None, help="知识库文件夹（默认当前目录的 knowledge）")
        if name == "build":
            action.add_argument("--out", type=Path, default=None, help=f"写到哪里（默认程序自己的 {ARTEFACT}）")
        action.set_defaults(run=run)
    action = actions.add_parser("show", help="打印一个疾病或征象的审阅页")
    action.add_argument("id", help="疾病或征象的标识或中文名")
    action.set_defaults(run=_knowledge_show)
    action = actions.add_parser("list", help="列出疾病、征象、项目或危险信号")
    action.add_argument("kind", nargs="?", choices=("diseases", "findings", "items", "red_flags"), default="diseases")
    action.set_defaults(run=_knowledge_list)
    add_audit(actions, _library, labelled)

    command = commands.add_parser("serve", help="打开村医（只在本机）：健康档案、接诊和辅助诊断")
    command.add_argument("--host", default=None)
    command.add_argument("--port", type=int, default=None)
    command.add_argument("--data", type=Path, help="数据文件夹（默认 CUNYI_DATA 或系统的数据目录）")
    command.add_argument("--database", help="PostgreSQL 数据库地址（默认 CUNYI_DATABASE）")
    command.add_argument(
        "--role",
        dest="serve_role",
        choices=[role.value for role in NodeRole],
        help="hub：卫生院的中心（默认 CUNYI_ROLE）",
    )
    command.add_argument("--workers", type=_positive, default=1, help="中心同时用几个进程（要 PostgreSQL；默认 1）")
    kinds = command.add_mutually_exclusive_group()
    kinds.add_argument("--demonstration", action="store_true", help="演示：一个虚构的小村")
    kinds.add_argument("--workbench-only", action="store_true", help="只要工作台，不存任何档案")
    command.set_defaults(run=node_commands.serve)
    node_commands.add_commands(commands)
    device_commands.add_device_commands(commands)
    department_commands.add_department_commands(commands)
    sync_commands.add_sync_commands(commands)
    township_commands.add_township_commands(commands)
    county_commands.add_county_commands(commands)
    simulate_commands.add_simulate_commands(commands)
    return parser


def _knowledge() -> Knowledge:
    return app.load_knowledge(read_config().knowledge)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("要写 1 或更大的整数")
    return int(text)


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UserError(f"读不了 {path}：{error.strerror}；请核对路径", field=None) from error


def _assess(options: argparse.Namespace) -> int:
    if options.batch is not None:
        return _assess_batch(options)
    if options.case is None:
        raise UserError("要写病例文件，或用 --batch 输入.jsonl --out 输出.jsonl")
    try:
        raw = msgspec.json.decode(_read(options.case))
    except msgspec.DecodeError as error:
        raise UserError(f"{options.case} 不是完整的 JSON（{error}）；请检查引号、括号和编码（UTF-8）") from error
    assessment = assess(raw, _knowledge())
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(assessment), indent=2).decode())
    else:
        tables.print_assessment(assessment)
    return 0


def _assess_batch(options: argparse.Namespace) -> int:
    if options.out is None:
        raise UserError("成批评估要写 --out 输出.jsonl")
    lines = _read(options.batch).decode("utf-8", errors="replace").splitlines()
    bad = 0
    load = functools.partial(app.load_knowledge, read_config().knowledge)
    draft = options.out.with_name(options.out.name + ".partial")
    columns = (*Progress.get_default_columns()[:1], BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with draft.open("wb") as out, Progress(*columns, console=tables.ERRORS) as progress:
        task = progress.add_task("评估", total=len(lines))
        for number, answer in enumerate(screen_lines(lines, load, options.jobs), start=1):
            out.write(answer + b"\n")
            if b'"error":' in answer and (refused := msgspec.json.decode(answer).get("error")):
                bad += 1
                progress.console.print(f"第 {number} 行：{refused['field'] or ''} {refused['message']}", markup=False)
            progress.advance(task)
    draft.replace(options.out)
    print(f"{len(lines)} 行，{len(lines) - bad} 个评估，{bad} 行未能评估；写入 {options.out}", file=sys.stderr)
    return 0


def _library(source: Path | None) -> Library:
    root = source or Path("knowledge")
    if not (root / "diseases").is_dir():
        raise UserError(f"{root} 不是知识库文件夹；在项目根目录运行，或写 --source", field="--source")
    return load_library(root)


def _checked(source: Path | None) -> tuple[Library, bytes | None]:
    library = _library(source)
    problems = check_library(library)
    data = None
    if not any(problem.fatal for problem in problems):
        data = to_bytes(compile_library(library))
        problems += sorted(check_examples(library, prepare(data)))
    for problem in problems:
        print(problem)
    fatal = sum(problem.fatal for problem in problems)
    counts = (
        f"疾病 {len(library.diseases)}，征象 {len(library.findings)}，项目 {len(library.items)}，"
        f"危险信号 {sum(len(f.raw.get('flags') or ()) for f in library.red_flags)}（{len(library.red_flags)} 个主诉），"
        f"病例 {len(library.cases)}"
    )
    print(f"{counts}；错误 {fatal}，提示 {len(problems) - fatal}")
    return library, None if fatal else data


def _knowledge_check(options: argparse.Namespace) -> int:
    return 0 if _checked(options.source)[1] is not None else 1


def _knowledge_build(options: argparse.Namespace) -> int:
    library, data = _checked(options.source)
    if data is None:
        return 1
    target = options.out or app.artefact_path()
    write_artefact(compile_library(library), target)
    print(f"已生成 {target}，版本 {prepare(data).version}")
    return 0


def _knowledge_doses(options: argparse.Namespace) -> int:
    library = _library(options.source)
    fatal = [problem for problem in check_library(library) if problem.fatal]
    for problem in fatal:
        print(problem)
    if fatal:
        return 1
    joined = join_doses(library)
    table = Table("药品", "途径", "年龄（岁）", "项", "第一遍", "第二遍")
    for one in joined.disagreements:
        table.add_row(*one[:-2], one.first or "没有写", one.second or "没有写")
    tables.OUT.print(table)
    alone = sum(not (one.first and one.second) for one in joined.disagreements)
    print(
        f"一致 {joined.figures} 个数（{len(joined.agreed)} 组），"
        f"没有采用 {len(joined.disagreements)} 个，其中只有一遍写的 {alone} 个"
    )
    return 0


def _knowledge_show(options: argparse.Namespace) -> int:
    knowledge = _knowledge()
    content = knowledge.content
    for disease in content.diseases.values():
        if options.id in (disease.id, disease.name, *disease.aliases):
            print(disease_sheet(disease, knowledge), end="")
            return 0
    for finding in content.findings.values():
        if options.id in (finding.id, finding.name):
            print(finding_sheet(finding, knowledge), end="")
            return 0
    raise UserError(f"没有“{options.id}”（{nearest(options.id, [*content.diseases, *content.findings])}）", field="id")


def _knowledge_list(options: argparse.Namespace) -> int:
    for entry in getattr(_knowledge().content, options.kind).values():
        print(f"{entry.id}\t{entry.name}\t{entry.name_en}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
