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
from cunyi.text.certainty import is_asked, is_guess, is_likened, is_of_other, is_planned, is_possible, is_unreal
from cunyi.text.denial import is_absent, is_hardly, is_limited, is_partial, loose
from cunyi.text.language import ABSENT, TERM
from cunyi.text.manner import onset_of, severity_of
from cunyi.text.scanning import Clause, Match, PlacedCue
from cunyi.text.whose import ENDS_RELATIVE, is_of_family, is_relative

_MOST_OTHER = 2
_OPENS_ANEW = frozenset({"end", "absent_before", "patient"})
# The kinds of cue that each question below depends on: most clauses have one or two kinds, and most questions need no asking.
_HANDED_ON = frozenset({"absent_before_sentence", "hypothetical", "end", "patient", "family_end", "family", "plan"})
_SUPPOSES = frozenset({"hypothetical", "unreal"})
_ASKS = frozenset({"question_before", "question_after"})
_DENIES = frozenset({"absent_before", "absent_before_sentence", "absent_after", "absent_after_end"})
_DOUBTS = frozenset({"possible_before", "possible_after", "possible_inside"})
_NAMES_PERSON = frozenset({"family"}) | ENDS_RELATIVE
_OTHERS = frozenset({"of_other", "other_part"})
_PARTLY = frozenset({"partial_before", "partial_after", "compared"})
_LIMITED = frozenset({"compared", "daytime"})
_IS_PAST = frozenset({"past_before", "past_after"})
# To look a member up in its enumeration takes longer than the questions.
_PRESENT, _ABSENT, _POSSIBLE = Status.PRESENT, Status.ABSENT, Status.POSSIBLE
_MILD = Severity.MILD
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
            case "end" if cue.cue.value.startswith("strong"):
                denied = False
            case "patient" | "family_end":
                family = False
            case "family":
                family = is_relative(cue, clause.cues, text, subject)
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
    return loose(clause.start, clause.end, clause, text) <= _MOST_OTHER


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
    if held.unreal or (not kinds.isdisjoint(_SUPPOSES) and is_unreal(match, cues)):
        return _SUPPOSED
    if not kinds.isdisjoint(_ASKS) and is_asked(match, cues):
        return _ASKED
    if "guess" in kinds and is_guess(match, cues, clause, text):
        return _ASKED
    status = _PRESENT
    partly = not kinds.isdisjoint(_PARTLY) and is_partial(match, cues, clause, text)
    if partly and not kinds.isdisjoint(_OTHERS) and is_of_other(match, cues):
        return _SUPPOSED
    if match.mode == ABSENT and (
        (not kinds.isdisjoint(_OTHERS) and is_of_other(match, cues))
        or (not kinds.isdisjoint(_LIMITED) and is_limited(match, cues))
    ):
        # 没拉肚子之前: a wording of absence is a denial itself.
        return _SUPPOSED
    denied = held.denied or (not kinds.isdisjoint(_DENIES) and is_absent(match, cues, clause, text))
    if partly:
        denied = False
    if denied and not ("affirm" in kinds and _affirmed(match, cues)):
        status = _ABSENT
        if not kinds.isdisjoint(_OTHERS) and is_of_other(match, cues):
            return _SUPPOSED
        if not kinds.isdisjoint(_LIMITED) and is_limited(match, cues):
            return _SUPPOSED
    elif ((clause.asks or not kinds.isdisjoint(_DOUBTS)) and is_possible(match, cues, clause)) or (
        ("like_after" in kinds and match.mode == TERM and is_likened(match, cues))
        or (partly and is_hardly(match, cues, text))
    ):
        status = _POSSIBLE
    family = held.family
    if not kinds.isdisjoint(_NAMES_PERSON):
        family = is_of_family(match, cues, text, held.family, subject)
    if "family_after" in kinds and not family:
        family = any(c.cue.kind == "family_after" and goes_on(match.end, c.start, clause, text, lists) for c in cues)
    return Meaning(
        status,
        False,
        _FAMILY if family else _PATIENT,
        _PAST if not kinds.isdisjoint(_IS_PAST) and _past(match, cues) else _NOW,
        onset_of(match, cues) if "onset" in kinds else None,
        _MILD if partly else severity_of(match, cues, clause.matches) if "severity" in kinds else None,
        held.planned or ("plan" in kinds and is_planned(match, cues)),
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


def _affirmed(match: Match, cues: Sequence[PlacedCue]) -> bool:
    return any(c.cue.kind == "affirm" and c.end <= match.start for c in cues)


def _past(match: Match, cues: Sequence[PlacedCue]) -> bool:
    since = [c.start for c in cues if c.cue.kind == "since"]
    now = [c.start for c in cues if c.cue.kind == "now" and c.cue.value != "habit"]
    for placed in cues:
        kind, scope = placed.cue.kind, placed.cue.scope
        if kind == "past_before" and placed.end <= match.start <= placed.end + scope:
            # 去年开始咳嗽 began then and is there now.
            # 以前爱吃最近一吃就吐 and 以前一天一次现在十几次 end in what is now.
            if not any(placed.end <= start <= match.end + scope for start in since) and not any(
                placed.end <= start <= match.start for start in now
            ):
                return True
        elif kind == "past_after" and match.end <= placed.start <= match.end + scope:
            return True
    return False
