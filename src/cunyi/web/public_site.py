"""The pages for villagers' phones alone, on a port of their own: nothing of the clinic's pages can be reached there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.choosing_language import choose_language
from cunyi.web.headers import protect
from cunyi.web.patient.routes import patient_routes
from cunyi.web.refusals import fail, refuse_request

_STATIC = Path(__file__).parent / "static"
_ASSETS = {"patient.css": "text/css", "patient.js": "text/javascript", "icon.svg": "image/svg+xml"}


def create_public_site(
    knowledge: Knowledge,
    seat: Seat,
    told: Callable[[], None],
    *,
    largest_body_bytes: int,
    hear: Callable[[bytes, str], str] | None = None,
) -> Litestar:
    """The application that phones reach. `told` is called when an answer was an emergency; `hear` gives the words of a recording."""

    @get("/", include_in_schema=False)
    async def first_page(request: Request[Any, Any, Any]) -> Redirect:
        return Redirect("/v", status_code=303)

    @get("/static/{name:str}", include_in_schema=False, sync_to_thread=True)
    def asset(name: FromPath[str]) -> Response[bytes]:
        if name not in _ASSETS:
            raise NotFoundException
        return Response((_STATIC / name).read_bytes(), media_type=_ASSETS[name])

    return Litestar(
        route_handlers=[first_page, asset, choose_language, *patient_routes(seat, knowledge, told, hear)],
        openapi_config=None,
        exception_handlers={HTTPException: refuse_request, Exception: fail},
        before_send=[protect],
        request_max_body_size=largest_body_bytes,
        logging_config=None,
    )
