"""Talking with the hub by itself, in a thread of its own: nobody waits for it, and what it cannot send stays for the next time."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from cunyi.domain.change import Outcome, Reason
from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import HubLine, LineSettings, LineTrouble, NoAnswerError
from cunyi.journeys.bench_status import place_of
from cunyi.journeys.confirming import confirm_after_contact
from cunyi.journeys.line_words import told_line
from cunyi.journeys.revoking import wipe
from cunyi.journeys.seat import Seat
from cunyi.store.links import hub_link, keep_link, last_sequence
from cunyi.store.one_at_a_time import only_one
from cunyi.store.unit import SYSTEM, Store
from cunyi.store.urgent_notes import has_urgent
from cunyi.sync.errors import RevokedError, not_enrolled
from cunyi.sync.kit_side import KitSide

_LOG = logging.getLogger("cunyi.sync")
_LOOK_S = 1.0
_END_S = 2.0
# After a failure the next try comes soon, then later and later: at most so many times the usual pause.
_FIRST_PAUSE, _LONGEST_PAUSE = 1 / 12, 15
# A page that asks the hub something waits so long for an exchange under way, and for the answer.
_PATIENCE_S = 10.0
_ANSWER_S = 15.0
# A cut line is tried again at once with smaller batches.
_TRIES_AT_ONCE = 4


class HubContact(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange with the hub did (一次同步). `trouble` says why it did not come to its end; empty where it did."""

    sent: int = 0
    received: int = 0
    outcomes: dict[Outcome, int] = {}
    bytes_sent: int = 0
    bytes_received: int = 0
    trouble: Reason = Reason()


class Pace:
    """When the hub is looked for next (同步节奏): every so often, after failures later and later, never all kits at one moment."""

    def __init__(self, every_s: float, chance: Callable[[], float] = random.random) -> None:
        self._every_s, self._chance = every_s, chance
        self._failures = 0

    def after(self, *, success: bool) -> float:
        """The seconds until the next try."""
        if success:
            self._failures = 0
            return self._every_s * (0.9 + 0.2 * self._chance())
        pause: float = self._every_s * min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 30)
        return pause * (0.5 + 0.5 * self._chance())


