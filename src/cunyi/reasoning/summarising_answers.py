"""What the answers to an interview say, finding by finding, with the answers each comes from; before it is put into words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cunyi.domain.finding import Status
from cunyi.domain.interview import Answer, Interview, Option, Question, QuestionKind, Topic
from cunyi.domain.record_draft import Basis, Manner
from cunyi.knowledge.summaries import Part
from cunyi.reasoning.summarising_own_words import Quote, ReadWords, read_own_words
from cunyi.reasoning.summarising_words import RecordWords

_STRENGTH = {Status.UNKNOWN: 0, Status.ABSENT: 1, Status.POSSIBLE: 2, Status.PRESENT: 3}


class Stated(msgspec.Struct):
    """One thing as it was answered (所答): a finding, or the words of an option that is none.

    `contradicted`: two answers say different things of it; `past`: it belongs to the past and is no symptom now.
    """

    name: str
    finding: str | None
    status: Status
    part: Part
    basis: list[Basis]
    days: float | None = None
    since: str = ""
    """The person's own words for how long."""
    contradicted: bool = False
    past: bool = False
    guessed: bool = False
    """Said in passing, so that only its kind told where it belongs; a question that asks for it knows better."""


class Phrase(msgspec.Struct):
    """Something answered that is written in words of its own (短语), with the findings that it states."""

    text: str
    part: Part
    manner: Manner
    basis: list[Basis]
    findings: tuple[str, ...] = ()


class Lasting(msgspec.Struct, frozen=True):
    """How long a finding has been there, as it was answered (病程)."""

    days: float
    question: Question

    @property
    def basis(self) -> Basis:
        """The answer that said so."""
        return Basis(question=self.question.id)


class Collected:
    """Everything that an interview says (所答汇总), in the order in which it was answered."""

    def __init__(self, words: RecordWords) -> None:
        self.words = words
        self.stated: dict[str, Stated] = {}
        self.phrases: list[Phrase] = []
        self.quotes: list[Quote] = []
        self.lasting: dict[str, Lasting] = {}
        self.danger: set[str] = set()
        """The questions that asked for danger signs."""

    def state(self, key: str, new: Stated) -> None:
        """Adds what one answer says. Present beats possible beats absent beats unknown; a contradiction is remembered."""
        known = self.stated.get(key)
        if known is None or (known.status == Status.UNKNOWN and new.status != Status.UNKNOWN):
            self.stated[key] = new
            return
        if new.status == Status.UNKNOWN != known.status:
            return
        if new.status != known.status:
            known.contradicted = known.contradicted or all(b.question != new.basis[0].question for b in known.basis)
        if known.guessed and not new.guessed:
            known.part, known.guessed = new.part, False
        if _STRENGTH[new.status] > _STRENGTH[known.status]:
            known.status = new.status
            known.past = new.past
        known.basis += [basis for basis in new.basis if basis not in known.basis]
        if known.days is None:
            known.days, known.since = new.days, new.since

    def is_plain_complaint(self, finding: str) -> bool:
        """Whether a finding is one that the person came with, without contradiction."""
        known = self.stated.get(finding)
        if known is None or known.contradicted or known.past or known.status != Status.PRESENT:
            return False
        return known.part is self.words.part(Topic.COMPLAINT)

    def of_part(self, part: Part, status: Status) -> list[Stated]:
        """What was answered with one status, of one part of the record."""
        return [one for one in self.stated.values() if one.part is part and one.status == status]


def collect(interview: Interview, words: RecordWords) -> Collected:
    """Sorts the answers of an interview. Who is ill (sex, age) is no part of what they say."""
    collected = Collected(words)
    read = read_own_words(interview, words)
    for answer in interview.answers:
        question = answer.question
        if question.topic == Topic.PERSON:
            continue
        if question.topic == Topic.DANGER:
            collected.danger.add(question.id)
        if answer.unknown:
            _unknown(answer, collected)
            continue
        _options(answer, collected)
        if answer.days is not None:
            _days(answer, answer.days, collected)
        if answer.number is not None:
            _phrase(collected, words.answered(question, f"{answer.number:g}{question.unit or ''}"), question)
        if answer.text:
            _text(answer, read, collected)
    _phrases_first(collected)
    for about, lasting in list(collected.lasting.items()):
        if not collected.is_plain_complaint(about):
            del collected.lasting[about]
            _phrase(collected, words.answered(lasting.question, words.length(lasting.days)), lasting.question)
    return collected


