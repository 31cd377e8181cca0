"""Age and sex where the complaint or history says them outright; only used where the case itself does not."""

from __future__ import annotations

import re

from cunyi.domain.case import Case, Sex
from cunyi.text.language import Language
from cunyi.text.values import chinese_number

_COUNT = "[0-9]{1,2}|[一二两三四五六七八九十]{1,3}"
_YEARS = re.compile(
    rf"(?P<years>[0-9]{{1,3}}|[一二两三四五六七八九十]{{1,3}})岁(?P<half>半)?(?:零?(?P<months>{_COUNT})个?月)?"
)
_MONTHS = re.compile(rf"(?P<months>{_COUNT})个(?P<half>半)?多?月(?P<age>大|龄)?")
_READ_CHARACTERS = 160
_HOLDER_REACH = 6
_LETTER_REACH = 3
_OLDEST = 120
_MOST_MONTHS = 36


def stated_age_and_sex(case: Case, language: Language, subject: str | None) -> tuple[float | None, Sex | None]:
    """Age in years and sex as the first lines state them. `subject`: the word for a relative that names the patient."""
    if case.age_years is not None and case.sex is not None:
        return None, None
    for text in (case.chief_complaint, case.history_of_present_illness):
        head = language.normalize(text[:_READ_CHARACTERS]).text
        years, place = _age(head, language)
        sex = _sex(head, place, language)
        if years is not None or sex is not None:
            return years, sex or _subject_sex(subject, language)
    return None, _subject_sex(subject, language)


def _age(text: str, language: Language) -> tuple[float | None, tuple[int, int] | None]:
    match = _YEARS.search(text)
    if match is not None:
        years = chinese_number(match["years"])
        months = chinese_number(match["months"]) if match["months"] else 0.0
        if years is not None and years <= _OLDEST:
            return years + (0.5 if match["half"] else 0) + (months or 0) / 12, match.span()
    for match in _MONTHS.finditer(text):
        # 4个月 is as often how long it lasts: only beside a word for a child is it an age.
        around = text[max(0, match.start() - _HOLDER_REACH) : match.start()], text[match.end() : match.end() + 3]
        held = match["age"] or any(word in part for word in language.age_holders for part in around)
        months = chinese_number(match["months"])
        if held and months is not None and months <= _MOST_MONTHS:
            return (months + (0.5 if match["half"] else 0)) / 12, match.span()
    return None, None


def _sex(text: str, place: tuple[int, int] | None, language: Language) -> Sex | None:
    for word, value in language.sexes.items():
        if word in text:
            return Sex(value)
    if place is not None:
        beside = text[max(0, place[0] - _LETTER_REACH) : place[0]] + text[place[1] : place[1] + _LETTER_REACH]
        found = {value for letter, value in language.sex_letters.items() if letter in beside}
        if len(found) == 1:
            return Sex(found.pop())
    return None


def _subject_sex(subject: str | None, language: Language) -> Sex | None:
    value = language.subject_sexes.get(subject or "")
    return None if value is None else Sex(value)
