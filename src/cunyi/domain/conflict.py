"""Conflicts (冲突): what two people made of the same field apart from each other, until a third look decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from cunyi.domain.change import ChangeKind


class Disputed(msgspec.Struct, frozen=True, kw_only=True):
    """One field on which they differ (分歧字段), in plain values: what stands and what was sent, by whom and when each."""

    field: str
    ours: Any
    theirs: Any
    ours_by: str = ""
    ours_node: str = ""
    ours_at: datetime | None = None


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of one thing that two nodes changed apart (冲突). The hub's values stand until somebody decides.

    `id` is that of the change that did not fit; `by`, `node` and `made_at` say whose it was. `chosen` are the values that were decided on,
    by field.
    """

    id: str
    organisation: str
    kind: ChangeKind
    subject: str
    person_id: str | None = None
    village_code: str | None = None
    disputed: tuple[Disputed, ...]
    by: str = ""
    node: str = ""
    made_at: datetime | None = None
    found_at: datetime
    chosen: dict[str, Any] = {}
    decided_by: str = ""
    decided_node: str = ""
    decided_at: datetime | None = None
    revision: int = 1

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet."""
        return self.decided_at is None
