"""Expert consultation: asked from an encounter or a record, answered by the township or the county, taken up, closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.consultation import (
    AnswerLimits,
    ConsultationAsked,
    ConsultationDetails,
    ConsultationStep,
    ConsultationWritten,
    consultation_details,
    open_steps,
)
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.domain.organisation import Facility, FacilityLevel
from cunyi.domain.person import Person
from cunyi.domain.thread import Note, Thread, ThreadKind, in_order
from cunyi.journeys.access import person_for, require
from cunyi.journeys.attaching import send_pictures
from cunyi.journeys.thread_notes import begin_thread, facility_of, go_on, name_of_facility, signer_of
from cunyi.knowledge.answering import AnsweringRules
from cunyi.store.answering import threads_since, waiting_threads
from cunyi.store.attachments import Attachment, attachment_by_id, attachments_of_thread, read_attachment
from cunyi.store.facilities import facilities, facility_by_code
from cunyi.store.notes import notes_of, thread_by_id
from cunyi.store.people import person_in_use
from cunyi.store.records import next_version
from cunyi.store.unit import Store, Writing

_LONGEST_WORDS = 4000
_SHOWN_AFTER = timedelta(days=14)
_LEVELS = list(FacilityLevel)
_MISSING = {
    ConsultationStep.ASK_BACK: "请写要追问什么",
    ConsultationStep.REPLY: "请写补充的内容",
}


class OpenedConsultation(msgspec.Struct, frozen=True, kw_only=True):
    """A consultation as its page shows it (会诊往来). `pictures` say how much of each is here; `steps` what may be done next; `signed`: the encounter it is about is."""

    thread: Thread
    details: ConsultationDetails
    notes: list[Note]
    person: Person | None
    pictures: dict[str, Attachment]
    steps: tuple[ConsultationStep, ...]
    asker: bool
    signed: bool
    address: Facility | None
    others: list[Facility]


class FacilityTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How a facility answers (应答统计): questions put to it, answered, waiting now, of these late; the median of the minutes; the share in time."""

    facility: str
    name: str
    asked: int
    answered: int
    waiting: int
    late: int
    middle_minutes: float | None
    in_time: float | None


def facilities_to_ask(store: Store, by: Account, village_code: str = "") -> list[Facility]:
    """Who can be asked: open facilities above a village clinic and not one's own, the nearer level and those of the village first."""
    own = facility_of(store, by)
    with store.reading() as connection:
        known = facilities(connection, by.organisation, only_open=True)
    return sorted(
        (each for each in known if each.code != own and each.level is not FacilityLevel.VILLAGE),
        key=lambda each: (_LEVELS.index(each.level), not each.answers_for(village_code), each.code),
    )


def ask(
    store: Store,
    by: Account,
    person_id: str,
    thread_id: str,
    asked: ConsultationAsked,
    *,
    pictures: Sequence[str] = (),
    rules: AnsweringRules | None,
    reason: str = "",
) -> Thread:
    """Begins a consultation. InvalidFormError says what is missing. The same thread asked twice is one."""
    require(by, Permission.CONSULT)
    own = facility_of(store, by)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        known = thread_by_id(writing.connection, by.organisation, thread_id)
        if known is not None:
            writing.audit(Action.VIEW_CONSULTATION, person=person.id, subject=thread_id)
            return known
        content = _asked(writing, own, asked, rules)
        content = msgspec.structs.replace(content, pictures=send_pictures(writing, thread_id, person.id, pictures))
        thread = begin_thread(
            writing,
            ThreadKind.CONSULTATION,
            ConsultationStep.ASK,
            content,
            thread_id=thread_id,
            person=person,
            facility=(own, name_of_facility(writing.connection, store.node, own)),
            author=signer_of(by),
        )
        writing.audit(Action.WRITE_CONSULTATION, person=person.id, subject=thread_id, detail=ConsultationStep.ASK.value)
    return thread


