"""Amounts of drugs in prose, found and taken out: what only general knowledge supports is never shown as a dose."""

from __future__ import annotations

import re

from cunyi.knowledge.doses import Label
from cunyi.knowledge.drugs import Formulary

_NUMBER = r"[0-9０-９][0-9０-９,]*(?:[.．][0-9０-９]+)?"
_RANGE = rf"{_NUMBER}(?:\s*[-–—－~～〜至到]\s*{_NUMBER})?"
_LETTER_UNITS = "mg|mcg|[μµ]g|ug|g|m[lL]|ML|IU|iu|U|u"
_WORD_UNITS = "毫克|微克|毫升|克|万?\\s?单位|万\\s?(?:IU|iu|U|u)|片|粒|丸|滴|揿|喷"
# A concentration (60 g/L) and a filtration rate are results, no doses; a Latin letter after the unit makes it another unit (mmHg).
_UNIT = rf"(?:(?:{_LETTER_UNITS})(?![A-Za-z])(?!\s*[/／]\s*(?:d?[lL](?![A-Za-z])|min\s*[/／]\s*1\.73))|{_WORD_UNITS})"
_PER = r"(?:\s*[/／·]\s*(?:kg|m²|次|日|天|d|h|min|小时|分钟?))*"
_TIMES = r"[0-9０-９一二两三四五六半](?:\s*[-–—~～至到]\s*[0-9０-９一二两三四五六])?"
_HOW_OFTEN = (
    rf"(?:\s*[，,]?\s*(?:(?:每|一|1|１)\s*(?:天|日|晚|早)\s*(?:共|分|服)?\s*{_TIMES}\s*次|每\s*{_RANGE}\s*(?:小时|分钟)(?:\s*{_TIMES}\s*次)?"
    rf"|[日晚早]\s*{_TIMES}\s*次|{_TIMES}\s*次\s*[/／]\s*[日天d]|分\s*{_TIMES}\s*次|[bt]id|q[dn]|q\d+h))*"
)
_AMOUNT = re.compile(rf"{_RANGE}\s*{_UNIT}{_PER}{_HOW_OFTEN}")


def has_amount(text: str) -> bool:
    """Whether a text has a number with a unit of mass, volume, activity or of a dosage form."""
    return _AMOUNT.search(text) is not None


def withhold_amounts(text: str, mark: str) -> str:
    """The text with `mark` in place of every amount and of how often it is given; results (g/L) stay."""
    return _AMOUNT.sub(lambda _: mark, text)


def withheld_mark(formulary: Formulary) -> Label:
    """What stands in place of a withheld amount; nothing at all where no rules of prescribing were compiled."""
    return formulary.rules.doses.withheld if formulary.rules else Label(text="", text_en="")
