"""What happens on the bench, told to the pages that are open: streams from the bench's thread into the web application's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from enum import StrEnum

import msgspec

HEARTBEAT_SECONDS = 15.0
"""How often a stream says that it is alive when nothing happens."""

MOST_STREAMS = 8
"""How many streams an account may have open; the oldest ends for one more."""

_MOST_WAITING = 64


class EventKind(StrEnum):
    """What happened (事件): a reading arrived, a card was read, the state of an instrument changed, a villager's answer was an
    emergency; `HEARTBEAT`: nothing did."""

    READING = "reading"
    CARD = "card"
    STATUS = "status"
    ALARM = "alarm"
    HEARTBEAT = "heartbeat"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a page may want to show (事件). It holds ids alone, nothing of a patient; the page asks for the rest.

    `draft_id` is whose encounter a reading went to, empty where it waits for a person; `card_token` opens a card for ten
    minutes. A status without `device_id` is the first event of every stream: whatever was shown before may be old.
    """

    kind: EventKind
    device_id: str = ""
    reading_id: str = ""
    draft_id: str = ""
    card_token: str = ""


class Streams:
    """Every open stream of events (事件流). `tell` is for any thread and never waits: a page that does not read is dropped."""

    def __init__(self, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._heartbeat = heartbeat_seconds
        self._lock = threading.Lock()
        self._open: list[_Stream] = []
        self._closed = False

    async def listen(self, account_id: str, draft_id: str | None = None) -> AsyncGenerator[Event, None]:
        """What happens from now on, for a page of an account that shows the draft, until the page leaves or the bench stops."""
        stream = _Stream(account_id, draft_id, asyncio.get_running_loop())
        with self._lock:
            own = [one for one in self._open if one.account_id == account_id]
            for oldest in own[: max(0, len(own) - MOST_STREAMS + 1)]:
                self._end(oldest)
            if self._closed:
                stream.offer(None)
            else:
                self._open.append(stream)
        try:
            yield Event(kind=EventKind.STATUS)
            while (event := await stream.next(self._heartbeat)) is not None:
                yield event
        finally:
            with self._lock:
                self._open = [one for one in self._open if one is not stream]

    def tell(self, event: Event, account_id: str | None = None) -> None:
        """Tells the pages of an account, or of everybody."""
        with self._lock:
            self._open = [one for one in self._open if not one.over]
            for stream in self._open:
                if account_id in (None, stream.account_id):
                    stream.call(event)

    def newest_account(self) -> str | None:
        """Whose page was opened last of those that are still open."""
        with self._lock:
            return next((one.account_id for one in reversed(self._open) if not one.over), None)

    def shows(self, draft_id: str) -> bool:
        """Whether a page that shows the draft is open."""
        with self._lock:
            return any(one.draft_id == draft_id and not one.over for one in self._open)

    def close(self) -> None:
        """Ends every stream, also those that are opened later."""
        with self._lock:
            self._closed = True
            for stream in list(self._open):
                self._end(stream)

    def _end(self, stream: _Stream) -> None:
        self._open.remove(stream)
        stream.call(None)


class _Stream:
    """The events that wait for one page. None at the end."""

    def __init__(self, account_id: str, draft_id: str | None, loop: asyncio.AbstractEventLoop) -> None:
        self.account_id = account_id
        self.draft_id = draft_id
        self.over = False
        self._loop = loop
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue()

    def call(self, event: Event | None) -> None:
        """From any thread: has the loop of the page take it."""
        try:
            self._loop.call_soon_threadsafe(self.offer, event)
        except RuntimeError:
            # The loop of the page has ended, and the page with it.
            self.over = True

    def offer(self, event: Event | None) -> None:
        """Takes an event; too many that wait are thrown away with the stream, so that the page begins anew."""
        if self.over:
            return
        if event is None or self._waiting.qsize() >= _MOST_WAITING:
            self.over = True
            while not self._waiting.empty():
                self._waiting.get_nowait()
            event = None
        self._waiting.put_nowait(event)

    async def next(self, heartbeat: float) -> Event | None:
        """The next event, a heartbeat where none comes for so long, None at the end."""
        try:
            async with asyncio.timeout(heartbeat):
                return await self._waiting.get()
        except TimeoutError:
            return Event(kind=EventKind.HEARTBEAT)
