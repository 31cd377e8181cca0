"""What has a state and was changed on a node: merged with what stands here, field by field; where that cannot be, kept for a person."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from cunyi.domain.change import ChangeKind, Difference, Outcome, Reason
from cunyi.domain.conflict import Conflict, Disputed
from cunyi.domain.errors import UserError
from cunyi.store import schema
from cunyi.store.conflicts import conflict_by_id, keep_conflict
from cunyi.store.staff import keep_colleague
from cunyi.store.township_schema import staff
from cunyi.store.travelling import keep_states, owners_of_codes, state_from, states
from cunyi.store.unit import SYSTEM
from cunyi.sync.batch import Batch, Verdict, not_taken
from cunyi.sync.deciding import settle
from cunyi.sync.linking import leads_back, link_same_document
from cunyi.sync.merging import Clash, Merged, merge, next_revision
from cunyi.sync.messages import TravellingChange
from cunyi.sync.scope import Scope

_UNREADABLE = "内容读不懂；请更新程序后再试"
_NOT_HERE = "中心还没有这一条，可能它的第一次登记没有上传；请联系管理员"
_NO_PERSON = "中心没有这位居民的档案；请先上传档案"
_OUTSIDE = "这位居民不在本机负责的村（村代码 {village}）；请先在中心查到这位居民并说明原因，再重新上传"
_OUTSIDE_VILLAGE = "这个村（村代码 {village}）不归本机负责；请联系管理员核对本机负责的村"
_FIXED = "档案的标识不能修改；请联系管理员"
_NOT_YOURS = "这个账号是另一台设备的；请在那台设备上修改"
_CONFLICT = "另一处同时改了同一项；两个值都留着，请从“同步”页打开这处分歧选定"
_DECIDED = "别人已先决定了这处分歧；以先决定的为准"
# What a thing is and whose it is never changes.
_FIXED_FIELDS = frozenset({"id", "organisation", "person_id", "kept_id", "replaced_id"})


def change_state(batch: Batch, change: TravellingChange, kind: ChangeKind, scope: Scope) -> Verdict:
    """One change of a person, a household, a list entry, a merge or an account."""
    try:
        made = msgspec.json.decode(change.body, type=Difference)
    except msgspec.MsgspecError:
        return not_taken(_UNREADABLE)
    stands = states(batch.connection, batch.organisation, kind, [change.subject]).get(change.subject)
    if stands is None:
        return _new(batch, change, kind, scope, made)
    ours = msgspec.json.decode(stands)
    objection = objection_to(batch, kind, scope, ours) or (
        not_taken(_FIXED)
        if any(name in _FIXED_FIELDS and value != ours.get(name) for name, value in made.after.items())
        else None
    )
    if objection is not None:
        return objection
    if made.before is None:
        same = all(ours.get(name) == value for name, value in made.after.items())
        return placed_at(batch, kind, ours, Outcome.IDENTICAL if same else Outcome.STALE)
    if kind is ChangeKind.ACCOUNT:
        return _account(batch, change, ours, made)
    merged = not_against_others(batch, kind, change.subject, ours, merge(ours, made))
    state = dict(merged.state)
    if "revision" in ours:
        state["revision"] = (
            next_revision(ours["revision"], made.revision) if merged.changed else max(ours["revision"], made.revision)
        )
    if state != ours:
        try:
            thing = state_from(kind, state)
        except msgspec.ValidationError:
            return not_taken(_UNREADABLE)
        keep_states(batch.connection, batch.organisation, kind, [thing], known=[thing.id], node=change.origin)
    placed = placed_at(batch, kind, state, Outcome.UPDATED if merged.changed else Outcome.IDENTICAL, before=ours)
    if kind is ChangeKind.PERSON and merged.changed:
        link_same_document(batch.writing, change.subject)
    if merged.clashes:
        keep_clashes(batch, change, kind, made, merged, placed)
        return in_dispute(placed, merged)
    return placed


def _account(batch: Batch, change: TravellingChange, ours: dict[str, Any], made: Difference) -> Verdict:
    """A change of an account. Its node is its only author, and sends in its own order: whatever stands here, after a restoration too,

    what the node itself says last stands. Carried by another it may come late: then what stands already stays.
    """
    merged = merge(ours, made)
    state = ours | dict(made.after) if change.origin == batch.sender.id else merged.state
    if state == ours:
        return Verdict(outcome=Outcome.STALE if merged.clashes else Outcome.IDENTICAL)
    try:
        keep_colleague(batch.connection, state_from(ChangeKind.ACCOUNT, state), change.origin)
    except msgspec.ValidationError:
        return not_taken(_UNREADABLE)
    return Verdict(outcome=Outcome.UPDATED)


def decide_conflict(batch: Batch, change: TravellingChange, scope: Scope) -> Verdict:
    """A decision that was made on a node: taken where nobody decided before."""
    current = conflict_by_id(batch.connection, batch.organisation, change.subject)
    try:
        made = msgspec.json.decode(change.body, type=Difference)
    except msgspec.MsgspecError:
        return not_taken(_UNREADABLE)
    if current is None or made.before is None:
        return not_taken(_NOT_HERE)
    where = current.village_code or ""
    allowed = (
        scope.may_write(current.person_id, batch.village_of(current.person_id))
        if current.person_id
        else scope.covers(current.village_code)
    )
    if not allowed:
        return not_taken(_OUTSIDE, village=where)
    placed = Verdict(outcome=Outcome.UPDATED, person=current.person_id, village=current.village_code)
    if not current.is_open:
        return msgspec.structs.replace(placed, outcome=Outcome.STALE, reason=Reason(sentence=_DECIDED))
    try:
        decided = state_from(
            ChangeKind.CONFLICT,
            msgspec.to_builtins(current)
            | {name: made.after.get(name) for name in ("chosen", "decided_by", "decided_node", "decided_at")}
            | {"revision": current.revision + 1},
        )
    except msgspec.ValidationError:
        return not_taken(_UNREADABLE)
    if not decided.chosen or set(decided.chosen) != {each.field for each in decided.disputed} or decided.is_open:
        return not_taken(_UNREADABLE)
    try:
        settle(batch.writing, decided, logged=True)
    except UserError as error:
        return not_taken(error.sentence, **{name: str(value) for name, value in error.values.items()})
    keep_conflict(batch.connection, decided)
    return placed


def _new(batch: Batch, change: TravellingChange, kind: ChangeKind, scope: Scope, made: Difference) -> Verdict:
    if made.before is not None:
        return not_taken(_NOT_HERE)
    try:
        thing = state_from(kind, made.after)
    except msgspec.ValidationError:
        return not_taken(_UNREADABLE)
    if thing.id != change.subject or getattr(thing, "organisation", batch.organisation) != batch.organisation:
        return not_taken(_FIXED)
    state = dict(made.after)
    objection = objection_to(batch, kind, scope, state, new=True)
    if objection is not None:
        return objection
    if kind is ChangeKind.ACCOUNT:
        keep_colleague(batch.connection, thing, change.origin)
        return Verdict(outcome=Outcome.NEW)
    # What belongs to another already is left out of the new thing, and kept for a person to decide.
    plain: dict[str, Any] = state | {name: None for name in ("archive_code", "replaced_by") if name in state}
    merged = not_against_others(batch, kind, change.subject, plain, Merged(state=state, changed=True, clashes=()))
    keep_states(batch.connection, batch.organisation, kind, [state_from(kind, merged.state)], known=[])
    placed = placed_at(batch, kind, merged.state, Outcome.NEW)
    if kind is ChangeKind.PERSON:
        link_same_document(batch.writing, change.subject)
    if merged.clashes:
        keep_clashes(batch, change, kind, made, merged, placed)
        return in_dispute(placed, merged)
    return placed


def objection_to(
    batch: Batch, kind: ChangeKind, scope: Scope, state: dict[str, Any], *, new: bool = False
) -> Verdict | None:
    """Why the node may not change this; None where it may."""
    if kind is ChangeKind.ACCOUNT:
        if new:
            return None
        owner = batch.connection.execute(
            select(staff.c.node_id).where(staff.c.organisation == batch.organisation, staff.c.id == state["id"])
        ).scalar_one()
        return None if owner == scope.node.id else not_taken(_NOT_YOURS)
    if kind is ChangeKind.HOUSEHOLD:
        village = state["village_code"]
        members = schema.person
        head = state.get("head_id")
        if scope.covers(village) or (head and scope.may_write(head, batch.village_of(head))):
            return None
        held = batch.connection.execute(
            select(members.c.id, members.c.village_code).where(
                members.c.organisation == batch.organisation, members.c.household_id == state["id"]
            )
        ).all()
        if any(scope.may_write(row.id, row.village_code) for row in held) or _once_here(batch, scope, state["id"]):
            return None
        return not_taken(_OUTSIDE_VILLAGE, village=village)
    person = person_of(kind, state)
    village = state["village_code"] if kind is ChangeKind.PERSON else batch.village_of(person)
    if village is None:
        return not_taken(_NO_PERSON)
    return None if scope.may_write(person, village) else not_taken(_OUTSIDE, village=village)


def _once_here(batch: Batch, scope: Scope, household_id: str) -> bool:
    log = schema.change
    return (
        batch.connection.execute(
            select(log.c.sequence)
            .where(
                log.c.organisation == batch.organisation,
                log.c.subject == household_id,
                scope.within(log.c.village_code),
            )
            .limit(1)
        ).first()
        is not None
    )


def person_of(kind: ChangeKind, state: dict[str, Any]) -> str:
    """Whose a thing is."""
    field = {ChangeKind.PERSON: "id", ChangeKind.LIST_ENTRY: "person_id", ChangeKind.MERGE: "kept_id"}[kind]
    return str(state[field])


def placed_at(
    batch: Batch, kind: ChangeKind, state: dict[str, Any], outcome: Outcome, before: dict[str, Any] | None = None
) -> Verdict:
    """An outcome with the place in the log where the thing belongs."""
    if kind is ChangeKind.ACCOUNT:
        return Verdict(outcome=outcome)
    if kind is ChangeKind.HOUSEHOLD:
        return Verdict(outcome=outcome, village=state["village_code"])
    person = person_of(kind, state)
    if kind is not ChangeKind.PERSON:
        return Verdict(outcome=outcome, person=person, village=batch.village_of(person))
    batch.lives_in(person, state["village_code"])
    left = before["village_code"] if before and before["village_code"] != state["village_code"] else None
    return Verdict(outcome=outcome, person=person, village=state["village_code"], left=left)


def not_against_others(batch: Batch, kind: ChangeKind, subject: str, ours: dict[str, Any], merged: Merged) -> Merged:
    """What fits the thing but not what others have: an archive code that is taken, a link that would close a circle."""
    if kind is not ChangeKind.PERSON:
        return merged
    state, clashes = dict(merged.state), list(merged.clashes)
    code, other = state["archive_code"], state["replaced_by"]
    taken = (
        code
        and code != ours["archive_code"]
        and owners_of_codes(batch.connection, batch.organisation, [code]).get(code, subject) != subject
    )
    circle = other and other != ours["replaced_by"] and leads_back(batch.writing, subject, other)
    for field, against in (("archive_code", taken), ("replaced_by", circle)):
        if against:
            clashes.append(Clash(field=field, ours=ours[field], theirs=state[field]))
            state[field] = ours[field]
    return Merged(state=state, changed=state != ours, clashes=tuple(clashes))


def keep_clashes(
    batch: Batch, change: TravellingChange, kind: ChangeKind, made: Difference, merged: Merged, placed: Verdict
) -> None:
    """Keeps the fields that clash for a person to decide, under the id of the change that brought them."""
    conflict = Conflict(
        id=change.id,
        organisation=batch.organisation,
        kind=kind,
        subject=change.subject,
        person_id=placed.person,
        village_code=placed.village,
        disputed=tuple(_disputed(batch, change.subject, clash) for clash in merged.clashes),
        by=made.by,
        node=change.origin,
        made_at=batch.moment(change),
        found_at=batch.writing.at,
    )
    keep_conflict(batch.connection, conflict)
    batch.writing.change(ChangeKind.CONFLICT, conflict.id, after=conflict, person=placed.person, village=placed.village)
    batch.otherwise.add(ChangeKind.CONFLICT, conflict.id)


def in_dispute(placed: Verdict, merged: Merged) -> Verdict:
    """The outcome of a change with fields that clash. Where that is the village, both villages hear of it, and may write on."""
    villages = [clash.theirs for clash in merged.clashes if clash.field == "village_code"]
    return msgspec.structs.replace(
        placed,
        outcome=Outcome.CONFLICT,
        reason=Reason(sentence=_CONFLICT),
        left=villages[0] if villages else placed.left,
    )


def _disputed(batch: Batch, subject: str, clash: Clash) -> Disputed:
    """A field with who gave it the value that stands."""
    log = schema.change
    rows = batch.connection.execute(
        select(log.c.body, log.c.origin, log.c.at)
        .where(log.c.organisation == batch.organisation, log.c.subject == subject)
        .order_by(log.c.sequence.desc())
    )
    for row in rows:
        if not row.body:
            continue
        made = msgspec.json.decode(row.body, type=Difference)
        if clash.field in made.after:
            return Disputed(
                field=clash.field,
                ours=clash.ours,
                theirs=clash.theirs,
                ours_by="" if made.by == SYSTEM else made.by,
                ours_node=row.origin or batch.writing.node.id,
                ours_at=row.at,
            )
    return Disputed(field=clash.field, ours=clash.ours, theirs=clash.theirs)