def _phrases_first(collected: Collected) -> None:
    """What a phrase states is stated once: a mention of it elsewhere only adds to what the phrase comes from.

    What somebody came with stays what they came with.
    """
    for phrase in collected.phrases:
        for finding in phrase.findings:
            known = collected.stated.get(finding)
            if known is None:
                continue
            if collected.is_plain_complaint(finding):
                known.basis += [basis for basis in phrase.basis if basis not in known.basis]
            elif known.status in (Status.PRESENT, Status.UNKNOWN) and not known.contradicted:
                if known.status == Status.PRESENT:
                    phrase.basis += [basis for basis in known.basis if basis not in phrase.basis]
                del collected.stated[finding]
            else:
                known.status, known.contradicted = Status.PRESENT, True
                known.basis += [basis for basis in phrase.basis if basis not in known.basis]
    for phrase in collected.phrases:
        phrase.findings = tuple(finding for finding in phrase.findings if finding not in collected.stated)


def _unknown(answer: Answer, collected: Collected) -> None:
    question, words = answer.question, collected.words
    if question.id in words.nothing_more:
        return
    if question.kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL) and question.options:
        for option in question.options:
            _state_option(option, Status.UNKNOWN, question, collected)
    else:
        _phrase(collected, words.unclear(question), question, manner=Manner.UNCLEAR)


def _options(answer: Answer, collected: Collected) -> None:
    question, words = answer.question, collected.words
    if question.kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL):
        for option in question.options:
            if option.id in answer.statuses:
                _state_option(option, answer.statuses[option.id], question, collected)
        return
    places = list[Option]()
    for option in (option for option in question.options if option.id in answer.chosen):
        for finding in option.absent:
            _state(finding, Status.ABSENT, Basis(question=question.id, option=option.id), question, collected)
        phrase = words.option(question, option)
        if phrase is not None:
            _phrase(collected, phrase, question, option)
        elif option.findings:
            for finding in option.findings:
                _state(finding, Status.PRESENT, Basis(question=question.id, option=option.id), question, collected)
        elif question.kind == QuestionKind.PLACE:
            places.append(option)
        elif not option.absent:
            _phrase(collected, words.answered(question, option.label), question, option)
    if places:
        text = words.sentence("place", what="、".join(words.place(option) for option in places))
        basis = [Basis(question=question.id, option=option.id) for option in places]
        collected.phrases.append(Phrase(text, words.part_of(question), Manner.TOLD, basis))


def _state_option(option: Option, status: Status, question: Question, collected: Collected) -> None:
    basis = Basis(question=question.id, option=option.id)
    for finding in option.findings:
        _state(finding, status, basis, question, collected)
    if not option.findings:
        stated = Stated(option.label, None, status, collected.words.part_of(question), [basis])
        collected.state(f"{question.id}.{option.id}", stated)


def _state(finding: str, status: Status, basis: Basis, question: Question, collected: Collected) -> None:
    words = collected.words
    collected.state(finding, Stated(words.name(finding), finding, status, words.part_for(finding, question), [basis]))


def _phrase(
    collected: Collected,
    text: str,
    question: Question,
    option: Option | None = None,
    *,
    manner: Manner = Manner.TOLD,
) -> None:
    basis = Basis(question=question.id, option=option.id if option else None)
    findings = option.findings if option else ()
    collected.phrases.append(Phrase(text, collected.words.part_of(question), manner, [basis], findings))


def _days(answer: Answer, days: float, collected: Collected) -> None:
    question = answer.question
    if question.about is not None:
        collected.lasting[question.about] = Lasting(days, question)
    else:
        _phrase(collected, collected.words.answered(question, collected.words.length(days)), question)


def _text(answer: Answer, read: Sequence[ReadWords], collected: Collected) -> None:
    question, words = answer.question, collected.words
    own = next((each for each in read if each.question == question.id), None)
    if own is None and question.kind == QuestionKind.TEXT and question.slot is None:
        _phrase(collected, words.answered(question, answer.text), question)
        return
    if own is None:
        part = words.part_of(question)
        collected.quotes.append(Quote(part, answer.text, [Basis(question=question.id, start=0, end=len(answer.text))]))
        return
    for mention in own.mentions:
        fact = mention.fact
        basis = Basis(question=question.id, start=mention.start, end=mention.end)
        stated = Stated(
            words.name(fact.finding), fact.finding, fact.status, words.part_for(fact.finding, question), [basis]
        )
        stated.past, stated.days, stated.since = mention.past, fact.duration_days, mention.since
        stated.guessed = stated.part is not words.part_of(question)
        if mention.past:
            stated.part = words.part(Topic.PAST)
        collected.state(fact.finding, stated)
    collected.quotes += own.quotes
