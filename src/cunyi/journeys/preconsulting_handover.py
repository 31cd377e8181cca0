"""From a villager's interview to the doctor's encounter: the person confirmed, the sentences in the draft, each to be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.assessment import Reason
from cunyi.domain.audit import Action
from cunyi.domain.case import TEXT_FIELDS, Case
from cunyi.domain.encounter import Unchecked
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Status
from cunyi.domain.interview import Interview, Topic
from cunyi.domain.person import Person
from cunyi.domain.queue import QueueSource
from cunyi.domain.record_draft import Manner
from cunyi.domain.triage import TriageLevel
from cunyi.journeys.access import person_for, require
from cunyi.journeys.consulting import begin_draft, keep_draft
from cunyi.journeys.preconsulting_clinic import known_interview
from cunyi.journeys.queueing import join_queue, triaged
from cunyi.reasoning.assess import assess
from cunyi.reasoning.interviewing import case_of_interview
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.reasoning.summarising import source_in_words, summarise
from cunyi.store.drafts import Draft
from cunyi.store.interviews import (
    READY,
    InterviewState,
    StoredInterview,
    interview_by_id,
    interviews_in,
    replace_interview,
)
from cunyi.store.unit import Store

SAID, CHECKED, GAPS, LEVEL = "villager_said", "villager_checked", "villager_not_asked", "villager_level"
"""Fields of an encounter's form: the villager's sentences, the numbers of those that the doctor has checked, what nobody asked, and the level
of care that the answers gave."""

_SHORT = 40
_Decoded = TypeVar("_Decoded")
_Otherwise = TypeVar("_Otherwise")
_OUTSIDE = "预问诊：病人到诊"


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence of the draft that comes from a villager's answers (预问诊句子). `source` are the questions and answers it comes from, in words;
    `denied`: it says what there is not."""

    field: str
    text: str
    source: str = ""
    denied: bool = False

    def stands_in(self, form: Mapping[str, Sequence[str]]) -> bool:
        """Whether the doctor left it in its field as it is."""
        return self.text.strip() in next(iter(form.get(self.field, ())), "")


class GapShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the interview did not come to (没有问到), for the doctor to ask."""

    kind: Literal["danger", "background"]
    text: str
    text_en: str


class LevelBefore(msgspec.Struct, frozen=True, kw_only=True):
    """The level of care by the villager's own answers (预问诊分级), and why."""

    level: Literal["self_care", "routine", "urgent", "emergency"]
    reasons: list[Reason]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What an interview gives to a draft (预问诊小结): sentences, what was not asked, the findings that no sentence says to the engine, and
    the level of care."""

    sentences: list[Sentence]
    gaps: list[GapShown]
    answers: dict[str, str]
    pregnant: str
    level: LevelBefore


def summary_of(interview: Interview, knowledge: Knowledge) -> Summary:
    """An interview as it goes into the form of an encounter."""
    case, draft = case_of_interview(interview, knowledge), summarise(interview, knowledge)
    return Summary(
        sentences=[
            Sentence(
                field=each.field,
                text=each.text,
                source=source_in_words(each, interview),
                denied=each.manner is Manner.DENIED,
            )
            for each in draft.sentences
        ],
        gaps=[GapShown(kind=each.kind.value, text=each.text, text_en=each.text_en) for each in draft.not_asked],
        answers=_unread(case, draft.texts, knowledge),
        pregnant={True: "yes", False: "no", None: ""}[case.pregnant],
        level=_level_of(case, knowledge),
    )


def _level_of(case: Case, knowledge: Knowledge) -> LevelBefore:
    given = assess(case, knowledge).triage
    return msgspec.convert({"level": given.level, "reasons": given.reasons}, LevelBefore, from_attributes=True)


def hand_over(
    store: Store,
    by: Account,
    interview_id: str,
    person_id: str,
    knowledge: Knowledge,
    *,
    form: Mapping[str, Sequence[str]],
) -> str:
    """Confirms whose interview it is and puts it into this account's draft for that person; the draft's id.

    `form` are the first fields of a new draft. Where one is there already, what the doctor wrote stays and the villager's
    sentences come after it. Doing it again adds nothing twice.
    """
    require(by, Permission.WRITE_DRAFT)
    stored = known_interview(store, by, interview_id)
    if stored.record.interview is None:
        raise UserError("病人还没有答任何问题；请直接问诊", field="interview")
    person = _confirm(store, by, stored, person_id)
    draft = begin_draft(store, by, person.id, form, reason=_OUTSIDE)
    return _into_draft(store, by, stored, draft, knowledge).id


def take_along(store: Store, by: Account, draft: Draft, knowledge: Knowledge) -> Draft:
    """The draft with the interview of its person that was confirmed before and waits for the doctor; as it is where there is none."""
    with store.reading() as connection:
        ready = interviews_in(connection, by.organisation, store.node.facility, READY)
    confirmed = [each for each in ready if each.person_id == draft.person_id and each.record.interview is not None]
    return _into_draft(store, by, confirmed[-1], draft, knowledge) if confirmed else draft


def queue_confirmed(
    store: Store, by: Account, interview_id: str, person_id: str, knowledge: Knowledge, *, now: datetime
) -> None:
    """Confirms whose interview it is and puts the person in the queue with its level; the answers wait for the doctor."""
    stored = known_interview(store, by, interview_id)
    interview = stored.record.interview
    if interview is None:
        raise UserError("病人还没有答任何问题；请直接问诊", field="interview")
    person = _confirm(store, by, stored, person_id)
    triage = triaged(assess(case_of_interview(interview, knowledge), knowledge, now), QueueSource.INTERVIEW)
    join_queue(store, by, person.id, complaint_of(stored), triage=triage, reason=_OUTSIDE)


def complaint_of(stored: StoredInterview) -> str:
    """The complaint in the villager's words, in short."""
    return complaint_in_words(stored)[:_SHORT] or "预问诊"


