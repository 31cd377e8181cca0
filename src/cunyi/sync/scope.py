"""Whose records a node may have and may write: its villages' people, those it follows, and those it held once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, false, or_, select

from cunyi.domain.organisation import KnownNode
from cunyi.store import schema, township_schema
from cunyi.store.links import followed_by


class Scope:
    """What one node may have (节点范围)."""

    def __init__(self, connection: Connection, node: KnownNode) -> None:
        self._connection = connection
        self.node = node
        self.followed = followed_by(connection, node.organisation, node.id)

    def covers(self, village_code: str | None) -> bool:
        """Whether a village is one of its own."""
        return village_code is not None and any(village_code.startswith(area) for area in self.node.scope)

    def holds(self, person_id: str, village_code: str | None) -> bool:
        """Whether it is to have a person's record now."""
        return self.covers(village_code) or person_id in self.followed

    def may_write(self, person_id: str, village_code: str | None) -> bool:
        """Whether it may change a person's record: also that of somebody about whom its facility is asked, or whom it held once and

        who moved away before it heard of it.
        """
        if self.holds(person_id, village_code) or self._is_asked_about(person_id):
            return True
        log = schema.change
        return (
            self._connection.execute(
                select(log.c.sequence)
                .where(
                    log.c.organisation == self.node.organisation,
                    log.c.subject == person_id,
                    or_(self.within(log.c.village_code), self.within(log.c.village_before)),
                )
                .limit(1)
            ).first()
            is not None
        )

    def _is_asked_about(self, person_id: str) -> bool:
        threads, facility = township_schema.thread, self.node.facility
        query = select(threads.c.id).where(
            threads.c.organisation == self.node.organisation,
            threads.c.person_id == person_id,
            or_(threads.c.from_facility == facility, threads.c.to_facility == facility),
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def takes_part_in(self, thread_id: str) -> bool:
        """Whether its facility asks or is asked in a thread."""
        threads = township_schema.thread
        row = self._connection.execute(
            select(threads.c.from_facility, threads.c.to_facility).where(
                threads.c.organisation == self.node.organisation, threads.c.id == thread_id
            )
        ).one_or_none()
        return row is not None and self.node.facility in (row.from_facility, row.to_facility)

    def within(self, column: Any) -> ColumnElement[bool]:
        """The villages of the node, as a condition."""
        if not self.node.scope:
            return false()
        return or_(*(column.startswith(area, autoescape=True) for area in self.node.scope))
