"""How sure a match is meant: doubted, asked, supposed, planned, likened to something, or denied of something else."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.text.scanning import Clause, Match, PlacedCue

_CLAUSE_TAIL = 2
_DOUBT_ENDS_AFTER = 4
# 可能有胆结石伴胆绞痛: 伴 ends a denial, not a doubt.
_JOINS = "strong with"
_TAKEN_REACH = 3
_ASKED_REACH = 8


def is_possible(match: Match, cues: Sequence[PlacedCue], clause: Clause) -> bool:
    """Whether a match is doubted, by a word around it or a question mark right behind."""
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "possible_before" and placed.end <= match.start <= placed.end + scope:
            if not _is_sure_again(placed, match, cues, clause):
                return True
            continue
        if kind == "possible_inside" and match.start <= placed.start <= match.end + scope:
            return True
        if kind == "possible_after" and match.end <= placed.start <= match.end + scope:
            return True
    return clause.asks and clause.end - match.end <= _CLAUSE_TAIL


def _is_sure_again(doubt: PlacedCue, match: Match, cues: Sequence[PlacedCue], clause: Clause) -> bool:
    """Whether what was doubted is over before a match: 可能受凉引起咳嗽, 好像溃疡了鼻子有青色鼻涕; not 好像以前有咳嗽."""
    for placed in cues:
        if (
            (placed.cue.kind == "doubt_end" or (placed.cue.kind == "end" and placed.cue.value != _JOINS))
            and doubt.end < placed.start
            and placed.end <= match.start
        ):
            if placed.start - doubt.end >= _DOUBT_ENDS_AFTER:
                return True
            if any(doubt.end <= other.start and other.end <= placed.start for other in clause.matches):
                return True
    return False


def is_asked(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether a match is only asked after (有没有咳嗽, 咳嗽吗)."""
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "question_before" and placed.end <= match.start <= placed.end + scope:
            return True
        if kind == "question_after" and match.end <= placed.start <= match.end + scope:
            return True
    return False


def is_unreal(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether a match is only supposed or feared (如果咳嗽, 怕她咳嗽)."""
    return any(c.cue.kind in ("hypothetical", "unreal") and c.end <= match.start <= c.end + c.cue.scope for c in cues)


def is_planned(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether a match is only intended or advised."""
    return any(c.cue.kind == "plan" and c.start < match.start <= c.end + c.cue.scope for c in cues)


def is_of_other(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether a denial is of something else with a match in it (没有便秘腹泻交替, 没吃会黑便的食物, 否认其他部位疼痛)."""
    return any(
        (c.cue.kind == "of_other" and match.end <= c.start <= match.end + c.cue.scope)
        or (c.cue.kind == "other_part" and c.end <= match.start <= c.end + c.cue.scope)
        for c in cues
    )


def is_likened(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether something is only said to be like a match (就像感冒一样)."""
    before = any(c.cue.kind == "like_before" and c.end <= match.start <= c.end + c.cue.scope for c in cues)
    return before and any(c.cue.kind == "like_after" and match.end <= c.start <= match.end + c.cue.scope for c in cues)


def excused(clauses: Sequence[Clause]) -> tuple[str, ...]:
    """Wordings that mean less in one who is said to be deaf (耳背，答非所问)."""
    return tuple(
        word for clause in clauses for cue in clause.cues if cue.cue.kind == "excuses" for word in cue.cue.value.split()
    )


def is_guess(match: Match, cues: Sequence[PlacedCue], clause: Clause, text: str) -> bool:
    """Whether a denial only asks to be told so (不会是肺炎吧, 不用吃抗生素吧): a fear, not an answer."""
    tags = [c for c in cues if c.cue.kind == "tag" and c.start >= match.end]
    return (
        bool(tags)
        and not text[tags[-1].end : clause.end].strip()
        and any(c.cue.kind == "guess" and c.end <= match.start <= c.end + c.cue.scope for c in cues)
    )


def is_only_asked_for(match: Match, clause: Clause, text: str, kind: str) -> bool:
    """Whether a drug or an exposure is only talked of: 抗生素可以服用吗, 家里有头孢, 抽烟有害吗; not 吃了头孢还可以吃什么."""
    cues = clause.cues
    if not cues and not clause.asks:
        return False
    if any(
        c.cue.kind == "taken" and (c.end <= match.start + 1 or match.end <= c.start <= match.end + _TAKEN_REACH)
        for c in cues
    ):
        return False
    if any(c.cue.kind == "whether" and c.start < match.end + c.cue.scope for c in cues):
        return True
    tags = [c for c in cues if c.cue.kind == "tag" and c.start >= match.end and not text[c.end : clause.end].strip()]
    if kind != "drug":
        return any(tag.cue.value and tag.start <= match.end + _ASKED_REACH for tag in tags)
    return bool(tags) or clause.asks or any(c.cue.kind == "at_hand" and c.end <= match.start for c in cues)
