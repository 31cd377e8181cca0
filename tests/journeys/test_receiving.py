"""From the instrument to the record: whose a reading is, what is in doubt, one tap, and what the signed record says of it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone

import pytest
from clinic_day import PROPOSED, Desk, in_folder, misfits
from msgspec import UNSET
from node_for_tests import CHEAP, LOGIN, PASSWORD
from sqlalchemy import select
from tests.real_knowledge import real_knowledge

from cunyi.devices.driver import Description, Words
from cunyi.domain.account import Role
from cunyi.domain.audit import Action
from cunyi.domain.device import ArrivedReading, Beyond, Focus, ReadingState, ReceivingPolicy
from cunyi.domain.encounter import SignedRecord
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.measurement import DeviceKind, DeviceValue, Measurement
from cunyi.domain.person import Person
from cunyi.journeys.consulting import begin_amendment, begin_draft, discard, sign
from cunyi.journeys.keeping_devices import (
    add_device,
    change_device,
    change_reading_rules,
    devices,
    note_facts,
    reading_rules,
    remove_device,
)
from cunyi.journeys.receiving import (
    confirm_reading,
    confirmed_for,
    discard_reading,
    give_to,
    into_form,
    receive,
    waiting_for,
    waiting_unassigned,
)
from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.store import schema
from cunyi.store.records import kept_record
from cunyi.web.doctor.encounter_form import fields_of, read_encounter
from cunyi.web.doctor.form import read_form

NO_ANSWER = Words(zh="请开机", en="turn it on")
DESCRIPTION = Description(
    id="pressure",
    name=Words(zh="血压计", en="blood pressure meter"),
    kind=DeviceKind.BLOOD_PRESSURE,
    items=("systolic_mmhg", "diastolic_mmhg", "pulse_bpm"),
    document="none",
    no_answer=NO_ANSWER,
    flags={"cuff_loose": Words(zh="袖带松", en="cuff loose")},
)


@pytest.fixture(scope="module")
def known(knowledge_root) -> Knowledge:
    """The real knowledge: the rules for doubtful values are its rules."""
    return real_knowledge()


class Kit:
    """A desk with a meter and somebody's encounter in front."""

    def __init__(self, desk: Desk, known: Knowledge) -> None:
        self.desk, self.known = desk, known
        self.device = add_device(
            desk.store, desk.account, driver="pressure", transport="ble", address="AA:01", name="诊室血压计"
        )
        self.person, self.focus = self.open("曾小明")

    def open(self, name: str, **fields: str) -> tuple[Person, Focus]:
        """Somebody's encounter, which comes in front."""
        person = self.desk.register(name, **fields)
        draft = begin_draft(self.desk.store, self.desk.account, person.id, {"chief_complaint": ["头晕"]})
        return person, Focus(account_id=self.desk.account.id, draft_id=draft.id, person_id=person.id)

    def hear(self, *values: DeviceValue, focus: Focus | str | None = "", **facts) -> ArrivedReading | None:
        """What the meter sends goes to whoever is in front."""
        return receive(
            self.desk.store,
            self.known,
            self.device,
            DESCRIPTION,
            Measurement(values=values, **facts),
            focus=self.focus if isinstance(focus, str) else focus,
            now=self.desk.clock(),
        )

    def waiting(self) -> list[str]:
        return [each.id for each in waiting_for(self.desk.store, self.desk.account, self.focus.draft_id)]

    def unassigned(self) -> list[str]:
        return [each.id for each in waiting_unassigned(self.desk.store, self.desk.account)]

    def confirm(self, reading: ArrivedReading | None) -> ArrivedReading:
        assert reading is not None
        return confirm_reading(self.desk.store, self.desk.account, reading.id, self.focus.draft_id)

    def sign(self, form: dict[str, list[str]], *, draft_id: str = "", reason: str = "", by=None) -> SignedRecord:
        """Signs the form as the page would send it."""
        now, by = self.desk.clock(), by or self.desk.account
        sent = {
            "chief_complaint": ["头晕"],
            "occurred_on": [now.date().isoformat()],
            "occurred_time": [f"{now:%H:%M}"],
            "diagnosis_name": ["头晕"],
            "agreement": ["not_used"],
            **form,
        }
        encounter = read_encounter(
            sent,
            read_form(sent, self.known),
            self.known,
            zone=now,
            by=by.name,
            proposed_level="routine",
            proposed_diseases=[],
            overrides=[],
        )
        draft_id = draft_id or self.focus.draft_id
        return sign(self.desk.store, by, draft_id, encounter, [], proposed=PROPOSED, reason=reason, now=now)

    def audited(self, action: Action) -> list:
        log = schema.audit_entry
        with self.desk.store.reading() as connection:
            return connection.execute(select(log).where(log.c.action == action).order_by(log.c.sequence)).all()


@pytest.fixture
def bag(desk: Desk, known: Knowledge) -> Kit:
    return Kit(desk, known)


@pytest.fixture
def one_bag(kit: Desk, known: Knowledge) -> Kit:
    """For what the database has no part in."""
    return Kit(kit, known)


def value(item: str, number: float | str | None, unit: str = "", raw: str = "") -> DeviceValue:
    return DeviceValue(item=item, value=number, unit=unit, raw=raw or f"{number} {unit}".strip())


