"""The commands of the instruments: what is registered, what is near, reading one, playing captures, simulating."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cunyi import node_commands
from cunyi.device_commands import simulate
from cunyi.device_commands.printing import (
    OUT,
    knowledge_or_none,
    print_card,
    print_heard,
    print_line,
    print_measurement,
)
from cunyi.devices.catalogue import drivers
from cunyi.domain.device import Transport
from cunyi.domain.errors import UserError

if TYPE_CHECKING:
    from cunyi.devices.driver import Driver, Heard

# What opens a line or a radio is imported by the commands that do, so that the others start at once.


def add_device_commands(commands: Any) -> None:
    """Adds `cunyi device` to the command line."""
    command = commands.add_parser("device", help="仪器和读卡器：列出、寻找、试读、回放、模拟")
    actions = command.add_subparsers(required=True, metavar="动作")

    action = actions.add_parser("list", help="本机登记的仪器，和程序认识的全部驱动")
    action.add_argument("--drivers", action="store_true", help="只列驱动（不用打开数据）")
    node_commands.add_opening_options(action)
    action.set_defaults(run=_list)

    action = actions.add_parser("scan", help="找附近的蓝牙仪器和插上的串口")
    action.add_argument("--seconds", type=float, default=6.0, help="找几秒（默认 6）")
    action.set_defaults(run=_scan)

    action = actions.add_parser("read", help="读一次：一个测量结果或一张证件，打印出来，不存")
    action.add_argument("driver", help="驱动的标识（见 cunyi device list --drivers）")
    where = action.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", help="串口，如 /dev/ttyUSB0 或 COM3")
    where.add_argument("--address", help="蓝牙地址，如 AA:BB:CC:DD:EE:FF")
    action.add_argument("--seconds", type=float, default=120.0, help="最多等几秒（默认 120）")
    action.add_argument("--show", action="store_true", help="证件号码和姓名、住址写全（默认遮住）")
    action.set_defaults(run=_read)

    action = actions.add_parser("replay", help="把录制的通信交给驱动，看它读出什么；与录制不符时返回 1")
    action.add_argument("driver", help="驱动的标识")
    action.add_argument("capture", help="录制文件，或驱动自带的录制的名字")
    action.add_argument("--show", action="store_true", help="证件号码和姓名、住址写全（默认遮住）")
    action.set_defaults(run=_replay)

    simulate.add_simulate(actions)


def driver_named(name: str) -> Driver:
    """A driver by its id. UserError names those that there are."""
    for driver in drivers():
        if driver.id == name:
            return driver
    raise UserError(f"没有驱动“{name}”；可用：{'、'.join(driver.id for driver in drivers())}", field="driver")


def _list(options: argparse.Namespace) -> int:
    if not options.drivers:
        _list_registered(options)
    table = Table("驱动", "名称", "怎样连接", "在真机上试过")
    for driver in drivers():
        told = driver.description
        how = "、".join(name for name, there in (("蓝牙", told.ble), ("串口", told.serial)) if there is not None)
        table.add_row(driver.id, told.name.zh, how, "、".join(told.tried_on) or "没有")
    OUT.print(table)
    return 0


def _list_registered(options: argparse.Namespace) -> None:
    from cunyi.store.devices import registered_devices

    store, _ = node_commands.open_records(options)
    with store.reading() as connection:
        registered = registered_devices(connection, store.node.organisation)
    store.close()
    if not registered:
        print("本机还没有登记仪器；在“仪器”页添加")
        return
    known = {driver.id: driver.description.name.zh for driver in drivers()}
    table = Table("仪器", "驱动", "连接", "序列号")
    for device in registered:
        how = "蓝牙" if device.transport is Transport.BLE else "串口"
        table.add_row(
            device.name, known.get(device.driver, device.driver), f"{how} {device.address}", device.serial_number
        )
    OUT.print(table)


def _scan(options: argparse.Namespace) -> int:
    from cunyi.devices.transports.radio import BleakRadio
    from cunyi.journeys.bench_search import drivers_for_port, search

    with OUT.status(f"正在找附近的仪器（{options.seconds:g} 秒）……"):
        found = asyncio.run(search(options.seconds, drivers(), BleakRadio))
    table = Table("怎样连接", "地址", "名称", "可用的驱动")
    for peripheral in found.peripherals:
        table.add_row("蓝牙", peripheral.address, peripheral.name or "", "、".join(peripheral.drivers))
    for port in found.ports:
        table.add_row("串口", port.path, port.description, "、".join(drivers_for_port(port, drivers())))
    if table.row_count:
        OUT.print(table)
    if found.no_radio is not None:
        print(found.no_radio.message, file=sys.stderr)
    if not found.ports:
        print("没有串口：用线连的读卡器和仪器请插上再找")
    if found.no_radio is None and not found.peripherals:
        print("没有听到蓝牙仪器：请打开仪器（有的测量时才发信号），放在旁边再找")
    return 0


def _read(options: argparse.Namespace) -> int:
    driver = driver_named(options.driver)
    needed, told = ("serial", driver.description.serial) if options.port else ("ble", driver.description.ble)
    if told is None:
        other = "--address 蓝牙地址" if needed == "serial" else "--port 串口"
        raise UserError(f"驱动 {driver.id} 不用这种连接；请写 {other}", field="--port" if options.port else "--address")
    with contextlib.suppress(KeyboardInterrupt):
        if asyncio.run(_read_once(driver, options)):
            return 0
        print(f"{options.seconds:g} 秒内没有读到结果。{driver.description.no_answer.zh}", file=sys.stderr)
    return 1


async def _read_once(driver: Driver, options: argparse.Namespace) -> bool:
    from cunyi.devices.transports.serial_line import listen_serial

    knowledge, done = knowledge_or_none(), asyncio.Event()

    def hear(heard: Heard) -> None:
        if not done.is_set() and print_heard(heard, driver, knowledge, show=options.show):
            done.set()

    def clock() -> datetime:
        return node_commands.now().astimezone()

    if options.port:
        listening = listen_serial(driver, options.port, hear, print_line, clock)
    else:
        from cunyi.devices.transports.ble import listen_ble
        from cunyi.devices.transports.radio import BleakRadio

        listening = listen_ble(driver, options.address, hear, print_line, clock, radio=BleakRadio())
    task = asyncio.ensure_future(listening)
    waiting = asyncio.ensure_future(done.wait())
    await asyncio.wait([task, waiting], timeout=options.seconds, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        # It only ends by a mistake that is to be told, or by a defect.
        task.result()
    waiting.cancel()
    task.cancel()
    await asyncio.wait([task], timeout=2)
    return done.is_set()


def _replay(options: argparse.Namespace) -> int:
    from cunyi.devices.transports.replay import captures, read_capture, replay

    driver = driver_named(options.driver)
    own = captures(driver.id)
    if options.capture in own:
        capture = own[options.capture]
    else:
        try:
            capture = read_capture(Path(options.capture).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            named = f"；驱动自带的有：{'、'.join(own)}" if own else ""
            raise UserError(f"读不了录制文件 {options.capture}{named}", field="capture") from error
    print(f"{capture.about}（{capture.origin}）")
    played = replay(driver, capture)
    knowledge = knowledge_or_none()
    for measurement in played.measurements:
        print_measurement(measurement, driver, knowledge)
    for card in played.cards:
        print_card(card, show=options.show)
    for told, known in ((played.states, driver.description.states), (played.troubles, driver.description.troubles)):
        for name in dict.fromkeys(told):
            print(known[name].zh if name in known else name)
    for difference in played.differences:
        print(f"与录制不符：{difference}", file=sys.stderr)
    return 1 if played.differences else 0
