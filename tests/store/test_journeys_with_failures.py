"""A database that fails at any of its calls: the step under way leaves nothing, what was kept before stays, the next try succeeds."""

from __future__ import annotations

import itertools
import logging
import os
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import psycopg
import pytest
import sqlcipher3.dbapi2 as sqlcipher
from clinic_day import MORNING, NEXT_VILLAGE, PROPOSED, Desk, encounter, in_database, in_folder, misfits
from hypothesis import HealthCheck, given, settings
from node_for_tests import CHEAP, LOGIN, PASSWORD, Clock
from sqlalchemy import Engine, event, select

from cunyi.domain.account import Role
from cunyi.domain.encounter import Certainty, Diagnosis, ListEntry, ListKind, SignedRecord
from cunyi.domain.identity import check_digit
from cunyi.domain.person import Person, Relation
from cunyi.journeys.consulting import begin_amendment, begin_draft, discard, keep_draft, sign
from cunyi.journeys.keeping_households import (
    begin_household,
    join_household,
    leave_household,
    make_head,
    open_household,
)
from cunyi.journeys.keeping_lists import add_to_list, end_entry
from cunyi.journeys.merging_people import merge, preview_merge, undo
from cunyi.journeys.opening_record import encounter_versions, open_record, who_saw
from cunyi.journeys.registering import change_person, read_person
from cunyi.journeys.safekeeping import confirm_clock, rebuild_tables
from cunyi.journeys.seat import Seat
from cunyi.journeys.today import check_in, leave_queue
from cunyi.journeys.unfinished_forms import forget_typed, keep_typed
from cunyi.store import schema, township_schema
from cunyi.store.engine import StoreFullError, open_postgresql
from cunyi.store.folder import Folder
from cunyi.store.unit import Store

