"""The instruments of a node, and its rules of taking readings in."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, insert, select, update

from cunyi.domain.device import ReceivingPolicy, RegisteredDevice
from cunyi.domain.encounter import canonical
from cunyi.store import schema
from cunyi.store.unit import Writing


def keep_device(writing: Writing, device: RegisteredDevice) -> None:
    """Keeps an instrument, new or changed."""
    table = schema.device
    details = canonical(device)
    key = (table.c.organisation == device.organisation) & (table.c.id == device.id)
    if writing.connection.execute(update(table).where(key).values(details=details)).rowcount == 0:
        writing.connection.execute(
            insert(table).values(organisation=device.organisation, id=device.id, details=details),
        )


def registered_devices(connection: Connection, organisation: str) -> list[RegisteredDevice]:
    """The instruments that are listened to, in the order in which they were added."""
    return [device for device in every_device(connection, organisation) if device.active]


def every_device(connection: Connection, organisation: str) -> list[RegisteredDevice]:
    """Every instrument that was ever added, those not listened to and those taken off the list included."""
    table = schema.device
    rows = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation).order_by(table.c.id)
    ).scalars()
    return [msgspec.json.decode(details, type=RegisteredDevice) for details in rows]


def device_by_id(connection: Connection, organisation: str, device_id: str) -> RegisteredDevice | None:
    """An instrument by id, on the list or not."""
    table = schema.device
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.id == device_id)
    ).scalar_one_or_none()
    return None if details is None else msgspec.json.decode(details, type=RegisteredDevice)


def count_control_test(writing: Writing, device_id: str, at: datetime) -> None:
    """Counts a test with control solution: it is nobody's value and is not kept."""
    device = device_by_id(writing.connection, writing.organisation, device_id)
    if device is not None:
        keep_device(writing, msgspec.structs.replace(device, control_tests=device.control_tests + 1, control_at=at))


def receiving_policy(connection: Connection, organisation: str) -> ReceivingPolicy:
    """The rules of taking readings in; the usual ones where nobody set any."""
    policy = connection.execute(
        select(schema.node.c.receiving).where(schema.node.c.organisation == organisation)
    ).scalar_one()
    return ReceivingPolicy() if policy is None else msgspec.json.decode(policy, type=ReceivingPolicy)


def set_receiving_policy(writing: Writing, policy: ReceivingPolicy) -> None:
    """Changes the rules of taking readings in."""
    table = schema.node
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.id == writing.node.id)
        .values(receiving=msgspec.json.encode(policy))
    )
