"""The expert opinion beside the assessment: on the workbench from what was sent, in the encounter from its draft; and printed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from cunyi.domain.audit import Action
from cunyi.domain.opinion import ExpertOpinion
from cunyi.journeys.consulting import open_draft
from cunyi.journeys.wording_opinion import Writer, word_opinion
from cunyi.reasoning.assess import assess
from cunyi.reasoning.opinion import expert_opinion
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.encounter import EncounterPages
from cunyi.web.doctor.form import read_form
from cunyi.web.doctor.opinion_view import present_opinion
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import Gate, language_of, sent_form
from cunyi.web.language import CHINESE, LANGUAGES
from cunyi.web.printing.opinion_sheet import opinion_sheet
from cunyi.web.printing.typesetting import Paper, Typesetter
from cunyi.web.rendering import render

_ADDRESS = "/workbench/opinion"
_PAPER: Paper = "a4"


def workbench_opinion_routes(knowledge: Knowledge, writer: Writer | None = None) -> list[ControllerRouterHandler]:
    """The opinion on the workbench, where nothing that is sent is kept; put into other words where there is a `writer`."""
    wordings = {language: Wording(knowledge, language) for language in LANGUAGES}
    typesetter = Typesetter()

    @post(_ADDRESS, media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def opinion(request: Request[Any, Any, Any]) -> str:
        sent, language = await sent_form(request), language_of(request)

        def work() -> str:
            case = read_form(sent, knowledge).case
            given = expert_opinion(case, assess(case, knowledge), knowledge)
            view = present_opinion(given, wordings[language])
            return render(
                "doctor/opinion.html",
                language,
                view=view,
                address=_ADDRESS,
                print_address="",
                sent=sent,
                writer=writer.name if writer else None,
            )

        return await sync_to_thread(work)

    @post(f"{_ADDRESS}/worded", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def worded(request: Request[Any, Any, Any]) -> str:
        sent, language = await sent_form(request), language_of(request)

        def work() -> str:
            case = read_form(sent, knowledge).case
            return _worded(expert_opinion(case, assess(case, knowledge), knowledge), knowledge, writer, language)

        return await sync_to_thread(work)

    @post(f"{_ADDRESS}/sheet", status_code=200, include_in_schema=False)
    async def sheet(request: Request[Any, Any, Any]) -> Response[bytes]:
        sent = await sent_form(request)

        def work() -> Response[bytes]:
            case = read_form(sent, knowledge).case
            given = expert_opinion(case, assess(case, knowledge), knowledge)
            values = opinion_sheet(given, case, wordings[CHINESE], on=None)
            return _pdf(typesetter.pdf("opinion", _PAPER, values))

        return await sync_to_thread(work)

    return [opinion, sheet, *([worded] if writer else [])]


def encounter_opinion_routes(
    gate: Gate, knowledge: Knowledge, writer: Writer | None = None
) -> list[ControllerRouterHandler]:
    """The opinion in an encounter, with what the record knows of the person; printing is written into the audit log."""
    pages = EncounterPages(gate, knowledge)
    typesetter = Typesetter()

    def opinion_on(request: Request[Any, Any, Any], draft_id: str, sent: dict[str, list[str]]) -> ExpertOpinion:
        me = gate.me(request)
        shown = open_draft(gate.seat.store, me.account, draft_id)
        sheet = pages.sheet(sent, shown, me, pages.wordings[CHINESE], gate.seat.now().astimezone())
        return expert_opinion(sheet.form.case, sheet.assessment, knowledge)

    def work(request: Request[Any, Any, Any], draft_id: str, sent: dict[str, list[str]]) -> str:
        language = language_of(request)
        given = opinion_on(request, draft_id, sent)
        return render(
            "doctor/opinion.html",
            language,
            view=present_opinion(given, pages.wordings[language]),
            address=f"/encounters/{draft_id}/opinion",
            print_address=f"/print/opinion/{draft_id}",
            sent={},
            writer=writer.name if writer else None,
        )

    @post("/encounters/{draft_id:uuid}/opinion", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def opinion(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        return await sync_to_thread(work, request, str(draft_id), await sent_form(request))

    @post(
        "/encounters/{draft_id:uuid}/opinion/worded",
        media_type=MediaType.HTML,
        status_code=200,
        include_in_schema=False,
    )
    async def worded(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        sent, language = await sent_form(request), language_of(request)

        def work() -> str:
            return _worded(opinion_on(request, str(draft_id), sent), knowledge, writer, language)

        return await sync_to_thread(work)

    @get("/print/opinion/{draft_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def printed(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Response[bytes]:
        me, store, now = gate.me(request), gate.seat.store, gate.seat.now().astimezone()
        shown = open_draft(store, me.account, str(draft_id))
        sheet = pages.sheet(shown.draft.form, shown, me, pages.wordings[CHINESE], now)
        values = opinion_sheet(
            expert_opinion(sheet.form.case, sheet.assessment, knowledge),
            sheet.form.case,
            pages.wordings[CHINESE],
            on=now.date(),
            facility=store.node.facility_name,
            person=shown.person,
        )
        made = typesetter.pdf("opinion", _PAPER, values)
        with store.writing(me.account.id) as writing:
            writing.audit(Action.PRINT, person=shown.person.id, subject=str(draft_id), detail=f"opinion {_PAPER}")
        return _pdf(made)

    return [opinion, printed, *([worded] if writer else [])]


def _worded(given: ExpertOpinion, knowledge: Knowledge, writer: Writer | None, language: str) -> str:
    assert writer is not None
    return render("doctor/opinion_worded.html", language, worded=word_opinion(given, knowledge, writer))


def _pdf(made: bytes) -> Response[bytes]:
    headers = {"Content-Disposition": f'inline; filename="opinion-{_PAPER}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)
