"""The words of an expert opinion as the knowledge base has them: whole sentences with slots, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_LEVELS = ("emergency", "urgent", "routine", "self_care")

SHOWN = ("diseases", "findings", "unknown", "reasons", "actions", "options", "cautions", "tests", "signs")
"""What an opinion shows only so many of."""

SENTENCE_SLOTS: Mapping[str, frozenset[str]] = {
    "verdict": frozenset({"level"}),
    "verdict_provisional": frozenset({"level"}),
    "verdict_unknown": frozenset(),
    "likely": frozenset({"disease", "percent"}),
    "likely_weak": frozenset({"disease", "percent"}),
    "likely_also": frozenset({"disease", "percent"}),
    "likely_other": frozenset({"percent"}),
    "likely_none": frozenset(),
    "supports": frozenset({"disease", "findings"}),
    "against": frozenset({"disease", "findings"}),
    "not_known": frozenset({"disease", "findings"}),
    "danger": frozenset({"disease", "text"}),
    "critical_value": frozenset({"item", "value", "threshold"}),
    "exclude": frozenset({"disease", "text"}),
    "exclude_raised": frozenset({"disease", "findings"}),
    "exclude_none": frozenset(),
    "exclude_unknown": frozenset(),
    "refer": frozenset({"place", "within"}),
    "refer_open": frozenset({"place"}),
    "refer_department": frozenset({"department"}),
    "refer_why": frozenset({"text"}),
    "refer_not": frozenset(),
    "ask_first": frozenset({"findings"}),
    "examine_here": frozenset({"examination", "disease", "text"}),
    "do_for_sign": frozenset({"sign", "text"}),
    "do_for_disease": frozenset({"disease", "text"}),
    "do_unsure": frozenset(),
    "test": frozenset({"place", "examination", "disease", "text"}),
    "test_none": frozenset(),
    "options": frozenset({"disease", "drugs"}),
    "options_none": frozenset({"disease"}),
    "options_unsure": frozenset(),
    "unsuitable": frozenset({"text"}),
    "caution": frozenset({"text"}),
    "not_read": frozenset(),
    "checked": frozenset(),
    "tell_likely": frozenset({"you", "disease"}),
    "tell_unsure": frozenset({"you"}),
    **{f"tell_{level}": frozenset({"you"}) for level in _LEVELS},
    "return_programme": frozenset({"programme", "days"}),
    "return_sooner": frozenset({"programme", "days", "text"}),
    "return_missing": frozenset({"disease"}),
    **{f"return_{level}": frozenset() for level in _LEVELS},
    "go_disease": frozenset({"disease", "text"}),
    "go_sign": frozenset({"sign", "text"}),
    "go_missing": frozenset(),
    "go_adult": frozenset(),
    "go_child": frozenset(),
    "go_pregnant": frozenset(),
    "note_draft": frozenset(),
    "note_doctor": frozenset(),
    "note_doses": frozenset({"mark"}),
}
"""The sentences that an opinion may have, with the slots of each. Every sentence uses all its slots."""


class Sentence(msgspec.Struct, frozen=True):
    """One sentence with its slots in braces, in both languages, and its sources (语句)."""

    text: str
    text_en: str
    sources: tuple[str, ...]


class Name(msgspec.Struct, frozen=True):
    """A word that is put into sentences: a level of care, a place, a time, a person (用词)."""

    name: str
    name_en: str


class WordingGuard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a language model is told and may not change (措辞约束).

    `text` is its instruction, `levels` are the words by which a text speaks of a level of care; `drug_words` parts of words by which a drug is known even
    where it is not in the list; `negations` must stand as often as before; `comparisons` and `units` belong to the number beside them.
    """

    text: str
    longest_times: float
    levels: dict[str, tuple[str, ...]]
    drug_words: tuple[str, ...]
    negations: tuple[str, ...]
    comparisons: tuple[str, ...]
    units: tuple[str, ...]


class OpinionWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an opinion says of itself (专家意见用语).

    `shown` are counts, `percent_least` the smallest confidence that is worth a word, `weak_below` the one under which the
    first disease is told with doubt (both 0–1). `absent` stands before a finding that is not there; a part of a sentence with a word of `not_an_option` proposes no drug; `allergy_words` and `taking_words` mark what a history says of drugs.
    """

    shown: dict[str, int]
    percent_least: float
    weak_below: float
    absent: Name
    levels: dict[str, Name]
    places: dict[str, Name]
    within: dict[str, Name]
    people: dict[str, Name]
    not_an_option: tuple[str, ...]
    allergy_words: tuple[str, ...]
    taking_words: tuple[str, ...]
    sentences: dict[str, Sentence]
    guard: WordingGuard
    sources: tuple[str, ...]
    review: dict[str, str | None] = {}


def read_opinion_words(raw: Mapping[str, Any]) -> OpinionWords | None:
    """The words of a compiled document; None where none were compiled. msgspec.ValidationError where they have not their shape."""
    return msgspec.convert(raw, OpinionWords) if raw else None
