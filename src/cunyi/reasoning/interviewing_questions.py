"""Written questions as they are put to one person: who is spoken of, which options are left, which words a finding has."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from cunyi.domain.finding import Status
from cunyi.domain.interview import Informant, Option, Question, QuestionKind, Topic
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.conditions import evaluate
from cunyi.knowledge.interviews import Asked, Label, Limits, Person, Words
from cunyi.knowledge.model import Finding
from cunyi.reasoning.interviewing_plan import Plan
from cunyi.reasoning.prepared import Knowledge

_LEAST_CHOICES = 2
_SELF_WORDS = ("您", "你")
FIXED, EARLY, GAIN = "fixed", "early", "gain"
"""Why a question is asked when it is: in its turn, a background question before its turn, for what it is worth."""


class Listener(msgspec.Struct, frozen=True):
    """For whom questions are worded and what may be asked of them (被问的人)."""

    person: Person
    informant: Informant
    presentation: Presentation
    settled: frozenset[str]
    """Findings that were asked already, whatever was answered."""


def person_of(informant: Informant, age_years: float | None, plan: Plan) -> Person:
    """The words for the person who is ill: the first whose age limit they are below."""
    people = plan.words.people[informant]
    for person in people:
        if person.below_years is None or (age_years is not None and age_years < person.below_years):
            return person
    return people[-1]


def spoken(
    words: Words | Asked, person: Person, *, what: str = "", what_en: str = "", count: int = 1
) -> tuple[str, str]:
    """A sentence in both languages with the person, the finding and the number of the list put in."""
    chinese = words.text.replace("{you}", person.you).replace("{what}", what).replace("{count}", str(count))
    english = words.text_en.replace("{you}", person.you_en).replace("{what}", what_en).replace("{count}", str(count))
    return chinese, english[:1].upper() + english[1:]


def sentence_of(finding: Finding, listener: Listener, plan: Plan) -> str:
    """A finding's own question, said of the person who is ill."""
    ask = finding.ask or ""
    if listener.informant == Informant.SELF or any(word in ask for word in plan.words.children_start):
        return ask
    for word in _SELF_WORDS:
        if word in ask:
            return ask.replace(word, listener.person.you)
    return listener.person.prefix + ask


def is_for(limits: Limits | None, presentation: Presentation) -> bool:
    """Whether a question is for this person; what is not known of them excludes nobody."""
    if limits is None:
        return True
    if limits.sex is not None and presentation.sex is not None and presentation.sex != limits.sex:
        return False
    years = presentation.age_years
    if limits.age is None or years is None:
        return True
    lower, upper = limits.age.lower, limits.age.upper
    return (lower is None or years >= lower) and (upper is None or years < upper)


def can_have(finding: str, presentation: Presentation, knowledge: Knowledge) -> bool:
    """Whether a person of this sex can have a finding at all."""
    sex = knowledge.content.findings[finding].sex
    return sex is None or presentation.sex is None or sex == presentation.sex


def written_question(
    asked: Asked,
    listener: Listener,
    knowledge: Knowledge,
    plan: Plan,
    *,
    about: str | None = None,
    own: str | None = None,
) -> Question | None:
    """A written question for this listener; None where it is not for them or nothing in it is left to ask.

    Options about what is known already are left out. `own` are the person's words for the finding that it is about. A follow-up that finds one of its findings present is answered.
    """
    presentation = listener.presentation
    condition = plan.conditions.get(asked.id)
    if not is_for(asked.only, presentation) or (condition is not None and not evaluate(condition, presentation)):
        return None
    if any(presentation.status(finding) == Status.PRESENT for finding in asked.known_by):
        return None
    options = _options(asked, plan)
    singular = asked.kind in (QuestionKind.CHOICE, QuestionKind.PLACE)
    if singular and any(presentation.status(f) == Status.PRESENT for o in options for f in o.findings):
        return None
    left = tuple(option for option in options if _is_left(option, listener, knowledge))
    telling = any(option.findings or option.absent for option in options)
    if telling and not any(option.findings or option.absent for option in left):
        return None
    if asked.kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL) and not left:
        return None
    if asked.kind == QuestionKind.CHOICE and len(left) < _LEAST_CHOICES:
        return None
    what, what_en = words_for(about, own, knowledge, plan) if about is not None else ("", "")
    wording, wording_en = spoken(asked, listener.person, what=what, what_en=what_en)
    kind = QuestionKind.YES_NO if asked.kind == QuestionKind.SEVERAL and len(left) == 1 else asked.kind
    if kind != asked.kind and not asked.own_words:
        wording, wording_en = _one(left[0], wording, wording_en)
    return Question(
        id=asked.id,
        topic=asked.topic,
        kind=asked.kind if asked.own_words else kind,
        wording=wording,
        wording_en=wording_en,
        options=left,
        about=about,
        slot=asked.slot,
        own_words=asked.own_words,
        unit=asked.unit,
        lowest=asked.lowest,
        highest=asked.highest,
        priority=FIXED,
    )


