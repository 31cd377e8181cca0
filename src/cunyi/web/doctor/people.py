"""Finding people, and the pages that lead on from there: registering, changing, households, merging."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.journeys.finding_people import every_village, find
from cunyi.journeys.registering import known_villages
from cunyi.web.doctor.households import household_routes
from cunyi.web.doctor.merging import merging_routes
from cunyi.web.doctor.registering import registering_routes
from cunyi.web.gate import Gate, first, in_background, language_of, sent_form
from cunyi.web.rendering import render


def people_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of everything that has to do with who people are."""

    def results(request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> str:
        me = gate.me(request)
        store, account = gate.seat.store, me.account
        everywhere = first(sent, "everywhere") == "yes"
        village = first(sent, "village")
        found = find(store, account, first(sent, "words"), everywhere=everywhere, village=village)
        shown = {
            "found": found,
            "today": gate.seat.now().astimezone().date(),
            "opened": me.opened,
            "may_write": account.may(Permission.WRITE_DRAFT),
            "may_register": account.may(Permission.REGISTER_PEOPLE),
            "village": village,
            "everywhere": everywhere,
        }
        if in_background(request):
            return render("doctor/people_results.html", language_of(request), **shown)
        ours = known_villages(store, account)
        elsewhere = len(every_village(store, account)) > len(ours)
        return gate.page(request, me, "doctor/people.html", villages=ours, elsewhere=elsewhere, **shown)

    @get("/people", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def people(request: Request[Any, Any, Any]) -> str:
        return results(request, {})

    @post("/people/search", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def search(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(results, request, await sent_form(request))

    return [people, search, *registering_routes(gate), *household_routes(gate), *merging_routes(gate)]
