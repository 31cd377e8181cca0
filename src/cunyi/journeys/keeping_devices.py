"""The instruments of a node: adding, changing and taking off the list, and the rules of taking readings in."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.device import ReceivingPolicy, RegisteredDevice, Transport
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.store.devices import (
    device_by_id,
    every_device,
    keep_device,
    receiving_policy,
    set_receiving_policy,
)
from cunyi.store.unit import SYSTEM, Store, Writing

_LONGEST_NAME = 30
_LONGEST_ADDRESS = 200
_MINUTES = range(1, 24 * 60 + 1)
_SECONDS = range(1, 60 * 60 + 1)


def devices(store: Store, by: Account) -> list[RegisteredDevice]:
    """The instruments of this node, the first added first; also those that are not listened to at the moment."""
    _require(by)
    with store.reading() as connection:
        return [device for device in every_device(connection, by.organisation) if not device.removed]


def add_device(
    store: Store,
    by: Account,
    *,
    driver: str,
    transport: str,
    address: str,
    name: str,
    serial_number: str = "",
    facts: Mapping[str, str] | None = None,
) -> RegisteredDevice:
    """Registers an instrument. One that was here before comes back as itself, so that its old readings are known again.

    UserError for an empty or long name or address, and for one that is on the list already.
    """
    _require(by)
    name, address = _name(name), _address(address)
    if transport not in list(Transport):
        raise UserError("请选择蓝牙或串口", field="transport")
    with store.writing(by.id) as writing:
        known = None
        for each in every_device(writing.connection, by.organisation):
            if (each.driver, each.transport, each.address) == (driver, transport, address):
                known = each
        if known is not None and not known.removed:
            raise UserError("这台仪器已经登记过，叫“{name}”", field="address", name=known.name)
        _expect_own_name(writing, name, None if known is None else known.id)
        device = RegisteredDevice(
            id=writing.new_id() if known is None else known.id,
            organisation=by.organisation,
            driver=driver,
            transport=Transport(transport),
            address=address,
            name=name,
            serial_number=serial_number.strip(),
            facts=dict(facts or {}),
            added_at=writing.at,
        )
        keep_device(writing, device)
        writing.audit(Action.CHANGE_DEVICE, subject=device.id, detail="登记")
    return device


def change_device(
    store: Store,
    by: Account,
    device_id: str,
    *,
    name: str | None = None,
    address: str | None = None,
    serial_number: str | None = None,
    active: bool | None = None,
) -> RegisteredDevice:
    """Changes what an instrument is called, where it is reached, its serial number, whether it is listened to; None stays."""
    _require(by)
    with store.writing(by.id) as writing:
        device = _known(writing, device_id)
        if name is not None:
            device = msgspec.structs.replace(device, name=_name(name))
            _expect_own_name(writing, device.name, device.id)
        if address is not None:
            device = msgspec.structs.replace(device, address=_address(address))
        if serial_number is not None:
            device = msgspec.structs.replace(device, serial_number=serial_number.strip())
        if active is not None:
            device = msgspec.structs.replace(device, active=active)
        keep_device(writing, device)
        writing.audit(Action.CHANGE_DEVICE, subject=device.id, detail="更改")
    return device


def remove_device(store: Store, by: Account, device_id: str) -> None:
    """Takes an instrument off the list; its readings stay."""
    _require(by)
    with store.writing(by.id) as writing:
        device = _known(writing, device_id)
        keep_device(writing, msgspec.structs.replace(device, active=False, removed=True))
        writing.audit(Action.CHANGE_DEVICE, subject=device.id, detail="移除")


def note_facts(store: Store, device_id: str, facts: Mapping[str, str]) -> None:
    """Keeps what an instrument told of itself (model, serial, firmware), where it is new."""
    with store.reading() as connection:
        device = device_by_id(connection, store.node.organisation, device_id)
    if device is None or device.facts.items() >= facts.items():
        return
    with store.writing(SYSTEM, working_state=True) as writing:
        device = device_by_id(writing.connection, writing.organisation, device_id)
        if device is not None:
            keep_device(writing, msgspec.structs.replace(device, facts={**device.facts, **facts}))


def reading_rules(store: Store) -> ReceivingPolicy:
    """The rules of taking readings in."""
    with store.reading() as connection:
        return receiving_policy(connection, store.node.organisation)


def change_reading_rules(store: Store, by: Account, policy: ReceivingPolicy) -> ReceivingPolicy:
    """Changes the rules of taking readings in. UserError for times that cannot be meant."""
    _require(by)
    if policy.stale_minutes not in _MINUTES:
        raise UserError("多久算以前的读数要写 1 到 1440 分钟", field="stale_minutes")
    if policy.clock_tolerance_minutes not in _MINUTES:
        raise UserError("仪器时钟可以差多少要写 1 到 1440 分钟", field="clock_tolerance_minutes")
    if policy.duplicate_seconds not in _SECONDS:
        raise UserError("多久之内算重复发送要写 1 到 3600 秒", field="duplicate_seconds")
    with store.writing(by.id) as writing:
        set_receiving_policy(writing, policy)
        writing.audit(Action.CHANGE_DEVICE, detail="读数规则")
    return policy


def _require(by: Account) -> None:
    if not by.may(Permission.WRITE_DRAFT):
        raise NotAllowedError("您的账号不能使用仪器；请由医生或护士操作", field="account")


def _known(writing: Writing, device_id: str) -> RegisteredDevice:
    device = device_by_id(writing.connection, writing.organisation, device_id)
    if device is None or device.removed:
        raise UserError("没有这台仪器，它可能刚被移除；请重新打开仪器页", field="device")
    return device


def _name(words: str) -> str:
    name = words.strip()
    if not name:
        raise UserError("请给仪器起个名字，如“诊室血压计”", field="name")
    if len(name) > _LONGEST_NAME:
        raise UserError("仪器的名字最多 {longest} 字；请写短些", field="name", longest=_LONGEST_NAME)
    return name


def _address(words: str) -> str:
    address = words.strip()
    if not address or len(address) > _LONGEST_ADDRESS:
        raise UserError("请选择仪器的蓝牙地址或串口", field="address")
    return address


def _expect_own_name(writing: Writing, name: str, device_id: str | None) -> None:
    for each in every_device(writing.connection, writing.organisation):
        if each.name == name and each.id != device_id and not each.removed:
            raise UserError("已经有一台仪器叫“{name}”；请换个名字，免得弄混", field="name", name=name)
