"""What a denial covers, and which denials are none: of the degree only (不怎么咳), of a time of the day (白天不咳)."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.text.language import ABSENT
from cunyi.text.scanning import Clause, Match, PlacedCue

_LIST_MARKS = frozenset("、及和或与以并")
_NEXT = "、"
_NO_WEIGHT = frozenset(" 的了过等征史/\t:")
_ENDING = " 关的了过啊呀呢吧嘛哦噢哈嗯\t/"
_DENIES_BEFORE = ("absent_before", "absent_before_sentence")
_DENIES_AFTER = ("absent_after", "absent_after_end")
_DESCRIBES = "的"
_DESCRIBED_REACH = 2
_COMPARED_REACH = 2
_COMPARED_REACH_BACK = 6


def is_absent(match: Match, cues: Sequence[PlacedCue], clause: Clause, text: str) -> bool:
    """Whether a denial before, behind or inside a match covers it."""
    start, end = match.start, match.end
    # 没放屁, 不能平卧: of a match that is itself worded as a denial, a denial further off (没解大便没放屁) says nothing.
    negated_wording = start in clause.negations
    stops = [c.start for c in clause.cues if c.cue.kind == "end"]
    # 有 ends 没有发热有咳嗽, but not 否认有结核病史; 但 and 伴 end both.
    strong_stops = [c.start for c in clause.cues if c.cue.kind == "end" and c.cue.value.startswith("strong")]
    for placed in cues:
        cue = placed.cue
        if cue.kind in ("absent_before", "absent_before_sentence"):
            if start <= placed.start < end:
                return True
            ends = stops if cue.kind == "absent_before" else strong_stops
            if cue.kind == "absent_before" and negated_wording and placed.end != start:
                continue
            if (
                placed.end <= start
                and (start - placed.end <= cue.scope or loose(placed.end, start, clause, text) <= cue.scope)
                and not any(placed.end <= stop <= start and not _begins_denied(stop, placed, clause) for stop in ends)
                and not _is_described(match, placed, clause, text)
            ):
                return True
        elif cue.kind in ("absent_after", "absent_after_end") and placed.start >= end:
            # 拉肚子没有 denies; 胆囊肿大无压痛 does not.
            at_end = not text[placed.end : clause.end].strip(_ENDING) and clause.matches[-1].start < placed.end
            if (
                (at_end or cue.kind == "absent_after")
                and loose(end, placed.start, clause, text, backwards=True) <= cue.scope
                and not any(end <= stop < placed.start for stop in stops)
                and not _says_how_it_is(match, placed, text)
            ):
                return True
    return False


def _says_how_it_is(match: Match, denial: PlacedCue, text: str) -> bool:
    """Whether a match says itself how a value is, and the denial is about the next of a list (血钾低、血钠正常)."""
    directions = denial.cue.value
    return (
        bool(directions)
        and text[match.start : match.end].endswith(tuple(directions.split()))
        and _NEXT in text[match.end : denial.start]
    )


def _is_described(match: Match, denial: PlacedCue, clause: Clause, text: str) -> bool:
    """Whether a denial only describes what is there (不疼的小疙瘩): it denies what stands before 的, right before the match."""
    return any(
        denial.end <= other.start <= denial.end + 1
        and text[other.end : other.end + 1] == _DESCRIBES
        and other.end < match.start <= other.end + 1 + _DESCRIBED_REACH
        for other in clause.matches
    )


def _begins_denied(stop: int, denial: PlacedCue, clause: Clause) -> bool:
    """Whether a word that says there is begins a term right after a denial: half of it in 没|有糖尿病、高血压."""
    return stop == denial.end and any(match.start == stop for match in clause.matches)


def loose(start: int, end: int, clause: Clause, text: str, *, backwards: bool = False) -> int:
    """Characters between two places that belong to no match, counted from the last mark of an enumeration.

    `backwards`: from the first one instead, for cues that follow what they mean.
    """
    covered = [False] * max(0, end - start)
    for other in clause.matches:
        for a, b in other.pieces:
            for position in range(max(a, start), min(b, end)):
                covered[position - start] = True
    order = range(len(covered)) if not backwards else range(len(covered) - 1, -1, -1)
    count = 0
    for offset in order:
        if covered[offset]:
            continue
        character = text[start + offset]
        if character in _LIST_MARKS:
            count = 0
        elif character not in _NO_WEIGHT:
            count += 1
    return count


def is_partial(match: Match, cues: Sequence[PlacedCue], clause: Clause, text: str) -> bool:
    """Whether a denial takes only from the degree of a match (不怎么咳嗽, 没昨天那么痛, 黄痰不多), so that it is there."""
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "partial_before":
            near = placed.start < match.start < placed.end or (
                placed.end <= match.start
                and (match.start - placed.end <= scope or loose(placed.end, match.start, clause, text) <= scope)
            )
            if (near or match.start <= placed.start < match.end) and not _denied_anew(placed, match, cues):
                return True
        elif kind == "partial_after":
            if text[match.start : match.end].endswith(tuple(placed.cue.value.split())):
                # 流泪不多, 出汗不多: of what everybody has, not much is none.
                continue
            if match.end <= placed.start and loose(match.end, placed.start, clause, text, backwards=True) <= scope:
                return True
        elif kind == "compared" and _is_compared(placed, match, cues):
            return True
    return False


def is_hardly(match: Match, cues: Sequence[PlacedCue], text: str) -> bool:
    """Whether a denial of the degree leaves it open whether there is any (肚子不怎么疼)."""
    said = text[match.start : match.end]
    return any(
        c.cue.kind == "partial_before" and bool(c.cue.value) and said.endswith(tuple(c.cue.value.split())) for c in cues
    )


def _denied_anew(partial: PlacedCue, match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether between a partial denial and a match something else is said (不怎么咳也没有发热, 不太舒服有发热)."""
    return any(
        c.cue.kind in _DENIES_BEFORE or c.cue.kind == "end" for c in cues if partial.end <= c.start < match.start
    )


def _is_compared(placed: PlacedCue, match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether a denied comparison stands right before a match or its last part (没有|昨天|那么|痛)."""
    near = any(placed.end <= start <= placed.end + _COMPARED_REACH for start, _ in match.pieces)
    return near and any(c.cue.kind == "absent_before" and c.end <= placed.start for c in cues)


def is_limited(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether a denial of a match says only that it is not so by day (白天不咳) or not so bad as it (没有感冒那么难受)."""
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "compared" and match.end <= placed.start <= match.end + _COMPARED_REACH_BACK:
            return any(c.cue.kind == "absent_before" and c.end <= match.start for c in cues)
        if (
            kind == "daytime"
            and match.mode != ABSENT
            and (placed.end <= match.start <= placed.end + scope or match.end <= placed.start <= match.end + 1)
        ):
            return True
    return False
