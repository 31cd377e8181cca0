"""Places, facilities and nodes of a township (组织机构): who works where, for whom, on which machine."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """A place with its official division code (行政区划): 2 digits province, 4 prefecture, 6 county, 9 township, 12 village."""

    code: str
    name: str


class FacilityLevel(StrEnum):
    """The level of care that a facility gives (机构级别: 村卫生室 / 乡镇卫生院 / 县级医院)."""

    VILLAGE = "village"
    TOWNSHIP = "township"
    COUNTY = "county"


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a facility can do (服务能力): a department of the knowledge base, with hours where it is not always there."""

    department: str
    note: str = ""


class Facility(msgspec.Struct, frozen=True, kw_only=True):
    """A place where people are cared for (医疗机构).

    `code` is its number in the register of facilities; `catchment` the leading digits of the village codes that it answers for.
    `minutes_away` gives the usual journey there by village code, `emergency_phone` is answered day and night. `capabilities`
    are the departments it has; `examinations` the ids of those it can do. A closed facility takes nobody.
    """

    code: str
    organisation: str
    name: str
    level: FacilityLevel
    catchment: tuple[str, ...] = ()
    address: str = ""
    phone: str = ""
    emergency_phone: str = ""
    capabilities: tuple[Capability, ...] = ()
    examinations: tuple[str, ...] = ()
    minutes_away: dict[str, int] = {}
    open: bool = True
    closed_reason: str = ""
    revision: int = 1

    def answers_for(self, village_code: str) -> bool:
        """Whether a village is in its catchment."""
        return any(village_code.startswith(each) for each in self.catchment)


class NodeRole(StrEnum):
    """What a node is in its township (节点角色: 巡诊包 / 村卫生室 / 中心). Kit and clinic work alike; a hub serves the others."""

    KIT = "kit"
    CLINIC = "clinic"
    HUB = "hub"


class NodeState(StrEnum):
    """Whether a node may take part (节点状态: 正常 / 已吊销)."""

    ENROLLED = "enrolled"
    REVOKED = "revoked"


class GrantedSerials(msgspec.Struct, frozen=True, kw_only=True):
    """A block of archive serials of one village, given to one node (编号段分配), `first` and `last` included."""

    village_code: str
    first: int
    last: int


class NodeStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How an enrolled node stood when it was last heard of (节点近况): what it had not sent yet, what was refused, what to decide.

    `synced_at` is when it last had nothing waiting.
    """

    synced_at: datetime | None = None
    waiting: int = 0
    refused: int = 0
    conflicts: int = 0


class KnownNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node that was enrolled (已登记节点). `scope` are the leading digits of the village codes whose people it holds.

    `escrow` is its database key, sealed for the hub; `protocol` the version of the exchange that it last spoke. `serials` are
    the blocks of archive serials that it alone may give out. A revoked one was lost, or was `retired` where it is. `standing`
    is the hub's alone. `sealing_key` is what is sealed for a hub, `holds_key` that it has the database key of the node that says so.
    """

    id: str
    organisation: str
    facility: str
    name: str
    public_key: bytes
    scope: tuple[str, ...]
    state: NodeState = NodeState.ENROLLED
    enrolled_at: datetime
    revoked_at: datetime | None = None
    revoked_reason: str = ""
    retired: bool = False
    serials: tuple[GrantedSerials, ...] = ()
    protocol: int = 1
    escrow: bytes = b""
    sealing_key: bytes = b""
    holds_key: bool = False
    standing: NodeStanding = NodeStanding()


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """What a revoked node says of itself (停用说明): when its data was destroyed and why, and whom to call about it."""

    at: datetime
    reason: str
    hub: str
    phone: str = ""
