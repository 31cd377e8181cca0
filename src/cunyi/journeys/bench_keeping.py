"""What is done with what the bench heard: readings into the store, cards into memory, and who is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cunyi.devices.driver import Description
from cunyi.domain.device import Focus, RegisteredDevice
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import IdentityCard, Measurement
from cunyi.journeys.bench_attention import Attention, Cards, still_holds
from cunyi.journeys.bench_events import Event, EventKind, Streams
from cunyi.journeys.bench_status import place_of
from cunyi.journeys.keeping_devices import note_facts
from cunyi.journeys.receiving import receive
from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge

_LOG = logging.getLogger("cunyi.bench")
_NOT_KEPT = "读数收到了，但没能存下；请手工填写，并运行 cunyi verify 检查数据"


class Keeping:
    """Keeps what was heard (收存), outside the loop: the next bytes are not to wait for the disk.

    Its methods are called in the loop of the bench; one thread does the work, so that the readings of an instrument are kept
    in the order in which they came.
    """

    def __init__(
        self,
        seat: Seat,
        knowledge: Knowledge,
        loop: asyncio.AbstractEventLoop,
        attention: Attention,
        cards: Cards,
        streams: Streams,
    ) -> None:
        self._seat = seat
        self._knowledge = knowledge
        self._loop = loop
        self._attention = attention
        self._cards = cards
        self._streams = streams
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bench keeper")
        self._under_way: set[asyncio.Future[None]] = set()

    def reading(
        self,
        device: RegisteredDevice,
        description: Description,
        measurement: Measurement,
        refused: Callable[[UserError], None],
    ) -> None:
        """Takes a measurement in, for the encounter that is in front now; `refused` is called where it could not be kept."""
        # Whose it is was decided when it arrived, however long the disk takes.
        focus = self._attention.current()
        self._do(partial(self._receive, device, description, measurement, focus, refused))

    def card(self, device: RegisteredDevice, card: IdentityCard) -> None:
        """Shows a card to whoever is at work."""
        self._do(partial(self._show, device, card, self._attention.current()))

    def facts(self, device: RegisteredDevice, facts: dict[str, str]) -> None:
        """Keeps what an instrument told of itself."""
        self._do(partial(self._note, device, facts))

    def still_good(self, focus: Focus | None) -> Focus | None:
        """The focus, None where its encounter was signed or discarded meanwhile, or its account left. For any thread."""
        if focus is None or not self._seat.is_open:
            return None
        if not still_holds(self._seat.store, focus, self._seat.now()):
            self._attention.leave(focus.draft_id)
            return None
        return focus

    async def finish(self, seconds: float) -> None:
        """Waits until everything is kept, at most that long."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        self._thread.shutdown(wait=False)

    def _do(self, work: Callable[[], None]) -> None:
        future = self._loop.run_in_executor(self._thread, work)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)

    def _receive(
        self,
        device: RegisteredDevice,
        description: Description,
        measurement: Measurement,
        focus: Focus | None,
        refused: Callable[[UserError], None],
    ) -> None:
        try:
            arrived = receive(
                self._seat.store,
                self._knowledge,
                device,
                description,
                measurement,
                focus=self.still_good(focus),
                now=self._seat.now().astimezone(),
            )
        except UserError as error:
            self._say(partial(refused, error))
            return
        except Exception as error:
            _LOG.error("a reading of %s was not kept: %s", device.driver, place_of(error))
            self._say(partial(refused, UserError(_NOT_KEPT)))
            return
        if arrived is None:
            return
        draft_id = arrived.draft_id or ""
        event = Event(kind=EventKind.READING, device_id=device.id, reading_id=arrived.id, draft_id=draft_id)
        # One that waits for a person may be taken by anybody who is at work.
        self._streams.tell(event, focus.account_id if focus is not None and draft_id else None)

    def _show(self, device: RegisteredDevice, card: IdentityCard, focus: Focus | None) -> None:
        try:
            focus = self.still_good(focus)
        except Exception as error:
            _LOG.error("whose encounter it is cannot be read: %s", place_of(error))
            focus = None
        account_id = self._streams.newest_account() if focus is None else focus.account_id
        if account_id is not None:
            event = Event(kind=EventKind.CARD, device_id=device.id, card_token=self._cards.keep(card))
            self._streams.tell(event, account_id)

    def _note(self, device: RegisteredDevice, facts: dict[str, str]) -> None:
        try:
            note_facts(self._seat.store, device.id, facts)
        except Exception as error:
            _LOG.error("what %s told of itself was not kept: %s", device.driver, place_of(error))

    def _say(self, what: Callable[[], None]) -> None:
        # The loop may have ended meanwhile; then nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)
