"""The rooms of the house: what may import what, how large a module may grow, what it may be called."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for folder in ("src", "scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
DOMAIN = sorted((ROOT / "src/cunyi/domain").glob("*.py"))
MOST_LINES = 400
VAGUE_NAMES = {"utils", "helpers", "common", "base", "manager", "util", "helper", "misc", "managers"}
CHINESE = re.compile("[\u4e00-\u9fff]")


def module_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def classes(path: Path) -> list[ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


DOMAIN_CLASSES = [(path, node) for path in DOMAIN for node in classes(path)]


def test_imports_point_inwards_and_the_core_does_no_io():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=module_id)
def test_a_module_is_short_and_has_a_telling_name(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, "split it"
    assert path.stem not in VAGUE_NAMES, "name it after what it does"


@pytest.mark.parametrize(("path", "node"), DOMAIN_CLASSES, ids=[node.name for _, node in DOMAIN_CLASSES])
def test_a_domain_class_says_its_chinese_term(path, node):
    assert CHINESE.search(ast.get_docstring(node) or ""), f"{module_id(path)}: {node.name} names no Chinese term"


@pytest.mark.parametrize("name", sorted({node.name for _, node in DOMAIN_CLASSES}))
def test_a_domain_class_is_in_the_glossary(name):
    assert f"`{name}`" in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("node", classes(ROOT / "src/cunyi/knowledge/model.py"), ids=lambda node: node.name)
def test_a_knowledge_concept_is_in_the_glossary(node):
    assert f"`{node.name}`" in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")


def test_the_glossary_names_no_class_that_is_gone():
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    named = re.findall(r"`([A-Z][A-Za-z]+)`", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8"))
    assert [name for name in named if f"class {name}" not in source] == []
