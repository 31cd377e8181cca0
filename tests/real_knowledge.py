"""The knowledge that ships, loaded and compiled once for all tests that need it. None of them may change it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.load import Library, load_library
from cunyi.reasoning.prepared import Knowledge, prepare

ROOT = Path(__file__).parents[1] / "knowledge"


@cache
def real_language() -> Library:
    """What small libraries of tests share with the real one: language tables, settings and words. Loaded in a twentieth of the time."""
    with TemporaryDirectory() as folder:
        for name in ("language", "case_mix.yaml", "opinion.yaml", "referral_loop.yaml", "answering.yaml"):
            Path(folder, name).symlink_to(ROOT / name)
        return load_library(Path(folder))


@cache
def real_library() -> Library:
    """The knowledge folder as text."""
    return load_library(ROOT)


@cache
def real_bytes() -> bytes:
    """The compiled artefact."""
    return to_bytes(compile_library(real_library()))


@cache
def real_knowledge() -> Knowledge:
    """The knowledge ready for reasoning."""
    return prepare(real_bytes())
