"""Whom the bench serves at the moment: whose encounter readings go to, and the cards that wait to be looked at."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from cunyi.domain.device import Focus
from cunyi.domain.measurement import IdentityCard
from cunyi.store.drafts import draft_by_id
from cunyi.store.nodes import login_policy
from cunyi.store.sessions import last_begun
from cunyi.store.unit import Store

CARD_SECONDS = 600.0
"""How long a card that was read can be looked at."""

FOCUS_SECONDS = 60.0
"""How long readings still go to an encounter whose page is no longer open."""

_TOKEN_BYTES = 24


class Attention:
    """Whose encounter is being written (当前接诊), for every thread.

    It lasts while a page that shows the draft is open, and a minute longer, so that a page may be loaded again.
    """

    def __init__(self, shows: Callable[[str], bool], seconds: Callable[[], float] = time.monotonic) -> None:
        self._shows = shows
        self._clock = seconds
        self._lock = threading.Lock()
        self._focus: Focus | None = None
        self._seen_at = 0.0

    def turn_to(self, focus: Focus | None) -> None:
        """From now on readings go there; None: to nobody until a person is chosen. The same encounter again is still the same."""
        with self._lock:
            before, self._seen_at = self._focus, self._clock()
            again = before and focus and (before.account_id, before.draft_id) == (focus.account_id, focus.draft_id)
            self._focus = before if again else focus

    def leave(self, draft_id: str) -> None:
        """The encounter is over; nothing where another one has begun meanwhile."""
        with self._lock:
            if self._focus is not None and self._focus.draft_id == draft_id:
                self._focus = None

    def current(self) -> Focus | None:
        """Where readings go now."""
        with self._lock:
            if self._focus is None:
                return None
            now = self._clock()
            if self._shows(self._focus.draft_id):
                self._seen_at = now
            elif now - self._seen_at > FOCUS_SECONDS:
                self._focus = None
            return self._focus


def still_holds(store: Store, focus: Focus, now: datetime) -> bool:
    """Whether the encounter is still being written, and the session of whoever writes it goes on, locked or not."""
    organisation = store.node.organisation
    with store.reading() as connection:
        if draft_by_id(connection, organisation, focus.draft_id) is None:
            return False
        begun = last_begun(connection, organisation, focus.account_id)
        hours = login_policy(connection, organisation).session_hours
    return begun is not None and now - begun <= timedelta(hours=hours)


class Cards:
    """Cards that were read, in memory alone (刷过的卡): each under a random token for ten minutes."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._clock = seconds
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[IdentityCard, float]] = {}

    def keep(self, card: IdentityCard) -> str:
        """The token of a card."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._kept[token] = (card, self._clock())
        return token

    def get(self, token: str) -> IdentityCard | None:
        """The card of a token, None where there is none or it was too long ago."""
        self.forget_old()
        with self._lock:
            kept = self._kept.get(token)
        return kept[0] if kept else None

    def forget_old(self) -> None:
        """Throws away what was kept long enough."""
        now = self._clock()
        with self._lock:
            self._kept = {token: kept for token, kept in self._kept.items() if now - kept[1] < CARD_SECONDS}

    def forget_all(self) -> None:
        """Throws away every card."""
        with self._lock:
            self._kept.clear()
