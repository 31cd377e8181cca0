"""Which length of time belongs to which finding, and how long ago a value was measured."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.text.durations import Duration
from cunyi.text.scanning import Clause, Match

# 今天 is this encounter; a value of last month is a value of the past.
_THIS_ENCOUNTER_DAYS = 0.5
PAST_READING_DAYS = 30.0
_MOST_WORDS_BESIDE = 6
# What was so months ago is past where something later says that it is otherwise now.
_LONG_AGO_DAYS = 30.0
_LATELY_DAYS = 30.0
_SHORT_CLAUSE = 8
_OVER_DAYS = 14.0
_GOES_ON = frozenset({"since", "until_now"})
_SAYS_WHEN = frozenset({"now", "past_before"})


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
        self.tells_of_weeks_ago = any(d.ago and d.days >= _OVER_DAYS for d in durations)

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

    def told_of(self, match: Match, number: int) -> Duration | None:
        """The time that a finding's sentence tells of: the last words of time before it; None for none."""
        if not self._any:
            return None
        sentence = self._clauses[number].sentence
        for earlier in range(number, -1, -1):
            if self._clauses[earlier].sentence != sentence:
                return None
            before = [d for d in self._inside[earlier] if earlier < number or d.end <= match.start]
            if before:
                return before[-1]
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


def is_given_up(finding: str, match: Match, clauses: Sequence[Clause], number: int) -> bool:
    """Whether a habit is said to be given up, in its clause or the next ones of the sentence (吸烟30年，已戒5年)."""
    sentence = clauses[number].sentence
    for clause in clauses[number:]:
        if clause.sentence != sentence:
            return False
        for placed in clause.cues:
            if placed.cue.kind == "given_up" and placed.start >= match.start and finding in placed.cue.value.split():
                return True
    return False


def is_still_so(match: Match, clauses: Sequence[Clause], number: int, *, over_commas: bool) -> bool:
    """Whether what the past history tells is there now (目前咳嗽, 近1年便血，人瘦了); `over_commas`: so far as the sentence goes."""
    for clause in clauses[number::-1]:
        if clause.sentence != clauses[number].sentence or (clause is not clauses[number] and not over_commas):
            return False
        for placed in reversed(clause.cues):
            if placed.end <= match.start and placed.cue.kind in _SAYS_WHEN:
                return placed.cue.kind == "now"
    return False


def lasts_until_now(clauses: Sequence[Clause], number: int) -> bool:
    """Whether the next clause says that what began in the past goes on (既往咳嗽，一直持续至今)."""
    following = clauses[number + 1] if number + 1 < len(clauses) else None
    return (
        following is not None
        and following.sentence == clauses[number].sentence
        and not following.matches
        and following.end - following.start <= _SHORT_CLAUSE
        and any(placed.cue.kind == "until_now" for placed in following.cues)
    )


def is_over(timeline: Timeline, match: Match, number: int, clauses: Sequence[Clause]) -> bool:
    """Whether something of weeks ago is said to be over by the clauses after it (一个月前感冒发烧，后来好了).

    What was over within days is part of the illness, and may still warn.
    """
    if not timeline.tells_of_weeks_ago or any(placed.cue.kind in _GOES_ON for placed in clauses[number].cues):
        return False
    for clause in clauses[number + 1 :]:
        if clause.sentence != clauses[number].sentence or any(placed.cue.kind == "now" for placed in clause.cues):
            return False
        if any(placed.cue.kind == "past_after" for placed in clause.cues):
            if clause.matches or clause.end - clause.start > _SHORT_CLAUSE:
                return False
            told = timeline.told_of(match, number)
            return told is not None and told.ago and told.days >= _OVER_DAYS
    return False


def long_ago(timeline: Timeline, match: Match, number: int, clauses: Sequence[Clause]) -> bool:
    """Whether a sentence tells of a time long ago (5月前出现呕血), not of what began then and goes on (5月前开始反复…)."""
    told = timeline.told_of(match, number)
    if told is None or not told.ago or told.days < _LONG_AGO_DAYS:
        return False
    return not any(placed.cue.kind in _GOES_ON for placed in clauses[number].cues)


def lately(timeline: Timeline, match: Match, number: int) -> bool:
    """Whether a sentence tells of the last days or weeks (近3天无呕血)."""
    told = timeline.told_of(match, number)
    return told is not None and told.days < _LATELY_DAYS
