"""Filling a referral slip from what is there: the record, an encounter that was signed or is being written, the assessment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cunyi.domain.account import Account
from cunyi.domain.assessment import Assessment
from cunyi.domain.case import TEXT_FIELDS, VITAL_FIELDS, Case, Lab
from cunyi.domain.encounter import Encounter, Measured
from cunyi.domain.finding import Fact, Origin, Status
from cunyi.domain.organisation import FacilityLevel
from cunyi.domain.prescription import PrescriptionLine
from cunyi.domain.referral import (
    HomePlan,
    ReferralDirection,
    ReferralPlace,
    ReferralSlip,
    ReferralUrgency,
    ThoughtBefore,
)
from cunyi.journeys.case_of_person import Background, background_of, case_of
from cunyi.journeys.onward_referral import carried_on, received_with
from cunyi.journeys.opening_record import PersonRecord
from cunyi.journeys.slip_texts import LeftOut, SlipTexts, slip_texts
from cunyi.journeys.thread_notes import facility_of
from cunyi.journeys.typed_readings import stands_for
from cunyi.reasoning.assess import assess
from cunyi.reasoning.choosing_facility import Need, ProposedFacility, propose_facilities
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.referral_criteria import criteria_met, targets_of
from cunyi.store.facilities import facilities
from cunyi.store.unit import Store

# Older values say nothing of how somebody is today.
_RECENT = timedelta(days=30)
_SHOWN_DISEASES = 10
_FIRST_AID = 6


class SlipGround(msgspec.Struct, frozen=True, kw_only=True):
    """What a slip is filled from (填单依据): the encounter where there is one, and the id of its signed document."""

    encounter: Encounter | None = None
    record: str = ""


class FilledSlip(msgspec.Struct, frozen=True, kw_only=True):
    """A slip as it is proposed (预填转诊单), with the facilities that could take the patient and how much they are needed.

    `left_out` is what the encounter says and the slip does not, for the doctor to know.
    """

    slip: ReferralSlip
    places: list[ProposedFacility]
    needed: bool
    left_out: tuple[LeftOut, ...] = ()


def fill_slip(
    store: Store,
    by: Account,
    record: PersonRecord,
    ground: SlipGround,
    knowledge: Knowledge,
    *,
    direction: ReferralDirection,
    now: datetime,
) -> FilledSlip:
    """The slip of a patient, for the doctor to change; nothing is kept."""
    person = record.person
    background = background_of(store, by, record.person, knowledge, now)
    case = case_of(_written(record, ground, knowledge, now), record.person, background, now.date())
    told = slip_texts(ground.encounter, background.on_record, knowledge) if ground.encounter else SlipTexts()
    drugs = _in_use(record, background)
    assessment = assess(case, knowledge)
    urgency = _urgency(assessment, knowledge) if direction is ReferralDirection.UP else ReferralUrgency.ROUTINE
    level, department = _needed(assessment, direction)
    slip = ReferralSlip(
        direction=direction,
        urgency=urgency,
        place=ReferralPlace(name=""),
        level=level,
        department=department,
        examination=_examination(assessment, direction),
        reason="；".join(assessment.referral.reasons) if direction is ReferralDirection.UP else "",
        past_history=_joined([told.texts.get("past_history", ""), "、".join(each.name for each in record.problems)]),
        results=tuple(_results(record, ground, knowledge, now)),
        allergies=tuple(each.name for each in record.told_of_allergies),
        criteria=tuple(criteria_met(case, knowledge, direction)),
        thought=_thought(assessment) if ground.encounter else ThoughtBefore(),
        first_aid=_first_aid(assessment) if direction is ReferralDirection.UP else (),
        record=ground.record,
        patient_phone=person.phone,
        patient_address=_joined([person.villager_group, person.address], " "),
        doctor_phone=by.phone,
    )
    if direction is ReferralDirection.DOWN:
        slip = msgspec.structs.replace(
            slip,
            home=HomePlan(drugs=drugs, targets="\n".join(targets_of(case, knowledge))),
        )
    else:
        slip = msgspec.structs.replace(slip, current_drugs=drugs)
    if ground.encounter is not None:
        slip = _from_encounter(slip, ground.encounter, told)
    if direction is ReferralDirection.UP and (received := received_with(store, by, record.person)) is not None:
        slip = carried_on(slip, received)
    places = places_for(store, by, person.village_code, slip, knowledge)
    if places and places[0].can_take:
        slip = msgspec.structs.replace(slip, place=place_of(places[0], knowledge))
    return FilledSlip(slip=slip, places=places, needed=assessment.referral.needed, left_out=told.left_out)


def places_for(
    store: Store, by: Account, village: str, slip: ReferralSlip, knowledge: Knowledge
) -> list[ProposedFacility]:
    """The facilities that could take the patient of a slip, the best first."""
    levels = set(FacilityLevel)
    need = Need(
        level=FacilityLevel(slip.level) if slip.level in levels else FacilityLevel.TOWNSHIP,
        village=village,
        department=slip.department,
        examinations=(slip.examination,) if slip.examination else (),
        emergency=slip.urgency is ReferralUrgency.EMERGENCY,
    )
    with store.reading() as connection:
        known = facilities(connection, by.organisation)
    return propose_facilities(known, need, knowledge.content.departments, but=facility_of(store, by))


def place_of(proposed: ProposedFacility, knowledge: Knowledge) -> ReferralPlace:
    """A proposed facility as the place on a slip."""
    departments = knowledge.content.departments
    return ReferralPlace(
        facility=proposed.facility.code,
        name=proposed.facility.name,
        department=departments[proposed.department].name if proposed.department else "",
        phone=proposed.facility.phone,
    )


def written_case(encounter: Encounter, knowledge: Knowledge) -> Case:
    """What was written in an encounter, as the engine reads it."""
    numbers = {
        each.item: stands_for(each.item, each.value, knowledge) if isinstance(each.value, str) else each.value
        for each in encounter.measured
        if not each.laboratory
    }
    case = Case(
        vitals={item: value for item, value in numbers.items() if item in VITAL_FIELDS and value is not None},
        labs=tuple(Lab(each.item, each.value, each.unit or None) for each in encounter.measured if each.laboratory),
        findings=tuple(
            Fact(finding=finding, status=Status(status), origin=Origin.STATED)
            for finding, status in encounter.answers.items()
        ),
        pregnant=encounter.pregnant,
    )
    texts: dict[str, Any] = {field: encounter.texts.get(field, "") for field in TEXT_FIELDS}
    return msgspec.structs.replace(case, **texts)


def _written(record: PersonRecord, ground: SlipGround, knowledge: Knowledge, now: datetime) -> Case:
    """What an encounter says, or without one the recent values of the record."""
    if ground.encounter is not None:
        return written_case(ground.encounter, knowledge)
    recent = [point for point in record.latest.values() if now - point.at <= _RECENT]
    items = knowledge.content.items
    return Case(
        vitals={p.item: p.number for p in recent if p.item in VITAL_FIELDS and p.number is not None},
        labs=tuple(
            Lab(items[p.item].name, p.words if p.number is None else p.number, p.unit or None)
            for p in recent
            if p.item in items and p.item not in VITAL_FIELDS
        ),
    )


def _in_use(record: PersonRecord, background: Background) -> tuple[str, ...]:
    """The drugs that the record says are taken, each with how where that is known."""
    how = {each.drug: each.usage for each in reversed(record.prescribed)}
    how |= {each.name: each.detail for each in record.medications}
    return tuple(f"{name} {how.get(name, '')}".strip() for name in background.medications)


def _needed(assessment: Assessment, direction: ReferralDirection) -> tuple[FacilityLevel, str]:
    """The level of care and the department that the assessment asks for."""
    if direction is ReferralDirection.DOWN:
        return FacilityLevel.VILLAGE, ""
    referral = assessment.referral
    if referral.needed and referral.to != "township":
        return FacilityLevel.COUNTY, assessment.department.department if assessment.department else ""
    chosen = assessment.township_department or assessment.department
    return FacilityLevel.TOWNSHIP, chosen.department if chosen else ""


def _examination(assessment: Assessment, direction: ReferralDirection) -> str:
    """The examination that tells most and cannot be done in the village."""
    if direction is ReferralDirection.DOWN:
        return ""
    away = (each.examination for each in assessment.examinations if each.available_at in ("township", "county"))
    return next(away, "")


def _urgency(assessment: Assessment, knowledge: Knowledge) -> ReferralUrgency:
    loop = knowledge.content.referral_loop
    if assessment.triage.level == "emergency":
        return ReferralUrgency.EMERGENCY
    if loop is None or not assessment.referral.needed or assessment.referral.within is None:
        return ReferralUrgency.ROUTINE
    return loop.urgency_of[assessment.referral.within]


def _from_encounter(slip: ReferralSlip, encounter: Encounter, told: SlipTexts) -> ReferralSlip:
    texts = told.texts
    treated = [*(_drug(line) for line in encounter.prescription), encounter.plan]
    return msgspec.structs.replace(
        slip,
        complaint=texts.get("chief_complaint", ""),
        history=texts.get("history_of_present_illness", ""),
        findings=_joined([texts.get("physical_examination", ""), texts.get("auxiliary_examination", "")], "\n"),
        treatment=_joined(treated),
        diagnoses=encounter.diagnoses,
    )


def _results(record: PersonRecord, ground: SlipGround, knowledge: Knowledge, now: datetime) -> Iterable[str]:
    """Readings and results, today's without a day and older ones with it."""
    today = {each.item for each in ground.encounter.measured} if ground.encounter else set()
    for each in ground.encounter.measured if ground.encounter else ():
        yield _result(each.item, _words(each), each.unit, knowledge)
    for point in record.latest.values():
        if point.item not in today and now - point.at <= _RECENT:
            value = point.words if point.number is None else f"{point.number:g}"
            told = _result(point.item, value, point.unit, knowledge)
            yield f"{told}（{point.at.astimezone():%m-%d}）"


