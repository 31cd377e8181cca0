"""The bench of the demonstration: simulated instruments, registered like real ones, and buttons that use them."""

from __future__ import annotations

import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from cunyi.devices.driver import Words
from cunyi.domain.account import Account
from cunyi.domain.device import RegisteredDevice, Transport
from cunyi.domain.errors import UserError
from cunyi.domain.identity import IdentifierKind
from cunyi.domain.measurement import IdentityCard
from cunyi.journeys.bench import Bench
from cunyi.journeys.demonstration import SHOWN_ACCOUNT
from cunyi.journeys.keeping_devices import add_device, change_device, devices
from cunyi.journeys.seat import Seat
from cunyi.journeys.simulated_instruments import (
    CARDS,
    INSTRUMENTS,
    READER_DRIVER,
    READER_NAME,
    SimulatedInstruments,
    card_of,
    stranger_card,
)
from cunyi.journeys.today import search
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.nodes import villages

if TYPE_CHECKING:
    from cunyi.devices.simulation.card_reader import SimulatedCardReader

_LYING_SECONDS = 2.5
_LIFTED_SECONDS = 0.7
_DELIVERED_SECONDS = 30.0
_TOWNSHIP = "云上乡"


class SimulatedBench:
    """The simulated instruments of a demonstration in use (演示仪器). Everything goes the way that real ones go.

    `cards` and `instruments` are what there is to choose from, by id; `left_out` says what this system cannot simulate and why.
    """

    def __init__(
        self,
        bench: Bench,
        instruments: SimulatedInstruments,
        reader: SimulatedCardReader | None,
        cards: dict[str, tuple[str, IdentityCard]],
    ) -> None:
        self._bench = bench
        self._instruments = instruments
        self._reader = reader
        self._cards = cards
        self.cards: tuple[tuple[str, str], ...] = tuple((card_id, name) for card_id, (name, _) in cards.items())
        self.instruments: tuple[tuple[str, Words], ...] = tuple((one.id, one.words) for one in instruments.here)
        self.left_out = instruments.left_out
        self._lifting: threading.Timer | None = None

    def swipe(self, card_id: str) -> None:
        """Puts a card on the reader and lifts it after a moment; the bench tells what was read."""
        if self._reader is None or card_id not in self._cards:
            raise UserError("没有这张卡；请从列表里选", field="card")
        self._expect_answer(READER_DRIVER, "card")
        if self._lifting is not None and self._lifting.is_alive():
            self._lifting.cancel()
            self._reader.lift()
            # As long as a hand needs; a reader has to see that the one before is gone.
            time.sleep(_LIFTED_SECONDS)
        self._reader.put(self._cards[card_id][1])
        self._lifting = threading.Timer(_LYING_SECONDS, self._reader.lift)
        self._lifting.daemon = True
        self._lifting.start()

    def measure(self, instrument_id: str) -> None:
        """Takes a measurement and returns once it was delivered; the bench tells that it arrived."""
        one = next((one for one in self._instruments.here if one.id == instrument_id), None)
        if one is not None:
            self._expect_answer(one.driver, "instrument")
        self._instruments.measure(instrument_id, self._run)

    def close(self) -> None:
        """Nothing moves any more."""
        if self._lifting is not None:
            self._lifting.cancel()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._bench.run(work, seconds=_DELIVERED_SECONDS)

    def _expect_answer(self, driver: str, field: str) -> None:
        """A line has to be open before something is sent over it; an instrument on the radio is found once it measures."""
        for status in self._bench.status():
            if status.device.driver == driver:
                if status.answers or status.device.transport is Transport.BLE:
                    return
                raise UserError("{name}还没有连上；请等几秒再试", field=field, name=status.device.name)
        raise UserError("这台模拟仪器已停用或移除；请在仪器页重新启用，或重新打开演示", field=field)


@contextmanager
def open_simulated_bench(seat: Seat, knowledge: Knowledge, *, login: str = SHOWN_ACCOUNT[0]) -> Iterator[Bench]:
    """The bench of an open demonstration, at work, with its simulated instruments; what this system cannot simulate is left out.

    The account `login` registers them.
    """
    with ExitStack() as stack:
        instruments = SimulatedInstruments(stack, clock=seat.now)
        radio = instruments.radio
        bench = Bench(seat, knowledge, radio=None if radio is None else lambda: radio)
        reader = _reader(stack)
        by = next(account for account in seat.names_of_accounts() if account.login == login)
        reached = {one.driver: (one.name, *instruments.address_of(one)) for one in instruments.here}
        if reader is not None:
            reached[READER_DRIVER] = (READER_NAME, Transport.SERIAL, reader.port)
        _register(seat, by, reached)
        bench.start()
        stack.callback(bench.stop)
        if radio is not None:
            stack.callback(lambda: bench.run(radio.stop()))
        bench.simulated = SimulatedBench(bench, instruments, reader, _cards(seat, by) if reader else {})
        stack.callback(bench.simulated.close)
        yield bench


def _reader(stack: ExitStack) -> SimulatedCardReader | None:
    try:
        # Only here: a system without pseudo-terminals has no such module.
        from cunyi.devices.simulation.card_reader import SimulatedCardReader
    except ImportError:
        return None
    return stack.enter_context(SimulatedCardReader())


def _register(seat: Seat, by: Account, reached: dict[str, tuple[str, Transport, str]]) -> None:
    """Registers what is here under its address of today, and puts away what a former start had and this one has not."""
    ours = {one.driver for one in INSTRUMENTS} | {READER_DRIVER}
    known: dict[str, RegisteredDevice] = {}
    for device in devices(seat.store, by):
        known.setdefault(device.driver, device)
    for driver, (name, transport, address) in reached.items():
        former = known.get(driver)
        if former is None:
            add_device(seat.store, by, driver=driver, transport=transport, address=address, name=name)
        elif former.address != address or not former.active:
            change_device(seat.store, by, former.id, address=address, active=True)
    for driver, device in known.items():
        if driver in ours and driver not in reached and device.active:
            change_device(seat.store, by, device.id, active=False)


def _cards(seat: Seat, by: Account) -> dict[str, tuple[str, IdentityCard]]:
    """The cards to choose from: villagers, one whose card has another name, one whom no record knows."""
    cards: dict[str, tuple[str, IdentityCard]] = {}
    for name in CARDS["of"]:
        card = _card_of_villager(seat, by, name)
        if card is not None:
            cards[f"villager-{len(cards)}"] = (name, card)
    other = CARDS["other_name"]
    card = _card_of_villager(seat, by, other["of"])
    if card is not None:
        cards["other-name"] = (other["zh"], msgspec.structs.replace(card, name=other["name"]))
    cards["unknown"] = (CARDS["unknown"]["zh"], stranger_card())
    return cards


def _card_of_villager(seat: Seat, by: Account, name: str) -> IdentityCard | None:
    """The card of a villager, as the demonstration registered them; None for one who was changed so that none is left."""
    for person in search(seat.store, by, name).people:
        for paper in person.identifiers:
            if person.name == name and paper.kind is IdentifierKind.RESIDENT_ID:
                with seat.store.reading() as connection:
                    village = villages(connection, person.organisation).get(person.village_code, "")
                address = f"{_TOWNSHIP}{village}{person.address}"
                return card_of(name, paper.value, person.sex, person.birth_on, address)
    return None
