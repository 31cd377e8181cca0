"""Joining a township on a kit: it shows the code that an administrator read out, and takes what the hub grants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import uuid_utils

from cunyi.domain.audit import Action
from cunyi.domain.enrolment import EnrolmentGrant, EnrolmentRefusal, EnrolmentRequest, EscrowDeposit, Proven
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import KnownNode
from cunyi.journeys.enrolling import ANSWER, ESCROW, FILE_KEY, PROTOCOLS, REFUSED, REQUEST
from cunyi.store.areas import VILLAGE_DIGITS, receive_area
from cunyi.store.enrolments import is_proof, proof, read_code
from cunyi.store.facilities import receive_facility
from cunyi.store.keyring import DatabaseKey
from cunyi.store.known_nodes import is_hub, node_by_id, receive_node
from cunyi.store.links import Link, LinkRole, hub_link, keep_link
from cunyi.store.nodes import end_serials, highest_used_serial, villages
from cunyi.store.sealing import SealingKey, seal
from cunyi.store.signing import NodeKey, is_signed
from cunyi.store.unit import SYSTEM, Store, Writing

Send = Callable[[bytes], bytes]

_REFUSED = {
    EnrolmentRefusal.CODE: "登记码不对、已经用过或已经过期；请向卫生院要一个新的登记码",
    EnrolmentRefusal.FACILITY: "这个登记码是给另一家机构的；请向卫生院要一个本机构的登记码",
    EnrolmentRefusal.COUNTY: "这台电脑是为另一个县建立的，不能登记到这个中心；请在一个新的文件夹里重新建立",
    EnrolmentRefusal.PROTOCOL: "这台电脑和中心的程序版本相差太远；请把两边都升级到新版本再登记",
    EnrolmentRefusal.REVOKED: "这台电脑已被中心停用，不能再登记；请在一个新的文件夹里重新建立",
}
_NOT_THE_HUB = "回答的不是发登记码的中心；请核对中心的地址和登记码"


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub granted, its secrets opened (已获登记)."""

    grant: EnrolmentGrant
    file_key: bytes


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """What became of joining (登记完成): the hub's facility, the villages of this node, whether its key is in the hub's safe."""

    hub: str
    villages: dict[str, str]
    escrowed: bool


def ask(
    code: str,
    key: NodeKey,
    send: Send,
    *,
    node: str,
    organisation: str = "",
    township: str = "",
    facility: str = "",
    serials_used: dict[str, int] | None = None,
) -> Granted:
    """Shows the code to the hub; what it grants. UserError (field `code`) where it grants nothing.

    Where the answer gets lost it can be asked again with the same code and key.
    """
    lookup, proof_key = read_code(code)
    opening = SealingKey.make()
    body = msgspec.json.encode(
        EnrolmentRequest(
            lookup=lookup,
            node=node,
            public_key=key.public,
            sealing_key=opening.public,
            protocols=PROTOCOLS,
            organisation=organisation,
            township=township,
            facility=facility,
            serials_used=serials_used or {},
        )
    )
    shown = proof(proof_key, REQUEST, body)
    answer = _read(send(msgspec.json.encode(Proven(kind="enrol", body=body, proof=shown))))
    if answer.kind == "granted" and is_proof(proof_key, answer.proof, ANSWER, shown, answer.body):
        grant = msgspec.json.decode(answer.body, type=EnrolmentGrant)
        file_key = opening.open(grant.file_key, FILE_KEY + node.encode())
        if file_key is not None:
            return Granted(grant=grant, file_key=file_key)
    if answer.kind == "refused":
        why = _why(answer.body)
        # Whoever does not know the code cannot say more of it than that it is not right.
        if why is EnrolmentRefusal.CODE or is_proof(proof_key, answer.proof, REFUSED, shown, answer.body):
            raise UserError(_REFUSED[why], field="code")
    raise UserError(_NOT_THE_HUB, field="hub")


def join(store: Store, key: DatabaseKey | None, by: str, *, code: str, send: Send, address: str) -> Joined:
    """Enrols a node that is at work already. `address` is where its hub is found from now on.

    `key` is the key of its database, which is put into the hub's safe; None where the database has a server of its own.
    """
    read_code(code)
    node = store.node
    with store.reading() as connection:
        if is_hub(connection, node.organisation):
            raise UserError("这台电脑自己就是中心，不用登记", field="hub")
        before = hub_link(connection, node.organisation)
        used = {
            village: highest_used_serial(connection, node.organisation, village)
            for village in villages(connection, node.organisation)
        }
    granted = ask(
        code,
        store.key,
        send,
        node=node.id,
        organisation=node.organisation,
        township=node.township,
        facility=node.facility,
        serials_used={village: serial for village, serial in used.items() if serial},
    )
    if before is not None and before.id != granted.grant.hub:
        raise UserError("这台电脑已经登记到另一个中心（{name}）", field="hub", name=before.name)
    with store.writing(by) as writing:
        take_grant(writing, granted, address=address)
    return Joined(
        hub=granted.grant.hub_facility_name,
        villages=_villages(granted.grant),
        escrowed=deposit_escrow(store, key, send),
    )


