"""What the five Bluetooth drivers make of bytes: captures, garbage, and the ways of each instrument."""

from datetime import datetime, timedelta, timezone
from importlib.resources import files

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.devices.catalogue import drivers
from cunyi.devices.driver import Write
from cunyi.devices.transports.replay import captures, replay
from cunyi.domain.measurement import Measurement

NOW = datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))
BLE = {driver.id: driver for driver in drivers() if driver.id.startswith("ble_")}
ITEMS = {"temperature_c", "pulse_bpm", "systolic_mmhg", "diastolic_mmhg", "spo2_pct", "weight_kg", "glucose_mmol_l"}
UNITS = {
    "temperature_c": "℃",
    "pulse_bpm": "次/分",
    "systolic_mmhg": "mmHg",
    "diastolic_mmhg": "mmHg",
    "spo2_pct": "%",
    "weight_kg": "kg",
    "glucose_mmol_l": "mmol/L",
}
MEASURING = {"2A35", "2A5E", "2A5F", "2A18", "2A34", "2A1C", "2A1E", "2A9D"}
CAPTURES = [(driver, name) for driver in BLE for name in captures(driver)]


def hexed(text):
    return bytes.fromhex(text)


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_there_are_five_and_they_say_what_they_measure():
    assert set(BLE) == {"ble_blood_pressure", "ble_oximeter", "ble_glucose", "ble_thermometer", "ble_weight"}
    assert {item for driver in BLE.values() for item in driver.description.items} == ITEMS


@pytest.mark.parametrize("driver", BLE.values(), ids=lambda driver: driver.id)
def test_the_troubles_of_the_transport_have_words(driver):
    assert {"garbled", "needs_pairing", "refused", "not_this_instrument"} <= set(driver.description.troubles)


@pytest.mark.parametrize(("driver", "name"), CAPTURES)
def test_captures(driver, name):
    replayed = replay(BLE[driver], captures(driver)[name])
    beside = files("cunyi.devices.drivers") / driver / "captures" / f"{name}.expected.json"
    assert replayed.differences == ()
    assert list(replayed.measurements) == msgspec.json.decode(beside.read_bytes(), type=list[Measurement])
    description = BLE[driver].description
    assert set(replayed.states) <= set(description.states)
    assert set(replayed.troubles) <= set(description.troubles)
    for measurement in replayed.measurements:
        assert set(measurement.flags) <= set(description.flags)


def test_a_cut_off_and_an_over_long_value_are_troubles():
    replayed = replay(BLE["ble_blood_pressure"], captures("ble_blood_pressure")["no_result_and_cut_off"])
    assert replayed.troubles == ("cuff_loose", "garbled", "garbled")


@pytest.mark.parametrize("driver", BLE.values(), ids=lambda driver: driver.id)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_bytes_are_an_exception(driver, data):
    """Whatever arrives, in whatever order: words of the driver file, items of the record, or nothing."""
    ble = driver.description.ble
    parser = driver.parser()
    told = [parser.begin(NOW)]
    value = st.binary(max_size=24)
    steps = data.draw(
        st.lists(
            st.tuples(st.sampled_from([*ble.listen, *ble.read, "FFF1", "tick"]), value, st.integers(-9, 40)),
            max_size=12,
        )
    )
    for channel, sent, seconds in steps:
        told.append(parser.tick(after(seconds)) if channel == "tick" else parser.feed(channel, sent, after(seconds)))
    for heard in told:
        assert not heard.state or heard.state in driver.description.states
        assert not heard.trouble or heard.trouble in driver.description.troubles
        for measurement in heard.measurements:
            assert set(measurement.flags) <= set(driver.description.flags)
            assert all(value.unit == UNITS[value.item] for value in measurement.values)


@pytest.mark.parametrize(("driver", "name"), CAPTURES)
def test_a_value_that_lacks_bytes_or_has_too_many_is_never_a_measurement(driver, name):
    sent = [step for step in captures(driver)[name].steps if step.kind == "<" and step.channel in MEASURING]
    for step in sent:
        if BLE[driver].parser().feed(step.channel, step.data, NOW).trouble == "garbled":
            continue
        for data in [step.data[:length] for length in range(len(step.data))] + [step.data + b"\0"]:
            heard = BLE[driver].parser().feed(step.channel, data, NOW)
            assert (heard.measurements, heard.trouble) == ((), "garbled")


