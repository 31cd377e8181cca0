"""The interview before the consultation, as the villager lives it: agree, say who, answer, correct, stop, go on another time.

Nothing here looks at any record: whether somebody is registered can be learned neither from an answer nor from how long it takes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection

from cunyi.domain.assessment import Reason
from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.identity import IdentityFacts, read_identifier
from cunyi.domain.interview import Answer, Finish, Informant, Interview, Question, Step
from cunyi.domain.names import clean_name
from cunyi.domain.person import age_years
from cunyi.journeys.form_reading import phone_number
from cunyi.journeys.preconsulting_rules import (
    CONSENT_TEXT,
    GUARDIAN_UNDER_YEARS,
    LinkGoneError,
    is_over,
    needs_guardian,
)
from cunyi.reasoning.assess import assess
from cunyi.reasoning.interviewing import answered, case_of_interview, next_step
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.interviews import (
    OVER,
    READY,
    Claim,
    Consent,
    ConsentBy,
    InterviewRecord,
    InterviewState,
    StoredInterview,
    Way,
    add_interview,
    close_link,
    codes_in_use,
    interview_by_token,
    replace_interview,
)
from cunyi.store.unit import SYSTEM, Store, Writing

_TOKEN_BYTES = 16
# Digits that sound unlike each other when they are said aloud: 一 and 七 are mistaken for each other.
_DIGITS = "02345689"
_CODE_LENGTH = 4
_INFORMANTS = {
    ConsentBy.SELF: Informant.SELF,
    ConsentBy.GUARDIAN: Informant.CHILD,
    ConsentBy.RELATIVE: Informant.RELATIVE,
}
_LONGEST_RELATION = 20


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What the consent page sends (同意): for whom, and a guardian's name and relation."""

    by: ConsentBy
    name: str = ""
    relation: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the villager said of who the patient is (自报身份), as it was typed. Everything empty: nothing."""

    number: str = ""
    phone: str = ""
    name: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An interview with what comes next (预问诊页面). `step` is None before there is anything to ask, and once it is over.

    `notice`: what was sent last was not counted, because the question had been answered already.
    """

    stored: StoredInterview
    step: Step | None
    notice: bool = False


def new_token() -> str:
    """The secret part of a new link."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_code(writing: Writing) -> str:
    """A pick-up code that leads to no other interview: a few digits, easily said."""
    used = codes_in_use(writing.connection, writing.organisation)
    for length in (_CODE_LENGTH, _CODE_LENGTH, _CODE_LENGTH, _CODE_LENGTH + 1, _CODE_LENGTH + 2):
        for _ in range(20):
            code = "".join(secrets.choice(_DIGITS) for _ in range(length))
            if code not in used:
                return code
    raise UserError("等着看病的预问诊太多了；请直接找医生")


def begin(store: Store, agreed: Agreed, *, now: datetime) -> str:
    """An interview by the code at the clinic's door; the token of its link. Nothing is kept of who did not agree."""
    token = new_token()
    consent = _consent(agreed, now)
    with store.writing(SYSTEM) as writing:
        record = InterviewRecord(way=Way.DOOR, consent=consent)
        made = add_interview(writing, token, record, InterviewState.CONSENTED, pickup_code=new_code(writing))
        writing.audit(Action.CONSENT_INTERVIEW, subject=made.id, detail=_consented(consent))
    return token


def agree(store: Store, token: str, agreed: Agreed, *, now: datetime) -> None:
    """Consent for a link that the clinic gave out, or a guardian's for an interview that turned out to be a child's."""
    stored = open_link(store, token, now)
    if stored.record.consent is not None and not needs_guardian(stored):
        return
    if stored.record.consent is not None and agreed.by is not ConsentBy.GUARDIAN:
        raise UserError("病人不满 {years} 岁，要由爸爸、妈妈或别的监护人同意", field="by", years=GUARDIAN_UNDER_YEARS)
    consent = _consent(agreed, now)

    def change(known: StoredInterview, writing: Writing) -> StoredInterview:
        record = msgspec.structs.replace(known.record, consent=consent)
        state = InterviewState.CONSENTED if known.state is InterviewState.INVITED else known.state
        if record.interview is not None:
            informant = _INFORMANTS[consent.by]
            record = msgspec.structs.replace(
                record, interview=msgspec.structs.replace(record.interview, informant=informant)
            )
        elif record.invited_person:
            # The slip says for whom it is; the villager need not.
            record = msgspec.structs.replace(record, claim=Claim(), interview=_interview(consent, None, now))
            state = InterviewState.ANSWERING
        writing.audit(Action.CONSENT_INTERVIEW, subject=known.id, detail=_consented(consent))
        return msgspec.structs.replace(
            known, record=record, state=state, pickup_code=known.pickup_code or new_code(writing)
        )

    _change(store, token, now, change)


