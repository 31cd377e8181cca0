"""Founding the township: the hub from its organisation table, a kit for each clinic by a one-time code, accounts by the administrators' pages."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

from cunyi.reasoning.prepared import Knowledge
from cunyi.simulation.clinician import Clinician
from cunyi.simulation.ledger import Ledger
from cunyi.simulation.line import Line
from cunyi.simulation.names import MEN, SURNAMES, WOMEN
from cunyi.simulation.nodes import PASSWORD, CommandError, Machine
from cunyi.simulation.organisation import TOWNSHIP_CENTRE, clinic_code, organisation_table
from cunyi.simulation.plan import Plan

ADMINISTRATOR = "guanli"
_CODE = re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b")
# The pages' own steps decide when it talks with the hub; by itself it does so after long pauses only.
_QUIET = {"CUNYI_SYNC_EVERY": "3600", "CUNYI_HUB_TIMEOUT": "60"}


def found_hub(
    plan: Plan, villages: dict[str, str], knowledge: Knowledge, database: str | None, draw: random.Random
) -> Machine:
    """The hub, set up and served."""
    hub = Machine("hub", plan.place / "hub", database=database)
    hub.environment = {"CUNYI_ROLE": "hub"}
    table = hub.place / "organisation.csv"
    table.write_text(organisation_table(villages, knowledge.content.departments, draw), encoding="utf-8-sig")
    hub.run(
        "init", "--role", "hub", "--facility", TOWNSHIP_CENTRE, "--organisation", str(table), "--login", ADMINISTRATOR,
        "--name", "赵管理", "--password-file", str(hub.password_file), *hub.where,
    )  # fmt: skip
    hub.administrator = ADMINISTRATOR
    hub.start()
    return hub


def open_hub(hub: Machine, ledger: Ledger, draw: random.Random) -> Clinician:
    """The hub's administrator, logged in: that opens an encrypted hub after a start."""
    administrator = Clinician(hub, ADMINISTRATOR, ledger, draw)
    administrator.log_in()
    return administrator


def found_kit(name: str, plan: Plan, hub: Machine, line: Line, village: str, serials: int) -> Machine:
    """A kit of a village's clinic: a code is made at the hub, and the kit is set up with it over the line."""
    code = enrolment_code(hub, clinic_code(village), village, serials)
    kit = Machine(name, plan.place / name)
    kit.environment = dict(_QUIET)
    kit.clock.set(hub.clock())
    kit.run(
        "init", "--hub", line.address, "--code", code, "--login", ADMINISTRATOR, "--name", "钱管理",
        "--password-file", str(kit.password_file), *kit.where,
    )  # fmt: skip
    kit.administrator = ADMINISTRATOR
    return kit


def enrolment_code(hub: Machine, facility: str, village: str, serials: int) -> str:
    """A one-time code, as the hub's command prints it."""
    said = hub.run(
        "node", "enrol-code", "--facility", facility, "--scope", village, "--serials", str(serials), *hub.opening,
    )  # fmt: skip
    found = _CODE.search(said)
    if found is None:
        raise CommandError(f"no code in: {said}")
    return found[0]


def add_people_who_work(
    machine: Machine,
    logins: Sequence[str],
    role: str,
    areas: str,
    ledger: Ledger,
    draw: random.Random,
    *,
    facility: str = "",
) -> list[Clinician]:
    """Accounts by the administrator's page; their owners choose a password of their own at the first login."""
    administrator = Clinician(machine, ADMINISTRATOR, ledger, draw)
    administrator.log_in()
    found = []
    for login in logins:
        form = administrator.open("/accounts").form("/accounts").fill({
            "login": login, "name": name_of(draw), "role": role, "areas": areas, "password": PASSWORD,
        })  # fmt: skip
        if facility:
            form = form.fill({"facility": facility})
        administrator.browser.send(form)
        found.append(Clinician(machine, login, ledger, draw))
    administrator.browser.forget()
    return found


def name_of(draw: random.Random) -> str:
    """The name of a doctor."""
    return draw.choices(list(SURNAMES), list(SURNAMES.values()))[0] + draw.choice((*MEN, *WOMEN))


def clean(place: Path) -> None:
    """An empty folder for a simulation. CommandError where something else lies there."""
    if place.exists() and any(place.iterdir()):
        raise CommandError(f"{place} is not empty")
    place.mkdir(parents=True, exist_ok=True)