@pytest.mark.parametrize("driver", BLE.values(), ids=lambda driver: driver.id)
def test_battery_information_and_clock(driver):
    parser = driver.parser()
    clock = parser.begin(NOW).replies[:2]
    assert clock == (
        Write("2A2B", hexed("EA 07 0B 19 09 00 00 03 00 01")),
        Write("2A08", hexed("EA 07 0B 19 09 00 00")),
    )
    assert parser.feed("2A19", b"\x50", NOW).battery_pct == 80
    assert parser.feed("2A19", b"\xff", NOW).battery_pct is None
    assert parser.feed("2A24", "健康-1\0\0".encode(), NOW).facts == {"model": "健康-1"}
    assert parser.feed("2A25", b"\xff\xfe12", NOW).facts == {"serial": "��12"}
    assert parser.feed("2A26", b"", NOW).facts == {}
    assert parser.feed("2A29", b"x" * 500, NOW).facts == {"manufacturer": "x" * 64}


# Oximeter


def running(parser, values, *, start=0, every=1):
    """Feed running values, one `every` seconds; the results among what it tells."""
    told = [
        parser.feed("2A5F", b"\x00" + bytes([value, 0, 70, 0]), after(start + number * every))
        for number, value in enumerate(values)
    ]
    return [measurement for heard in told for measurement in heard.measurements if measurement.final]


def spo2(measurements):
    return [measurement.values[0].value for measurement in measurements]


def test_a_running_oximeter_gives_one_result_for_each_finger():
    parser = BLE["ble_oximeter"].parser()
    assert spo2(running(parser, [97] * 20)) == [97]
    assert parser.feed("2A5F", hexed("00 FF 07 FF 07"), after(20)).state == "no_finger"
    assert spo2(running(parser, [92] * 9, start=21)) == [92]
    # Pulled out without a word: nothing for longer than three seconds.
    assert spo2(running(parser, [95] * 9, start=60)) == [95]


@pytest.mark.parametrize("nothing", [0, 127])
def test_what_no_blood_can_have_is_no_finger(nothing):
    parser = BLE["ble_oximeter"].parser()
    assert running(parser, [nothing] * 12) == []
    assert spo2(running(parser, [97] * 9, start=12)) == [97]


def test_an_oximeter_that_wanders_gives_no_result_until_it_is_steady():
    parser = BLE["ble_oximeter"].parser()
    assert running(parser, [88, 92, 96, 99, 95, 91, 88, 92, 96, 99, 95]) == []
    assert spo2(running(parser, [96] * 8, start=11)) == [96]


def test_eight_seconds_with_too_few_values_are_no_result():
    assert running(BLE["ble_oximeter"].parser(), [97] * 4, every=3) == []


def test_values_that_the_oximeter_doubts_do_not_count():
    parser = BLE["ble_oximeter"].parser()
    poor = b"\x08" + bytes([97, 0, 70, 0]) + hexed("10 00 00")
    told = [parser.feed("2A5F", poor, after(second)) for second in range(15)]
    assert all(not measurement.final for heard in told for measurement in heard.measurements)
    assert told[0].measurements[0].flags == ("poor_signal",)


def test_demonstration_values_and_a_loose_sensor_are_nobodys():
    parser = BLE["ble_oximeter"].parser()
    demonstration = parser.feed("2A5E", hexed("02 61 00 48 00 00 04"), NOW)
    assert (demonstration.measurements, demonstration.trouble) == ((), "not_measuring")
    loose = parser.feed("2A5E", hexed("04 61 00 48 00 00 08 00"), NOW)
    assert (loose.measurements, loose.trouble) == ((), "sensor_off")
    from_memory = parser.feed("2A5F", hexed("04 61 00 48 00 00 02"), NOW)
    assert (from_memory.measurements, from_memory.trouble) == ((), "not_measuring")


def test_a_clock_that_was_never_set_is_no_time():
    heard = BLE["ble_oximeter"].parser().feed("2A5E", hexed("11 61 00 48 00 EA 07 0B 19 08 3B 32"), NOW)
    assert heard.measurements[0].clock_at is None


# Glucose


def record(sequence, *, flags=0x06, kind=0x11, mmol=b"\x4e\xc0", status=b""):
    return (
        bytes([flags]) + sequence.to_bytes(2, "little") + hexed("EA 07 0B 19 08 37 00") + mmol + bytes([kind]) + status
    )


