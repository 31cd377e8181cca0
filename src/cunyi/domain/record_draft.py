"""A record draft (病历草稿): what an interview says, in the fields and words of a record. Plain data."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cunyi.domain.case import TEXT_FIELDS
from cunyi.domain.interview import Informant


class Manner(StrEnum):
    """How a sentence says it (述法): told, denied (否认), asked and not known (不清楚)."""

    TOLD = "told"
    DENIED = "denied"
    UNCLEAR = "unclear"


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sentence comes from (依据): an answer, by its question's id.

    `option` is what was tapped; `start` and `end` are code points of the answer's own words, end exclusive. With neither it
    is the answer as a whole: a number, a length of time, 不清楚.
    """

    question: str
    option: str | None = None
    start: int | None = None
    end: int | None = None


class DraftSentence(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of a draft (草稿句) in one field of the record, with the answers it comes from.

    `findings` are those that it states, each in one sentence beside the chief complaint, which names some of them again.
    """

    field: str
    text: str
    manner: Manner
    basis: tuple[Basis, ...]
    findings: tuple[str, ...] = ()


class Gap(StrEnum):
    """What kind of thing was not asked (未问类别): a danger sign of the complaint, or a part of the background."""

    DANGER = "danger"
    BACKGROUND = "background"


class NotAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Something that nobody asked (未问及), for the doctor to ask. It stands beside the record, never in it."""

    kind: Gap
    text: str
    text_en: str
    findings: tuple[str, ...] = ()


class RecordDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An interview as a draft of the record (病历草稿): sentences in the order of the record, and what was not asked."""

    told_by: Informant
    sentences: tuple[DraftSentence, ...]
    not_asked: tuple[NotAsked, ...] = ()

    def in_field(self, field: str) -> tuple[DraftSentence, ...]:
        """The sentences of one field, in order."""
        return tuple(sentence for sentence in self.sentences if sentence.field == field)

    @property
    def texts(self) -> dict[str, str]:
        """The fields that something was said for, each with its sentences joined."""
        written = {field: "".join(sentence.text for sentence in self.in_field(field)) for field in TEXT_FIELDS}
        return {field: text for field, text in written.items() if text}
