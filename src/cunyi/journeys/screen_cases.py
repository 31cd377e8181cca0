"""Assessing many cases at once: one answer a line, in order; a bad line is reported and the rest is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import Any

import msgspec

from cunyi.domain.errors import UserError
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge

_CHUNK = 64
_worker_knowledge: Knowledge | None = None


def screen_lines(lines: Iterable[str], load: Callable[[], Knowledge], jobs: int = 1) -> Iterator[bytes]:
    """One JSON answer for each line of cases, in the same order.

    `load` gives the knowledge and must be importable by other processes when `jobs` is more than one.
    """
    numbered = enumerate(lines, start=1)
    if jobs <= 1:
        knowledge = load()
        for number, line in numbered:
            yield screen_line(number, line, knowledge)
        return
    with ProcessPoolExecutor(jobs, initializer=_prepare_worker, initargs=(load,)) as pool:
        for answers in pool.map(_screen_chunk, _chunks(numbered)):
            yield from answers


def screen_line(number: int, line: str, knowledge: Knowledge) -> bytes:
    """The answer to one line: an assessment, or which field of it cannot be used."""
    raw: Any = None
    try:
        raw = msgspec.json.decode(line)
        return msgspec.json.encode(assess(raw, knowledge))
    except msgspec.DecodeError:
        error = UserError("这一行不是完整的 JSON；请检查引号和括号", field="")
    except UserError as refused:
        error = refused
    case_id = raw.get("id") if isinstance(raw, dict) else None
    return msgspec.json.encode({"id": case_id, "line": number, "error": error.to_dict()})


def _prepare_worker(load: Callable[[], Knowledge]) -> None:
    global _worker_knowledge
    _worker_knowledge = load()


def _screen_chunk(chunk: list[tuple[int, str]]) -> list[bytes]:
    assert _worker_knowledge is not None
    return [screen_line(number, line, _worker_knowledge) for number, line in chunk]


def _chunks(numbered: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    while chunk := list(islice(numbered, _CHUNK)):
        yield chunk
