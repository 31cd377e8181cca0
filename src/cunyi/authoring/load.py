"""Reads the knowledge folder: every file through the strict loader, every entry against its shape."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec

from cunyi.authoring import (
    department_shapes,
    interview_shapes,
    referral_shapes,
    shapes,
    summary_shapes,
    visit_round_shapes,
)
from cunyi.authoring.shapes import Shape, check_shape
from cunyi.authoring.strict_yaml import LineDict, LineList, Problem, read_yaml


class Entry(msgspec.Struct, frozen=True):
    """One entry of the knowledge base as it was written, with where."""

    raw: LineDict
    file: str

    @property
    def id(self) -> str:
        """The entry's id, or an empty text where it has none."""
        return str(self.raw.get("id", ""))

    def line(self, *path: str | int) -> int:
        """The line of a part of the entry; the nearest enclosing one that is known."""
        line, node = self.raw.line, self.raw
        for key in path:
            if isinstance(node, LineDict) and key in node:
                line = node.lines.get(str(key), line)
                node = node[str(key)]
            elif isinstance(node, LineList) and isinstance(key, int) and key < len(node):
                line = node.lines[key]
                node = node[key]
            else:
                break
        return line

    def problem(self, message: str, *path: str | int, fatal: bool = True) -> Problem:
        """A problem at a part of this entry."""
        return Problem(self.file, self.line(*path), message, fatal)


class Library(msgspec.Struct):
    """The knowledge folder as text: entries by kind, word classes, language tables, and what is wrong so far."""

    findings: list[Entry] = []
    items: list[Entry] = []
    diseases: list[Entry] = []
    red_flags: list[Entry] = []
    referral: list[Entry] = []
    referral_criteria: list[Entry] = []
    departments: list[Entry] = []
    examinations: list[Entry] = []
    sources: list[Entry] = []
    drugs: list[Entry] = []
    drug_classes: list[Entry] = []
    allergy_groups: list[Entry] = []
    interactions: list[Entry] = []
    doses_first: list[Entry] = []
    doses_second: list[Entry] = []
    follow_ups: list[Entry] = []
    referral_loop: Entry | None = None
    prescribing: Entry | None = None
    opinion: Entry | None = None
    answering: Entry | None = None
    department_hints: Entry | None = None
    care_steps: Entry | None = None
    visit_rounds: Entry | None = None
    first_level_names: Entry | None = None
    interview_wording: Entry | None = None
    interview_rules: Entry | None = None
    interview_summary: Entry | None = None
    interview_follow_ups: list[Entry] = []
    interview_families: list[Entry] = []
    interview_groups: list[Entry] = []
    interview_places: list[Entry] = []
    interview_background: list[Entry] = []
    interview_first_aid: list[Entry] = []
    cases: list[Entry] = []
    patients: list[Entry] = []
    spoken_levels: list[Entry] = []
    classes: dict[str, list[str]] = {}
    tables: dict[str, list[dict[str, str]]] = {}
    settings: dict[str, Any] = {}
    problems: list[Problem] = []