def pressure(high: float = 132, low: float = 84) -> tuple[DeviceValue, ...]:
    return value("systolic_mmhg", high, "mmHg"), value("diastolic_mmhg", low, "mmHg")


def subjects(reading: ArrivedReading | None) -> list[str | None]:
    assert reading is not None
    return [doubt.field for doubt in reading.doubts]


def by_item(record: SignedRecord) -> dict:
    return {each.item: each for each in record.encounter.measured}


# What arrives, and whose it is.


def test_a_reading_goes_to_whoever_is_in_front_and_waits(bag: Kit) -> None:
    reading = bag.hear(*pressure())
    assert reading is not None and reading.state is ReadingState.WAITING and reading.is_clean
    assert (reading.person_id, reading.person_name) == (bag.person.id, "曾小明")
    assert (reading.draft_id, reading.device_name) == (bag.focus.draft_id, "诊室血压计")
    systolic = reading.values[0]
    assert (systolic.name_zh, systolic.name_en) == ("收缩压", "Systolic blood pressure")
    assert (systolic.value, systolic.unit) == (132, "mmHg")
    assert bag.waiting() == [reading.id] and bag.unassigned() == []


def test_without_anybody_in_front_it_is_nobodys(bag: Kit) -> None:
    reading = bag.hear(*pressure(), focus=None)
    assert reading is not None and reading.draft_id is None and reading.person_id is None and not reading.doubts
    assert bag.unassigned() == [reading.id] and bag.waiting() == []


def test_an_encounter_that_is_no_longer_there_gets_nothing(bag: Kit) -> None:
    discard(bag.desk.store, bag.desk.account, bag.focus.draft_id)
    reading = bag.hear(*pressure())
    assert reading is not None and reading.draft_id is None
    assert bag.unassigned() == [reading.id]


def test_what_waited_in_an_encounter_that_ended_is_nobodys(bag: Kit) -> None:
    reading = bag.hear(*pressure())
    bag.sign({})
    assert reading is not None and bag.unassigned() == [reading.id]


def test_a_value_of_a_running_stream_and_an_empty_message_are_no_readings(bag: Kit) -> None:
    assert bag.hear(value("spo2_pct", 97, "%"), final=False) is None
    assert bag.hear() is None
    assert bag.waiting() == []


def test_control_solution_is_nobodys_blood_and_only_counted(bag: Kit) -> None:
    assert bag.hear(value("glucose_mmol_l", 6.1, "mmol/L"), control_solution=True) is None
    assert bag.waiting() == bag.unassigned() == []
    (device,) = devices(bag.desk.store, bag.desk.account)
    assert (device.control_tests, device.control_at) == (1, bag.desk.clock())


def test_flags_are_told_in_words_and_unknown_ones_as_they_are(bag: Kit) -> None:
    reading = bag.hear(*pressure(), flags=("cuff_loose", "x9"))
    assert reading is not None and [(flag.zh, flag.en) for flag in reading.flags] == [
        ("袖带松", "cuff loose"),
        ("x9", "x9"),
    ]
    assert not reading.is_clean


# The same thing sent twice.


def test_the_same_time_and_values_are_one_reading_however_late(bag: Kit) -> None:
    at = bag.desk.clock().replace(tzinfo=None)
    assert bag.hear(*pressure(), clock_at=at) is not None
    bag.desk.pass_time(days=3)
    assert bag.hear(*pressure(), clock_at=at) is None
    assert bag.hear(*pressure(133), clock_at=at) is not None


def test_the_same_number_and_values_are_one_reading(bag: Kit) -> None:
    assert bag.hear(*pressure(), sequence=7) is not None
    bag.desk.pass_time(hours=1)
    assert bag.hear(*pressure(), sequence=7) is None
    assert bag.hear(*pressure(), sequence=8) is not None


def test_without_time_and_number_the_same_values_are_one_reading_for_a_minute(bag: Kit) -> None:
    assert bag.hear(*pressure()) is not None
    bag.desk.pass_time(seconds=59)
    assert bag.hear(*pressure()) is None
    bag.desk.pass_time(seconds=61)
    assert bag.hear(*pressure()) is not None
    change_reading_rules(bag.desk.store, bag.desk.account, ReceivingPolicy(duplicate_seconds=600))
    bag.desk.pass_time(seconds=500)
    assert bag.hear(*pressure()) is None


def test_a_clock_that_was_never_set_does_not_make_two_people_one_reading(bag: Kit) -> None:
    never = datetime(2000, 1, 1)
    assert bag.hear(*pressure(), clock_at=never) is not None
    bag.desk.pass_time(minutes=5)
    assert bag.hear(*pressure(), clock_at=never) is not None


def test_a_discarded_reading_does_not_come_back(bag: Kit) -> None:
    reading = bag.hear(*pressure(), sequence=1)
    assert reading is not None
    discard_reading(bag.desk.store, bag.desk.account, reading.id, "测错了")
    assert bag.hear(*pressure(), sequence=1) is None


def test_two_instruments_may_send_the_same(bag: Kit) -> None:
    assert bag.hear(*pressure(), sequence=1) is not None
    bag.device = add_device(
        bag.desk.store, bag.desk.account, driver="pressure", transport="ble", address="AA:02", name="出诊血压计"
    )
    assert bag.hear(*pressure(), sequence=1) is not None


