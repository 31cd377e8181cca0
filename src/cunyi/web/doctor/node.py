"""The pages of a node: everything behind the login."""

from __future__ import annotations

from collections.abc import Callable

from litestar.types import ControllerRouterHandler

from cunyi.interop.hub_http import LineSettings
from cunyi.journeys.bench import Bench
from cunyi.journeys.seat import Seat
from cunyi.journeys.wording_opinion import Writer
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.arriving import arriving_routes
from cunyi.web.doctor.bell import bell_routes
from cunyi.web.doctor.checkup import checkup_routes
from cunyi.web.doctor.conflicts import conflict_routes
from cunyi.web.doctor.consultations import consultation_routes
from cunyi.web.doctor.consultations_form import consultation_form_routes
from cunyi.web.doctor.critical_values import critical_value_routes
from cunyi.web.doctor.devices import device_routes
from cunyi.web.doctor.encounter import encounter_routes
from cunyi.web.doctor.opinion import encounter_opinion_routes
from cunyi.web.doctor.paper_report import paper_routes
from cunyi.web.doctor.people import people_routes
from cunyi.web.doctor.preconsultation import preconsultation_routes
from cunyi.web.doctor.preconsultation_ways import ways_in_routes
from cunyi.web.doctor.record import record_routes
from cunyi.web.doctor.referral_form import referral_form_routes
from cunyi.web.doctor.referrals import referral_routes
from cunyi.web.doctor.signing_in import signing_in_routes
from cunyi.web.doctor.swiping import swiping_routes
from cunyi.web.doctor.synchronisation import Ways, synchronisation_routes
from cunyi.web.doctor.today import today_routes
from cunyi.web.doctor.visit_round import visit_round_routes
from cunyi.web.gate import Gate
from cunyi.web.hub_api import hub_routes, meeting_routes
from cunyi.web.manager.hub_home import hub_home_routes
from cunyi.web.manager.joining import joining_routes
from cunyi.web.manager.nodes import node_management_routes
from cunyi.web.manager.organisation import organisation_routes
from cunyi.web.patient.routes import patient_routes
from cunyi.web.printing.pages import printing_routes
from cunyi.web.printing.referral_pages import referral_printing_routes


def node_routes(
    knowledge: Knowledge,
    seat: Seat,
    shown_account: tuple[str, str] | None,
    bench: Bench | None = None,
    writer: Writer | None = None,
    public_address: str = "",
    hear: Callable[[bytes, str], str] | None = None,
    *,
    hub: bool = False,
    line: LineSettings | None = None,
    ways: Ways | None = None,
) -> list[ControllerRouterHandler]:
    """The handlers of a node's pages over one knowledge base; without a `bench` nothing of instruments is offered.

    `public_address` is where villagers' phones reach the node, empty where it was not set; `hear` gives the words of a
    villager's recording. A `hub` begins with the township's page; a node joins one over a `line` as it is set.
    """
    gate, ways = Gate(seat, bench, hub=hub), ways or Ways()
    return [
        *signing_in_routes(seat, gate, shown_account),
        *today_routes(gate, knowledge, "/today" if hub else "/"),
        *people_routes(gate),
        *encounter_routes(gate, knowledge, bench),
        *encounter_opinion_routes(gate, knowledge, writer),
        *record_routes(gate, knowledge),
        *visit_round_routes(gate, knowledge),
        *printing_routes(gate, knowledge),
        *referral_routes(gate, knowledge),
        *referral_form_routes(gate, knowledge),
        *referral_printing_routes(gate, knowledge),
        *paper_routes(gate, knowledge),
        *preconsultation_routes(gate, knowledge),
        *bell_routes(gate),
        *consultation_routes(gate, knowledge),
        *consultation_form_routes(gate, knowledge),
        *critical_value_routes(gate, knowledge),
        *ways_in_routes(gate, public_address),
        *patient_routes(seat, knowledge, bench.tell_alarm if bench else lambda: None, hear),
        *([] if bench is None else _instrument_routes(gate, knowledge, bench)),
        *organisation_routes(gate, knowledge),
        *synchronisation_routes(gate, ways, line),
        *conflict_routes(gate),
        *(_hub_routes(gate) if hub else _kit_routes(gate, ways, line)),
    ]


def _hub_routes(gate: Gate) -> list[ControllerRouterHandler]:
    return [*hub_home_routes(gate), *node_management_routes(gate), *hub_routes(gate.seat)]


def _kit_routes(gate: Gate, ways: Ways, line: LineSettings | None) -> list[ControllerRouterHandler]:
    joined = ways.synchroniser.wake if ways.synchroniser else lambda: None
    meetings = [] if ways.meetings is None else meeting_routes(ways.meetings)
    return [*joining_routes(gate, line, joined), *meetings]


def _instrument_routes(gate: Gate, knowledge: Knowledge, bench: Bench) -> list[ControllerRouterHandler]:
    return [
        *device_routes(gate, knowledge, bench),
        *arriving_routes(gate, knowledge, bench),
        *swiping_routes(gate, bench),
        *checkup_routes(gate, knowledge, bench),
    ]
