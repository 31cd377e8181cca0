"""Programs of different versions: served, or refused with an explanation; never half understood."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from tests.sync.nodes_in_process import Village, differences, link_of

from cunyi.domain.account import Account
from cunyi.domain.conflict import Conflict
from cunyi.domain.encounter import ListEntry, SignedRecord
from cunyi.domain.organisation import Facility
from cunyi.domain.person import Household, Person
from cunyi.domain.thread import Note
from cunyi.store import schema
from cunyi.sync import hub_side, sealing
from cunyi.sync.errors import OutdatedError
from cunyi.sync.hub_side import HubSide
from cunyi.sync.messages import PROTOCOL, Answer, Item, Page, Request
from cunyi.sync.sealing import ANSWERS, content, opened, seal

# What travels, as it was when PROTOCOL last changed. A field that is added, removed or renamed makes another protocol.
TRAVELLING = (Person, Household, ListEntry, Conflict, Account, Facility, SignedRecord, Note)


def changed(village: Village, change: Any) -> Any:
    """A line on which the hub's answers are those of another program."""
    hub = HubSide(village.hub.store)

    def send(request: bytes) -> bytes:
        envelope = opened(hub.answer(request))
        return seal(
            village.hub.store.key,
            change(content(envelope, ANSWERS)),
            sender=envelope.sender,
            receiver=envelope.receiver,
            counter=envelope.counter,
            answers=envelope.answers,
        )

    return send


def test_a_kit_that_is_too_old_is_told_and_loses_nothing(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = village.kit()
    person = kit.register()
    monkeypatch.setattr(hub_side, "OLDEST_SERVED", PROTOCOL + 1)
    monkeypatch.setattr(sealing, "PROTOCOL", PROTOCOL + 1)
    with pytest.raises(OutdatedError, match="更新程序"):
        village.side(kit).push()
    assert village.hub.has(schema.person) == []
    monkeypatch.undo()
    village.settle()
    assert village.hub.person(person.id) == kit.person(person.id)


def test_a_kit_that_is_newer_than_the_hub_is_told(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = village.kit()
    kit.register()
    monkeypatch.setattr("cunyi.sync.kit_side.PROTOCOL", PROTOCOL + 1)
    with pytest.raises(OutdatedError, match="更新中心"):
        village.side(kit).push()
    assert [row.sent_at for row in kit.has(schema.change)] == [None]


def test_a_kind_that_is_not_known_stops_fetching_and_nothing_is_passed_over(village: Village) -> None:
    kit = village.kit()
    village.settle()
    person = village.hub.register()
    strange = Item("hologram", person.id, b"{}")

    def from_the_future(answer: Page) -> Page:
        return msgspec.structs.replace(answer, items=(*answer.items, strange))

    before = link_of(kit).after
    with pytest.raises(OutdatedError, match="更新程序"):
        village.side(kit, changed(village, from_the_future)).pull()
    assert (link_of(kit).after, kit.has(schema.person)) == (before, [])
    village.settle()
    assert differences(village.hub, kit) == []


def test_a_message_that_is_not_known_is_not_guessed_at(village: Village) -> None:
    kit = village.kit()
    with pytest.raises(OutdatedError):
        village.side(kit, changed(village, lambda answer: {"type": "Hologram"})).pull()
    assert link_of(kit).cursor == ""


def test_a_kind_that_the_hub_does_not_know_is_not_taken_by_halves(village: Village) -> None:
    kit = village.kit()
    kit.register()
    side = village.side(kit)
    honest = side._sealed

    def newer(message: Any, link: Any, counter: int) -> bytes:
        if hasattr(message, "changes"):
            strange = msgspec.structs.replace(message.changes[0], kind="hologram")
            message = msgspec.structs.replace(message, changes=(*message.changes, strange))
        return honest(message, link, counter)

    side._sealed = newer  # type: ignore[method-assign]
    with pytest.raises(OutdatedError):
        side.push()
    assert village.hub.has(schema.person) == []
    assert [row.sent_at for row in kit.has(schema.change)] == [None]


def test_what_travels_is_what_this_protocol_says() -> None:
    shape = repr([(each.__name__, each.__struct_fields__) for each in TRAVELLING])
    shape += repr(sorted((each.__name__, each.__struct_fields__) for each in (*Request.__args__, *Answer.__args__)))
    # Where this fails: raise PROTOCOL (and OLDEST_SERVED where older programs would lose something), then write the new number here.
    assert (PROTOCOL, hashlib.sha256(shape.encode()).hexdigest()[:16]) == (1, "996b2096e2f6a1b6")
