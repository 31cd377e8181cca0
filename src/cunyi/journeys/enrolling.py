"""Enrolling nodes at the hub: one-time codes by an administrator, and the answer to a node that shows one."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.enrolment import (
    EnrolmentCode,
    EnrolmentGrant,
    EnrolmentPlan,
    EnrolmentRefusal,
    EnrolmentRequest,
    EscrowDeposit,
    Proven,
)
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import Area, Facility, GrantedSerials, KnownNode, NodeState
from cunyi.journeys.access import require
from cunyi.store.areas import VILLAGE_DIGITS, areas
from cunyi.store.enrolments import (
    code_by_lookup,
    forget_old_codes,
    is_proof,
    keep_code,
    new_code,
    open_codes,
    proof,
    read_code,
)
from cunyi.store.facilities import facility_by_code
from cunyi.store.known_nodes import HUB_SERIALS, highest_serial, is_hub, keep_node, node_by_id
from cunyi.store.links import Link, LinkRole, keep_link, link_by_id
from cunyi.store.sealing import SealingKey, seal
from cunyi.store.signing import is_signed
from cunyi.store.unit import SYSTEM, Store, Writing
from cunyi.sync.messages import OLDEST_SERVED, PROTOCOL

REQUEST, ANSWER, REFUSED, ESCROW, FILE_KEY = (
    b"cunyi enrolment request",
    b"cunyi enrolment answer",
    b"cunyi enrolment refused",
    b"cunyi escrow",
    b"cunyi file key",
)
# The versions of the exchange that this program speaks, the lowest and the highest.
PROTOCOLS = (OLDEST_SERVED, PROTOCOL)
_VALID = timedelta(hours=24)
_KEPT = timedelta(days=30)
_WRONG_TRIES = 5
_FILE_KEY_BYTES = 32
_MOST_SERIALS = 20_000
# Tells a code that is not there from one that is as slowly.
_NO_KEY = bytes(32)


class NewCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was just made (新登记码). It is shown this once."""

    code: str
    kept: EnrolmentCode
    facility: Facility


def make_code(
    store: Store, by: Account | None, *, facility: str, scope: tuple[str, ...], name: str = "", serials: int = 500
) -> NewCode:
    """A one-time code for one node of a facility, which then holds the people of the villages in `scope`.

    Without a `scope` those of the facility's catchment; without `by` it is done at the hub's own computer. UserError where
    something does not fit the organisation.
    """
    account = _acting(by)
    if not 0 <= serials <= _MOST_SERIALS:
        raise UserError("每村的编号要在 0 到 {most} 之间", field="serials", most=_MOST_SERIALS)
    with store.writing(account) as writing:
        expect_hub(writing)
        place = facility_by_code(writing.connection, writing.organisation, facility.strip())
        if place is None:
            raise UserError("没有编号为 {code} 的机构；请先载入机构表", field="facility", code=facility.strip())
        scope = _scope(writing, scope or place.catchment)
        code, lookup = new_code()
        while code_by_lookup(writing.connection, writing.organisation, lookup) is not None:
            code, lookup = new_code()
        kept = EnrolmentCode(
            id=writing.new_id(),
            organisation=writing.organisation,
            lookup=lookup,
            plan=EnrolmentPlan(facility=place.code, name=name.strip() or place.name, scope=scope, serials=serials),
            proof_key=read_code(code)[1],
            made_by=account,
            made_at=writing.latest,
            expires_at=writing.latest + _VALID,
        )
        forget_old_codes(writing, writing.latest - _KEPT)
        keep_code(writing, kept)
        writing.audit(Action.MAKE_ENROLMENT_CODE, subject=kept.id, detail=f"{place.code} {' '.join(scope)}")
    return NewCode(code=code, kept=kept, facility=place)


def waiting_codes(store: Store, by: Account) -> list[EnrolmentCode]:
    """The codes that can still be used."""
    require(by, Permission.MANAGE_NODES)
    with store.reading() as connection:
        return open_codes(connection, store.node.organisation, store.clock())


def grant_more_serials(store: Store, by: Account | None, node_id: str, village_code: str, count: int) -> GrantedSerials:
    """Another block of archive serials for a node that has used up its own; it has it after its next contact."""
    account = _acting(by)
    if not 0 < count <= _MOST_SERIALS:
        raise UserError("每村的编号要在 0 到 {most} 之间", field="serials", most=_MOST_SERIALS)
    with store.writing(account) as writing:
        expect_hub(writing)
        node = node_by_id(writing.connection, writing.organisation, node_id)
        if node is None or node.state is NodeState.REVOKED:
            raise UserError("没有这台设备；请在设备页核对", field="node")
        if len(village_code) != VILLAGE_DIGITS or not any(village_code.startswith(each) for each in node.scope):
            raise UserError("这台设备不管代码为 {code} 的村；请核对", field="village", code=village_code)
        block = next_serials(writing, village_code, count)
        if block is None:
            raise UserError("这个村的编号已经分完；请联系县里", field="village")
        keep_node(writing, msgspec.structs.replace(node, serials=(*node.serials, block)))
        writing.audit(Action.GRANT_SERIALS, subject=node.id, detail=f"{village_code} {block.first}-{block.last}")
    return block


