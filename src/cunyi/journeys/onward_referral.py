"""A referral that goes on: what a facility received a patient with, for the slip by which it sends them further up."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from cunyi.domain.account import Account
from cunyi.domain.person import Person
from cunyi.domain.referral import ReferralDirection, ReferralSlip, ReferralState
from cunyi.domain.referral_course import ReferralCourse, follow
from cunyi.domain.thread import Thread, ThreadKind, in_order
from cunyi.journeys.thread_notes import facility_of
from cunyi.store.notes import notes_of, threads_of_person
from cunyi.store.people import same_person
from cunyi.store.unit import Store

_BACK = (ReferralState.RETURNED, ReferralState.FOLLOWED_UP)


def under_way(connection: Connection, organisation: str, person_id: str) -> list[Thread]:
    """The referrals of a person whose patient has not been sent back yet, newest first."""
    persons = same_person(connection, organisation, person_id)
    known = threads_of_person(connection, organisation, persons, ThreadKind.REFERRAL)
    return [each for each in known if not each.closed and each.state not in _BACK]


def may_send_on(referral: ReferralCourse) -> bool:
    """Whether the patient came up and is not sent back yet."""
    return referral.direction is ReferralDirection.UP and not referral.closed and referral.state not in _BACK


def received_with(store: Store, by: Account, person: Person) -> ReferralCourse | None:
    """The referral by which a patient came up to the account's facility and is there; None where there is none."""
    own = facility_of(store, by)
    with store.reading() as connection:
        for each in under_way(connection, by.organisation, person.id):
            if each.to_facility == own and each.details["direction"] == ReferralDirection.UP:
                return follow(in_order([kept.note for kept in notes_of(connection, by.organisation, each.id)]))
    return None


def sent_on(connection: Connection, organisation: str, referral: ReferralCourse) -> list[Thread]:
    """The referrals by which the patient of one was sent further."""
    persons = same_person(connection, organisation, referral.person.id)
    known = threads_of_person(connection, organisation, persons, ThreadKind.REFERRAL)
    return [each for each in known if each.details.get("onward_of") == referral.id]


def carried_on(slip: ReferralSlip, received: ReferralCourse) -> ReferralSlip:
    """A proposed slip with what the received one said, wherever nothing newer stands; what was done before comes first."""
    before = received.slip
    if before is None:
        return slip
    done = f"{received.from_name}：{before.treatment}" if before.treatment else ""
    return msgspec.structs.replace(
        slip,
        onward_of=received.id,
        reason=slip.reason or before.reason,
        complaint=slip.complaint or before.complaint,
        history=slip.history or before.history,
        past_history=before.past_history if slip.past_history in before.past_history else slip.past_history,
        findings=slip.findings or before.findings,
        results=tuple(dict.fromkeys([*slip.results, *before.results])),
        treatment="；".join(each for each in (done, slip.treatment) if each),
        diagnoses=slip.diagnoses or before.diagnoses,
        allergies=tuple(dict.fromkeys([*slip.allergies, *before.allergies])),
        current_drugs=tuple(dict.fromkeys([*slip.current_drugs, *before.current_drugs])),
        patient_phone=slip.patient_phone or before.patient_phone,
    )
