"""Whether something was written that must not wait for its turn to be sent."""

from __future__ import annotations

from sqlalchemy import Connection, select

from cunyi.domain.change import ChangeKind
from cunyi.store.schema import change
from cunyi.store.township_schema import note, thread

_AT_ONCE = 2


def has_urgent(connection: Connection, organisation: str, after: int) -> bool:
    """Whether an unsent note after a place of the log belongs to a thread that needs an answer at once."""
    return (
        connection.execute(
            select(change.c.sequence)
            .join(note, (note.c.organisation == change.c.organisation) & (note.c.id == change.c.subject))
            .join(thread, (thread.c.organisation == note.c.organisation) & (thread.c.id == note.c.thread_id))
            .where(
                change.c.organisation == organisation,
                change.c.sequence > after,
                change.c.sent_at.is_(None),
                change.c.kind == ChangeKind.NOTE,
                thread.c.urgency >= _AT_ONCE,
            )
            .limit(1)
        ).first()
        is not None
    )
