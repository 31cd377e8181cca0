"""The next page of a first sync, asked for and read while the last one is kept: hub and kit work at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from cunyi.sync.messages import Page, Pull
from cunyi.sync.sealing import ANSWERS, UnreadableError, content, opened
from cunyi.sync.taking import Records, records_of


class Ahead:
    """A request whose answer is not looked at yet (预取). It uses the line alone: whoever wants the line waits for its end.

    `records` are those of the answer. Nobody has checked it: they are for whoever believes the answer, and takes it.
    """

    def __init__(self, send: Callable[[bytes], bytes], request: bytes, message: Pull) -> None:
        self.request = request
        self._send = send
        self._message = message
        self._answer: bytes | Exception = b""
        self.records: Records = {}
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def is_for(self, message: Pull) -> bool:
        """Whether it asks for the same page."""
        asked = self._message
        return (asked.first, asked.cursor, asked.own, asked.place) == (
            message.first,
            message.cursor,
            message.own,
            message.place,
        )

    def answer(self) -> bytes:
        """What was answered; raises what the line raised."""
        self.finish()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def finish(self) -> None:
        """Waits until the line is free."""
        self._thread.join()

    def _ask(self) -> None:
        try:
            self._answer = self._send(self.request)
            self.records = _records_in(self._answer)
        except Exception as error:
            self._answer = error


def _records_in(answer: bytes) -> Records:
    """The records of a page; none where it is no page, or cannot be read: whoever looks at it then tells why."""
    try:
        page = content(opened(answer), ANSWERS)
    except UnreadableError:
        return {}
    return records_of(page.items) if isinstance(page, Page) else {}


def following(message: Pull, page: Page) -> Pull | None:
    """What is asked after a page of a first sync has been kept; None where that is not known before."""
    if not page.first or not page.cursor or page.asked != message.cursor or page.known.epoch != message.place.epoch:
        return None
    return msgspec.structs.replace(message, cursor=page.cursor)
