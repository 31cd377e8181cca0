"""From an expert opinion to what the page and the printed sheet show of it, each sentence with the numbers of its sources."""

from __future__ import annotations

import msgspec

from cunyi.domain.opinion import ExpertOpinion, Statement
from cunyi.web.doctor.view_model import Phrase
from cunyi.web.doctor.wording import Wording
from cunyi.web.language import CHINESE, ENGLISH


class StatementView(msgspec.Struct, frozen=True):
    """A sentence in pieces of one language each; `refs` are numbers of the list of sources (意见语句)."""

    pieces: list[Phrase]
    refs: list[int]
    grave: bool


class OpinionSectionView(msgspec.Struct, frozen=True):
    """One part of an opinion by its code (意见分项)."""

    code: str
    statements: list[StatementView]


class OpinionView(msgspec.Struct, frozen=True, kw_only=True):
    """An expert opinion as it is shown (专家意见); `level` None where nothing was recognised."""

    level: str | None
    verdict: StatementView
    sections: list[OpinionSectionView]
    notes: list[StatementView]
    sources: list[list[Phrase]]
    knowledge_version: str
    engine_version: str


def present_opinion(opinion: ExpertOpinion, wording: Wording) -> OpinionView:
    """The opinion in the language of `wording`."""
    numbers: dict[str, int] = {}

    def view(statement: Statement) -> StatementView:
        refs = sorted(numbers.setdefault(source, len(numbers) + 1) for source in statement.sources)
        return StatementView(_pieces(statement, wording.language), refs, statement.grave)

    verdict = view(opinion.verdict)
    sections = [OpinionSectionView(s.code, [view(each) for each in s.statements]) for s in opinion.sections]
    return OpinionView(
        level=opinion.level if opinion.understood else None,
        verdict=verdict,
        sections=sections,
        notes=[view(note) for note in opinion.notes],
        sources=[wording.sources([source]) for source in numbers],
        knowledge_version=opinion.knowledge_version,
        engine_version=opinion.engine_version,
    )


def _pieces(statement: Statement, language: str) -> list[Phrase]:
    if language != ENGLISH:
        return [Phrase(statement.text, CHINESE)]
    return [Phrase(piece.text, piece.lang, piece.lang == CHINESE) for piece in statement.english]
