"""The referrals of the demonstration: one that came back, one that nobody answers, one on its way home."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from cunyi.domain.account import Account
from cunyi.domain.encounter import Certainty, Diagnosis
from cunyi.domain.person import Person
from cunyi.domain.referral import (
    HomePlan,
    PlannedCheck,
    ReferralContent,
    ReferralDirection,
    ReferralPlace,
    ReferralReturn,
    ReferralStep,
    ReferralUrgency,
)
from cunyi.journeys.demonstrated_threads import Told
from cunyi.journeys.filling_slip import SlipGround, fill_slip
from cunyi.journeys.opening_record import open_record
from cunyi.journeys.referral_lists import referrals_about
from cunyi.journeys.referring import send_referral, write_step
from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.facilities import facility_by_code
from cunyi.store.records import versions

_REASON = "转诊"


def told_referrals(
    seat: Seat, story: Mapping[str, Any], people: Mapping[str, Person], knowledge: Knowledge
) -> Iterator[Told]:
    """The referrals as they happen; `people` holds whom they are about by the time they do."""
    for told in story["referrals"]:
        first, *others = told["steps"]
        yield first["days_ago"], first["minutes"], _sending(seat, told, first, people, knowledge)
        for step in others:
            yield step["days_ago"], step["minutes"], _stepping(seat, told, step, people, knowledge)


def _sending(
    seat: Seat, told: Mapping[str, Any], first: Mapping[str, Any], people: Mapping[str, Person], knowledge: Knowledge
) -> Callable[[], None]:
    def happens() -> None:
        store, by, person = seat.store, _account(seat, first["by"]), people[told["person"]]
        now = seat.now().astimezone()
        record = open_record(store, by, person.id, today=now.date(), reason=_REASON)
        ground = SlipGround()
        if record.visits and told["direction"] == ReferralDirection.UP:
            with store.reading() as connection:
                latest = versions(connection, by.organisation, record.visits[0].encounter_id)[-1].record
            ground = SlipGround(encounter=latest.encounter, record=latest.id)
        direction = ReferralDirection(told["direction"])
        proposed = fill_slip(store, by, record, ground, knowledge, direction=direction, now=now).slip
        with store.reading() as connection:
            place = facility_by_code(connection, by.organisation, told["to"])
        slip = msgspec.structs.replace(
            proposed,
            urgency=ReferralUrgency(told["urgency"]),
            place=ReferralPlace(
                facility=told["to"],
                name=place.name if place else told["to"],
                department=told.get("department", ""),
                phone=place.phone if place else "",
            ),
            reason=told["reason"],
            purpose=told["purpose"],
            complaint=proposed.complaint or told["reason"],
            home=_home(seat, told.get("home", {}), proposed.home),
        )
        send_referral(store, by, person.id, slip, knowledge, reason=_REASON)

    return happens


def _stepping(
    seat: Seat, told: Mapping[str, Any], step: Mapping[str, Any], people: Mapping[str, Person], knowledge: Knowledge
) -> Callable[[], None]:
    def happens() -> None:
        store, by = seat.store, _account(seat, step["by"])
        thread = referrals_about(store, by, people[told["person"]].id)[0]
        back = step.get("returned")
        content = ReferralContent(
            words=step.get("words", ""),
            told_by=step.get("told_by", ""),
            come_at=step.get("come_at", ""),
            returned=None if back is None else _return_slip(seat, back, knowledge),
        )
        today = seat.now().astimezone().date()
        write_step(store, by, thread.id, ReferralStep(step["step"]), content, knowledge, today=today)

    return happens


def _return_slip(seat: Seat, told: Mapping[str, Any], knowledge: Knowledge) -> ReferralReturn:
    known = {disease.name: disease for disease in knowledge.content.diseases.values()}
    disease = known.get(told["diagnosis"])
    diagnosis = Diagnosis(
        name=told["diagnosis"],
        icd10=disease.icd10 if disease else "",
        disease=disease.id if disease else None,
        certainty=Certainty.CONFIRMED,
    )
    return ReferralReturn(
        diagnoses=(diagnosis,),
        findings=told["findings"],
        treatment=told["treatment"],
        instructions=told["instructions"],
        home=_home(seat, told["home"], HomePlan()),
    )


def _home(seat: Seat, told: Mapping[str, Any], proposed: HomePlan) -> HomePlan:
    today = seat.now().astimezone().date()
    return HomePlan(
        plan=told.get("plan", proposed.plan),
        drugs=tuple(told.get("drugs", proposed.drugs)),
        targets=told.get("targets", proposed.targets),
        checks=tuple(PlannedCheck(on=today + timedelta(days=days), what=what) for days, what in told.get("checks", ())),
    )


def _account(seat: Seat, login: str) -> Account:
    return next(account for account in seat.names_of_accounts() if account.login == login)
