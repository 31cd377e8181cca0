"""The door of the text room: the text fields of a case into facts and readings. Never fails, whatever is written."""

from __future__ import annotations

from typing import NamedTuple

from cunyi.domain.case import TEXT_FIELDS, Case, Sex
from cunyi.domain.finding import Fact, Origin, Reading, Span, Status, When, Who
from cunyi.text.language import ABSENT, CONTEXT, TERM, Language
from cunyi.text.meaning import NOTHING_CARRIED, Meaning, carry, first_relative, inherited, meaning_of
from cunyi.text.normalize import Normal
from cunyi.text.persons import stated_age_and_sex
from cunyi.text.scanning import Clause, Match, Scan, scan
from cunyi.text.timing import PAST_READING_DAYS, Timeline

__all__ = ["Language", "TextReading", "read_case"]

_LASTING = frozenset({"history", "exposure", "drug"})
_EXAMINED = frozenset({"sign", "result"})
_FIRST_CLAUSES = 3
_FAMILY_FINDINGS = "family_history"
_COMPLAINTS = ("chief_complaint", "history_of_present_illness")


class TextReading(NamedTuple):
    """What was read: every mention of a finding, every value, and age and sex where the text itself states them."""

    facts: tuple[Fact, ...]
    readings: tuple[Reading, ...]
    age_years: float | None
    sex: Sex | None


class _Mention(NamedTuple):
    match: Match
    fact: Fact


class _Field(NamedTuple):
    """One text field, normalised and scanned."""

    name: str
    normal: Normal
    found: Scan


def read_case(case: Case, language: Language) -> TextReading:
    """Reads the seven text fields of a case and what its record lists."""
    fields = []
    for name in TEXT_FIELDS:
        text = getattr(case, name)
        if text:
            normal = language.normalize(text)
            fields.append(_Field(name, normal, scan(normal.text, language)))
    subject = _subject(case, fields, language)
    mentions: list[_Mention] = []
    readings: list[Reading] = []
    for field in fields:
        _read_field(field, language, subject, mentions, readings)
    mentions += _record(case, language)
    facts = tuple(m.fact for m in mentions if _counts(m, mentions, language))
    years, sex = stated_age_and_sex(case, language, subject)
    return TextReading(facts, tuple(readings), years, sex)


def _subject(case: Case, fields: list[_Field], language: Language) -> str | None:
    """The word for a relative that names the patient himself: the subject of the first words of a consultation."""
    if case.age_years is not None and case.sex is not None and not case.own_words:
        # A filled-in head of the record means a doctor's text, where relatives are relatives.
        return None
    complaint = next((field for field in fields if field.name in _COMPLAINTS), None)
    if complaint is None:
        return None
    first = complaint.found.clauses[:_FIRST_CLAUSES]
    ails = any(language.kinds[match.finding] not in _LASTING for clause in first for match in clause.matches)
    return first_relative(first, complaint.normal.text) if ails else None


def _read_field(
    field: _Field, language: Language, subject: str | None, mentions: list[_Mention], readings: list[Reading]
) -> None:
    text, clauses = field.normal.text, field.found.clauses
    sections = _sections(field.name, text, language)
    timeline = Timeline(clauses, language.durations.find(text), complaint=field.name == "chief_complaint")
    carried, sentence = NOTHING_CARRIED, 0
    for number, clause in enumerate(clauses):
        if clause.sentence != sentence:
            carried, sentence = NOTHING_CARRIED, clause.sentence
        if not clause.matches and not clause.cues:
            continue
        held = inherited(clause, text, carried)
        for match in clause.matches:
            meaning = meaning_of(match, clause, text, held, subject)
            if meaning.asked:
                meaning = _answered(meaning, clauses, number, text, language)
            status = _status(match, meaning, clause, text, language)
            if status is not None:
                days = timeline.days(match, number) if status != Status.ABSENT else None
                section = _section_at(sections, match.start)
                past = _is_past(match, clause, meaning, section, language)
                fact = Fact(
                    finding=language.findings[match.finding],
                    status=status,
                    who=_who(match, meaning, section, language),
                    when=When.PAST if past else When.NOW,
                    onset=None if status == Status.ABSENT else meaning.onset,
                    duration_days=days,
                    severity=None if status == Status.ABSENT else meaning.severity,
                    span=_span(field, match.start, match.end),
                )
                mentions.append(_Mention(match, fact))
        carried = carry(clause, text, carried, subject)
    for value in language.values.find(text, field.found.names):
        ago = timeline.days_ago(value.start)
        old = ago >= PAST_READING_DAYS or _section_at(sections, value.start) == "past_history"
        readings.append(
            Reading(
                item=value.item,
                value=value.value,
                unit=language.items.by_id[value.item].unit,
                raw=text[value.start : value.end],
                span=_span(field, value.start, value.end),
                when=When.PAST if old else When.NOW,
                days_ago=ago,
            )
        )