_LISTS: tuple[tuple[str, str, Shape, str], ...] = (
    ("findings", "findings/**/*.yaml", shapes.FINDING, "征象"),
    ("items", "ranges/**/*.yaml", shapes.ITEM, "项目"),
    ("referral", "referral/**/*.yaml", shapes.REFERRAL_RULE, "转诊标准"),
    ("referral_criteria", "referral_criteria/*.yaml", referral_shapes.CRITERION, "县域方案指征"),
    ("departments", "departments.yaml", shapes.DEPARTMENT, "科室"),
    ("examinations", "examinations.yaml", shapes.EXAMINATION, "检查"),
    ("sources", "sources/**/*.yaml", shapes.SOURCE, "来源"),
    ("drugs", "drugs/list/*.yaml", shapes.DRUG, "药品"),
    ("drug_classes", "drugs/classes.yaml", shapes.DRUG_CLASS, "药物类别"),
    ("allergy_groups", "drugs/allergy_groups.yaml", shapes.ALLERGY_GROUP, "过敏类别"),
    ("interactions", "drugs/interactions.yaml", shapes.INTERACTION, "相互作用"),
    ("doses_first", "drugs/doses/first/*.yaml", shapes.DOSE, "剂量"),
    ("doses_second", "drugs/doses/second/*.yaml", shapes.DOSE, "剂量"),
    ("follow_ups", "follow_up/*.yaml", shapes.FOLLOW_UP, "随访方案"),
    ("interview_follow_ups", "interview/follow_ups.yaml", interview_shapes.ASKED, "追问"),
    ("interview_families", "interview/families.yaml", interview_shapes.FAMILY, "主诉类别"),
    ("interview_groups", "interview/groups.yaml", interview_shapes.GROUP, "同问"),
    ("interview_places", "interview/places.yaml", interview_shapes.PLACE, "部位"),
    ("interview_background", "interview/background.yaml", interview_shapes.ASKED, "背景问题"),
    ("interview_first_aid", "interview/first_aid.yaml", interview_shapes.AID, "急救措施"),
    ("patients", "patients/*.yaml", shapes.PATIENTS, "示例病人"),
    ("spoken_levels", "spoken_levels/*.yaml", shapes.SPOKEN_LEVEL, "示例说法"),
)
_SINGLES: tuple[tuple[str, str, Shape, str], ...] = (
    ("diseases", "diseases/**/*.yaml", shapes.DISEASE, "疾病"),
    ("red_flags", "red_flags/**/*.yaml", shapes.RED_FLAG_FILE, "危险信号"),
)
_ONES: tuple[tuple[str, str, Shape, str], ...] = (
    ("referral_loop", "referral_loop.yaml", referral_shapes.LOOP, "转诊闭环规则"),
    ("prescribing", "prescribing.yaml", shapes.PRESCRIBING, "处方规则"),
    ("opinion", "opinion.yaml", shapes.OPINION, "专家意见用语"),
    ("answering", "answering.yaml", shapes.ANSWERING, "应答时限"),
    ("department_hints", "department_hints.yaml", department_shapes.HINTS, "科室提示词"),
    ("care_steps", "care_steps.yaml", department_shapes.CARE_STEPS, "分级诊疗用语"),
    ("visit_rounds", "visit_rounds.yaml", visit_round_shapes.VISIT_ROUNDS, "巡诊规则"),
    ("first_level_names", "evaluation/first_level_departments.yaml", department_shapes.FIRST_LEVEL, "科室对照"),
    ("interview_wording", "interview/wording.yaml", interview_shapes.WORDING, "预问诊用语"),
    ("interview_rules", "interview/rules.yaml", interview_shapes.RULES_FILE, "预问诊规则"),
    ("interview_summary", "interview/summary.yaml", summary_shapes.SUMMARY, "病历用语"),
)


def load_library(root: Path) -> Library:
    """Every file under `root`, in a fixed order. Nothing is raised for bad content: it is in `problems`."""
    library = Library()
    for attribute, pattern, shape, what in _LISTS:
        for path, raw in _read(root, pattern, library):
            _add_list(library, attribute, raw, path, shape, what)
    for attribute, pattern, shape, what in _SINGLES:
        for path, raw in _read(root, pattern, library):
            library.problems += check_shape(raw, shape, path, 1, what)
            if isinstance(raw, LineDict):
                getattr(library, attribute).append(Entry(raw, path))
    for path, raw in _read(root, "cases/**/*.yaml", library):
        entries = raw if isinstance(raw, LineList) else [raw]
        library.cases += [Entry(entry, path) for entry in entries if isinstance(entry, LineDict)]
    for path, raw in _read(root, "language/classes/*.yaml", library):
        _add_classes(library, raw, path)
    for table in sorted(root.glob("language/*.csv")):
        with table.open(encoding="utf-8-sig", newline="") as lines:
            library.tables[table.stem] = [dict(row) for row in csv.DictReader(lines)]
    for attribute, pattern, shape, what in _ONES:
        for path, raw in _read(root, pattern, library):
            library.problems += check_shape(raw, shape, path, 1, what)
            if isinstance(raw, LineDict):
                setattr(library, attribute, Entry(raw, path))
    for path, raw in _read(root, "case_mix.yaml", library):
        if isinstance(raw, LineDict):
            library.settings = raw
        else:
            library.problems.append(Problem(path, 1, "要写成“键: 值”"))
    return library


def _read(root: Path, pattern: str, library: Library) -> list[tuple[str, Any]]:
    contents = []
    for path in sorted(root.glob(pattern)):
        name = path.relative_to(root).as_posix()
        raw, problems = read_yaml(path, name)
        library.problems += problems
        if raw is not None:
            contents.append((name, raw))
    return contents


def _add_list(library: Library, attribute: str, raw: Any, path: str, shape: Shape, what: str) -> None:
    if not isinstance(raw, LineList):
        library.problems.append(Problem(path, 1, f"{what}文件要写成列表（每项以 - 开头）"))
        return
    for index, entry in enumerate(raw):
        library.problems += check_shape(entry, shape, path, raw.lines[index], what)
        if isinstance(entry, LineDict):
            getattr(library, attribute).append(Entry(entry, path))


def _add_classes(library: Library, raw: Any, path: str) -> None:
    if not isinstance(raw, LineDict):
        library.problems.append(Problem(path, 1, "词类文件要写成“词类: [词, 词]”"))
        return
    for name, words in raw.items():
        line = raw.lines[name]
        if name in library.classes:
            library.problems.append(Problem(path, line, f"词类“{name}”已在别处定义（合并到一处）"))
        elif not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            library.problems.append(Problem(path, line, f"词类“{name}”要写成词的列表"))
        else:
            library.classes[name] = list(words)
