"""The expert opinion (专家意见): an assessment told section by section, as a senior doctor would. A proposal, no decision."""

from __future__ import annotations

from enum import StrEnum

import msgspec

SECTIONS = ("likely", "exclude", "now", "test", "treat", "tell", "return", "go")
"""What an opinion always has, in this order: what it is, what to exclude, what to do, to test, to treat, to tell, and when to come back and when to go at once."""


class Words(msgspec.Struct, frozen=True):
    """A piece of a sentence and the language it is in, `zh` or `en` (文字)."""

    text: str
    lang: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of an opinion with the ids of its sources (意见语句).

    `english` is the same sentence in pieces; a piece in `zh` has no translation. `grave` says that it warns of danger.
    """

    text: str
    english: tuple[Words, ...]
    sources: tuple[str, ...]
    grave: bool = False


class OpinionSection(msgspec.Struct, frozen=True):
    """One part of an opinion (意见分项): its code of `SECTIONS` and at least one sentence."""

    code: str
    statements: tuple[Statement, ...]


class ExpertOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """What a senior doctor would say of one assessment (专家意见).

    `level` and `provisional` are those of the assessment; `understood` is false where nothing of the case was recognised.
    `diseases` and `drugs` are the ids of those it names. No identifying detail of the patient is in it.
    """

    level: str
    provisional: bool
    understood: bool
    verdict: Statement
    sections: tuple[OpinionSection, ...]
    notes: tuple[Statement, ...]
    diseases: tuple[str, ...]
    drugs: tuple[str, ...]
    knowledge_version: str
    engine_version: str


class WordingRefusal(StrEnum):
    """Why the words of a language model are not used (未采用的原因)."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    BUSY = "busy"
    REDIRECTED = "redirected"
    TOO_LONG = "too_long"
    NOT_READABLE = "not_readable"
    OTHER_SECTIONS = "other_sections"
    OTHER_NUMBERS = "other_numbers"
    OTHER_DRUGS = "other_drugs"
    OTHER_DISEASES = "other_diseases"
    OTHER_MEANING = "other_meaning"
    OTHER_LEVEL = "other_level"


class WordingRefusedError(Exception):
    """A wording that is not used (措辞未采用): only why, nothing of what was sent or answered."""

    def __init__(self, refusal: WordingRefusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class WordedOpinion(msgspec.Struct, frozen=True):
    """An opinion in a language model's words (语言模型措辞): a text for each section, or why there is none."""

    model: str
    sections: dict[str, str]
    refusal: WordingRefusal | None
