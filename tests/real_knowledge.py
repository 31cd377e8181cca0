"""The knowledge that ships, loaded and compiled once for all tests that need it. None of them may change it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cunyi import app
from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.load import Library, load_library
from cunyi.reasoning.prepared import Knowledge, prepare

ROOT = Path(__file__).parents[1] / "knowledge"
SOURCE = Path(__file__).parents[1] / "src"


@cache
def real_language() -> Library:
    """What small libraries of tests share with the real one: language tables, settings and words. Loaded in a twentieth of the time."""
    with TemporaryDirectory() as folder:
        for name in ("language", "case_mix.yaml", "opinion.yaml", "referral_loop.yaml", "answering.yaml"):
            Path(folder, name).symlink_to(ROOT / name)
        return load_library(Path(folder))


@cache
def library_without_texts() -> Library:
    """The real one without what only teaches it wording; compiled in a quarter of the time."""
    with TemporaryDirectory() as folder:
        for path in ROOT.iterdir():
            if path.name not in ("patients", "spoken_levels", "cases"):
                Path(folder, path.name).symlink_to(path)
        return load_library(Path(folder))


@cache
def real_library() -> Library:
    """The knowledge folder as text."""
    return load_library(ROOT)


@cache
def real_bytes() -> bytes:
    """The compiled artefact: as it was built here, where nothing that it is made of or by has changed since."""
    built = app.artefact_path()
    if built.exists() and built.stat().st_mtime > max(_changed(ROOT, "*"), _changed(SOURCE, "*.py")):
        return built.read_bytes()
    return to_bytes(compile_library(real_library()))


def _changed(folder: Path, pattern: str) -> float:
    return max(path.stat().st_mtime for path in folder.rglob(pattern))


@cache
def real_knowledge() -> Knowledge:
    """The knowledge ready for reasoning."""
    return prepare(real_bytes())