def open_consultation(store: Store, by: Account, thread_id: str) -> OpenedConsultation:
    """A consultation with every note; the opening is written down. A doctor of the asking side has read the answers with it."""
    require(by, Permission.READ_RECORD)
    own = facility_of(store, by)
    with store.writing(by.id) as writing:
        thread = _known(writing, by, own, thread_id)
        writing.audit(Action.VIEW_CONSULTATION, person=thread.person_id, subject=thread_id)
        unread = consultation_details(thread).unread
        if unread and own == thread.from_facility and by.may(Permission.CONSULT):
            facility = own, name_of_facility(writing.connection, store.node, own)
            read = ConsultationWritten(notes=unread)
            thread = go_on(writing, thread_id, ConsultationStep.READ, read, facility=facility, author=signer_of(by))
        notes = in_order([kept.note for kept in notes_of(writing.connection, by.organisation, thread_id)])
        kept = attachments_of_thread(writing.connection, by.organisation, thread_id)
        person = person_in_use(writing.connection, by.organisation, thread.person_id)
        address = facility_by_code(writing.connection, by.organisation, thread.to_facility)
        about = consultation_details(thread).encounter
        signed = bool(about) and next_version(writing.connection, by.organisation, about)[1] is not None
    details = consultation_details(thread)
    told = {thread.from_facility, own, *details.facilities}
    return OpenedConsultation(
        thread=thread,
        details=details,
        notes=notes,
        person=person,
        pictures={each.id: each for each in kept},
        steps=open_steps(thread, own) if by.may(Permission.CONSULT) else (),
        asker=own == thread.from_facility,
        signed=signed,
        address=address,
        others=[each for each in facilities_to_ask(store, by, thread.village_code) if each.code not in told],
    )


def write_step(
    store: Store,
    by: Account,
    thread_id: str,
    step: ConsultationStep,
    written: ConsultationWritten,
    *,
    pictures: Sequence[str] = (),
) -> Thread:
    """One further step. UserError where it is open no more or words are missing; nothing typed is lost."""
    require(by, Permission.CONSULT)
    own = facility_of(store, by)
    with store.writing(by.id) as writing:
        thread = _known(writing, by, own, thread_id)
        if step not in open_steps(thread, own):
            raise UserError("刚才有人处理过，这一步已经不用做了；请看下面最新的情况", field="step")
        content = _complete(writing, thread, step, written)
        if step in (ConsultationStep.ANSWER, ConsultationStep.ASK_BACK, ConsultationStep.REPLY):
            sent = send_pictures(writing, thread_id, thread.person_id, pictures)
            content = msgspec.structs.replace(content, pictures=sent)
        facility = own, name_of_facility(writing.connection, store.node, own)
        done = go_on(writing, thread_id, step, content, facility=facility, author=signer_of(by))
        writing.audit(Action.WRITE_CONSULTATION, person=thread.person_id, subject=thread_id, detail=step.value)
    return done


def consultations_here(store: Store, by: Account, now: datetime) -> list[Thread]:
    """The consultations that this account's facility asked or is to answer: open ones, and those of late."""
    require(by, Permission.READ_RECORD)
    own = facility_of(store, by)
    with store.reading() as connection:
        threads = waiting_threads(
            connection, by.organisation, [ThreadKind.CONSULTATION], ended_since=now - _SHOWN_AFTER
        )
    return [thread for thread in threads if concerns(thread, own)]


def answer_times(store: Store, by: Account, since: datetime, now: datetime) -> list[FacilityTimes]:
    """How the facilities answered what was asked since a time; no names in it."""
    require(by, Permission.SEE_COUNTS)
    with store.reading() as connection:
        threads = threads_since(connection, by.organisation, [ThreadKind.CONSULTATION], since)
    by_facility: dict[str, list[tuple[Thread, ConsultationDetails]]] = {}
    for thread in threads:
        details = consultation_details(thread)
        by_facility.setdefault(details.answered_from or thread.to_facility, []).append((thread, details))
    found = [_times(code, asked, now) for code, asked in by_facility.items()]
    return sorted(found, key=lambda each: (-each.asked, each.facility))


def picture_bytes(store: Store, by: Account, picture_id: str) -> tuple[str, bytes]:
    """The media type and bytes of a picture, for those who may open its thread or, before it is sent, the record."""
    require(by, Permission.READ_RECORD)
    own = facility_of(store, by)
    with store.reading() as connection:
        known = attachment_by_id(connection, by.organisation, picture_id)
        if known is None or not known.is_whole:
            raise UserError("这张图片还没有传完；有网络时会接着传", field="picture")
        thread = thread_by_id(connection, by.organisation, known.thread_id)
        if thread is None:
            person_for(connection, by, known.person_id, reason="会诊图片")
        elif not _may_open(thread, by, own):
            raise NotAllowedError("这次会诊没有发给您的机构，您不能打开", field="thread")
        return known.media_type, read_attachment(connection, by.organisation, picture_id)


def concerns(thread: Thread, own: str) -> bool:
    """Whether a consultation was asked by or is addressed to a facility."""
    return own == thread.from_facility or own in consultation_details(thread).facilities


def _may_open(thread: Thread, by: Account, own: str) -> bool:
    return concerns(thread, own) or by.looks_after(thread.village_code)


