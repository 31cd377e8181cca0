"""The bench over real pseudo-terminals and an emulated radio: what is heard becomes readings, cards and events."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from bench_for_tests import Page, connected, register, running, status_of, wait_until
from node_for_tests import CHEAP, LOGIN, PASSWORD, Clock, Node, a_node

from cunyi.devices.catalogue import drivers
from cunyi.devices.driver import Description, Driver, Heard, SerialDescription, Words
from cunyi.devices.transports.replay import read_capture
from cunyi.domain.device import Focus
from cunyi.domain.identity import IdentifierKind, check_digit
from cunyi.domain.measurement import DeviceKind, DeviceValue, IdentityCard, Measurement
from cunyi.journeys.bench import Bench
from cunyi.journeys.bench_attention import Attention, Cards
from cunyi.journeys.bench_events import MOST_STREAMS, Event, EventKind, Streams
from cunyi.journeys.bench_status import Condition
from cunyi.journeys.consulting import begin_draft, discard
from cunyi.journeys.keeping_devices import change_device, devices
from cunyi.journeys.receiving import waiting_for, waiting_unassigned
from cunyi.journeys.seat import Seat

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals on Windows", allow_module_level=True)
else:
    from cunyi.devices.simulation.card_reader import SimulatedCardReader
    from cunyi.devices.simulation.line_instrument import SimulatedLine

_FIRST17 = "36073119600505001"
CARD = IdentityCard(
    kind=IdentifierKind.RESIDENT_ID,
    number=_FIRST17 + check_digit(_FIRST17),
    name="刘大山",
    sex=None,
    birth_on=date(1960, 5, 5),
)
NOTHING = read_capture("origin: synthetic\nabout: an open line\nnow: 2026-11-25T09:00:00+08:00\n+0.0 begin\n")


class WeightOnALine:
    """Says a weight for each number on a line; `boom` is a defect."""

    def begin(self, now: datetime) -> Heard:
        return Heard(state="ready")

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        if data == b"boom":
            raise RuntimeError("刘大山 is in these bytes")
        if data == b"help":
            return Heard(trouble="help", battery_pct=40, facts={"model": "W-1"})
        weight = float(data)
        value = DeviceValue(item="weight_kg", value=weight, unit="kg", raw=f"{weight} kg")
        return Heard(measurements=(Measurement(values=(value,)),))

    def tick(self, now: datetime) -> Heard:
        return Heard()


def line_driver(name: str = "line_weight") -> Driver:
    words = Words(zh="请帮忙", en="help it")
    return Driver(
        description=Description(
            id=name,
            name=Words(zh="测试秤", en="test scale"),
            kind=DeviceKind.WEIGHT,
            items=("weight_kg",),
            document="this test",
            no_answer=Words(zh="看看线", en="look at the cable"),
            serial=SerialDescription(baud=9600),
            states={"ready": Words(zh="好了", en="ready")},
            troubles={"help": words},
        ),
        parser=WeightOnALine,
    )


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with a_node(tmp_path / "node") as made:
        yield made


def test_a_swipe_becomes_a_card_under_a_token_within_three_seconds(node, mini):
    with SimulatedCardReader() as reader:
        device = register(node, "id_card", reader.port)
        with running(node, mini) as bench:
            page = Page(bench, node.account.id)
            wait_until(lambda: connected(bench, device))
            reader.put(CARD)
            put_at = time.monotonic()
            at, event = page.wait_for(EventKind.CARD)
            assert at - put_at < 3
            assert bench.card(event.card_token) == CARD
            assert bench.card("guess") is None
            assert CARD.number not in repr(event) and CARD.name not in repr(event)


def test_a_measurement_becomes_a_reading_of_the_encounter_in_focus(node, mini):
    person = node.register("刘大山")
    draft = begin_draft(node.store, node.account, person.id, {})
    with SimulatedLine(NOTHING) as line:
        device = register(node, "line_weight", line.port)
        with running(node, mini, known=(line_driver(),)) as bench:
            page, other = Page(bench, node.account.id, draft.id), Page(bench, "another account")
            bench.focus(Focus(account_id=node.account.id, draft_id=draft.id, person_id=person.id))
            wait_until(lambda: connected(bench, device))
            sent_at = time.monotonic()
            line.write(b"61.5")
            at, event = page.wait_for(EventKind.READING)
            assert at - sent_at < 1
            assert event.draft_id == draft.id
            (reading,) = waiting_for(node.store, node.account, draft.id)
            assert reading.id == event.reading_id and reading.person_id == person.id
            assert [(value.item, value.value) for value in reading.values] == [("weight_kg", 61.5)]
            assert status_of(bench, device).last_reading.zh == "体重 61.5 kg"
            time.sleep(0.1)
            assert EventKind.READING not in other.kinds()


def test_a_blood_pressure_over_bluetooth_is_a_stored_reading_within_a_second(node, mini):
    pytest.importorskip("bumble")
    from cunyi.devices.simulation.radio import SimulatedRadio

    radio = SimulatedRadio()
    person = node.register("刘大山")
    draft = begin_draft(node.store, node.account, person.id, {})
    device = register(node, "ble_blood_pressure", radio.blood_pressure.address, "ble")
    with running(node, mini, radio=lambda: radio) as bench:
        page = Page(bench, node.account.id, draft.id)
        bench.focus(Focus(account_id=node.account.id, draft_id=draft.id, person_id=person.id))
        wait_until(lambda: len(bench.status()) == 1)
        assert status_of(bench, device).words.zh == "等它开机：测量时会自动连接"
        bench.run(radio.blood_pressure.turn_on())
        wait_until(lambda: connected(bench, device) and status_of(bench, device).battery_pct == 80, 20)
        bench.run(radio.blood_pressure.measure(systolic=158, diastolic=95, pulse=82))
        indicated_at = time.monotonic()
        at, event = page.wait_for(EventKind.READING)
        assert at - indicated_at < 1
        (reading,) = waiting_for(node.store, node.account, draft.id)
        assert reading.id == event.reading_id
        assert {value.item: value.value for value in reading.values} == {
            "systolic_mmhg": 158,
            "diastolic_mmhg": 95,
            "pulse_bpm": 82,
        }
        assert "SIM-BP" in reading.device_label
        found = bench.scan(0.2)
        assert found.no_radio is None
        bench.run(radio.oximeter.turn_on())
        assert ("ble_oximeter",) in [peripheral.drivers for peripheral in bench.scan(1).peripherals]


def test_a_computer_without_bluetooth_says_so_and_the_rest_works(node, mini):
    from cunyi.devices.transports.radio import RadioError, RadioFailure

    class NoRadio:
        def watch(self, seen):
            raise RadioError(RadioFailure.UNAVAILABLE)

        connect = watch

    with SimulatedLine(NOTHING) as line:
        there = register(node, "line_weight", line.port)
        away = register(node, "ble_blood_pressure", "C0:00:00:00:18:10", "ble")
        known = (line_driver(), *(driver for driver in drivers() if driver.id == "ble_blood_pressure"))
        with running(node, mini, known=known, radio=NoRadio) as bench:
            wait_until(lambda: connected(bench, there))
            wait_until(lambda: status_of(bench, away).condition is Condition.NOT_ALLOWED)
            assert "蓝牙用不了" in status_of(bench, away).words.zh
            assert "蓝牙" in bench.scan(0.1).no_radio.message


def test_without_an_encounter_a_reading_is_nobodys_and_everybody_is_told(node, mini):
    with SimulatedLine(NOTHING) as line:
        device = register(node, "line_weight", line.port)
        with running(node, mini, known=(line_driver(),)) as bench:
            pages = [Page(bench, node.account.id), Page(bench, "another account")]
            wait_until(lambda: connected(bench, device))
            line.write(b"61.5")
            for page in pages:
                assert page.wait_for(EventKind.READING)[1].draft_id == ""
            assert len(waiting_unassigned(node.store, node.account)) == 1


def test_readings_go_nowhere_else_once_the_encounter_is_thrown_away_or_the_session_ended(node, mini):
    person = node.register("刘大山")
    with running(node, mini, known=()) as bench:
        for end in (
            lambda draft: discard(node.store, node.account, draft.id),
            lambda draft: node.seat.sign_out(node.token),
        ):
            draft = begin_draft(node.store, node.account, person.id, {})
            focus = Focus(account_id=node.account.id, draft_id=draft.id, person_id=person.id)
            bench.focus(focus)
            assert bench.focused().draft_id == draft.id and bench.focused().since is not None
            end(draft)
            assert bench.focused() is None


def test_leaving_an_encounter_does_not_touch_the_next_one():
    now = [0.0]
    attention = Attention(lambda draft: False, lambda: now[0])
    first, second = (Focus(account_id="a", draft_id=draft, person_id="p") for draft in ("1", "2"))
    attention.turn_to(first)
    attention.turn_to(second)
    attention.leave("1")
    assert attention.current() == second
    attention.leave("2")
    assert attention.current() is None


def test_the_focus_lasts_while_a_page_shows_the_encounter_and_a_minute_longer():
    now, open_page = [0.0], [True]
    attention = Attention(lambda draft: open_page[0], lambda: now[0])
    since = datetime(2026, 11, 25, 9, tzinfo=UTC)
    attention.turn_to(Focus(account_id="a", draft_id="1", person_id="p", since=since))
    now[0] = 3600
    assert attention.current() is not None
    open_page[0] = False
    now[0] += 50
    assert attention.current() is not None, "a page that is loaded again"
    attention.turn_to(Focus(account_id="a", draft_id="1", person_id="p", since=since.replace(hour=10)))
    assert attention.current().since == since, "it is still the same encounter"
    now[0] += 61
    assert attention.current() is None


def test_a_card_is_forgotten_after_ten_minutes():
    now = [0.0]
    cards = Cards(lambda: now[0])
    token = cards.keep(CARD)
    now[0] = 599
    assert cards.get(token) == CARD
    now[0] = 601
    assert cards.get(token) is None


def test_an_instrument_that_is_unplugged_is_shown_and_comes_back(node, mini):
    with SimulatedLine(NOTHING) as line:
        device = register(node, "line_weight", line.port)
        with running(node, mini, known=(line_driver(),)) as bench:
            page = Page(bench, node.account.id)
            wait_until(lambda: connected(bench, device))
            seen = len(page.events)
            line.unplug()
            page.wait_for(EventKind.STATUS, after=seen)
            wait_until(lambda: status_of(bench, device).condition is Condition.SEARCHING)
            assert status_of(bench, device).words.zh == "没有插上；插上后会自动连接"
            line.plug_in()
            wait_until(lambda: connected(bench, device))
            line.write(b"70")
            page.wait_for(EventKind.READING)


def test_what_an_instrument_asks_for_is_shown_until_it_goes_on(node, mini):
    with SimulatedLine(NOTHING) as line:
        device = register(node, "line_weight", line.port)
        with running(node, mini, known=(line_driver(),)) as bench:
            wait_until(lambda: connected(bench, device) and status_of(bench, device).words.zh == "好了")
            line.write(b"help")
            wait_until(lambda: status_of(bench, device).words.zh == "请帮忙")
            status = status_of(bench, device)
            assert (status.battery_pct, status.facts) == (40, {"model": "W-1"})
            wait_until(lambda: devices(node.store, node.account)[0].facts == {"model": "W-1"})
            assert status.no_answer.zh == "看看线" and status.last_heard_at is not None
            line.write(b"70")
            wait_until(lambda: status_of(bench, device).words.zh == "好了")


def test_a_defect_of_one_driver_is_told_without_data_and_does_not_stop_another(node, mini, caplog):
    with SimulatedLine(NOTHING) as bad, SimulatedLine(NOTHING) as good:
        failing = register(node, "bad", bad.port)
        working = register(node, "good", good.port)
        with running(node, mini, known=(line_driver("bad"), line_driver("good"))) as bench:
            page = Page(bench, node.account.id)
            wait_until(lambda: connected(bench, failing) and connected(bench, working))
            bad.write(b"boom")
            wait_until(lambda: status_of(bench, failing).condition is Condition.DEFECT)
            good.write(b"70")
            assert page.wait_for(EventKind.READING)[1].device_id == working.id
            assert "bad failed: RuntimeError" in caplog.text and "刘大山" not in caplog.text
            wait_until(lambda: connected(bench, failing))
            seen = len(page.events)
            bad.write(b"71")
            assert page.wait_for(EventKind.READING, after=seen)[1].device_id == failing.id


def test_it_follows_what_is_registered(node, mini):
    with SimulatedLine(NOTHING) as line, running(node, mini, known=(line_driver(),)) as bench:
        assert bench.status() == []
        device = register(node, "line_weight", "/nowhere")
        bench.look_again()
        wait_until(lambda: len(bench.status()) == 1)
        change_device(node.store, node.account, device.id, address=line.port)
        bench.look_again()
        wait_until(lambda: connected(bench, device))
        change_device(node.store, node.account, device.id, name="卫生室的秤")
        bench.look_again()
        wait_until(lambda: status_of(bench, device).device.name == "卫生室的秤")
        assert connected(bench, device), "a new name is no new connection"
        change_device(node.store, node.account, device.id, active=False)
        bench.look_again()
        wait_until(lambda: bench.status() == [])


def test_it_begins_once_somebody_opened_the_node(tmp_path, mini):
    with SimulatedLine(NOTHING) as line, a_node(tmp_path / "node") as node:
        device = register(node, "line_weight", line.port)
        seat = Seat(clock=Clock(), cost=CHEAP, folder=node.folder)
        bench = Bench(seat, mini, known=(line_driver(),))
        bench.start()
        try:
            time.sleep(0.1)
            assert bench.status() == [] and bench.focused() is None
            seat.sign_in(LOGIN, PASSWORD)
            bench.look_again()
            wait_until(lambda: connected(bench, device))
        finally:
            bench.stop()
            seat.close()


def test_a_stop_ends_the_streams_and_keeps_what_was_received(node, mini):
    with SimulatedLine(NOTHING) as line:
        device = register(node, "line_weight", line.port)
        with running(node, mini, known=(line_driver(),)) as bench:
            page = Page(bench, node.account.id)
            wait_until(lambda: connected(bench, device))
            line.write(b"61.5")
            wait_until(lambda: status_of(bench, device).last_reading is not None)
        assert page.ended.wait(2)
        assert len(waiting_unassigned(node.store, node.account)) == 1


def test_streams_say_that_they_live_and_an_account_has_eight():
    async def listen() -> None:
        streams = Streams(heartbeat_seconds=0.05)
        first = streams.listen("a")
        assert (await anext(first)).kind is EventKind.STATUS
        assert (await anext(first)).kind is EventKind.HEARTBEAT
        others = [streams.listen("a") for _ in range(MOST_STREAMS)]
        for other in others:
            await anext(other)
        with pytest.raises(StopAsyncIteration):
            await anext(first)
        assert (await anext(others[0])).kind is EventKind.HEARTBEAT
        streams.close()
        with pytest.raises(StopAsyncIteration):
            await anext(others[0])
        late = streams.listen("a")
        await anext(late)
        with pytest.raises(StopAsyncIteration):
            await anext(late)

    asyncio.run(listen())


def test_a_page_that_does_not_read_is_dropped_and_blocks_nobody():
    async def listen() -> None:
        streams = Streams()
        lazy, busy = streams.listen("a", "draft"), streams.listen("b")
        await anext(lazy)
        await anext(busy)
        assert streams.shows("draft") and streams.newest_account() == "b"
        for number in range(1000):
            streams.tell(Event(kind=EventKind.STATUS, device_id=str(number)), "a")
        streams.tell(Event(kind=EventKind.READING, device_id="1"), "b")
        assert (await anext(busy)).kind is EventKind.READING
        with pytest.raises(StopAsyncIteration):
            await anext(lazy)
        assert not streams.shows("draft")
        await busy.aclose()
        assert streams.newest_account() is None

    asyncio.run(listen())
