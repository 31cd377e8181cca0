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
_NEWBORN_YEARS = 0.1


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
    """How old whoever is spoken of may be by the words for him (奶奶, 娃); None where no such word is in the first lines.

    Of several words for a child the youngest (娃…刚出生).
    """
    known = language.subject_years.get(subject or "", language.child_years.get(subject or ""))
    if subject is not None and (known is None or known > max(language.child_years.values(), default=0.0)):
        return known
    for field in COMPLAINT_FIELDS:
        head = written[field].text[:_READ_CHARACTERS] if field in written else ""
        named = [years for word, years in language.child_years.items() if _names_child(word, years, head, language)]
        if named:
            return min(named) if known is None else min(known, *named)
    return known


def _names_child(word: str, years: float, text: str, language: Language) -> bool:
    """Whether a word for a child names the patient: not one that is expected or was borne (怀孕…孩子, 生完孩子, 出生时)."""
    place = text.find(word)
    while place >= 0:
        if (
            not text.endswith(language.bears, 0, place)
            and not text.startswith(language.of_birth, place + len(word))
            and (years < _NEWBORN_YEARS or not any(expecting in text[:place] for expecting in language.expects))
        ):
            return True
        place = text.find(word, place + 1)
    return False


def _sex(text: str, age: Age | None, language: Language) -> Sex | None:
    if age is not None:
        # 男，30岁，阴毛女性分布
        around = (max(0, age.start - _LETTER_REACH), age.start), (age.end, age.end + _LETTER_REACH)
        found = {
            value
            for letter, value in language.sex_letters.items()
            for begin, end in around
            if (place := text.find(letter, begin, end)) >= 0
            # 28岁，跟男友
            and not text.startswith(language.of_either_sex, place)
        }
        if len(found) == 1:
            return Sex(found.pop())
    return next((Sex(value) for word, value in language.sexes.items() if word in text), None)


def _subject_sex(subject: str | None, language: Language) -> Sex | None:
    value = language.subject_sexes.get(subject or "")
    return None if value is None else Sex(value)