# Values.


def test_an_impossible_value_stays_out_and_the_reason_names_item_value_and_range(one_bag: Kit) -> None:
    reading = one_bag.hear(value("systolic_mmhg", 500, "mmHg"), value("diastolic_mmhg", 84, "mmHg"))
    assert reading is not None
    refused = reading.values[0].refused
    assert refused is not None and refused.message == (
        "收缩压 500 不可能（应不低于 30、低于 320），没有采用；请重测，或核对后手工填写"
    )
    assert refused.values["item_en"] == "Systolic blood pressure"
    assert into_form(one_bag.confirm(reading)) == {"diastolic_mmhg": ["84"]}


def test_a_systolic_pressure_that_is_not_above_the_diastolic_one_is_doubtful(one_bag: Kit) -> None:
    reading = one_bag.hear(*pressure(74, 118))
    assert reading is not None and not reading.is_clean
    assert "收缩压不高于舒张压" in " ".join(doubt.message for doubt in reading.doubts)


def test_a_reading_of_which_nothing_can_be_used_is_not_confirmed(one_bag: Kit) -> None:
    reading = one_bag.hear(value("systolic_mmhg", 500, "mmHg"), value("pulse_bpm", None, "次/分"))
    with pytest.raises(UserError, match="没有能用的值；请重测，或手工填写"):
        one_bag.confirm(reading)


@pytest.mark.parametrize(
    ("item", "unit", "usual", "far"),
    [
        ("spo2_pct", "%", 93, 85),
        ("glucose_mmol_l", "mmol/L", 18, 25),
        ("systolic_mmhg", "mmHg", 165, 195),
        ("temperature_c", "℃", 39.5, 41.5),
        ("pulse_bpm", "次/分", 110, 160),
    ],
)
def test_what_is_far_out_is_kept_and_to_be_measured_again(
    one_bag: Kit, item: str, unit: str, usual: float, far: float
) -> None:
    beyond, extreme = one_bag.hear(value(item, usual, unit)), one_bag.hear(value(item, far, unit))
    assert beyond is not None and extreme is not None
    assert (beyond.values[0].repeat, beyond.values[0].flag is None) == (False, False)
    assert (extreme.values[0].repeat, extreme.values[0].usable) == (True, True)
    assert not extreme.is_clean


def test_where_the_knowledge_has_one_grade_only_nothing_is_far_out(one_bag: Kit) -> None:
    reading = one_bag.hear(value("temperature_c", 35, "℃"), value("uric_acid", 600, "μmol/L"))
    assert reading is not None
    assert [(each.repeat, each.flag) for each in reading.values] == [(False, Beyond.LOW), (False, Beyond.HIGH)]


def test_weight_has_no_grades_and_is_never_far_out(one_bag: Kit) -> None:
    reading = one_bag.hear(value("weight_kg", 140, "kg"))
    assert reading is not None and not reading.values[0].repeat and reading.values[0].flag is None


def test_what_is_usual_depends_on_the_person(one_bag: Kit) -> None:
    _, infant = one_bag.open("曾宝宝", birth_on="2025-09-01")
    adult, child = (
        one_bag.hear(value("pulse_bpm", 150, "次/分")),
        one_bag.hear(value("pulse_bpm", 150, "次/分"), focus=infant),
    )
    assert adult is None or adult.values[0].repeat
    assert child is None, "the same values within a minute are one reading"
    one_bag.desk.pass_time(minutes=2)
    child = one_bag.hear(value("pulse_bpm", 150, "次/分"), focus=infant)
    assert child is not None and not child.values[0].repeat and child.values[0].flag is None
    given = give_to(one_bag.desk.store, one_bag.desk.account, child.id, one_bag.focus.draft_id, knowledge=one_bag.known)
    assert given.values[0].repeat and given.values[0].flag is Beyond.HIGH


def test_no_value_is_shown_as_such(one_bag: Kit) -> None:
    reading = one_bag.hear(*pressure(), value("pulse_bpm", None, "次/分", "NaN"), value("spo2_pct", float("nan"), "%"))
    assert reading is not None
    assert [each.value for each in reading.values[2:]] == [None, None]
    assert not reading.values[2].usable and reading.values[2].refused is None and reading.values[2].raw == "NaN"
    assert set(into_form(one_bag.confirm(reading))) == {"systolic_mmhg", "diastolic_mmhg"}


def test_an_analysers_own_names_units_and_scales_are_understood(one_bag: Kit) -> None:
    reading = one_bag.hear(
        value("HGB", 10.2, "g/dL"),
        value("urine_protein", "++"),
        value("uric_acid", "512", "μmol/L"),
        value("QQ-17", 3.5, "U"),
        value("hemoglobin", 120, "mmHg"),
        value("uric_acid", "<80", "μmol/L"),
    )
    assert reading is not None
    assert [(each.item, each.value, each.unit, each.known) for each in reading.values] == [
        ("hemoglobin", 102.0, "g/L", True),
        ("urine_protein", "2+", "", True),
        ("uric_acid", 512.0, "μmol/L", True),
        ("QQ-17", 3.5, "U", False),
        ("hemoglobin", 120, "mmHg", True),
        ("uric_acid", "<80", "μmol/L", True),
    ]
    unread = reading.values[4].refused
    assert unread is not None and "“120 mmHg”读不懂" in unread.message
    assert reading.values[0].raw == "10.2 g/dL"
    assert into_form(reading) == {
        "lab_name": ["血红蛋白", "尿蛋白", "尿酸", "QQ-17", "尿酸"],
        "lab_value": ["102", "2+", "512", "3.5", "<80"],
        "lab_unit": ["g/L", "", "μmol/L", "U", "μmol/L"],
    }


