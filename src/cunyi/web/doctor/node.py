"""The pages of a node: everything behind the login."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.encounter import encounter_routes
from cunyi.web.doctor.people import people_routes
from cunyi.web.doctor.record import record_routes
from cunyi.web.doctor.signing_in import signing_in_routes
from cunyi.web.doctor.today import today_routes
from cunyi.web.gate import Gate
from cunyi.web.printing.pages import printing_routes


def node_routes(
    knowledge: Knowledge, seat: Seat, shown_account: tuple[str, str] | None
) -> list[ControllerRouterHandler]:
    """The handlers of a node's pages over one knowledge base."""
    gate = Gate(seat)
    return [
        *signing_in_routes(seat, gate, shown_account),
        *today_routes(gate),
        *people_routes(gate),
        *encounter_routes(gate, knowledge),
        *record_routes(gate, knowledge),
        *printing_routes(gate, knowledge),
    ]
