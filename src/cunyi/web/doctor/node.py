"""The pages of a node: everything behind the login."""

from __future__ import annotations

from collections.abc import Callable

from litestar.types import ControllerRouterHandler

from cunyi.journeys.bench import Bench
from cunyi.journeys.seat import Seat
from cunyi.journeys.wording_opinion import Writer
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.arriving import arriving_routes
from cunyi.web.doctor.checkup import checkup_routes
from cunyi.web.doctor.devices import device_routes
from cunyi.web.doctor.encounter import encounter_routes
from cunyi.web.doctor.opinion import encounter_opinion_routes
from cunyi.web.doctor.paper_report import paper_routes
from cunyi.web.doctor.people import people_routes
from cunyi.web.doctor.preconsultation import preconsultation_routes
from cunyi.web.doctor.preconsultation_ways import ways_in_routes
from cunyi.web.doctor.record import record_routes
from cunyi.web.doctor.signing_in import signing_in_routes
from cunyi.web.doctor.swiping import swiping_routes
from cunyi.web.doctor.today import today_routes
from cunyi.web.gate import Gate
from cunyi.web.patient.routes import patient_routes
from cunyi.web.printing.pages import printing_routes


def node_routes(
    knowledge: Knowledge,
    seat: Seat,
    shown_account: tuple[str, str] | None,
    bench: Bench | None = None,
    writer: Writer | None = None,
    public_address: str = "",
    hear: Callable[[bytes, str], str] | None = None,
) -> list[ControllerRouterHandler]:
    """The handlers of a node's pages over one knowledge base; without a `bench` nothing of instruments is offered.

    `public_address` is where villagers' phones reach the node, empty where it was not set; `hear` gives the words of a
    villager's recording.
    """
    gate = Gate(seat, bench)
    return [
        *signing_in_routes(seat, gate, shown_account),
        *today_routes(gate, knowledge),
        *people_routes(gate),
        *encounter_routes(gate, knowledge, bench),
        *encounter_opinion_routes(gate, knowledge, writer),
        *record_routes(gate, knowledge),
        *printing_routes(gate, knowledge),
        *paper_routes(gate, knowledge),
        *preconsultation_routes(gate, knowledge),
        *ways_in_routes(gate, public_address),
        *patient_routes(seat, knowledge, bench.tell_alarm if bench else lambda: None, hear),
        *([] if bench is None else _instrument_routes(gate, knowledge, bench)),
    ]


def _instrument_routes(gate: Gate, knowledge: Knowledge, bench: Bench) -> list[ControllerRouterHandler]:
    return [
        *device_routes(gate, knowledge, bench),
        *arriving_routes(gate, knowledge, bench),
        *swiping_routes(gate, bench),
        *checkup_routes(gate, knowledge, bench),
    ]
