"""Reading and checking the audit log."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from cunyi.domain.audit import AuditEntry
from cunyi.store import schema
from cunyi.store.audit_head import AuditHead
from cunyi.store.unit import SYSTEM, entry_of, line_hash

_CHUNK = 5000
_HASHED = ("sequence", "at", "latest", "action", "person", "subject", "detail")


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What checking found (核对结果): lines read, and in plain words what does not fit (empty: nothing)."""

    lines: int
    problems: tuple[str, ...]


def verify_audit(connection: Connection, organisation: str, head: AuditHead | None, public: bytes) -> AuditReport:
    """Reads the whole chain: every line, every link, and that it is not shorter than its signed end says."""
    table = schema.audit_entry
    problems: list[str] = []
    before = bytes(32)
    expected = 1
    hashes_at_end: dict[int, str] = {}
    end = head.read(public) if head is not None else None
    if head is not None and end is None:
        problems.append(f"日志末端文件 {head.path.name} 缺失或签名不对，不能判断日志有没有被截短")
    rows = connection.execution_options(yield_per=_CHUNK).execute(
        select(table).where(table.c.organisation == organisation).order_by(table.c.sequence)
    )
    for row in rows:
        line = {name: getattr(row, name) for name in _HASHED} | {"account": row.account or SYSTEM}
        if row.sequence != expected:
            problems.append(f"第 {expected} 条到第 {row.sequence - 1} 条缺失")
        if line_hash(line, before) != bytes(row.hash):
            problems.append(f"第 {row.sequence} 条被改过，或与前一条接不上")
        before, expected = bytes(row.hash), row.sequence + 1
        if end is not None and row.sequence == end.sequence:
            hashes_at_end[row.sequence] = before.hex()
    if end is not None and end.sequence >= expected:
        problems.append(f"日志被截短：应有至少 {end.sequence} 条，只有 {expected - 1} 条")
    elif end is not None and hashes_at_end.get(end.sequence) != end.hash and end.sequence > 0:
        problems.append(f"第 {end.sequence} 条与日志末端文件不符，日志被改写过")
    return AuditReport(lines=expected - 1, problems=tuple(problems))


def audit_of_person(connection: Connection, organisation: str, person: str, limit: int = 200) -> list[AuditEntry]:
    """Who saw and changed a person's record, newest first."""
    table = schema.audit_entry
    rows = connection.execute(
        select(table)
        .where(table.c.organisation == organisation, table.c.person == person)
        .order_by(table.c.sequence.desc())
        .limit(limit)
    )
    return [entry_of(row) for row in rows]


def latest_audit(connection: Connection, organisation: str, limit: int = 500) -> list[AuditEntry]:
    """The end of the log, newest first."""
    table = schema.audit_entry
    rows = connection.execute(
        select(table).where(table.c.organisation == organisation).order_by(table.c.sequence.desc()).limit(limit)
    )
    return [entry_of(row) for row in rows]
