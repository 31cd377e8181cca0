"""`cunyi device simulate`: an instrument that is not there, for trying the program out and for adding a driver."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cunyi import node_commands
from cunyi.device_commands.printing import knowledge_or_none, print_heard, print_line
from cunyi.devices.catalogue import drivers
from cunyi.domain.device import Transport
from cunyi.domain.errors import UserError

if TYPE_CHECKING:
    from cunyi.devices.driver import Driver, Heard
    from cunyi.devices.simulation.card_reader import SimulatedCardReader
    from cunyi.journeys.simulated_instruments import SimulatedInstruments

_OVER_THE_RADIO = ("blood-pressure", "oximeter", "glucose", "thermometer", "weight", "three-in-one")
_ON_A_LINE = ("hemoglobin", "urine")
_CAPTURED = {"analyser": "astm_analyser", "ecg": "ecg_report"}
KINDS = ("id-card", *_ON_A_LINE, *_CAPTURED, *_OVER_THE_RADIO)
_DELIVERED_SECONDS = 20.0
_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_READ_WITHIN_SECONDS = 1.0
_HELP = f"""模拟一台仪器，供试用和添加驱动。

id-card、{"、".join((*_ON_A_LINE, *_CAPTURED))}：开一个模拟串口并打印它的路径，别的程序可以用，例如
  cunyi device read id_card --port 路径
  （或在村医的“仪器”页按这个路径登记）。只能在 Linux 和 macOS 上用。
{"、".join(_OVER_THE_RADIO)}：蓝牙是模拟的，只在这个程序里面，别的程序连不上；
  这里用同一个驱动和同样的接收程序测一次，把收到的打印出来。
