"""The bench: every registered instrument of a node listened to, in a thread of its own, whatever happens to one of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from cunyi.devices.catalogue import drivers
from cunyi.devices.driver import Driver
from cunyi.domain.device import Focus, RegisteredDevice
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import IdentityCard
from cunyi.journeys.bench_attention import Attention, Cards
from cunyi.journeys.bench_events import HEARTBEAT_SECONDS, Event, EventKind, Streams
from cunyi.journeys.bench_keeping import Keeping
from cunyi.journeys.bench_listening import Attended, Listening
from cunyi.journeys.bench_search import Found, search
from cunyi.journeys.bench_status import DeviceStatus, place_of
from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.devices import registered_devices
from cunyi.store.unit import Store

if TYPE_CHECKING:
    from cunyi.devices.transports.radio import Radio
    from cunyi.journeys.simulated_bench import SimulatedBench

_LOG = logging.getLogger("cunyi.bench")
_LOOK_SECONDS = 2.0
_STOP_SECONDS = 1.5
_CANCEL_AGAIN_SECONDS = 0.1
T = TypeVar("T")


class Bench:
    """The instruments of a node at work (仪器台).

    It follows the registered devices once somebody opened the node. A reading goes to the encounter that `focus` named; a card
    goes to the account of that encounter, or without one to the account whose page was opened last. What it does is told by
    `events`. Every method may be called from any thread. `simulated` are the instruments of a demonstration.
    """

    def __init__(
        self,
        seat: Seat,
        knowledge: Knowledge,
        *,
        radio: Callable[[], Radio] | None = None,
        known: tuple[Driver, ...] | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.simulated: SimulatedBench | None = None
        self.drivers = {driver.id: driver for driver in (drivers() if known is None else known)}
        self._seat = seat
        self._streams = Streams(heartbeat_seconds=heartbeat_seconds)
        self._attention = Attention(self._streams.shows)
        self._cards = Cards()
        self._attended: dict[str, Attended] = {}
        self._loop = asyncio.new_event_loop()
        self._keeping = Keeping(seat, knowledge, self._loop, self._attention, self._cards, self._streams)
        self._listening = Listening(radio, knowledge, self._keeping, clock=self._now, changed=self._tell_status)
        self._wake = asyncio.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="bench", daemon=True)

    def start(self) -> None:
        """Begins to work, and listens as soon as somebody opened the node."""
        self._thread.start()

    def stop(self) -> None:
        """Ends every stream, every connection, and the thread; within two seconds. What was received is kept first."""
        self._streams.close()
        self._stopping = True
        if self._thread.is_alive():
            self.look_again()
            self._thread.join(2 * _STOP_SECONDS)
        elif not self._loop.is_closed():
            self._loop.close()
        self._cards.forget_all()

    def end_streams(self) -> None:
        """Ends every stream of events for good: the server that carries them is to stop."""
        self._streams.close()

    def look_again(self) -> None:
        """Looks at the registered devices at once, after one was added, changed or removed; it looks every two seconds anyway."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake.set)

    def status(self) -> list[DeviceStatus]:
        """How every registered active device stands, in the order in which they were added."""
        return [one.status for one in list(self._attended.values())]

    def focus(self, focus: Focus | None) -> None:
        """From now on readings go to this encounter, while a page shows it and a minute longer; None: to nobody."""
        if focus is not None and focus.since is None:
            focus = msgspec.structs.replace(focus, since=self._now())
        self._attention.turn_to(focus)

    def leave(self, draft_id: str) -> None:
        """The encounter was signed, discarded or left; nothing where readings already go to another."""
        self._attention.leave(draft_id)

    def focused(self) -> Focus | None:
        """The encounter that a reading would go to now. Not one that was signed or discarded, nor of an account that left."""
        return self._keeping.still_good(self._attention.current())

    def events(self, account_id: str, *, draft_id: str | None = None) -> AsyncGenerator[Event, None]:
        """What happens from now on, for a page of an account; `draft_id` where the page shows an encounter being written.

        For the loop of whoever iterates. It ends when the bench stops, when the page does not read, and for the oldest stream
        of an account that opens more than eight.
        """
        return self._streams.listen(account_id, draft_id)

    def tell_alarm(self) -> None:
        """Tells every open page that there is an emergency to look at; the pages ask for the rest."""
        self._streams.tell(Event(kind=EventKind.ALARM))

    def card(self, token: str) -> IdentityCard | None:
        """The card of an event, for ten minutes; it is nowhere but in memory."""
        return self._cards.get(token)

    def scan(self, seconds: float = 6.0) -> Found:
        """Which instruments are near. Takes that long; UserError where the bench does not run."""
        return self.run(search(seconds, tuple(self.drivers.values()), self._listening.radio), seconds=seconds + 10)

    def run(self, work: Coroutine[Any, Any, T], *, seconds: float = 10.0) -> T:
        """Does some work in the loop of the bench, for those who must share it with its connections."""
        if not self._thread.is_alive():
            work.close()
            raise UserError("仪器服务没有运行；请重新打开村医")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def _now(self) -> datetime:
        return self._seat.now().astimezone()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        try:
            while not self._stopping:
                try:
                    await self._follow()
                except Exception as error:
                    _LOG.error("the registered devices cannot be read: %s", place_of(error))
                self._cards.forget_old()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            await self._end(list(self._attended.values()))
            await self._keeping.finish(_STOP_SECONDS)

    async def _follow(self) -> None:
        """Listens to what is registered now, and to nothing else."""
        if not self._seat.is_open:
            return
        wanted = {device.id: device for device in await asyncio.to_thread(_active, self._seat.store)}
        gone = [one for one in self._attended.values() if not one.is_of(wanted.get(one.device.id))]
        await self._end(gone)
        kept = {one.device.id: one for one in self._attended.values() if one not in gone}
        for device in wanted.values():
            driver = self.drivers.get(device.driver)
            if device.id in kept:
                kept[device.id].rename(device)
            elif driver is not None:
                kept[device.id] = self._listening.begin(device, driver)
        self._attended = {device_id: kept[device_id] for device_id in wanted if device_id in kept}
        if gone:
            self._streams.tell(Event(kind=EventKind.STATUS))

    async def _end(self, ending: list[Attended]) -> None:
        until = self._loop.time() + _STOP_SECONDS
        left = {one.task for one in ending}
        while left and self._loop.time() < until:
            for task in left:
                # Again and again: what ends just then something that is waited for may swallow it (asyncio.wait_for of Python 3.11).
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)

    def _tell_status(self, one: Attended) -> None:
        self._streams.tell(Event(kind=EventKind.STATUS, device_id=one.device.id))


def _active(store: Store) -> list[RegisteredDevice]:
    with store.reading() as connection:
        return registered_devices(connection, store.node.organisation)
