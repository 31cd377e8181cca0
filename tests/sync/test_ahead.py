"""In a first sync the next page is asked for while the last one is kept."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.sync.nodes_in_process import TestNode, Village, differences, link_of

from cunyi.store import schema
from cunyi.store.people import household_by_id
from cunyi.sync import answers, taking
from cunyi.sync.answers import Taken
from cunyi.sync.errors import OutdatedError
from cunyi.sync.hub_side import HubSide
from cunyi.sync.messages import Item, Pull, SignedThing
from cunyi.sync.sealing import REQUESTS, content, opened

_SMALL = 3_000


def with_people(village: Village, count: int = 20) -> TestNode:
    first = village.kit()
    for number in range(count):
        person = first.register(f"曾小明{number}")
        first.settle_household(person.id, f"{number}号")
        first.sign(person.id)
    village.sync()
    return village.kit()


def cursors(requests: list[bytes]) -> list[str]:
    asked = [content(opened(each), REQUESTS) for each in requests]
    return [each.cursor for each in asked if isinstance(each, Pull) and each.first]


def test_each_page_is_asked_for_once_and_most_of_them_ahead(village: Village) -> None:
    kit = with_people(village)
    hub, requests, beside = HubSide(village.hub.store), [], []

    def send(request: bytes) -> bytes:
        requests.append(request)
        if threading.current_thread() is not threading.main_thread():
            beside.append(request)
        return hub.answer(request)

    side = village.side(kit, send)
    side.page_limit = _SMALL
    side.synchronise()
    assert differences(village.hub, kit) == []
    assert len(cursors(requests)) == len(set(cursors(requests))) > 3
    assert len(beside) == len(cursors(requests)) - 2
    numbers = [opened(each).counter for each in requests]
    assert numbers == sorted(set(numbers))
    assert link_of(kit).counter == numbers[-1]


def test_records_are_read_beside_and_what_cannot_be_read_is_told_as_ever(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = with_people(village)
    hub = HubSide(village.hub.store)
    read: list[int] = []
    take = taking.take_items

    def watched(writing: Any, items: Any, records: Any = {}) -> int:  # noqa: B006
        documents = [item for item in items if item.kind == "document"]
        if documents:
            read.append(len(records))
            assert set(records) in ({item.subject for item in documents}, set())
        return take(writing, items, records)

    monkeypatch.setattr(answers, "take_items", watched)
    side = village.side(kit, hub.answer)
    side.page_limit = _SMALL
    side.synchronise()
    assert sum(read) >= 15 and differences(village.hub, kit) == []
    damaged = Item("document", link_of(kit).id, b"", SignedThing(b"\x01nothing", b"", b"", "n"))
    assert taking.records_of([damaged]) == {}
    with pytest.raises(OutdatedError), kit.store.writing("system") as writing:
        take(writing, [damaged])


def test_what_was_done_and_sent_meanwhile_never_becomes_what_it_was_before(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = with_people(village)
    hub = HubSide(village.hub.store)
    addresses: list[str | None] = []
    last_page: list[int] = []
    edited: list[str] = []

    def address() -> str | None:
        with kit.store.reading() as connection:
            found = household_by_id(connection, kit.store.node.organisation, edited[0])
        return found.address if found else None

    def send(request: bytes) -> bytes:
        asked = content(opened(request), REQUESTS)
        if edited:
            addresses.append(address())
        if isinstance(asked, Pull) and asked.cursor.endswith("~"):
            last_page.append(len(edited))
        answer = hub.answer(request)
        if isinstance(asked, Pull) and asked.cursor.endswith("~") and not edited:
            # The page with every household is under way, as it stood before this.
            person = kit.has(schema.person)[0]
            edited.append(kit.settle_household(person.id, "新屋").id)
        return answer

    side = village.side(kit, send)
    side.page_limit = _SMALL
    keep = side._answers.take

    def keep_after_the_next_arrived(answer: Any, **more: Any) -> Taken:
        if side._ahead is not None:
            side._ahead.finish()
        return keep(answer, **more)

    monkeypatch.setattr(side._answers, "take", keep_after_the_next_arrived)
    side.synchronise()
    village.settle()
    assert edited
    assert set(addresses) == {"新屋"}
    # Once before, which nobody looked at, and once after.
    assert last_page == [0, 1]
    assert differences(village.hub, kit) == []


def test_a_line_that_fails_ahead_is_told_and_nothing_is_lost(village: Village) -> None:
    kit = with_people(village)
    hub, failed = HubSide(village.hub.store), []

    def send(request: bytes) -> bytes:
        if threading.current_thread() is not threading.main_thread() and not failed:
            failed.append(request)
            hub.answer(request)
            raise ConnectionError("cut")
        return hub.answer(request)

    side = village.side(kit, send)
    side.page_limit = 40_000
    with pytest.raises(ConnectionError):
        side.synchronise()
    assert failed
    assert side.page_limit < 160_000
    assert not link_of(kit).first_done
    village.side(kit, send).synchronise()
    assert differences(village.hub, kit) == []