def asked(heard):
    return [write.data for write in heard.replies if write.channel == "2A52"]


def test_the_last_record_is_asked_first_then_only_newer_ones():
    parser = BLE["ble_glucose"].parser()
    assert asked(parser.begin(NOW)) == [b"\x01\x06"]
    assert parser.feed("2A18", record(0x0102), NOW).measurements[0].sequence == 0x0102
    parser.feed("2A52", hexed("06 00 01 01"), NOW)
    assert asked(parser.tick(after(1))) == []
    assert asked(parser.tick(after(6))) == [hexed("01 03 01 03 01")]


def test_a_meter_without_records_is_asked_again():
    parser = BLE["ble_glucose"].parser()
    parser.begin(NOW)
    assert parser.feed("2A52", hexed("06 00 01 06"), NOW).state == "no_records"
    assert asked(parser.tick(after(6))) == [b"\x01\x06"]


def test_a_meter_that_stops_or_does_not_answer_is_asked_again():
    parser = BLE["ble_glucose"].parser()
    parser.begin(NOW)
    assert parser.feed("2A52", hexed("06 00 01 08"), NOW).trouble == "not_completed"
    assert asked(parser.tick(after(6))) == [b"\x01\x06"]
    assert asked(parser.tick(after(20))) == []
    again = parser.tick(after(37))
    assert (again.trouble, asked(again)) == ("no_records_answer", [b"\x01\x06"])


def test_a_meter_that_knows_no_newer_records_is_left_in_peace():
    parser = BLE["ble_glucose"].parser()
    parser.begin(NOW)
    parser.feed("2A18", record(1), NOW)
    parser.feed("2A52", hexed("06 00 01 01"), NOW)
    assert asked(parser.tick(after(6))) == [hexed("01 03 01 02 00")]
    parser.feed("2A52", hexed("06 00 01 03"), after(6))
    assert asked(parser.tick(after(60))) == []


@pytest.mark.parametrize("kind", [0x1A, 0x41, 0x4A])
def test_control_solution_is_nobodys_blood(kind):
    heard = BLE["ble_glucose"].parser().feed("2A18", record(3, kind=kind), NOW)
    assert heard.measurements[0].control_solution
    assert heard.state == "control_solution"


def test_a_record_whose_context_does_not_come_is_not_lost():
    parser = BLE["ble_glucose"].parser()
    parser.begin(NOW)
    assert parser.feed("2A18", record(1, flags=0x16), NOW).measurements == ()
    assert parser.feed("2A34", hexed("02 09 00 01"), NOW).measurements == ()
    assert parser.tick(after(1)).measurements == ()
    late = parser.tick(after(3)).measurements
    assert [(one.sequence, one.flags) for one in late] == [(1, ())]


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("02 01 00 03", ("fasting",)),
        ("03 01 00 02 14 B0 01", ("before_meal",)),
        ("FF 01 00 00 02 14 B0 05 11 3C 00 50 01 0A C0 4B F0", ("bedtime",)),
        ("04 01 00 11", ()),
    ],
)
def test_the_meal_is_found_among_what_else_was_entered(context, words):
    parser = BLE["ble_glucose"].parser()
    parser.feed("2A18", record(1, flags=0x16), NOW)
    assert parser.feed("2A34", hexed(context), NOW).measurements[0].flags == words


def test_a_strip_fault_without_a_number_is_no_result():
    heard = BLE["ble_glucose"].parser().feed("2A18", record(1, flags=0x0E, mmol=b"\xff\x07", status=b"\x08\x00"), NOW)
    assert (heard.measurements, heard.trouble) == ((), "no_result")


def test_a_meter_that_says_its_clock_is_wrong_has_no_time():
    heard = BLE["ble_glucose"].parser().feed("2A18", record(1, flags=0x0E, status=b"\x00\x08"), NOW)
    assert heard.measurements[0].clock_at is None
    assert heard.measurements[0].flags == ("time_fault",)


# Others


def test_a_scale_that_did_not_settle_has_no_weight():
    heard = BLE["ble_weight"].parser().feed("2A9D", hexed("00 FF FF"), NOW)
    assert (heard.measurements, heard.trouble) == ((), "no_result")


def test_a_thermometer_without_a_number_has_no_temperature():
    heard = BLE["ble_thermometer"].parser().feed("2A1C", hexed("00 FF FF 7F 00"), NOW)
    assert (heard.measurements, heard.trouble) == ((), "no_result")
