"""Instruments and what arrived from them, as the store keeps them: the same again after a restart, for every rule of its own."""

from __future__ import annotations

from datetime import timedelta

from clinic_day import MORNING, Desk
from msgspec.structs import replace
from sqlalchemy import select

from cunyi.domain.device import (
    ArrivedReading,
    ArrivedValue,
    Beyond,
    FlagWords,
    ReadingState,
    ReceivingPolicy,
    RegisteredDevice,
    Transport,
)
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import DeviceKind
from cunyi.journeys.consulting import begin_draft
from cunyi.store import schema
from cunyi.store.arrived import (
    add_arrived,
    arrived_before,
    arrived_by_id,
    arrived_for_draft,
    arrived_for_nobody,
    release_confirmed,
    replace_arrived,
)
from cunyi.store.devices import (
    count_control_test,
    device_by_id,
    every_device,
    keep_device,
    receiving_policy,
    registered_devices,
    set_receiving_policy,
)
from cunyi.store.unit import SYSTEM

MARK = bytes(range(16))


def a_device(desk: Desk, **facts) -> RegisteredDevice:
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        device = RegisteredDevice(
            id=writing.new_id(),
            organisation=writing.organisation,
            **{"driver": "ble", "transport": Transport.BLE, "address": "AA", "name": "诊室血压计", **facts},
            added_at=MORNING,
        )
        keep_device(writing, device)
    return device


def a_reading(desk: Desk, device: RegisteredDevice, mark: bytes = MARK, **facts) -> ArrivedReading:
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        reading = ArrivedReading(
            id=writing.new_id(),
            organisation=writing.organisation,
            device_id=device.id,
            device_name=device.name,
            device_label=device.label,
            kind=DeviceKind.BLOOD_PRESSURE,
            **{"received_at": MORNING, "measured_at": MORNING, **facts},
        )
        add_arrived(writing, reading, mark)
    return reading


def test_an_instrument_comes_back_as_it_was_kept(desk: Desk) -> None:
    device = a_device(desk, serial_number="S7", facts={"model": "BP-2", "serial": "other"}, control_tests=2)
    with desk.store.reading() as connection:
        assert device_by_id(connection, device.organisation, device.id) == device
    assert device.label == "诊室血压计 BP-2 S7"


def test_only_what_is_in_use_is_listened_to_and_nothing_is_lost(desk: Desk) -> None:
    first, second = a_device(desk), a_device(desk, name="血糖仪", active=False)
    third = a_device(desk, name="旧血糖仪", active=False, removed=True)
    with desk.store.reading() as connection:
        assert [each.id for each in registered_devices(connection, first.organisation)] == [first.id]
        assert [each.id for each in every_device(connection, first.organisation)] == [first.id, second.id, third.id]
        assert registered_devices(connection, "999999") == []


def test_a_change_takes_the_place_of_what_was_there(desk: Desk) -> None:
    device = a_device(desk)
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        keep_device(writing, replace(device, name="出诊血压计"))
        count_control_test(writing, device.id, MORNING)
    with desk.store.reading() as connection:
        (kept,) = every_device(connection, device.organisation)
    assert (kept.name, kept.control_tests, kept.control_at) == ("出诊血压计", 1, MORNING)


def test_the_usual_rules_stand_until_others_are_set(desk: Desk) -> None:
    organisation = desk.account.organisation
    with desk.store.reading() as connection:
        assert receiving_policy(connection, organisation) == ReceivingPolicy()
    policy = ReceivingPolicy(confirm_readings=False, stale_minutes=5)
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        set_receiving_policy(writing, policy)
    with desk.store.reading() as connection:
        assert receiving_policy(connection, organisation) == policy


