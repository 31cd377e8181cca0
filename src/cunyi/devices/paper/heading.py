"""Whose report it is and of which day, as far as its lines say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import msgspec

from cunyi.devices.paper.engine import Line
from cunyi.devices.paper.table import side_by_side
from cunyi.devices.paper.wording import plain
from cunyi.domain.case import Sex

_AFTER_NAME = r"性\s*别|年\s*龄|科[别室]|床号|住院|门诊|病[区房历案]|标本|样本|送检|申请|编号|条码"
_NAME = re.compile(rf"姓\s*名[:\s]*(?P<name>[\u3400-\u9fff·*]{{2,20}}?)(?={_AFTER_NAME}|[^\u3400-\u9fff·*]|$)")
_SEX = re.compile(r"性\s*别[:\s]*(?P<sex>[男女])")
_AGE = re.compile(r"年\s*龄[:\s]*(?P<age>\d{1,3})\s*(?P<unit>岁|个?月|天)?")
_DAY = r"(?P<year>20\d\d)\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})"
# The day the blood was taken rather than the day of the print; a birth date is none of them.
_DAYS = (
    re.compile(rf"(?:采样|采集|抽血|采血)[^\d]{{0,8}}{_DAY}"),
    re.compile(rf"(?:检验|检测|接收|送检|化验)[^\d]{{0,8}}{_DAY}"),
    re.compile(rf"(?:报告|审核|打印)[^\d]{{0,8}}{_DAY}"),
    re.compile(rf"(?<!出生)(?:日期|时间)[:\s]*{_DAY}"),
)
_SEXES = {"男": Sex.MALE, "女": Sex.FEMALE}
_IN_A_YEAR = {"岁": 1.0, "月": 12.0, "个月": 12.0, "天": 365.25}


class ReportHeading(msgspec.Struct, frozen=True):
    """Whose report it is, as it stands on it (化验单上的姓名和日期); what was not read is empty. `on` is the day of the sample."""

    name: str = ""
    sex: Sex | None = None
    age_years: float | None = None
    on: date | None = None


def heading_of(lines: Sequence[Line]) -> ReportHeading:
    """What the lines of a page say of the person and the day."""
    text = "\n".join(" ".join(plain(line.text) for line in row) for row in side_by_side(lines))
    name, sex, age = _NAME.search(text), _SEX.search(text), _AGE.search(text)
    return ReportHeading(
        name=name["name"] if name else "",
        sex=_SEXES[sex["sex"]] if sex else None,
        age_years=float(age["age"]) / _IN_A_YEAR[age["unit"] or "岁"] if age else None,
        on=next((day for pattern in _DAYS if (day := _day(pattern.search(text))) is not None), None),
    )


def _day(match: re.Match[str] | None) -> date | None:
    if match is None:
        return None
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None