def _acting(by: Account | None) -> str:
    if by is None:
        return SYSTEM
    require(by, Permission.MANAGE_NODES)
    return by.id


def expect_hub(writing: Writing) -> None:
    """UserError where this node is not a hub."""
    if not is_hub(writing.connection, writing.organisation):
        raise UserError("这台电脑不是中心，不能登记设备；请在卫生院的中心操作", field="role")


def answer_enrolment(store: Store, body: bytes) -> bytes:
    """What the hub answers a node that shows a code, or that brings its sealed key. Whatever comes, there is an answer."""
    try:
        message = msgspec.json.decode(body, type=Proven)
        if message.kind == "escrow":
            return _take_escrow(store, message)
        request = msgspec.json.decode(message.body, type=EnrolmentRequest)
        if len(request.public_key) != 32 or len(request.sealing_key) != 32 or not _is_id(request.node):
            return _refusal(EnrolmentRefusal.CODE, None, message)
    except (msgspec.DecodeError, ValueError):
        return _refusal(EnrolmentRefusal.CODE, None, None)
    with store.reading() as connection:
        known = code_by_lookup(connection, store.node.organisation, request.lookup)
    if known is None:
        is_proof(_NO_KEY, message.proof, REQUEST, message.body)
        return _refusal(EnrolmentRefusal.CODE, None, message)
    with store.writing(SYSTEM) as writing:
        return _answer(writing, message, request)


def _answer(writing: Writing, message: Proven, request: EnrolmentRequest) -> bytes:
    """One write: two nodes that show the same code at the same moment are not both enrolled."""
    code = code_by_lookup(writing.connection, writing.organisation, request.lookup)
    if code is None or not _usable(writing, code, request):
        writing.audit(Action.REFUSE_ENROLMENT, subject=code.id if code else None, detail="登记码已用过、过期或作废")
        return _refusal(EnrolmentRefusal.CODE, None, message)
    if not is_proof(code.proof_key, message.proof, REQUEST, message.body):
        keep_code(writing, msgspec.structs.replace(code, wrong=code.wrong + 1))
        writing.audit(Action.REFUSE_ENROLMENT, subject=code.id, detail=f"登记码不对，第 {code.wrong + 1} 次")
        return _refusal(EnrolmentRefusal.CODE, None, message)
    refused = _why_not(writing, code, request)
    if refused is not None:
        writing.audit(Action.REFUSE_ENROLMENT, subject=code.id, detail=refused)
        return _refusal(refused, code, message)
    place = facility_by_code(writing.connection, writing.organisation, code.plan.facility)
    assert place is not None
    known = node_by_id(writing.connection, writing.organisation, request.node)
    if code.used_at is None or known is None:
        known = _enrolled(writing, code, request, known)
        keep_code(writing, msgspec.structs.replace(code, used_at=writing.latest, node_id=request.node))
    writing.audit(Action.ENROL_NODE, subject=request.node, detail=f"{place.code} {' '.join(known.scope)}")
    grant = _grant(writing, known, place, request)
    body = msgspec.json.encode(grant)
    return msgspec.json.encode(
        Proven(kind="granted", body=body, proof=proof(code.proof_key, ANSWER, message.proof, body))
    )


def _usable(writing: Writing, code: EnrolmentCode, request: EnrolmentRequest) -> bool:
    """Used once; the node that used it may ask again, where the answer did not arrive."""
    unused = code.used_at is None or code.node_id == request.node
    return unused and code.wrong < _WRONG_TRIES and writing.latest < code.expires_at


def _why_not(writing: Writing, code: EnrolmentCode, request: EnrolmentRequest) -> EnrolmentRefusal | None:
    known = node_by_id(writing.connection, writing.organisation, request.node)
    if known is not None and known.state is NodeState.REVOKED:
        return EnrolmentRefusal.REVOKED
    if request.node == writing.node.id or (known is not None and known.public_key != request.public_key):
        return EnrolmentRefusal.CODE
    if request.organisation not in ("", writing.organisation):
        return EnrolmentRefusal.COUNTY
    if request.facility not in ("", code.plan.facility):
        return EnrolmentRefusal.FACILITY
    low, high = request.protocols
    return EnrolmentRefusal.PROTOCOL if high < PROTOCOLS[0] or low > PROTOCOLS[1] else None


def _enrolled(writing: Writing, code: EnrolmentCode, request: EnrolmentRequest, known: KnownNode | None) -> KnownNode:
    node = KnownNode(
        id=request.node,
        organisation=writing.organisation,
        facility=code.plan.facility,
        name=code.plan.name,
        public_key=request.public_key,
        scope=code.plan.scope,
        enrolled_at=writing.latest,
        serials=_serials(writing, code.plan, known.serials if known else (), request.serials_used),
        protocol=min(request.protocols[1], PROTOCOLS[1]),
        escrow=known.escrow if known else b"",
    )
    keep_node(writing, node)
    link = link_by_id(writing.connection, writing.organisation, node.id) or Link(
        id=node.id, organisation=node.organisation, role=LinkRole.KIT, public_key=node.public_key
    )
    keep_link(
        writing.connection, msgspec.structs.replace(link, name=node.name, file_key=secrets.token_bytes(_FILE_KEY_BYTES))
    )
    return node