def test_a_conclusion_is_text_for_the_form(one_bag: Kit) -> None:
    reading = one_bag.hear(conclusion="窦性心律，大致正常心电图")
    assert into_form(one_bag.confirm(reading)) == {"auxiliary_examination": ["窦性心律，大致正常心电图"]}


# Clocks.


def test_the_instruments_own_time_counts_where_it_can_be_relied_on(one_bag: Kit) -> None:
    one_bag.desk.pass_time(minutes=10)
    at = one_bag.desk.clock() - timedelta(minutes=3)
    reading = one_bag.hear(*pressure(), clock_at=at.replace(tzinfo=None))
    assert reading is not None and reading.measured_at == at and not reading.doubts


def test_the_instruments_clock_is_read_in_the_local_zone(one_bag: Kit) -> None:
    local = one_bag.desk.clock().astimezone(timezone(timedelta(hours=8)))
    reading = receive(
        one_bag.desk.store,
        one_bag.known,
        one_bag.device,
        DESCRIPTION,
        Measurement(values=pressure(), clock_at=local.replace(tzinfo=None)),
        focus=one_bag.focus,
        now=local,
    )
    assert reading is not None and reading.measured_at == local and not reading.doubts


@pytest.mark.parametrize("ago", [timedelta(minutes=31), timedelta(hours=9), timedelta(days=1), timedelta(days=40)])
def test_an_old_reading_is_not_taken_for_todays(one_bag: Kit, ago: timedelta) -> None:
    at = one_bag.desk.clock() - ago
    reading = one_bag.hear(*pressure(), clock_at=at.replace(tzinfo=None))
    assert subjects(reading) == ["earlier"] and reading is not None and reading.earlier
    assert (reading.draft_id, reading.person_id, reading.measured_at) == (None, None, at)
    assert "不算今天的" in reading.doubts[0].message and f"{at:%Y-%m-%d %H:%M}" in reading.doubts[0].message
    assert one_bag.waiting() == [] and one_bag.unassigned() == [reading.id]
    with pytest.raises(UserError, match="还没有归到这位居民"):
        one_bag.confirm(reading)


def test_an_encounter_open_all_day_does_not_take_the_readings_of_the_morning(one_bag: Kit) -> None:
    one_bag.desk.pass_time(hours=5)
    morning = one_bag.desk.clock() - timedelta(hours=2)
    assert subjects(one_bag.hear(*pressure(), clock_at=morning.replace(tzinfo=None))) == ["earlier"]


def test_when_the_person_came_in_front_counts(one_bag: Kit) -> None:
    one_bag.desk.pass_time(hours=2)
    since = one_bag.desk.clock() - timedelta(minutes=80)
    focus = Focus(
        account_id=one_bag.focus.account_id, draft_id=one_bag.focus.draft_id, person_id=one_bag.person.id, since=since
    )
    during = since + timedelta(minutes=1)
    assert subjects(one_bag.hear(*pressure(), focus=focus, clock_at=during.replace(tzinfo=None))) == []
    before = since - timedelta(minutes=5)
    reading = one_bag.hear(*pressure(), focus=focus, clock_at=before.replace(tzinfo=None))
    assert subjects(reading) == ["before"] and reading is not None and reading.draft_id == focus.draft_id


def test_how_old_is_too_old_is_a_setting(one_bag: Kit) -> None:
    change_reading_rules(one_bag.desk.store, one_bag.desk.account, ReceivingPolicy(stale_minutes=120))
    at = one_bag.desk.clock() - timedelta(minutes=90)
    assert subjects(one_bag.hear(*pressure(), clock_at=at.replace(tzinfo=None))) == ["before"]


def test_yesterdays_reading_is_old_however_long_the_rules_allow(one_bag: Kit) -> None:
    change_reading_rules(one_bag.desk.store, one_bag.desk.account, ReceivingPolicy(stale_minutes=1440))
    yesterday = one_bag.desk.clock() - timedelta(hours=9)
    assert subjects(one_bag.hear(*pressure(), clock_at=yesterday.replace(tzinfo=None))) == ["earlier"]


def test_a_reading_of_a_minute_before_midnight_is_not_old(one_bag: Kit) -> None:
    one_bag.desk.clock.at = one_bag.desk.clock().replace(hour=23, minute=58)
    _, focus = one_bag.open("李桂花")
    at = one_bag.desk.clock() + timedelta(minutes=1)
    one_bag.desk.pass_time(minutes=3)
    assert subjects(one_bag.hear(*pressure(), focus=focus, clock_at=at.replace(tzinfo=None))) == []


