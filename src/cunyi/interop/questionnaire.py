"""An interview as FHIR R4: the Questionnaire of the questions as they were put, and the QuestionnaireResponse with the answers.

The response contains its questionnaire, because every interview asks different questions; so one resource says everything,
and `cunyi.interop.questionnaire_reading` makes the same interview of it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from cunyi.domain.interview import Answer, Interview, Option, Question, QuestionKind
from cunyi.interop.questionnaire_codes import (
    ABSENT_REASON,
    ASKED_UNKNOWN,
    FINDINGS,
    HIGHEST,
    ITEM_TYPES,
    LOWEST,
    OPTIONS,
    QUESTIONS,
    SOURCES,
    STATUS_WORDS,
    STATUSES,
    UCUM,
    UNIT,
    Json,
    in_english,
    nested,
    option_item,
    own,
    part,
    words_item,
)

_CONTAINED = "questionnaire"
_GROUPS = (QuestionKind.YES_NO, QuestionKind.SEVERAL)


def questionnaire(interview: Interview, *, version: str, names: Mapping[str, str]) -> Json:
    """The questions of an interview as a Questionnaire. `version` is that of the knowledge, `names` its findings' names by id."""
    made: Json = {
        "resourceType": "Questionnaire",
        "language": "zh-CN",
        "url": QUESTIONS,
        "version": version,
        "name": "CunyiInterview",
        "title": "预问诊",
        **in_english("_title", "Pre-consultation interview"),
        "status": "active",
        "subjectType": ["Patient"],
    }
    if interview.answers:
        made["item"] = [_item(answer.question, names) for answer in interview.answers]
    return made


def questionnaire_response(
    interview: Interview,
    *,
    version: str,
    names: Mapping[str, str],
    authored: datetime,
    finished: bool,
    subject: str | None = None,
) -> Json:
    """The answers of an interview as a QuestionnaireResponse that contains its Questionnaire.

    `authored` is aware. Without `subject` (a reference such as `Patient/…`) nothing in it says who the patient is.
    """
    contained = {**questionnaire(interview, version=version, names=names), "id": _CONTAINED}
    kind, display = SOURCES[interview.informant]
    response: Json = {
        "resourceType": "QuestionnaireResponse",
        "language": "zh-CN",
        "contained": [contained],
        "extension": [nested("interview", _person(interview))],
        "questionnaire": f"#{_CONTAINED}",
        "status": "stopped" if interview.stopped else "completed" if finished else "in-progress",
        "authored": authored.isoformat(timespec="seconds"),
        "source": {"type": kind, "display": display},
    }
    if subject is not None:
        response["subject"] = {"reference": subject}
    if interview.answers:
        response["item"] = [_answered(answer) for answer in interview.answers]
    return response


def _person(interview: Interview) -> list[Json]:
    """What the interview knows of whom it is about: no identity, only what changes the questions."""
    known = [part("informant", {"valueCode": interview.informant.value})]
    if interview.sex is not None:
        known.append(part("sex", {"valueCode": interview.sex.value}))
    if interview.age_years is not None:
        known.append(part("ageYears", {"valueDecimal": interview.age_years}))
    if interview.pregnant is not None:
        known.append(part("pregnant", {"valueBoolean": interview.pregnant}))
    if interview.month is not None:
        known.append(part("month", {"valueInteger": interview.month}))
    return known


def _item(question: Question, names: Mapping[str, str]) -> Json:
    item: Json = {
        "linkId": question.id,
        "text": question.wording,
        **in_english("_text", question.wording_en),
        "type": ITEM_TYPES[question.kind],
        "extension": _about(question),
    }
    if question.about is not None:
        item["code"] = [_finding(question.about, names)]
    if question.kind in _GROUPS:
        item["item"] = [_yes_no(question, option, names) for option in question.options]
        if question.own_words:
            item["item"].append({"linkId": words_item(question.id), "text": "还有别的", "type": "text"})
        return item
    if question.options:
        item["answerOption"] = [_answer_option(option, names) for option in question.options]
    if question.kind in (QuestionKind.CHOICE, QuestionKind.PLACE) and question.own_words:
        item["type"] = "open-choice"
    if question.kind == QuestionKind.PLACE or item["type"] == "open-choice":
        item["repeats"] = True
    return item