def _answered(meaning: Meaning, clauses: list[Clause], number: int, text: str, language: Language) -> Meaning:
    """A question with its answer right after it (有没有发烧？没有。) is a statement."""
    if number + 1 < len(clauses):
        following = clauses[number + 1]
        answer = language.answers.get(text[following.start : following.end].strip())
        if answer:
            return meaning._replace(status=Status(answer))
    return meaning


def _status(match: Match, meaning: Meaning, clause: Clause, text: str, language: Language) -> Status | None:
    """What a match states about its finding; None for nothing."""
    status = meaning.status
    kind = language.kinds[match.finding]
    if match.mode == ABSENT:
        return Status.ABSENT if status == Status.PRESENT else None
    if status == Status.PRESENT:
        if kind in _EXAMINED and text[match.end : match.end + 1] == ":" and not _is_said_of(match, clause):
            # A heading (脑膜刺激征：…) names what was examined, not what was found.
            return None
        if kind == "drug" and any(c.cue.kind == "allergy" and c.start >= match.end for c in clause.cues):
            # Who is allergic to penicillin does not take it.
            return None
    return status


def _is_said_of(match: Match, clause: Clause) -> bool:
    """Whether a heading is followed by a word or sign that says yes."""
    return any(c.cue.kind == "affirm_after" and c.start - match.end <= c.cue.scope for c in clause.cues)


def _who(match: Match, meaning: Meaning, section: str, language: Language) -> Who:
    # A finding about the family is the patient's own, wherever it stands.
    if language.findings[match.finding].startswith(_FAMILY_FINDINGS):
        return Who.PATIENT
    return Who.FAMILY if section == "family_history" else meaning.who


def _is_past(match: Match, clause: Clause, meaning: Meaning, section: str, language: Language) -> bool:
    """Whether a finding belongs to the past; a past illness, exposure or drug outside the past history still counts."""
    if section == "past_history":
        return not any(c.cue.kind == "now" and c.end <= match.start for c in clause.cues)
    return meaning.when == When.PAST and language.kinds[match.finding] not in _LASTING


def _span(field: _Field, start: int, end: int) -> Span:
    offsets = field.normal.offsets
    return Span(field.name, offsets[start], offsets[end - 1] + 1)


def _sections(field: str, text: str, language: Language) -> list[tuple[int, str]]:
    sections = [(0, field)]
    if language.section_pattern is not None:
        sections += [(m.start(), language.sections[m["cue"]]) for m in language.section_pattern.finditer(text)]
    return sections


def _section_at(sections: list[tuple[int, str]], position: int) -> str:
    return next(section for start, section in reversed(sections) if start <= position)


def _record(case: Case, language: Language) -> list[_Mention]:
    """Drugs, allergies and problems of the record as facts of the past. Who is allergic to a drug does not take it."""
    mentions = []
    for entries, kinds in (
        (case.medications, frozenset({"drug"})),
        (case.allergies, frozenset({"history"})),
        (case.problems, frozenset({"history", "exposure"})),
    ):
        for entry in entries:
            for clause in scan(language.normalize(entry).text, language).clauses:
                for match in clause.matches:
                    if match.mode == TERM and language.kinds[match.finding] in kinds:
                        fact = Fact(
                            finding=language.findings[match.finding],
                            status=Status.PRESENT,
                            when=When.PAST,
                            origin=Origin.RECORD,
                        )
                        mentions.append(_Mention(match, fact))
    return mentions


def _counts(mention: _Mention, mentions: list[_Mention], language: Language) -> bool:
    """A context term counts only where what it belongs to is there (像撕裂一样 with a chest pain in the case)."""
    if mention.match.mode != CONTEXT:
        return True
    needed = language.context.get(mention.match.finding, frozenset())
    return any(
        m.match.mode == TERM
        and m.match.finding in needed
        and m.fact.status in (Status.PRESENT, Status.POSSIBLE)
        and m.fact.who == Who.PATIENT
        for m in mentions
    )
