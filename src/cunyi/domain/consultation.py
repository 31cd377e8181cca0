"""Expert consultation (专家会诊) as a thread: a village doctor asks, a township or county doctor answers, the asker takes it up and closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from cunyi.domain.thread import Note, Thread, ThreadKind, due_after

Content = TypeVar("Content", bound=msgspec.Struct)


class ConsultationStep(StrEnum):
    """What a note of a consultation does (会诊步骤: 提出 / 接手 / 答复 / 追问 / 补充 / 转给上级 / 升级提醒 / 已读 / 采纳与否 / 结束)."""

    ASK = "ask"
    SEE = "see"
    ANSWER = "answer"
    ASK_BACK = "ask_back"
    REPLY = "reply"
    FORWARD = "forward"
    ESCALATE = "escalate"
    READ = "read"
    TAKE_UP = "take_up"
    CLOSE = "close"


class ConsultationState(StrEnum):
    """Where a consultation stands (会诊状态: 待接手 / 已接手 / 已答复 / 待补充 / 已处理 / 已结束)."""

    ASKED = "asked"
    SEEN = "seen"
    ANSWERED = "answered"
    ASKED_BACK = "asked_back"
    TAKEN_UP = "taken_up"
    CLOSED = "closed"


class AnswerLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The minutes within which each step of a consultation is due (会诊时限), as they held when it was asked. `rings`: it is heard."""

    see: int = 0
    answer: int = 0
    take_up: int = 0
    close: int = 0
    rings: bool = False


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that a note names (图片): its attachment, and the hash that the signature of the note covers."""

    id: str
    media_type: str
    bytes: int
    hash: str


class CaseReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reading or result that goes with a question (随附读数); `on` is when it was taken, as words."""

    name: str
    value: str
    unit: str = ""
    on: str = ""


class AssessmentSent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the program had proposed (随附评估): the level of care, likely diseases with their probability, what to exclude."""

    triage: str = ""
    reasons: tuple[str, ...] = ()
    differential: tuple[tuple[str, float], ...] = ()
    must_exclude: tuple[str, ...] = ()
    critical_values: tuple[str, ...] = ()


class ConsultationAsked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked (会诊申请): the case in the asker's words, the question, and what goes with it."""

    to_facility: str = ""
    to_name: str = ""
    department: str = ""
    department_name: str = ""
    urgency: str = ""
    urgency_level: int = 0
    case: str = ""
    question: str = ""
    readings: tuple[CaseReading, ...] = ()
    assessment: AssessmentSent | None = None
    pictures: tuple[Picture, ...] = ()
    encounter: str = ""
    limits: AnswerLimits = AnswerLimits()


