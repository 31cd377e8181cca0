"""What lists read of a referral: its row, made from its course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cunyi.domain.referral import ReferralState, ReferralStep
from cunyi.domain.referral_comparing import compare
from cunyi.domain.referral_course import ReferralCourse, ReferralEvent, follow
from cunyi.domain.thread import Note, Thread, ThreadKind


def thread_of(notes: Sequence[Note]) -> Thread:
    """The projection of a referral that lists read."""
    referral = follow(notes)
    begun = referral.events[0].note
    last = referral.events[-1]
    return Thread(
        id=referral.id,
        organisation=begun.organisation,
        kind=ThreadKind.REFERRAL,
        person_id=referral.person.id,
        village_code=begun.village_code,
        state=referral.state,
        closed=referral.closed,
        urgency=referral.urgency.level,
        from_facility=referral.from_facility,
        to_facility=referral.place.facility,
        opened_at=referral.opened_at,
        changed_at=referral.changed_at,
        due_at=referral.due_at,
        details=_details(referral, last),
    )


def _details(referral: ReferralCourse, last: ReferralEvent) -> dict[str, Any]:
    """What lists show of a referral."""
    person, slip = referral.person, referral.slip
    declined = referral.last(ReferralStep.DECLINE) if referral.state is ReferralState.DECLINED else None
    other = declined.content.place if declined else None
    back = referral.last_return()
    called = referral.last_call
    compared = compare(slip, back.content.returned) if slip and back and back.content.returned else None
    return {
        "direction": referral.direction.value,
        "urgency": referral.urgency.value,
        "name": person.name,
        "sex": person.sex,
        "birth_on": person.birth_on.isoformat() if person.birth_on else None,
        "reason": slip.reason if slip else "",
        "from_name": referral.from_name,
        "to_name": referral.place.name,
        "department": referral.place.department,
        "waits_for": referral.waits_for.value if referral.waits_for else "",
        "disputed": referral.disputed,
        "coordinators": sorted(referral.coordinators),
        "escalated": referral.escalated,
        "unread_by": sorted(referral.unread_by),
        "alternative": other.name if other else "",
        "complaint": slip.complaint if slip else "",
        "compared": msgspec.to_builtins(compared) if compared else None,
        "onward_of": slip.onward_of if slip else "",
        "called_at": called.note.signed_at.isoformat() if called else None,
        "last": last.note.kind,
        "last_at": last.note.signed_at.isoformat(),
        "last_by": last.note.author.name,
        "last_facility": last.note.facility_name,
    }
