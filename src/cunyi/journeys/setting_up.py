"""Setting up a node: its county and villages, its key, its first account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import uuid_utils
from sqlalchemy import Engine

from cunyi.domain.account import Role
from cunyi.domain.archive_code import SerialBlock
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.journeys.login_rules import normal_login
from cunyi.journeys.seat import Seat
from cunyi.store.folder import Folder
from cunyi.store.migrating import bring_up_to_date
from cunyi.store.nodes import create_node, grant_serials, set_village
from cunyi.store.passwords import Cost, check_password
from cunyi.store.signing import NodeKey
from cunyi.store.unit import SYSTEM, NodeFacts, Store

_VILLAGE_DIGITS = 12


class NodeSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a new node is told of itself (节点设置).

    `villages` gives names by 12-digit code, all of one township; `serials` the first and last archive serial that this node
    may give out in each of them.
    """

    facility: str
    facility_name: str
    villages: dict[str, str]
    serials: tuple[int, int]
    login: str
    name: str
    password: str
    role: Role = Role.ADMINISTRATOR
    demonstration: bool = False


class NewNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node that was just made (新节点): the code that opens the data when every password is lost, to be printed and locked away."""

    seat: Seat
    recovery_code: str


def set_up(folder: Folder, setup: NodeSetup, *, clock: Callable[[], datetime], cost: Cost) -> NewNode:
    """Makes an encrypted node in a data folder."""
    facts = _facts(setup)
    store, _, key, recovery = folder.set_up(facts, clock=clock, cost=cost)
    seat = Seat(clock=clock, cost=cost, folder=folder, store=store, key=key)
    _first_things(seat, store, setup)
    return NewNode(seat=seat, recovery_code=recovery)


def set_up_database(engine: Engine, setup: NodeSetup, *, clock: Callable[[], datetime], cost: Cost) -> Seat:
    """Makes a node in an empty database that is protected by its own server."""
    facts = _facts(setup)
    bring_up_to_date(engine)
    store = create_node(engine, facts, NodeKey.make(), clock=clock)
    seat = Seat(clock=clock, cost=cost, store=store)
    _first_things(seat, store, setup)
    return seat


def _facts(setup: NodeSetup) -> NodeFacts:
    townships = {code[:9] for code in setup.villages}
    if not setup.villages:
        raise UserError("请至少写一个村的代码和名称", field="villages")
    for code in setup.villages:
        if len(code) != _VILLAGE_DIGITS or not code.isascii() or not code.isdigit():
            raise UserError("村代码要写 12 位数字，不是“{code}”", field="villages", code=code)
    if len(townships) != 1:
        raise UserError("一个节点的村要属于同一个乡镇（代码前 9 位相同）", field="villages")
    first, last = setup.serials
    if not 1 <= first <= last <= 99_999:
        raise UserError("档案编号段要在 1 到 99999 之间，先小后大", field="serials")
    check_password(setup.password, login=normal_login(setup.login))
    township = townships.pop()
    return NodeFacts(
        id=str(uuid_utils.uuid7()),
        organisation=township[:6],
        township=township,
        facility=setup.facility,
        facility_name=setup.facility_name,
        demonstration=setup.demonstration,
    )


def _first_things(seat: Seat, store: Store, setup: NodeSetup) -> None:
    with store.writing(SYSTEM) as writing:
        writing.audit(Action.CREATE_NODE, subject=store.node.id)
        for code, name in setup.villages.items():
            set_village(writing, code, name)
            grant_serials(writing, SerialBlock(village_code=code, first=setup.serials[0], last=setup.serials[1]))
            writing.audit(Action.GRANT_SERIALS, detail=f"{code} {setup.serials[0]}-{setup.serials[1]}")
    areas = () if setup.role is Role.ADMINISTRATOR else (store.node.township,)
    seat.add_account(SYSTEM, login=setup.login, name=setup.name, role=setup.role, password=setup.password, areas=areas)
