"""How a match is meant: present, absent, possible or no statement at all; whose; now or past; onset and severity.

Cue words act like ConText (Harkema et al., J Biomed Inform 2009; 42: 839-851) over Chinese clauses: the enumeration
comma 、 keeps a scope, the comma and words like 伴 and 但 end it. After 否认 (and its like) bare findings go on being
denied over commas; after a plain 无 or 没有 they do not: in the records read, 无发热，咳嗽3天 goes on with a complaint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from cunyi.domain.finding import Onset, Severity, Status, When, Who
from cunyi.text.language import TERM
from cunyi.text.scanning import Clause, Match, Place, PlacedCue

_LIST_MARKS = frozenset("、及和或与以并")
_NO_WEIGHT = frozenset(" 的了过等征史/\t:")
_ENDING = " 关的了过啊呀呢吧嘛哦噢哈嗯\t/"
_NARRATOR_REACH = 3
_SEVERITY_REACH = 4
_ONSET_REACH = 12
_ONSET_REACH_BACK = 4
_CLAUSE_TAIL = 2
_MOST_OTHER = 2
_NAMED_IN_CLAUSES = 3
_ENDS_RELATIVE = frozenset({"patient", "family_end"})
_OPENS_ANEW = frozenset({"end", "absent_before", "patient"})
# The kinds of cue that each question below depends on: most clauses have one or two kinds, and most questions need no asking.
_HANDED_ON = frozenset({"absent_before_sentence", "hypothetical", "end", "patient", "family_end", "family", "plan"})
_SUPPOSES = frozenset({"hypothetical", "unreal"})
_ASKS = frozenset({"question_before", "question_after"})
_DENIES = frozenset({"absent_before", "absent_before_sentence", "absent_after", "absent_after_end"})
_DOUBTS = frozenset({"possible_before", "possible_after", "possible_inside"})
_NAMES_PERSON = frozenset({"family"}) | _ENDS_RELATIVE
_OTHERS = frozenset({"of_other", "other_part"})
_IS_PAST = frozenset({"past_before", "past_after"})
# To look a member up in its enumeration takes longer than the questions.
_PRESENT, _ABSENT, _POSSIBLE = Status.PRESENT, Status.ABSENT, Status.POSSIBLE
_PATIENT, _FAMILY, _NOW, _PAST = Who.PATIENT, Who.FAMILY, When.NOW, When.PAST


class Meaning(msgspec.Struct, frozen=True):
    """What a match states; None status: nothing (an if, a plan) or, where `asked`, only a question."""

    status: Status | None
    asked: bool
    who: Who
    when: When
    onset: Onset | None
    severity: Severity | None
    planned: bool = False
    """Only intended or advised: no drug, exposure or operation that there was."""


class Carried(msgspec.Struct, frozen=True):
    """What a clause hands on to the next ones of its sentence: a denial, an if, a relative as the subject, a plan."""

    denied: bool = False
    unreal: bool = False
    family: bool = False
    planned: bool = False


NOTHING_CARRIED = Carried()
_PLAIN = Meaning(Status.PRESENT, False, Who.PATIENT, When.NOW, None, None)
_SUPPOSED = Meaning(None, False, Who.PATIENT, When.NOW, None, None)
_ASKED = Meaning(None, True, Who.PATIENT, When.NOW, None, None)


def carry(clause: Clause, text: str, before: Carried, subject: str | None) -> Carried:
    """What holds after a clause, `before` being what held in it."""
    denied, unreal, family, planned = before.denied, before.unreal, before.family, _still_planned(clause, before)
    for cue in clause.cues:
        kind = cue.cue.kind
        if kind not in _HANDED_ON:
            continue
        match kind:
            case "absent_before_sentence":
                denied = True
            case "hypothetical":
                unreal = True
            case "plan" if cue.cue.value == "goes_on":
                planned = True
            case "end" if cue.cue.value == "strong":
                denied = False
            case "patient" | "family_end":
                family = False
            case "family":
                family = _is_relative(cue, clause.cues, text, subject)
    return Carried(denied, unreal, family, planned) if denied or unreal or family or planned else NOTHING_CARRIED


def inherited(clause: Clause, text: str, before: Carried) -> Carried:
    """What of the handed-on holds in a clause: an if always, a denial and a relative only where it is bare findings.

    A relative only for lasting illness (父亲高血压，糖尿病): after 丈夫有尿道流脓，尿痛 goes on with the patient.
    """
    if before == NOTHING_CARRIED or is_bare(clause, text):
        return before
    return Carried(False, before.unreal, False, _still_planned(clause, before))


def _still_planned(clause: Clause, before: Carried) -> bool:
    """需要住院治疗，静脉输液和抗生素治疗 is all planned; 需要住院，我有高血压 is not."""
    return before.planned and not any(c.cue.kind == "end" or c.cue.value == "speaker" for c in clause.cues)


def is_bare(clause: Clause, text: str) -> bool:
    """Whether a clause is nothing but findings and connectors, so that it can only go on with the one before."""
    if not clause.matches or any(c.cue.kind in _OPENS_ANEW for c in clause.cues):
        return False
    return _loose(clause.start, clause.end, clause, text) <= _MOST_OTHER


def meaning_of(
    match: Match, clause: Clause, text: str, held: Carried, subject: str | None, lists: re.Pattern[str] | None
) -> Meaning:
    """The meaning of one match in its clause. `subject`: the relative's word that names the patient here, if any;
    `lists`: what may stand between the members of a list."""
    if not clause.cues and held == NOTHING_CARRIED and not clause.asks:
        return _PLAIN
    cues = clause.cues
    for start, end in match.pieces:
        cues = [c for c in cues if c.start < start or end < c.end or c.cue.kind == "possible_inside"]
    kinds = {c.cue.kind for c in cues}
    if held.unreal or (not kinds.isdisjoint(_SUPPOSES) and _unreal(match, cues)):
        return _SUPPOSED
    if not kinds.isdisjoint(_ASKS) and _asked(match, cues):
        return _ASKED
    status = _PRESENT
    denied = held.denied or (not kinds.isdisjoint(_DENIES) and _absent(match, cues, clause, text))
    if denied and not ("affirm" in kinds and _affirmed(match, cues)):
        status = _ABSENT
        if not kinds.isdisjoint(_OTHERS) and _is_of_other(match, cues):
            return _SUPPOSED
    elif ((clause.asks or not kinds.isdisjoint(_DOUBTS)) and _possible(match, cues, clause)) or (
        "like_after" in kinds and match.mode == TERM and _likened(match, cues)
    ):
        status = _POSSIBLE
    family = held.family
    if not kinds.isdisjoint(_NAMES_PERSON):
        family = _family(match, cues, text, held, subject)
    if "family_after" in kinds and not family:
        family = any(c.cue.kind == "family_after" and goes_on(match.end, c.start, clause, text, lists) for c in cues)
    return Meaning(
        status,
        False,
        _FAMILY if family else _PATIENT,
        _PAST if not kinds.isdisjoint(_IS_PAST) and _past(match, cues) else _NOW,
        _onset(match, cues) if "onset" in kinds else None,
        _severity(match, cues, clause.matches) if "severity" in kinds else None,
        held.planned or ("plan" in kinds and _planned(match, cues)),
    )


def goes_on(start: int, end: int, clause: Clause, text: str, lists: re.Pattern[str] | None) -> bool:
    """Whether only the members of a list and the words between them stand between two places of a clause."""
    if end < start:
        return False
    rest = list(text[start:end])
    for match in clause.matches:
        for a, b in match.pieces:
            for position in range(max(a, start), min(b, end)):
                rest[position - start] = ""
    left = "".join(rest).replace(" ", "")
    return not left or (lists is not None and lists.fullmatch(left) is not None)


def _absent(match: Match, cues: Sequence[PlacedCue], clause: Clause, text: str) -> bool:
    start, end = match.start, match.end
    # 没放屁, 不能平卧: of a match that is itself worded as a denial, a denial further off (没解大便没放屁) says nothing.
    negated_wording = start in clause.negations
    stops = [c.start for c in clause.cues if c.cue.kind == "end"]
    # 有 ends 没有发热有咳嗽, but not 否认有结核病史; 但 and 伴 end both.
    strong_stops = [c.start for c in clause.cues if c.cue.kind == "end" and c.cue.value == "strong"]
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
                and (start - placed.end <= cue.scope or _loose(placed.end, start, clause, text) <= cue.scope)
                and not any(placed.end <= stop <= start and not _begins_denied(stop, placed, clause) for stop in ends)
            ):
                return True
        elif cue.kind in ("absent_after", "absent_after_end") and placed.start >= end:
            # 拉肚子没有 denies; 胆囊肿大无压痛 does not.
            at_end = not text[placed.end : clause.end].strip(_ENDING) and clause.matches[-1].start < placed.end
            if (
                (at_end or cue.kind == "absent_after")
                and _loose(end, placed.start, clause, text, backwards=True) <= cue.scope
                and not any(end <= stop < placed.start for stop in stops)
            ):
                return True
    return False


def _begins_denied(stop: int, denial: PlacedCue, clause: Clause) -> bool:
    """Whether a word that says there is begins a term right after a denial: half of it in 没|有糖尿病、高血压."""
    return stop == denial.end and any(match.start == stop for match in clause.matches)


def _loose(start: int, end: int, clause: Clause, text: str, *, backwards: bool = False) -> int:
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


def _affirmed(match: Match, cues: Sequence[PlacedCue]) -> bool:
    return any(c.cue.kind == "affirm" and c.end <= match.start for c in cues)


def _possible(match: Match, cues: Sequence[PlacedCue], clause: Clause) -> bool:
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "possible_before" and placed.end <= match.start <= placed.end + scope:
            return True
        if kind == "possible_inside" and match.start <= placed.start <= match.end + scope:
            return True
        if kind == "possible_after" and match.end <= placed.start <= match.end + scope:
            return True
    return clause.asks and clause.end - match.end <= _CLAUSE_TAIL


def _asked(match: Match, cues: Sequence[PlacedCue]) -> bool:
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "question_before" and placed.end <= match.start <= placed.end + scope:
            return True
        if kind == "question_after" and match.end <= placed.start <= match.end + scope:
            return True
    return False


def _unreal(match: Match, cues: Sequence[PlacedCue]) -> bool:
    return any(c.cue.kind in ("hypothetical", "unreal") and c.end <= match.start <= c.end + c.cue.scope for c in cues)


def _planned(match: Match, cues: Sequence[PlacedCue]) -> bool:
    return any(c.cue.kind == "plan" and c.start < match.start <= c.end + c.cue.scope for c in cues)


def _is_of_other(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether a denial is of something else with a match in it (没有便秘腹泻交替, 没吃会黑便的食物, 否认其他部位疼痛)."""
    return any(
        (c.cue.kind == "of_other" and match.end <= c.start <= match.end + c.cue.scope)
        or (c.cue.kind == "other_part" and c.end <= match.start <= c.end + c.cue.scope)
        for c in cues
    )


