"""The workbench (工作台): the page, and the assessment as the doctor types. Nothing that is sent is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from cunyi.domain.case import TEXT_FIELDS
from cunyi.journeys.assess_case import assess_case, find_diseases
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.form import LIST_FIELDS, Form, read_form
from cunyi.web.doctor.presenting import present
from cunyi.web.doctor.reading import READING_FIELDS
from cunyi.web.doctor.view_model import AssessmentView
from cunyi.web.doctor.wording import Wording
from cunyi.web.language import COOKIE, ENGLISH, LANGUAGES, chosen
from cunyi.web.rendering import render

_EXAMPLES = Path(__file__).parent.parent / "examples.json"


class Example(msgspec.Struct, frozen=True):
    """An example case to load with one tap (示例病例)."""

    id: str
    title: str
    title_en: str
    case: dict[str, Any]


def read_examples() -> list[Example]:
    """The example cases, in their order."""
    return msgspec.json.decode(_EXAMPLES.read_bytes(), type=list[Example])


def doctor_routes(knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of the doctor's pages over one knowledge base."""
    examples = read_examples()
    cases = msgspec.json.encode({example.id: example.case for example in examples})
    wordings = {language: Wording(knowledge, language) for language in LANGUAGES}

    @get(["/", "/workbench"], media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=False)
    def workbench(request: Request[Any, Any, Any]) -> str:
        language = chosen(request.cookies.get(COOKIE))
        wording = wordings[language]
        diseases = [wording.disease(disease) for disease in knowledge.content.diseases]
        return render(
            "doctor/workbench.html",
            language,
            view=_assess(Form(), knowledge, wording),
            texts=TEXT_FIELDS,
            lists=LIST_FIELDS,
            examples=[(e.id, e.title_en if language == ENGLISH else e.title) for e in examples],
            diseases=sorted(diseases),
            items=[
                (wording.item(item.id), wording.unit(item.unit))
                for item in knowledge.content.items.values()
                if item.id not in READING_FIELDS
            ],
        )

    @post("/workbench/assess", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def assessed(request: Request[Any, Any, Any]) -> str:
        language = chosen(request.cookies.get(COOKIE))
        form = read_form(await _sent(request), knowledge)
        view = await sync_to_thread(_assess, form, knowledge, wordings[language])
        return render("doctor/assessed.html", language, view=view, texts=TEXT_FIELDS)

    @get("/workbench/examples.json", include_in_schema=False, sync_to_thread=False)
    def example_cases() -> Response[bytes]:
        return Response(cases, media_type=MediaType.JSON)

    return [workbench, assessed, example_cases]


def _assess(form: Form, knowledge: Knowledge, wording: Wording) -> AssessmentView:
    found = find_diseases(form.why_not, knowledge)
    opinion = assess_case(form.case, knowledge, found[0] if len(found) == 1 else None)
    return present(form, opinion, knowledge, wording)


async def _sent(request: Request[Any, Any, Any]) -> dict[str, list[str]]:
    """Every value of every field; a body that is no form is told so."""
    try:
        form = await request.form()
    except (ValueError, LookupError) as error:
        raise HTTPException(status_code=400) from error
    return {name: [value for value in values if isinstance(value, str)] for name, values in form.dict().items()}
