"""A hub looks by itself whether somebody has not been answered in time, also while no page is open."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from cunyi.domain.errors import UserError
from cunyi.journeys.escalating import escalate_overdue
from cunyi.journeys.seat import Seat
from cunyi.knowledge.referral_loops import ReferralLoop

_LOG = logging.getLogger("cunyi.journeys")
# Often enough that what is written down is right to the minute.
LOOKS_EVERY_S = 20.0
_ENDING_S = 5.0


class ThreadWatch:
    """The look at what is late, every few seconds, for as long as a hub is served (超时巡查). Every worker may have one."""

    def __init__(self, seat: Seat, loop: ReferralLoop | None, *, every_s: float = LOOKS_EVERY_S) -> None:
        self._seat, self._loop = seat, loop
        self._every_s = every_s
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to look."""
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="thread-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it; a look under way is waited for."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(_ENDING_S)

    def look(self) -> int:
        """One look; how many were passed on. Nothing where nobody has opened the records since the start."""
        return escalate_overdue(self._seat.store, self._seat.now(), self._loop) if self._seat.is_open else 0

    def _run(self) -> None:
        while not self._ending.wait(self._every_s):
            try:
                self.look()
            except (UserError, SQLAlchemyError) as error:
                # The database may be away for a moment; the next look finds the same.
                _LOG.error("%s while looking for what is late", type(error).__name__)
