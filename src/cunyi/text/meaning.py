"""How a match is meant: present, absent, possible or no statement at all; whose; now or past; onset and severity.

Cue words act like ConText (Harkema et al., J Biomed Inform 2009; 42: 839-851) over Chinese clauses: the enumeration
comma 、 keeps a scope, the comma and words like 伴 and 但 end it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from cunyi.domain.finding import Onset, Severity, Status, When, Who
from cunyi.text.scanning import Clause, Match, PlacedCue

T = TypeVar("T", Onset, Severity)
_CONNECTORS = frozenset("、及或和与以等者征史 /")
_NARRATOR_REACH = 3


class Meaning(NamedTuple):
    """What a match states; None status: nothing (a question, an if)."""

    status: Status | None
    who: Who
    when: When
    onset: Onset | None
    severity: Severity | None


def meaning_of(match: Match, clause: Clause, text: str, denied: bool) -> Meaning:
    """The meaning of one match. `denied`: a denial earlier in the sentence still holds for this clause."""
    first, last = match.pieces[0], match.pieces[-1]
    cues = [c for c in clause.cues if not any(a <= c.start and c.end <= b for a, b in match.pieces)]
    status: Status | None = Status.PRESENT
    if denied or _absent(match, cues, clause, text):
        status = Status.ABSENT
    if any(c.cue.kind == "affirm" and c.end <= first[0] for c in cues) and status == Status.ABSENT:
        status = Status.PRESENT
    if status == Status.PRESENT and _reached(match, cues, "possible", clause, text):
        status = Status.POSSIBLE
    if _reached(match, cues, "question", clause, text) or _hypothetical(match, cues):
        status = None
    return Meaning(
        status=status,
        who=Who.FAMILY if _family(match, cues, clause, text) else Who.PATIENT,
        when=When.PAST if _before(match, cues, "past_before") else When.NOW,
        onset=_nearest(cues, "onset", Onset, first[0], last[1]),
        severity=_nearest(clause.cues, "severity", Severity, first[0], last[1]),
    )


def _absent(match: Match, cues: list[PlacedCue], clause: Clause, text: str) -> bool:
    start, end = match.pieces[0][0], match.pieces[-1][1]
    ends = [c.start for c in cues if c.cue.kind == "end"]
    for cue in cues:
        kind = cue.cue.kind
        if kind in ("absent_before", "absent_before_sentence"):
            between = start <= cue.start < end
            near = cue.end <= start and _loose(cue.end, start, clause, text) <= cue.cue.scope
            if between or (near and not any(cue.end <= stop < start for stop in ends)):
                return True
        elif kind == "absent_after" and cue.start >= end:
            if _loose(end, cue.start, clause, text) <= cue.cue.scope:
                return True
    return False


def _loose(start: int, end: int, clause: Clause, text: str) -> int:
    """Characters between two places that are neither connectors nor parts of other matches."""
    covered = [False] * max(0, end - start)
    for other in clause.matches:
        for a, b in other.pieces:
            for position in range(max(a, start), min(b, end)):
                covered[position - start] = True
    return sum(1 for i, done in enumerate(covered) if not done and text[start + i] not in _CONNECTORS)


def _reached(match: Match, cues: list[PlacedCue], family: str, clause: Clause, text: str) -> bool:
    start, end = match.pieces[0][0], match.pieces[-1][1]
    for cue in cues:
        if cue.cue.kind == f"{family}_before" and cue.end <= start and start - cue.end <= cue.cue.scope:
            return True
        if cue.cue.kind == f"{family}_after" and cue.start >= end and cue.start - end <= cue.cue.scope:
            return True
    return family == "possible" and clause.ends_with_question and clause.end - end <= 2


def _hypothetical(match: Match, cues: list[PlacedCue]) -> bool:
    return any(c.cue.kind == "hypothetical" and c.end <= match.start <= c.end + c.cue.scope for c in cues)


def _before(match: Match, cues: list[PlacedCue], kind: str) -> bool:
    return any(c.cue.kind == kind and c.end <= match.start <= c.end + c.cue.scope for c in cues)


def _family(match: Match, cues: list[PlacedCue], clause: Clause, text: str) -> bool:
    for cue in cues:
        if cue.cue.kind != "family" or not cue.end <= match.start <= cue.end + cue.cue.scope:
            continue
        narrates = any(
            other.cue.kind == "narrator" and cue.end <= other.start <= cue.end + _NARRATOR_REACH for other in cues
        )
        if not narrates and text[cue.end : cue.end + 1] not in ("带", "抱"):
            return True
    return False


def _nearest(cues: list[PlacedCue], kind: str, values: type[T], start: int, end: int) -> T | None:
    best: tuple[int, T] | None = None
    for cue in cues:
        if cue.cue.kind == kind:
            distance = max(start - cue.end, cue.start - end, 0)
            if best is None or distance < best[0]:
                best = (distance, values(cue.cue.value))
    return None if best is None else best[1]


def denies_onward(clause: Clause) -> bool:
    """Whether a clause opens a denial that the next bare clauses inherit (否认高血压，糖尿病，冠心病)."""
    return any(c.cue.kind == "absent_before_sentence" for c in clause.cues)


def is_bare(clause: Clause, text: str) -> bool:
    """Whether a clause is nothing but findings and connectors, so that it can only go on with the one before."""
    if not clause.matches or any(c.cue.kind in ("end", "absent_before") for c in clause.cues):
        return False
    return _loose(clause.start, clause.end, clause, text) <= 1