def _known(writing: Writing, by: Account, own: str, thread_id: str) -> Thread:
    thread = thread_by_id(writing.connection, by.organisation, thread_id)
    if thread is None or thread.kind is not ThreadKind.CONSULTATION:
        raise UserError("没有这次会诊；请从列表重新打开", field="thread")
    if not _may_open(thread, by, own):
        raise NotAllowedError("这次会诊没有发给您的机构，您不能打开", field="thread")
    return thread


def _asked(writing: Writing, own: str, asked: ConsultationAsked, rules: AnsweringRules | None) -> ConsultationAsked:
    errors: list[UserError] = []
    to = facility_by_code(writing.connection, writing.organisation, asked.to_facility) if asked.to_facility else None
    urgency = rules.urgency(asked.urgency) if rules else None
    if to is None or to.code == own:
        errors.append(UserError("请选择向哪个机构提问", field="to_facility"))
    elif not to.open:
        errors.append(UserError("{name}现在不接诊；请换一个机构", field="to_facility", name=to.name))
    if urgency is None:
        errors.append(UserError("请选择多急", field="urgency"))
    if not asked.case.strip():
        errors.append(UserError("请写病情：谁、什么问题、多久、查到什么", field="case"))
    if not asked.question.strip():
        errors.append(UserError("请写要问什么", field="question"))
    errors += [_too_long(name) for name in ("case", "question") if len(getattr(asked, name)) > _LONGEST_WORDS]
    if errors or to is None or urgency is None:
        raise InvalidFormError(errors)
    return msgspec.structs.replace(
        asked,
        to_name=to.name,
        urgency_level=urgency.level,
        case=asked.case.strip(),
        question=asked.question.strip(),
        limits=AnswerLimits(
            see=urgency.see_minutes,
            answer=urgency.answer_minutes,
            take_up=urgency.take_up_minutes,
            close=urgency.close_minutes,
            rings=urgency.rings,
        ),
    )


def _complete(
    writing: Writing, thread: Thread, step: ConsultationStep, written: ConsultationWritten
) -> ConsultationWritten:
    """What a step needs; only what belongs to it is taken."""
    words = written.words.strip()
    for name in ("diagnosis", "plan", "words"):
        if len(getattr(written, name)) > _LONGEST_WORDS:
            raise _too_long(name)
    if step is ConsultationStep.ANSWER:
        diagnosis, plan = written.diagnosis.strip(), written.plan.strip()
        if not diagnosis and not plan:
            raise UserError("请写诊断意见或处理意见", field="diagnosis")
        return ConsultationWritten(diagnosis=diagnosis, plan=plan, words=words, refer=written.refer)
    if step is ConsultationStep.FORWARD:
        to = facility_by_code(writing.connection, writing.organisation, written.to_facility)
        if to is None or not to.open or to.code in (thread.from_facility, thread.to_facility):
            raise UserError("请选择转给哪个机构", field="to_facility")
        return ConsultationWritten(to_facility=to.code, to_name=to.name, words=words)
    if step is ConsultationStep.TAKE_UP:
        if written.taken is None:
            raise UserError("请选择采纳还是不采纳", field="taken")
        if not written.taken and not words:
            raise UserError("请写明为什么不采纳", field="words")
        return ConsultationWritten(taken=written.taken, words=words)
    if step is ConsultationStep.CLOSE and not words and consultation_details(thread).answered_at is None:
        raise UserError("还没有答复；请写明为什么不再问了", field="words")
    if step in _MISSING and not words:
        raise UserError(_MISSING[step], field="words")
    return ConsultationWritten(words=words)


def _too_long(field: str) -> UserError:
    return UserError("最多写 {longest} 字；请写短些", field=field, longest=_LONGEST_WORDS)


def _times(code: str, asked: list[tuple[Thread, ConsultationDetails]], now: datetime) -> FacilityTimes:
    minutes = [details.minutes for _, details in asked if details.minutes is not None]
    waiting = [thread for thread, details in asked if not thread.closed and details.minutes is None]
    # Who has not answered in time is late, whether an answer comes or not.
    late = sum(thread.due_at is not None and thread.due_at < now for thread in waiting)
    in_time = [details.in_time for _, details in asked if details.in_time is not None]
    names = [details.facilities.get(code, "") for _, details in asked]
    return FacilityTimes(
        facility=code,
        name=next(filter(None, names), code),
        asked=len(asked),
        answered=len(minutes),
        waiting=len(waiting),
        late=late,
        middle_minutes=median(minutes) if minutes else None,
        in_time=sum(in_time) / (len(in_time) + late) if in_time or late else None,
    )
