"""What stands on the printed opinion: the opinion in Chinese, whom it is about, and that it is no record."""

from __future__ import annotations

from datetime import date
from typing import Any

from cunyi.domain.case import Case
from cunyi.domain.opinion import ExpertOpinion
from cunyi.domain.person import Person
from cunyi.web.doctor.opinion_view import StatementView, present_opinion
from cunyi.web.doctor.wording import Wording
from cunyi.web.printing.sheets import age_in_words

_LABEL = "专家意见由程序按知识库整理，知识为草稿；仅供有资质医务人员参考，不是病历，不是处方。"
_MONTHS_OF_YEARS = 2


def opinion_sheet(
    opinion: ExpertOpinion,
    case: Case,
    wording: Wording,
    *,
    on: date | None,
    facility: str = "",
    person: Person | None = None,
) -> dict[str, Any]:
    """An opinion to print (专家意见). `wording` is Chinese; without a `person` the sheet names nobody."""
    view = present_opinion(opinion, wording)
    return {
        "facility": facility,
        "footer": f"{_LABEL}  知识库 {view.knowledge_version}  程序 {view.engine_version}",
        "name": person.name if person else "",
        "sex": case.sex or "",
        "age": age_in_words(person.birth_on, on) if person and on else _age(case.age_years),
        "on": on.isoformat() if on else "",
        "verdict": _told(view.verdict),
        "sections": [
            {"code": section.code, "statements": [_told(each) for each in section.statements]}
            for section in view.sections
        ],
        "remarks": [_told(note) for note in view.notes],
        "sources": ["".join(title.text for title in titles) for titles in view.sources],
    }


def _told(statement: StatementView) -> dict[str, Any]:
    return {
        "text": "".join(piece.text for piece in statement.pieces),
        "refs": ",".join(str(ref) for ref in statement.refs),
        "grave": statement.grave,
    }


def _age(years: float | None) -> str:
    if years is None:
        return "未填"
    return f"{years:.0f} 岁" if years >= _MONTHS_OF_YEARS else f"{years * 12:.0f} 个月"
