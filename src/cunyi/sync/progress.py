"""How far a node got with its hub, and what it makes of what the hub says of itself: restored, or restored itself."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from cunyi.domain.change import DIRECTORY, ChangeKind, Outcome
from cunyi.store import schema
from cunyi.store.links import Link, id_at, last_sequence
from cunyi.store.unit import Writing
from cunyi.sync.messages import Known

# The random end of an id.
_TAIL = 12


def heard(writing: Writing, link: Link, known: Known) -> Link:
    """The link after the hub told how it stands.

    Another epoch: the hub was restored, and is given again what is here, before everything is fetched anew. Another last change
    than this node has: it was restored itself, and fetches its own work too.
    """
    link = msgspec.structs.replace(link, contact_at=writing.at, problem="")
    if link.epoch and known.epoch != link.epoch:
        _open_again(writing, link.settled)
        link = msgspec.structs.replace(
            link,
            after=0,
            after_id=None,
            cursor="",
            first_done=False,
            offering="",
            own_until=0,
            uploads={},
            marks=(),
        )
    elif known.received < link.received:
        # It was restored to where this node had fetched to last: what it acknowledged since is not there any more.
        _open_again(writing, min(link.settled, known.received))
    if known.received_id is not None and known.received_id != link.received_id:
        here = id_at(writing.connection, writing.organisation, known.received)
        if here != known.received_id:
            link = msgspec.structs.replace(link, own_until=max(known.sequence, link.own_until))
            _never_again(writing, known.received)
    return msgspec.structs.replace(link, epoch=known.epoch, received=known.received, received_id=known.received_id)


def with_mark(marks: tuple[tuple[int, str], ...], sequence: int, change_id: str | None) -> tuple[tuple[int, str], ...]:
    """Places of a log with one more, so few that each is about twice as far back as the one before."""
    if change_id is None or (marks and marks[-1][0] >= sequence):
        return marks
    kept: dict[int, tuple[int, str]] = {}
    for mark in marks:
        kept.setdefault((sequence - mark[0]).bit_length(), mark)
    return (*sorted(kept.values()), (sequence, change_id[-_TAIL:]))


def parted_after(connection: Connection, organisation: str, marks: tuple[tuple[int, str], ...]) -> int:
    """The last place up to which a log is the one that a node knows."""
    for sequence, tail in sorted(marks, reverse=True):
        found = id_at(connection, organisation, sequence)
        if found is not None and found[-_TAIL:] == tail:
            return sequence
    return 0


def settled_now(connection: Connection, organisation: str) -> int:
    """The last of the own changes before which all are answered."""
    log = schema.change
    first = connection.execute(
        select(func.min(log.c.sequence)).where(log.c.organisation == organisation, log.c.sent_at.is_(None))
    ).scalar_one()
    return first - 1 if first is not None else last_sequence(connection, organisation)


def _open_again(writing: Writing, settled: int) -> None:
    """What was answered, but whose result was not seen yet, is sent once more: the hub may have forgotten it."""
    log = schema.change
    writing.connection.execute(
        update(log)
        .where(
            log.c.organisation == writing.organisation,
            log.c.sequence > settled,
            log.c.outcome.is_not(None),
            log.c.outcome != Outcome.REFUSED,
            log.c.kind.not_in(DIRECTORY),
        )
        .values(sent_at=None, outcome=None, reason="")
    )


def _never_again(writing: Writing, received: int) -> None:
    """Keeps the numbers that this node had given out before it was restored from being given out once more."""
    if last_sequence(writing.connection, writing.organisation) >= received:
        return
    writing.connection.execute(
        insert(schema.change).values(
            organisation=writing.organisation,
            sequence=received,
            id=writing.new_id(),
            kind=ChangeKind.NODE,
            subject=writing.node.id,
            body=b"",
            at=writing.latest,
            sent_at=writing.at,
            outcome=Outcome.IDENTICAL,
        )
    )