@pytest.mark.parametrize(
    "clock", [datetime(1970, 1, 1), datetime(2000, 1, 1, 12), datetime(2026, 3, 2, 9), datetime(2031, 1, 1)]
)
def test_a_clock_that_is_wrong_is_told_and_the_time_of_arrival_counts(one_bag: Kit, clock: datetime) -> None:
    reading = one_bag.hear(*pressure(), clock_at=clock)
    assert subjects(reading) == ["clock"] and reading is not None
    assert "仪器时钟" in reading.doubts[0].message and reading.measured_at == one_bag.desk.clock()
    assert one_bag.waiting() == [reading.id] and not reading.earlier


def test_how_much_a_clock_may_differ_is_a_setting(one_bag: Kit) -> None:
    fast = (one_bag.desk.clock() + timedelta(minutes=8)).replace(tzinfo=None)
    assert subjects(one_bag.hear(*pressure(), clock_at=fast)) == ["clock"]
    change_reading_rules(one_bag.desk.store, one_bag.desk.account, ReceivingPolicy(clock_tolerance_minutes=10))
    reading = one_bag.hear(*pressure(133), clock_at=fast)
    assert subjects(reading) == [] and reading is not None and reading.measured_at == one_bag.desk.clock()


def test_a_computer_whose_clock_is_wrong_judges_no_other(one_bag: Kit) -> None:
    change_reading_rules(one_bag.desk.store, one_bag.desk.account, ReceivingPolicy(confirm_readings=False))
    right = one_bag.desk.clock()
    one_bag.desk.pass_time(hours=-1)
    reading = one_bag.hear(*pressure(), clock_at=right.replace(tzinfo=None))
    assert subjects(reading) == ["clock"] and reading is not None and reading.state is ReadingState.WAITING
    assert "电脑时钟不对" in reading.doubts[0].message


def test_a_doctor_may_say_that_it_was_just_taken_and_the_clock_is_wrong(one_bag: Kit) -> None:
    store, me = one_bag.desk.store, one_bag.desk.account
    reading = one_bag.hear(*pressure(), clock_at=datetime(2025, 1, 1, 9))
    assert reading is not None and reading.earlier
    given = give_to(store, me, reading.id, one_bag.focus.draft_id, measured_now=True)
    assert (given.earlier, given.measured_at, given.doubts) == (False, one_bag.desk.clock(), ())


# Another patient.


@pytest.mark.parametrize("entered", ["曾小明", " 曾 小明", "360731196308174026", "174026", "１７４０２６"])
def test_who_was_entered_at_the_instrument_fits(one_bag: Kit, entered: str) -> None:
    _, focus = (
        one_bag.open("曾小明", identifier="360731196308174026") if entered[-1].isdigit() else (None, one_bag.focus)
    )
    reading = one_bag.hear(*pressure(), focus=focus, patient=entered)
    assert subjects(reading) == [] and reading is not None and reading.draft_id == focus.draft_id


@pytest.mark.parametrize("entered", ["李桂花", "1", "9"])
def test_another_patient_entered_needs_a_choice(one_bag: Kit, entered: str) -> None:
    reading = one_bag.hear(*pressure(), patient=entered)
    assert subjects(reading) == ["patient"] and reading is not None
    assert reading.doubts[0].message.startswith("仪器上登记的是另一个人") and reading.entered == entered
    assert reading.draft_id is None and one_bag.unassigned() == [reading.id]
    given = give_to(one_bag.desk.store, one_bag.desk.account, reading.id, one_bag.focus.draft_id)
    assert subjects(given) == ["patient"] and one_bag.waiting() == [reading.id]
    assert one_bag.confirm(given).state is ReadingState.CONFIRMED


def test_given_to_whom_it_names_nothing_is_in_doubt(one_bag: Kit) -> None:
    reading = one_bag.hear(*pressure(), patient="李桂花")
    assert reading is not None
    _, focus = one_bag.open("李桂花")
    assert subjects(give_to(one_bag.desk.store, one_bag.desk.account, reading.id, focus.draft_id)) == []


# One tap.


def test_one_tap_gives_the_form_its_values_and_is_in_the_log(bag: Kit) -> None:
    reading = bag.hear(*pressure(131.0, 84.5), value("pulse_bpm", 71, "次/分"))
    confirmed = bag.confirm(reading)
    assert confirmed.state is ReadingState.CONFIRMED and confirmed.settled_by == bag.desk.account.name
    assert into_form(confirmed) == {"systolic_mmhg": ["131"], "diastolic_mmhg": ["84.5"], "pulse_bpm": ["71"]}
    (line,) = bag.audited(Action.CONFIRM_READING)
    assert (line.person, line.subject, line.account) == (bag.person.id, confirmed.id, bag.desk.account.id)
    assert bag.waiting() == []
    found = confirmed_for(bag.desk.store, bag.desk.account, bag.focus.draft_id)
    assert [each.id for each in found] == [confirmed.id]


def test_a_second_tap_on_the_same_changes_nothing(bag: Kit) -> None:
    reading = bag.hear(*pressure())
    assert into_form(bag.confirm(reading)) == into_form(bag.confirm(reading))
    assert len(bag.audited(Action.CONFIRM_READING)) == 1


