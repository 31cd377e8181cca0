"""How long: 3天, 半个月, 近两周, 10余年, 昨晚, N天前 → days with their place in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from cunyi.text.values import chinese_number

_UNITS_DAYS = {
    "年": 365.0, "岁": 365.0, "月": 30.0, "周": 7.0, "星期": 7.0, "礼拜": 7.0, "天": 1.0, "日": 1.0, "夜": 1.0, "晚": 1.0,
    "小时": 1 / 24, "钟头": 1 / 24, "点钟": 1 / 24, "h": 1 / 24, "d": 1.0, "分钟": 1 / 1440, "分": 1 / 1440,
}  # fmt: skip
_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|[一二两三四五六七八九十百半几数]+)"
_DURATION = re.compile(
    rf"(?P<low>{_NUMBER})(?:\s*[-~至到、]\s*(?P<high>{_NUMBER}))?(?P<more>[余多来几]?)(?P<measure>个?)(?P<half>半?)"
    r"(?P<more2>[余多来]?)(?P<unit>年|月|周|星期|礼拜|天|日|夜|晚|小时|钟头|点钟|h(?![a-z])|d(?![a-z])|分钟)(?P<tail>半?)(?P<more3>[余多]?)"
    r"(?P<ago>之?前|以来)?"
)
_YEAR_NUMBER = 1900
_MORE = 1.2


class Duration(NamedTuple):
    """A length of time: days, and where it stands."""

    days: float
    start: int
    end: int
    ago: bool


def find_durations(text: str, words: Mapping[str, float], pattern: re.Pattern[str] | None) -> list[Duration]:
    """Every length of time in a normalised text, in order."""
    found = [d for match in _DURATION.finditer(text) if (d := _duration(match, text)) is not None]
    if pattern is not None:
        taken = [(d.start, d.end) for d in found]
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end in taken):
                found.append(Duration(words[match.group()], match.start(), match.end(), True))
    return sorted(found, key=lambda d: d.start)


def _duration(match: re.Match[str], text: str) -> Duration | None:
    low, high = chinese_number(match["low"]), chinese_number(match["high"]) if match["high"] else None
    if low is None:
        return None
    unit = match["unit"]
    number = high if high is not None else low
    if unit == "年" and number >= _YEAR_NUMBER:
        return None
    if unit in ("月", "日") and not match["measure"] and _is_date(match, text):
        return None
    if match["half"] and low != 0.5:
        number += 0.5
    elif match["half"] and match["low"] != "半":
        number += 0.5
    if match["tail"]:
        number += 0.5
    if match["more"] or match["more2"] or match["more3"]:
        number *= _MORE
    if match["low"] in ("两三", "三四", "四五", "五六", "七八"):
        number = (chinese_number(match["low"][0]) or 0) + 0.5
    return Duration(number * _UNITS_DAYS[unit], match.start(), match.end(), bool(match["ago"]))


def _is_date(match: re.Match[str], text: str) -> bool:
    """Whether a bare 月 or 日 is a date (8月份, 3月5日, 2020年3月) and no length of time (咳嗽1月)."""
    after, before = text[match.end() : match.end() + 2], text[max(0, match.start() - 2) : match.start()]
    return after[:1] in ("份", "初", "底", "中") or before.endswith(("年", "月")) or bool(re.match(r"[0-9]", after))
