"""A conflict decided by a person: the first decision stands, a second is told that it comes too late."""

from __future__ import annotations

from typing import Any

import msgspec

from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind
from cunyi.domain.conflict import Conflict
from cunyi.domain.errors import UserError
from cunyi.store.conflicts import conflict_by_id, keep_conflict
from cunyi.store.links import current_epoch
from cunyi.store.people import StaleError, person_by_id
from cunyi.store.travelling import keep_states, owners_of_codes, state_from, states
from cunyi.store.unit import Writing
from cunyi.sync.linking import leads_back


def decide(writing: Writing, conflict: Conflict, values: dict[str, Any], *, by: str) -> Conflict:
    """Decides every field of a conflict on a value, given plainly by field; StaleError where somebody decided before.

    On a kit the decision is sent to the hub; what stands there at last comes back as everything does.
    """
    current = conflict_by_id(writing.connection, writing.organisation, conflict.id)
    if current is None or not current.is_open:
        raise StaleError("这处冲突已由别人决定；请重新打开查看结果", field="conflict")
    if set(values) != {each.field for each in current.disputed}:
        raise UserError("每一项都要选定一个值", field="conflict")
    decided = msgspec.structs.replace(
        current,
        chosen=values,
        decided_by=by,
        decided_node=writing.node.id,
        decided_at=writing.at,
        revision=current.revision + 1,
    )
    on_hub = current_epoch(writing.connection, writing.organisation) is not None
    keep_conflict(writing.connection, decided)
    writing.change(
        ChangeKind.CONFLICT,
        decided.id,
        before=current,
        after=decided,
        person=decided.person_id,
        village=decided.village_code,
    )
    settle(writing, decided, logged=on_hub)
    writing.audit(Action.DECIDE_CONFLICT, person=decided.person_id, subject=decided.id)
    return decided


def settle(writing: Writing, decided: Conflict, *, logged: bool) -> None:
    """Gives the thing its chosen values. `logged` where the nodes are to hear of it from here: on the hub."""
    found = states(writing.connection, writing.organisation, decided.kind, [decided.subject])
    if decided.subject not in found:
        raise UserError("这份档案不在本机；请先同步", field="conflict")
    before = state_from(decided.kind, msgspec.json.decode(found[decided.subject]))
    _look_for_others(writing, decided)
    try:
        after = state_from(decided.kind, msgspec.json.decode(found[decided.subject]) | decided.chosen)
    except msgspec.ValidationError:
        raise UserError("选定的值不合格式；请另选一个，或改填正确的值", field="conflict") from None
    if after == before:
        return
    if hasattr(after, "revision"):
        after = msgspec.structs.replace(after, revision=before.revision + 1)
    keep_states(writing.connection, writing.organisation, decided.kind, [after], known=[after.id])
    if logged:
        village = getattr(after, "village_code", None)
        writing.change(
            decided.kind, decided.subject, before=before, after=after, person=decided.person_id, village=village
        )


def _look_for_others(writing: Writing, decided: Conflict) -> None:
    code = decided.chosen.get("archive_code")
    if code and owners_of_codes(writing.connection, writing.organisation, [code]).get(code, decided.subject) != (
        decided.subject
    ):
        raise UserError("档案编码 {code} 已是另一位居民的；请选另一个值", field="conflict", code=code)
    other = decided.chosen.get("replaced_by")
    if other and (
        person_by_id(writing.connection, writing.organisation, other) is None
        or leads_back(writing, decided.subject, other)
    ):
        raise UserError("不能合并到这份档案：它已合并到这一份；请选“不合并”", field="conflict")