def test_what_was_confirmed_is_not_confirmed_into_another_encounter(bag: Kit) -> None:
    reading = bag.confirm(bag.hear(*pressure()))
    _, focus = bag.open("李桂花")
    store, me = bag.desk.store, bag.desk.account
    for attempt in (
        lambda: confirm_reading(store, me, reading.id, focus.draft_id),
        lambda: give_to(store, me, reading.id, focus.draft_id),
        lambda: discard_reading(store, me, reading.id, "测错了"),
    ):
        with pytest.raises(UserError, match="已经记进一份接诊"):
            attempt()
    bag.sign({})
    with pytest.raises(UserError, match="已经记进一份接诊"):
        confirm_reading(store, me, reading.id, focus.draft_id)


def test_a_clean_reading_needs_no_tap_where_the_rules_say_so(bag: Kit) -> None:
    change_reading_rules(bag.desk.store, bag.desk.account, ReceivingPolicy(confirm_readings=False))
    clean = bag.hear(*pressure())
    assert clean is not None and clean.state is ReadingState.CONFIRMED and clean.settled_by == bag.desk.account.name
    assert [line.detail for line in bag.audited(Action.CONFIRM_READING)] == ["自动"]
    odd = [
        bag.hear(*pressure(195)),
        bag.hear(value("systolic_mmhg", 500, "mmHg"), value("diastolic_mmhg", 84, "mmHg")),
        bag.hear(*pressure(140), flags=("cuff_loose",)),
        bag.hear(*pressure(), clock_at=datetime(2000, 1, 1)),
        bag.hear(*pressure(141), patient="李桂花"),
        bag.hear(*pressure(142), focus=None),
        bag.hear(value("pulse_bpm", None)),
    ]
    assert [each is not None and each.state for each in odd] == [ReadingState.WAITING] * len(odd)


def test_a_wrong_one_is_given_to_another_encounter(bag: Kit) -> None:
    reading = bag.hear(*pressure())
    person, focus = bag.open("李桂花")
    assert reading is not None
    given = give_to(bag.desk.store, bag.desk.account, reading.id, focus.draft_id)
    assert (given.person_id, given.person_name, given.draft_id) == (person.id, "李桂花", focus.draft_id)
    assert bag.waiting() == []
    with pytest.raises(UserError, match="还没有归到这位居民"):
        bag.confirm(reading)
    (line,) = bag.audited(Action.GIVE_READING)
    assert (line.person, line.subject) == (person.id, reading.id)


def test_a_reading_is_discarded_with_a_reason(bag: Kit) -> None:
    store, me, reading = bag.desk.store, bag.desk.account, bag.hear(*pressure())
    assert reading is not None
    with pytest.raises(UserError, match="请写明为什么不要"):
        discard_reading(store, me, reading.id, " ")
    with pytest.raises(UserError, match="最多 100 字"):
        discard_reading(store, me, reading.id, "长" * 101)
    discard_reading(store, me, reading.id, "袖带没绑好")
    assert bag.waiting() == []
    (line,) = bag.audited(Action.DISCARD_READING)
    assert (line.person, line.subject) == (bag.person.id, reading.id) and "袖带" not in line.detail
    with pytest.raises(UserError, match="已经丢弃"):
        bag.confirm(reading)


def test_what_was_confirmed_into_a_draft_that_is_thrown_away_waits_again(bag: Kit) -> None:
    reading = bag.confirm(bag.hear(*pressure()))
    discard(bag.desk.store, bag.desk.account, bag.focus.draft_id)
    assert bag.unassigned() == [reading.id]
    _, bag.focus = bag.open("李桂花")
    give_to(bag.desk.store, bag.desk.account, reading.id, bag.focus.draft_id)
    assert bag.confirm(reading).person_name == "李桂花"


def test_nobody_reaches_into_an_encounter_of_somebody_else(bag: Kit) -> None:
    reading = bag.hear(*pressure())
    nurse = bag.desk.colleague("nurse", Role.NURSE)
    store = bag.desk.store
    assert reading is not None
    own = begin_draft(store, nurse, bag.desk.register("李桂花").id, {})
    for attempt in (
        lambda: waiting_for(store, nurse, bag.focus.draft_id),
        lambda: confirm_reading(store, nurse, reading.id, bag.focus.draft_id),
        lambda: give_to(store, nurse, reading.id, own.id),
        lambda: discard_reading(store, nurse, reading.id, "测错了"),
    ):
        with pytest.raises(NotAllowedError):
            attempt()
    manager = bag.desk.colleague("manager", Role.MANAGER)
    with pytest.raises(NotAllowedError):
        waiting_unassigned(store, manager)


def test_a_reading_that_is_not_there_is_told(bag: Kit) -> None:
    with pytest.raises(UserError, match="没有这次读数"):
        discard_reading(bag.desk.store, bag.desk.account, bag.person.id, "测错了")


# The signed record.


