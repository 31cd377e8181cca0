"""A referral (双向转诊): what the slip says, what each note of its thread says, and the words of its course."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from cunyi.domain.encounter import Diagnosis
from cunyi.domain.thread import Note


class ReferralStep(StrEnum):
    """What a note of a referral does (转诊步骤: 转出 / 收到 / 接收 / 不能接收 / 改转 / 撤回 / 到诊 / 未到诊 / 收住院 / 门诊已治 / 回转 / 村医随访 /
    结束 / 打过电话 / 留言 / 超时上报)."""

    REQUEST = "request"
    RECEIVE = "receive"
    ACCEPT = "accept"
    DECLINE = "decline"
    REDIRECT = "redirect"
    WITHDRAW = "withdraw"
    ARRIVE = "arrive"
    NOT_ARRIVED = "not_arrived"
    ADMIT = "admit"
    TREAT = "treat"
    RETURN = "return"
    FOLLOW_UP = "follow_up"
    CLOSE = "close"
    CALL = "call"
    SAY = "say"
    ESCALATE = "escalate"


class ReferralState(StrEnum):
    """Where a referral stands (转诊状态: 已转出 / 对方已收到 / 对方接收 / 对方不能接收 / 已到诊 / 未到诊 / 已住院 / 门诊已治 / 已回转 / 已随访 / 已结束 /
    已撤回)."""

    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ARRIVED = "arrived"
    NOT_ARRIVED = "not_arrived"
    ADMITTED = "admitted"
    TREATED = "treated"
    RETURNED = "returned"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class ReferralDirection(StrEnum):
    """Which way a patient goes (转诊方向: 上转 / 下转)."""

    UP = "up"
    DOWN = "down"


class ReferralUrgency(StrEnum):
    """How soon the patient must be there (转诊缓急: 急诊 / 尽快 / 普通)."""

    EMERGENCY = "emergency"
    SOON = "soon"
    ROUTINE = "routine"

    @property
    def level(self) -> int:
        """As threads count it: 2 for at once."""
        return {"emergency": 2, "soon": 1, "routine": 0}[self.value]


class Party(StrEnum):
    """A side of a referral (转诊一方): who sent, who is to take over, who looks after the patient at home."""

    SENDER = "sender"
    RECEIVER = "receiver"
    HOME = "home"


class ReferralPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a patient is sent (转往机构): `facility` is its code, empty where it is in no register and was written by hand.

    `department` is what its department is called there.
    """

    name: str
    facility: str = ""
    department: str = ""
    phone: str = ""


class CriterionMet(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion of a county plan that held for the patient (符合的转诊指征)."""

    rule: str
    plan: str
    reason: str


class ThoughtBefore(msgspec.Struct, frozen=True, kw_only=True):
    """What the program thought when the patient was sent (转出时的评估): [disease id, name, icd10, probability], likeliest first.

    `must_exclude` names what must not be missed.
    """

    differential: tuple[tuple[str, str, str, float], ...] = ()
    must_exclude: tuple[str, ...] = ()
    triage: str = ""
    knowledge_version: str = ""


class PlannedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be looked at again, and when (复查计划)."""

    on: date
    what: str


class HomePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a patient is cared for at home (下转后管理方案): the plan, drugs and targets, and what to look at when."""

    plan: str = ""
    drugs: tuple[str, ...] = ()
    targets: str = ""
    checks: tuple[PlannedCheck, ...] = ()


class ReferralSlip(msgspec.Struct, frozen=True, kw_only=True):
    """The slip that goes with the patient (双向转诊单), in the parts of the official form.

    `record` is the signed document it was filled from, empty where the doctor wrote it without one. `thought` stays with it so
    that what the hospital finds can be compared later. `first_aid` is what to do until somebody takes over. `level`,
    `department` and `examination` (ids of the knowledge base) are what the patient needs, to find another place by. `onward_of` is the
    referral by which the patient came to the sender, where they are sent further.
    """

    direction: ReferralDirection
    urgency: ReferralUrgency
    place: ReferralPlace
    reason: str
    level: str = ""
    department: str = ""
    examination: str = ""
    purpose: str = ""
    complaint: str = ""
    history: str = ""
    past_history: str = ""
    findings: str = ""
    results: tuple[str, ...] = ()
    treatment: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()
    allergies: tuple[str, ...] = ()
    current_drugs: tuple[str, ...] = ()
    criteria: tuple[CriterionMet, ...] = ()
    thought: ThoughtBefore = ThoughtBefore()
    first_aid: tuple[str, ...] = ()
    record: str = ""
    onward_of: str = ""
    patient_phone: str = ""
    patient_address: str = ""
    doctor_phone: str = ""
    home: HomePlan = HomePlan()


class ReferralReturn(msgspec.Struct, frozen=True, kw_only=True):
    """The slip that comes back with the patient (回转单): what was found, done, and is to be done at home."""

    diagnoses: tuple[Diagnosis, ...] = ()
    findings: str = ""
    treatment: str = ""
    instructions: str = ""
    home: HomePlan = HomePlan()


class ReferralContent(msgspec.Struct, frozen=True, kw_only=True):
    """The particulars of a note (转诊记录内容); which of them there are depends on the step.

    `due_at` is when the next step will be late; `told_by` who told it by telephone where the other side does not write here;
    `called` whom somebody rang up. `place` is where the patient is sent instead. `to_facility` and `to_name` are whom the
    program told because nobody answered.
    """

    words: str = ""
    due_at: datetime | None = None
    told_by: str = ""
    called: str = ""
    come_at: str = ""
    place: ReferralPlace | None = None
    slip: ReferralSlip | None = None
    returned: ReferralReturn | None = None
    record: str = ""
    to_facility: str = ""
    to_name: str = ""


def content_of(note: Note) -> ReferralContent:
    """The particulars of a note. One whose content no program of ours wrote says nothing."""
    try:
        content = msgspec.convert(note.content, ReferralContent)
    except msgspec.ValidationError:
        return ReferralContent()
    if content.due_at is not None and content.due_at.tzinfo is None:
        return msgspec.structs.replace(content, due_at=None)
    return content


def step_of(note: Note) -> ReferralStep | None:
    """What a note does; None for a word that is not known here."""
    return ReferralStep(note.kind) if note.kind in set(ReferralStep) else None