ROUNDS = int(os.environ.get("CUNYI_TEST_ROUNDS", "6"))
MANY = 100
# More than any step has: a trap that is never sprung by then is set wrong.
MOST_CHANCES = 400
GROWING = (schema.document, schema.change, schema.audit_entry)
Act = Callable[[], Any]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong: as which error, whether the database rolls back by itself, whether it stays broken for the whole step."""

    name: str
    error: Callable[[], Exception]
    told_as: type[Exception]
    rolls_back: bool = False
    lasts: bool = False


FULL = partial(sqlcipher.OperationalError, "database or disk is full")
DEFECT = Trouble("defect", partial(RuntimeError, "a defect of the program"), RuntimeError)
OF_SQLITE = (
    Trouble("full", FULL, StoreFullError),
    Trouble("full, rolled back", FULL, StoreFullError, rolls_back=True),
    Trouble("full, for long", FULL, StoreFullError, lasts=True),
    Trouble("disk error", partial(sqlcipher.OperationalError, "disk I/O error"), StoreFullError, rolls_back=True),
    DEFECT,
)
OF_POSTGRESQL = (Trouble("full", partial(psycopg.errors.DiskFull, "could not extend file"), StoreFullError), DEFECT)


class Trap:
    """Springs at one of the chances that a step gives: before a statement, after it, and in place of a commit.

    `commits` counts the transactions of the step that were kept.
    """

    def __init__(self, engine: Engine) -> None:
        self._at = 0
        self._trouble = DEFECT
        self.chances = self.commits = 0
        self.sprung = False
        self._commit, self._rollback = engine.dialect.do_commit, engine.dialect.do_rollback
        engine.dialect.do_commit, engine.dialect.do_rollback = self._committing, self._rolling_back
        for moment in ("do_execute", "do_executemany", "do_execute_no_params"):
            event.listen(engine, moment, lambda cursor, *_: self._chance(cursor.connection))
        event.listen(engine, "after_cursor_execute", self._executed)

    @contextmanager
    def set_at(self, chance: int, trouble: Trouble) -> Iterator[None]:
        """Sets the trap for one step; 0 lets the step pass."""
        self._at, self._trouble = chance, trouble
        self.chances = self.commits = 0
        self.sprung = False
        try:
            yield
        finally:
            self._at = 0

    def _chance(self, connection: Any) -> None:
        self.chances += 1
        broken = self.sprung and self._trouble.lasts
        if self._at and (self.chances == self._at or broken):
            if self._trouble.rolls_back:
                connection.rollback()
            self.sprung = True
            raise self._trouble.error()

    def _executed(self, _: Any, cursor: Any, statement: str, *__: Any) -> None:
        # A transaction that has begun has not failed to begin.
        if not statement.startswith("BEGIN"):
            self._chance(cursor.connection)

    def _committing(self, connection: Any) -> None:
        self._chance(connection)
        self._commit(connection)
        self.commits += 1

    def _rolling_back(self, connection: Any) -> None:
        if self._at and self.sprung and self._trouble.lasts and connection.in_transaction:
            raise self._trouble.error()
        self._rollback(connection)


@dataclass
class Day:
    """A day at a desk: each method gets somebody ready and gives the step to be done, which may be tried several times."""

    desk: Desk
    chance: random.Random
    people: list[Person] = field(default_factory=list)
    records: list[SignedRecord] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=partial(itertools.count, 1))

    @property
    def store(self) -> Store:
        return self.desk.store

    def somebody(self, *, new: bool = False, **fields: str) -> Person:
        """Somebody who was here before, or somebody new."""
        if self.people and not new and not fields and self.chance.random() < 0.6:
            return self.chance.choice(self.people)
        person = self.desk.register(f"曾{self.chance.choice('明山英国兰华')}", **fields)
        self.people.append(person)
        return person

    def visit(self) -> SignedRecord:
        """A signed record that may be amended."""
        if not self.records or self.chance.random() < 0.5:
            self.records.append(self.desk.see(self.somebody()))
        return self.chance.choice(self.records)

    def entry(self) -> ListEntry:
        person, today = self.somebody(), self.desk.today
        return add_to_list(
            self.store, self.desk.account, person.id, ListKind.MEDICATION, name="氨氯地平", today=today, reason="转诊"
        )

    def registering(self) -> Act:
        number = next(self.numbers)
        digits = f"36073119710203{number:03}"
        papers = {"identifier": digits + check_digit(digits), "phone": f"1380000{number:04}"}
        return partial(self.desk.register, "曾秀英", **papers)

    def registering_a_household(self) -> Act:
        return partial(self.desk.register, "曾大山", new_household="1", address="村口")

    def registering_elsewhere(self) -> Act:
        return partial(self.desk.register, "钟大山", village_code=NEXT_VILLAGE)

    def changing(self) -> Act:
        known = self.somebody(new=True, phone="13912345678")
        sent = {"name": "曾改名", "village_code": NEXT_VILLAGE, "birth_on": "1960-05-06", "phone": "13812345678"}
        entry = read_person(
            {key: [value] for key, value in sent.items()}, organisation="360731", person=known, today=self.desk.today
        )
        return partial(change_person, self.store, self.desk.account, entry)

    def merging(self) -> Act:
        kept, replaced = self.somebody(new=True), self.somebody(new=True, phone="13700000001", note="重复")
        self.desk.see(replaced)
        preview = preview_merge(self.store, self.desk.account, kept.id, replaced.id)
        return partial(merge, self.store, self.desk.account, preview, reason="同一人")

    def parting(self) -> Act:
        return partial(undo, self.store, self.desk.account, self.merging()())

    def beginning_a_draft(self) -> Act:
        return partial(
            begin_draft, self.store, self.desk.account, self.somebody(new=True).id, {"chief_complaint": ["咳嗽"]}
        )

    def beginning_an_amendment(self) -> Act:
        return partial(begin_amendment, self.store, self.desk.account, self.visit().encounter_id, {})

    def keeping_a_draft(self) -> Act:
        draft = begin_draft(self.store, self.desk.account, self.somebody().id, {})
        form = {"chief_complaint": [f"咳嗽{next(self.numbers)}天"]}
        return partial(
            keep_draft,
            *(self.store, self.desk.account, draft.id, form),
            revision=draft.revision,
            window="first",
            stroke=10**6 + next(self.numbers),
            over=True,
        )

    def keeping_over_another_window(self) -> Act:
        draft = begin_draft(self.store, self.desk.account, self.somebody(new=True).id, {})
        keep = partial(keep_draft, self.store, self.desk.account, draft.id, revision=draft.revision)
        keep({"chief_complaint": ["头晕"]}, window="first")
        return partial(keep, {"chief_complaint": ["咳嗽"]}, window="second", over=True)

    def discarding(self) -> Act:
        draft = begin_draft(self.store, self.desk.account, self.somebody().id, {})
        return partial(discard, self.store, self.desk.account, draft.id)

    def signing(self) -> Act:
        person, today = self.somebody(), self.desk.today
        due = self.desk.today + timedelta(days=7)
        # A visit that is due, a chronic disease, a further visit and a place in the queue: signing changes them all.
        add_to_list(
            *(self.store, self.desk.account, person.id, ListKind.PLAN),
            **{"name": "复诊", "due_on": due, "today": today, "reason": "转诊"},
        )
        check_in(self.store, self.desk.account, person.id, "复诊")
        draft = begin_draft(self.store, self.desk.account, person.id, {}, reason="转诊")
        chronic = Diagnosis(name=f"高血压{next(self.numbers)}", certainty=Certainty.CONFIRMED, chronic=True)
        content = encounter("头晕", occurred_at=self.desk.clock(), diagnoses=(chronic,), next_visit_on=due)
        return partial(
            sign, self.store, self.desk.account, draft.id, content, [], proposed=PROPOSED, now=self.desk.clock()
        )

    def amending(self) -> Act:
        record = self.visit()
        draft = begin_amendment(self.store, self.desk.account, record.encounter_id, {})
        content = encounter(f"咳嗽{next(self.numbers)}天", occurred_at=record.encounter.occurred_at)
        more = {"proposed": PROPOSED, "reason": "写错了", "now": self.desk.clock()}
        return partial(sign, self.store, self.desk.account, draft.id, content, [], **more)

    def adding_to_a_list(self) -> Act:
        more = {"name": "青霉素", "detail": "皮疹", "today": self.desk.today, "reason": "转诊"}
        return partial(add_to_list, self.store, self.desk.account, self.somebody().id, ListKind.ALLERGY, **more)

    def ending_an_entry(self) -> Act:
        entry = self.entry()
        more = {"revision": entry.revision, "why": "已停药", "today": self.desk.today, "reason": "转诊"}
        return partial(end_entry, self.store, self.desk.account, entry.id, **more)

    def checking_in(self) -> Act:
        return partial(check_in, self.store, self.desk.account, self.somebody().id, "发热")

    def leaving_the_queue(self) -> Act:
        person = self.somebody()
        check_in(self.store, self.desk.account, person.id, "发热")
        return partial(leave_queue, self.store, self.desk.account, person.id)

    def beginning_a_household(self) -> Act:
        head = self.somebody(new=True, new_household="1")
        return partial(begin_household, self.store, self.desk.account, head.id)

    def joining_a_household(self) -> Act:
        head, other = (self.somebody(new=True, new_household="1") for _ in range(2))
        return partial(join_household, self.store, self.desk.account, head.id, other.id, "spouse")

    def leaving_a_household(self) -> Act:
        return partial(leave_household, self.store, self.desk.account, self.somebody(new=True, new_household="1").id)

    def making_somebody_head(self) -> Act:
        head = self.somebody(new=True, new_household="1")
        household = {"household_id": head.household_id or "", "relation": Relation.SPOUSE.value}
        return partial(make_head, self.store, self.desk.account, self.somebody(new=True, **household).id)

    def opening_a_household(self) -> Act:
        person = self.somebody(new=True, new_household="1")
        return partial(open_household, self.store, self.desk.account, person.id)

    def opening_a_record(self) -> Act:
        person = self.visit().person.id
        return partial(open_record, self.store, self.desk.account, person, today=self.desk.today, reason="转诊")

    def opening_an_encounter(self) -> Act:
        return partial(encounter_versions, self.store, self.desk.account, self.visit().encounter_id)

    def asking_who_saw(self) -> Act:
        return partial(who_saw, self.store, self.desk.account, self.visit().person.id, reason="转诊")

    def typing(self) -> Act:
        form = {"name": [f"曾{next(self.numbers)}"]}
        return partial(keep_typed, self.store, self.desk.account, "/people/new", form)

    def forgetting_what_was_typed(self) -> Act:
        self.typing()()
        return partial(forget_typed, self.store, self.desk.account, "/people/new")

    def adding_an_account(self) -> Act:
        return partial(self.desk.colleague, f"colleague{next(self.numbers)}", Role.NURSE)

    def changing_an_account(self) -> Act:
        keeper = self.desk.colleague(f"keeper{next(self.numbers)}", Role.ADMINISTRATOR, ())
        nurse = self.desk.colleague(f"nurse{next(self.numbers)}", Role.NURSE)
        self.desk.seat.sign_in(nurse.login, PASSWORD)
        return partial(self.desk.seat.change_account, keeper, nurse.id, active=False, confirm=True)

    def setting_a_pin(self) -> Act:
        return partial(self.desk.seat.set_pin, self.desk.account, PASSWORD, "7294")

    def signing_in(self) -> Act:
        return partial(self.desk.seat.sign_in, LOGIN, PASSWORD)

    def locking(self) -> Act:
        return partial(self.desk.seat.lock, self.desk.seat.sign_in(LOGIN, PASSWORD)[0])

    def unlocking(self) -> Act:
        token, _ = self.desk.seat.sign_in(LOGIN, PASSWORD)
        self.desk.seat.lock(token)
        return partial(self.desk.seat.unlock, token, PASSWORD)

    def signing_out(self) -> Act:
        return partial(self.desk.seat.sign_out, self.desk.seat.sign_in(LOGIN, PASSWORD)[0])

    def making_the_tables_anew(self) -> Act:
        self.visit()
        return partial(rebuild_tables, self.store)

    def confirming_the_clock(self) -> Act:
        return partial(confirm_clock, self.store, self.desk.account.id)


STEPS = tuple(sorted(name for name in vars(Day) if name.split("_")[0].endswith("ing")))
# The steps that change the most tables; the others come to PostgreSQL with many rounds.
ON_BOTH = ("amending", "joining_a_household", "merging", "opening_a_record", "registering", "signing")
# Who looked is kept before they are shown anything, so a failure between the two leaves a line in the log and no more.
WRITTEN_DOWN_FIRST = {"opening_a_household", "opening_a_record"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a node that was set up and closed."""
    made = in_folder(tmp_path_factory.mktemp("template") / "node")
    made.seat.close()
    return made.folder.path


