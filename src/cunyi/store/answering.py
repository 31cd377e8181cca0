"""Threads that wait for an answer, and how long answers took: what the bell, the lists and the escalation read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from cunyi.domain.thread import Thread, ThreadKind
from cunyi.store.notes import thread_of_row
from cunyi.store.township_schema import thread as threads

_MOST = 1000


def waiting_threads(
    connection: Connection,
    organisation: str,
    kinds: Sequence[ThreadKind],
    *,
    ended_since: datetime | None = None,
    ended_from: str | None = None,
) -> list[Thread]:
    """The threads of some kinds that are open, the most urgent first; with those that ended and were written in since a time.

    `ended_from`: of those only what this facility began.
    """
    which: ColumnElement[bool] = threads.c.closed.is_(False)
    if ended_since is not None:
        ended = threads.c.changed_at >= ended_since
        which = or_(which, ended if ended_from is None else and_(ended, threads.c.from_facility == ended_from))
    return _read(
        connection,
        _of(organisation, kinds).where(which).order_by(threads.c.urgency.desc(), threads.c.changed_at, threads.c.id),
    )


def overdue_threads(
    connection: Connection, organisation: str, kinds: Sequence[ThreadKind], now: datetime
) -> list[Thread]:
    """The open threads of some kinds whose next step is late, the longest first."""
    return _read(
        connection,
        _of(organisation, kinds)
        .where(threads.c.closed.is_(False), threads.c.due_at <= now)
        .order_by(threads.c.due_at, threads.c.id),
    )


def threads_since(
    connection: Connection, organisation: str, kinds: Sequence[ThreadKind], since: datetime
) -> list[Thread]:
    """The threads of some kinds that were opened since a time, latest first."""
    return _read(
        connection,
        _of(organisation, kinds)
        .where(threads.c.opened_at >= since)
        .order_by(threads.c.opened_at.desc(), threads.c.id.desc()),
    )


def _of(organisation: str, kinds: Sequence[ThreadKind]) -> Select[tuple[object, ...]]:
    return select(threads).where(threads.c.organisation == organisation, threads.c.kind.in_(list(kinds))).limit(_MOST)


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> list[Thread]:
    return [thread_of_row(row) for row in connection.execute(query)]