def _one(option: Option, wording: str, wording_en: str) -> tuple[str, str]:
    return f"{wording}{option.label}", f"{wording_en} {option.label_en}"


def _options(asked: Asked, plan: Plan) -> tuple[Option, ...]:
    if asked.kind == QuestionKind.PLACE:
        places = [plan.places[place] for place in asked.places]
        return tuple(
            Option(
                id=place.id,
                label=place.label,
                label_en=place.label_en,
                findings=place.means.get(asked.part or "", ()),
                side=place.side,
            )
            for place in places
        )
    return tuple(
        Option(
            id=choice.id,
            label=choice.label,
            label_en=choice.label_en,
            findings=choice.findings,
            absent=choice.absent,
            onset=choice.onset,
            severity=choice.severity,
        )
        for choice in asked.options
    )


def _is_left(option: Option, listener: Listener, knowledge: Knowledge) -> bool:
    presentation = listener.presentation
    if any(not can_have(finding, presentation, knowledge) for finding in option.findings):
        return False
    if any(finding in listener.settled for finding in (*option.findings, *option.absent)):
        return False
    return all(presentation.status(finding) == Status.UNKNOWN for finding in (*option.findings, *option.absent))


def words_for(finding: str, own: str | None, knowledge: Knowledge, plan: Plan) -> tuple[str, str]:
    """A finding in a few spoken words, in both languages: the authors', else the person's own, else its name."""
    label = plan.labels.get(finding)
    if label is not None:
        return label.label, label.label_en.lower()
    known = knowledge.content.findings[finding]
    return own or known.name, known.name_en.lower()


def question_about(
    question_id: str,
    topic: Topic,
    sentence: str,
    findings: Collection[str],
    listener: Listener,
    knowledge: Knowledge,
    plan: Plan,
    *,
    priority: str,
    count: int = 1,
    complaints: tuple[str, ...] = (),
    labels: Mapping[str, Label] | None = None,
) -> Question:
    """One question for one or several findings: a single one in its own sentence, several as a list under `sentence`.

    `count` is the number of the list, which has another sentence from the second on; `labels` are words for findings in this list alone.
    """
    labels = {**plan.labels, **(labels or {})}
    options = []
    for finding in findings:
        known, label = knowledge.content.findings[finding], labels.get(finding)
        options.append(
            Option(
                id=finding,
                label=label.label if label else sentence_of(known, listener, plan),
                label_en=label.label_en if label else known.ask_en or known.name_en,
                findings=(finding,),
            )
        )
    if len(options) == 1:
        known = knowledge.content.findings[options[0].id]
        wording, wording_en = sentence_of(known, listener, plan), known.ask_en or known.name_en
    else:
        wording, wording_en = spoken(
            plan.words.sentences[sentence if count == 1 else f"{sentence}_again"], listener.person, count=count
        )
    return Question(
        id=question_id,
        topic=topic,
        kind=QuestionKind.YES_NO if len(options) == 1 else QuestionKind.SEVERAL,
        wording=wording,
        wording_en=wording_en,
        options=tuple(options),
        complaints=complaints,
        priority=priority,
    )
