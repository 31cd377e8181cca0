"""Simulated instruments that speak as real ones do: over an emulated radio in this process, and over pseudo-terminals."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cunyi.devices.driver import Words
from cunyi.devices.transports.replay import captures
from cunyi.domain.case import Sex
from cunyi.domain.device import Transport
from cunyi.domain.errors import UserError
from cunyi.domain.identity import IdentifierKind, check_digit
from cunyi.domain.measurement import IdentityCard

if TYPE_CHECKING:
    from cunyi.devices.simulation.line_instrument import SimulatedLine
    from cunyi.devices.simulation.three_in_one import SimulatedRadioWithMeter

_TOLD = msgspec.json.decode((Path(__file__).parent / "simulated_bench.json").read_bytes())
_DRAIN_SECONDS = 0.05
_MOST_WRITTEN = 4096
_NO_RADIO = "没有安装模拟蓝牙仪器的部分（pip install cunyi[simulation]），蓝牙仪器这里试不了"
_NO_LINES = "这个系统不能模拟串口（只有 Linux 和 macOS 可以），读卡器和串口仪器这里试不了"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A simulated instrument (模拟仪器): which driver speaks with it, what it is called, what it measures one after another."""

    id: str
    driver: str
    name: str
    zh: str
    en: str
    values: tuple[dict[str, Any], ...]

    @property
    def words(self) -> Words:
        """What it does, for a button."""
        return Words(zh=self.zh, en=self.en)


INSTRUMENTS: tuple[Instrument, ...] = msgspec.convert(_TOLD["instruments"], tuple[Instrument, ...])
READER_DRIVER: str = _TOLD["reader"]["driver"]
READER_NAME: str = _TOLD["reader"]["name"]
CARDS: dict[str, Any] = _TOLD["cards"]
_ON_A_LINE = ("hemoglobin", "urine")


def stranger_card() -> IdentityCard:
    """The card of somebody invented whom no record knows."""
    told = CARDS["unknown"]
    return card_of(
        told["name"],
        told["first17"] + check_digit(told["first17"]),
        Sex(told["sex"]),
        date.fromisoformat(told["birth_on"]),
        "云外乡云边村15号",
    )


def card_of(name: str, number: str, sex: Sex | None, birth_on: date | None, address: str) -> IdentityCard:
    """An invented card."""
    return IdentityCard(
        kind=IdentifierKind.RESIDENT_ID,
        number=number,
        name=name,
        sex=sex,
        birth_on=birth_on,
        ethnic_group=CARDS["ethnic_group"],
        address=address,
        issuer=CARDS["issuer"],
        valid_from=date.fromisoformat(CARDS["valid_from"]),
        valid_until=date.fromisoformat(CARDS["valid_until"]),
    )


def simulated_radio() -> SimulatedRadioWithMeter:
    """The emulated radio with its instruments. UserError where that part is not installed."""
    try:
        # Only here: it is not there in every installation.
        from cunyi.devices.simulation.three_in_one import SimulatedRadioWithMeter
    except (ImportError, UserError):
        raise UserError(_NO_RADIO) from None
    return SimulatedRadioWithMeter()


class SimulatedInstruments:
    """Every simulated instrument that this system can have (模拟仪器组). `left_out` says what it cannot.

    Lines are there at once; the radio's instruments live in the loop that uses the radio, and `run` does something there.
    """

    def __init__(self, stack: ExitStack, *, clock: Callable[[], datetime], ids: tuple[str, ...] | None = None) -> None:
        self.left_out: tuple[UserError, ...] = ()
        self.radio: SimulatedRadioWithMeter | None = None
        self._lines: dict[str, SimulatedLine] = {}
        self._clock = clock
        self._numbers = itertools.count(1)
        self._busy = threading.Lock()
        wanted = [one for one in INSTRUMENTS if ids is None or one.id in ids]
        self._values: dict[str, Iterator[dict[str, Any]]] = {one.id: itertools.cycle(one.values) for one in wanted}
        on_lines = [one for one in wanted if one.id in _ON_A_LINE]
        if len(on_lines) < len(wanted):
            try:
                self.radio = simulated_radio()
                for peripheral in self.radio.peripherals:
                    # As most instruments do: they go off after a measurement.
                    peripheral.leaves_after = 1.0
            except UserError as error:
                self.left_out += (error,)
        try:
            from cunyi.devices.simulation.line_instrument import SimulatedLine
        except ImportError:
            self.left_out += (UserError(_NO_LINES),)
        else:
            for one in on_lines:
                capture = next(iter(captures(one.driver).values()))
                line = SimulatedLine(capture, patience_seconds=_DRAIN_SECONDS)
                self._lines[one.id] = stack.enter_context(line)
        self.here = tuple(one for one in wanted if (one.id in self._lines if one in on_lines else self.radio))

    def address_of(self, instrument: Instrument) -> tuple[Transport, str]:
        """How a program reaches it."""
        if instrument.id in self._lines:
            return Transport.SERIAL, self._lines[instrument.id].port
        assert self.radio is not None, "it is here"
        return Transport.BLE, getattr(self.radio, instrument.id).address

    def measure(self, instrument_id: str, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        """Takes the next measurement and returns once it was delivered. UserError where nobody takes it, or one is under way."""
        instrument = next((one for one in self.here if one.id == instrument_id), None)
        if instrument is None:
            raise UserError("没有这台模拟仪器；请从列表里选", field="instrument")
        if not self._busy.acquire(blocking=False):
            raise UserError("上一次还没有测完；请等几秒再试", field="instrument")
        try:
            values = next(self._values[instrument_id])
            if instrument_id in self._lines:
                self._send(instrument_id, values)
            else:
                run(self._over_the_radio(instrument_id, values))
        except TimeoutError:
            raise UserError("没有人接收这次测量；请看仪器页上它连上了没有", field="instrument") from None
        finally:
            self._busy.release()

    def _send(self, instrument_id: str, values: dict[str, Any]) -> None:
        from cunyi.devices.simulation import line_values
        from cunyi.devices.simulation.line_instrument import WrongAnswerError

        line, make = self._lines[instrument_id], getattr(line_values, instrument_id)
        try:
            line.wait_until_opened()
        except WrongAnswerError:
            raise UserError("还没有程序打开这台模拟仪器的串口；请等它连上再测", field="instrument") from None
        # What the program wrote meanwhile; nobody else reads it.
        line.read(_MOST_WRITTEN)
        line.write(make(next(self._numbers), **values, at=self._here_and_now()))

    async def _over_the_radio(self, instrument_id: str, values: dict[str, Any]) -> None:
        assert self.radio is not None, "it is here"
        await self.radio.start()
        at = self._here_and_now()
        if instrument_id == "three_in_one":
            await self.radio.three_in_one.measure(values, at=at)
        else:
            await getattr(self.radio, instrument_id).measure(**values, at=at)

    def _here_and_now(self) -> datetime:
        """An instrument's clock shows local time and knows no zone."""
        return self._clock().astimezone().replace(tzinfo=None)
