"""The door of the text room: the text fields of a case into facts and readings. Never fails, whatever is written."""

from __future__ import annotations

import re
from typing import NamedTuple

from cunyi.domain.case import TEXT_FIELDS, Case, Sex
from cunyi.domain.finding import Fact, Origin, Reading, Span, Status, When, Who
from cunyi.text.durations import Duration, find_durations
from cunyi.text.language import ABSENT, CONTEXT, Language
from cunyi.text.meaning import denies_onward, is_bare, meaning_of
from cunyi.text.measurements import find_values
from cunyi.text.normalize import Normal, normalize
from cunyi.text.scanning import Clause, Match, scan
from cunyi.text.values import chinese_number

__all__ = ["Language", "TextReading", "read_case"]

_LASTING = frozenset({"history", "exposure", "drug"})
_RECORD_FIELDS = ("medications", "allergies", "problems")
_AGE = re.compile(r"(?P<years>[0-9]{1,3}|[一二两三四五六七八九十]{1,3})岁(?P<half>半)?(?:零?(?P<months>[0-9]{1,2}|[一二三四五六七八九十]{1,2})个?月)?")
_MONTHS = re.compile(r"(?P<months>[0-9]{1,2}|[一二两三四五六七八九十]{1,2})个(?P<half>半)?多?月(?:大|的|龄)?(?:宝|婴|孩|小|男|女|大|了)|宝[宝贝](?:现在)?(?P<months2>[0-9]{1,2})个(?:多)?月")
_AGE_WITHIN = 160
_OLDEST = 120


class TextReading(NamedTuple):
    """What was read: every mention of a finding, every value, and age and sex where the text itself states them."""

    facts: tuple[Fact, ...]
    readings: tuple[Reading, ...]
    age_years: float | None
    sex: Sex | None


class _Mention(NamedTuple):
    match: Match
    fact: Fact


def read_case(case: Case, language: Language) -> TextReading:
    """Reads the seven text fields of a case and what its record lists."""
    mentions: list[_Mention] = []
    readings: list[Reading] = []
    for field in TEXT_FIELDS:
        text = getattr(case, field)
        if text:
            found, values = _read_field(field, text, language)
            mentions += found
            readings += values
    mentions += _record(case, language)
    facts = tuple(m.fact for m in _in_context(mentions, language))
    years, sex = _stated_age_and_sex(case, language)
    return TextReading(facts, tuple(readings), years, sex)


def _read_field(field: str, text: str, language: Language) -> tuple[list[_Mention], list[Reading]]:
    normal = normalize(text, language.typo_pattern, language.typos)
    found = scan(normal.text, language)
    durations = find_durations(normal.text, language.times, language.time_pattern)
    sections = _sections(field, normal.text, language)
    mentions: list[_Mention] = []
    denying: int | None = None
    denied_before = False
    for clause in found.clauses:
        denied = denying == clause.sentence and denied_before and is_bare(clause, normal.text)
        denied_before = denied or denies_onward(clause)
        denying = clause.sentence if denied_before else None
        for match in clause.matches:
            mention = _mention(field, match, clause, normal, sections, durations, found.clauses, denied, language)
            if mention is not None:
                mentions.append(mention)
    values = [
        Reading(
            item=v.item,
            value=v.value,
            unit=language.items.by_id[v.item].unit,
            raw=normal.text[v.start : v.end],
            span=_span(field, normal, v.start, v.end),
            when=When.PAST if _section_at(sections, v.start) == "past_history" else When.NOW,
            days_ago=_days_ago(v.start, found.clauses, durations),
        )
        for v in find_values(normal.text, found.names, language.items)
    ]
    return mentions, values


def _mention(
    field: str,
    match: Match,
    clause: Clause,
    normal: Normal,
    sections: list[tuple[int, str]],
    durations: list[Duration],
    clauses: list[Clause],
    denied: bool,
    language: Language,
) -> _Mention | None:
    meaning = meaning_of(match, clause, normal.text, denied)
    status = meaning.status
    if status is None:
        return None
    if match.mode == ABSENT:
        if status == Status.ABSENT:
            return None
        status = Status.ABSENT
    section = _section_at(sections, match.start)
    lasting = language.kinds[match.finding] in _LASTING
    who = Who.FAMILY if section == "family_history" and not _own(match, language) else meaning.who
    past = meaning.when == When.PAST or section == "past_history"
    return _Mention(
        match,
        Fact(
            finding=language.findings[match.finding],
            status=status,
            who=who,
            when=When.PAST if past and (not lasting or section == "past_history") else When.NOW,
            onset=meaning.onset,
            duration_days=_duration_for(match, clause, clauses, durations),
            severity=meaning.severity,
            span=_span(field, normal, match.start, match.end),
        ),
    )


