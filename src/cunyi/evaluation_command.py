"""`cunyi evaluate`: how right the engine is on labelled cases, interviews, departments and summaries."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from rich.progress import Progress

from cunyi import tables
from cunyi.authoring.evaluate import outcomes, report, select
from cunyi.authoring.evaluate_departments import consultations, department_outcomes, department_report
from cunyi.authoring.evaluate_summary import dialogues, summary_outcomes, summary_report
from cunyi.authoring.simulated_interview import InterviewReport, interview_report, simulations
from cunyi.authoring.slot_interview import SlotReport, slot_report
from cunyi.authoring.symptom_slots import LABELS, cases_of_slots, is_slot_case, read_label_codes, read_slot_cases
from cunyi.domain.errors import UserError
from cunyi.reasoning.prepared import Knowledge

T = TypeVar("T")


def add_evaluate(commands: Any, load_knowledge: Callable[[], Knowledge]) -> None:
    """Adds the command; `load_knowledge` gives the knowledge base to be measured."""
    command = commands.add_parser("evaluate", help="用带标准答案的病例衡量准确、分诊和把握度")
    command.add_argument("files", nargs="*", type=Path, metavar="病例.jsonl")
    command.add_argument(
        "--departments",
        action="append",
        type=Path,
        default=[],
        metavar="问诊.jsonl",
        help="衡量科室：按科室分好的网上问诊",
    )
    command.add_argument(
        "--summary",
        action="append",
        type=Path,
        default=[],
        metavar="对话.jsonl",
        help="衡量预问诊小结：与医院写的小结对照",
    )
    command.add_argument(
        "--interview", action="store_true", help="只给主诉，模拟预问诊后再衡量；症状槽病例按它自己的槽位问"
    )
    command.add_argument("--split", choices=("tune", "hold"), help="只用其中一半；hold 只给汇总")
    command.add_argument(
        "--labels", type=Path, metavar="标签.jsonl", help=f"症状槽病例的标签编码（默认病例旁边的 {LABELS}）"
    )
    command.add_argument("--case-mix", default=None, help="按哪种病例构成校准把握度（默认知识库所定）")
    command.add_argument("--json", action="store_true", help="输出 JSON")
    command.set_defaults(run=functools.partial(_evaluate, load_knowledge=load_knowledge))


def _evaluate(options: argparse.Namespace, *, load_knowledge: Callable[[], Knowledge]) -> int:
    if not options.files and not options.departments and not options.summary:
        raise UserError("要写病例文件，或用 --departments 问诊.jsonl、--summary 对话.jsonl")
    knowledge = load_knowledge()
    if options.case_mix is not None:
        if options.case_mix not in knowledge.settings.case_mixes:
            raise UserError(f"没有这种病例构成；可用 {'、'.join(knowledge.settings.case_mixes)}", field="--case-mix")
        knowledge.settings = msgspec.structs.replace(knowledge.settings, case_mix=options.case_mix)
    if options.summary:
        return _summaries(options, knowledge)
    if options.departments:
        return _departments(options, knowledge)
    if options.interview:
        return _interviews(options, knowledge)
    reports = []
    for path in options.files:
        usable, unusable = select(_cases(path, options, knowledge), options.split)
        scored = _followed(outcomes(usable, knowledge), len(usable), path)
        reports.append(report(path.name, options.split, unusable, scored))
    return _told(reports, options, tables.print_reports)


def _interviews(options: argparse.Namespace, knowledge: Knowledge) -> int:
    reports: list[InterviewReport | SlotReport] = []
    for path in options.files:
        rows = list(rows_of(path))
        if rows and all(is_slot_case(row) for row in rows):
            labels = read_label_codes(rows_of(options.labels or path.with_name(LABELS)))
            reports.append(slot_report(path.name, options.split, read_slot_cases(rows), labels, knowledge))
            continue
        usable, _ = select(labelled(path), options.split)
        simulated = _followed(simulations(usable, knowledge), len(usable), path)
        reports.append(interview_report(path.name, options.split, simulated))
    if options.json:
        return _told(reports, options, tables.print_reports)
    tables.print_interviews([one for one in reports if isinstance(one, InterviewReport)])
    tables.print_slots([one for one in reports if isinstance(one, SlotReport)])
    return 0


def _departments(options: argparse.Namespace, knowledge: Knowledge) -> int:
    reports = []
    for path in options.departments:
        cases = consultations(rows_of(path), options.split)
        scored = _followed(department_outcomes(cases, knowledge), len(cases), path)
        reports.append(department_report(path.name, options.split, scored))
    return _told(reports, options, tables.print_department_reports)


def _summaries(options: argparse.Namespace, knowledge: Knowledge) -> int:
    reports = []
    for path in options.summary:
        chosen = dialogues(rows_of(path), options.split, knowledge)
        scored = _followed(summary_outcomes(chosen, knowledge), len(chosen), path)
        reports.append(summary_report(path.name, options.split, scored))
    return _told(reports, options, tables.print_summaries)


def _followed(scored: Iterable[T], total: int, path: Path) -> list[T]:
    """The outcomes, with a bar that shows how far it is."""
    with Progress(console=tables.ERRORS, transient=True) as progress:
        return list(progress.track(scored, total=total, description=path.name))


def _told(reports: list[Any], options: argparse.Namespace, table: Callable[[Any], None]) -> int:
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(reports), indent=2).decode())
    else:
        table(reports)
    return 0


def _cases(path: Path, options: argparse.Namespace, knowledge: Knowledge) -> list[Mapping[str, Any]]:
    """The labelled cases of a file of either shape."""
    rows = list(rows_of(path))
    if rows and all(is_slot_case(row) for row in rows):
        labels = read_label_codes(rows_of(options.labels or path.with_name(LABELS)))
        return list(cases_of_slots(rows, labels, list(knowledge.content.diseases.values())))
    return list(labelled(path))


def labelled(path: Path) -> Iterator[Mapping[str, Any]]:
    """The cases of a JSON Lines file. UserError names the line that is no labelled case."""
    for number, row in enumerate(rows_of(path), start=1):
        if "id" not in row or "gold" not in row:
            raise UserError(f"{path} 第 {number} 个病例没有 id 或 gold，不能用来衡量", field="gold")
        yield row


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file. UserError names a file that is not there and a line that is none."""
    try:
        text = (sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()).decode("utf-8")
    except OSError as error:
        raise UserError(f"读不了 {path}：{error.strerror}；请核对路径") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} 不是 UTF-8 编码；请转换后再用") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise UserError(f"{path} 第 {number} 行不是完整的 JSON") from error
        if not isinstance(row, dict):
            raise UserError(f"{path} 第 {number} 行不是一个 JSON 对象")
        yield row
