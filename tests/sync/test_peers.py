"""Two kits that meet exchange what the hub has not answered yet, use what is theirs to use, and carry the rest."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from tests.sync.nodes_in_process import LOWER, NUMBERS, UPPER, TestNode, Village, differences, signed_bytes
from tests.sync.test_attachments import here
from tests.sync.test_hub_side import outcomes

from cunyi.domain.audit import Action
from cunyi.store import schema
from cunyi.store.attachments import add_attachment, send_attachments
from cunyi.sync.carrying import carry
from cunyi.sync.errors import NotBelievedError, NotEnrolledError
from cunyi.sync.meeting import Exchanged, Meeting, MeetingSide
from cunyi.sync.messages import Place, Pull
from cunyi.sync.outgoing import unsent


def meet(guest: TestNode, host: TestNode, send: Any = None) -> Exchanged:
    return Meeting(guest.store, send or MeetingSide(host.store).answer, host.id).exchange()


def known_to_each_other(village: Village) -> tuple[TestNode, TestNode, TestNode]:
    """Two kits of one village and one of another, that were online once."""
    kits = village.kit(UPPER), village.kit(UPPER), village.kit(LOWER)
    village.settle()
    return kits


def test_what_one_did_the_other_has_and_brings_to_the_hub(village: Village) -> None:
    one, other, _ = known_to_each_other(village)
    person = one.register(phone="1")
    one.put_on_list(person.id)
    record = one.sign(person.id)
    theirs = other.register("李桂花")
    assert meet(other, one) == Exchanged(taken=3, given=1)
    assert other.person(person.id) == one.person(person.id)
    assert set(signed_bytes(other.store, schema.document)) == {record.id}
    assert one.person(theirs.id).name == "李桂花"
    assert meet(other, one) == Exchanged(taken=0, given=0)
    village.sync(other)
    assert set(signed_bytes(village.hub.store, schema.document)) == {record.id}
    assert {outcome for _, outcome in outcomes(one)} == {None}
    village.settle()
    assert {outcome for _, outcome in outcomes(one)} == {"identical"}
    assert differences(village.hub, one) == differences(village.hub, other) == []


def test_what_is_of_another_village_is_carried_and_not_looked_into(village: Village) -> None:
    one, _, far = known_to_each_other(village)
    person = one.register()
    record = one.sign(person.id)
    meet(far, one)
    village.sync(one, far, far)
    assert far.has(schema.person) == far.has(schema.document) == []
    assert set(signed_bytes(village.hub.store, schema.document)) == {record.id}
    assert village.hub.person(person.id).name == "曾小明"


def test_changes_of_the_same_person_are_joined_at_the_meeting_and_at_the_hub(village: Village) -> None:
    one, other, _ = known_to_each_other(village)
    person = one.register(phone="1")
    village.settle()
    one.edit(person.id, phone="2")
    other.edit(person.id, address="上坪村1号")
    meet(one, other)
    assert {(node.person(person.id).phone, node.person(person.id).address) for node in (one, other)} == {
        ("2", "上坪村1号")
    }
    village.settle()
    assert differences(village.hub, one) == differences(village.hub, other) == []
    assert village.hub.person(person.id).phone == "2"


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_meeting_may_end_at_any_moment(village: Village, cut: int) -> None:
    one, other, _ = known_to_each_other(village)
    for node in (one, other):
        node.sign(node.register(number=NUMBERS[0]).id)
    left = [cut]

    def send(request: bytes) -> bytes:
        answer = MeetingSide(one.store).answer(request)
        left[0] -= 1
        if left[0] == 0:
            raise ConnectionError
        return answer

    with suppress(ConnectionError):
        meet(other, one, send)
    other.reopen()
    meet(one, other)
    meet(other, one)
    assert len(one.has(schema.document)) == len(other.has(schema.document)) == 2
    village.settle()
    assert len(village.hub.has(schema.document)) == 2
    assert differences(village.hub, one) == differences(village.hub, other) == []


def test_what_was_lost_with_a_kit_comes_back_from_the_one_it_met(village: Village) -> None:
    one, other, _ = known_to_each_other(village)
    person = one.register()
    village.settle()
    yesterday = one.backup()
    record = one.sign(person.id)
    meet(one, other)
    one.restore(yesterday)
    meet(one, other)
    assert set(signed_bytes(one.store, schema.document)) == {record.id}
    village.settle()
    assert set(signed_bytes(village.hub.store, schema.document)) == {record.id}


def test_pictures_go_along(village: Village) -> None:
    one, other, _ = known_to_each_other(village)
    person = one.register()
    note = one.write_note(person.id, "H")
    data = os.urandom(150_000)
    with one.writing(Action.CHANGE_LIST) as writing:
        picture = add_attachment(writing, person.id, note.thread, "image/jpeg", data)
        send_attachments(writing, [picture])
    meet(other, one)
    assert here(other, picture.id) == data
    village.sync(other)
    assert here(village.hub, picture.id) == data


def test_what_somebody_else_made_up_is_not_carried(village: Village) -> None:
    one, other, _ = known_to_each_other(village)
    one.sign(one.register().id)
    with one.store.reading() as connection:
        person, record = unsent(one.store, connection, 10**6)
    forged = msgspec.structs.replace(person, body=person.body.replace("曾小明".encode(), "曾大明".encode()))
    assert record.signed is not None
    proof = msgspec.structs.replace(record.signed, signature=bytes(64))
    with other.store.writing("system") as writing:
        writing.audit(Action.MEET_NODE)
        assert carry(writing, [forged, msgspec.structs.replace(record, signed=proof)]) == 0
        assert carry(writing, [msgspec.structs.replace(person, origin="no id")]) == 0


def test_kits_that_do_not_know_each_other_exchange_nothing(village: Village) -> None:
    one, other = village.kit(), village.kit()
    with pytest.raises(NotEnrolledError):
        meet(one, other)
    village.settle()
    village.revoke(other)
    village.sync(one)
    with pytest.raises(NotEnrolledError):
        meet(one, other)
    with pytest.raises(NotEnrolledError):
        meet(other, one)


def test_a_kit_is_no_hub(village: Village) -> None:
    one, other, _ = known_to_each_other(village)
    with pytest.raises(NotBelievedError):
        Meeting(one.store, MeetingSide(other.store).answer, other.id)._exchange(Pull(place=Place()), Exchanged)
    with pytest.raises(NotBelievedError):
        meet(one, other, lambda request: b"<html>")
