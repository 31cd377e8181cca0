"""The web application: every route, the shape of errors, the headers, the description of the API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.static_files import create_static_files_router

from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import LineSettings
from cunyi.journeys.bench import Bench
from cunyi.journeys.seat import LockedNodeError, Seat
from cunyi.journeys.watching_threads import ThreadWatch
from cunyi.journeys.wording_opinion import Writer
from cunyi.reasoning.prepared import Knowledge
from cunyi.version import ENGINE_VERSION
from cunyi.web.api import api_routes
from cunyi.web.api_schema import SpanSchemaPlugin
from cunyi.web.choosing_language import choose_language
from cunyi.web.doctor.node import node_routes
from cunyi.web.doctor.opinion import workbench_opinion_routes
from cunyi.web.doctor.synchronisation import Ways
from cunyi.web.doctor.workbench import doctor_routes
from cunyi.web.gate import NotSignedInError, ScreenLockedError, lead_to_login, lead_to_unlock, refuse_page
from cunyi.web.headers import protect
from cunyi.web.patterns import patterns
from cunyi.web.refusals import fail, refuse, refuse_request

_STATIC = Path(__file__).parent / "static"


def create_site(
    knowledge: Knowledge,
    *,
    largest_body_bytes: int,
    seat: Seat | None = None,
    shown_account: tuple[str, str] | None = None,
    bench: Bench | None = None,
    writer: Writer | None = None,
    public_address: str = "",
    hear: Callable[[bytes, str], str] | None = None,
    hub: bool = False,
    line: LineSettings | None = None,
    ways: Ways | None = None,
) -> Litestar:
    """The application over one knowledge base, which it only reads: a node's pages, or without a `seat` the workbench alone.

    `shown_account` (login, password) stands on the login page of a demonstration; `bench` are the instruments of the node, `writer` puts opinions
    into other words. `public_address` is where villagers' phones reach the node, `hear` gives the
    words of a villager's recording. A `hub` has the pages of a township beside those of a node, which joins one over a `line`.
    `ways` are how a node reaches its hub and other kits.
    """
    pages = (
        [*doctor_routes(knowledge), *workbench_opinion_routes(knowledge, writer)]
        if seat is None
        else node_routes(
            knowledge, seat, shown_account, bench, writer, public_address, hear, hub=hub, line=line, ways=ways
        )
    )
    watch = ThreadWatch(seat, knowledge.content.referral_loop) if hub and seat is not None else None
    return Litestar(
        route_handlers=[
            *api_routes(knowledge),
            *pages,
            choose_language,
            patterns,
            create_static_files_router(path="/static", directories=[_STATIC], include_in_schema=False),
        ],
        openapi_config=OpenAPIConfig(
            title="Cunyi",
            version=ENGINE_VERSION,
            description="Decision support for qualified clinicians; it does not replace a doctor's diagnosis.",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"]), YamlRenderPlugin()],
        ),
        exception_handlers={
            NotSignedInError: lead_to_login,
            LockedNodeError: lead_to_login,
            ScreenLockedError: lead_to_unlock,
            UserError: refuse if seat is None else refuse_page,
            HTTPException: refuse_request,
            Exception: fail,
        },
        before_send=[protect],
        on_startup=[watch.start] if watch else [],
        on_shutdown=[watch.stop] if watch else [],
        plugins=[SpanSchemaPlugin()],
        request_max_body_size=largest_body_bytes,
        logging_config=None,
    )
