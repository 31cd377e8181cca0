"""The door of the text room: the text fields of a case into facts and readings. Never fails, whatever is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from cunyi.domain.case import COMPLAINT_FIELDS, TEXT_FIELDS, Case, Sex
from cunyi.domain.finding import Fact, Origin, Reading, Span, Status, When, Who
from cunyi.text.certainty import excused, is_only_asked_for
from cunyi.text.disease_names import NamedDisease, NameFinder, NamePlace
from cunyi.text.language import ABSENT, CONTEXT, TERM, Language
from cunyi.text.listing import listed_denials
from cunyi.text.meaning import NOTHING_CARRIED, Meaning, carry, inherited, meaning_of
from cunyi.text.normalize import Normal
from cunyi.text.patient import LASTING, Field, subject_of
from cunyi.text.persons import stated_age_and_sex, supposed_years
from cunyi.text.scanning import Clause, Match, scan
from cunyi.text.timing import (
    PAST_READING_DAYS,
    Timeline,
    is_given_up,
    is_over,
    is_still_so,
    lasts_until_now,
    lately,
    long_ago,
)
from cunyi.text.whose import is_of_carer

__all__ = ["Language", "TextReading", "read_case"]

# Characters.
_CONTEXT_REACH = 60
_PROBLEM_KINDS = frozenset({"history", "exposure"})
_TAKEN = frozenset({"exposure", "drug"})
_EXAMINED = frozenset({"sign", "result"})
_NOT_OF_TODAY = frozenset({"past_history", "family_history", "personal_history"})
# To look a member up in its enumeration takes as long as to make a fact.
_PRESENT, _ABSENT, _POSSIBLE = Status.PRESENT, Status.ABSENT, Status.POSSIBLE
_PATIENT, _FAMILY, _NOW, _PAST = Who.PATIENT, Who.FAMILY, When.NOW, When.PAST


class TextReading(NamedTuple):
    """What was read: every mention of a finding, every value, the diseases that the patient is said to have now, and age and
    sex where the text itself states them."""

    facts: tuple[Fact, ...]
    readings: tuple[Reading, ...]
    age_years: float | None
    sex: Sex | None
    written: Mapping[str, Normal]
    """The text fields that are filled in, normalised."""
    named: tuple[NamedDisease, ...]
    marks: Mapping[Span, str] = MappingProxyType({})
    """What the report itself says beside a value: "low" or "high"."""
    supposed_years: float | None = None
    """How old the patient may be by the word for him (奶奶, 娃)."""


class _Mention(Struct, frozen=True):
    match: Match
    fact: Fact


def read_case(
    case: Case, language: Language, names: NameFinder | None = None, *, of_child: bool = False
) -> TextReading:
    """Reads the seven text fields of a case and what its record lists; with `names` also the diseases that are named. `of_child`: the patient
    is known to be a small child, so that somebody else tells it."""
    fields = []
    for name in TEXT_FIELDS:
        text = getattr(case, name)
        if text:
            normal = language.normalize(text)
            fields.append(Field(name, normal, scan(normal.text, language)))
    subject = subject_of(case, fields, language)
    written = {field.name: field.normal for field in fields}
    years, sex = stated_age_and_sex(case, written, language, subject)
    mentions: list[_Mention] = []
    readings: list[Reading] = []
    named: list[NamedDisease] = []
    marks: dict[Span, str] = {}
    for field in fields:
        places = [] if names is None else list(names.find(field.normal.text))
        _read_field(field, language, subject, places, mentions, readings, named, marks, of_child)
    mentions += _record(case, language)
    facts = tuple(m.fact for m in _counted(mentions, language))
    supposed = supposed_years(written, language, subject)
    return TextReading(facts, tuple(readings), years, sex, written, tuple(named), marks, supposed)


def _read_field(
    field: Field,
    language: Language,
    subject: str | None,
    names: list[NamePlace],
    mentions: list[_Mention],
    readings: list[Reading],
    named: list[NamedDisease],
    marks: dict[Span, str],
    of_child: bool,
) -> None:
    text, clauses = field.normal.text, field.found.clauses
    sections = _sections(field.name, text, language)
    timeline = Timeline(clauses, language.durations.find(text), complaint=field.name == "chief_complaint")
    carried, sentence = NOTHING_CARRIED, 0
    listed = listed_denials(
        clauses, text, language, lambda position: _section_at(sections, position) == "physical_examination"
    )
    first = len(mentions)
    excuse = excused(clauses)
    told_old: set[int] = set()
    told_new: set[int] = set()
    for number, clause in enumerate(clauses):
        if clause.sentence != sentence:
            carried, sentence = NOTHING_CARRIED, clause.sentence
        here = [name for name in names if clause.start <= name.start and name.end <= clause.end] if names else names
        if not clause.matches and not clause.cues and not here:
            continue
        held = inherited(clause, text, carried)
        if number in listed:
            held = replace(held, denied=True)
        for name in here:
            match = Match(-1, TERM, name.start, name.end, ((name.start, name.end),))
            # The cues of a clause look at what else is said in it.
            around = replace(clause, matches=sorted([*clause.matches, match], key=lambda each: each.start))
            meaning = meaning_of(match, around, text, held, subject, language.list_words)
            if meaning.asked:
                meaning = _answered(meaning, clauses, number, text, language)
            section = _section_at(sections, name.start)
            if _is_had_now(meaning, section):
                words = text[name.start : name.end]
                known = meaning.status or _POSSIBLE
                named.append(
                    NamedDisease(words, name.diseases, known, meaning.asked, _span(field, name.start, name.end))
                )
        for match in clause.matches:
            own = held
            if held.family and language.kinds[match.finding] not in LASTING:
                own = replace(held, family=False)
            meaning = meaning_of(match, clause, text, own, subject, language.list_words)
            if meaning.asked:
                meaning = _answered(meaning, clauses, number, text, language)
            status = _status(match, meaning, clause, text, language)
            if excuse and status is _PRESENT and text[match.start : match.end].endswith(excuse):
                status = _POSSIBLE
            if subject is not None and _is_of_subject(match, text, subject, language):
                # 我妈心梗放过支架: where the mother is the patient it is no family's.
                status = None
            if of_child and status is not None and is_of_carer(match, clause.cues):
                meaning = replace(meaning, who=_FAMILY)
            if status is not None:
                is_there = status is not _ABSENT
                section = _section_at(sections, match.start)
                fact = Fact(
                    finding=language.findings[match.finding],
                    status=status,
                    who=_who(match, meaning, section, language),
                    when=_PAST if _is_past(match, clauses, number, meaning, section, language, timeline) else _NOW,
                    onset=meaning.onset if is_there else None,
                    duration_days=timeline.days(match, number) if is_there else None,
                    severity=meaning.severity if is_there else None,
                    span=_span(field, match.start, match.end),
                )
                if language.kinds[match.finding] not in LASTING:
                    if long_ago(timeline, match, number, clauses):
                        told_old.add(len(mentions))
                    elif lately(timeline, match, number):
                        told_new.add(len(mentions))
                mentions.append(_Mention(match, fact))
        carried = carry(clause, text, carried, subject)
    if told_old and told_new:
        mentions[first:] = [
            _outdated(each, place, mentions, told_old, told_new)
            for place, each in enumerate(mentions)
            if place >= first
        ]
    for value in language.values.find(text, field.found.names):
        ago = timeline.days_ago(value.start)
        old = ago >= PAST_READING_DAYS or _section_at(sections, value.start) == "past_history"
        span = _span(field, value.start, value.end)
        if mark := language.values.mark_of(text, value):
            marks[span] = mark
        readings.append(
            Reading(
                item=value.item,
                value=value.value,
                unit=language.items.by_id[value.item].unit,
                raw=text[value.start : value.end],
                span=span,
                when=_PAST if old else _NOW,
                days_ago=ago,
            )
        )


def _outdated(mention: _Mention, number: int, mentions: list[_Mention], old: set[int], new: set[int]) -> _Mention:
    """A mention of long ago as one of the past where a later one says otherwise of these days (5月前呕血。近3天无呕血)."""
    fact = mention.fact
    if number not in old or fact.when is _PAST:
        return mention
    for later in new:
        other = mentions[later].fact
        if (
            later > number
            and other.finding == fact.finding
            and other.who is fact.who
            and other.status is not fact.status
        ):
            return _Mention(mention.match, replace(fact, when=_PAST))
    return mention


def _is_had_now(meaning: Meaning, section: str) -> bool:
    """Whether a named disease is one that the patient may have now; what the past and family history list is not."""
    if meaning.status in (None, _ABSENT) and not meaning.asked:
        return False
    return meaning.who is _PATIENT and meaning.when is _NOW and section not in _NOT_OF_TODAY


def _answered(meaning: Meaning, clauses: list[Clause], number: int, text: str, language: Language) -> Meaning:
    """A question with its answer right after it (有没有发烧？没有。) is a statement."""
    if number + 1 < len(clauses):
        following = clauses[number + 1]
        answer = language.answers.get(text[following.start : following.end].strip())
        if answer:
            return replace(meaning, status=Status(answer))
    return meaning


def _status(match: Match, meaning: Meaning, clause: Clause, text: str, language: Language) -> Status | None:
    """What a match states about its finding; None for nothing."""
    status = meaning.status
    if meaning.planned and status is not _ABSENT and language.kinds[match.finding] in LASTING:
        # 需要接受抗生素治疗, 打算剖宫产: none of it has been.
        return None
    kind = language.kinds[match.finding]
    if kind in _TAKEN and not meaning.asked and is_only_asked_for(match, clause, text, kind):
        return None
    if match.mode == ABSENT:
        return _ABSENT if status is _PRESENT else None
    if status is _PRESENT:
        kind = language.kinds[match.finding]
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
    if language.of_family[match.finding]:
        return _PATIENT
    return _FAMILY if section == "family_history" else meaning.who


def _is_of_subject(match: Match, text: str, subject: str, language: Language) -> bool:
    return language.of_family[match.finding] and subject in text[match.start : match.end]


def _is_past(
    match: Match,
    clauses: list[Clause],
    number: int,
    meaning: Meaning,
    section: str,
    language: Language,
    timeline: Timeline,
) -> bool:
    """Whether a finding belongs to the past; a past illness, exposure or drug outside the past history still counts."""
    lasting = language.kinds[match.finding] in LASTING
    if lasting and is_given_up(language.findings[match.finding], match, clauses, number):
        return True
    if section == "past_history":
        return not is_still_so(match, clauses, number, over_commas=not lasting)
    if lasting:
        return False
    if meaning.when is _PAST:
        return not lasts_until_now(clauses, number)
    return is_over(timeline, match, number, clauses)


def _span(field: Field, start: int, end: int) -> Span:
    offsets = field.normal.offsets
    return Span(field.name, offsets[start], offsets[end - 1] + 1)


def _sections(field: str, text: str, language: Language) -> list[tuple[int, str]]:
    sections = [(0, field)]
    if language.section_pattern is not None and (":" in text or "#" in text):
        sections += [(m.start(), language.sections[m["cue"]]) for m in language.section_pattern.finditer(text)]
    return sections


def _section_at(sections: list[tuple[int, str]], position: int) -> str:
    if len(sections) == 1:
        return sections[0][1]
    return next(section for start, section in reversed(sections) if start <= position)


def _record(case: Case, language: Language) -> list[_Mention]:
    """Drugs, allergies and problems of the record as facts of the past. Who is allergic to a drug does not take it.

    A drug's entry may also say an illness (环孢素, 高血压药), but only by what it begins with. A problem is there by being listed:
    脑梗死 in the list is what 脑梗死病史 is in a text.
    """
    mentions = []
    for entry in case.medications:
        mentions += [
            mention
            for mention in _listed(entry, frozenset({"drug", "history"}), language)
            if mention.match.start == 0 or language.kinds[mention.match.finding] == "drug"
        ]
    for entry in case.allergies:
        mentions += _listed(entry, frozenset({"history"}), language)
    for entry in case.problems:
        found = _listed(entry, _PROBLEM_KINDS, language)
        for suffix in language.problem_suffixes if not found else ():
            found = _listed(entry.strip() + suffix, _PROBLEM_KINDS, language)
            if found:
                break
        mentions += found
    return mentions


def _listed(entry: str, kinds: frozenset[str], language: Language) -> list[_Mention]:
    found = []
    for clause in scan(language.normalize(entry).text, language).clauses:
        for match in clause.matches:
            if match.mode == TERM and language.kinds[match.finding] in kinds:
                fact = Fact(
                    finding=language.findings[match.finding],
                    status=_PRESENT,
                    when=_PAST,
                    origin=Origin.RECORD,
                )
                found.append(_Mention(match, fact))
    return found


def _counted(mentions: list[_Mention], language: Language) -> list[_Mention]:
    """Without the words of context near which nothing is that they belong to (像撕裂一样 counts near a chest pain). What counts so is context
    for others in turn."""
    waiting = [m for m in mentions if m.match.mode == CONTEXT]
    if not waiting:
        return mentions
    there = [m for m in mentions if m.match.mode == TERM and _is_there(m.fact)]
    left = len(waiting) + 1
    while len(waiting) < left:
        left = len(waiting)
        heard = [
            m
            for m in waiting
            if any(
                _is_near(m.fact, t.fact) for t in there if t.match.finding in language.context.get(m.match.finding, ())
            )
        ]
        there += [m for m in heard if _is_there(m.fact)]
        waiting = [m for m in waiting if m not in heard]
    return [m for m in mentions if m.match.mode != CONTEXT or m not in waiting]


def _is_near(fact: Fact, other: Fact) -> bool:
    """Whether two facts were told near each other, in one text or the one as the complaint and the other in its history. What a record lists is
    near nothing and everything."""
    here, there = fact.span, other.span
    if here is None or there is None:
        return True
    if here.field != there.field:
        return here.field in COMPLAINT_FIELDS and there.field in COMPLAINT_FIELDS
    return max(here.start - there.end, there.start - here.end) <= _CONTEXT_REACH


def _is_there(fact: Fact) -> bool:
    return fact.status in (_PRESENT, _POSSIBLE) and fact.who is _PATIENT
