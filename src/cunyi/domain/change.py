"""What travels between nodes (变更): one change of one thing, and what became of it where it arrived."""

from __future__ import annotations

from collections.abc import Callable
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


# Places have codes and no ids; what travels of them is the whole directory.
DIRECTORY = frozenset({ChangeKind.AREA, ChangeKind.FACILITY, ChangeKind.VILLAGE, ChangeKind.NODE})


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a change did to a thing (差异): the fields it touched, as they were and as they became. `before` is None for a new thing.

    `revision` is the thing's after the change, 0 where it has none; `by` the account that did it.
    """

    before: dict[str, Any] | None
    after: dict[str, Any]
    revision: int = 0
    by: str = ""


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a change was not simply taken (原因): a Chinese sentence, and the words that fill its slots."""

    sentence: str = ""
    values: dict[str, str] = {}

    def told(self, translated: Callable[[str], str] = str) -> str:
        """The sentence in the words of a catalogue."""
        sentence = translated(self.sentence) if self.sentence else ""
        return sentence.format(**self.values) if self.values else sentence

    def text(self) -> str:
        """As it is kept in a column; empty for no reason."""
        return msgspec.json.encode(self).decode() if self.sentence else ""

    @classmethod
    def of(cls, text: str) -> Reason:
        """From a column."""
        return msgspec.json.decode(text, type=cls) if text else cls()


def difference(before: Any, after: Any, by: str = "") -> Difference:
    """What became of a thing, field by field, in plain values; the revision is not one of its fields."""
    was: dict[str, Any] | None = None if before is None else msgspec.to_builtins(before)
    now: dict[str, Any] = msgspec.to_builtins(after)
    revision = now.get("revision", 0)
    if was is None:
        return Difference(before=None, after=now, revision=revision, by=by)
    touched = [name for name in now if name != "revision" and was.get(name) != now[name]]
    return Difference(
        before={name: was.get(name) for name in touched},
        after={name: now[name] for name in touched},
        revision=revision,
        by=by,
    )
