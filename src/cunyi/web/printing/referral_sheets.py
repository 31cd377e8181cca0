"""What stands on the sheets of a referral: the official slip with its stub, the return slip, the handover page of an emergency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from cunyi.domain.person import Person
from cunyi.domain.referral import HomePlan, ReferralDirection, ReferralSlip, ReferralState, ReferralStep
from cunyi.domain.referral_course import ReferralCourse, ReferralEvent
from cunyi.web.printing.qr import qr_svg
from cunyi.web.printing.sheets import age_in_words, born_in_words

_SEXES = {"male": "男", "female": "女"}
_URGENCIES = {"emergency": "急诊", "soon": "尽快", "routine": "普通"}
_VOID = {
    ReferralState.WITHDRAWN: "已撤回：这次转诊已经撤回，此单作废",
    ReferralState.DECLINED: "对方不能接收：请看改转的新单",
}
_FOOTER = "本单由村医系统辅助填写，以医生签字为准。二维码只含转诊编号，不含个人信息。"
_SUSPECTS = 3


def slip_sheet(referral: ReferralCourse, person: Person, slip: ReferralSlip) -> dict[str, Any]:
    """The slip that goes with the patient, with the stub that stays (双向转诊单)."""
    begun = referral.events[0].note
    sent = referral.last(ReferralStep.REDIRECT) or referral.events[0]
    accepted = referral.last(ReferralStep.ACCEPT)
    return {
        **_who(person, slip, begun.signed_at.astimezone().date()),
        **_clinical(slip),
        **_home(slip.home),
        "footer": _FOOTER,
        "void": _VOID.get(referral.state, ""),
        "qr": qr_svg(referral.id),
        "down": slip.direction is ReferralDirection.DOWN,
        "on": _day(sent.note.signed_at),
        "urgency": _URGENCIES[slip.urgency.value],
        "to_name": referral.place.name,
        "department": referral.place.department,
        "answered_by": accepted.note.author.name if accepted and not accepted.content.told_by else "",
        "facility": referral.from_name,
        "doctor": begun.author.name,
        "doctor_phone": slip.doctor_phone,
    }


def returned_sheet(referral: ReferralCourse, person: Person, slip: ReferralSlip, back: ReferralEvent) -> dict[str, Any]:
    """The slip that comes back with the patient (回转单)."""
    returned = back.content.returned
    assert returned is not None
    begun = referral.events[0].note
    return {
        **_who(person, slip, back.note.signed_at.astimezone().date()),
        **_home(returned.home),
        "footer": _FOOTER,
        "qr": qr_svg(referral.id),
        "on": _day(back.note.signed_at),
        "to_name": referral.from_name,
        "home_doctor": begun.author.name,
        "diagnoses": _diagnoses([f"{each.name} {each.icd10}".strip() for each in returned.diagnoses]),
        "findings": returned.findings,
        "treatment": returned.treatment,
        "instructions": returned.instructions,
        "told_by": back.content.told_by,
        "facility": referral.place.name,
        "doctor": "" if back.content.told_by else back.note.author.name,
        "doctor_phone": referral.place.phone,
    }


def handover_sheet(
    slip: ReferralSlip,
    person: Person,
    *,
    thread_id: str,
    on: date,
    facility: str,
    doctor: str,
    emergency_number: str,
    emergency_phone: str,
) -> dict[str, Any]:
    """One page for whoever takes the patient over (急救交接单). `thread_id` is empty where nothing was sent yet."""
    suspects = slip.thought.must_exclude or tuple(name for _, name, _, _ in slip.thought.differential)
    return {
        **_who(person, slip, on),
        **_clinical(slip),
        "footer": _FOOTER,
        "qr": qr_svg(thread_id) if thread_id else "",
        "emergency_number": emergency_number,
        "emergency_phone": emergency_phone,
        "to_name": slip.place.name,
        "suspects": "、".join(suspects[:_SUSPECTS]),
        "aid": list(slip.first_aid),
        "facility": facility,
        "doctor": doctor,
    }


def _who(person: Person, slip: ReferralSlip, on: date) -> dict[str, Any]:
    return {
        "name": person.name,
        "sex": _SEXES.get(person.sex or "", "未填"),
        "age": age_in_words(person.birth_on, on),
        "born": born_in_words(person),
        "archive_code": person.archive_code or "未编",
        "address": slip.patient_address,
        "phone": slip.patient_phone or person.phone,
    }


def _clinical(slip: ReferralSlip) -> dict[str, Any]:
    return {
        "purpose": slip.purpose,
        "diagnoses": _diagnoses([f"{each.name} {each.icd10}".strip() for each in slip.diagnoses]),
        "reason": slip.reason,
        "complaint": slip.complaint,
        "history": slip.history,
        "past_history": slip.past_history,
        "allergies": "、".join(slip.allergies),
        "current_drugs": "；".join(slip.current_drugs),
        "findings": slip.findings,
        "results": "；".join(slip.results),
        "treatment": slip.treatment,
        "criteria": "；".join(f"{each.plan}：{each.reason}" for each in slip.criteria),
        "first_aid": " ".join(slip.first_aid),
    }


def _home(home: HomePlan) -> dict[str, Any]:
    return {
        "plan": home.plan,
        "drugs": "；".join(home.drugs),
        "targets": home.targets,
        "checks": "；".join(f"{each.on.isoformat()} {each.what}" for each in home.checks),
    }


def _diagnoses(names: Sequence[str]) -> str:
    return "；".join(names)


def _day(at: datetime) -> str:
    local = at.astimezone()
    return f"{local.year}年{local.month}月{local.day}日"
