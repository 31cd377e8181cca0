"""Filling a node in batches: the rows, hashes and sequences of real work, many to a statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Insert, Table, func, insert, select

from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind, difference
from cunyi.domain.encounter import canonical
from cunyi.store import schema
from cunyi.store.engine import WRITE
from cunyi.store.township_schema import metadata
from cunyi.store.unit import Store, Writing, audit_row, line_hash


class _Batch:
    """Stands in for the connection of a transaction: rows to be added are gathered by table and sent together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # No database of its own: many rows at once come by `execute`, too, and not past it.
        self.dialect = SimpleNamespace(name="")
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def execute(self, statement: Any, rows: Any = None) -> Any:
        if not isinstance(statement, Insert):
            return self._connection.execute(statement, rows)
        if rows is None:
            rows = [{str(getattr(key, "name", key)): bound.value for key, bound in statement._values.items()}]
        self._rows[statement.table.name] += rows
        return None

    def add(self, table: Table, row: dict[str, Any]) -> None:
        self._rows[table.name].append(row)

    def send(self) -> None:
        for table in metadata.sorted_tables:
            if self._rows[table.name]:
                self._connection.execute(insert(table), self._rows.pop(table.name))


class Filling(Writing):
    """A transaction whose rows are sent in batches and whose clock is set by the story it tells."""

    def __init__(self, store: Store, connection: Connection, account: str) -> None:
        super().__init__(store, connection, account)
        highest = select(func.coalesce(func.max(schema.change.c.sequence), 0))
        self._changes: int = connection.execute(highest).scalar_one()
        self.batch = _Batch(connection)
        self.connection = self.batch  # type: ignore[assignment]

    def be(self, account: str, at: datetime) -> None:
        self.account, self.at, self.latest = account, at, at

    def change(
        self,
        kind: ChangeKind,
        subject: str,
        *,
        after: Any = None,
        before: Any = None,
        person: str | None = None,
        village: str | None = None,
    ) -> None:
        self._changes += 1
        self.batch.add(
            schema.change,
            {
                "organisation": self.organisation,
                "sequence": self._changes,
                "id": self.new_id(),
                "kind": kind,
                "subject": subject,
                "body": b"" if after is None else canonical(difference(before, after)),
                "at": self.latest,
                "sent_at": None,
                "person_id": person,
                "village_code": village,
            },
        )

    def audit(
        self,
        action: Action,
        *,
        person: str | None = None,
        subject: str | None = None,
        detail: str = "",
        clock_confirmed: bool = False,
    ) -> None:
        self.sequence += 1
        line = {
            "sequence": self.sequence,
            "at": self.at,
            "latest": self.latest,
            "account": self.account,
            "action": action.value,
            "person": person,
            "subject": subject,
            "detail": detail,
        }
        self.hash = line_hash(line, self.hash)
        self.batch.add(schema.audit_entry, audit_row(self.organisation, line, self.hash))


@contextmanager
def filling(store: Store, account: str) -> Iterator[Filling]:
    with store.engine.connect() as connection:
        writable = connection.execution_options(**{WRITE: True})
        with writable.begin():
            writing = Filling(store, writable, account)
            yield writing
            writing.batch.send()
