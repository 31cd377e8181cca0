"""What this node has to tell its hub: changes that are not answered yet, and those that were refused, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select, update

from cunyi.domain.change import DIRECTORY, ChangeKind, Outcome, Reason
from cunyi.store.schema import change
from cunyi.store.unit import Writing


class OutboxLine(msgspec.Struct, frozen=True, kw_only=True):
    """A change that the hub did not take (被拒变更): of what, whose, why. It stays here and is not sent again by itself."""

    id: str
    kind: ChangeKind
    subject: str
    person: str | None
    at: datetime
    answered_at: datetime
    reason: Reason


def unsent_count(connection: Connection, organisation: str) -> dict[ChangeKind, int]:
    """How many changes wait to be sent, by what they are of; those that are carried for other nodes included."""
    rows = connection.execute(
        select(change.c.kind, func.count())
        .where(change.c.organisation == organisation, change.c.sent_at.is_(None), change.c.kind.not_in(DIRECTORY))
        .group_by(change.c.kind)
        .order_by(change.c.kind)
    )
    return {ChangeKind(kind): count for kind, count in rows}


def refused(connection: Connection, organisation: str, limit: int = 200) -> list[OutboxLine]:
    """The changes that were refused, newest first."""
    rows = connection.execute(
        select(change)
        .where(
            change.c.organisation == organisation,
            change.c.sent_at.is_not(None),
            change.c.outcome == Outcome.REFUSED,
        )
        .order_by(change.c.sequence.desc())
        .limit(limit)
    )
    return [
        OutboxLine(
            id=row.id,
            kind=ChangeKind(row.kind),
            subject=row.subject,
            person=row.person_id,
            at=row.at,
            answered_at=row.sent_at,
            reason=Reason.of(row.reason),
        )
        for row in rows
    ]


def count_refused(connection: Connection, organisation: str) -> int:
    """How many changes were refused."""
    return connection.execute(
        select(func.count()).where(
            change.c.organisation == organisation,
            change.c.sent_at.is_not(None),
            change.c.outcome == Outcome.REFUSED,
        )
    ).scalar_one()


def send_again(writing: Writing, changes: Sequence[str]) -> int:
    """Lets refused changes wait once more, after what stood in their way was put right; how many. The caller adds the audit line."""
    return writing.connection.execute(
        update(change)
        .where(
            change.c.organisation == writing.organisation,
            change.c.id.in_(changes),
            change.c.outcome == Outcome.REFUSED,
        )
        .values(sent_at=None, outcome=None, reason="")
    ).rowcount
