"""The hub over a real PostgreSQL: several workers, and an order of the log that follows the commits."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
from databases import Server
from tests.sync.nodes_in_process import DOCTOR, MORNING, UPPER, Village, differences, link_of, signed_bytes

from cunyi.domain.audit import Action
from cunyi.store import schema
from cunyi.store.engine import open_postgresql
from cunyi.store.nodes import open_node
from cunyi.store.people import add_person, person_by_id
from cunyi.sync.hub_side import HubSide


def test_a_hub_on_postgresql(postgresql: Server, tmp_path: Path) -> None:
    address = postgresql.new_address()
    village = Village(tmp_path, open_postgresql(address))
    worker = open_node(open_postgresql(address), clock=lambda: MORNING)
    try:
        kits_and_hub_agree(village)
        a_held_open_transaction_is_never_passed_by(village, HubSide(worker))
    finally:
        worker.close()
        village.close()


def kits_and_hub_agree(village: Village) -> None:
    one, other = village.kit(), village.kit()
    people = [one.register(f"曾{each}", phone="1") for each in "甲乙丙"]
    for person in people:
        one.settle_household(person.id)
        one.put_on_list(person.id)
        one.sign(person.id)
    one.write_note(people[0].id, "H")
    village.settle()
    one.edit(people[0].id, phone="2")
    other.edit(people[0].id, phone="3", note="耳背")
    other.sign(people[1].id)
    village.settle()
    assert differences(village.hub, one) == differences(village.hub, other) == []
    assert signed_bytes(other.store, schema.document) == signed_bytes(village.hub.store, schema.document)
    assert [row.outcome for row in other.has(schema.change)] == ["conflict", "new"]


def a_held_open_transaction_is_never_passed_by(village: Village, worker: HubSide) -> None:
    kit, other = village.kits
    person = village.hub.register("李桂花", UPPER)
    village.settle()
    reached = link_of(kit).after
    record = other.sign(person.id)
    held, go = threading.Event(), threading.Event()
    first: list[str] = []

    def hold() -> None:
        with village.hub.store.writing(DOCTOR) as writing:
            writing.audit(Action.REGISTER_PERSON)
            first.append(writing.new_id())
            old = person_by_id(writing.connection, writing.organisation, person.id)
            assert old is not None
            add_person(writing, msgspec.structs.replace(old, id=first[0], name="钟秀英"))
            held.set()
            go.wait(30)

    holding = threading.Thread(target=hold)
    pushing = threading.Thread(target=village.side(other, worker.answer).push)
    holding.start()
    assert held.wait(30)
    pushing.start()
    pushing.join(0.3)
    assert pushing.is_alive()  # its place in the log comes after the one that is held open
    with village.hub.store.reading() as connection:
        last = connection.execute(schema.change.select().order_by(schema.change.c.sequence.desc())).first()
    assert last is not None and last.sequence == reached
    go.set()
    holding.join(30)
    pushing.join(30)
    village.side(kit, worker.answer).synchronise()
    assert {first[0], person.id} <= {row.id for row in kit.has(schema.person)}
    assert record.id in signed_bytes(kit.store, schema.document)
    log = {row.subject: row.sequence for row in village.hub.has(schema.change)}
    assert log[first[0]] == reached + 1 and log[record.id] == reached + 2
