"""Whose a match is: the patient's or a relative's, and which relative is the patient of a consultation."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.text.scanning import Clause, Match, Place, PlacedCue

ENDS_RELATIVE = frozenset({"patient", "family_end"})
_NARRATOR_REACH = 3
_NAMED_IN_CLAUSES = 3
_MINE = ("我", "俺", "咱")
_OF_CHILD = ("他", "她", "孩子", "娃", "崽")


def is_of_family(match: Match, cues: Sequence[PlacedCue], text: str, held: bool, subject: str | None) -> bool:
    """Whether the last person named before a match is a relative; `held`: whether one was in the clause before."""
    family = held
    for placed in cues:
        if placed.end > match.start:
            break
        if placed.cue.kind in ENDS_RELATIVE:
            family = False
        elif placed.cue.kind == "family":
            family = is_relative(placed, cues, text, subject) and match.start - placed.end <= placed.cue.scope
    return family


def is_of_carer(match: Match, cues: Sequence[PlacedCue]) -> bool:
    """Whether who brings a child tells of herself (我自己没拉肚子, 我也咳嗽)."""
    person = None
    for placed in cues:
        if placed.end > match.start:
            break
        if placed.cue.kind == "carer" and match.start - placed.end <= placed.cue.scope:
            person = placed
        elif placed.cue.kind in ENDS_RELATIVE and placed.cue.value != "speaker" and placed.cue.value != "self":
            person = None
    return person is not None


def is_relative(placed: PlacedCue, cues: Sequence[PlacedCue], text: str, subject: str | None) -> bool:
    """Whether a word for a relative makes him the subject: not who tells it (妈妈说) or was there (与家人争吵)."""
    if subject is not None and text[placed.start : placed.end] == subject:
        return False
    for other in cues:
        kind = other.cue.kind
        if kind == "narrator" and placed.end <= other.start <= placed.end + _NARRATOR_REACH:
            return False
        if kind == "with" and (other.end == placed.start or _leads_to(other, placed, cues)):
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
    if any(cue.cue.kind == "comes" for clause in clauses for cue in clause.cues):
        # 隔壁老王中风了，我来量血压
        return None
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
                    if told_of != text[relative[0] : relative[1]] or _is_childs(
                        relative, clauses[number + 1 :], text, ailing
                    ):
                        return None
                    return relative
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
            elif placed.cue.kind == "family" and is_relative(placed, clause.cues, text, None):
                if (
                    relative is None
                    or relative[0] >= clause.start
                    or _is_speakers(placed, clause, relative, lasting, text)
                ):
                    # 隔壁王大爷, 孙子他奶奶: one person, by the last word. 女婿出事以后，我妈胸口痛: the one who ails.
                    relative = placed.start, placed.end
                told_of = text[placed.start : placed.end]
            elif placed.cue.kind == "family_end":
                told_of = None
    return None if lasting else relative


def _leads_to(other: PlacedCue, placed: PlacedCue, cues: Sequence[PlacedCue]) -> bool:
    """Whether only 我 stands between two words (跟我老公)."""
    return any(c.cue.value == "speaker" and c.start == other.end and c.end == placed.start for c in cues)


def _is_speakers(placed: PlacedCue, clause: Clause, relative: Place, lasting: bool, text: str) -> bool:
    """Whether a later relative is the speaker's (我妈), and nothing that may ail was told of the one before (女婿出事以后)."""
    mine = text.startswith(_MINE, placed.start) or any(
        c.cue.value == "speaker" and c.end == placed.start for c in clause.cues
    )
    return mine and not lasting and relative[1] <= placed.start


def _is_childs(relative: Place, later: Sequence[Clause], text: str, ailing: frozenset[int]) -> bool:
    """Whether a relative is that of a child who ails himself (他爸也拉肚子，孩子发烧)."""
    return text.startswith(_OF_CHILD, relative[0]) and any(
        match.start >= cue.end and match.finding in ailing
        for clause in later
        for cue in clause.cues
        if cue.cue.kind == "patient" and cue.cue.value == "child"
        for match in clause.matches
    )


def tells_of_speaker(clause: Clause, ailing: frozenset[int]) -> bool:
    """Whether a speaker says what ails himself (我就是头痛), and not what he sees of somebody else (我看她脸色发白)."""
    speaker = next((c for c in clause.cues if c.cue.value == "speaker" and not _names_relative(c, clause)), None)
    return speaker is not None and any(
        match.finding in ailing
        and match.start >= speaker.end
        and not any(c.cue.kind in ("narrator", "family") and speaker.end <= c.start < match.start for c in clause.cues)
        for match in clause.matches
    )


def says_whose(clause: Clause) -> bool:
    """Whether a speaker says whose relative somebody is (我媳妇)."""
    return any(_names_relative(cue, clause) for cue in clause.cues if cue.cue.value == "speaker")


def _names_relative(speaker: PlacedCue, clause: Clause) -> bool:
    """Whether 我 only says whose relative (我爸)."""
    return any(c.cue.kind == "family" and c.start == speaker.end for c in clause.cues)
