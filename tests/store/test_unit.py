"""One write is one transaction: all of it or nothing, never without an audit line, in an order that does not trust the clock."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from clinic_day import MORNING, Desk, count, misfits, rows
from sqlalchemy import insert, select

from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind
from cunyi.store import schema

VILLAGE_ROW = {"code": "360731101299", "name": "新村"}


def test_a_write_without_an_audit_line_is_refused_and_leaves_nothing(desk: Desk) -> None:
    before = rows(desk.store, schema.village)
    with pytest.raises(RuntimeError, match="audit line"), desk.store.writing(desk.account.id) as writing:
        writing.connection.execute(insert(schema.village).values(organisation=writing.organisation, **VILLAGE_ROW))
    assert rows(desk.store, schema.village) == before


def test_who_finds_nothing_left_to_write_needs_no_audit_line(desk: Desk) -> None:
    desk.register("曾小明")
    before = rows(desk.store, schema.audit_entry)
    with desk.store.writing(desk.account.id) as writing:
        assert writing.connection.execute(select(schema.person.c.name)).scalars().all() == ["曾小明"]
    assert rows(desk.store, schema.audit_entry) == before
    assert misfits(desk.store, desk.folder) == []


def test_an_error_in_the_middle_leaves_nothing(desk: Desk) -> None:
    tables = (schema.village, schema.audit_entry, schema.change)
    before = [rows(desk.store, table) for table in tables]
    with pytest.raises(ZeroDivisionError), desk.store.writing(desk.account.id) as writing:
        writing.connection.execute(insert(schema.village).values(organisation=writing.organisation, **VILLAGE_ROW))
        writing.change(ChangeKind.VILLAGE, writing.new_id(), after={})
        writing.audit(Action.CHANGE_LIST)
        raise ZeroDivisionError
    assert [rows(desk.store, table) for table in tables] == before
    desk.register("曾小明")
    assert misfits(desk.store, desk.folder) == []


def test_ids_sort_as_they_were_made_within_one_millisecond(desk: Desk) -> None:
    ids: list[str] = []
    for _ in range(3):
        with desk.store.writing(desk.account.id, working_state=True) as writing:
            ids += [writing.new_id() for _ in range(200)]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)


def test_a_reader_sees_one_state(desk: Desk) -> None:
    person = desk.register("曾小明")
    with desk.store.reading() as connection:
        first = connection.execute(select(schema.person.c.id)).scalars().all()
        other = threading.Thread(target=desk.register, args=("李桂花",))
        other.start()
        other.join()
        assert connection.execute(select(schema.person.c.id)).scalars().all() == first == [person.id]
    assert count(desk.store, schema.person) == 2


def test_threads_write_one_after_another(desk: Desk) -> None:
    people = [desk.register(f"曾{name}") for name in "甲乙丙丁"]
    failed: list[Exception] = []

    def work(person) -> None:
        try:
            for _ in range(4):
                desk.see(person)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert count(desk.store, schema.document) == 16
    assert misfits(desk.store, desk.folder) == []


@pytest.mark.parametrize("wrong", [datetime(1970, 1, 1, tzinfo=UTC), MORNING - timedelta(days=400)])
def test_a_clock_that_was_set_back_is_noted_and_stops_nobody(desk: Desk, wrong: datetime) -> None:
    person = desk.register("曾小明")
    first = desk.see(person)
    desk.clock.at = wrong
    second = desk.see(person, occurred_at=wrong)
    assert not first.clock_doubtful and second.clock_doubtful
    assert second.signed_at == wrong
    assert first.id < second.id and first.encounter_id < second.encounter_id
    assert desk.seat.clock_is_doubtful()
    desk.clock.at = MORNING + timedelta(hours=1)
    third = desk.see(person)
    assert not third.clock_doubtful and second.id < third.id
    assert misfits(desk.store, desk.folder) == []


def test_the_log_keeps_its_order_whatever_the_clock_says(desk: Desk) -> None:
    person = desk.register("曾小明")
    ids = []
    for days in (0, 3650, -20_000, 1, 3651, 0):
        desk.clock.at = MORNING + timedelta(days=days)
        ids.append(desk.see(person, occurred_at=desk.clock()).id)
    assert ids == sorted(ids)
    with desk.store.reading() as connection:
        lines = connection.execute(
            select(schema.audit_entry.c.subject, schema.audit_entry.c.latest)
            .where(schema.audit_entry.c.action == Action.SIGN_RECORD)
            .order_by(schema.audit_entry.c.sequence)
        ).all()
    assert [line.subject for line in lines] == ids
    assert [line.latest for line in lines] == sorted(line.latest for line in lines)
    assert misfits(desk.store, desk.folder) == []
