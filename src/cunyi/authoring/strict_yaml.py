"""YAML as a clinician means it: only true/false/null/int/float/strings, and every surprise reported with its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

PROSE_KEYS = frozenset(
    {
    "sentences",
        "why", "why_en", "text", "text_en", "for_another", "for_another_en", "how", "note", "ask", "ask_en", "danger", "exclude", "when", "advice", "no_complaints",
        "reason", "reason_en", "title", "name", "name_en", "chief_complaint", "history_of_present_illness", "past_history",
        "personal_history", "family_history", "physical_examination", "auxiliary_examination", "label", "label_en", "title_en", "targets",
    }
)  # fmt: skip
_FULL_WIDTH = re.compile("[，；：。]")
_FULL_WIDTH_DIGIT = re.compile("[０-９．]")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something wrong in a knowledge file: `file:line: 说明（建议）`. `fatal` problems stop the build."""

    file: str
    line: int
    message: str
    fatal: bool = True

    def __str__(self) -> str:
        level = "" if self.fatal else "提示："
        return f"{self.file}:{self.line}: {level}{self.message}"


class LineDict(dict[str, Any]):
    """A mapping that remembers the line of each key and its own."""

    line: int = 0
    lines: dict[str, int]


class LineList(list[Any]):
    """A list that remembers the line of each item."""

    line: int = 0
    lines: list[int]


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path, name: str) -> tuple[Any, list[Problem]]:
    """The content of a file, with line numbers, and what is wrong with its form. `name` is the file as reported."""
    problems: list[Problem] = []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None, [Problem(name, 1, "文件不是 UTF-8 编码（用 UTF-8 另存）")]
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return None, [Problem(name, line, f"YAML 写法有误：{error.problem}（检查缩进、冒号后的空格和引号）")]
    if node is None:
        return None, [Problem(name, 1, "文件是空的（删掉它，或写入内容）")]
    return _construct(node, name, problems, prose=False), problems


def _construct(node: yaml.Node, name: str, problems: list[Problem], *, prose: bool) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(node, name, problems)
    if isinstance(node, yaml.SequenceNode):
        items = LineList(_construct(item, name, problems, prose=prose) for item in node.value)
        items.line = line
        items.lines = [item.start_mark.line + 1 for item in node.value]
        return items
    assert isinstance(node, yaml.ScalarNode)
    return _construct_scalar(node, name, problems, prose=prose)


def _construct_mapping(node: yaml.MappingNode, name: str, problems: list[Problem]) -> LineDict:
    mapping = LineDict()
    mapping.line = node.start_mark.line + 1
    mapping.lines = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem(name, key_line, "键必须是一个词（去掉键上的括号）"))
            continue
        key = str(key_node.value)
        if _FULL_WIDTH.search(key):
            problems.append(Problem(name, key_line, f"键“{key}”里有全角标点（改成半角 : 和 ,）"))
        if key in mapping:
            problems.append(Problem(name, key_line, f"键“{key}”重复，前面第 {mapping.lines[key]} 行已有（删去一个）"))
            continue
        mapping[key] = _construct(value_node, name, problems, prose=key in PROSE_KEYS)
        mapping.lines[key] = key_line
    return mapping


def _construct_scalar(node: yaml.ScalarNode, name: str, problems: list[Problem], *, prose: bool) -> Any:
    value, line = str(node.value), node.start_mark.line + 1
    if node.tag not in ("tag:yaml.org,2002:str",) and not node.tag.startswith("tag:yaml.org,2002:"):
        problems.append(Problem(name, line, f"不能用 YAML 标签 {node.tag}（删去）"))
    if not prose and _FULL_WIDTH.search(value):
        problems.append(
            Problem(name, line, f"“{value[:30]}”里有全角标点（列表用半角逗号 , 分开；是正文就加引号放进说明键）")
        )
    if node.style in ("'", '"', "|", ">"):
        return value
    if _FULL_WIDTH_DIGIT.search(value) and not prose:
        problems.append(Problem(name, line, f"“{value[:30]}”里有全角数字（改成半角数字）"))
    if value in _WORDS:
        return _WORDS[value]
    if _INT.match(value):
        return int(value)
    if _FLOAT.match(value):
        return float(value)
    return value
