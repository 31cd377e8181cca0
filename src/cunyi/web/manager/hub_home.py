"""The first page of a hub, which looks again by itself."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, get
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.journeys.hub_home import open_hub_home
from cunyi.journeys.seat import SignedIn
from cunyi.web.gate import COOKIE, Gate, NotSignedInError, ScreenLockedError, language_of
from cunyi.web.rendering import render


def hub_home_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of the first page of a hub."""

    def values(me: SignedIn) -> dict[str, Any]:
        return {
            "home": open_hub_home(gate.seat.store, me.account, gate.seat.now()),
            "manages": me.account.may(Permission.MANAGE_NODES),
        }

    @get("/", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def home(request: Request[Any, Any, Any]) -> str:
        me = gate.me(request)
        return gate.page(request, me, "manager/hub_home.html", **values(me))

    @get("/hub/now", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def now(request: Request[Any, Any, Any]) -> str:
        # Looking does not keep a session awake.
        me = gate.seat.who(request.cookies.get(COOKIE), watching=True)
        if me is None:
            raise NotSignedInError
        if me.locked:
            raise ScreenLockedError
        return render("manager/hub_now.html", language_of(request), **values(me))

    return [home, now]