def _own(match: Match, language: Language) -> bool:
    """A finding about the family is the patient's own, wherever it stands."""
    return language.findings[match.finding].startswith("family_history")


def _span(field: str, normal: Normal, start: int, end: int) -> Span:
    return Span(field, normal.offsets[start], normal.offsets[end - 1] + 1 if end > start else normal.offsets[end])


def _sections(field: str, text: str, language: Language) -> list[tuple[int, str]]:
    sections = [(0, field)]
    if language.section_pattern is not None:
        sections += [(m.start(), language.sections[m["cue"]]) for m in language.section_pattern.finditer(text)]
    return sections


def _section_at(sections: list[tuple[int, str]], position: int) -> str:
    return next(section for start, section in reversed(sections) if start <= position)


def _duration_for(
    match: Match, clause: Clause, clauses: list[Clause], durations: list[Duration]
) -> float | None:
    """The length of time nearest in the clause, else the last one said earlier in the sentence as N前."""
    here = [d for d in durations if clause.start <= d.start < clause.end]
    if here:
        return min(here, key=lambda d: (d.end <= match.start and not d.ago, abs(d.start - match.start))).days
    sentence_start = next(c.start for c in clauses if c.sentence == clause.sentence)
    earlier = [d for d in durations if sentence_start <= d.start < clause.start and d.ago]
    return earlier[-1].days if earlier else None


def _days_ago(position: int, clauses: list[Clause], durations: list[Duration]) -> float:
    for clause in clauses:
        if clause.start <= position <= clause.end:
            ago = [d for d in durations if clause.start <= d.start < position and d.ago]
            return ago[-1].days if ago else 0.0
    return 0.0


def _record(case: Case, language: Language) -> list[_Mention]:
    """Drugs, allergies and problems of the record as facts of the past."""
    mentions = []
    for field in _RECORD_FIELDS:
        for entry in getattr(case, field):
            normal = normalize(entry, language.typo_pattern, language.typos)
            for clause in scan(normal.text, language).clauses:
                for match in clause.matches:
                    if match.mode == 0 and language.kinds[match.finding] in _LASTING:
                        fact = Fact(
                            finding=language.findings[match.finding],
                            status=Status.PRESENT,
                            when=When.PAST,
                            origin=Origin.RECORD,
                        )
                        mentions.append(_Mention(match, fact))
    return mentions


def _in_context(mentions: list[_Mention], language: Language) -> list[_Mention]:
    """Context terms only where what they belong to is there (像撕裂一样 with a chest pain somewhere in the case)."""
    index = {finding: number for number, finding in enumerate(language.findings)} if mentions else {}
    there = {
        index[m.fact.finding]
        for m in mentions
        if m.match.mode not in (CONTEXT,)
        and m.fact.status in (Status.PRESENT, Status.POSSIBLE)
        and m.fact.who == Who.PATIENT
    }
    return [
        m
        for m in mentions
        if m.match.mode != CONTEXT or not there.isdisjoint(language.context.get(m.match.finding, frozenset()))
    ]


def _stated_age_and_sex(case: Case, language: Language) -> tuple[float | None, Sex | None]:
    """Age and sex where the complaint or history says them outright; only used where the case itself does not."""
    if case.age_years is not None and case.sex is not None:
        return None, None
    for text in (case.chief_complaint, case.history_of_present_illness):
        head = normalize(text[:_AGE_WITHIN], None, {}).text
        years = _age_in(head)
        sex = next((Sex(value) for cue, value in language.sexes.items() if cue in head), None)
        if years is not None or sex is not None:
            return years, sex
    return None, None


def _age_in(text: str) -> float | None:
    match = _AGE.search(text)
    if match is not None:
        years = chinese_number(match["years"])
        months = chinese_number(match["months"]) if match["months"] else 0
        if years is not None and years <= _OLDEST:
            return years + (0.5 if match["half"] else 0) + (months or 0) / 12
    match = _MONTHS.search(text)
    if match is not None:
        months = chinese_number(match["months"] or match["months2"])
        if months is not None:
            return (months + (0.5 if match["half"] else 0)) / 12
    return None