def _result(item: str, value: str, unit: str, knowledge: Knowledge) -> str:
    known = knowledge.content.items.get(item)
    return f"{known.name if known else item} {value} {unit}".strip()


def _words(measured: Measured) -> str:
    return measured.value if isinstance(measured.value, str) else f"{measured.value:g}"


def _drug(line: PrescriptionLine) -> str:
    return " ".join(each for each in (line.drug, line.dose, line.route, line.frequency) if each)


def _thought(assessment: Assessment) -> ThoughtBefore:
    return ThoughtBefore(
        differential=tuple(
            (each.disease, each.name, each.icd10, round(each.probability, 4))
            for each in assessment.differential[:_SHOWN_DISEASES]
        ),
        must_exclude=tuple(each.name for each in assessment.must_exclude),
        triage=assessment.triage.level,
        knowledge_version=assessment.knowledge_version,
    )


def _first_aid(assessment: Assessment) -> tuple[str, ...]:
    """What to do now against what is most dangerous or likeliest, and nothing of the others."""
    dangerous = {each.disease for each in assessment.must_exclude}
    diseases = {None, *dangerous, *(each.disease for each in assessment.differential[:1])}
    told = dict.fromkeys(each.text for each in assessment.advice if each.for_disease in diseases)
    return tuple(told)[:_FIRST_AID]


def _joined(parts: Sequence[str], by: str = "；") -> str:
    return by.join(part.strip() for part in parts if part.strip())