def complaint_in_words(stored: StoredInterview) -> str:
    """What was written of the complaint and what was tapped in the list; empty where there is neither."""
    interview = stored.record.interview
    said: list[str] = []
    for answer in interview.answers if interview else ():
        if answer.question.topic is Topic.COMPLAINT:
            options = [option for option in answer.question.options if option.id in answer.chosen]
            tapped = [option.label for option in options if option.findings]
            said += [*tapped, answer.text]
    return "；".join(dict.fromkeys(words for words in said if words))


def said_in(form: Mapping[str, Sequence[str]]) -> list[Sentence]:
    """The villager's sentences that a draft began with."""
    return _decoded(form, SAID, list[Sentence], [])


def checked_in(form: Mapping[str, Sequence[str]]) -> set[int]:
    """The numbers of the villager's sentences that the doctor has checked."""
    numbers = next(iter(form.get(CHECKED, ())), "").split(",")
    return {int(each) for each in numbers if each.strip().isascii() and each.strip().isdigit()}


def unchecked_in(form: Mapping[str, Sequence[str]]) -> tuple[Unchecked, ...]:
    """The villager's sentences that stand in a draft as they were said and that the doctor has not checked."""
    checked = checked_in(form)
    return tuple(
        Unchecked(field=each.field, text=each.text.strip(), denied=each.denied)
        for number, each in enumerate(said_in(form))
        if number not in checked and each.stands_in(form)
    )


def gaps_in(form: Mapping[str, Sequence[str]]) -> list[GapShown]:
    """What the interview of a draft did not come to."""
    return _decoded(form, GAPS, list[GapShown], [])


def level_before(form: Mapping[str, Sequence[str]]) -> LevelBefore | None:
    """The level that the interview of a draft gave; None where there was none."""
    return _decoded(form, LEVEL, LevelBefore, None)


def _decoded(
    form: Mapping[str, Sequence[str]], field: str, shape: type[_Decoded], otherwise: _Otherwise
) -> _Decoded | _Otherwise:
    words = next(iter(form.get(field, ())), "").strip()
    try:
        return msgspec.json.decode(words, type=shape) if words else otherwise
    except msgspec.DecodeError:
        return otherwise


def _confirm(store: Store, by: Account, stored: StoredInterview, person_id: str) -> Person:
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=_OUTSIDE)
        known = interview_by_id(writing.connection, by.organisation, stored.id) or stored
        # Whoever looks at the patient has seen the emergency.
        acknowledged = known.acknowledged_at or (writing.latest if known.alarmed_at else None)
        replace_interview(writing, msgspec.structs.replace(known, person_id=person.id, acknowledged_at=acknowledged))
        writing.audit(Action.CONFIRM_INTERVIEW, person=person.id, subject=stored.id)
    return person


def _into_draft(store: Store, by: Account, stored: StoredInterview, draft: Draft, knowledge: Knowledge) -> Draft:
    interview = stored.record.interview
    if interview is None:
        return draft
    merged = _merged(draft.form, summary_of(interview, knowledge))
    if merged != draft.form:
        draft = keep_draft(
            store, by, draft.id, merged, revision=draft.revision, window=draft.window, stroke=draft.stroke
        )
    with store.writing(by.id) as writing:
        known = interview_by_id(writing.connection, by.organisation, stored.id) or stored
        taken = msgspec.structs.replace(known, state=InterviewState.TAKEN_OVER, draft_id=draft.id, pickup_code="")
        replace_interview(writing, taken)
        writing.audit(Action.TAKE_OVER_INTERVIEW, person=draft.person_id, subject=stored.id)
    return draft


def _merged(form: Mapping[str, Sequence[str]], summary: Summary) -> dict[str, list[str]]:
    """A form with the sentences in their fields, each once, after what is written there."""
    merged = {name: list(values) for name, values in form.items()}
    known = said_in(form)
    new = [each for each in summary.sentences if each not in known]
    for field in TEXT_FIELDS:
        added = "".join(each.text for each in new if each.field == field)
        if added:
            written = next(iter(merged.get(field, ())), "").rstrip()
            merged[field] = [f"{written}\n{added}" if written else added]
    answers = _decoded(merged, "answers", dict[str, str], {})
    merged["answers"] = [msgspec.json.encode(summary.answers | answers).decode() if summary.answers | answers else ""]
    if not next(iter(merged.get("pregnant", ())), ""):
        merged["pregnant"] = [summary.pregnant]
    merged[SAID] = [msgspec.json.encode([*known, *new]).decode()]
    before = level_before(form)
    if before is None or _graver(summary.level, before):
        merged[LEVEL] = [msgspec.json.encode(summary.level).decode()]
    merged[GAPS] = [msgspec.json.encode(summary.gaps).decode()]
    merged.setdefault(CHECKED, [""])
    return merged


def _graver(one: LevelBefore, other: LevelBefore) -> bool:
    return TriageLevel.from_code(one.level) > TriageLevel.from_code(other.level)


def _unread(case: Case, texts: Mapping[str, str], knowledge: Knowledge) -> dict[str, str]:
    """The findings that the engine would not read from the sentences as they were answered.

    The others stay words alone, so that an edited sentence changes them.
    """
    written = msgspec.structs.replace(case, findings=(), **{field: texts.get(field, "") for field in TEXT_FIELDS})
    read = receive(written, knowledge).presentation
    return {
        fact.finding: fact.status.value
        for fact in case.findings
        if fact.status in (Status.PRESENT, Status.ABSENT) and read.status(fact.finding) is not fact.status
    }
