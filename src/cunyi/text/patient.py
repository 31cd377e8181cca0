"""Who the patient of a consultation is: a relative of whoever writes, or a young child that somebody brings."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from cunyi.domain.case import COMPLAINT_FIELDS, Case
from cunyi.text.language import Language
from cunyi.text.normalize import Normal
from cunyi.text.scanning import Clause, Place, Scan
from cunyi.text.whose import first_relative, says_whose, tells_of_speaker

LASTING = frozenset({"history", "exposure", "drug"})
_EXPOSURE = "exposure"
_FIRST_CLAUSES = 8
_AGE_BEFORE_NAME = 2


class Field(Struct, frozen=True):
    """One text field, normalised and scanned."""

    name: str
    normal: Normal
    found: Scan


def subject_of(case: Case, fields: list[Field], language: Language) -> str | None:
    """The word for a relative that names the patient himself: the subject of the first words of a consultation."""
    complaint = next((field for field in fields if field.name in COMPLAINT_FIELDS), None)
    if complaint is None:
        return None
    first = complaint.found.clauses[:_FIRST_CLAUSES]
    told = frozenset(match.finding for clause in first for match in clause.matches)
    # Who tells of nothing but what a relative was exposed to (我老公喝了农药) comes for it, and whoever says 我媳妇怀孕 does.
    ailing = (
        frozenset(finding for finding in told if language.kinds[finding] not in LASTING)
        or frozenset(finding for finding in told if language.kinds[finding] == _EXPOSURE)
        or (told if case.own_words and (_begins_with_relative(first) or any(map(says_whose, first))) else frozenset())
    )
    text = complaint.normal.text
    place = first_relative(first, text, ailing) if ailing else None
    if place is None or _names_patient(text[: place[0]], language):
        return None
    has_head = case.age_years is not None and case.sex is not None and not case.own_words
    if has_head and (not _is_said_whose(place, first) or any(tells_of_speaker(clause, ailing) for clause in first)):
        # A filled-in head of the record means a doctor's text, where relatives are relatives; but no doctor writes 我媳妇.
        return None
    return text[place[0] : place[1]]


def _begins_with_relative(clauses: Sequence[Clause]) -> bool:
    """Whether somebody is named with the very first words (儿媳过了预产期)."""
    return any(cue.cue.kind == "family" and cue.start == 0 for cue in clauses[0].cues)


def _is_said_whose(place: Place, clauses: Sequence[Clause]) -> bool:
    return any(cue.cue.value == "speaker" and cue.end == place[0] for clause in clauses for cue in clause.cues)


def _names_patient(text: str, language: Language) -> bool:
    """Whether words state somebody's age or sex: who is named after them is not the patient."""
    age = language.ages.find(text, None)
    # 5岁的儿子 is one person.
    return (age is not None and age.end < len(text) - _AGE_BEFORE_NAME) or any(word in text for word in language.sexes)