def refuse_guardian(store: Store, token: str, *, now: datetime) -> None:
    """No guardian agrees: everything that was said is erased at once."""
    with store.writing(SYSTEM) as writing:
        known = _live(writing.connection, writing.organisation, token, now)
        erase(writing, known, InterviewState.DISCARDED, "监护人没有同意")
        writing.audit(Action.DISCARD_INTERVIEW, subject=known.id, detail="监护人没有同意")


def say_who(store: Store, token: str, said: Said, *, now: datetime) -> None:
    """Keeps who the villager says the patient is, as a claim. UserError where a number or phone cannot be one.

    Only the number itself is looked at, never a record: age and sex that stand in it are not asked again.
    """
    claim, facts = _claim(said, now.date())

    def change(known: StoredInterview, writing: Writing) -> StoredInterview:
        if known.state is not InterviewState.CONSENTED or known.record.consent is None:
            return known
        interview = _interview(known.record.consent, facts, now)
        writing.audit(Action.IDENTIFY_INTERVIEW, subject=known.id, detail="匿名" if claim.is_anonymous else "自报身份")
        return msgspec.structs.replace(
            known,
            state=InterviewState.ANSWERING,
            record=msgspec.structs.replace(known.record, claim=claim, interview=interview),
        )

    _change(store, token, now, change)


def look(store: Store, token: str, knowledge: Knowledge, *, now: datetime) -> Shown:
    """Where the interview stands. LinkGoneError where the link opens nothing."""
    stored = open_link(store, token, now)
    return Shown(stored=stored, step=_step(stored, knowledge))


def answer(
    store: Store,
    token: str,
    knowledge: Knowledge,
    *,
    at: int,
    question_id: str,
    read: Callable[[Question], Answer],
    corrects: bool = False,
    now: datetime,
) -> Shown:
    """Keeps an answer; what comes next. `at` is the count of answers that the page knew of, `read` makes the answer for its question.

    The same answer sent again counts once. An answer to a question that was answered otherwise meanwhile is not counted and
    told, unless it `corrects`. UserError where the answer cannot be read; nothing changes then.
    """
    stored = open_link(store, token, now)
    interview = stored.record.interview
    if interview is None or stored.state in OVER or needs_guardian(stored):
        return Shown(stored=stored, step=_step(stored, knowledge))
    earlier, step = interview.answer_to(question_id), next_step(interview, knowledge)
    if earlier is not None:
        given = read(earlier.question)
        if given == earlier or not corrects or at != stored.revision:
            return Shown(stored=stored, step=_step(stored, knowledge), notice=given != earlier)
    elif step.question is not None and step.question.id == question_id and at == stored.revision:
        given = read(step.question)
    else:
        return Shown(stored=stored, step=_step(stored, knowledge), notice=True)
    moved = _advance(store, token, stored, answered(interview, given, knowledge), knowledge, now)
    if moved is None:
        # Sent twice at the same moment: the other one was counted, this one is judged by what is there now.
        return answer(store, token, knowledge, at=at, question_id=question_id, read=read, corrects=corrects, now=now)
    return moved


def stop(store: Store, token: str, knowledge: Knowledge, *, now: datetime) -> Shown:
    """The villager does not want to answer more: what there is goes to the doctor."""
    return _set_stopped(store, token, knowledge, stopped=True, now=now)


def go_on(store: Store, token: str, knowledge: Knowledge, *, now: datetime) -> Shown:
    """The villager who had stopped goes on."""
    return _set_stopped(store, token, knowledge, stopped=False, now=now)


def open_link(store: Store, token: str, now: datetime) -> StoredInterview:
    """The interview of a link. LinkGoneError where there is none, or not any more."""
    with store.reading() as connection:
        return _live(connection, store.node.organisation, token, now)


def erase(writing: Writing, known: StoredInterview, state: InterviewState, why: str) -> None:
    """Takes everything that was said out of an interview; that there was consent stays, without names."""
    consent = known.record.consent
    if consent is not None:
        consent = msgspec.structs.replace(consent, name="", relation="")
    record = InterviewRecord(way=known.record.way, consent=consent, why=why)
    erased = msgspec.structs.replace(known, state=state, record=record, level="", person_id=None, draft_id=None)
    replace_interview(writing, erased)
    close_link(writing, known.id)


def _set_stopped(store: Store, token: str, knowledge: Knowledge, *, stopped: bool, now: datetime) -> Shown:
    stored = open_link(store, token, now)
    interview = stored.record.interview
    unchanged = interview is None or interview.stopped is stopped or stored.state in OVER
    if unchanged or interview is None or (stopped and stored.state in READY):
        return Shown(stored=stored, step=_step(stored, knowledge))
    wanted = msgspec.structs.replace(interview, stopped=stopped)
    moved = _advance(store, token, stored, wanted, knowledge, now)
    return moved or _set_stopped(store, token, knowledge, stopped=stopped, now=now)