def _likened(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether something is only said to be like a match (就像感冒一样)."""
    before = any(c.cue.kind == "like_before" and c.end <= match.start <= c.end + c.cue.scope for c in cues)
    return before and any(c.cue.kind == "like_after" and match.end <= c.start <= match.end + c.cue.scope for c in cues)


def _past(match: Match, cues: Sequence[PlacedCue]) -> bool:
    since = [c.start for c in cues if c.cue.kind == "since"]
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "past_before" and placed.end <= match.start <= placed.end + scope:
            # 去年开始咳嗽 began then and is there now.
            if not any(placed.end <= start <= match.end + scope for start in since):
                return True
        elif kind == "past_after" and match.end <= placed.start <= match.end + scope:
            return True
    return False


def _family(match: Match, cues: Sequence[PlacedCue], text: str, held: Carried, subject: str | None) -> bool:
    """Whether the last person named before a match is a relative."""
    family = held.family
    for placed in cues:
        if placed.end > match.start:
            break
        if placed.cue.kind in _ENDS_RELATIVE:
            family = False
        elif placed.cue.kind == "family":
            family = _is_relative(placed, cues, text, subject) and match.start - placed.end <= placed.cue.scope
    return family


def _is_relative(placed: PlacedCue, cues: Sequence[PlacedCue], text: str, subject: str | None) -> bool:
    """Whether a word for a relative makes him the subject: not who tells it (妈妈说) or was there (与家人争吵)."""
    if subject is not None and text[placed.start : placed.end] == subject:
        return False
    for other in cues:
        kind = other.cue.kind
        if kind == "narrator" and placed.end <= other.start <= placed.end + _NARRATOR_REACH:
            return False
        if kind == "with" and other.end == placed.start:
            return False
    return True


def first_relative(clauses: Sequence[Clause], text: str, ailing: frozenset[int]) -> Place | None:
    """Where the relative is named who is the patient of the first words (你好，我爸胸口痛).

    Nowhere where a patient is named, where the speaker tells of himself (我哥有青光眼，我眼睛胀) or only of lasting illness of the
    relative (头痛，我爸高血压). `ailing` are the findings (by number) that are no illness, exposure or drug of the past.
    """
    relative: Place | None = None
    told_of: str | None = None
    speaker = lasting = False
    for number, clause in enumerate(clauses):
        if relative is None and number >= _NAMED_IN_CLAUSES:
            return None
        said: list[PlacedCue | Match] = [*clause.cues, *clause.matches]
        for placed in sorted(said, key=lambda each: (each.start, isinstance(each, Match))):
            if isinstance(placed, Match):
                if relative is None:
                    if speaker and placed.finding in ailing:
                        return None
                elif placed.finding in ailing:
                    return relative if told_of == text[relative[0] : relative[1]] else None
                else:
                    lasting = True
            elif placed.cue.kind == "patient":
                if placed.cue.value == "speaker":
                    told_of, speaker = None, speaker or not _names_relative(placed, clause)
                elif placed.cue.value != "self" or relative is None:
                    return None
            elif placed.cue.kind == "family" and placed.cue.value == "other":
                # 别人 is nobody whom a speaker comes for.
                continue
            elif placed.cue.kind == "family" and _is_relative(placed, clause.cues, text, None):
                if relative is None or relative[0] < clause.start:
                    told_of = text[placed.start : placed.end]
                relative = relative or (placed.start, placed.end)
            elif placed.cue.kind == "family_end":
                told_of = None
    return None if lasting else relative


def _names_relative(speaker: PlacedCue, clause: Clause) -> bool:
    """Whether 我 only says whose relative (我爸)."""
    return any(c.cue.kind == "family" and c.start == speaker.end for c in clause.cues)


def _onset(match: Match, cues: Sequence[PlacedCue]) -> Onset | None:
    for placed in reversed(cues):
        if placed.cue.kind == "onset" and (
            0 <= match.start - placed.end <= _ONSET_REACH
            or 0 <= placed.start - match.end <= _ONSET_REACH_BACK
            or match.start <= placed.start < match.end
        ):
            return Onset(placed.cue.value)
    return None


def _severity(match: Match, cues: Sequence[PlacedCue], matches: Sequence[Match]) -> Severity | None:
    """The degree next to a match, unless another match is nearer to the word for it."""
    best: tuple[int, Severity] | None = None
    for placed in cues:
        if placed.cue.kind != "severity":
            continue
        distance = _distance(match, placed)
        if distance > _SEVERITY_REACH or any(_distance(other, placed) < distance for other in matches):
            continue
        if best is None or distance < best[0]:
            best = (distance, Severity(placed.cue.value))
    return None if best is None else best[1]


def _distance(match: Match, placed: PlacedCue) -> int:
    return max(match.start - placed.end, placed.start - match.end, 0)
