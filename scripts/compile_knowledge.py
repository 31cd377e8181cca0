"""Compiles `knowledge/` into the JSON document that the program reads. For the build hook: same input, same bytes."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path("knowledge")
PACKAGE = Path("src/cunyi")
ARTEFACT = PACKAGE / "data/knowledge.json"
STAMP = Path("build/knowledge.sha256")
# What a compiled document depends on besides the knowledge: the rooms that load, check and compile it.
_ROOMS = ("authoring", "domain", "knowledge", "reasoning", "text")


class KnowledgeRefusedError(Exception):
    """The knowledge has fatal problems: the check's messages, one a line."""


def is_current(root: Path = ROOT) -> bool:
    """Whether the artefact was made from the knowledge as it is now."""
    stamp = root / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _state(root)


def compile_knowledge(root: Path = ROOT) -> bool:
    """Brings the artefact up to date; False when it already was. KnowledgeRefusedError when the check says no."""
    if is_current(root):
        return False
    # The package being built, not one that happens to be installed.
    sys.path.insert(0, str(root / "src"))
    try:
        from cunyi.authoring.build import compile_library, to_bytes, write_artefact
        from cunyi.authoring.check import check_library
        from cunyi.authoring.examples import check_examples
        from cunyi.authoring.load import load_library
        from cunyi.reasoning.prepared import prepare
    finally:
        sys.path.remove(str(root / "src"))
    library = load_library(root / SOURCE)
    problems = [problem for problem in check_library(library) if problem.fatal]
    if not problems:
        document = compile_library(library)
        examples = check_examples(library, prepare(to_bytes(document)))
        problems = sorted(problem for problem in examples if problem.fatal)
    if problems:
        raise KnowledgeRefusedError("\n".join(map(str, problems)))
    write_artefact(document, root / ARTEFACT)
    stamp = root / STAMP
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(_state(root), encoding="utf-8")
    return True


def _state(root: Path) -> str:
    digest = hashlib.sha256()
    for path in (*_inputs(root), root / ARTEFACT):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() if path.is_file() else b"missing")
        digest.update(b"\0")
    return digest.hexdigest()


def _inputs(root: Path) -> Iterator[Path]:
    yield from (path for path in sorted((root / SOURCE).rglob("*")) if path.is_file())
    for room in _ROOMS:
        yield from sorted((root / PACKAGE / room).rglob("*.py"))
