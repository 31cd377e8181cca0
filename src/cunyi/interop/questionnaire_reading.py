"""An interview out of the QuestionnaireResponse that was made of one; what another program made is refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Onset, Severity, Status
from cunyi.domain.interview import Answer, Informant, Interview, Option, Question, QuestionKind, Slot, Topic
from cunyi.interop.questionnaire_codes import (
    ABSENT_REASON,
    EXTENSION,
    HIGHEST,
    LOWEST,
    TRANSLATION,
    UNIT,
    Json,
    option_item,
    words_item,
)

_GROUPS = (QuestionKind.YES_NO, QuestionKind.SEVERAL)
_FIELD = "questionnaire_response"


def interview_of(response: Mapping[str, Any]) -> Interview:
    """The interview that a QuestionnaireResponse says. UserError where it is none, or none of an interview of this program."""
    if response.get("resourceType") != "QuestionnaireResponse":
        raise UserError("这不是 FHIR 的 QuestionnaireResponse", field=_FIELD)
    try:
        return _interview(response)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration, msgspec.MsgspecError) as error:
        raise UserError("这份 QuestionnaireResponse 不是本程序的预问诊，读不出来", field=_FIELD) from error


def _interview(response: Mapping[str, Any]) -> Interview:
    wanted = str(response["questionnaire"]).removeprefix("#")
    contained = next(each for each in response["contained"] if each["id"] == wanted)
    questions = {item["linkId"]: _question(item) for item in contained.get("item", ())}
    person = _parts(_own(response, "interview"))
    sex, age_years = person.get("sex"), person.get("ageYears")
    return Interview(
        informant=Informant(person["informant"]),
        sex=None if sex is None else Sex(sex),
        age_years=None if age_years is None else float(age_years),
        pregnant=person.get("pregnant"),
        month=person.get("month"),
        answers=tuple(_answer(questions[item["linkId"]], item) for item in response.get("item", ())),
        stopped=response["status"] == "stopped",
    )


def _question(item: Json) -> Question:
    kind = QuestionKind(_value(_own(item, "question-kind")))
    slot, priority = _own(item, "slot"), _own(item, "priority")
    unit, lowest, highest = _extension(item, UNIT), _extension(item, LOWEST), _extension(item, HIGHEST)
    about = item.get("code")
    inside = item.get("item", ())
    if kind in _GROUPS:
        options = tuple(_group_option(each) for each in inside if each["type"] == "choice")
        own_words = any(each["linkId"] == words_item(item["linkId"]) for each in inside)
    else:
        options = tuple(_option(each["valueCoding"], each) for each in item.get("answerOption", ()))
        own_words = item["type"] == "open-choice"
    return Question(
        id=item["linkId"],
        topic=Topic(_value(_own(item, "topic"))),
        kind=kind,
        wording=item["text"],
        wording_en=_english(item.get("_text")),
        options=options,
        about=about[0]["code"] if about else None,
        slot=None if slot is None else Slot(_value(slot)),
        own_words=own_words,
        unit=None if unit is None else unit["valueCoding"]["display"],
        lowest=None if lowest is None else float(_value(lowest)),
        highest=None if highest is None else float(_value(highest)),
        priority=None if priority is None else _value(priority),
    )


def _group_option(item: Json) -> Option:
    return _meant(_value(_own(item, "option")), item["text"], _english(item.get("_text")), item)


def _option(coding: Json, holder: Json) -> Option:
    return _meant(coding["code"], coding["display"], _english(coding.get("_display")), holder)


def _meant(option_id: str, label: str, label_en: str, holder: Json) -> Option:
    onset, severity, side = _own(holder, "onset"), _own(holder, "severity"), _own(holder, "side")
    return Option(
        id=option_id,
        label=label,
        label_en=label_en,
        findings=tuple(_codes(holder, "present")),
        absent=tuple(_codes(holder, "absent")),
        onset=None if onset is None else Onset(_value(onset)),
        severity=None if severity is None else Severity(_value(severity)),
        side=None if side is None else _value(side),
    )


def _answer(question: Question, item: Json) -> Answer:
    if _extension(item, ABSENT_REASON) is not None:
        return Answer(question=question, unknown=True)
    if question.kind in _GROUPS:
        given = {each["linkId"]: each["answer"][0] for each in item.get("item", ())}
        statuses = {
            option.id: Status(given[link]["valueCoding"]["code"])
            for option in question.options
            if (link := option_item(question.id, option.id)) in given
        }
        words = given.get(words_item(question.id))
        return Answer(question=question, statuses=statuses, text=words["valueString"] if words else "")
    values = item.get("answer", ())
    numbers = [float(each["valueDecimal"]) for each in values if "valueDecimal" in each]
    days = [float(each["valueQuantity"]["value"]) for each in values if "valueQuantity" in each]
    return Answer(
        question=question,
        chosen=tuple(each["valueCoding"]["code"] for each in values if "valueCoding" in each),
        text=next((each["valueString"] for each in values if "valueString" in each), ""),
        number=numbers[0] if numbers else None,
        days=days[0] if days else None,
    )


def _extension(holder: Mapping[str, Any], url: str) -> Json | None:
    return next((each for each in holder.get("extension", ()) if each["url"] == url), None)


def _own(holder: Mapping[str, Any], name: str) -> Json | None:
    return _extension(holder, f"{EXTENSION}:{name}")


def _codes(holder: Json, name: str) -> Iterator[str]:
    for each in holder.get("extension", ()):
        if each["url"] == f"{EXTENSION}:{name}":
            yield each["valueCoding"]["code"]


def _value(extension: Json | None) -> Any:
    if extension is None:
        raise KeyError(EXTENSION)
    return next(value for key, value in extension.items() if key.startswith("value"))


def _parts(extension: Json | None) -> dict[str, Any]:
    if extension is None:
        raise KeyError(EXTENSION)
    return {each["url"]: _value(each) for each in extension["extension"]}


def _english(element: Json | None) -> str:
    translation = None if element is None else _extension(element, TRANSLATION)
    return "" if translation is None else str(_parts(translation)["content"])
