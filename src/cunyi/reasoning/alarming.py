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
from cunyi.text.grams import grams_of
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
    for level in sorted(map(TriageLevel.from_code, knowledge.content.learned.alarms), reverse=True):
        alarm, threshold = knowledge.content.learned.alarms[level.code], settings.levels[level.code].threshold
        for field in COMPLAINT_FIELDS:
            words, log_odds = (
                _loudest(written[field].text, alarm, settings.window) if field in written else ("", -np.inf)
            )
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


def _loudest(text: str, alarm: Alarm, window: int) -> tuple[str, float]:
    """The stretch of whole clauses, no longer than the window or one clause, with the highest log-odds: the clause in it that says most, and
    the log-odds."""
    begins, ends = _clauses(text)
    if not len(begins):
        return "", -np.inf
    grams = grams_of(text)
    of_clause = np.searchsorted(begins, grams.starts, side="right") - 1
    _, first = np.unique(np.stack((of_clause, grams.codes)), axis=1, return_index=True)
    each = np.bincount(of_clause[first], weights=alarm.weights[grams.codes[first]], minlength=len(begins))
    upto = np.concatenate(([0.0], each.cumsum()))
    # From each clause on, as many as fit.
    last = np.maximum(np.searchsorted(ends, begins + window, side="right"), np.arange(len(begins)) + 1)
    log_odds = alarm.bias + upto[last] - upto[: len(begins)]
    best = int(log_odds.argmax())
    clause = best + int(each[best : last[best]].argmax())
    return text[begins[clause] : ends[clause]], float(log_odds[best])


def _clauses(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the clauses of a text begin and end: what stands between punctuation and blanks."""
    kept = np.fromiter((character.isalnum() for character in text), dtype=np.bool_, count=len(text))
    edges = np.diff(np.concatenate(([False], kept, [False])).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