def _about(question: Question) -> list[Json]:
    """What a question is to the program beside its words, so that an answer can be understood without its knowledge."""
    facts = [
        own("question-kind", {"valueCode": question.kind.value}),
        own("topic", {"valueCode": question.topic.value}),
    ]
    if question.slot is not None:
        facts.append(own("slot", {"valueCode": question.slot.value}))
    if question.priority is not None:
        facts.append(own("priority", {"valueCode": question.priority}))
    if question.unit is not None:
        facts.append({"url": UNIT, "valueCoding": {"display": question.unit}})
    if question.lowest is not None:
        facts.append({"url": LOWEST, "valueDecimal": question.lowest})
    if question.highest is not None:
        facts.append({"url": HIGHEST, "valueDecimal": question.highest})
    return facts


def _finding(finding: str, names: Mapping[str, str]) -> Json:
    return {"system": FINDINGS, "code": finding, **({"display": names[finding]} if finding in names else {})}


def _meaning(option: Option, names: Mapping[str, str]) -> list[Json]:
    """What an option means for the case when it is chosen."""
    facts = [own("present", {"valueCoding": _finding(finding, names)}) for finding in option.findings]
    facts += [own("absent", {"valueCoding": _finding(finding, names)}) for finding in option.absent]
    for name, code in (("onset", option.onset), ("severity", option.severity), ("side", option.side)):
        if code is not None:
            facts.append(own(name, {"valueCode": str(code)}))
    return facts


def _yes_no(question: Question, option: Option, names: Mapping[str, str]) -> Json:
    item: Json = {
        "linkId": option_item(question.id, option.id),
        "text": option.label,
        **in_english("_text", option.label_en),
        "type": "choice",
        "extension": [own("option", {"valueCode": option.id}), *_meaning(option, names)],
        "answerOption": [{"valueCoding": _status(status.value)} for status in STATUS_WORDS],
    }
    if option.findings:
        item["code"] = [_finding(finding, names) for finding in option.findings]
    return item


def _answer_option(option: Option, names: Mapping[str, str]) -> Json:
    coding = {**_choice(option), **in_english("_display", option.label_en)}
    meaning = _meaning(option, names)
    return {"valueCoding": coding, **({"extension": meaning} if meaning else {})}


def _choice(option: Option) -> Json:
    return {"system": OPTIONS, "code": option.id, "display": option.label}


def _status(code: str) -> Json:
    words = {status.value: chinese for status, (chinese, _) in STATUS_WORDS.items()}
    return {"system": STATUSES, "code": code, "display": words[code]}


def _answered(answer: Answer) -> Json:
    question = answer.question
    item: Json = {"linkId": question.id, "text": question.wording}
    if answer.unknown:
        item["extension"] = [{"url": ABSENT_REASON, "valueCode": ASKED_UNKNOWN}]
        return item
    if question.kind in _GROUPS:
        inside = [
            {
                "linkId": option_item(question.id, option.id),
                "text": option.label,
                "answer": [{"valueCoding": _status(answer.statuses[option.id].value)}],
            }
            for option in question.options
            if option.id in answer.statuses
        ]
        if answer.text:
            inside.append(
                {"linkId": words_item(question.id), "text": "还有别的", "answer": [{"valueString": answer.text}]}
            )
        return {**item, **({"item": inside} if inside else {})}
    values = _values(answer)
    return {**item, **({"answer": values} if values else {})}


def _values(answer: Answer) -> Sequence[Json]:
    question = answer.question
    chosen = [option for option_id in answer.chosen if (option := question.option(option_id)) is not None]
    values: list[Json] = [{"valueCoding": _choice(option)} for option in chosen]
    if answer.text:
        values.append({"valueString": answer.text})
    if answer.number is not None:
        values.append({"valueDecimal": answer.number})
    if answer.days is not None:
        values.append({"valueQuantity": {"value": answer.days, "unit": "天", "system": UCUM, "code": "d"}})
    return values
