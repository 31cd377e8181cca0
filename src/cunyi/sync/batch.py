"""What is known while a hub takes one batch: whose it is, what that node may write, and where what stands here differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from cunyi.domain.change import ChangeKind, Outcome, Reason
from cunyi.domain.organisation import KnownNode
from cunyi.store import schema
from cunyi.store.engine import DatabaseDefectError
from cunyi.store.known_nodes import node_by_id
from cunyi.store.links import last_sequence, values_in
from cunyi.store.travelling import TYPES, states
from cunyi.store.unit import Writing
from cunyi.sync.gathering import Wanted
from cunyi.sync.messages import TravellingChange
from cunyi.sync.scope import Scope

_START = datetime(1970, 1, 1, tzinfo=UTC)


# What the database says to values that no column holds. A full disk is something else, and told as that.
MISFITS = (DatabaseDefectError, SQLAlchemyError, ValueError, OverflowError)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a change (处理结果), and where it belongs in the log."""

    outcome: Outcome
    reason: Reason = Reason()
    person: str | None = None
    village: str | None = None
    left: str | None = None


def not_taken(sentence: str, **values: str) -> Verdict:
    """A change that is not taken, and why."""
    return Verdict(outcome=Outcome.REFUSED, reason=Reason(sentence=sentence, values=values))


class Batch:
    """One batch from one node, taken in one transaction (一批变更)."""

    def __init__(self, writing: Writing, sender: KnownNode) -> None:
        self.writing = writing
        self.connection = writing.connection
        self.organisation = writing.organisation
        self.sender = sender
        self.otherwise = Wanted()
        """What stands here otherwise than its sender believes."""
        self._scopes: dict[str, Scope | None] = {}
        self._villages: dict[str, str | None] = {}

    def scope_of(self, node_id: str) -> Scope | None:
        """What the node that made a change may have; None where it is not enrolled."""
        if node_id not in self._scopes:
            node = self.sender if node_id == self.sender.id else node_by_id(self.connection, self.organisation, node_id)
            self._scopes[node_id] = None if node is None else Scope(self.connection, node)
        return self._scopes[node_id]

    def village_of(self, person_id: str) -> str | None:
        """Where a person lives; None where nobody is known by that id."""
        if person_id not in self._villages:
            people = schema.person
            self._villages[person_id] = self.connection.execute(
                select(people.c.village_code).where(
                    people.c.organisation == self.organisation, people.c.id == person_id
                )
            ).scalar_one_or_none()
        return self._villages[person_id]

    def lives_in(self, person_id: str, village_code: str) -> None:
        """Remembers where a person lives from now on."""
        self._villages[person_id] = village_code

    def forget(self) -> None:
        """Nothing of what was remembered is sure any more: a part of it was taken back."""
        self._villages.clear()

    def moment(self, change: TravellingChange) -> datetime:
        """When a change was made, by the clock of its node: to be shown, never to be relied on."""
        try:
            return _START + timedelta(milliseconds=change.at)
        except OverflowError:
            return self.writing.at

    def known(self, ids: list[str]) -> dict[str, tuple[str | None, str]]:
        """The changes that are in the log already, with what became of them."""
        log = schema.change
        query = select(log.c.id, log.c.outcome, log.c.reason).where(log.c.organisation == self.organisation)
        return {row.id: (row.outcome, row.reason) for row in values_in(self.connection, query, log.c.id, ids)}

    def stands_otherwise(self, change: TravellingChange) -> None:
        """Remembers that the sender is to be told how the subject of a change stands here; not of what it only carries."""
        kind = ChangeKind(change.kind)
        if change.origin != self.sender.id and not self._is_the_senders(change):
            return
        if kind in TYPES and kind is not ChangeKind.ACCOUNT:
            self.otherwise.add(kind, change.subject)
        if kind is ChangeKind.CONFLICT:
            found = states(self.connection, self.organisation, kind, [change.subject])
            for body in found.values():
                thing = msgspec.json.decode(body)
                self.otherwise.add(ChangeKind(thing["kind"]), thing["subject"])

    def _is_the_senders(self, change: TravellingChange) -> bool:
        scope = self.scope_of(self.sender.id)
        if scope is None:
            return False
        if change.person is not None:
            return scope.may_write(change.person, self.village_of(change.person))
        kind = ChangeKind(change.kind)
        found = states(self.connection, self.organisation, kind, [change.subject]) if kind in TYPES else {}
        return any(scope.covers(msgspec.json.decode(body).get("village_code")) for body in found.values())

    def log(self, change: TravellingChange, verdict: Verdict) -> None:
        """Adds a change that was taken to the log, from which the nodes fetch it."""
        self.connection.execute(
            insert(schema.change).values(
                organisation=self.organisation,
                sequence=last_sequence(self.connection, self.organisation) + 1,
                id=change.id,
                kind=change.kind,
                subject=change.subject,
                body=b"" if change.kind == ChangeKind.ATTACHMENT else change.body,
                at=self.moment(change),
                origin=change.origin,
                signature=change.signature,
                person_id=verdict.person,
                village_code=verdict.village,
                village_before=verdict.left,
                outcome=verdict.outcome,
                reason=verdict.reason.text(),
            )
        )
