"""The names by which an interview's FHIR resources speak: code systems, extensions, item types. FHIR R4 (4.0.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cunyi.domain.finding import Status
from cunyi.domain.interview import Informant, QuestionKind

BASE = "urn:cunyi:fhir"
FINDINGS = f"{BASE}:CodeSystem:finding"
"""The code system of findings: the ids of the knowledge base, with their Chinese names."""
OPTIONS = f"{BASE}:CodeSystem:interview-option"
STATUSES = f"{BASE}:CodeSystem:interview-status"
QUESTIONS = f"{BASE}:Questionnaire:interview"
EXTENSION = f"{BASE}:StructureDefinition"
UCUM = "http://unitsofmeasure.org"

HL7 = "http://hl7.org/fhir/StructureDefinition"
TRANSLATION = f"{HL7}/translation"
UNIT = f"{HL7}/questionnaire-unit"
LOWEST, HIGHEST = f"{HL7}/minValue", f"{HL7}/maxValue"
ABSENT_REASON = f"{HL7}/data-absent-reason"
ASKED_UNKNOWN = "asked-unknown"

ITEM_TYPES: Mapping[QuestionKind, str] = {
    QuestionKind.TEXT: "text",
    QuestionKind.YES_NO: "group",
    QuestionKind.SEVERAL: "group",
    QuestionKind.CHOICE: "choice",
    QuestionKind.PLACE: "choice",
    QuestionKind.NUMBER: "decimal",
    QuestionKind.DURATION: "quantity",
}
"""The type of the item for each kind of question; the yes or no of each option is a choice inside its group."""

STATUS_WORDS: Mapping[Status, tuple[str, str]] = {
    Status.PRESENT: ("有", "Yes"),
    Status.ABSENT: ("没有", "No"),
    Status.UNKNOWN: ("不清楚", "Not known"),
}
SOURCES: Mapping[Informant, tuple[str, str]] = {
    Informant.SELF: ("Patient", "本人"),
    Informant.CHILD: ("RelatedPerson", "家长"),
    Informant.RELATIVE: ("RelatedPerson", "家属"),
}
"""Who answered: the type of resource and the word shown. No name and no number."""

Json = dict[str, Any]


def own(name: str, value: Json) -> Json:
    """An extension of our own, with its value."""
    return {"url": f"{EXTENSION}:{name}", **value}


def nested(name: str, parts: Sequence[Json]) -> Json:
    """An extension of our own that is made of others."""
    return {"url": f"{EXTENSION}:{name}", "extension": list(parts)}


def part(name: str, value: Json) -> Json:
    """One part of a nested extension."""
    return {"url": name, **value}


def in_english(element: str, text: str) -> Json:
    """The element beside a Chinese text that holds its English; nothing where there is none."""
    if not text:
        return {}
    content = [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": text}]
    return {element: {"extension": [{"url": TRANSLATION, "extension": content}]}}


def words_item(question_id: str) -> str:
    """The linkId of the own words beside the options of a group."""
    return f"{question_id}:words"


def option_item(question_id: str, option_id: str) -> str:
    """The linkId of one option of a group."""
    return f"{question_id}/{option_id}"