class ConsultationWritten(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an expert writes (会诊答复), and every other step that has words: `refer` says how soon to refer, empty for not."""

    diagnosis: str = ""
    plan: str = ""
    words: str = ""
    refer: str = ""
    taken: bool | None = None
    to_facility: str = ""
    to_name: str = ""
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


class ConsultationDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What lists show of a consultation (会诊概要).

    `facilities` may answer, by code with their names. `unread` are the notes that the asker has not opened yet, the oldest
    at `unread_since`. `minutes` is how long the first answer took, `in_time` whether it came within its limit. `after_end`
    counts what was written after the end.
    """

    name: str = ""
    sex: str | None = None
    birth_on: date | None = None
    from_name: str = ""
    to_name: str = ""
    facilities: dict[str, str] = {}
    department_name: str = ""
    urgency: str = ""
    rings: bool = False
    question: str = ""
    asked_by: str = ""
    encounter: str = ""
    pictures: int = 0
    waiting_since: datetime | None = None
    seen_by: str = ""
    seen_at: datetime | None = None
    answered_by: str = ""
    answered_at: datetime | None = None
    answered_from: str = ""
    minutes: int | None = None
    in_time: bool | None = None
    unread: tuple[str, ...] = ()
    unread_since: datetime | None = None
    taken: bool | None = None
    escalations: int = 0
    after_end: int = 0


class _Course(msgspec.Struct, kw_only=True):
    """The consultation as it goes from note to note."""

    state: ConsultationState
    to_facility: str
    limits: AnswerLimits
    since: datetime
    details: dict[str, Any]


_SHOWN = 200
_OPEN_TO_EXPERTS = {
    ConsultationState.ASKED: (
        ConsultationStep.SEE,
        ConsultationStep.ANSWER,
        ConsultationStep.ASK_BACK,
        ConsultationStep.FORWARD,
    ),
    ConsultationState.SEEN: (ConsultationStep.ANSWER, ConsultationStep.ASK_BACK, ConsultationStep.FORWARD),
    ConsultationState.ASKED_BACK: (ConsultationStep.ANSWER, ConsultationStep.FORWARD),
    ConsultationState.ANSWERED: (ConsultationStep.ANSWER,),
    ConsultationState.TAKEN_UP: (ConsultationStep.ANSWER,),
}
_OPEN_TO_ASKER = {
    ConsultationState.ASKED: (ConsultationStep.REPLY, ConsultationStep.CLOSE),
    ConsultationState.SEEN: (ConsultationStep.REPLY, ConsultationStep.CLOSE),
    ConsultationState.ASKED_BACK: (ConsultationStep.REPLY, ConsultationStep.CLOSE),
    ConsultationState.ANSWERED: (ConsultationStep.TAKE_UP, ConsultationStep.REPLY),
    ConsultationState.TAKEN_UP: (ConsultationStep.CLOSE, ConsultationStep.REPLY),
}


def content_of(note: Note, kind: type[Content]) -> Content:
    """The content of a note in its shape; an empty one where it has another, so that nothing signed stops a node."""
    try:
        return msgspec.convert(note.content, kind)
    except (msgspec.ValidationError, ValueError, TypeError):
        return kind()


def as_kept(details: msgspec.Struct) -> dict[str, Any]:
    """Details in the plain values in which they are kept and read again."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(details))
    return plain


def consultation_details(thread: Thread) -> ConsultationDetails:
    """What lists show of a consultation."""
    return msgspec.convert(thread.details, ConsultationDetails)


def open_steps(thread: Thread, facility: str) -> tuple[ConsultationStep, ...]:
    """What somebody of a facility may do next; nothing once it is closed."""
    state = ConsultationState(thread.state)
    if facility == thread.from_facility:
        return _OPEN_TO_ASKER.get(state, ())
    if facility in consultation_details(thread).facilities:
        return _OPEN_TO_EXPERTS.get(state, ())
    return ()


def fold_consultation(notes: Sequence[Note]) -> Thread:
    """A consultation from its notes in order. Every sequence folds; what does not fit the state is kept and changes nothing."""
    first, latest = notes[0], max(note.signed_at for note in notes)
    asked = content_of(first, ConsultationAsked) if first.kind == ConsultationStep.ASK else ConsultationAsked()
    course = _Course(
        state=ConsultationState.ASKED,
        to_facility=asked.to_facility,
        limits=asked.limits,
        since=first.signed_at,
        details={
            "name": first.person.name,
            "sex": first.person.sex,
            "birth_on": first.person.birth_on,
            "from_name": first.facility_name,
            "to_name": asked.to_name,
            "facilities": {asked.to_facility: asked.to_name} if asked.to_facility else {},
            "department_name": asked.department_name,
            "urgency": asked.urgency,
            "rings": asked.limits.rings,
            "question": asked.question[:_SHOWN],
            "asked_by": first.author.name,
            "encounter": asked.encounter,
            "pictures": len(asked.pictures),
        },
    )
    for note in notes[1:]:
        _take(course, note, first)
    details = ConsultationDetails(**course.details, waiting_since=course.since)
    return Thread(
        id=first.thread,
        organisation=first.organisation,
        kind=ThreadKind.CONSULTATION,
        person_id=first.person.id,
        village_code=first.village_code,
        state=course.state,
        closed=course.state is ConsultationState.CLOSED,
        urgency=min(max(asked.urgency_level, 0), 2),
        from_facility=first.facility,
        to_facility=course.to_facility,
        opened_at=first.signed_at,
        changed_at=latest,
        due_at=_due(course),
        details=as_kept(details),
    )


def _take(course: _Course, note: Note, first: Note) -> None:
    """One further note."""
    written, details, step = content_of(note, ConsultationWritten), course.details, note.kind
    if course.state is ConsultationState.CLOSED:
        details["after_end"] = details.get("after_end", 0) + (step != ConsultationStep.READ)
        _mark_unread(details, note)
        return
    details["pictures"] += len(written.pictures)
    if step == ConsultationStep.SEE and course.state is ConsultationState.ASKED:
        course.state = ConsultationState.SEEN
        details["seen_by"], details["seen_at"] = note.author.name, note.signed_at
    elif step == ConsultationStep.ANSWER:
        _answered(course, note, first)
    elif step == ConsultationStep.ASK_BACK:
        course.state, course.since = ConsultationState.ASKED_BACK, note.signed_at
    elif step == ConsultationStep.REPLY:
        _replied(course, note)
    elif step in (ConsultationStep.FORWARD, ConsultationStep.ESCALATE) and written.to_facility:
        _passed_on(course, note, written, step)
    elif step == ConsultationStep.TAKE_UP:
        course.state, course.since = ConsultationState.TAKEN_UP, note.signed_at
        details["taken"] = written.taken
    elif step == ConsultationStep.CLOSE:
        course.state = ConsultationState.CLOSED
    _mark_unread(details, note)


def _answered(course: _Course, note: Note, first: Note) -> None:
    details = course.details
    course.state, course.since = ConsultationState.ANSWERED, note.signed_at
    if details.get("answered_at") is None:
        minutes = max(0, int((note.signed_at - first.signed_at).total_seconds() // 60))
        details |= {
            "answered_by": note.author.name,
            "answered_at": note.signed_at,
            "answered_from": note.facility,
            "minutes": minutes,
            "in_time": minutes <= course.limits.answer if course.limits.answer else None,
        }


def _replied(course: _Course, note: Note) -> None:
    """What the asker adds while it waits changes nothing; after an answer or a question back it waits anew."""
    if course.state in (ConsultationState.ASKED, ConsultationState.SEEN):
        return
    course.state, course.since = ConsultationState.ASKED, note.signed_at


def _passed_on(course: _Course, note: Note, written: ConsultationWritten, step: str) -> None:
    details = course.details
    details["facilities"] = {**details["facilities"], written.to_facility: written.to_name}
    details["to_name"], course.to_facility, course.since = written.to_name, written.to_facility, note.signed_at
    if step == ConsultationStep.ESCALATE:
        details["escalations"] = details.get("escalations", 0) + 1
    else:
        course.state = ConsultationState.ASKED


def _mark_unread(details: dict[str, Any], note: Note) -> None:
    """An answer or a question back is unread until the asker's side says that it was opened."""
    unread = list(details.get("unread", ()))
    if note.kind in (ConsultationStep.ANSWER, ConsultationStep.ASK_BACK):
        unread.append(note.id)
        details.setdefault("unread_since", note.signed_at)
    elif note.kind == ConsultationStep.READ:
        opened = content_of(note, ConsultationWritten).notes
        unread = [each for each in unread if each not in opened]
    details["unread"] = tuple(unread)
    if not unread:
        details.pop("unread_since", None)


def _due(course: _Course) -> datetime | None:
    limits = course.limits
    minutes = {
        ConsultationState.ASKED: limits.see,
        ConsultationState.SEEN: limits.answer,
        ConsultationState.ANSWERED: limits.take_up,
        ConsultationState.ASKED_BACK: limits.take_up,
        ConsultationState.TAKEN_UP: limits.close,
    }.get(course.state, 0)
    return due_after(course.since, minutes)
