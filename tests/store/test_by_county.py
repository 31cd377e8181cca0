"""A PostgreSQL database of several counties: a partition each, found without looking at the others; an old database is brought over."""

from __future__ import annotations

import re
import threading

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from clinic_day import Desk, in_database, misfits, rows
from databases import Server
from node_for_tests import CHEAP, SETUP, Clock
from sqlalchemy import Engine, UniqueConstraint, inspect, text

from cunyi.cli import main
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.journeys.safekeeping import verify
from cunyi.journeys.setting_up import set_up_database
from cunyi.store import schema
from cunyi.store.counties import add_county, counties, partitioned_tables
from cunyi.store.engine import open_postgresql
from cunyi.store.migrating import _FOLDER, bring_up_to_date
from cunyi.store.nodes import open_node
from cunyi.store.township_schema import metadata

HERE, THERE = "360731", "360732"
NEIGHBOUR = msgspec.structs.replace(SETUP, facility="F2", villages={"360732101201": "邻县村"}, serials=(1, 50))


@pytest.fixture
def address(postgresql: Server) -> str:
    return postgresql.new_address()


@pytest.fixture
def engine(address: str):
    made = open_postgresql(address)
    yield made
    made.dispose()


def neighbour(engine: Engine):
    return set_up_database(engine, NEIGHBOUR, clock=Clock(), cost=CHEAP)


def expect_tables_of_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        partitions = set(
            connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'").scalars()
        )

        def is_no_partition(thing, name, kind, reflected, compared):
            if kind == "foreign_key_constraint":
                # PostgreSQL keeps a part of each such key for every partition that it may lead to.
                return thing.elements[0].target_fullname.split(".")[0] not in partitions
            return not (kind == "table" and name in partitions)

        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_no_partition})
        assert compare_metadata(context, metadata) == []


def test_a_county_has_its_own_partition_of_every_large_table(engine: Engine, desk_there: Desk) -> None:
    names = set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        tables = partitioned_tables(connection)
        assert {"person", "document", "measured", "change", "audit_entry", "note", "attachment_part"} <= set(tables)
        assert {f"{table}_{HERE}" for table in tables} <= names
        assert counties(connection) == {HERE: ["上坪村卫生室"]}
    expect_tables_of_the_schema(engine)


@pytest.fixture
def desk_there(engine: Engine) -> Desk:
    return in_database(engine)


def test_two_counties_keep_apart_and_a_query_looks_at_one_partition_only(engine: Engine, desk_there: Desk) -> None:
    other = neighbour(engine)
    person = desk_there.register("钟桂英")
    desk_there.see(person)
    with engine.connect() as connection:
        assert counties(connection) == {HERE: ["上坪村卫生室"], THERE: ["上坪村卫生室"]}
        for query in (
            "SELECT * FROM person WHERE organisation = '360731' AND village_code LIKE '360731%'",
            "SELECT max(sequence) FROM change WHERE organisation = '360731'",
            "SELECT count(*) FROM measured JOIN person ON person.organisation = measured.organisation"
            " AND person.id = measured.person_id WHERE measured.organisation = '360731' AND person.organisation = '360731'",
        ):
            plan = "\n".join(connection.execute(text(f"EXPLAIN {query}")).scalars())
            assert re.search("_360731", plan) and "_360732" not in plan, plan
        assert connection.execute(text("SELECT count(*) FROM person_360731")).scalar() == 1
        assert connection.execute(text("SELECT count(*) FROM person_360732")).scalar() == 0
    assert verify(desk_there.store, None).problems == verify(other.store, None).problems == ()
    assert [row.organisation for row in _audit(other)] == [THERE] * len(_audit(other))
    assert [row.sequence for row in _audit(other)] == list(range(1, len(_audit(other)) + 1))


def _audit(seat):
    with seat.store.reading() as connection:
        return connection.execute(
            schema.audit_entry.select()
            .where(schema.audit_entry.c.organisation == seat.store.node.organisation)
            .order_by(schema.audit_entry.c.sequence)
        ).all()


def test_a_writer_of_one_county_does_not_wait_for_another(engine: Engine, desk_there: Desk) -> None:
    other = neighbour(engine)
    done = threading.Event()

    def write() -> None:
        with other.store.writing("system") as writing:
            writing.audit(Action.BACK_UP)
        done.set()

    with desk_there.store.writing("system") as writing:
        writing.audit(Action.BACK_UP)
        thread = threading.Thread(target=write)
        thread.start()
        assert done.wait(10), "it waited"
    thread.join()


def test_which_county_must_be_told_where_there_are_two(
    address: str, engine: Engine, desk_there: Desk, monkeypatch, capsys
) -> None:
    assert open_node(engine, clock=Clock()).node.organisation == HERE
    with pytest.raises(UserError, match="已经有这个县的节点"):
        set_up_database(engine, SETUP, clock=Clock(), cost=CHEAP)
    neighbour(engine)
    with pytest.raises(UserError, match="CUNYI_COUNTY"):
        open_node(engine, clock=Clock())
    assert open_node(engine, clock=Clock(), county=THERE).node.organisation == THERE
    with pytest.raises(UserError):
        open_node(engine, clock=Clock(), county="999999")
    monkeypatch.setenv("CUNYI_DATABASE", address)
    assert main(["county", "add", "360733"]) == 0
    assert main(["county", "add", "360733"]) == 0
    assert main(["county", "add", "3607"]) == 2
    assert main(["county", "list"]) == 0
    told = capsys.readouterr()
    assert "已建好" in told.out and "早就有了" in told.out and "360733  （还没有建立中心）" in told.out
    assert "6 位数字" in told.err


def test_an_older_database_with_records_is_brought_over_whole(postgresql: Server) -> None:
    postgresql.empty_database("older")
    engine = open_postgresql(postgresql.address("older"))
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    desk = in_database_as_it_was(engine)
    before = {table.name: rows(desk.store, table) for table in metadata.sorted_tables}
    with engine.connect() as connection:
        assert partitioned_tables(connection) == []
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")
    assert bring_up_to_date(engine)
    assert {table.name: rows(desk.store, table) for table in metadata.sorted_tables} == before
    expect_tables_of_the_schema(engine)
    desk.see(desk.register("新来的"))
    assert misfits(desk.store) == []
    with engine.begin() as connection:
        assert add_county(connection, HERE) is False
    engine.dispose()


def in_database_as_it_was(engine: Engine) -> Desk:
    """A day at a clinic in a database without partitions: the program is told that it is up to date."""
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
    desk = in_database(engine)
    first, second = desk.register("钟桂英"), desk.register("赖水生")
    desk.see(first)
    desk.amend(desk.see(second), "咳嗽5天")
    return desk


def test_every_key_begins_with_the_county_so_that_tables_can_be_spread_by_it() -> None:
    for table in metadata.sorted_tables:
        keys = [table.primary_key, *(each for each in table.constraints if isinstance(each, UniqueConstraint))]
        for key in keys:
            assert next(iter(key.columns)).name == "organisation", f"{table.name}: {key}"
        for foreign in table.foreign_key_constraints:
            assert foreign.column_keys[0] == "organisation", table.name
            assert foreign.elements[0].column.name == "organisation", table.name


def test_a_sqlite_database_has_no_partitions(kit: Desk) -> None:
    with kit.store.reading() as connection:
        assert add_county(connection, THERE) is False
        assert list(counties(connection)) == [HERE]
