"""The bell on every page: emergencies of villagers, questions and critical values that nobody has seen to, answers not opened yet."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.journeys.preconsulting_clinic import alarms, count_ready
from cunyi.journeys.ringing import ringing
from cunyi.web.gate import COOKIE, Gate, NotSignedInError, language_of
from cunyi.web.rendering import render

_HTML = "text/html; charset=utf-8"


def bell_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """What an open page asks every few seconds."""

    @get("/alarms", include_in_schema=False, sync_to_thread=True)
    def ring(request: Request[Any, Any, Any]) -> Response[str]:
        return _ring(gate, request)

    return [ring]


def _ring(gate: Gate, request: Request[Any, Any, Any]) -> Response[str]:
    """What rings now, and in a header how many have answered before the consultation.

    A page that asks does not keep its session awake; behind a locked screen it is told without details.
    """
    me = gate.seat.who(request.cookies.get(COOKIE), watching=True)
    if me is None:
        raise NotSignedInError
    html = render(
        "doctor/alarm.html",
        language_of(request),
        alarms=alarms(gate.seat.store, me.account),
        bells=ringing(gate.seat.store, me.account, gate.seat.now()),
        locked=me.locked,
    )
    ready = count_ready(gate.seat.store, me.account) if me.account.may(Permission.WRITE_DRAFT) else 0
    return Response(html, media_type=_HTML, headers={"X-Cunyi-Ready": str(ready)})