"""
_KEYS = "回车：测一次；u：拔下；p：插上；q：结束"
_CARD_KEYS = "回车：放上证件；l：拿开；h：放上后读到一半抽走；u：拔下读卡器；p：插上；q：结束"


def add_simulate(actions: Any) -> None:
    """Adds the command."""
    action = actions.add_parser(
        "simulate",
        help="模拟一台仪器或读卡器",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    action.add_argument("kind", choices=KINDS, metavar="仪器", help="、".join(KINDS))
    action.add_argument("--once", action="store_true", help="不等按键：测（或放卡）一次就结束")
    action.add_argument(
        "--wait",
        type=float,
        default=30.0,
        metavar="秒",
        help="和 --once 一起用：最多等几秒让别的程序打开串口；证件放几秒（默认 30）",
    )
    action.add_argument("--capture", help="analyser、ecg：用驱动自带的哪个录制（默认第一个）")
    action.set_defaults(run=_simulate)


def _simulate(options: argparse.Namespace) -> int:
    with contextlib.suppress(KeyboardInterrupt):
        if options.kind in _OVER_THE_RADIO:
            return asyncio.run(_over_the_radio(options.kind.replace("-", "_"), options))
        try:
            return _on_a_line(options)
        except ImportError:
            raise UserError("这个系统不能模拟串口；请在 Linux 或 macOS 上用", field="kind") from None
    return 0


def _keys(keys: str, options: argparse.Namespace) -> Iterator[str]:
    """What the person types, line by line; one empty line where nobody is to type."""
    if options.once:
        yield ""
        return
    print(keys, flush=True)
    for line in sys.stdin:
        key = line.strip().casefold()
        if key == "q":
            return
        yield key


def _on_a_line(options: argparse.Namespace) -> int:
    if options.kind == "id-card":
        from cunyi.devices.simulation.card_reader import SimulatedCardReader

        with SimulatedCardReader() as reader:
            print(f"模拟读卡器在 {reader.port}", flush=True)
            for key in _keys(_CARD_KEYS, options):
                _use_reader(reader, key)
            if options.once:
                time.sleep(options.wait)
        return 0
    if options.kind in _CAPTURED:
        return _play_captures(options)
    from cunyi.journeys.simulated_instruments import SimulatedInstruments

    with ExitStack() as stack:
        instruments = SimulatedInstruments(stack, clock=node_commands.now, ids=(options.kind,))
        if not instruments.here:
            raise ImportError
        (one,) = instruments.here
        print(f"模拟仪器（驱动 {one.driver}）在 {instruments.address_of(one)[1]}", flush=True)
        for key in _keys("回车：测一次；q：结束", options):
            if not key:
                _measure_once_opened(instruments, one.id, options.wait if options.once else 0)
        _let_it_be_read(options)
    return 0


def _let_it_be_read(options: argparse.Namespace) -> None:
    """What was not read yet is lost with the pseudo-terminal."""
    if options.once:
        time.sleep(_READ_WITHIN_SECONDS)


def _measure_once_opened(instruments: SimulatedInstruments, instrument_id: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            instruments.measure(instrument_id, _no_radio)
        except UserError as error:
            if seconds and time.monotonic() > until:
                raise
            if not seconds:
                print(error.message, file=sys.stderr)
                return
            time.sleep(_LOOK_SECONDS)
        else:
            print("已发送一次测量", flush=True)
            return


def _use_reader(reader: SimulatedCardReader, key: str) -> None:
    from cunyi.journeys.simulated_instruments import stranger_card

    if key == "h":
        reader.pull_half_way()
    if key in ("", "h"):
        reader.put(stranger_card())
    done = {"l": reader.lift, "u": reader.unplug, "p": reader.plug}.get(key)
    if done is not None:
        done()


def _play_captures(options: argparse.Namespace) -> int:
    from cunyi.devices.simulation.line_instrument import SimulatedLine, WrongAnswerError
    from cunyi.devices.transports.replay import captures

    driver = _CAPTURED[options.kind]
    known = captures(driver)
    name = options.capture or next(iter(known), "")
    if name not in known:
        raise UserError(f"没有这个录制；可用：{'、'.join(known)}", field="--capture")
    with SimulatedLine(known[name], patience_seconds=options.wait if options.once else _PATIENCE_SECONDS) as line:
        print(f"模拟仪器（驱动 {driver}）在 {line.port}；录制 {name}：{known[name].about}", flush=True)
        for key in _keys(_KEYS, options):
            try:
                if not key:
                    line.send()
                    print("已发送一次", flush=True)
            except WrongAnswerError as error:
                print(f"对方的回答与录制不符：{error}", file=sys.stderr)
                if options.once:
                    return 1
            if key in ("u", "p"):
                (line.unplug if key == "u" else line.plug_in)()
        _let_it_be_read(options)
    return 0


async def _over_the_radio(instrument_id: str, options: argparse.Namespace) -> int:
    """Measures once over the emulated radio, received as a real one is."""
    from cunyi.devices.transports.ble import listen_ble
    from cunyi.journeys.simulated_instruments import SimulatedInstruments, simulated_radio

    simulated_radio()
    knowledge = knowledge_or_none()
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        instruments = SimulatedInstruments(stack, clock=node_commands.now, ids=(instrument_id,))
        (one,) = instruments.here
        driver = next(driver for driver in drivers() if driver.id == one.driver)
        transport, address = instruments.address_of(one)
        assert transport is Transport.BLE and instruments.radio is not None
        print(f"模拟蓝牙仪器（驱动 {one.driver}），只在这个程序里面；地址 {address}", flush=True)
        heard_some = asyncio.Event()
        hear = _printing(driver, knowledge, heard_some)
        listening = asyncio.create_task(listen_ble(driver, address, hear, print_line, _clock, radio=instruments.radio))

        def run(work: Coroutine[Any, Any, None]) -> None:
            asyncio.run_coroutine_threadsafe(work, loop).result(_DELIVERED_SECONDS)

        await asyncio.to_thread(instruments.measure, one.id, run)
        listening.cancel()
        await asyncio.wait([listening], timeout=2)
    return 0 if heard_some.is_set() else 1


def _printing(driver: Driver, knowledge: Any, heard_some: asyncio.Event) -> Callable[[Heard], None]:
    def hear(heard: Heard) -> None:
        if print_heard(heard, driver, knowledge, show=True):
            heard_some.set()

    return hear


def _clock() -> datetime:
    return node_commands.now().astimezone()


def _no_radio(work: Coroutine[Any, Any, None]) -> None:
    raise AssertionError("it is on a line")
