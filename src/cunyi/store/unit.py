"""Reading and writing: every write is one transaction that carries its audit line and, where it is to travel, its change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import uuid_utils
from sqlalchemy import Connection, Engine, event, func, insert, select, text

from cunyi.domain.audit import Action, AuditEntry
from cunyi.domain.change import ChangeKind, difference
from cunyi.domain.encounter import canonical
from cunyi.domain.errors import UserError
from cunyi.store import schema
from cunyi.store.audit_head import AuditHead
from cunyi.store.engine import WRITE, WRITERS
from cunyi.store.signing import NodeKey, sm3

_LOG = logging.getLogger("cunyi.store")
# A clock that runs a little behind is ordinary; more is a clock that was set wrong.
_TOLERANCE = timedelta(minutes=5)
_NOTHING = bytes(32)
SYSTEM = "system"


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a node knows of itself (节点): the county it registers people in, its facility, its own id."""

    id: str
    organisation: str
    township: str
    facility: str
    facility_name: str
    demonstration: bool


class Store:
    """The records of one node (数据存储). Threads share it; a write waits for the one before."""

    def __init__(
        self,
        engine: Engine,
        node: NodeFacts,
        key: NodeKey,
        *,
        clock: Callable[[], datetime],
        head: AuditHead | None = None,
    ) -> None:
        self.engine = engine
        self.node = node
        self.key = key
        self.clock = clock
        self._head = head
        self._turn = threading.Lock()
        self._newest_id = 0
        self._is_shut = False
        # PostgreSQL would show each statement another state. A writer must not: it looks after it waited for the one before.
        one_state = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        self._readers = engine.execution_options(**one_state)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the records."""
        self._expect_not_shut()
        with self._readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, account: str, *, working_state: bool = False) -> Iterator[Writing]:
        """One transaction by one account. Nothing of it stays where it fails; it is on the disk when this returns.

        `working_state` for what is not a record and never leaves the node (what is being typed, when a session was last
        seen): it needs no audit line.
        """
        with self._turn:
            self._expect_not_shut()
            with self.engine.connect() as connection:
                writable = connection.execution_options(**{WRITE: True})
                with writable.begin():
                    writing = Writing(self, writable, account)
                    yield writing
                    writing.finish(working_state=working_state)
            if self._head is not None and writing.is_told:
                self._advance(self._head, writing)

    def new_id(self, at: datetime) -> str:
        """A UUIDv7 that sorts after those made before it, also within one millisecond. For a write under way."""
        made = uuid_utils.uuid7(nanoseconds=int(at.timestamp() * 1_000_000_000)).int
        self._newest_id = made if made > self._newest_id else self._newest_id + 1
        return str(UUID(int=self._newest_id))

    def _advance(self, head: AuditHead, writing: Writing) -> None:
        try:
            head.advance(writing.sequence, writing.hash, self.key)
        except OSError as error:
            # The write is on the disk and must not be told as failed; the next one brings the file up to date.
            _LOG.warning("audit.head stays behind: %s", error.strerror)

    def close(self) -> None:
        """Gives back every connection."""
        self.engine.dispose()

    def shut(self) -> None:
        """Closes for good: what still holds this store can neither read nor write, nor make the database anew by asking for it."""
        self._is_shut = True
        self.engine.dispose()

    def _expect_not_shut(self) -> None:
        if self._is_shut:
            raise UserError("这台电脑已被停用，数据已清除；请按页面上的说明联系卫生院", field="database")


class Writing:
    """A transaction under way (写入). `at` is the computer's clock, `latest` the latest time this node has known.

    `clock_doubtful` where the clock stands before what was already written.
    """

    def __init__(self, store: Store, connection: Connection, account: str) -> None:
        self._store = store
        self.node = store.node
        self.key = store.key
        self.organisation = store.node.organisation
        self.connection = connection
        self.account = account
        if connection.dialect.name == "postgresql":
            # One writer at a time in each county: sequences belong to a county.
            county = {"n": WRITERS, "county": self.organisation}
            connection.execute(text("SELECT pg_advisory_xact_lock(:n, hashtext(:county))"), county)
        last = last_audit(connection, self.organisation)
        self.sequence, self.hash = (last.sequence, bytes.fromhex(last.hash)) if last else (0, _NOTHING)
        self.at = store.clock()
        self.clock_doubtful = last is not None and self.at + _TOLERANCE < last.latest
        self.latest = max(self.at, last.latest) if last else self.at
        self._first = self.sequence
        self._alters = False
        event.listen(connection, "before_cursor_execute", self._notice)

    def new_id(self) -> str:
        """A UUIDv7 that sorts after what this node made before, even when the clock is wrong."""
        return self._store.new_id(self.latest)

    def audit(
        self,
        action: Action,
        *,
        person: str | None = None,
        subject: str | None = None,
        detail: str = "",
        clock_confirmed: bool = False,
    ) -> None:
        """Adds a line to the log. `detail` holds words of the program, never of a patient."""
        if clock_confirmed:
            self.latest, self.clock_doubtful = self.at, False
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
        self.connection.execute(insert(schema.audit_entry).values(audit_row(self.organisation, line, self.hash)))

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
        """Adds a change to the log, to be sent on: what became of a thing that has a state, nothing of what is signed.

        `before` is the thing as it was, None where it is new; `person` whose it is, `village` where it is of a village and of nobody.
        """
        left = None
        if person is not None and village is None:
            village = self._village_of(person)
        if kind is ChangeKind.PERSON and before is not None and before.village_code != village:
            left = before.village_code
        highest = select(func.coalesce(func.max(schema.change.c.sequence), 0)).where(
            schema.change.c.organisation == self.organisation
        )
        self.connection.execute(
            insert(schema.change).values(
                organisation=self.organisation,
                sequence=self.connection.execute(highest).scalar_one() + 1,
                id=self.new_id(),
                kind=kind,
                subject=subject,
                body=b"" if after is None else canonical(difference(before, after, self.account)),
                at=self.latest,
                person_id=person,
                village_code=village,
                village_before=left,
            )
        )

    def _village_of(self, person: str) -> str | None:
        people = schema.person
        return self.connection.execute(
            select(people.c.village_code).where(people.c.organisation == self.organisation, people.c.id == person)
        ).scalar_one_or_none()

    def finish(self, *, working_state: bool) -> None:
        """The last look before the commit: a write that nobody can account for is a defect.

        Whoever waited for the writer before and then finds nothing left to do has written nothing and needs no line.
        """
        if self._alters and not self.is_told and not working_state:
            raise RuntimeError("a write without an audit line")

    @property
    def is_told(self) -> bool:
        """Whether there is an audit line of it."""
        return self.sequence > self._first

    def _notice(self, *event_arguments: Any) -> None:
        statement = event_arguments[4]
        self._alters = self._alters or statement.isinsert or statement.isupdate or statement.isdelete


def line_hash(line: dict[str, Any], before: bytes) -> bytes:
    """The hash of an audit line over its canonical form, the hash of the line before it included."""
    return sm3(
        canonical({**line, "at": _moment(line["at"]), "latest": _moment(line["latest"]), "before": before.hex()})
    )


def audit_row(organisation: str, line: dict[str, Any], digest: bytes) -> dict[str, Any]:
    """An audit line as its table keeps it: the program itself has no account."""
    account = None if line["account"] == SYSTEM else line["account"]
    return {**line, "organisation": organisation, "account": account, "hash": digest}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def last_audit(connection: Connection, organisation: str) -> AuditEntry | None:
    """The last line of the log."""
    table = schema.audit_entry
    found = connection.execute(
        select(table).where(table.c.organisation == organisation).order_by(table.c.sequence.desc()).limit(1)
    ).one_or_none()
    return None if found is None else entry_of(found)


def entry_of(row: Any) -> AuditEntry:
    """An audit line as plain data, hashes in hexadecimal."""
    return AuditEntry(
        sequence=row.sequence,
        at=row.at,
        latest=row.latest,
        account=row.account or SYSTEM,
        action=row.action,
        person=row.person,
        subject=row.subject,
        detail=row.detail,
        hash=bytes(row.hash).hex(),
    )
