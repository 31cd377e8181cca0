"""The interview as FHIR R4: resources of the right shape, no personal data, and the same interview out of them again."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Onset, Severity, Status
from cunyi.domain.interview import (
    Answer,
    Informant,
    Interview,
    Option,
    Question,
    QuestionKind,
    Slot,
    Topic,
    give_answer,
)
from cunyi.interop.questionnaire import questionnaire, questionnaire_response
from cunyi.interop.questionnaire_reading import interview_of

NAMES = {"fever": "发热", "cough": "咳嗽", "rash": "皮疹"}
AUTHORED = datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=8)))

# What R4 (4.0.1) lets stand in the elements that are used here: name → kind of its value.
CODE, TEXT, URI, BOOLEAN, NUMBER, LIST, OBJECT = "code", "text", "uri", "boolean", "number", "list", "object"
ELEMENTS = {
    "Questionnaire": {
        "resourceType": CODE, "id": "id", "language": CODE, "url": URI, "version": TEXT, "name": "name", "title": TEXT, "_title": OBJECT,
        "status": CODE, "subjectType": LIST, "item": LIST,
    },
    "QuestionnaireResponse": {
        "resourceType": CODE, "language": CODE, "contained": LIST, "extension": LIST, "questionnaire": URI, "status": CODE,
        "subject": OBJECT, "authored": "dateTime", "source": OBJECT, "item": LIST,
    },
    "Questionnaire.item": {
        "linkId": TEXT, "code": LIST, "text": TEXT, "_text": OBJECT, "type": CODE, "repeats": BOOLEAN, "answerOption": LIST,
        "item": LIST, "extension": LIST,
    },
    "answerOption": {"valueCoding": OBJECT, "extension": LIST},
    "QuestionnaireResponse.item": {"linkId": TEXT, "text": TEXT, "answer": LIST, "item": LIST, "extension": LIST},
    "Coding": {"system": URI, "code": CODE, "display": TEXT, "_display": OBJECT},
    "Quantity": {"value": NUMBER, "unit": TEXT, "system": URI, "code": CODE},
    "Reference": {"reference": TEXT, "type": URI, "display": TEXT},
}  # fmt: skip
KINDS = {
    CODE: lambda v: isinstance(v, str) and re.fullmatch(r"[^\s]+(\s[^\s]+)*", v),
    TEXT: lambda v: isinstance(v, str) and v.strip() != "",
    URI: lambda v: isinstance(v, str) and re.fullmatch(r"\S+", v),
    "id": lambda v: re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", v),
    "name": lambda v: re.fullmatch(r"[A-Z]([A-Za-z0-9_]){0,254}", v),
    "dateTime": lambda v: re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", v),
    BOOLEAN: lambda v: isinstance(v, bool),
    NUMBER: lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    LIST: lambda v: isinstance(v, list) and v,
    OBJECT: lambda v: isinstance(v, dict) and v,
}
ITEM_TYPES = {
    "group", "display", "boolean", "decimal", "integer", "date", "dateTime", "time", "string", "text", "url", "choice",
    "open-choice", "attachment", "reference", "quantity",
}  # fmt: skip
ANSWERS = {
    "choice": {"valueCoding"}, "open-choice": {"valueCoding", "valueString"}, "text": {"valueString"}, "decimal": {"valueDecimal"},
    "quantity": {"valueQuantity"},
}  # fmt: skip


def check_element(kind, element):
    allowed = ELEMENTS[kind]
    for name, value in element.items():
        assert name in allowed, f"{kind} has no {name}"
        assert KINDS[allowed[name]](value), f"{kind}.{name}: {value!r}"
    for extension in element.get("extension", ()):
        check_extension(extension)


def check_extension(extension):
    values = [name for name in extension if name.startswith("value")]
    assert KINDS[URI](extension["url"])
    assert bool(values) != bool(extension.get("extension")), "ext-1: a value or extensions"
    assert set(extension) <= {"url", "extension", *values} and len(values) <= 1
    if "valueCoding" in extension:
        check_element("Coding", extension["valueCoding"])
    for inside in extension.get("extension", ()):
        check_extension(inside)


def check_questionnaire(resource):
    check_element("Questionnaire", resource)
    assert resource["resourceType"] == "Questionnaire" and resource["status"] in (
        "draft",
        "active",
        "retired",
        "unknown",
    )
    seen = set()

    def walk(item):
        check_element("Questionnaire.item", item)
        assert item["linkId"] not in seen, "que-2: linkId is unique"
        seen.add(item["linkId"])
        assert item["type"] in ITEM_TYPES
        if item["type"] == "group":
            assert item["item"], "que-1: a group has items"
        if "answerOption" in item:
            assert item["type"] in ("choice", "open-choice"), "que-5"
            for option in item["answerOption"]:
                check_element("answerOption", option)
                check_element("Coding", option["valueCoding"])
        for code in item.get("code", ()):
            check_element("Coding", code)
        for inside in item.get("item", ()):
            walk(inside)

    for item in resource.get("item", ()):
        walk(item)


def items_of(resource):
    found = {}

    def walk(item, path):
        found[item["linkId"]] = (item, path)
        for inside in item.get("item", ()):
            walk(inside, (*path, item["linkId"]))

    for item in resource.get("item", ()):
        walk(item, ())
    return found


def check_response(resource):
    check_element("QuestionnaireResponse", resource)
    assert resource["status"] in ("in-progress", "completed", "amended", "entered-in-error", "stopped")
    (contained,) = resource["contained"]
    assert resource["questionnaire"] == f"#{contained['id']}", "dom-3: what is contained is referred to"
    assert "contained" not in contained and "meta" not in contained, "dom-2, dom-4"
    check_questionnaire(contained)
    check_element("Reference", resource["source"])
    asked = items_of(contained)
    order = list(asked)

    def walk(item, path):
        check_element("QuestionnaireResponse.item", item)
        assert not ("answer" in item and "item" in item), "qrs-1"
        question, where = asked[item["linkId"]]
        assert where == path, "an item is nested as its question is"
        answers = item.get("answer", ())
        assert len(answers) <= 1 or question.get("repeats"), "several answers only where it repeats"
        codes = {option["valueCoding"]["code"] for option in question.get("answerOption", ())}
        for answer in answers:
            assert len(answer) == 1 and set(answer) <= ANSWERS[question["type"]], (question["type"], answer)
            if "valueCoding" in answer:
                check_element("Coding", answer["valueCoding"])
                assert answer["valueCoding"]["code"] in codes
            if "valueQuantity" in answer:
                check_element("Quantity", answer["valueQuantity"])
        for inside in item.get("item", ()):
            walk(inside, (*path, item["linkId"]))

    for item in resource.get("item", ()):
        walk(item, ())
    given_ids = list(items_of(resource))
    assert given_ids == sorted(given_ids, key=order.index), "in the order of the questionnaire"


words = st.text("甲乙丙发热 ，。“”<>&{}abc0123\n", min_size=1, max_size=12).filter(lambda t: t.strip())
ids = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@st.composite
def questions(draw, question_id):
    kind = draw(st.sampled_from(list(QuestionKind)))
    listed = kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL, QuestionKind.CHOICE, QuestionKind.PLACE)
    most = 1 if kind == QuestionKind.YES_NO else 5
    option_ids = draw(st.lists(ids, min_size=1, max_size=most, unique=True)) if listed else []
    options = tuple(
        Option(
            id=option_id,
            label=draw(words),
            label_en=draw(st.one_of(st.just(""), words)),
            findings=tuple(draw(st.lists(st.sampled_from(sorted(NAMES)), max_size=2, unique=True))),
            absent=tuple(draw(st.lists(ids, max_size=2, unique=True))),
            onset=draw(st.sampled_from([None, *Onset])),
            severity=draw(st.sampled_from([None, *Severity])),
            side=draw(st.sampled_from([None, "front", "back"])),
        )
        for option_id in option_ids
    )
    return Question(
        id=question_id,
        topic=draw(st.sampled_from(list(Topic))),
        kind=kind,
        wording=draw(words),
        wording_en=draw(st.one_of(st.just(""), words)),
        options=options,
        about=draw(st.sampled_from([None, "fever"])),
        slot=draw(st.sampled_from([None, *Slot])),
        own_words=listed and draw(st.booleans()),
        unit=draw(st.sampled_from([None, "岁"])),
        lowest=draw(st.sampled_from([None, 0.0])),
        highest=draw(st.sampled_from([None, 120.0])),
        priority=draw(st.sampled_from([None, "fixed", "gain"])),
    )


@st.composite
def answers(draw, question_id):
    question = draw(questions(question_id))
    if draw(st.integers(0, 5)) == 0:
        return give_answer(question, unknown=True)
    own = draw(st.one_of(st.just(""), words)) if question.own_words else ""
    match question.kind:
        case QuestionKind.TEXT:
            return give_answer(question, text=draw(words))
        case QuestionKind.YES_NO | QuestionKind.SEVERAL:
            taps = (Status.PRESENT, Status.ABSENT, Status.UNKNOWN)
            return give_answer(
                question, statuses={o.id: draw(st.sampled_from(taps)) for o in question.options}, text=own
            )
        case QuestionKind.CHOICE:
            return give_answer(question, chosen=(draw(st.sampled_from(question.options)).id,), text=own)
        case QuestionKind.PLACE:
            order = [o.id for o in question.options]
            chosen = draw(st.lists(st.sampled_from(order), min_size=1, unique=True))
            return give_answer(question, chosen=tuple(chosen), text=own)
        case QuestionKind.NUMBER:
            return give_answer(question, number=draw(st.floats(0, 120)))
        case QuestionKind.DURATION:
            return give_answer(question, days=draw(st.sampled_from((1 / 1440, 0.5, 3.0, 365.0))))


@st.composite
def interviews(draw):
    question_ids = draw(
        st.lists(st.from_regex(r"[a-z]{1,6}(\.[a-z0-9]{1,4})?", fullmatch=True), max_size=6, unique=True)
    )
    return Interview(
        informant=draw(st.sampled_from(list(Informant))),
        sex=draw(st.sampled_from([None, *Sex])),
        age_years=draw(st.sampled_from([None, 0.25, 45.0])),
        pregnant=draw(st.sampled_from([None, True, False])),
        month=draw(st.sampled_from([None, 3])),
        answers=tuple(draw(answers(question_id)) for question_id in question_ids),
        stopped=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(interview=interviews(), finished=st.booleans())
def test_an_interview_comes_out_of_its_response_as_it_went_in(interview, finished):
    response = questionnaire_response(interview, version="abc", names=NAMES, authored=AUTHORED, finished=finished)
    check_response(response)
    sent = json.loads(json.dumps(response))
    assert interview_of(sent) == interview
    assert interview_of(msgspec.json.decode(msgspec.json.encode(response))) == interview


@settings(max_examples=40, deadline=None)
@given(interview=interviews())
def test_the_questionnaire_alone_is_a_resource_too(interview):
    check_questionnaire(questionnaire(interview, version="abc", names=NAMES))


def cough():
    options = (
        Option(id="cough", label="咳嗽", label_en="Cough", findings=("cough",)),
        Option(id="rash", label="出疹子", label_en="Rash", findings=("rash",)),
    )
    several = Question(
        id="group.1",
        topic=Topic.SYMPTOM,
        kind=QuestionKind.SEVERAL,
        wording="还有下面这些吗？",
        wording_en="Also?",
        options=options,
    )
    since = Question(
        id="since",
        topic=Topic.COURSE,
        kind=QuestionKind.DURATION,
        wording="有多久了？",
        wording_en="Since when?",
        about="fever",
    )
    said = give_answer(several, statuses={"cough": Status.PRESENT, "rash": Status.ABSENT})
    return Interview(
        informant=Informant.CHILD, sex=Sex.MALE, age_years=3.0, answers=(said, give_answer(since, days=2.0))
    )


def respond(interview, **more):
    return questionnaire_response(
        interview, version="abc", names=NAMES, authored=AUTHORED, **{"finished": True, **more}
    )


def test_findings_are_codes_of_the_programs_own_system():
    response = respond(cough())
    group = response["contained"][0]["item"][0]
    (code,) = group["item"][0]["code"]
    assert code == {"system": "urn:cunyi:fhir:CodeSystem:finding", "code": "cough", "display": "咳嗽"}
    assert response["contained"][0]["item"][1]["code"][0]["code"] == "fever"
    said = response["item"][0]["item"]
    assert [each["answer"][0]["valueCoding"]["code"] for each in said] == ["present", "absent"]
    assert response["item"][1]["answer"][0]["valueQuantity"] == {
        "value": 2.0,
        "unit": "天",
        "system": "http://unitsofmeasure.org",
        "code": "d",
    }


@pytest.mark.parametrize(
    ("finished", "stopped", "status"),
    [(True, False, "completed"), (False, False, "in-progress"), (False, True, "stopped"), (True, True, "stopped")],
)
def test_the_status_says_how_far_the_interview_went(finished, stopped, status):
    assert respond(msgspec.structs.replace(cough(), stopped=stopped), finished=finished)["status"] == status


def test_who_the_patient_is_stands_in_it_only_where_it_was_given():
    without = respond(cough())
    assert "subject" not in without and without["source"] == {"type": "RelatedPerson", "display": "家长"}
    assert not {"identifier", "author", "encounter"} & set(without)
    assert respond(cough(), subject="Patient/p1")["subject"] == {"reference": "Patient/p1"}


def test_the_time_carries_its_zone():
    assert respond(cough())["authored"] == "2026-03-01T09:30:00+08:00"
    utc = questionnaire_response(cough(), version="a", names={}, authored=AUTHORED.astimezone(UTC), finished=True)
    assert utc["authored"] == "2026-03-01T01:30:00+00:00"


@pytest.mark.parametrize(
    "foreign",
    [
        {},
        {"resourceType": "Patient"},
        {"resourceType": "QuestionnaireResponse", "status": "completed"},
        {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": "#q",
            "contained": [{"id": "q"}],
            "status": "completed",
        },
        {"resourceType": "QuestionnaireResponse", "questionnaire": "#q", "contained": "q", "status": "completed"},
    ],
)
def test_what_another_program_made_is_refused_with_a_reason(foreign):
    with pytest.raises(UserError) as refused:
        interview_of(foreign)
    assert refused.value.field == "questionnaire_response"


def test_an_answer_to_a_question_that_is_not_there_is_refused():
    response = respond(cough())
    response["item"][0]["linkId"] = "other"
    with pytest.raises(UserError):
        interview_of(response)


def test_answers_that_were_left_open_stay_open():
    question = cough().answers[0].question
    interview = Interview(answers=(Answer(question=question, statuses={"rash": Status.UNKNOWN}),))
    response = respond(interview)
    check_response(response)
    assert interview_of(response) == interview
