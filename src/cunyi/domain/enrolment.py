"""Enrolling a node (登记设备): what the hub grants, and what hub and node say to each other while it is done.

Both sides prove that they know the secret of a code that an administrator read out: the node with its first message, the hub
with its answer. From then on the keys count that each learned of the other.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from cunyi.domain.organisation import Area, Facility, GrantedSerials


class EnrolmentPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a code lets a node become (登记安排): of which facility, for which villages, with how many serials in each."""

    facility: str
    name: str
    scope: tuple[str, ...]
    serials: int


class EnrolmentCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was made and what became of it (登记码). Its secret is not kept, only the key that proves it."""

    id: str
    organisation: str
    lookup: str
    plan: EnrolmentPlan
    proof_key: bytes
    made_by: str
    made_at: datetime
    expires_at: datetime
    wrong: int = 0
    used_at: datetime | None = None
    node_id: str | None = None


class EnrolmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a node says of itself (登记请求). `sealing_key` is of the moment: the answer's secrets are sealed for it.

    A new node has no facility yet; one that has worked before says where, and which serials it has given out in each village.
    """

    lookup: str
    node: str
    public_key: bytes
    sealing_key: bytes
    protocols: tuple[int, int]
    organisation: str = ""
    township: str = ""
    facility: str = ""
    serials_used: dict[str, int] = {}


class EnrolmentGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub gives a node (登记结果). `facilities` are that of the hub and that of the node; the others come by themselves.

    `file_key` is sealed; it seals the files that go to and fro by USB stick.
    """

    hub: str
    hub_public_key: bytes
    hub_sealing_key: bytes
    hub_facility: str
    hub_facility_name: str
    organisation: str
    township: str
    facility: str
    facility_name: str
    name: str
    scope: tuple[str, ...]
    areas: tuple[Area, ...]
    facilities: tuple[Facility, ...]
    serials: tuple[GrantedSerials, ...]
    protocols: tuple[int, int]
    file_key: bytes


class EnrolmentRefusal(StrEnum):
    """Why the hub does not enrol a node (拒绝登记的原因). Whoever has no valid code learns no more than that."""

    CODE = "code"
    FACILITY = "facility"
    COUNTY = "county"
    PROTOCOL = "protocol"
    REVOKED = "revoked"


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """A message with what proves it (带证明的消息): an HMAC while a code is used, a signature afterwards."""

    kind: str
    body: bytes
    proof: bytes


class EscrowDeposit(msgspec.Struct, frozen=True, kw_only=True):
    """A node's database key, sealed for the hub (密钥托管), so that its data can be opened when nobody knows a password any more."""

    node: str
    sealed: bytes
