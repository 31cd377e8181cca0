"""The hub gives every change an outcome, and believes nobody whose seal does not fit."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest
from tests.sync.nodes_in_process import (
    COUNTY,
    DOCTOR,
    LOWER,
    NUMBERS,
    UPPER,
    TestNode,
    Village,
    differences,
    signed_bytes,
)

from cunyi.domain.account import Account, Role
from cunyi.domain.audit import Action
from cunyi.domain.change import Reason
from cunyi.domain.organisation import Facility, FacilityLevel
from cunyi.store import packing, schema, township_schema
from cunyi.store.accounts import add_account
from cunyi.store.conflicts import open_conflicts
from cunyi.store.facilities import facilities, keep_facility
from cunyi.store.merging import merge_people, merged_details, merges_of, undo_merge
from cunyi.store.people import StaleError, same_person
from cunyi.store.signing import NodeKey, sm3
from cunyi.store.staff import staff_by_node
from cunyi.sync.deciding import decide
from cunyi.sync.hub_side import HubSide
from cunyi.sync.messages import Forged, Place, Pull, Push, Replayed, SignedThing, UnknownNode, Unreadable
from cunyi.sync.outgoing import unsent
from cunyi.sync.sealing import ANSWERS, content, opened, seal, signed_change


def answer(village: Village, message: Any, kit: TestNode, counter: int, key: NodeKey | None = None) -> Any:
    request = seal(key or kit.store.key, message, sender=kit.id, receiver=village.hub.id, counter=counter)
    return content(opened(HubSide(village.hub.store).answer(request)), ANSWERS)


def outcomes(kit: TestNode) -> list[tuple[str, str | None]]:
    return [(row.kind, row.outcome) for row in sorted(kit.has(schema.change), key=lambda row: row.sequence)]


def reasons(kit: TestNode) -> list[str]:
    return [Reason.of(row.reason).told() for row in kit.has(schema.change) if row.reason]


def test_what_one_kit_did_another_has(village: Village) -> None:
    one, other, far = village.kit(), village.kit(), village.kit(LOWER)
    person = one.register("曾小明")
    one.settle_household(person.id, "上坪村3号")
    entry = one.put_on_list(person.id)
    record = one.sign(person.id)
    village.settle()
    other.edit(person.id, phone="13800138000")
    other.change_entry(entry.id, detail="服药中")
    other.sign(person.id, "头晕", record.encounter_id)
    village.settle()
    assert differences(village.hub, one) == differences(village.hub, other) == []
    assert one.person(person.id).phone == "13800138000"
    assert signed_bytes(one.store, schema.document) == signed_bytes(village.hub.store, schema.document)
    assert far.has(schema.person) == []
    assert [outcome for _, outcome in outcomes(one)] == ["new", "new", "updated", "new", "new"]


def test_the_same_batch_again_is_the_same_and_changes_nothing(village: Village) -> None:
    kit = village.kit()
    person = kit.register()
    kit.sign(person.id)
    with kit.store.reading() as connection:
        message = Push(place=Place(), received_id=None, changes=tuple(unsent(kit.store, connection, 10**6)))
    first = answer(village, message, kit, 1)
    assert [each.outcome for each in first.outcomes] == ["new", "new"]
    before = [village.hub.has(table) for table in (schema.person, schema.document, schema.change)]
    again = answer(village, msgspec.structs.replace(message, received_id=first.known.received_id), kit, 2)
    assert [each.outcome for each in again.outcomes] == ["identical", "identical"]
    assert [village.hub.has(table) for table in (schema.person, schema.document, schema.change)] == before


def test_a_message_that_is_not_what_it_says_is_named_and_changes_nothing(village: Village) -> None:
    kit = village.kit()
    pull = Pull(place=Place(), first=True)
    hub = HubSide(village.hub.store)
    assert isinstance(answer(village, pull, kit, 5, NodeKey.make()), Forged)
    assert not isinstance(answer(village, pull, kit, 5), Replayed)
    assert answer(village, pull, kit, 5) == Replayed(counter=5)
    assert answer(village, Push(place=Place(), received_id=None, changes=()), kit, 4) == Replayed(counter=5)
    stranger = village._node("stranger", "X")
    assert isinstance(answer(village, pull, stranger, 1), UnknownNode)
    stranger.close()
    for data in (b"", b"\x00", b"<html>", seal(kit.store.key, 7, sender=kit.id, receiver=village.hub.id, counter=9)):
        assert isinstance(content(opened(hub.answer(data)), ANSWERS), Unreadable)
    bad = Pull(place=Place(), first=True, cursor="5 no-id")
    assert answer(village, bad, kit, 10).items
    nobody = village.hub.has(schema.person)
    assert nobody == []


def test_a_change_of_somebody_elsewhere_is_refused_with_the_reason(village: Village) -> None:
    kit, other = village.kit(UPPER), village.kit(LOWER)
    person = kit.register(village=LOWER)
    kit.sign(person.id)
    village.sync(kit)
    assert outcomes(kit) == [("person", "refused"), ("document", "refused")]
    assert "村代码" in reasons(kit)[0] and "没有这位居民" in reasons(kit)[1]
    theirs = other.register()
    village.sync(other)
    assert [row.id for row in village.hub.has(schema.person)] == [theirs.id]
    village.settle()
    assert outcomes(kit)[0] == ("person", "refused")


def test_who_moved_away_before_the_kit_heard_of_it_is_still_its_to_write(village: Village) -> None:
    kit, other = village.kit(UPPER), village.kit(LOWER)
    person = kit.register()
    village.settle()
    village.hub.edit(person.id, village_code=LOWER)
    record = kit.sign(person.id)
    village.settle()
    assert set(outcomes(kit)) == {("person", "new"), ("document", "new")}
    assert record.id in signed_bytes(other.store, schema.document)
    assert kit.person(person.id).village_code == LOWER


def forged(village: Village, kit: TestNode, **changed: Any) -> str:
    """The outcome of a record whose proof was changed on the way."""
    with kit.store.reading() as connection:
        change = unsent(kit.store, connection, 10**6)[-1]
    received = answer(
        village, Push(place=Place(), received_id="asks", changes=()), kit, changed["counter"]
    ).known.received_id
    assert change.signed is not None
    signed = SignedThing(
        changed.get("packed", change.signed.packed),
        changed.get("hash", change.signed.hash),
        changed.get("signature", change.signed.signature),
        change.signed.node,
    )
    sent = msgspec.structs.replace(change, signed=signed, subject=changed.get("subject", change.subject))
    told = answer(village, Push(place=Place(), received_id=received, changes=(sent,)), kit, changed["counter"] + 1)
    return told.outcomes[0].reason


def test_a_record_whose_bytes_hash_or_signature_do_not_fit_is_refused(village: Village) -> None:
    kit = village.kit()
    person = kit.register()
    village.sync()
    record = kit.sign(person.id)
    body = packing.unpack(signed_bytes(kit.store, schema.document)[record.id])
    other = packing.pack(body.replace("咳嗽".encode(), "头痛".encode()))
    assert "摘要" in forged(village, kit, packed=other, counter=1010)
    assert "签名不对" in forged(village, kit, packed=other, hash=sm3(packing.unpack(other)), counter=1020)
    assert "签名不对" in forged(village, kit, signature=bytes(64), counter=1030)
    assert "读不懂" in forged(village, kit, packed=b"\x01x", counter=1040)
    assert "编号" in forged(village, kit, subject=person.id, counter=1050)
    assert village.hub.has(schema.document) == []
    village.sync()
    assert len(village.hub.has(schema.document)) == 1


def test_a_change_that_was_altered_is_refused(village: Village) -> None:
    kit = village.kit()
    kit.register()
    with kit.store.reading() as connection:
        change = unsent(kit.store, connection, 10**6)[0]
    altered = msgspec.structs.replace(change, body=change.body.replace("曾小明".encode(), "曾大明".encode()))
    told = answer(village, Push(place=Place(), received_id=None, changes=(altered,)), kit, 1)
    assert (told.outcomes[0].outcome, village.hub.has(schema.person)) == ("refused", [])


def test_a_record_of_a_merged_person_stays_under_the_id_it_was_signed_for(village: Village) -> None:
    kit = village.kit()
    kept, replaced = kit.register("曾小明"), kit.register("曾晓明")
    village.settle()
    record = kit.sign(replaced.id)
    hub = village.hub
    with hub.writing(Action.MERGE_PEOPLE) as writing:
        merge_people(writing, kept, replaced, merged_details(kept, replaced))
    village.settle()
    [row] = hub.has(schema.document)
    assert (row.id, row.person_id) == (record.id, replaced.id)
    with kit.store.reading() as connection:
        assert same_person(connection, COUNTY, kept.id) == [kept.id, replaced.id]


def test_one_card_met_by_two_kits_is_one_person_and_can_be_parted_again(village: Village) -> None:
    upper, lower = village.kit(UPPER), village.kit(LOWER)
    one = upper.register("曾小明", number=NUMBERS[0], phone="13800138000")
    two = lower.register("曾小明", number=NUMBERS[0], address="下坪村5号")
    first, second = upper.sign(one.id), lower.sign(two.id)
    village.settle()
    kept, replaced = sorted((one.id, two.id))
    for node in (upper, lower, village.hub):
        assert node.person(replaced).replaced_by == kept
        assert (node.person(kept).phone, node.person(kept).address) == ("13800138000", "下坪村5号")
        assert set(signed_bytes(node.store, schema.document)) == {first.id, second.id}
    with village.hub.store.reading() as connection:
        [merge] = merges_of(connection, COUNTY, kept)
    with village.hub.writing(Action.UNDO_MERGE) as writing:
        undo_merge(writing, merge, village.hub.person(kept), village.hub.person(replaced))
    upper.edit(one.id, phone="13900139000")
    village.settle()
    for node in (upper, lower, village.hub):
        assert node.person(replaced).replaced_by is None
        assert len(node.has(schema.merge)) == 1


def test_people_who_work_at_a_node_are_known_at_the_hub(village: Village) -> None:
    kit = village.kit()
    with kit.writing(Action.CREATE_ACCOUNT) as writing:
        account = Account(
            id=DOCTOR,
            organisation=COUNTY,
            login="li",
            name="李建国",
            role=Role.VILLAGE_DOCTOR,
            confirmed_at=writing.at,
        )
        add_account(writing, account, "a hash that stays here")
    village.settle()
    with village.hub.store.reading() as connection:
        assert staff_by_node(connection, COUNTY) == {kit.id: [account]}
        assert b"stays here" not in b"".join(bytes(row.body) for row in village.hub.has(schema.change))


def both_changed(village: Village) -> tuple[TestNode, TestNode, str]:
    """A phone number that two kits changed while neither knew of the other."""
    one, other = village.kit(), village.kit()
    person = one.register(phone="1")
    village.settle()
    one.edit(person.id, phone="2", address="上坪村1号")
    other.edit(person.id, phone="3", note="耳背")
    village.settle()
    return one, other, person.id


def test_what_two_changed_alike_waits_for_a_person_and_everything_else_is_joined(village: Village) -> None:
    one, other, person = both_changed(village)
    for node in (one, other, village.hub):
        stands = node.person(person)
        assert (stands.phone, stands.address, stands.note) == ("2", "上坪村1号", "耳背")
        with node.store.reading() as connection:
            [conflict] = open_conflicts(connection, COUNTY)
        [disputed] = conflict.disputed
        assert (disputed.field, disputed.ours, disputed.theirs) == ("phone", "2", "3")
        assert (disputed.ours_node, conflict.node, disputed.ours_by, conflict.by) == (one.id, other.id, DOCTOR, DOCTOR)
    assert outcomes(other)[-1] == ("person", "conflict")
    assert "分歧" in reasons(other)[0]


@pytest.mark.parametrize("at", ["kit", "hub"])
def test_the_first_decision_stands_and_a_second_comes_too_late(village: Village, at: str) -> None:
    one, other, person = both_changed(village)
    first = village.hub if at == "hub" else one
    for node, value in ((first, "3"), (other, "4")):
        with node.store.reading() as connection:
            [conflict] = open_conflicts(connection, COUNTY)
        with node.store.writing(DOCTOR) as writing:
            decide(writing, conflict, {"phone": value}, by=DOCTOR)
        assert node.person(person).phone == value
    village.settle()
    assert {node.person(person).phone for node in (one, other, village.hub)} == {"3"}
    assert {row.details for node in (one, other, village.hub) for row in node.has(township_schema.conflict)} == {
        village.hub.has(township_schema.conflict)[0].details
    }
    assert ("conflict", "stale") in outcomes(other)
    with pytest.raises(StaleError), other.store.writing(DOCTOR) as writing:
        decide(writing, conflict, {"phone": "5"}, by=DOCTOR)


def test_an_archive_code_given_twice_stays_with_the_first_until_somebody_decides(village: Village) -> None:
    one, other = village.kit(), village.kit()
    first = one.register(archive_code="36073110120100001")
    second = other.register("李桂花", archive_code="36073110120100001")
    village.settle()
    assert {node.person(first.id).archive_code for node in (one, other)} == {"36073110120100001"}
    assert {node.person(second.id).archive_code for node in (one, other)} == {None}
    with other.store.reading() as connection:
        [conflict] = open_conflicts(connection, COUNTY)
    assert (conflict.subject, conflict.disputed[0].theirs) == (second.id, "36073110120100001")


def test_two_who_were_merged_into_each_other_do_not_vanish(village: Village) -> None:
    one, other = village.kit(), village.kit()
    people = one.register("曾小明"), one.register("曾晓明")
    village.settle()
    for kit, kept, replaced in ((one, *people), (other, *reversed(people))):
        with kit.writing(Action.MERGE_PEOPLE) as writing:
            merge_people(writing, kept, replaced, merged_details(kept, replaced))
    village.settle()
    in_use = [[each.id for each in people if node.person(each.id).replaced_by is None] for node in (one, other)]
    assert in_use == [[people[0].id], [people[0].id]]


def test_only_the_hub_changes_places_and_nodes(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    here = Facility(code="F9", organisation=COUNTY, name="假卫生院", level=FacilityLevel.TOWNSHIP)
    with kit.writing(Action.CHANGE_LIST) as writing:
        keep_facility(writing, here)
    with village.hub.writing(Action.CHANGE_LIST) as writing:
        keep_facility(writing, msgspec.structs.replace(here, code="F1", name="真卫生院"))
    village.settle()
    with village.hub.store.reading() as connection:
        assert [each.name for each in facilities(connection, COUNTY)] == ["真卫生院"]
    with other.store.reading() as connection:
        assert [each.name for each in facilities(connection, COUNTY)] == ["真卫生院"]
    assert {row.id for row in other.has(township_schema.known_node)} == {kit.id, village.hub.id}


def test_what_no_column_holds_is_refused_and_stops_nothing_else(village: Village) -> None:
    kit = village.kit()
    kit.edit(kit.register().id, phone="1")
    with kit.store.reading() as connection:
        first, second = unsent(kit.store, connection, 10**6)
    bodies = [
        first.body.replace(b'"village_code":"360731101201"', b'"village_code":"360731101201","replaced_by":"nobody"'),
        first.body.replace(b'"revision":1', b'"revision":99999999999999999999'),
        b"[]",
        b"\xff",
    ]
    odd = [
        signed_change(kit.store.key, msgspec.structs.replace(first, id=each, body=body))
        for each, body in zip(map(str, (uuid.uuid4() for _ in bodies)), bodies, strict=True)
    ]
    told = answer(village, Push(place=Place(), received_id=None, changes=(*odd, first, second)), kit, 1)
    assert [each.outcome for each in told.outcomes] == ["refused"] * 4 + ["new", "updated"]
