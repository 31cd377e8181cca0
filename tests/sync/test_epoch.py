"""A hub or a kit that was restored from a backup: it is found out, and everything that anybody holds comes back."""

from __future__ import annotations

import pytest
from tests.sync.nodes_in_process import COUNTY, DOCTOR, LOWER, UPPER, Village, differences, link_of, signed_bytes
from tests.sync.test_hub_side import outcomes
from tests.sync.test_kit_side import cut

from cunyi.domain.audit import Action
from cunyi.store import schema, township_schema
from cunyi.store.conflicts import open_conflicts
from cunyi.store.links import begin_epoch, current_epoch


def epoch(village: Village) -> int:
    with village.hub.store.reading() as connection:
        found = current_epoch(connection, COUNTY)
    assert found is not None
    return found.number


def test_a_hub_that_was_restored_is_given_back_what_its_nodes_hold(village: Village) -> None:
    one, other = village.kit(), village.kit()
    person = one.register(phone="1")
    village.settle()
    yesterday = village.hub.backup()
    later = village.hub.register("李桂花", UPPER)
    records = {one.sign(person.id).id, other.sign(person.id, "头晕").id, village.hub.sign(later.id).id}
    village.hub.write_note(person.id, "F1")
    one.edit(person.id, phone="2")
    entry = other.put_on_list(person.id)
    one.settle_household(person.id, "上坪村3号")
    village.settle()
    other.edit(later.id, phone="9")
    village.hub.restore(yesterday)
    assert village.hub.has(schema.document) == []
    village.settle()
    assert epoch(village) == 2
    assert set(signed_bytes(village.hub.store, schema.document)) == records
    assert len(village.hub.has(township_schema.note)) == 1
    assert village.hub.person(person.id).phone == "2" and village.hub.person(later.id).phone == "9"
    assert [row.id for row in village.hub.has(schema.list_entry)] == [entry.id]
    assert differences(village.hub, one) == differences(village.hub, other) == []
    with village.hub.store.reading() as connection:
        assert open_conflicts(connection, COUNTY) == []


def test_a_restoration_is_found_out_also_where_the_log_is_longer_than_before(village: Village) -> None:
    one, other = village.kit(), village.kit()
    person = one.register()
    village.settle()
    yesterday = village.hub.backup()
    record = one.sign(person.id)
    village.sync(one)
    village.hub.restore(yesterday)
    for each in range(5):
        other.edit(person.id, phone=f"{each}")
    village.sync(other)
    assert epoch(village) == 1
    village.settle()
    assert epoch(village) == 2
    assert set(signed_bytes(village.hub.store, schema.document)) == {record.id}
    assert differences(village.hub, one) == differences(village.hub, other) == []


def test_a_restoration_that_is_told_begins_a_new_epoch_at_once(village: Village) -> None:
    kit = village.kit()
    kit.register()
    village.settle()
    with village.hub.writing(Action.RESTORE) as writing:
        begin_epoch(writing)
    before = link_of(kit).epoch
    village.settle()
    assert link_of(kit).epoch != before and link_of(kit).offering is None
    assert differences(village.hub, kit) == []


def test_what_was_changed_after_a_restoration_is_not_overwritten_by_what_was_before(village: Village) -> None:
    one, other = village.kit(), village.kit()
    person = one.register(phone="1")
    village.settle()
    yesterday = village.hub.backup()
    one.edit(person.id, phone="2")
    one.edit(person.id, note="耳背")
    village.sync(one)
    village.hub.restore(yesterday)
    village.hub.edit(person.id, phone="3")
    village.settle()
    assert village.hub.person(person.id).phone == "3"
    with village.hub.store.reading() as connection:
        [conflict] = open_conflicts(connection, COUNTY)
    assert {(each.field, each.ours, each.theirs) for each in conflict.disputed} >= {("phone", "3", "2")}
    assert differences(village.hub, one) == differences(village.hub, other) == []


def test_giving_back_can_be_cut_off_anywhere(village: Village) -> None:
    kit = village.kit()
    records = {kit.sign(kit.register(f"曾{each}").id).id for each in range(4)}
    empty = village.hub.backup()
    village.settle()
    village.hub.restore(empty)
    for after in range(14):
        try:
            village.side(kit, cut(village, after, answered=bool(after % 2))).synchronise()
        except ConnectionError:
            continue
    village.settle()
    assert set(signed_bytes(village.hub.store, schema.document)) == records
    assert differences(village.hub, kit) == []


def test_who_was_followed_is_followed_still_after_a_restoration(village: Village) -> None:
    upper, lower = village.kit(UPPER), village.kit(LOWER)
    person = lower.register()
    village.settle()
    yesterday = village.hub.backup()
    village.side(upper).follow(DOCTOR, person.id)
    village.settle()
    upper.sign(person.id)
    village.settle()
    village.hub.restore(yesterday)
    upper.sign(person.id, "复诊")
    village.settle()
    lower.sign(person.id, "头晕")
    village.settle()
    assert len(signed_bytes(upper.store, schema.document)) == len(signed_bytes(lower.store, schema.document)) == 3
    assert "refused" not in {outcome for _, outcome in outcomes(upper)}


@pytest.mark.parametrize("new_work", [0, 1, 9])
def test_a_kit_that_was_restored_fetches_its_own_work_too(village: Village, new_work: int) -> None:
    kit = village.kit()
    person = kit.register()
    village.settle()
    yesterday = kit.backup()
    lost = {kit.sign(person.id).id for _ in range(3)}
    kit.edit(person.id, phone="2")
    kit.put_on_list(person.id)
    village.settle()
    kit.restore(yesterday)
    new = {kit.sign(person.id, "头晕").id for _ in range(new_work)}
    village.settle()
    assert set(signed_bytes(kit.store, schema.document)) == lost | new
    assert set(signed_bytes(village.hub.store, schema.document)) == lost | new
    assert differences(village.hub, kit) == [] and kit.person(person.id).phone == "2"
    sequences = [row.sequence for row in kit.has(schema.change)]
    assert len(set(sequences)) == len(sequences)
    kit.sign(person.id, "复诊")
    village.settle()
    assert len(signed_bytes(village.hub.store, schema.document)) == 4 + new_work


def test_hub_and_kit_may_both_be_restored(village: Village) -> None:
    one, other = village.kit(), village.kit()
    person = one.register()
    village.settle()
    hub, kit = village.hub.backup(), one.backup()
    record = one.sign(person.id)
    village.settle()
    village.hub.restore(hub)
    one.restore(kit)
    one.sign(person.id, "头晕")
    village.settle()
    assert record.id in signed_bytes(village.hub.store, schema.document)
    assert differences(village.hub, one) == differences(village.hub, other) == []
    assert len(village.hub.has(schema.document)) == 2


def test_what_was_acknowledged_and_forgotten_before_anything_was_fetched_is_sent_again(village: Village) -> None:
    kit = village.kit()
    village.settle()
    yesterday = village.hub.backup()
    person = kit.register()
    record = kit.sign(person.id)
    while village.side(kit).push().more:
        pass
    village.hub.restore(yesterday)
    kit.edit(person.id, phone="2")
    village.settle()
    assert set(signed_bytes(village.hub.store, schema.document)) == {record.id}
    assert "refused" not in {outcome for _, outcome in outcomes(kit)}
    assert differences(village.hub, kit) == []
