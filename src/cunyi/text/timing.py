"""Which length of time belongs to which finding, and how long ago a value was measured."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.text.durations import Duration
from cunyi.text.scanning import Clause, Match

# 今天 is this encounter; a value of last month is a value of the past.
_THIS_ENCOUNTER_DAYS = 0.5
PAST_READING_DAYS = 30.0
_MOST_WORDS_BESIDE = 6


class Timeline:
    """The lengths of time of one field, sorted into its clauses."""

    def __init__(self, clauses: Sequence[Clause], durations: Sequence[Duration], *, complaint: bool) -> None:
        self._clauses = clauses
        self._complaint = complaint
        self._inside: list[list[Duration]] = [[] for _ in clauses]
        number = 0
        for duration in durations:
            while number + 1 < len(clauses) and duration.start >= clauses[number].end:
                number += 1
            self._inside[number].append(duration)
        self._any = bool(durations)

    def days(self, match: Match, number: int) -> float | None:
        """How long a finding of clause `number` has been there.

        The nearest length in the clause; else the last moment named earlier in the sentence (3天前开始咳嗽，发热);
        else a clause after it that says nothing but a length (咳嗽、咳痰，一个星期了). In a chief complaint any later
        length of the sentence counts.
        """
        if not self._any:
            return None
        here = self._inside[number]
        if here:
            return min(here, key=lambda d: (d.end <= match.start and not d.ago, _distance(match, d))).days
        sentence = self._clauses[number].sentence
        for earlier in range(number - 1, -1, -1):
            if self._clauses[earlier].sentence != sentence:
                break
            moments = [d for d in self._inside[earlier] if d.ago]
            if moments:
                return moments[-1].days
        for later in range(number + 1, len(self._clauses)):
            found = self._inside[later]
            if found and (self._is_only_time(later, found) or self._continues(later, sentence)):
                return found[0].days
            if not self._continues(later, sentence):
                break
        return None

    def days_ago(self, start: int) -> float:
        """How long before the encounter a value at a place was measured, in days; 0 where nothing says so."""
        for number, clause in enumerate(self._clauses):
            if clause.start <= start < clause.end:
                moments = [d for d in self._inside[number] if d.ago and d.start < start]
                return moments[-1].days if moments and moments[-1].days >= _THIS_ENCOUNTER_DAYS else 0.0
        return 0.0

    def _continues(self, number: int, sentence: int) -> bool:
        return self._complaint and self._clauses[number].sentence == sentence

    def _is_only_time(self, number: int, durations: Sequence[Duration]) -> bool:
        clause = self._clauses[number]
        rest = clause.end - clause.start - sum(d.end - d.start for d in durations)
        return not clause.matches and not durations[0].ago and rest <= _MOST_WORDS_BESIDE


def _distance(match: Match, duration: Duration) -> int:
    return max(duration.start - match.end, match.start - duration.end, 0)