def take_grant(writing: Writing, granted: Granted, *, address: str) -> None:
    """Keeps what the hub granted: places, serials, the hub's key, and where it is found."""
    grant = granted.grant
    for area in grant.areas:
        receive_area(writing, area)
    for facility in grant.facilities:
        receive_facility(writing, facility)
    for village in villages(writing.connection, writing.organisation):
        end_serials(writing, village, [block.first for block in grant.serials if block.village_code == village])
    for entry in (_hub_entry(grant, writing.latest), _own_entry(writing, grant)):
        receive_node(writing, entry)
    before = hub_link(writing.connection, writing.organisation)
    link = Link(
        id=grant.hub,
        organisation=writing.organisation,
        role=LinkRole.HUB,
        name=grant.hub_facility_name,
        public_key=grant.hub_public_key,
        file_key=granted.file_key,
        address=address,
    )
    if before is not None:
        link = msgspec.structs.replace(
            before, name=link.name, public_key=link.public_key, file_key=link.file_key, address=address
        )
    keep_link(writing.connection, link)
    writing.audit(Action.JOIN_HUB, subject=grant.hub, detail=" ".join(grant.scope))


def deposit_escrow(store: Store, key: DatabaseKey | None, send: Send) -> bool:
    """Puts the key of this node's database into the hub's safe, if it is not there; whether it is there.

    A line that fails is no error: it is tried again at the next contact.
    """
    with store.reading() as connection:
        link = hub_link(connection, store.node.organisation)
        hub = node_by_id(connection, store.node.organisation, link.id) if link else None
    if key is None or hub is None or not hub.sealing_key:
        return False
    if hub.holds_key:
        return True
    sealed = seal(hub.sealing_key, key.raw, ESCROW + store.node.id.encode())
    body = msgspec.json.encode(EscrowDeposit(node=store.node.id, sealed=sealed))
    try:
        answer = _read(send(msgspec.json.encode(Proven(kind="escrow", body=body, proof=store.key.sign(ESCROW + body)))))
    except (OSError, UserError):
        return False
    if answer.kind != "kept" or not is_signed(hub.public_key, answer.proof, ESCROW + b" kept" + body):
        return False
    with store.writing(SYSTEM) as writing:
        receive_node(writing, msgspec.structs.replace(hub, holds_key=True))
        writing.audit(Action.JOIN_HUB, subject=hub.id, detail="托管密钥")
    return True


def new_node_id() -> str:
    """The id of a node that is yet to be made."""
    return str(uuid_utils.uuid7())


def _villages(grant: EnrolmentGrant) -> dict[str, str]:
    return {
        area.code: area.name
        for area in grant.areas
        if len(area.code) == VILLAGE_DIGITS and any(area.code.startswith(each) for each in grant.scope)
    }


def _hub_entry(grant: EnrolmentGrant, now: datetime) -> KnownNode:
    return KnownNode(
        id=grant.hub,
        organisation=grant.organisation,
        facility=grant.hub_facility,
        name=grant.hub_facility_name,
        public_key=grant.hub_public_key,
        scope=(grant.organisation,),
        enrolled_at=now,
        protocol=grant.protocols[1],
        sealing_key=grant.hub_sealing_key,
    )


def _own_entry(writing: Writing, grant: EnrolmentGrant) -> KnownNode:
    return KnownNode(
        id=writing.node.id,
        organisation=grant.organisation,
        facility=grant.facility,
        name=grant.name,
        public_key=writing.key.public,
        scope=grant.scope,
        enrolled_at=writing.latest,
        serials=grant.serials,
    )


def _read(answer: bytes) -> Proven:
    try:
        return msgspec.json.decode(answer, type=Proven)
    except msgspec.DecodeError:
        raise UserError(_NOT_THE_HUB, field="hub") from None


def _why(body: bytes) -> EnrolmentRefusal:
    try:
        return msgspec.json.decode(body, type=EnrolmentRefusal)
    except msgspec.DecodeError:
        raise UserError(_NOT_THE_HUB, field="hub") from None