def _serials(
    writing: Writing, plan: EnrolmentPlan, has: tuple[GrantedSerials, ...], used: dict[str, int]
) -> tuple[GrantedSerials, ...]:
    """A block of each village of the scope in which the node has none, after all that anybody has there."""
    granted = list(has)
    if not plan.serials:
        return has
    for area in areas(writing.connection, writing.organisation):
        ours = len(area.code) == VILLAGE_DIGITS and any(area.code.startswith(each) for each in plan.scope)
        if ours and all(each.village_code != area.code for each in has):
            block = next_serials(writing, area.code, plan.serials, used.get(area.code, 0))
            granted += [] if block is None else [block]
    return tuple(granted)


def next_serials(writing: Writing, village_code: str, count: int, used: int = 0) -> GrantedSerials | None:
    """The next block of a village that nobody has; None where only the hub's own are left."""
    highest = highest_serial(writing.connection, writing.organisation, village_code, HUB_SERIALS[0])
    first = max(highest, min(used, HUB_SERIALS[0])) + 1
    last = min(first + count, HUB_SERIALS[0]) - 1
    return None if last < first else GrantedSerials(village_code=village_code, first=first, last=last)


def _grant(writing: Writing, node: KnownNode, place: Facility, request: EnrolmentRequest) -> EnrolmentGrant:
    link = link_by_id(writing.connection, writing.organisation, node.id)
    assert link is not None
    own = writing.node
    hub = facility_by_code(writing.connection, writing.organisation, own.facility)
    return EnrolmentGrant(
        hub=own.id,
        hub_public_key=writing.key.public,
        hub_sealing_key=SealingKey.of_node(writing.key).public,
        hub_facility=own.facility,
        hub_facility_name=own.facility_name,
        organisation=own.organisation,
        township=next((each[:9] for each in node.scope if len(each) >= 9), own.township),
        facility=place.code,
        facility_name=place.name,
        name=node.name,
        scope=node.scope,
        areas=tuple(each for each in areas(writing.connection, writing.organisation) if _around(each, node.scope)),
        facilities=tuple({each.code: each for each in (place, hub) if each}.values()),
        serials=node.serials,
        protocols=PROTOCOLS,
        file_key=seal(request.sealing_key, link.file_key, FILE_KEY + node.id.encode()),
    )


def _around(area: Area, scope: tuple[str, ...]) -> bool:
    return any(area.code.startswith(each) or each.startswith(area.code) for each in scope)


def _scope(writing: Writing, scope: tuple[str, ...]) -> tuple[str, ...]:
    if not scope:
        raise UserError("请写明这台设备管哪些村（村代码或它的前几位）", field="scope")
    known = areas(writing.connection, writing.organisation)
    for each in scope:
        inside = each.isascii() and each.isdigit() and each.startswith(writing.organisation)
        if not inside or not any(area.code.startswith(each) for area in known if len(area.code) == VILLAGE_DIGITS):
            raise UserError("机构表里没有代码以 {code} 开头的村；请核对", field="scope", code=each)
    return tuple(sorted(set(scope)))


def _take_escrow(store: Store, message: Proven) -> bytes:
    """Keeps a node's sealed database key; signed by the node, and only the hub can open it."""
    deposit = msgspec.json.decode(message.body, type=EscrowDeposit)
    if not _is_id(deposit.node):
        return _refusal(EnrolmentRefusal.CODE, None, message)
    with store.reading() as connection:
        node = node_by_id(connection, store.node.organisation, deposit.node)
    if node is None or node.state is NodeState.REVOKED or len(deposit.sealed) > 1_000:
        return _refusal(EnrolmentRefusal.CODE, None, message)
    if not is_signed(node.public_key, message.proof, ESCROW + message.body):
        return _refusal(EnrolmentRefusal.CODE, None, message)
    with store.writing(SYSTEM) as writing:
        now = node_by_id(writing.connection, writing.organisation, node.id)
        assert now is not None
        keep_node(writing, msgspec.structs.replace(now, escrow=deposit.sealed))
        writing.audit(Action.ENROL_NODE, subject=node.id, detail="托管密钥")
    body = b"kept"
    return msgspec.json.encode(Proven(kind="kept", body=body, proof=store.key.sign(ESCROW + b" kept" + message.body)))


def _refusal(why: EnrolmentRefusal, code: EnrolmentCode | None, message: Proven | None) -> bytes:
    """Proven only to whoever knows the code."""
    body = msgspec.json.encode(why)
    given = message.proof if message else b""
    proven = b"" if code is None else proof(code.proof_key, REFUSED, given, body)
    return msgspec.json.encode(Proven(kind="refused", body=body, proof=proven))


def _is_id(words: str) -> bool:
    return str(UUID(words)) == words