def _advance(
    store: Store, token: str, stored: StoredInterview, interview: Interview, knowledge: Knowledge, now: datetime
) -> Shown | None:
    """Keeps the interview as it is now; None where it was changed meanwhile."""
    step = next_step(interview, knowledge)
    reasons = tuple(assess(case_of_interview(interview, knowledge), knowledge).triage.reasons) if step.care else ()
    overtaken = False

    def change(known: StoredInterview, writing: Writing) -> StoredInterview:
        nonlocal overtaken
        overtaken = known.revision != stored.revision or known.state in OVER
        return known if overtaken else _moved(known, interview, step, reasons, writing)

    changed = _change(store, token, now, change)
    return None if overtaken else Shown(stored=changed, step=step)


def _moved(
    known: StoredInterview, interview: Interview, step: Step, reasons: tuple[Reason, ...], writing: Writing
) -> StoredInterview:
    """The interview one answer further, with what that means for its state and the clinic."""
    provisional = bool(step.care and step.care.provisional)
    # An alarm that nobody has seen yet is not made milder by an answer taken back, and keeps its reasons.
    unseen = known.alarmed_at is not None and known.acknowledged_at is None and step.finish is not Finish.EMERGENCY
    record = msgspec.structs.replace(
        known.record,
        interview=interview,
        provisional=provisional,
        reasons=known.record.reasons if unseen else reasons,
    )
    changed = msgspec.structs.replace(known, record=record, revision=known.revision + 1)
    writing.audit(Action.ANSWER_INTERVIEW, subject=known.id, detail=str(len(interview.answers)))
    if step.finish is None or step.care is None:
        return msgspec.structs.replace(changed, state=InterviewState.ANSWERING)
    if step.finish is Finish.EMERGENCY:
        writing.audit(Action.ALARM_INTERVIEW, subject=known.id)
        return msgspec.structs.replace(
            changed,
            state=InterviewState.EMERGENCY,
            level=step.care.level,
            alarmed_at=writing.latest,
            acknowledged_at=None,
        )
    writing.audit(Action.FINISH_INTERVIEW, subject=known.id, detail=step.finish.value)
    return msgspec.structs.replace(
        changed, state=InterviewState.FINISHED, level=changed.level if unseen else step.care.level
    )


def _step(stored: StoredInterview, knowledge: Knowledge) -> Step | None:
    if stored.record.interview is None or stored.state in OVER or needs_guardian(stored):
        return None
    return next_step(stored.record.interview, knowledge)


def _live(connection: Connection, organisation: str, token: str, now: datetime) -> StoredInterview:
    stored = interview_by_token(connection, organisation, token)
    if stored is None or is_over(stored, now):
        raise LinkGoneError("这个链接用不了了；请重新扫卫生室门口的二维码，或请医生再给一个", field="link")
    return stored


def _change(
    store: Store, token: str, now: datetime, change: Callable[[StoredInterview, Writing], StoredInterview]
) -> StoredInterview:
    with store.writing(SYSTEM) as writing:
        known = _live(writing.connection, writing.organisation, token, now)
        changed = change(known, writing)
        if changed is known:
            # A page sent twice: that it came is written down, nothing else.
            writing.audit(Action.ANSWER_INTERVIEW, subject=known.id, detail="重复")
            return known
        return replace_interview(writing, changed)


def _consent(agreed: Agreed, now: datetime) -> Consent:
    name, relation = agreed.name.strip(), agreed.relation.strip()
    if agreed.by is ConsentBy.GUARDIAN:
        if not name:
            raise UserError("请写监护人的姓名", field="guardian_name")
        name = clean_name(name)
        if not relation:
            raise UserError("请点您是孩子的什么人", field="guardian_relation")
    if len(relation) > _LONGEST_RELATION:
        raise UserError("关系写得太长；写“奶奶”“伯伯”这样就行", field="guardian_relation")
    return Consent(text=CONSENT_TEXT, by=agreed.by, at=now, name=name, relation=relation)


def _consented(consent: Consent) -> str:
    return f"{consent.text} {consent.by.value}"


def _interview(consent: Consent, facts: IdentityFacts | None, now: datetime) -> Interview:
    born = facts.birth_on if facts else None
    return Interview(
        informant=_INFORMANTS[consent.by],
        sex=Sex(facts.sex) if facts and facts.sex else None,
        age_years=age_years(born, now.date()) if born else None,
        month=now.month,
    )


def _claim(said: Said, today: date) -> tuple[Claim, IdentityFacts | None]:
    if said.number.strip():
        try:
            facts = read_identifier(said.number, today=today)
        except UserError:
            # What the clinic is told of a mistyped number is too much for somebody who waits.
            raise UserError(
                "这个号码不对。身份证号是 18 位，请看着身份证再输一遍；不想输就点“不说是谁”", field="number"
            ) from None
        return Claim(number=facts.value), facts
    if said.phone.strip() or said.name.strip():
        if not said.phone.strip():
            raise UserError("请写电话号码；不想写就点“不说是谁”", field="phone")
        if not said.name.strip():
            raise UserError("请写病人的姓名；不想写就点“不说是谁”", field="name")
        return Claim(phone=phone_number(said.phone), name=clean_name(said.name)), None
    return Claim(), None
