"""How a match came on and how bad it is, by the words next to it."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.domain.finding import Onset, Severity
from cunyi.text.scanning import Match, PlacedCue

_SEVERITY_REACH = 4
_ONSET_REACH = 12
_ONSET_REACH_BACK = 4
_TAKES_DEGREE = frozenset({"partial_before", "compared"})


def onset_of(match: Match, cues: Sequence[PlacedCue]) -> Onset | None:
    """How a match came on, by the last word for it near by."""
    for placed in reversed(cues):
        if placed.cue.kind == "onset" and (
            0 <= match.start - placed.end <= _ONSET_REACH
            or 0 <= placed.start - match.end <= _ONSET_REACH_BACK
            or match.start <= placed.start < match.end
        ):
            return Onset(placed.cue.value)
    return None


def severity_of(match: Match, cues: Sequence[PlacedCue], matches: Sequence[Match]) -> Severity | None:
    """The degree next to a match, unless another match is nearer to the word for it."""
    best: tuple[int, Severity] | None = None
    for placed in cues:
        if placed.cue.kind != "severity":
            continue
        if any(c.cue.kind in _TAKES_DEGREE and c.end <= placed.start <= c.end + 1 for c in cues):
            # 胸痛没有昨天厉害
            continue
        distance = _distance(match, placed)
        if distance > _SEVERITY_REACH or any(_distance(other, placed) < distance for other in matches):
            continue
        if best is None or distance < best[0]:
            best = (distance, Severity(placed.cue.value))
    return None if best is None else best[1]


def _distance(match: Match, placed: PlacedCue) -> int:
    return max(match.start - placed.end, placed.start - match.end, 0)
