"""Signed records: whatever is changed in what is stored of them is found."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from clinic_day import Desk, in_folder
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, update

from cunyi.domain.errors import UserError
from cunyi.journeys.opening_record import encounter_versions
from cunyi.journeys.safekeeping import rebuild_tables, verify
from cunyi.store import packing, schema
from cunyi.store.nodes import public_keys
from cunyi.store.records import every_record, verify_records

DOCUMENT = schema.document


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = in_folder(tmp_path_factory.mktemp("records") / "node")
    desk.see(desk.register("曾小明"))
    return desk


def problems(desk: Desk) -> list[str]:
    with desk.store.reading() as connection:
        return verify_records(connection, desk.account.organisation, public_keys(connection))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=st.sampled_from(["body", "hash", "signature"]), where=st.integers(0), bits=st.integers(1, 255))
def test_one_changed_byte_is_found(signed: Desk, column: str, where: int, bits: int) -> None:
    with signed.store.engine.begin() as connection:
        row = connection.execute(select(DOCUMENT)).one()
        before = bytes(getattr(row, column))
        place = where % len(before)
        changed = before[:place] + bytes([before[place] ^ bits]) + before[place + 1 :]
        connection.execute(update(DOCUMENT).values({column: changed}))
    try:
        found = problems(signed)
        # The last bits of a packed stream may mean nothing: then what comes out is what was signed.
        assert len(found) == 1 or (column == "body" and packing.unpack(changed) == packing.unpack(before))
    finally:
        with signed.store.engine.begin() as connection:
            connection.execute(update(DOCUMENT).values({column: before}))
    assert problems(signed) == []


def test_a_record_in_the_place_of_another_is_found(desk: Desk) -> None:
    first, second = desk.see(desk.register("曾小明")), desk.see(desk.register("李桂花"), "头晕")
    with desk.store.engine.begin() as connection:
        row = connection.execute(select(DOCUMENT).where(DOCUMENT.c.id == second.id)).one()
        connection.execute(
            update(DOCUMENT)
            .where(DOCUMENT.c.id == first.id)
            .values(body=row.body, hash=row.hash, signature=row.signature)
        )
    assert f"记录 {first.id} 的内容是另一份记录的" in verify(desk.store, desk.folder).problems


def test_a_record_of_an_unknown_node_is_found(desk: Desk) -> None:
    record = desk.see(desk.register("曾小明"))
    with desk.store.reading() as connection:
        assert verify_records(connection, desk.account.organisation, {}) == [f"记录 {record.id} 的节点签名不对"]


def test_a_damaged_record_is_told_with_the_way_out(desk: Desk) -> None:
    record = desk.see(desk.register("曾小明"))
    with desk.store.engine.begin() as connection:
        connection.execute(update(DOCUMENT).values(body=b"\x00" * 20))
    with pytest.raises(UserError, match="请运行 cunyi verify"):
        encounter_versions(desk.store, desk.account, record.encounter_id)


def test_tables_that_were_changed_by_hand_are_found_and_mended(desk: Desk) -> None:
    desk.see(desk.register("曾小明"))
    with desk.store.engine.begin() as connection:
        connection.execute(update(schema.measured).values(number=41.0))
    assert any("表 measured 与已签名的记录不一致" in problem for problem in verify(desk.store, desk.folder).problems)
    rebuild_tables(desk.store)
    assert verify(desk.store, desk.folder).problems == ()


def test_every_record_comes_in_the_order_of_its_versions(desk: Desk) -> None:
    first = desk.see(desk.register("曾小明"))
    second = desk.amend(first, "咳嗽5天")
    other = desk.see(desk.register("李桂花"))
    with desk.store.reading() as connection:
        ids = [kept.record.id for kept in every_record(connection, desk.account.organisation)]
    assert sorted(ids) == sorted([first.id, second.id, other.id])
    assert ids.index(first.id) + 1 == ids.index(second.id)
