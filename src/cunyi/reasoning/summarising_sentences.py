"""The sentences of a record draft: what was told, what was denied, what was not clear, field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from cunyi.domain.case import COMPLAINT_FIELDS, TEXT_FIELDS, Case, Sex
from cunyi.domain.finding import Status, When, Who
from cunyi.domain.record_draft import Basis, DraftSentence, Manner
from cunyi.knowledge.summaries import Part
from cunyi.reasoning.summarising_answers import Collected, Stated
from cunyi.text.reader import read_case

COMPLAINT_FIELD = "chief_complaint"
PAST_FIELD = "past_history"
_LIST, _ELLIPSIS = "、", "…"
_AGO = re.compile("[之以]?前$")
_COUNTED = re.compile("[0-9０-９一二两三四五六七八九十百半几数]")
_ROUGH = re.compile("[半多余来几数约]|[一二两三四五六七八九]{2}")
"""What says that a length of time is no plain number of a unit."""
_Reading = tuple[str, Status, Who, When]


class _Time(NamedTuple):
    """How long something has been there, in words (病程): a length (3天), or a moment since when (昨晚)."""

    words: str
    moment: bool


class _Group(NamedTuple):
    """Things of one sentence: how they are put into words, and what else the sentence comes from."""

    write: Callable[[str], str]
    things: list[Stated]
    more: tuple[Basis, ...] = ()


def sentences_of(collected: Collected, complaint_part: Part) -> Iterator[DraftSentence]:
    """All sentences of the draft in the order of the record."""
    complaints = [one for one in collected.of_part(complaint_part, Status.PRESENT) if not one.past]
    sure = [one for one in complaints if not one.contradicted]
    yield from _chief_complaint(sure or complaints, complaint_part, collected)
    for field in TEXT_FIELDS:
        parts = [part for part in collected.words.written.parts if part.field == field]
        for part in parts:
            yield from _told(part, complaint_part, collected)
        yield from _denied(field, parts, collected)
        yield from _unclear(field, parts, collected)


def _chief_complaint(complaints: Sequence[Stated], part: Part, collected: Collected) -> Iterator[DraftSentence]:
    words, most = collected.words, collected.words.written.limits.complaint
    if not complaints:
        own = next((quote for quote in collected.quotes if quote.part is part), None)
        if own is not None:
            room = most - len(words.sentence("complaint_own", text=""))
            text = own.text if len(own.text) <= room else own.text[: room - 1] + _ELLIPSIS
            basis = tuple(own.basis)
            yield DraftSentence(
                field=COMPLAINT_FIELD, text=words.sentence("complaint_own", text=text), manner=Manner.TOLD, basis=basis
            )
        return
    complaints = _apart(complaints, collected)
    groups = _by_time(complaints, collected)
    time, first = next(((time, group) for time, group in groups if time is not None), groups[0])
    others = [one for one in complaints if one not in first]

    def write(used: Sequence[Stated], along: Sequence[Stated]) -> str:
        what = _LIST.join(one.name for one in used)
        if time is None:
            said = words.sentence("complaint", what=what)
        else:
            said = words.sentence("complaint_then" if time.moment else "complaint_since", what=what, time=time.words)
        with_others = _LIST.join(one.name for one in along)
        return words.sentence("complaint_with", complaint=said, what=with_others) if along else said

    used, along = [first[0]], list[Stated]()
    for one in first[1:]:
        if len(write([*used, one], along)) <= most:
            used.append(one)
    for one in others:
        if len(write(used, [*along, one])) <= most:
            along.append(one)
    named = [*used, *along]
    yield DraftSentence(
        field=COMPLAINT_FIELD,
        text=write(used, along),
        manner=Manner.TOLD,
        basis=_basis(named, _since(used, collected)),
        findings=tuple(one.finding for one in named if one.finding),
    )


def _apart(complaints: Sequence[Stated], collected: Collected) -> list[Stated]:
    """Complaints without those that say another over again (咳嗽 beside 夜间咳嗽): the one with a time stays, else the narrower."""
    kept = list(complaints)
    for one in complaints:
        for other in complaints:
            if one.name != other.name and one.name in other.name and one in kept and other in kept:
                timed = _time(one, collected) is not None and _time(other, collected) is None
                kept.remove(other if timed else one)
    return kept


def _by_time(things: Iterable[Stated], collected: Collected) -> list[tuple[_Time | None, list[Stated]]]:
    """Things that have been there for the same time together, in the order told."""
    groups: list[tuple[_Time | None, list[Stated]]] = []
    for one in things:
        time = _time(one, collected)
        group = next((group for known, group in groups if known == time), None)
        if group is None:
            groups.append((time, [one]))
        else:
            group.append(one)
    return groups


def _time(one: Stated, collected: Collected) -> _Time | None:
    """How long a thing has been there. What is no whole number of any unit, or not said as a plain number, stays in the person's own
    words (昨晚, 三天多, 半个多月)."""
    words = collected.words
    lasting = collected.lasting.get(one.finding) if one.finding else None
    if lasting is not None:
        return _Time(words.length(lasting.days), moment=False)
    if one.days is None:
        return None
    own = _AGO.sub("", one.since)
    if own and (_ROUGH.search(own) or words.whole_length(one.days) is None):
        return _Time(own, moment=_COUNTED.match(own) is None)
    return _Time(words.length(one.days), moment=False)


def _since(things: Iterable[Stated], collected: Collected) -> tuple[Basis, ...]:
    return tuple(
        collected.lasting[one.finding].basis for one in things if one.finding and one.finding in collected.lasting
    )


def _told(part: Part, complaint_part: Part, collected: Collected) -> Iterator[DraftSentence]:
    words = collected.words
    present = collected.of_part(part, Status.PRESENT)
    plain = [one for one in present if not one.contradicted and not one.past]
    groups = []
    if part is complaint_part:
        by_time = sorted(_by_time(plain, collected), key=lambda pair: pair[0] is None)
        for time, things in by_time:
            write = _filled(part.told.text) if time is None else _began(time, collected)
            groups.append(_Group(write, things, _since(things, collected)))
    elif plain:
        groups.append(_Group(_filled(part.told.text), plain))
    groups += [
        _Group(lambda what: words.sentence("contradicted", what=what), [one]) for one in present if one.contradicted
    ]
    past = [one for one in present if one.past and not one.contradicted]
    if past:
        groups.append(_Group(lambda what: words.sentence("past", what=what), past))
    groups += [
        _Group(lambda what: words.sentence("possible", what=what), [one])
        for one in collected.of_part(part, Status.POSSIBLE)
    ]
    for group in groups:
        yield from _listed(part.field, Manner.TOLD, group, collected)
    for phrase in collected.phrases:
        if phrase.part is part and phrase.manner == Manner.TOLD:
            yield DraftSentence(
                field=part.field,
                text=phrase.text,
                manner=Manner.TOLD,
                basis=tuple(phrase.basis),
                findings=phrase.findings,
            )
    for quote in collected.quotes:
        if quote.part is part:
            text = part.words.text.format(text=quote.text)
            yield DraftSentence(field=part.field, text=text, manner=Manner.TOLD, basis=tuple(quote.basis))


def _began(time: _Time, collected: Collected) -> Callable[[str], str]:
    key = "began_then" if time.moment else "began"
    return lambda what: collected.words.sentence(key, time=time.words, what=what)


def _denied(field: str, parts: Sequence[Part], collected: Collected) -> Iterator[DraftSentence]:
    """What was asked as a danger sign first and in short groups; of many the rest in one sentence, which its basis tells in full.

    Illnesses, drugs and allergies that are denied are always named: the record may say otherwise.
    """
    words, limits = collected.words, collected.words.written.limits
    denied = [(part, one) for part in parts for one in collected.of_part(part, Status.ABSENT)]
    most = limits.denied if field in COMPLAINT_FIELDS else len(denied)
    if len(denied) > most:
        denied.sort(key=lambda pair: not any(basis.question in collected.danger for basis in pair[1].basis))
    rest = [one for _, one in denied[most:]]
    by_sentence: dict[str, list[Stated]] = {}
    for part, one in denied[:most]:
        by_sentence.setdefault(part.denied.text, []).append(one)
    for sentence, things in by_sentence.items():
        for first in range(0, len(things), limits.denied_together):
            group = _Group(_filled(sentence), things[first : first + limits.denied_together])
            yield from _listed(field, Manner.DENIED, group, collected)
    if rest:
        yield DraftSentence(
            field=field,
            text=words.sentence("rest_denied"),
            manner=Manner.DENIED,
            basis=_basis(rest, ()),
            findings=tuple(one.finding for one in rest if one.finding),
        )


def _filled(sentence: str) -> Callable[[str], str]:
    return lambda what: sentence.format(what=what)


def _unclear(field: str, parts: Sequence[Part], collected: Collected) -> Iterator[DraftSentence]:
    """Lists behind 不清楚 stay short: the words for a question reach only so far."""
    words, most = collected.words, collected.words.written.limits.unclear
    things = [one for part in parts for one in collected.of_part(part, Status.UNKNOWN)]
    batch: list[Stated] = []
    for one in things:
        if batch and len(_LIST.join(each.name for each in [*batch, one])) > most:
            yield from _listed(
                field, Manner.UNCLEAR, _Group(lambda what: words.sentence("unclear", what=what), batch), collected
            )
            batch = []
        batch.append(one)
    if batch:
        yield from _listed(
            field, Manner.UNCLEAR, _Group(lambda what: words.sentence("unclear", what=what), batch), collected
        )
    for phrase in collected.phrases:
        if phrase.part in parts and phrase.manner == Manner.UNCLEAR:
            yield DraftSentence(field=field, text=phrase.text, manner=Manner.UNCLEAR, basis=tuple(phrase.basis))


def _listed(field: str, manner: Manner, group: _Group, collected: Collected) -> Iterator[DraftSentence]:
    """One sentence for a list; several where together they would be read as something that each alone is not."""
    text = group.write(_LIST.join(one.name for one in group.things))
    if len(group.things) > 1 and not _reads_the_same(field, text, group, collected):
        half = len(group.things) // 2
        for part in (group.things[:half], group.things[half:]):
            yield from _listed(field, manner, group._replace(things=part), collected)
        return
    yield DraftSentence(
        field=field,
        text=text,
        manner=manner,
        basis=_basis(group.things, group.more),
        findings=tuple(one.finding for one in group.things if one.finding),
    )


def _reads_the_same(field: str, text: str, group: _Group, collected: Collected) -> bool:
    alone = frozenset[_Reading]()
    for one in group.things:
        alone |= _read(field, group.write(one.name), collected)
    return _read(field, text, collected) == alone


def _read(field: str, text: str, collected: Collected) -> frozenset[_Reading]:
    # With the head of a record filled in, a relative in a sentence is a relative and not the patient.
    case = msgspec.structs.replace(Case(sex=Sex.FEMALE, age_years=0), **{field: text})
    reading = read_case(case, collected.words.language)
    return frozenset((fact.finding, fact.status, fact.who, fact.when) for fact in reading.facts)


def _basis(things: Iterable[Stated], more: Iterable[Basis]) -> tuple[Basis, ...]:
    return tuple(dict.fromkeys([basis for one in things for basis in one.basis] + list(more)))