def test_a_confirmed_value_keeps_instrument_time_person_and_what_was_sent(bag: Kit) -> None:
    bag.desk.pass_time(minutes=10)
    at = bag.desk.clock() - timedelta(minutes=4)
    note_facts(bag.desk.store, bag.device.id, {"model": "BP-2", "serial": "S7"})
    (bag.device,) = devices(bag.desk.store, bag.desk.account)
    reading = bag.hear(
        value("systolic_mmhg", 141.75, "mmHg", "18.9 kPa"),
        value("diastolic_mmhg", 84, "mmHg", "11.2 kPa"),
        value("uric_acid", 512, "μmol/L", "512 umol/L"),
        value("urine_protein", "++"),
        clock_at=at.replace(tzinfo=None),
    )
    form = into_form(bag.confirm(reading)) | {"pulse_bpm": ["72"]}
    form["diastolic_mmhg"] = ["86"]
    record = bag.sign(form)
    assert misfits(bag.desk.store, bag.desk.folder) == []
    found = by_item(record)
    systolic = found["systolic_mmhg"]
    assert (systolic.device, systolic.at, systolic.by) == ("诊室血压计 BP-2 S7", at, bag.desk.account.name)
    assert (systolic.value, systolic.raw) == (141.75, "18.9 kPa")
    for name in ("尿酸", "尿蛋白"):
        assert (found[name].device, found[name].at, found[name].laboratory) == ("诊室血压计 BP-2 S7", at, True)
    typed = found["diastolic_mmhg"]
    assert (typed.device, typed.raw) == ("", UNSET) and typed.at == record.encounter.occurred_at
    assert (found["pulse_bpm"].device, found["pulse_bpm"].raw) == ("", UNSET)
    table = schema.measured
    with bag.desk.store.reading() as connection:
        rows = connection.execute(select(table.c.item, table.c.device, table.c.at)).all()
    assert {(row.item, row.device, row.at) for row in rows} >= {("systolic_mmhg", "诊室血压计 BP-2 S7", at)}


def test_a_result_under_its_english_name_keeps_its_instrument(bag: Kit) -> None:
    form = into_form(bag.confirm(bag.hear(value("uric_acid", 512, "μmol/L"))))
    assert bag.known.content.items["uric_acid"].name_en != form["lab_name"][0]
    form["lab_name"] = [bag.known.content.items["uric_acid"].name_en]
    (measured,) = bag.sign(form).encounter.measured
    assert measured.device == "诊室血压计"


def test_a_result_whose_unit_was_changed_counts_as_typed(bag: Kit) -> None:
    form = into_form(bag.confirm(bag.hear(value("uric_acid", 512, "μmol/L"))))
    (measured,) = bag.sign(form | {"lab_unit": ["mg/dL"]}).encounter.measured
    assert measured.device == ""


def test_of_two_readings_the_later_one_stands_in_the_record(bag: Kit) -> None:
    first = bag.confirm(bag.hear(*pressure(150)))
    bag.desk.pass_time(minutes=6)
    second = bag.confirm(bag.hear(*pressure(134)))
    found = by_item(bag.sign(into_form(first) | into_form(second)))
    assert found["systolic_mmhg"].at == second.measured_at
    assert found["diastolic_mmhg"].at == second.measured_at


def test_a_value_that_nobody_confirmed_is_a_typed_one(bag: Kit) -> None:
    reading = bag.hear(*pressure())
    assert reading is not None
    found = by_item(bag.sign(into_form(reading)))
    assert {each.device for each in found.values()} == {""}


def test_the_record_names_who_took_it_where_another_signs(bag: Kit) -> None:
    nurse = bag.desk.seat.add_account(
        "system", login="nurse", name="赖护士", role=Role.NURSE, password=PASSWORD, areas=("360731101201",)
    )
    draft = begin_draft(bag.desk.store, nurse, bag.person.id, {})
    reading = bag.hear(*pressure(), focus=Focus(account_id=nurse.id, draft_id=draft.id, person_id=bag.person.id))
    assert reading is not None
    form = into_form(confirm_reading(bag.desk.store, nurse, reading.id, draft.id))
    assert {each.by for each in bag.sign(form, draft_id=draft.id).encounter.measured} == {"赖护士"}


def test_a_correction_keeps_the_instrument_of_what_was_not_changed(bag: Kit) -> None:
    reading = bag.confirm(bag.hear(*pressure(), value("uric_acid", 512, "μmol/L")))
    record = bag.sign(into_form(reading) | {"pulse_bpm": ["72"]})
    bag.desk.pass_time(days=1)
    form = fields_of(record.encounter) | {"systolic_mmhg": ["123"]}
    colleague = bag.desk.colleague("wang")
    draft = begin_amendment(bag.desk.store, colleague, record.encounter_id, form)
    again = bag.sign(form, draft_id=draft.id, reason="写错了", by=colleague)
    before, after = by_item(record), by_item(again)
    assert after["diastolic_mmhg"] == before["diastolic_mmhg"] and after["尿酸"] == before["尿酸"]
    assert after["diastolic_mmhg"].device == "诊室血压计"
    assert (after["systolic_mmhg"].value, after["systolic_mmhg"].device) == (123, "")
    assert (after["pulse_bpm"].device, after["pulse_bpm"].by) == ("", colleague.name)


def test_typing_needs_no_instrument_and_leaves_the_document_as_it_was(bag: Kit) -> None:
    record = bag.sign({"systolic_mmhg": ["132"], "lab_name": ["尿酸"], "lab_value": ["512"], "lab_unit": ["μmol/L"]})
    assert [(each.device, each.by) for each in record.encounter.measured] == [("", bag.desk.account.name)] * 2
    with bag.desk.store.reading() as connection:
        kept = kept_record(connection, record.organisation, record.id)
    assert kept is not None and b'"raw"' not in kept.body


