"""The hub takes what a node sends: every change gets an outcome, all of a batch in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cunyi.domain.change import DIRECTORY, SIGNED, ChangeKind, Outcome, Reason
from cunyi.domain.organisation import NodeState
from cunyi.sync.batch import MISFITS, Batch, Verdict, not_taken
from cunyi.sync.messages import Outcomes, TravellingChange
from cunyi.sync.receiving_signed import SignedThings
from cunyi.sync.receiving_states import change_state, decide_conflict
from cunyi.sync.sealing import is_true

_KINDS = frozenset(kind.value for kind in ChangeKind)
_ONLY_HERE = "机构、村和设备只能在中心修改"
_STRANGER = "记录这一条的设备没有在中心登记；请联系管理员"
_REVOKED = "记录这一条的设备已被吊销；请核对后在本机重新填写"
_MISFIT = "内容不合格式，存不进去；请核对后重新填写，或联系管理员"
_FORGED = "签名与内容不符，可能在途中被改动；请联系管理员"


def receive(batch: Batch, changes: Sequence[TravellingChange]) -> list[Outcomes]:
    """Takes changes in their order; what became of each."""
    known = batch.known([change.id for change in changes])
    signed = SignedThings(batch)
    outcomes: list[Outcomes] = []
    for change in changes:
        if change.id in known:
            outcomes.append(_told(change, _again(batch, change, known[change.id])))
            continue
        verdict = _kept_or_not(batch, change, signed)
        if verdict.outcome is not Outcome.REFUSED:
            batch.log(change, verdict)
            known[change.id] = (verdict.outcome, verdict.reason.text())
        if verdict.outcome in (Outcome.STALE, Outcome.CONFLICT):
            batch.stands_otherwise(change)
        outcomes.append(_told(change, verdict))
    signed.finish()
    return outcomes


def unknown_kinds(things: Sequence[Any]) -> bool:
    """Whether something is of a kind that only a later program knows."""
    return any(each.kind not in _KINDS for each in things)


def _kept_or_not(batch: Batch, change: TravellingChange, signed: SignedThings) -> Verdict:
    """What becomes of a change; one that the database will not have leaves nothing behind and stops none of the others."""
    try:
        with batch.connection.begin_nested():
            return _judged(batch, change, signed)
    except MISFITS:
        batch.forget()
        return not_taken(_MISFIT)


def _judged(batch: Batch, change: TravellingChange, signed: SignedThings) -> Verdict:
    kind = ChangeKind(change.kind)
    if kind in DIRECTORY:
        return not_taken(_ONLY_HERE)
    if kind in SIGNED:
        return signed.take(change, kind)
    scope = batch.scope_of(change.origin)
    if scope is None:
        return not_taken(_STRANGER)
    if not is_true(change, scope.node.public_key):
        return not_taken(_FORGED)
    if scope.node.state is NodeState.REVOKED:
        return not_taken(_REVOKED)
    if kind is ChangeKind.ATTACHMENT:
        return signed.take_header(change, scope)
    if kind is ChangeKind.CONFLICT:
        return decide_conflict(batch, change, scope)
    return change_state(batch, change, kind, scope)


def _again(batch: Batch, change: TravellingChange, before: tuple[str | None, str]) -> Verdict:
    """A change that came before: the same again, but a conflict stays one."""
    if change.kind not in SIGNED:
        batch.stands_otherwise(change)
    if before[0] == Outcome.CONFLICT:
        return Verdict(outcome=Outcome.CONFLICT, reason=Reason.of(before[1]))
    return Verdict(outcome=Outcome.IDENTICAL)


def _told(change: TravellingChange, verdict: Verdict) -> Outcomes:
    return Outcomes(change.id, verdict.outcome.value, verdict.reason.sentence, dict(verdict.reason.values))
