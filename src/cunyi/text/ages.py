"""The age that a text states of its patient: 58岁, 5个月大, 日龄6天, 今年四十八; not 15岁时, 5岁起, 舅舅15岁."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cunyi.text.values import chinese_number

_COUNT = "[0-9]{1,2}|[一二两三四五六七八九十]{1,3}"
_YEARS = re.compile(
    rf"(?P<years>[0-9]{{1,3}}|[一二两三四五六七八九十]{{1,3}})(?P<few>[多来余几])?岁(?P<half>半)?(?:零?(?P<months>{_COUNT})个?月)?"
)
_MONTHS = re.compile(rf"(?P<months>{_COUNT})个(?P<half>半)?多?月(?P<age>大|龄)?")
_UNITS = {
    "小时": 1 / 24,
    "钟头": 1 / 24,
    "h": 1 / 24,
    "d": 1.0,
    "星期": 7.0,
    "日": 1.0,
    "天": 1.0,
    "周": 7.0,
    "月": 365.25 / 12,
}
_OF_INFANTS = re.compile(
    rf"(?P<count>{_COUNT})(?P<unit>[日天周月])龄|[日周月]龄:?(?P<count2>{_COUNT})个?(?P<unit2>[日天周月])"
    rf"|(?:出生|生后|新生儿?[，,]?)第?(?P<count3>{_COUNT})个?(?P<unit3>小时|钟头|[日天周月dh])"
    r"(?=[，,。；;男女的足早新患大了吐拉抽哭喘]|$)"
)
# 男，20月；8月男婴；女婴8月；男婴5天
_AGE_OF_INFANT = re.compile(
    rf"^(?:患[儿者][，,]?)?[男女][孩童婴性]?[，,](?P<head>{_COUNT})个?月(?=[，,。；;]|$)"
    rf"|(?P<before>{_COUNT})个?月(?=大?的?[男女][婴童孩宝])|[男女]婴[，,]?(?P<after>{_COUNT})个?月"
    rf"|[男女]婴[，,]?(?:生后)?(?P<days>{_COUNT})[天日](?=[，,。；;]|$)"
)
# 娃才生三天，宝宝生下第三天
_JUST_BORN = re.compile(rf"(?:才生|刚生|生下来?才?|生出来才?)第?(?P<count>{_COUNT})个?(?P<unit>小时|[日天])")
# 六天大，半个月大的娃; not 四天大便没解, 一天比一天大
_SO_OLD = re.compile(
    rf"(?<![比0-9一二两三四五六七八九十])(?P<count>半|{_COUNT})个?(?P<unit>小时|钟头|星期|[日天周月])大(?=[，,。；;！!？?\s的了就不男女娃婴宝毛崽孩]|$)"
)
# 娃才二十天，孩子刚满五天
_ONLY = re.compile(rf"(?:才|刚满?)(?P<count>{_COUNT})个?(?P<unit>星期|[日天周月])(?=[，,。；;大了]|$)")
# 男64。头痛
_AFTER_SEX = re.compile(r"(?:^|[，。；;\s])(?:患者)?[男女]性?[，,]?(?P<years>[0-9]{2,3})(?=[，,。；;\s]|$)")
_FEW_YEARS = 3
_HOLDER_REACH = 6
_RELATIVE_REACH = 4
_INFANT_YEARS = 3
_OLDEST = 120
_MOST_MONTHS = 36
_DAYS_A_YEAR = 365.25
_CLAUSE_END = re.compile("[，。；;！!？?,\n]")


def _without_years(before: str) -> re.Pattern[str]:
    """An age without 岁 (今年四十八, 我爸七十多了), up to the end of its clause or 多了."""
    return re.compile(rf"{before}(?P<years>{_COUNT})(?P<few>[多来几])?(?:了?(?=[，。,;；\s]|$)|(?<=[多来几])了)")


# 七十多了，突然肚子疼
_ALONE = re.compile(
    r"(?:^|[，。；\s])(?P<years>[二三四五六七八九]十[一二三四五六七八九]?)(?P<few>[多来几])?了"
    r"(?:(?<=[多来几]了)|(?=[，。；\s]|$))"
)


class Age(NamedTuple):
    """An age in years and where it stands."""

    years: float
    start: int
    end: int


class AgeWords:
    """The words around ages. `words(kind)` gives the cue words of a kind."""

    def __init__(self, words: Callable[[str], list[str]]) -> None:
        self._holders = words("age_holder")
        self._then = tuple(words("age_then"))
        self._months_then = tuple(words("age_then_months"))
        self._of_other = tuple(words("age_of_other"))
        self._of_bearing = tuple(words("age_of_bearing"))
        self._infants = tuple(words("age_infant"))
        self._relatives = (*words("family"), *words("age_relative"))
        told = "|".join(map(re.escape, sorted(words("age_told"), key=len, reverse=True)))
        self._between = "|".join(
            map(re.escape, sorted((*words("age_told"), *words("age_between")), key=len, reverse=True))
        )
        self._told = _without_years(f"(?:{told})(?:{self._between})?[:为]?") if told else None

    def find(self, text: str, subject: str | None) -> Age | None:
        """The patient's age: the first that is no time of life (15岁时) and no relative's, but that of whom the text begins with.

        `subject`: the word for a relative who is the patient. An infant's time of life (1岁才会走) stands where nothing else does.
        """
        then: Age | None = None
        for age in self._ages(text, subject):
            if self._of_relative(text, age, subject):
                continue
            before = text[max(0, age.start - _HOLDER_REACH) : age.start]
            if not text.startswith(self._then, age.end) and not before.endswith(self._of_other):
                return age
            if then is None and age.years <= _INFANT_YEARS:
                then = age
        return then

    def _ages(self, text: str, subject: str | None) -> Iterator[Age]:
        for match in _YEARS.finditer(text):
            years = chinese_number(match["years"])
            months = chinese_number(match["months"]) if match["months"] else 0.0
            if years is not None and years <= _OLDEST:
                years += (0.5 if match["half"] else 0) + (_FEW_YEARS if match["few"] else 0) + (months or 0) / 12
                yield Age(years, *match.span())
        for match in _OF_INFANTS.finditer(text):
            count = chinese_number(match["count"] or match["count2"] or match["count3"])
            if count is not None:
                days = count * _UNITS[match["unit"] or match["unit2"] or match["unit3"]]
                yield Age(days / _DAYS_A_YEAR, *match.span())
        for match in _AGE_OF_INFANT.finditer(text):
            count = chinese_number(match["head"] or match["before"] or match["after"] or match["days"])
            if count is not None and match["days"]:
                yield Age(count / _DAYS_A_YEAR, *match.span())
            elif count is not None and count <= _MOST_MONTHS:
                yield Age(count / 12, *match.span())
        for match in _JUST_BORN.finditer(text):
            # 我刚生两天 says it of the mother.
            near = text[max(0, match.start() - _HOLDER_REACH) : match.start()]
            count = chinese_number(match["count"])
            if count is not None and any(word in near for word in self._holders):
                yield Age(count * _UNITS[match["unit"]] / _DAYS_A_YEAR, *match.span())
        for match in _MONTHS.finditer(text):
            # 4个月 is as often how long it lasts: only beside a word for a child is it an age.
            around = text[max(0, match.start() - _HOLDER_REACH) : match.start()], text[match.end() : match.end() + 3]
            held = match["age"] or (
                any(word in part for word in self._holders for part in around)
                and not text.startswith(self._months_then, match.end())
                # 怀孕九个月，孩子动得少; 生完孩子两个月
                and not text.endswith(self._of_bearing, 0, match.start())
            )
            months = chinese_number(match["months"])
            if held and months is not None and months <= _MOST_MONTHS:
                yield Age((months + (0.5 if match["half"] else 0)) / 12, *match.span())
        yield from self._young(text)
        for match in _AFTER_SEX.finditer(text):
            if float(match["years"]) <= _OLDEST:
                yield Age(float(match["years"]), match.start("years"), match.end("years"))
        named = _without_years(f"(?:{re.escape(subject)})(?:{self._between})?") if subject and self._between else None
        for pattern in (self._told, _ALONE, named):
            for match in pattern.finditer(text) if pattern is not None else ():
                years = chinese_number(match["years"])
                if years is not None:
                    yield Age(years + (_FEW_YEARS if match["few"] else 0), *match.span())

    def _young(self, text: str) -> Iterator[Age]:
        """Ages in hours, days, weeks or months that say so themselves (六天大) or stand beside the word for a child (娃才五天)."""
        for match in _SO_OLD.finditer(text):
            count = 0.5 if match["count"] == "半" else chinese_number(match["count"])
            if count is not None:
                yield Age(count * _UNITS[match["unit"]] / _DAYS_A_YEAR, *match.span())
        for match in _ONLY.finditer(text):
            count = chinese_number(match["count"])
            of_child = text.endswith(tuple(self._holders), 0, match.start()) or (
                # 才二十天，不吃奶
                match.start() == 0 and any(word in text for word in self._infants)
            )
            if of_child and count is not None:
                yield Age(count * _UNITS[match["unit"]] / _DAYS_A_YEAR, *match.span())

    def _of_relative(self, text: str, age: Age, subject: str | None) -> bool:
        """Whether a relative who is not the patient is named right before an age, and not as the first the text speaks of."""
        near = max(0, age.start - _RELATIVE_REACH)
        named = [text.rfind(word, near, age.start) for word in self._relatives if word not in (subject or "")]
        first = max(named, default=-1)
        return first >= 0 and _CLAUSE_END.search(text, 0, first) is not None