def test_everything_is_there_after_a_restart(tmp_path, known: Knowledge) -> None:
    bag = Kit(in_folder(tmp_path / "node"), known)
    confirmed = bag.confirm(bag.hear(*pressure()))
    waiting = bag.hear(*pressure(500), patient="曾小明")
    nobodys = bag.hear(*pressure(120), focus=None, sequence=4)
    desk, folder = bag.desk, bag.desk.folder
    desk.seat.close()
    desk.seat = Seat(clock=desk.clock, cost=CHEAP, folder=folder)
    desk.seat.sign_in(LOGIN, PASSWORD)
    assert waiting is not None and nobodys is not None
    (found,) = waiting_for(desk.store, desk.account, bag.focus.draft_id)
    assert found.id == waiting.id and found.values[0].refused is not None
    assert bag.unassigned() == [nobodys.id]
    assert bag.hear(*pressure(120), sequence=4) is None
    assert by_item(bag.sign(into_form(confirmed)))["systolic_mmhg"].device == "诊室血压计"
    desk.seat.close()


# The list of instruments.


def test_instruments_are_added_changed_and_removed_and_all_of_it_is_in_the_log(bag: Kit) -> None:
    store, me = bag.desk.store, bag.desk.account
    changed = change_device(store, me, bag.device.id, name="出诊血压计", serial_number="S7", active=False)
    assert (changed.name, changed.address, changed.label) == ("出诊血压计", "AA:01", "出诊血压计 S7")
    assert [each.active for each in devices(store, me)] == [False]
    remove_device(store, me, bag.device.id)
    assert devices(store, me) == []
    with pytest.raises(UserError, match="没有这台仪器"):
        change_device(store, me, bag.device.id, name="血压计")
    assert [line.detail for line in bag.audited(Action.CHANGE_DEVICE)] == ["登记", "更改", "移除"]


def test_an_instrument_that_comes_back_knows_its_readings_again(bag: Kit) -> None:
    store, me = bag.desk.store, bag.desk.account
    assert bag.hear(*pressure(), sequence=3) is not None
    remove_device(store, me, bag.device.id)
    bag.device = add_device(store, me, driver="pressure", transport="ble", address="AA:01", name="血压计")
    assert bag.hear(*pressure(), sequence=3) is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "长" * 31}, "name"),
        ({"name": "诊室血压计"}, "name"),
        ({"address": ""}, "address"),
        ({"address": "AA:01"}, "address"),
        ({"transport": "smoke"}, "transport"),
    ],
)
def test_an_instrument_that_cannot_be_added_is_told_why(one_bag: Kit, fields: dict[str, str], field: str) -> None:
    given = {"driver": "pressure", "transport": "ble", "address": "BB:02", "name": "血氧仪", **fields}
    with pytest.raises(UserError) as told:
        add_device(one_bag.desk.store, one_bag.desk.account, **given)
    assert told.value.field == field


def test_nurses_keep_instruments_and_managers_do_not(bag: Kit) -> None:
    nurse, manager = bag.desk.colleague("nurse", Role.NURSE), bag.desk.colleague("manager", Role.MANAGER)
    added = add_device(bag.desk.store, nurse, driver="scale", transport="serial", address="/dev/ttyUSB0", name="体重秤")
    assert added in devices(bag.desk.store, nurse)
    with pytest.raises(NotAllowedError, match="不能使用仪器"):
        devices(bag.desk.store, manager)


def test_what_an_instrument_tells_of_itself_is_kept_once(bag: Kit) -> None:
    note_facts(bag.desk.store, bag.device.id, {"model": "BP-2"})
    note_facts(bag.desk.store, bag.device.id, {"serial": "S7", "model": "BP-2"})
    (device,) = devices(bag.desk.store, bag.desk.account)
    assert device.facts == {"model": "BP-2", "serial": "S7"}


def test_rules_that_cannot_be_meant_are_refused(bag: Kit) -> None:
    for wrong in ({"stale_minutes": 0}, {"clock_tolerance_minutes": 1441}, {"duplicate_seconds": -1}):
        with pytest.raises(UserError) as told:
            change_reading_rules(bag.desk.store, bag.desk.account, ReceivingPolicy(**wrong))
        assert told.value.field == next(iter(wrong))
    assert reading_rules(bag.desk.store) == ReceivingPolicy()


# What must not be told.


def test_nothing_of_a_person_is_in_logs_reprs_or_the_audit_log(bag: Kit, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reading = bag.hear(*pressure(187), value("uric_acid", 512, "μmol/L"), patient="钟离大山", conclusion="心房颤动")
    assert reading is not None
    given = give_to(bag.desk.store, bag.desk.account, reading.id, bag.focus.draft_id)
    confirmed = bag.confirm(given)
    discarded = bag.hear(*pressure(188))
    assert discarded is not None
    discard_reading(bag.desk.store, bag.desk.account, discarded.id, "病人是钟离大山")
    bag.sign(into_form(confirmed))
    with bag.desk.store.reading() as connection:
        details = "".join(connection.execute(select(schema.audit_entry.c.detail)).scalars())
    shown = caplog.text + repr(reading) + repr(confirmed) + repr(confirmed.values) + details
    for secret in ("钟离大山", "曾小明", "187", "188", "512", "心房颤动"):
        assert secret not in shown, secret
