"""What travels between nodes (变更): one change of one thing, and what became of it where it arrived."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class ChangeKind(StrEnum):
    """What a change is of (变更种类)."""

    PERSON = "person"
    HOUSEHOLD = "household"
    LIST_ENTRY = "list_entry"
    MERGE = "merge"
    DOCUMENT = "document"
    NOTE = "note"
    ACCOUNT = "account"
    CONFLICT = "conflict"
    FACILITY = "facility"
    NODE = "node"
    VILLAGE = "village"
    AREA = "area"
    ATTACHMENT = "attachment"


# Signed once and never changed: these travel as the bytes that were signed.
SIGNED = frozenset({ChangeKind.DOCUMENT, ChangeKind.NOTE})


class Outcome(StrEnum):
    """What became of a change where it arrived (同步结果: 新增 / 更新 / 相同 / 已过时 / 冲突 / 拒绝). There is no other."""

    NEW = "new"
    UPDATED = "updated"
    IDENTICAL = "identical"
    STALE = "stale"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a change did to a thing (差异): the fields it touched, as they were and as they became. `before` is None for a new thing."""

    before: dict[str, Any] | None
    after: dict[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change as it travels (变更). `body` is a Difference for what has a state, and empty for what is signed or is a picture:

    those bytes travel beside it. `sequence` is the place in the log of whoever sends it.
    """

    id: str
    sequence: int
    kind: ChangeKind
    subject: str
    origin: str
    at: datetime
    person: str | None
    body: bytes = b""


def difference(before: Any, after: Any) -> Difference:
    """What became of a thing, field by field, in plain values; the revision is not one of its fields."""
    was: dict[str, Any] | None = None if before is None else msgspec.to_builtins(before)
    now: dict[str, Any] = msgspec.to_builtins(after)
    if was is None:
        return Difference(before=None, after=now)
    touched = [name for name in now if name != "revision" and was.get(name) != now[name]]
    return Difference(before={name: was.get(name) for name in touched}, after={name: now[name] for name in touched})
