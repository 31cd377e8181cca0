"""A kit sends and fetches step by step; what is cut off is asked again, and the doctor's own work is never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest
from tests.sync.nodes_in_process import (
    COUNTY,
    DOCTOR,
    LOWER,
    MORNING,
    NUMBERS,
    UPPER,
    TestNode,
    Village,
    differences,
    link_of,
    signed_bytes,
)
from tests.sync.test_hub_side import outcomes, reasons

from cunyi.domain.audit import Action
from cunyi.domain.change import Outcome
from cunyi.store import schema
from cunyi.store.outbox import refused, send_again, unsent_count
from cunyi.store.people import StaleError, replace_person
from cunyi.store.township_schema import known_node, note, thread
from cunyi.sync.errors import NotBelievedError, NotEnrolledError, RevokedError
from cunyi.sync.hub_side import HubSide
from cunyi.sync.messages import Place, Pull
from cunyi.sync.sealing import seal


def cut(village: Village, after: int, *, answered: bool) -> Callable[[bytes], bytes]:
    """A line that goes down after some messages: before or after the hub has answered."""
    hub, left = HubSide(village.hub.store), [after]

    def send(request: bytes) -> bytes:
        left[0] -= 1
        if left[0] < 0 and not answered:
            raise ConnectionError
        answer = hub.answer(request)
        if left[0] < 0:
            raise ConnectionError
        return answer

    return send


@pytest.mark.parametrize("answered", [False, True])
def test_a_line_that_goes_down_anywhere_costs_nothing(village: Village, answered: bool) -> None:
    kit, other = village.kit(), village.kit()
    people = [kit.register(f"曾{each}") for each in "甲乙丙"]
    records = [kit.sign(person.id) for person in people]
    for after in range(4):
        for node in (kit, other):
            side = village.side(node, cut(village, after, answered=answered))
            side.batch_limit = side.page_limit = 1
            with suppress(ConnectionError):
                side.synchronise()
    village.settle()
    assert set(signed_bytes(other.store, schema.document)) == {record.id for record in records}
    assert differences(village.hub, kit) == differences(village.hub, other) == []
    assert len(village.hub.has(schema.change)) - len(people) - len(records) == 2  # the two nodes that were enrolled


def test_batches_shrink_on_a_bad_line_and_grow_on_a_good_one(village: Village) -> None:
    kit = village.kit()
    side = village.side(kit, cut(village, 0, answered=False))
    before = side.batch_limit
    with pytest.raises(ConnectionError):
        side.pull()
    assert side.batch_limit == before // 2
    good = village.side(kit)
    good.batch_limit = 20_000
    good.page_limit = 20_000
    good.pull()
    assert (good.batch_limit, good.page_limit) == (40_000, 40_000)


def test_a_batch_holds_the_oldest_first_and_as_many_as_fit(village: Village) -> None:
    kit = village.kit()
    people = [kit.register(f"曾{each}") for each in "甲乙丙丁"]
    side = village.side(kit)
    side.batch_limit = 1
    assert side.push().more
    assert [row.id for row in village.hub.has(schema.person)] == [people[0].id]
    while side.push().more:
        side.batch_limit = 1
    assert len(village.hub.has(schema.person)) == len(people)


def test_what_was_done_here_is_made_again_on_what_comes_from_elsewhere(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    person = kit.register(phone="1")
    village.settle()
    other.edit(person.id, address="上坪村1号")
    village.sync(other)
    mine = kit.edit(person.id, phone="2")
    while village.side(kit).pull().more:
        pass
    stands = kit.person(person.id)
    assert (stands.phone, stands.address, stands.revision > mine.revision) == ("2", "上坪村1号", True)
    with pytest.raises(StaleError), kit.writing(Action.CHANGE_PERSON) as writing:
        replace_person(writing, msgspec.structs.replace(mine, phone="3"))
    village.settle()
    assert differences(village.hub, kit) == differences(village.hub, other) == []
    assert village.hub.person(person.id).phone == "2"


def test_a_form_that_is_open_stays_good_where_only_its_own_saving_was_sent(village: Village) -> None:
    kit = village.kit()
    person = kit.register(phone="1")
    mine = kit.edit(person.id, phone="2")
    village.settle()
    with kit.writing(Action.CHANGE_PERSON) as writing:
        replace_person(writing, msgspec.structs.replace(mine, phone="3"))
    village.settle()
    assert village.hub.person(person.id) == kit.person(person.id)


def test_a_first_synchronisation_goes_on_where_it_stopped(village: Village) -> None:
    for each in range(12):
        person = village.hub.register(f"曾{each}", UPPER)
        village.hub.sign(person.id)
        village.hub.settle_household(person.id)
        village.hub.put_on_list(person.id)
    kit = village.kit()
    seen = []
    for _ in range(30):
        side = village.side(kit)
        side.page_limit = 6_000
        done = side.pull()
        seen.append(len(kit.has(schema.person)))
        kit.reopen()
        if not done.more:
            break
    assert seen == sorted(seen) and 0 < seen[0] < 12
    assert link_of(kit).first_done and differences(village.hub, kit) == []
    assert len(kit.has(schema.document)) == len(kit.has(schema.household)) == len(kit.has(schema.list_entry)) == 12
    assert len(kit.has(schema.encounter)) == 12


def test_what_changes_during_a_first_synchronisation_is_not_missed(village: Village) -> None:
    people = [village.hub.register(f"曾{each}", UPPER) for each in range(8)]
    kit = village.kit()
    side = village.side(kit)
    more = True
    for each in range(40):
        side.page_limit = 2_000
        more = side.pull().more
        if each < len(people):
            village.hub.edit(people[each].id, phone=f"{each}")
            village.hub.sign(people[-each].id)
        elif not more:
            break
    assert differences(village.hub, kit) == []


def test_who_moves_into_a_village_comes_with_everything(village: Village) -> None:
    upper, lower = village.kit(UPPER), village.kit(LOWER)
    person = upper.register()
    upper.settle_household(person.id, "上坪村3号")
    upper.put_on_list(person.id)
    records = {upper.sign(person.id).id, upper.sign(person.id, "头晕").id}
    village.settle()
    assert lower.has(schema.person) == []
    upper.edit(person.id, village_code=LOWER)
    village.settle()
    assert set(signed_bytes(lower.store, schema.document)) == records
    assert len(lower.has(schema.list_entry)) == len(lower.has(schema.household)) == 1
    assert differences(village.hub, lower) == []


def test_somebody_from_elsewhere_is_found_at_the_hub_and_followed(village: Village) -> None:
    upper, lower = village.kit(UPPER), village.kit(LOWER)
    person = lower.register("曾小明", number=NUMBERS[0])
    record = lower.sign(person.id)
    village.settle()
    side = village.side(upper)
    [found] = side.find(DOCTOR, identifier=NUMBERS[0])
    assert (found.id, found.name, found.birth_on) == (person.id, "曾小明", "1960-05-05")
    assert NUMBERS[0] not in repr(found)
    assert side.find(DOCTOR, name="曾小明", birth_on="1960-05-05") == (found,)
    assert side.find(DOCTOR, name="曾小明", birth_on="1961-05-05") == side.find(DOCTOR, name="曾小明") == ()
    side.follow(DOCTOR, found.id, reason="来看病")
    side.synchronise()
    assert set(signed_bytes(upper.store, schema.document)) == {record.id}
    upper.sign(person.id, "复诊")
    upper.edit(person.id, phone="2")
    lower.sign(person.id, "发热")
    village.settle()
    assert {outcome for _, outcome in outcomes(upper)} == {"new", "updated"}
    assert len(signed_bytes(upper.store, schema.document)) == len(signed_bytes(lower.store, schema.document)) == 3
    looked = [row.action for row in village.hub.has(schema.audit_entry)]
    assert looked.count("look_up_on_hub") == 4 and looked.count("follow_person") == 1


def test_a_refused_change_stays_to_be_seen_and_can_be_sent_again(village: Village) -> None:
    kit, other = village.kit(UPPER), village.kit(LOWER)
    person = other.register()
    village.settle()
    village.side(kit).follow(DOCTOR, person.id)
    village.settle()
    with village.hub.store.writing("system", working_state=True) as writing:
        writing.connection.exec_driver_sql("DELETE FROM followed")
    kit.edit(person.id, phone="2")
    village.sync(kit)
    with kit.store.reading() as connection:
        [line] = refused(connection, COUNTY)
        assert unsent_count(connection, COUNTY) == {}
    assert "村代码" in line.reason.told()
    village.sync(kit)
    village.side(kit).follow(DOCTOR, person.id)
    with kit.store.writing(DOCTOR, working_state=True) as writing:
        assert send_again(writing, [line.id]) == 1
    village.settle()
    assert village.hub.person(person.id).phone == "2" and reasons(kit) == []


def test_a_thread_reaches_the_facility_that_is_asked_whole(village: Village) -> None:
    upper, lower = village.kit(UPPER, facility="U"), village.kit(LOWER, facility="L")
    person = upper.register()
    first = upper.write_note(person.id, "H")
    second = upper.write_note(person.id, "L", first.thread)
    village.settle()
    assert {row.id for row in village.hub.has(note)} == {first.id, second.id}
    assert len(village.hub.has(thread)) == 1
    asked = {row.to_facility for row in village.hub.has(thread)}
    assert {row.id for row in lower.has(note)} == ({first.id, second.id} if "L" in asked else set())


def test_wrong_clocks_change_nothing_of_the_order(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    kit.store.clock = lambda: MORNING - timedelta(days=20_000)
    other.store.clock = lambda: MORNING + timedelta(days=20_000)
    person = kit.register(phone="1")
    kit.sign(person.id)
    village.settle()
    other.edit(person.id, phone="2")
    village.settle()
    kit.edit(person.id, phone="3")
    kit.sign(person.id, "头晕")
    village.settle()
    assert village.hub.person(person.id).phone == other.person(person.id).phone == "3"
    assert differences(village.hub, kit) == differences(village.hub, other) == []


def test_a_revoked_kit_is_told_so_by_the_hub_alone(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    told: list[str] = []
    village.revoke(kit, "遗失")
    lie = village.side(kit, lambda request: seal(other.store.key, 1, sender=village.hub.id, receiver=kit.id, counter=1))
    with pytest.raises(NotBelievedError):
        lie.pull()
    with pytest.raises(RevokedError, match="遗失"):
        village.side(kit, revoked=told.append).push() if kit.register() else None
    assert told == ["遗失"]
    village.sync(other)
    assert next(row.state for row in other.has(known_node) if row.id == kit.id) == "revoked"


def test_an_answer_that_is_not_to_this_request_is_not_believed(village: Village) -> None:
    kit = village.kit()
    hub = HubSide(village.hub.store)
    old = hub.answer(
        seal(
            kit.store.key,
            Pull(place=Place(), first=True),
            sender=kit.id,
            receiver=village.hub.id,
            counter=7,
        )
    )
    for data in (old, b"<html>", old[:-3], b""):
        with pytest.raises(NotBelievedError):
            village.side(kit, lambda request, data=data: data).pull()
    assert link_of(kit).cursor == ""


def test_a_kit_that_belongs_to_no_hub_says_so(village: Village) -> None:
    stranger = village._node("stranger", "X")
    with pytest.raises(NotEnrolledError):
        village.side(stranger).push()
    stranger.close()


def carried(village: Village, kit: TestNode) -> list[bytes]:
    hub = HubSide(village.hub.store)
    return [hub.answer(request, whole=True) for request in village.side(kit).requests_for_file()]


def test_a_kit_without_a_line_does_everything_by_file(village: Village) -> None:
    for each in range(5):
        village.hub.sign(village.hub.register(f"曾{each}", UPPER).id)
    kit = village.kit()
    person = kit.register()
    kit.sign(person.id)
    first = carried(village, kit)
    kit.edit(person.id, phone="2")
    second = carried(village, kit)
    for answer in (*second, *first, *second):
        village.side(kit).take(answer)
    for answer in carried(village, kit):
        village.side(kit).take(answer)
    assert differences(village.hub, kit) == []
    assert village.hub.person(person.id).phone == "2"
    assert {outcome for _, outcome in outcomes(kit)} <= {"new", "updated", "identical"}
    with pytest.raises(NotBelievedError):
        village.side(kit).take(first[0][:-1])
    other = village.kit()
    with pytest.raises(NotBelievedError):
        village.side(other).take(first[0])


def test_a_whole_synchronisation_tells_what_it_did(village: Village) -> None:
    kit = village.kit()
    person = kit.register()
    kit.edit(person.id, phone="2")
    done = village.side(kit).synchronise()
    assert (done.sent, done.outcomes) == (2, {Outcome.NEW: 1, Outcome.UPDATED: 1})
    again = village.side(kit).synchronise()
    assert (again.sent, again.received, again.outcomes) == (0, 0, {})
