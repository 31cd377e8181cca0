"""What a node keeps of itself: its identity and key, the villages it knows, the archive serials it may give out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from cunyi.domain.account import LoginPolicy
from cunyi.domain.archive_code import ArchiveCode, SerialBlock, next_serial
from cunyi.domain.errors import UserError
from cunyi.store import schema, township_schema
from cunyi.store.audit_head import AuditHead
from cunyi.store.counties import add_county
from cunyi.store.signing import NodeKey
from cunyi.store.unit import NodeFacts, Store, Writing


def create_node(
    engine: Engine, node: NodeFacts, key: NodeKey, *, clock: Callable[[], datetime], head: AuditHead | None = None
) -> Store:
    """The store of a node that has no records yet. The caller writes the first audit line."""
    store = Store(engine, node, key, clock=clock, head=head)
    with engine.begin() as connection:
        if connection.execute(select(schema.node.c.id).where(schema.node.c.organisation == node.organisation)).first():
            raise UserError("这个数据库里已经有这个县的节点；请换一个数据库，或直接使用它", field="database")
        add_county(connection, node.organisation)
        connection.execute(
            insert(schema.node).values(
                organisation=node.organisation,
                id=node.id,
                facility=node.facility,
                facility_name=node.facility_name,
                township=node.township,
                private_key=key.private,
                public_key=key.public,
                created_at=clock(),
                demonstration=node.demonstration,
                policy=msgspec.json.encode(LoginPolicy()),
            )
        )
    return store


def open_node(
    engine: Engine, *, clock: Callable[[], datetime], head: AuditHead | None = None, county: str | None = None
) -> Store:
    """The store of a node that is there already; `county` tells which one where a database has those of several counties."""
    with engine.connect() as connection:
        nodes = connection.execute(select(schema.node).order_by(schema.node.c.organisation)).all()
    if not nodes:
        raise UserError("数据库里还没有节点；请先运行 cunyi init 建立", field="database")
    chosen = [row for row in nodes if county is None or row.organisation == county]
    if len(chosen) != 1:
        raise UserError(
            "数据库里有这些县的节点：{counties}；请用 CUNYI_COUNTY 写明是哪一个",
            field="CUNYI_COUNTY",
            counties="、".join(row.organisation for row in nodes),
        )
    row = chosen[0]
    facts = NodeFacts(
        id=row.id,
        organisation=row.organisation,
        township=row.township,
        facility=row.facility,
        facility_name=row.facility_name,
        demonstration=row.demonstration,
    )
    return Store(engine, facts, NodeKey(row.private_key), clock=clock, head=head)


def login_policy(connection: Connection, organisation: str) -> LoginPolicy:
    """The rules of logging in."""
    policy = connection.execute(
        select(schema.node.c.policy).where(schema.node.c.organisation == organisation)
    ).scalar_one()
    return msgspec.json.decode(policy, type=LoginPolicy)


def set_login_policy(writing: Writing, policy: LoginPolicy) -> None:
    """Changes the rules of logging in."""
    table = schema.node
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.id == writing.node.id)
        .values(policy=msgspec.json.encode(policy))
    )


def public_keys(connection: Connection) -> dict[str, bytes]:
    """The public keys of the nodes whose records are here, by node id."""
    tables = (schema.node, township_schema.known_node)
    return {
        row.id: bytes(row.public_key)
        for table in tables
        for row in connection.execute(select(table.c.id, table.c.public_key))
    }


def set_village(writing: Writing, code: str, name: str) -> None:
    """Names a village (12-digit code)."""
    table = schema.village
    key = (table.c.organisation == writing.organisation) & (table.c.code == code)
    if writing.connection.execute(update(table).where(key).values(name=name)).rowcount == 0:
        writing.connection.execute(insert(table).values(organisation=writing.organisation, code=code, name=name))


def villages(connection: Connection, organisation: str) -> dict[str, str]:
    """The villages that the node knows: code to name, in order."""
    table = schema.village
    rows = connection.execute(select(table).where(table.c.organisation == organisation).order_by(table.c.code))
    return {row.code: row.name for row in rows}


def grant_serials(writing: Writing, block: SerialBlock) -> None:
    """Gives this node a block of archive serials of a village; UserError where it overlaps one that it has."""
    for known in serial_blocks(writing.connection, writing.organisation, block.village_code):
        if block.first <= known.last and known.first <= block.last:
            raise UserError(
                "编号段 {first}–{last} 与已有的 {known_first}–{known_last} 重叠；请换一段",
                field="serials",
                first=block.first,
                last=block.last,
                known_first=known.first,
                known_last=known.last,
            )
    writing.connection.execute(
        insert(schema.serial_block).values(organisation=writing.organisation, **msgspec.structs.asdict(block))
    )


def serial_blocks(connection: Connection, organisation: str, village_code: str) -> list[SerialBlock]:
    """The blocks of archive serials that this node may give out in a village."""
    table = schema.serial_block
    rows = connection.execute(
        select(table.c.village_code, table.c.first, table.c.last, table.c.used_through)
        .where(table.c.organisation == organisation, table.c.village_code == village_code)
        .order_by(table.c.first)
    )
    return [SerialBlock(**row._mapping) for row in rows]


def highest_used_serial(connection: Connection, organisation: str, village_code: str) -> int:
    """The highest archive serial that this node has given out in a village; 0 for none."""
    return max((block.used_through for block in serial_blocks(connection, organisation, village_code)), default=0)


def end_serials(writing: Writing, village_code: str, granted: Sequence[int]) -> None:
    """Gives out no more of the blocks that this node took for itself, now that a hub grants them; `granted` begin those that it did."""
    table = schema.serial_block
    for block in serial_blocks(writing.connection, writing.organisation, village_code):
        if block.first in granted:
            continue
        key = (
            (table.c.organisation == writing.organisation)
            & (table.c.village_code == village_code)
            & (table.c.first == block.first)
        )
        if block.used_through:
            writing.connection.execute(update(table).where(key).values(last=block.used_through))
        else:
            writing.connection.execute(delete(table).where(key))


def take_archive_code(writing: Writing, village_code: str) -> ArchiveCode:
    """The next archive code of a village, taken for good: it is never given again, whatever becomes of the person."""
    code, block = next_serial(serial_blocks(writing.connection, writing.organisation, village_code))
    table = schema.serial_block
    writing.connection.execute(
        update(table)
        .where(
            table.c.organisation == writing.organisation,
            table.c.village_code == village_code,
            table.c.first == block.first,
        )
        .values(used_through=block.used_through)
    )
    return code
