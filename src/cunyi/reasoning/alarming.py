"""What sounds urgent in somebody's own words, whether or not the lexicon has them: a net for what nobody thought of.

It only ever raises the level of care and names no disease. A doctor's text is heard only where little of it was understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cunyi.domain.case import COMPLAINT_FIELDS, Case
from cunyi.domain.finding import Span
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.patients import Alarm
from cunyi.reasoning.prepared import Knowledge
from cunyi.text.grams import BITS, grams_of, letters_in
from cunyi.text.normalize import Normal


class Sounded(NamedTuple):
    """For which level of care it sounded, and the clause that sounded most like it."""

    level: TriageLevel
    words: str

    def said(self, knowledge: Knowledge) -> tuple[str, str]:
        """What is told of it, in Chinese and in English."""
        words = knowledge.settings.spoken_alarm.levels[self.level.code]
        return words.text.format(words=self.words), words.text_en.format(words=self.words)


def sounded(written: Mapping[str, Normal], knowledge: Knowledge) -> Sounded | None:
    """The gravest level that what was told (normalised fields by name) sounds like; None where it sounds like none or nothing was learned."""
    settings = knowledge.settings.spoken_alarm
    alarms = knowledge.content.learned.alarms
    told = [_told(written[field].text, settings.window) for field in COMPLAINT_FIELDS if alarms and field in written]
    for level in sorted(map(TriageLevel.from_code, alarms), reverse=True):
        threshold = settings.levels[level.code].threshold
        for each in told:
            words, log_odds = _loudest(each, alarms[level.code])
            if log_odds >= threshold:
                return Sounded(level, words)
    return None


def understood_share(case: Case, spans: Iterable[Span | None]) -> float:
    """How much of what a case tells was understood: the share of the characters of its complaint and history that lie in what was read
    (`spans`). 1 where nothing is written."""
    written = sum(map(str.isalnum, "".join(getattr(case, field) for field in COMPLAINT_FIELDS)))
    if not written:
        return 1.0
    read = 0
    ends = dict.fromkeys(COMPLAINT_FIELDS, 0)
    for span in sorted({span for span in spans if span is not None and span.field in ends}):
        read += max(0, span.end - max(span.start, ends[span.field]))
        ends[span.field] = max(ends[span.field], span.end)
    return min(1.0, read / written)


class _Told(NamedTuple):
    """A text by its clauses: where each begins and ends, up to which one each stretch goes that begins with it, and the distinct runs of
    characters with their clause."""

    text: str
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    last: NDArray[np.int64]
    codes: NDArray[np.int64]
    of_clause: NDArray[np.int64]


def _told(text: str, window: int) -> _Told:
    begins, ends = _clauses(text)
    if not len(begins):
        return _Told(text, begins, ends, begins, begins, begins)
    grams = grams_of(text)
    size = 1 << BITS
    of_clause, codes = divmod(
        np.unique((begins.searchsorted(grams.starts, side="right") - 1) * size + grams.codes), size
    )
    # From each clause on, as many as fit.
    last = np.maximum(ends.searchsorted(begins + window, side="right"), np.arange(len(begins)) + 1)
    return _Told(text, begins, ends, last, codes, of_clause)


def _loudest(told: _Told, alarm: Alarm) -> tuple[str, float]:
    """The stretch of whole clauses, no longer than the window or one clause, with the highest log-odds: the clause in it that says most, and
    the log-odds."""
    if not len(told.begins):
        return "", -np.inf
    each = np.bincount(told.of_clause, weights=alarm.weights[told.codes], minlength=len(told.begins))
    upto = np.concatenate(([0.0], each.cumsum()))
    log_odds = alarm.bias + upto[told.last] - upto[:-1]
    best = int(log_odds.argmax())
    clause = best + int(each[best : told.last[best]].argmax())
    return told.text[told.begins[clause] : told.ends[clause]], float(log_odds[best])


def _clauses(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the clauses of a text begin and end: what stands between punctuation and blanks."""
    edges = np.diff(np.concatenate(([False], letters_in(text), [False])).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
