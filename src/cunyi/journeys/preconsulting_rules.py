"""The rules of interviews before the consultation: how long what was said is kept, how often strangers may ask, who must agree."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from cunyi.domain.errors import UserError
from cunyi.reasoning.interviewing_case import age_of
from cunyi.store.interviews import OVER, ConsentBy, InterviewState, StoredInterview

CONSENT_TEXT = "2026-11"
"""Which wording of the consent page is shown; kept with every consent and changed with the wording."""

GUARDIAN_UNDER_YEARS = 14
"""Below this age a guardian agrees (个人信息保护法 第三十一条)."""

INVITATION_KEPT = timedelta(hours=48)
"""How long a link that nobody opened can be used."""

UNFINISHED_KEPT = timedelta(hours=24)
"""How long an interview that was begun can be gone on with."""

READY_KEPT = timedelta(hours=72)
"""How long a finished interview waits for the doctor; then everything said in it is erased."""

TAKEN_OVER_KEPT = timedelta(days=30)
"""How long the answers stay beside the record that the doctor made of them."""

_MOST_KEYS = 4_000


class LinkGoneError(UserError):
    """The link opens nothing (链接失效): used up, too old, or never given out. Which of these is not told."""


class TooOftenError(UserError):
    """Somebody asks too often (请求太频繁)."""


class Limit(msgspec.Struct, frozen=True):
    """At most so many within a time (次数限制)."""

    most: int
    within: timedelta


# A clinic's phones often share one address, so one address may begin many.
BEGIN_FROM_ADDRESS = Limit(60, timedelta(minutes=10))
BEGIN_ALTOGETHER = Limit(400, timedelta(hours=1))
WRONG_LINK_FROM_ADDRESS = Limit(30, timedelta(minutes=10))
ANSWERS_OF_LINK = Limit(120, timedelta(minutes=2))
RECORDINGS_OF_LINK = Limit(30, timedelta(minutes=10))
WRONG_CODE_OF_ACCOUNT = Limit(8, timedelta(minutes=10))


class Limits:
    """How often each has asked of late (访问计数), in memory alone. For any thread."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._times: OrderedDict[tuple[Limit, str], deque[datetime]] = OrderedDict()

    def expect(self, limit: Limit, who: str) -> None:
        """TooOftenError where there were too many already."""
        with self._turn:
            times = self._recent(limit, who)
        if len(times) >= limit.most:
            raise TooOftenError("点得太快、次数太多了；请等几分钟再试，急病请直接找医生或打 120")

    def count(self, limit: Limit, who: str) -> None:
        """One more."""
        with self._turn:
            times = self._recent(limit, who)
            times.append(self._clock())
            self._times[limit, who] = times
            self._times.move_to_end((limit, who))
            while len(self._times) > _MOST_KEYS:
                self._times.popitem(last=False)

    def _recent(self, limit: Limit, who: str) -> deque[datetime]:
        times, since = self._times.get((limit, who), deque()), self._clock() - limit.within
        # A clock that was set back must keep nobody out for longer than the limit.
        return deque(at for at in times if since < at <= since + 2 * limit.within)


def kept_until(stored: StoredInterview) -> datetime:
    """When everything said in an interview is erased."""
    match stored.state:
        case InterviewState.INVITED:
            return stored.created_at + INVITATION_KEPT
        case InterviewState.CONSENTED | InterviewState.ANSWERING:
            return stored.updated_at + UNFINISHED_KEPT
        case InterviewState.TAKEN_OVER:
            return stored.updated_at + TAKEN_OVER_KEPT
        case _:
            return stored.updated_at + READY_KEPT


def is_over(stored: StoredInterview, now: datetime) -> bool:
    """Whether the villager's link opens it no more."""
    gone = stored.state in OVER and stored.state is not InterviewState.TAKEN_OVER
    return gone or now >= kept_until(stored)


def needs_guardian(stored: StoredInterview) -> bool:
    """Whether a guardian has to agree before anything more is asked."""
    record = stored.record
    age = age_of(record.interview) if record.interview else None
    young = age is not None and age < GUARDIAN_UNDER_YEARS
    return young and record.consent is not None and record.consent.by is not ConsentBy.GUARDIAN