@contextmanager
def copied(template: Path, to: Path) -> Iterator[Desk]:
    """A node that is a copy of the template, its doctor signed in."""
    shutil.copytree(template, to)
    clock, folder = Clock(MORNING), Folder(to)
    seat = Seat(clock=clock, cost=CHEAP, folder=folder)
    token, me = seat.sign_in(LOGIN, PASSWORD)
    try:
        yield Desk(seat, me.account, token, clock, folder)
    finally:
        seat.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A pool writes about every connection that could not be rolled back; here that is what is wanted."""
    pool = logging.getLogger("sqlalchemy.pool")
    before, pool.disabled = pool.disabled, True
    logging.getLogger("sqlalchemy.pool.impl.QueuePool").disabled = True
    yield
    pool.disabled = before


def everything(desk: Desk) -> dict[str, Any]:
    """Every row of every table, and the end of the log beside them."""
    with desk.store.reading() as connection:
        there: dict[str, Any] = {
            table.name: {tuple(row) for row in connection.execute(select(table))}
            for table in township_schema.metadata.tables.values()
        }
    if desk.folder is not None:
        there["audit.head"] = desk.folder.head.path.read_bytes()
    return there


def fails(act: Act, trap: Trap, at: int, trouble: Trouble) -> bool:
    """Tries a step with the trap set; whether it sprang. An error that came of it is told as people are told of it."""
    with trap.set_at(at, trouble):
        try:
            act()
        except Exception as error:
            if not trap.sprung:
                raise
            assert isinstance(error, trouble.told_as), error
        else:
            assert not trap.sprung, "the error was swallowed"
    return trap.sprung


def expect_absent(name: str, trap: Trap, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Nothing of the step is there, but for the line that says who wanted to look."""
    different = {table for table in before if before[table] != after[table]}
    if trap.commits:
        assert name in WRITTEN_DOWN_FIRST, name
        assert different <= {"audit_entry", "audit.head"}, different
        assert before["audit_entry"] < after["audit_entry"]
    else:
        assert different == set(), different


