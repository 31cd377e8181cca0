"""Age and sex where the complaint, history or examination says them outright; only used where the case itself does not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from cunyi.domain.case import COMPLAINT_FIELDS, Case, Sex
from cunyi.text.ages import Age
from cunyi.text.language import Language
from cunyi.text.normalize import Normal

_FIELDS = (*COMPLAINT_FIELDS, "physical_examination")
_READ_CHARACTERS = 160
_LETTER_REACH = 3


def stated_age_and_sex(
    case: Case, written: Mapping[str, Normal], language: Language, subject: str | None
) -> tuple[float | None, Sex | None]:
    """Age in years and sex as the first lines of complaint, history or examination state them.

    `written` are the normalised fields. `subject`: the word for a relative that names the patient.
    """
    if case.age_years is not None and case.sex is not None:
        return None, None
    for field in _FIELDS:
        if field not in written:
            continue
        head = written[field].text[: bisect_left(written[field].offsets, _READ_CHARACTERS)]
        age = language.ages.find(head, subject)
        sex = _sex(head, age, language)
        if age is not None or sex is not None:
            return None if age is None else age.years, sex or _subject_sex(subject, language)
    return None, _subject_sex(subject, language)


def supposed_years(written: Mapping[str, Normal], language: Language, subject: str | None) -> float | None:
    """How old whoever is spoken of may be by the word for him (奶奶, 娃); None where no such word is in the first lines."""
    if subject is not None:
        return language.subject_years.get(subject)
    for field in COMPLAINT_FIELDS:
        head = written[field].text[:_READ_CHARACTERS] if field in written else ""
        named = [
            (place, -len(word), years)
            for word, years in language.child_years.items()
            if (place := head.find(word)) >= 0
        ]
        if named:
            return min(named)[2]
    return None


def _sex(text: str, age: Age | None, language: Language) -> Sex | None:
    if age is not None:
        # 男，30岁，阴毛女性分布
        beside = text[max(0, age.start - _LETTER_REACH) : age.start] + text[age.end : age.end + _LETTER_REACH]
        found = {value for letter, value in language.sex_letters.items() if letter in beside}
        if len(found) == 1:
            return Sex(found.pop())
    return next((Sex(value) for word, value in language.sexes.items() if word in text), None)


def _subject_sex(subject: str | None, language: Language) -> Sex | None:
    value = language.subject_sexes.get(subject or "")
    return None if value is None else Sex(value)
