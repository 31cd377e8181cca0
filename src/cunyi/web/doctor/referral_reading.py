"""The forms of referrals as they are sent: the slip, and what is written at each step."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from cunyi.domain.encounter import Certainty, Diagnosis
from cunyi.domain.errors import UserError
from cunyi.domain.referral import (
    HomePlan,
    PlannedCheck,
    ReferralContent,
    ReferralPlace,
    ReferralReturn,
    ReferralSlip,
    ReferralStep,
    ReferralUrgency,
)
from cunyi.journeys.assess_case import find_diseases
from cunyi.journeys.filling_slip import place_of
from cunyi.reasoning.choosing_facility import ProposedFacility
from cunyi.reasoning.prepared import Knowledge

Sent = Mapping[str, Sequence[str]]
BY_HAND = "by_hand"
_SURE = ("确诊", "（确诊）", "(确诊)")


def said(sent: Sent, name: str) -> str:
    """The first value of a field, in one form of its characters, without spaces around."""
    words = next(iter(sent.get(name, ())), "")
    return unicodedata.normalize("NFC", words).replace("\r\n", "\n").strip()


def lines_of(words: str) -> tuple[str, ...]:
    """The lines that hold something."""
    return tuple(line.strip() for line in words.splitlines() if line.strip())


def slip_from(
    sent: Sent, proposed: ReferralSlip, places: Sequence[ProposedFacility], knowledge: Knowledge
) -> ReferralSlip:
    """The proposed slip with what the doctor wrote. UserError for a day that is none."""
    urgency = said(sent, "urgency")
    return msgspec.structs.replace(
        proposed,
        urgency=ReferralUrgency(urgency) if urgency in set(ReferralUrgency) else proposed.urgency,
        place=place_from(sent, places, knowledge) or ReferralPlace(name=""),
        reason=said(sent, "reason"),
        purpose=said(sent, "purpose"),
        complaint=said(sent, "complaint"),
        history=said(sent, "history"),
        past_history=said(sent, "past_history"),
        findings=said(sent, "findings"),
        current_drugs=lines_of(said(sent, "current_drugs")),
        results=lines_of(said(sent, "results")),
        treatment=said(sent, "treatment"),
        diagnoses=diagnoses_from(lines_of(said(sent, "diagnosis")), knowledge, proposed.diagnoses),
        first_aid=lines_of(said(sent, "first_aid")),
        patient_phone=said(sent, "patient_phone"),
        home=home_from(sent),
    )


def place_from(
    sent: Sent, places: Sequence[ProposedFacility], knowledge: Knowledge, *, prefix: str = "place"
) -> ReferralPlace | None:
    """The place that was chosen, or written by hand; None where nothing was."""
    chosen, name, department = said(sent, prefix), said(sent, f"{prefix}_name"), said(sent, f"{prefix}_department")
    for each in places:
        if each.facility.code == chosen:
            place = place_of(each, knowledge)
            return msgspec.structs.replace(place, department=department or place.department)
    if chosen in ("", BY_HAND) and name:
        return ReferralPlace(name=name, department=department, phone=said(sent, f"{prefix}_phone"))
    # A place that was open when the page was made and is not proposed any more: the journey says why it cannot be.
    return ReferralPlace(facility=chosen, name=chosen) if chosen not in ("", BY_HAND) else None


def content_from(
    sent: Sent, step: ReferralStep, places: Sequence[ProposedFacility], knowledge: Knowledge
) -> ReferralContent:
    """What was written at a step. UserError for a day that is none."""
    content = ReferralContent(
        words=said(sent, "words"),
        told_by=said(sent, "told_by"),
        called=said(sent, "called") if step is ReferralStep.CALL else "",
        come_at=said(sent, "come_at") if step is ReferralStep.ACCEPT else "",
    )
    if step in (ReferralStep.DECLINE, ReferralStep.REDIRECT):
        return msgspec.structs.replace(content, place=place_from(sent, places, knowledge))
    if step is ReferralStep.RETURN:
        returned = ReferralReturn(
            diagnoses=diagnoses_from(lines_of(said(sent, "diagnosis")), knowledge),
            findings=said(sent, "findings"),
            treatment=said(sent, "treatment"),
            instructions=said(sent, "instructions"),
            home=home_from(sent),
        )
        return msgspec.structs.replace(content, returned=returned)
    return content


def home_from(sent: Sent) -> HomePlan:
    """How the patient is to be cared for at home."""
    return HomePlan(
        plan=said(sent, "plan"),
        drugs=lines_of(said(sent, "drugs")),
        targets=said(sent, "targets"),
        checks=tuple(_checks(sent)),
    )


def diagnoses_from(
    lines: Iterable[str], knowledge: Knowledge, known: Sequence[Diagnosis] = ()
) -> tuple[Diagnosis, ...]:
    """Diagnoses, one a line; those that stand on the slip already as they are, others by the name they go by here."""
    by_name = {each.name: each for each in known}
    return tuple(by_name.get(line) or _diagnosis(line, knowledge) for line in lines)


def _diagnosis(line: str, knowledge: Knowledge) -> Diagnosis:
    name, certainty = line, Certainty.PROVISIONAL
    for ending in _SURE:
        if line.endswith(ending) and len(line) > len(ending):
            name, certainty = line.removesuffix(ending).rstrip(" （("), Certainty.CONFIRMED
    ids = find_diseases(name, knowledge)
    disease = knowledge.content.diseases[ids[0]] if len(ids) == 1 else None
    if disease is not None and name in (disease.name, disease.name_en, *disease.aliases):
        return Diagnosis(name=disease.name, icd10=disease.icd10, disease=disease.id, certainty=certainty)
    return Diagnosis(name=name, certainty=certainty)


def _checks(sent: Sent) -> Iterable[PlannedCheck]:
    for on, what in zip(sent.get("check_on", ()), sent.get("check_what", ()), strict=False):
        if not on.strip() and not what.strip():
            continue
        try:
            day = date.fromisoformat(on.strip())
        except ValueError:
            raise UserError("复查要写日期，写成 2026-01-31 这样", field="check_on") from None
        if not what.strip():
            raise UserError("请写到时候查什么", field="check_on")
        yield PlannedCheck(on=day, what=what.strip())