def test_a_reading_comes_back_with_everything_that_is_told_of_it(desk: Desk) -> None:
    refused = UserError("{item} {value} 不可能", field="pulse_bpm", item="脉搏", value="900")
    value = ArrivedValue(
        item="pulse_bpm",
        known=True,
        name_zh="脉搏",
        name_en="Pulse",
        value=900.0,
        unit="次/分",
        raw="900",
        refused=refused,
        repeat=True,
        flag=Beyond.HIGH,
    )
    kept = a_reading(
        desk,
        a_device(desk),
        values=(value, replace(value, value="2+", refused=None), replace(value, value=None, refused=None)),
        flags=(FlagWords(zh="袖带松", en="cuff loose"),),
        doubts=(UserError("仪器时钟不对（上面是 {at}）", field="clock", at="2000-01-01"),),
        conclusion="窦性心律",
        entered="17",
        earlier=True,
    )
    with desk.store.reading() as connection:
        found = arrived_by_id(connection, kept.organisation, kept.id)
    assert found is not None
    again = found.values[0].refused
    assert again is not None and (again.message, again.field) == ("脉搏 900 不可能", "pulse_bpm")
    assert again.told(lambda sentence: "{value}: {item}") == "900: 脉搏"
    assert [doubt.message for doubt in found.doubts] == ["仪器时钟不对（上面是 2000-01-01）"]
    assert replace(found.values[0], refused=refused) == value and found.values[1:] == kept.values[1:]
    assert replace(found, values=(), doubts=()) == replace(kept, values=(), doubts=())


def test_the_same_reading_of_the_same_instrument_is_known_again(desk: Desk) -> None:
    device, other = a_device(desk), a_device(desk, name="另一台")
    kept = a_reading(desk, device)
    with desk.store.reading() as connection:

        def before(device_id: str, mark: bytes, since=None) -> bool:
            return arrived_before(connection, kept.organisation, device_id, mark, since=since)

        assert before(device.id, MARK) and before(device.id, MARK, MORNING)
        assert not before(device.id, MARK, MORNING + timedelta(seconds=1))
        assert not before(other.id, MARK) and not before(device.id, bytes(16))


def test_readings_are_found_by_encounter_and_state(desk: Desk) -> None:
    device, person = a_device(desk), desk.register("曾小明")
    draft = begin_draft(desk.store, desk.account, person.id, {})
    gone = "019d0000-0000-7000-8000-000000000000"
    late = a_reading(desk, device, draft_id=draft.id, received_at=MORNING + timedelta(minutes=1))
    early = a_reading(desk, device, draft_id=draft.id)
    nobodys = a_reading(desk, device)
    orphan = a_reading(desk, device, draft_id=gone, received_at=MORNING + timedelta(minutes=2))
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        replace_arrived(writing, replace(early, state=ReadingState.CONFIRMED, settled_by="李建国"))
    organisation = device.organisation
    with desk.store.reading() as connection:
        assert [r.id for r in arrived_for_draft(connection, organisation, draft.id, ReadingState.WAITING)] == [late.id]
        confirmed = arrived_for_draft(connection, organisation, draft.id, ReadingState.CONFIRMED)
        assert [(r.id, r.settled_by) for r in confirmed] == [(early.id, "李建国")]
        assert [(r.id, r.draft_id) for r in arrived_for_nobody(connection, organisation)] == [
            (orphan.id, None),
            (nobodys.id, None),
        ]
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        release_confirmed(writing, draft.id)
    with desk.store.reading() as connection:
        assert {r.id for r in arrived_for_nobody(connection, organisation)} == {orphan.id, nobodys.id, early.id}


def test_nothing_of_the_person_stands_in_plain_columns(desk: Desk) -> None:
    a_reading(desk, a_device(desk), person_name="欧阳秋菊", entered="欧阳秋菊")
    with desk.store.reading() as connection:
        row = connection.execute(select(schema.arrived_reading)).one()
    assert "欧阳秋菊".encode() not in b"".join(bytes(each) for each in row if isinstance(each, bytes))
    assert "欧阳秋菊" not in repr(row)
