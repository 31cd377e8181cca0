"""What stands on the printed visit round: whom to visit, why, last readings, and room to write; in large type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cunyi.domain.visit_round import VisitReason
from cunyi.journeys.visiting_round import Round, ToVisit
from cunyi.web.printing.sheets import age_in_words

if TYPE_CHECKING:
    from cunyi.web.doctor.visit_round import RoundWords

_FOOTER = "巡诊单含居民健康信息，请随身保管，用完收回。系统只提供支持，去不去、先去谁由医生决定。"


def round_sheet(found: Round, words: RoundWords, *, facility: str, doctor: str) -> dict[str, Any]:
    """The list to take along (巡诊单): first those who cannot wait, then hamlet by hamlet."""
    groups = [{"title": "先去", "people": [_line(each, found, words, place=True) for each in found.first]}]
    groups += [
        {
            "title": f"{stop.village if len(found.villages) > 1 else ''} {stop.hamlet or '没有写组'}".strip(),
            "people": [_line(each, found, words, place=False) for each in stop.people],
        }
        for stop in found.stops
    ]
    return {
        "facility": facility,
        "footer": _FOOTER,
        "on": found.on.isoformat(),
        "doctor": doctor,
        "number": found.number,
        "groups": [group for group in groups if group["people"]],
    }


def _line(each: ToVisit, found: Round, words: RoundWords, *, place: bool) -> dict[str, Any]:
    person = each.person
    return {
        "urgency": words.urgency(each.urgency),
        "name": person.name,
        "sex": person.sex or "",
        "age": age_in_words(person.birth_on, found.on),
        "where": f"{each.where if place else person.address} {person.phone}".strip(),
        "reasons": [reason_in_words(reason, words) for reason in each.reasons],
        "readings": [f"{on:%m-%d} {'，'.join(values)}" for on, values in words.readings(each.readings)],
    }


def reason_in_words(reason: VisitReason, words: RoundWords) -> str:
    """A reason as one line of Chinese."""
    ground, told = words.ground(reason), words.reason(reason)
    if ground == "reading" and reason.value is not None:
        told += f"：{words.reading(reason.item, reason.value)}"
    elif ground in ("plan", "words", "follow_up_sooner", "follow_up_missed"):
        told += f"：{reason.words}"
    if ground == "plan" and reason.on is not None and reason.days is not None:
        return f"{told}（逾期 {reason.days} 天）" if reason.days > 0 else f"{told}（{reason.on:%m-%d}）"
    if reason.on is None:
        return f"{told}（没有接诊记录）" if ground in ("age", "programme", "words", "follow_up_missed") else told
    if ground in ("reading", "thread", "childbirth"):
        return f"{told}（{reason.on:%m-%d}）"
    return f"{told}（上次 {reason.on.isoformat()}）"
