"""What is late in a referral, and whom to turn to next: from the thread, the rules and the hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from cunyi.domain.referral import ReferralDirection, ReferralState, ReferralUrgency
from cunyi.knowledge.referral_loops import ReferralLoop, Reminder, waiting_key


def due_after(
    loop: ReferralLoop, state: ReferralState, urgency: ReferralUrgency, direction: ReferralDirection, at: datetime
) -> datetime | None:
    """When a referral that reached a state is late."""
    minutes = loop.limit_minutes(state, urgency, direction)
    return None if minutes is None else at + timedelta(minutes=minutes)


def reminders_due(
    loop: ReferralLoop,
    state: ReferralState,
    urgency: ReferralUrgency,
    direction: ReferralDirection,
    due_at: datetime | None,
    now: datetime,
) -> list[Reminder]:
    """What is to be done by now because nobody answered, the latest step first. A further step comes after a further limit."""
    minutes = loop.limit_minutes(state, urgency, direction)
    if due_at is None or minutes is None or now < due_at:
        return []
    limit = timedelta(minutes=minutes)
    key = waiting_key(state, direction)
    found = [
        each
        for each in loop.reminders
        if key in each.states
        and (not each.urgencies or urgency in each.urgencies)
        and due_at + (each.times - 1) * limit <= now
    ]
    return sorted(found, key=lambda each: -each.times)


def call_again_at(loop: ReferralLoop, urgency: ReferralUrgency, called_at: datetime) -> datetime:
    """When to try again after a telephone call that nobody followed up."""
    return called_at + timedelta(minutes=loop.call_again[urgency])
