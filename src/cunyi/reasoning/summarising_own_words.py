"""A person's own words: what the reader understood of them, and what of the rest is worth a quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from cunyi.domain.case import Case
from cunyi.domain.finding import Fact, Status, When, Who
from cunyi.domain.interview import Informant, Interview, Slot, Topic
from cunyi.domain.record_draft import Basis
from cunyi.knowledge.summaries import Part
from cunyi.reasoning.interviewing_case import Piece, age_of, sex_of, text_fields
from cunyi.reasoning.resolving import LASTING_KINDS
from cunyi.reasoning.summarising_words import RecordWords
from cunyi.text.reader import read_case

_CLAUSE = re.compile(r"[^，。；！？,;!?\s]+")
_BLANK = "\x00"
_CONTENT = re.compile(r"[㐀-鿿0-9A-Za-z]")


class Mention(NamedTuple):
    """A finding in a person's own words (提及): where it stands in the answer's text, and whether it belongs to the past."""

    fact: Fact
    start: int
    end: int
    past: bool
    since: str
    """The words of time that tell how long (昨晚, 三天多), empty where there are none."""


class Quote(msgspec.Struct):
    """Own words that stand in the record as they were said (原话)."""

    part: Part
    text: str
    basis: list[Basis]


class ReadWords(NamedTuple):
    """The own words of one answer, read (已读原话)."""

    question: str
    mentions: list[Mention]
    quotes: list[Quote]


def read_own_words(interview: Interview, words: RecordWords) -> list[ReadWords]:
    """The complaint and what was said at the end, read. Other own words are names and remarks, and stay as they are."""
    texts, pieces = text_fields(interview)
    head = Case(sex=sex_of(interview), age_years=age_of(interview))
    if interview.informant != Informant.SELF:
        # 我妈头晕: with the head of a record filled in, the mother would be a relative and not the patient.
        head = Case()
    reading = read_case(msgspec.structs.replace(head, **texts), words.language)
    facts = [fact for fact in reading.facts if fact.span is not None]
    by_id = {answer.question.id: answer for answer in interview.answers}
    found = []
    for piece in pieces:
        answer = by_id[piece.question]
        if answer.question.slot != Slot.CHIEF_COMPLAINT and answer.question.topic != Topic.MORE:
            continue
        times = _times(answer.text, words)
        mentions = [m for fact in facts if (m := _mention(fact, piece, times, interview, words)) is not None]
        part = words.part_of(answer.question)
        quotes = [
            Quote(part, answer.text[start:end], [Basis(question=piece.question, start=start, end=end)])
            for start, end in _worth_quoting(answer.text, mentions, words)
        ]
        found.append(ReadWords(piece.question, mentions, quotes))
    return found


def _times(text: str, words: RecordWords) -> dict[float, str]:
    """The words of time in a text by the days they mean, the first for each."""
    normal = words.language.normalize(text)
    times: dict[float, str] = {}
    for found in words.language.durations.find(normal.text):
        times.setdefault(found.days, text[normal.offsets[found.start] : normal.offsets[found.end - 1] + 1])
    return times


def _mention(
    fact: Fact, piece: Piece, times: Mapping[float, str], interview: Interview, words: RecordWords
) -> Mention | None:
    """A fact that stands in a piece and says something of this patient that a record has a place for."""
    span, finding = fact.span, words.findings.get(fact.finding)
    if span is None or finding is None or span.field != piece.field or not piece.start <= span.start < piece.end:
        return None
    sex = sex_of(interview)
    if fact.who != Who.PATIENT or (finding.sex is not None and sex is not None and finding.sex != sex):
        return None
    past = fact.when == When.PAST and finding.kind not in LASTING_KINDS
    if past and fact.status != Status.PRESENT:
        return None
    since = times.get(fact.duration_days, "") if fact.duration_days is not None else ""
    return Mention(fact, span.start - piece.start, span.end - piece.start, past, since)


def _worth_quoting(text: str, mentions: list[Mention], words: RecordWords) -> Iterator[tuple[int, int]]:
    """The stretches of clauses that say more than was understood, neighbours joined."""
    rest = _not_understood(text, mentions, words)
    begun: tuple[int, int] | None = None
    for clause in _CLAUSE.finditer(text):
        left = len(_CONTENT.findall(rest, clause.start(), clause.end()))
        if left >= words.written.limits.own_words:
            begun = (begun[0] if begun else clause.start(), clause.end())
        elif begun is not None:
            yield begun
            begun = None
    if begun is not None:
        yield begun


def _not_understood(text: str, mentions: list[Mention], words: RecordWords) -> str:
    """The text with everything blanked out that was understood or says nothing of its own."""
    normal = words.language.normalize(text)
    rest = list(text)

    def blank(start: int, end: int) -> None:
        rest[start:end] = _BLANK * (end - start)

    for mention in mentions:
        blank(mention.start, mention.end)
    for duration in words.language.durations.find(normal.text):
        blank(normal.offsets[duration.start], normal.offsets[duration.end - 1] + 1)
    small = words.small_pattern
    for match in small.finditer("".join(rest)):
        blank(match.start(), match.end())
    if words.language.filler is not None:
        for match in words.language.filler.finditer("".join(rest)):
            blank(match.start(), match.end())
    return "".join(rest)
