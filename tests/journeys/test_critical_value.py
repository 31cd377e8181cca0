"""Critical values: found at the signature or when a reading is confirmed, told on both sides, never twice, passed on where nobody answers."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from clinic_day import PROPOSED, encounter
from node_for_tests import PASSWORD, Clock
from two_nodes import CLINIC, COUNTY, TOWNSHIP, two_nodes

from cunyi.domain.account import Role
from cunyi.domain.assessment import CriticalValueFound
from cunyi.domain.critical_value import CriticalAct, CriticalState, CriticalStep, critical_details
from cunyi.domain.device import ArrivedReading, ArrivedValue, RegisteredDevice, Transport
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.measurement import DeviceKind
from cunyi.journeys.consulting import begin_amendment, begin_draft, sign
from cunyi.journeys.critical_values import (
    answer_critical_value,
    critical_values_here,
    notify_reading,
    open_critical_value,
)
from cunyi.journeys.escalating import escalate_overdue
from cunyi.journeys.receiving import confirm_reading
from cunyi.journeys.ringing import Why, ringing
from cunyi.store.arrived import add_arrived
from cunyi.store.devices import keep_device

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
POTASSIUM = CriticalValueFound("血钾", 6.8, "mmol/L", "≥6.2", "general", None)
GLUCOSE = CriticalValueFound("血糖", 1.9, "mmol/L", "<2.8", "general", None)


@pytest.fixture
def both(tmp_path):
    with two_nodes(tmp_path, Clock(MORNING)) as made:
        yield made


@pytest.fixture
def rules(mini):
    return mini.content.answering


@pytest.fixture
def person(both):
    return both.clinic.register("周大福")


def signed(both, store, by, person, rules, *found, draft=None, **more):
    draft = draft or begin_draft(store, by, person.id, {})
    proposed = msgspec.structs.replace(PROPOSED, critical_values=list(found))
    written = encounter("乏力1天", occurred_at=both.clock())
    return sign(store, by, draft.id, written, [], proposed=proposed, now=both.clock(), answering=rules, **more)


def here(both, at_hub=None):
    store, account = (both.hub.store, at_hub) if at_hub else (both.clinic.store, both.clinic.account)
    return critical_values_here(store, account, both.clock())


def bells(both, at_hub=None):
    store, account = (both.hub.store, at_hub) if at_hub else (both.clinic.store, both.clinic.account)
    return [(each.why, each.words) for each in ringing(store, account, both.clock())]


def test_a_signature_with_a_critical_value_rings_until_somebody_acknowledges(both, person, rules):
    store, me = both.clinic.store, both.clinic.account
    signed(both, store, me, person, rules, POTASSIUM, GLUCOSE)
    assert sorted(bells(both)) == [(Why.CRITICAL, "血糖 1.9 mmol/L"), (Why.CRITICAL, "血钾 6.8 mmol/L")]
    thread = next(each for each in here(both) if critical_details(each).item == "血钾")
    shown = open_critical_value(store, me, thread.id)
    assert shown.notes[0].author.account == "system" and shown.steps == (CriticalStep.ACKNOWLEDGE,)
    both.pass_minutes(3)
    nurse = both.clinic.seat.add_account(
        "system", login="chen", name="陈护士", role=Role.NURSE, password=PASSWORD, areas=("360731101201",)
    )
    answer_critical_value(store, nurse, thread.id, CriticalStep.ACKNOWLEDGE, CriticalAct(), rules)
    assert bells(both) == [(Why.CRITICAL, "血糖 1.9 mmol/L")]
    with pytest.raises(UserError, match="怎么处理"):
        answer_critical_value(store, me, thread.id, CriticalStep.ACT, CriticalAct(act="nothing known"), rules)
    acted = answer_critical_value(store, me, thread.id, CriticalStep.ACT, CriticalAct(act="refer", words="送镇"), rules)
    assert critical_details(acted).acts == ("已转诊或叫120",) and critical_details(acted).acknowledge_minutes == 3
    with pytest.raises(UserError, match="结果"):
        answer_critical_value(store, me, thread.id, CriticalStep.CLOSE, CriticalAct(), rules)
    done = answer_critical_value(store, me, thread.id, CriticalStep.CLOSE, CriticalAct(words="复测5.0"), rules)
    assert done.closed
    both.sync()
    at_hub = next(each for each in here(both, both.township_doctor) if each.id == thread.id)
    assert at_hub == done, "the same to the minute on both sides"


def test_the_same_value_of_the_same_encounter_is_told_once(both, person, rules):
    store, me = both.clinic.store, both.clinic.account
    record = signed(both, store, me, person, rules, POTASSIUM)
    amendment = begin_amendment(store, me, record.encounter_id, {})
    signed(both, store, me, person, rules, POTASSIUM, draft=amendment, reason="补记")
    assert len(here(both)) == 1
    signed(both, store, me, person, rules, POTASSIUM)
    assert len(here(both)) == 2, "another encounter is another value"


def test_a_confirmed_reading_is_told_before_the_signature_and_not_again_with_it(both, person, mini):
    store, me = both.clinic.store, both.clinic.account
    items = mini.content.items
    item = next(each for each in items.values() if each.critical and each.critical[0].value)
    limit = item.critical[0].value
    value = float(limit.upper - 0.1 if limit.upper is not None else limit.lower)
    arrived = ArrivedValue(
        item=item.id, known=True, name_zh=item.name, name_en=item.name_en, value=value, unit=item.unit or "", raw=""
    )
    draft = begin_draft(store, me, person.id, {})
    with store.writing(me.id) as writing:
        notify_reading(writing, me, person, draft.encounter_id, [arrived], mini)
    (thread,) = here(both)
    found = CriticalValueFound(item.name, value, item.unit, "", "general", None)
    signed(both, store, me, person, mini.content.answering, found, draft=draft)
    assert [each.id for each in here(both)] == [thread.id]


def test_the_tap_that_confirms_a_reading_tells_its_critical_value(both, person, mini):
    store, me = both.clinic.store, both.clinic.account
    item = mini.content.items["spo2_pct"]
    value = ArrivedValue(
        item=item.id, known=True, name_zh=item.name, name_en=item.name_en, value=70.0, unit=item.unit or "", raw="70"
    )
    draft = begin_draft(store, me, person.id, {})
    reading = ArrivedReading(
        id=draft.id,
        organisation="360731",
        device_id=draft.id,
        device_name="血氧仪",
        device_label="血氧仪",
        kind=DeviceKind.OXIMETER,
        received_at=both.clock(),
        measured_at=both.clock(),
        draft_id=draft.id,
        person_id=person.id,
        person_name=person.name,
        values=(value,),
    )
    with store.writing(me.id, working_state=True) as writing:
        keep_device(
            writing,
            RegisteredDevice(
                id=draft.id,
                organisation="360731",
                driver="ble_oximeter",
                transport=Transport.BLE,
                address="1",
                name="血氧仪",
                added_at=both.clock(),
            ),
        )
        add_arrived(writing, reading, b"1")
    confirm_reading(store, me, reading.id, draft.id, knowledge=mini)
    confirm_reading(store, me, reading.id, draft.id, knowledge=mini)
    (thread,) = here(both)
    assert (critical_details(thread).item, critical_details(thread).value) == (item.name, "70")


def test_nobody_acknowledges_and_the_next_level_is_told(both, person, rules):
    signed(both, both.clinic.store, both.clinic.account, person, rules, POTASSIUM)
    both.sync()
    assert bells(both, both.township_doctor) == []
    both.pass_minutes(rules.acknowledge_minutes)
    assert escalate_overdue(both.hub.store, both.clock(), None) == 1
    assert bells(both, both.township_doctor) == [(Why.CRITICAL, "血钾 6.8 mmol/L")] and not bells(
        both, both.county_doctor
    )
    both.pass_minutes(rules.acknowledge_minutes)
    assert escalate_overdue(both.hub.store, both.clock(), None) == 1
    assert bells(both, both.county_doctor)
    (thread,) = here(both, both.county_doctor)
    assert thread.to_facility == COUNTY and critical_details(thread).escalations == 2
    step = CriticalStep.ACKNOWLEDGE
    answer_critical_value(both.hub.store, both.township_doctor, thread.id, step, CriticalAct(), rules)
    assert not bells(both, both.county_doctor) and not bells(both, both.township_doctor)
    both.sync()
    assert here(both)[0].state == CriticalState.ACKNOWLEDGED and bells(both) == []


def test_what_the_hospital_finds_rings_in_the_village(both, person, rules):
    both.sync()
    doctor = both.township_doctor
    signed(both, both.hub.store, doctor, person, rules, POTASSIUM)
    (thread,) = here(both, doctor)
    assert (thread.from_facility, thread.to_facility) == (TOWNSHIP, CLINIC)
    both.sync()
    assert bells(both) == [(Why.CRITICAL, "血钾 6.8 mmol/L")] == bells(both, doctor)


def test_a_critical_value_of_elsewhere_is_not_opened(both, person, rules):
    signed(both, both.clinic.store, both.clinic.account, person, rules, POTASSIUM)
    (thread,) = here(both)
    stranger = both.clinic.seat.add_account(
        "system", login="wu", name="吴", role=Role.VILLAGE_DOCTOR, password=PASSWORD, areas=("360731101201",)
    )
    stranger = msgspec.structs.replace(stranger, facility="C9", areas=())
    with pytest.raises(NotAllowedError):
        open_critical_value(both.clinic.store, stranger, thread.id)