def expect_only_grown(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Records, outbox and log have every row that they had, unchanged."""
    for table in GROWING:
        assert before[table.name] <= after[table.name]


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_fails_at_any_call_of_sqlite_leaves_nothing(name: str, template: Path, tmp_path: Path) -> None:
    with copied(template, tmp_path / "node") as desk:
        fail_everywhere(Day(desk, random.Random(0)), Trap(desk.store.engine), name, OF_SQLITE)
    # What is on the disk is what was seen by the program that wrote it.
    store = desk.folder.open(desk.folder.keyring().open(LOGIN, PASSWORD), clock=desk.clock)
    try:
        assert misfits(store, desk.folder) == []
    finally:
        store.close()


@pytest.mark.parametrize("name", STEPS if ROUNDS >= MANY else ON_BOTH)
def test_a_step_that_fails_at_any_call_of_postgresql_leaves_nothing(name: str, postgresql) -> None:
    desk = in_database(open_postgresql(postgresql.new_address()))
    try:
        fail_everywhere(Day(desk, random.Random(0)), Trap(desk.store.engine), name, OF_POSTGRESQL)
    finally:
        desk.seat.close()


def fail_everywhere(day: Day, trap: Trap, name: str, troubles: tuple[Trouble, ...]) -> None:
    """Lets a step fail at its first call, its second and so on, until it has no further call to fail at.

    The troubles take turns; with many rounds each of them comes to every call.
    """
    for turn in range(len(troubles) if ROUNDS >= MANY else 1):
        act = getattr(day, name)()
        before = everything(day.desk)
        for chance in range(1, MOST_CHANCES):
            if not fails(act, trap, chance, troubles[(turn + chance) % len(troubles)]):
                break
            after = everything(day.desk)
            expect_absent(name, trap, before, after)
            before = after
        assert 2 < chance < MOST_CHANCES - 1
        after = everything(day.desk)
        assert after != before
        expect_only_grown(before, after)
        assert misfits(day.store, day.desk.folder) == []


@settings(
    max_examples=ROUNDS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(0, 40), st.sampled_from(OF_SQLITE)), min_size=3, max_size=12
    ),
    seed=st.integers(0, 2**16),
)
def test_a_day_with_failures_keeps_what_was_done_and_nothing_by_half(
    steps: list[tuple[str, int, Trouble]], seed: int, template: Path, tmp_path: Path
) -> None:
    place = tmp_path / "node"
    shutil.rmtree(place, ignore_errors=True)
    with copied(template, place) as desk:
        day, trap = Day(desk, random.Random(seed)), Trap(desk.store.engine)
        for name, chance, trouble in steps:
            desk.pass_time(seconds=5)
            act = getattr(day, name)()
            before = everything(desk)
            if fails(act, trap, chance, trouble):
                after = everything(desk)
                expect_absent(name, trap, before, after)
                assert misfits(desk.store, desk.folder) == []
                before = after
                act()
            after = everything(desk)
            assert after != before
            expect_only_grown(before, after)
        assert misfits(desk.store, desk.folder) == []
    store = desk.folder.open(desk.folder.keyring().open(LOGIN, PASSWORD), clock=desk.clock)
    try:
        assert misfits(store, desk.folder) == []
    finally:
        store.close()


@pytest.mark.parametrize("trouble", OF_SQLITE, ids=lambda trouble: trouble.name)
def test_a_change_of_password_that_fails_leaves_the_password_before(
    trouble: Trouble, template: Path, tmp_path: Path
) -> None:
    new = "another-road-10"
    with copied(template, tmp_path / "node") as desk:
        trap, before = Trap(desk.store.engine), everything(desk)
        change = partial(desk.seat.change_password, desk.account, PASSWORD, new)
        chance = 0
        while fails(change, trap, chance := chance + 1, trouble):
            assert everything(desk) == before
            started_again = Seat(clock=desk.clock, cost=CHEAP, folder=desk.folder)
            started_again.sign_in(LOGIN, PASSWORD)
            started_again.close()
            before = everything(desk)
        assert chance > 2
        desk.seat.sign_in(LOGIN, new)
    started_again = Seat(clock=desk.clock, cost=CHEAP, folder=desk.folder)
    started_again.sign_in(LOGIN, new)
    started_again.close()


def test_passwords_changed_at_the_same_time_all_open_the_disk(template: Path, tmp_path: Path) -> None:
    with copied(template, tmp_path / "node") as desk:
        people = [desk.colleague(f"doctor{number}") for number in range(6)]
        with ThreadPoolExecutor(len(people)) as threads:
            list(threads.map(lambda one: desk.seat.change_password(one, PASSWORD, f"{one.login}-river-7"), people))
    for one in people:
        seat = Seat(clock=desk.clock, cost=CHEAP, folder=desk.folder)
        seat.sign_in(one.login, f"{one.login}-river-7")
        seat.close()
