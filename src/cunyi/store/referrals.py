"""The referrals of one facility, and those that came back within a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from cunyi.domain.thread import Thread, ThreadKind
from cunyi.store.notes import thread_of_row
from cunyi.store.township_schema import thread as threads

_MOST = 500


def referrals_of(
    connection: Connection, organisation: str, facility: str, *, ended_since: datetime | None = None
) -> list[Thread]:
    """The referrals from and to a facility that go on, and where asked those that ended since; the most urgent first."""
    state: ColumnElement[bool] = threads.c.closed.is_(False)
    if ended_since is not None:
        state = or_(state, threads.c.changed_at >= ended_since)
    rows = connection.execute(
        select(threads)
        .where(
            threads.c.organisation == organisation,
            threads.c.kind == ThreadKind.REFERRAL,
            or_(threads.c.from_facility == facility, threads.c.to_facility == facility),
            state,
        )
        .order_by(threads.c.urgency.desc(), threads.c.due_at, threads.c.changed_at, threads.c.id)
        .limit(_MOST)
    )
    return [thread_of_row(row) for row in rows]


def referrals_between(
    connection: Connection, organisation: str, since: datetime, until: datetime, villages: Sequence[str]
) -> list[Thread]:
    """Every referral that was opened within a time, of these villages (codes or their leading digits), the newest first."""
    rows = connection.execute(
        select(threads)
        .where(
            threads.c.organisation == organisation,
            threads.c.kind == ThreadKind.REFERRAL,
            threads.c.opened_at >= since,
            threads.c.opened_at < until,
            or_(*(threads.c.village_code.startswith(area, autoescape=True) for area in villages)),
        )
        .order_by(threads.c.opened_at.desc(), threads.c.id)
    )
    return [thread_of_row(row) for row in rows]
