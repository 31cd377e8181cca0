"""What `knowledge/interview/summary.yaml` says: how the answers of an interview are written into a record (病历用语)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cunyi.domain.interview import Slot, Topic

SUMMARY_SLOTS: Mapping[str, frozenset[str]] = {
    "complaint": frozenset({"what"}),
    "complaint_since": frozenset({"what", "time"}),
    "complaint_then": frozenset({"time", "what"}),
    "complaint_with": frozenset({"complaint", "what"}),
    "complaint_own": frozenset({"text"}),
    "began": frozenset({"time", "what"}),
    "began_then": frozenset({"time", "what"}),
    "contradicted": frozenset({"what"}),
    "possible": frozenset({"what"}),
    "past": frozenset({"what"}),
    "place": frozenset({"what"}),
    "unclear": frozenset({"what"}),
    "part_unclear": frozenset({"what"}),
    "quoted_unclear": frozenset({"what"}),
    "own": frozenset({"text"}),
    "chosen": frozenset({"what", "text"}),
    "not_asked": frozenset({"flag", "what"}),
    "trouble": frozenset(),
    "unchecked": frozenset({"text"}),
    "rest_denied": frozenset(),
}
"""The sentences that a record is made of, with the slots of each."""
PART_SLOTS: Mapping[str, frozenset[str]] = {
    "told": frozenset({"what"}),
    "denied": frozenset({"what"}),
    "words": frozenset({"text"}),
}
"""The sentences of one part of a record, with the slots of each."""


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Line(_Written, frozen=True):
    """A sentence or part of one, with slots in braces (语句)."""

    text: str


class Heading(_Written, frozen=True):
    """A heading in both languages (标题)."""

    text: str
    text_en: str


class Part(_Written, frozen=True):
    """One part of a record (病历部分): the answers that belong to it, by slot, by topic or by their findings' kind, and how they
    are written."""

    id: str
    field: str
    told: Line
    denied: Line
    words: Line
    topics: tuple[Topic, ...] = ()
    slots: tuple[Slot, ...] = ()
    kinds: tuple[str, ...] = ()


class Unit(_Written, frozen=True):
    """A unit of time: its days, how many of them are told at most, and how a number is written (时间单位)."""

    days: float
    most: float
    text: str


class OptionWords(_Written, frozen=True):
    """An option of a question in a doctor's words (选项的病历用语)."""

    question: str
    option: str
    text: str


class PlaceWords(_Written, frozen=True):
    """A place of the body picture in a doctor's words (部位的病历用语)."""

    place: str
    text: str


class FindingWords(_Written, frozen=True):
    """A finding in other words than its name (征象的病历用语)."""

    finding: str
    text: str


class QuestionWords(_Written, frozen=True):
    """What a question is about (问题所问)."""

    question: str
    text: str


class Limits(_Written, frozen=True):
    """Characters: the longest chief complaint, the longest list behind 不清楚, the fewest own words worth a quotation. Counts:
    the dangers that nobody asked for which are shown, and the signs of each; what is denied by name in one field at most, and in one sentence (限度)."""

    complaint: int
    unclear: int
    own_words: int
    dangers: int
    signs: int
    denied: int
    denied_together: int


class SummaryWords(_Written, frozen=True):
    """Everything of `summary.yaml` (病历用语)."""

    limits: Limits
    sentences: dict[str, Line]
    parts: tuple[Part, ...]
    units: tuple[Unit, ...]
    options: tuple[OptionWords, ...]
    places: tuple[PlaceWords, ...]
    names: tuple[FindingWords, ...]
    questions: tuple[QuestionWords, ...]
    nothing_more: tuple[str, ...]
    background: dict[Topic, Heading]
    small_words: tuple[str, ...]
    sources: tuple[str, ...]


def read_summary_words(raw: Mapping[str, Any]) -> SummaryWords | None:
    """The record wording of a compiled document; None where none was compiled. msgspec.ValidationError for a wrong shape."""
    return msgspec.convert(raw, SummaryWords) if raw else None