class Synchroniser:
    """Keeps a node in touch with its hub (同步员). Every method may be called from any thread; none but `contact` and `asking` waits.

    `folder` is where an encrypted node lies: among several programs on one node, one talks with the hub.
    """

    def __init__(
        self,
        seat: Seat,
        *,
        settings: LineSettings,
        every_s: float,
        folder: Path | None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._seat, self._settings, self._folder = seat, settings, folder
        self._pace = Pace(every_s, chance)
        self._next = 0.0
        self._looked_through = 0
        self._talking = threading.Lock()
        self._line: HubLine | None = None
        self._kit: tuple[Store, KitSide] | None = None
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)

    def start(self) -> None:
        """Begins to work, and talks as soon as somebody opened the node and it has a hub."""
        self._thread.start()

    def stop(self) -> None:
        """Ends an exchange under way; what it had not finished is taken up the next time."""
        self._stopping.set()
        self._wake.set()
        if self._line is not None:
            self._line.stop()
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def wake(self) -> None:
        """Talks with the hub at once, whatever the last try came to."""
        self._next = 0.0
        self._wake.set()

    @property
    def is_working(self) -> bool:
        """Whether an exchange is under way, or begins at once."""
        return self._talking.locked() or (self._thread.is_alive() and self._next <= time.monotonic())

    def contact(self) -> HubContact | None:
        """One exchange with the hub until nothing is left; None where another program is at it. NotEnrolledError without a hub."""
        store = self._seat.store
        with self._talking, only_one(store, self._folder) as ours:
            if not ours:
                return None
            with self._connected(store, self._settings) as (kit, line):
                return self._exchange(store, kit, line)

    @contextmanager
    def asking(self) -> Iterator[KitSide]:
        """The hub, to be asked something while a person waits. UserError where there is no line, or it is taken."""
        if not self._talking.acquire(timeout=_PATIENCE_S):
            raise UserError("正在和中心同步，还没有完；请过一会儿再试", field="hub")
        try:
            patience = min(self._settings.timeout_s, _ANSWER_S)
            with self._connected(self._seat.store, msgspec.structs.replace(self._settings, timeout_s=patience)) as (
                kit,
                _,
            ):
                yield kit
        except OSError:
            raise UserError("现在连不上中心，查不了；请在有网络的地方再试", field="hub") from None
        finally:
            self._talking.release()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            try:
                if self._seat.is_open and self._is_due():
                    self._contact_by_itself()
            except Exception as error:
                # The thread goes on: a defect must not keep tomorrow's records here.
                _LOG.error("%s", place_of(error))
                self._next = time.monotonic() + self._pace.after(success=False)

    def _is_due(self) -> bool:
        store = self._seat.store
        with store.reading() as connection:
            link = hub_link(connection, store.node.organisation)
            if link is None or not link.address:
                return False
            newest = last_sequence(connection, store.node.organisation)
            urgent = newest > self._looked_through and has_urgent(
                connection, store.node.organisation, self._looked_through
            )
        self._looked_through = newest
        return urgent or time.monotonic() >= self._next

    def _contact_by_itself(self) -> None:
        try:
            contact = self.contact()
        except RevokedError:
            self._stopping.set()
            return
        well = contact is None or not contact.trouble.sentence
        self._next = time.monotonic() + self._pace.after(success=well)

    @contextmanager
    def _connected(self, store: Store, settings: LineSettings) -> Iterator[tuple[KitSide, HubLine]]:
        with store.reading() as connection:
            link = hub_link(connection, store.node.organisation)
        if link is None or not link.address:
            raise not_enrolled()
        with HubLine(link.address, settings) as line:
            self._line = line
            if self._stopping.is_set():
                line.stop()
            try:
                yield self._side(store), line
            finally:
                self._line = None

    def _side(self, store: Store) -> KitSide:
        """The kit's side of the exchange; the same for as long as the node is open, since it learns how much the line carries."""
        if self._kit is None or self._kit[0] is not store:
            self._kit = store, KitSide(store, self._send, revoked=self._wipe)
        return self._kit[1]

    def _wipe(self, reason: str) -> None:
        wipe(self._seat, reason)

    def _send(self, message: bytes) -> bytes:
        line = self._line
        if line is None:
            raise NoAnswerError(LineTrouble.STOPPED)
        return line.send(message)

    def _exchange(self, store: Store, kit: KitSide, line: HubLine) -> HubContact:
        for left in reversed(range(_TRIES_AT_ONCE)):
            trouble: UserError | None = None
            done = HubContact()
            try:
                counted = kit.synchronise()
                done = HubContact(sent=counted.sent, received=counted.received, outcomes=counted.outcomes)
                if confirm_after_contact(store):
                    kit.push()
            except NoAnswerError as error:
                if left and error.trouble in (LineTrouble.CUT, LineTrouble.TOO_LONG) and not self._stopping.is_set():
                    # The batches are smaller now.
                    continue
                trouble = told_line(error)
            except RevokedError:
                # Nothing is left that could be written to.
                raise
            except UserError as error:
                trouble = error
            break
        why = Reason() if trouble is None else _reason(trouble)
        self._remember(store, why)
        return msgspec.structs.replace(
            done, trouble=why, bytes_sent=line.sent_bytes, bytes_received=line.received_bytes
        )

    def _remember(self, store: Store, why: Reason) -> None:
        """Writes down why it did not go well, for the page; nothing where it is known already."""
        with store.reading() as connection:
            link = hub_link(connection, store.node.organisation)
        if link is None or link.problem == why.text() or self._stopping.is_set():
            return
        with store.writing(SYSTEM, working_state=True) as writing:
            now = hub_link(writing.connection, writing.organisation)
            if now is not None:
                keep_link(writing.connection, msgspec.structs.replace(now, problem=why.text()))


def _reason(error: UserError) -> Reason:
    return Reason(sentence=error.sentence, values={name: str(value) for name, value in error.values.items()})
