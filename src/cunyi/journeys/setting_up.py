"""Setting up a node: its county and villages, its key, its first account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlalchemy import Engine

from cunyi.domain.account import Role
from cunyi.domain.archive_code import SerialBlock
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.journeys.joining import Send, ask, deposit_escrow, new_node_id, take_grant
from cunyi.journeys.login_rules import normal_login
from cunyi.journeys.organisation_file import Organisation
from cunyi.journeys.organising import keep_organisation
from cunyi.journeys.seat import Seat
from cunyi.store.enrolments import read_code
from cunyi.store.folder import Folder
from cunyi.store.known_nodes import HUB_SERIALS
from cunyi.store.links import begin_epoch
from cunyi.store.migrating import bring_up_to_date
from cunyi.store.nodes import create_node, grant_serials, set_village, villages
from cunyi.store.passwords import Cost, check_password
from cunyi.store.signing import NodeKey
from cunyi.store.unit import SYSTEM, NodeFacts, Store

_TOWNSHIP_DIGITS, _VILLAGE_DIGITS = 9, 12


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


class HubSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a new hub is told of itself (中心设置): which facility of the organisation it stands in, its first administrator."""

    facility: str
    login: str
    name: str
    password: str
    demonstration: bool = False


class JoiningSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a node is told that is made by joining a hub (加入设置): the code, where the hub is, the first account."""

    code: str
    address: str
    login: str
    name: str
    password: str
    role: Role = Role.ADMINISTRATOR


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
    seat = _in_database(engine, facts, NodeKey.make(), clock=clock, cost=cost)
    _first_things(seat, seat.store, setup)
    return seat


def set_up_hub(
    where: Folder | Engine, found: Organisation, setup: HubSetup, *, clock: Callable[[], datetime], cost: Cost
) -> NewNode:
    """Makes the hub of a township or county: its organisation, its own archive serials, its first administrator."""
    facts = _hub_facts(found, setup)
    if isinstance(where, Folder):
        store, _, key, recovery = where.set_up(facts, clock=clock, cost=cost)
        seat = Seat(clock=clock, cost=cost, folder=where, store=store, key=key)
    else:
        seat, recovery = _in_database(where, facts, NodeKey.make(), clock=clock, cost=cost), ""
    with seat.store.writing(SYSTEM) as writing:
        writing.audit(Action.CREATE_NODE, subject=facts.id, detail="中心")
        keep_organisation(writing, found)
        for code in villages(writing.connection, facts.organisation):
            grant_serials(writing, SerialBlock(village_code=code, first=HUB_SERIALS[0], last=HUB_SERIALS[1]))
        begin_epoch(writing)
    seat.add_account(
        SYSTEM, login=setup.login, name=setup.name, role=Role.ADMINISTRATOR, password=setup.password, areas=()
    )
    return NewNode(seat=seat, recovery_code=recovery)


def set_up_from_hub(
    where: Folder | Engine,
    setup: JoiningSetup,
    send: Send,
    *,
    clock: Callable[[], datetime],
    cost: Cost,
) -> NewNode:
    """Makes a node as a hub's code says: its facility, villages and serials come from the hub, and nobody types them."""
    read_code(setup.code)
    check_password(setup.password, login=normal_login(setup.login))
    if isinstance(where, Folder) and where.is_set_up:
        raise UserError("{path} 里已经有一个节点；请换一个文件夹，或直接打开它", field="data", path=where.path)
    signing, node_id = NodeKey.make(), new_node_id()
    granted = ask(setup.code, signing, send, node=node_id)
    grant = granted.grant
    facts = NodeFacts(
        id=node_id,
        organisation=grant.organisation,
        township=grant.township,
        facility=grant.facility,
        facility_name=grant.facility_name,
        demonstration=False,
    )
    key = None
    if isinstance(where, Folder):
        store, _, key, recovery = where.set_up(facts, clock=clock, cost=cost, signing=signing)
        seat = Seat(clock=clock, cost=cost, folder=where, store=store, key=key)
    else:
        seat, recovery = _in_database(where, facts, signing, clock=clock, cost=cost), ""
    with seat.store.writing(SYSTEM) as writing:
        writing.audit(Action.CREATE_NODE, subject=node_id)
        take_grant(writing, granted, address=setup.address)
    areas = () if setup.role is Role.ADMINISTRATOR else grant.scope
    seat.add_account(SYSTEM, login=setup.login, name=setup.name, role=setup.role, password=setup.password, areas=areas)
    deposit_escrow(seat.store, key, send)
    return NewNode(seat=seat, recovery_code=recovery)


def _in_database(
    engine: Engine, facts: NodeFacts, signing: NodeKey, *, clock: Callable[[], datetime], cost: Cost
) -> Seat:
    bring_up_to_date(engine)
    return Seat(clock=clock, cost=cost, store=create_node(engine, facts, signing, clock=clock))


def _hub_facts(found: Organisation, setup: HubSetup) -> NodeFacts:
    check_password(setup.password, login=normal_login(setup.login))
    facility = next((each for each in found.facilities if each.code == setup.facility), None)
    if facility is None:
        raise UserError(
            "机构表里没有编号为 {code} 的机构；中心的机构也要写在表里", field="facility", code=setup.facility
        )
    townships = [area.code for area in found.areas if len(area.code) == _TOWNSHIP_DIGITS]
    within = [code for code in townships if facility.answers_for(code)] or townships
    if not within or not any(len(area.code) == _VILLAGE_DIGITS for area in found.areas):
        raise UserError("机构表里要有乡镇和村的区划代码；请补上", field="file")
    return NodeFacts(
        id=new_node_id(),
        organisation=facility.organisation,
        township=within[0],
        facility=facility.code,
        facility_name=facility.name,
        demonstration=setup.demonstration,
    )


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
        id=new_node_id(),
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
