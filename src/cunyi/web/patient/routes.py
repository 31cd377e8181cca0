"""The addresses of the villager's pages; whatever is wrong is told on a page of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from cunyi.domain.errors import UserError
from cunyi.journeys.preconsulting_rules import LinkGoneError, TooOftenError
from cunyi.journeys.seat import LockedNodeError, Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.gate import language_of, messages_of, refuse_elsewhere, sent_form
from cunyi.web.patient.pages import COOKIE, HTML, PatientPages
from cunyi.web.rendering import render

_LONGEST_FORM = 16_000


def patient_routes(
    seat: Seat, knowledge: Knowledge, told: Callable[[], None], hear: Callable[[bytes, str], str] | None = None
) -> list[ControllerRouterHandler]:
    """The handlers of the villager's pages. `told` is called when an answer was an emergency, `hear` gives the words of a recording."""
    pages = PatientPages(seat, knowledge, told, hear)

    async def answered(request: Request[Any, Any, Any], work: Callable[[], Response[Any]]) -> Response[Any]:
        """A page for whatever comes of it: these pages have a layout of their own also where something is wrong."""
        try:
            return await sync_to_thread(work)
        except LockedNodeError:
            return Response(render("patient/closed.html", language_of(request)), status_code=503, media_type=HTML)
        except LinkGoneError:
            if pages.tries_links(request):
                return Response(render("patient/gone.html", language_of(request)), status_code=429, media_type=HTML)
            gone = Cookie(key=COOKIE, value="", max_age=0, path="/v", httponly=True, samesite="strict")
            html = render("patient/gone.html", language_of(request))
            return Response(html, status_code=404, media_type=HTML, cookies=[gone])
        except UserError as error:
            message = next(iter(messages_of(error, language_of(request)).values()))
            html = render("patient/trouble.html", language_of(request), message=message)
            status = 429 if isinstance(error, TooOftenError) else 400
            return Response(html, status_code=status, media_type=HTML)

    async def form_of(request: Request[Any, Any, Any]) -> dict[str, list[str]]:
        refuse_elsewhere(request)
        if int(request.headers.get("content-length") or 0) > _LONGEST_FORM:
            raise HTTPException(status_code=413)
        return await sent_form(request)

    @get("/v", include_in_schema=False)
    async def door(request: Request[Any, Any, Any]) -> Response[Any]:
        return await answered(request, lambda: pages.door(request))

    @post("/v", status_code=200, include_in_schema=False)
    async def begin_here(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await form_of(request)
        return await answered(request, lambda: pages.begin(request, sent))

    @get("/v/no", include_in_schema=False)
    async def no(request: Request[Any, Any, Any]) -> Response[Any]:
        return Response(render("patient/refused.html", language_of(request), tablet=False), media_type=HTML)

    @get("/v/{token:str}", include_in_schema=False)
    async def show(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        return await answered(request, lambda: pages.show(request, token))

    @post("/v/{token:str}/consent", status_code=200, include_in_schema=False)
    async def consent(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        sent = await form_of(request)
        return await answered(request, lambda: pages.agree(request, token, sent))

    @post("/v/{token:str}/no-guardian", status_code=200, include_in_schema=False)
    async def no_guardian(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        await form_of(request)
        return await answered(request, lambda: pages.no_guardian(request, token))

    @get("/v/{token:str}/no", include_in_schema=False)
    async def refuse_link(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        return await answered(request, lambda: pages.refuse_all(request, token))

    @post("/v/{token:str}/who", status_code=200, include_in_schema=False)
    async def who(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        sent = await form_of(request)
        return await answered(request, lambda: pages.who(request, token, sent))

    @post("/v/{token:str}/answer", status_code=200, include_in_schema=False)
    async def give(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        sent = await form_of(request)
        return await answered(request, lambda: pages.answer(request, token, sent))

    @post("/v/{token:str}/change", status_code=200, include_in_schema=False)
    async def change(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        sent = await form_of(request)
        return await answered(request, lambda: pages.change(request, token, sent))

    @post("/v/{token:str}/dictation", status_code=200, include_in_schema=False)
    async def dictate(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        refuse_elsewhere(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        recording = await request.body()
        try:
            words = await sync_to_thread(pages.hear, token, recording, kind)
        except UserError as error:
            if isinstance(error, LockedNodeError):
                # Its own words are for the doctor, who can log in.
                error = UserError("这里不能用嘴说；请直接写", field="text")
            message = next(iter(messages_of(error, language_of(request)).values()))
            return Response({"error": {"message": message}}, status_code=400, media_type=MediaType.JSON)
        return Response({"text": words}, media_type=MediaType.JSON)

    @get("/v/{token:str}/answers", include_in_schema=False)
    async def answers(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        return await answered(request, lambda: pages.answers(request, token))

    @post("/v/{token:str}/stop", status_code=200, include_in_schema=False)
    async def stop_here(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        await form_of(request)
        return await answered(request, lambda: pages.stop(request, token, stopped=True))

    @post("/v/{token:str}/go-on", status_code=200, include_in_schema=False)
    async def on(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        await form_of(request)
        return await answered(request, lambda: pages.stop(request, token, stopped=False))

    return [
        door,
        begin_here,
        no,
        show,
        consent,
        refuse_link,
        no_guardian,
        who,
        give,
        change,
        dictate,
        answers,
        stop_here,
        on,
    ]
