"""The pages of the visit kit: instruments, readings that wait for a tap, a swiped card, check-ups."""

import asyncio
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import msgspec
import pytest
from bench_for_tests import wait_until
from litestar.testing import TestClient
from node_for_tests import Node

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Role
from cunyi.domain.device import Focus
from cunyi.domain.identity import IdentifierKind, check_digit
from cunyi.domain.measurement import DeviceValue, IdentityCard, Measurement
from cunyi.journeys.bench import Bench
from cunyi.journeys.bench_events import EventKind
from cunyi.journeys.consulting import begin_draft, open_draft
from cunyi.journeys.keeping_devices import add_device, devices, reading_rules
from cunyi.journeys.receiving import confirmed_for, receive, waiting_for, waiting_unassigned
from cunyi.store.drafts import drafts_of_account
from cunyi.store.people import person_by_id
from cunyi.store.records import versions
from cunyi.web.gate import COOKIE

SCRIPT = {"x-requested-with": "cunyi"}
NUMBER = "36073119600505001" + check_digit("36073119600505001")
CARD = IdentityCard(
    kind=IdentifierKind.RESIDENT_ID,
    number=NUMBER,
    name="刘大山",
    sex=None,
    birth_on=date(1960, 5, 5),
    ethnic_group="汉族",
    valid_from=date(2020, 1, 1),
    valid_until=date(2040, 1, 1),
)


@pytest.fixture
def bench(node: Node, mini):
    """The instruments of the node, at work."""
    made = Bench(node.seat, mini)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(node: Node, mini, bench):
    app = create_app(Config(), mini, seat=node.seat, bench=bench)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


@pytest.fixture
def meter(node):
    return add_device(
        node.store,
        node.account,
        driver="ble_blood_pressure",
        transport="ble",
        address="AA:BB:CC:DD:EE:01",
        name="诊室血压计",
    )


def pressure(systolic, diastolic=82.0, **more):
    values = (
        DeviceValue(item="systolic_mmhg", value=systolic, unit="mmHg", raw=f"{systolic / 7.5006:.1f} kPa"),
        DeviceValue(item="diastolic_mmhg", value=diastolic, unit="mmHg", raw=f"{diastolic:g} mmHg"),
    )
    return Measurement(values=values, **more)


def arrive(node, mini, bench, device, measurement, draft=None, person=None):
    """A measurement as the bench takes it in."""
    focus = None
    if draft is not None:
        focus = Focus(account_id=node.account.id, draft_id=draft.id, person_id=person.id)
    return receive(
        node.store,
        mini,
        device,
        bench.drivers["ble_blood_pressure"].description,
        measurement,
        focus=focus,
        now=node.clock().astimezone(),
    )


@pytest.fixture
def seen(node):
    """Somebody whose encounter is being written: the person and the draft."""
    person = node.register("刘大山", identifier=NUMBER)
    return person, begin_draft(node.store, node.account, person.id, {"kind": ["home_visit"]})


def form_of(node, draft):
    return open_draft(node.store, node.account, draft.id).draft.form


# --- the list of instruments


def test_without_instruments_the_page_says_what_to_do_first(client):
    page = client.get("/devices").text
    assert "先从身份证读卡器开始" in page and "读数都可以手工填写" in page
    assert 'href="/devices"' in client.get("/").text and 'href="/checkup"' in client.get("/").text


def test_an_instrument_is_added_renamed_stopped_and_taken_away(client, node):
    sent = {"driver": "id_card", "transport": "serial", "address": "/dev/ttyS9", "name": "巡诊包读卡器"}
    assert client.post("/devices", data=sent, follow_redirects=False).status_code == 303
    (device,) = devices(node.store, node.account)
    assert device.driver == "id_card" and device.address == "/dev/ttyS9"
    assert "巡诊包读卡器" in client.get("/devices").text
    # What to do when it does not answer stands there as soon as its listener found nothing.
    wait_until(lambda: "怎么办" in client.get("/devices").text)

    client.post(f"/devices/{device.id}", data={"name": "大包读卡器"})
    wait_until(lambda: all(words in client.get("/devices").text for words in ("大包读卡器", "停用")))
    client.post(f"/devices/{device.id}", data={"name": "大包读卡器", "active": "yes"})
    wait_until(lambda: "停用" not in client.get("/devices").text)
    client.post(f"/devices/{device.id}/remove")
    assert devices(node.store, node.account) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"driver": ""}, "请选择这是什么仪器"),
        ({"transport": "smoke"}, "请从搜索结果里选择仪器"),
        ({"name": "长" * 60}, "名字最多"),
    ],
)
def test_an_instrument_that_cannot_be_added_is_told_why(client, node, wrong, told):
    sent = {"driver": "id_card", "transport": "serial", "address": "/dev/ttyS9", "name": "读卡器", **wrong}
    answer = client.post("/devices", data=sent)
    assert answer.status_code == 400 and told in answer.text
    assert devices(node.store, node.account) == []


def test_a_search_without_bluetooth_says_so(client, monkeypatch):
    monkeypatch.setattr("cunyi.journeys.bench.Bench.scan", lambda self: _nothing_found())
    page = client.post("/devices/scan", headers=SCRIPT).text
    assert "没有蓝牙" in page and "没有找到" in page


def _nothing_found():
    from cunyi.domain.errors import UserError
    from cunyi.journeys.bench_search import Found

    return Found(ports=(), peripherals=(), no_radio=UserError("没有蓝牙"))


def test_what_was_found_is_offered_with_the_drivers_that_fit(client, monkeypatch, meter):
    from cunyi.devices.transports.ble import FoundPeripheral
    from cunyi.devices.transports.serial_line import FoundPort
    from cunyi.journeys.bench_search import Found

    found = Found(
        ports=(FoundPort(path="/dev/ttyUSB0", description="USB-Serial", usb=""),),
        peripherals=(
            FoundPeripheral(address=meter.address, name="BP-1", services=("1810",), drivers=("ble_blood_pressure",)),
            FoundPeripheral(address="AA:02", name="TEMP", services=("1809",), drivers=("ble_thermometer",)),
            FoundPeripheral(address="AA:03", name="耳机", services=(), drivers=()),
        ),
    )
    monkeypatch.setattr("cunyi.journeys.bench.Bench.scan", lambda self: found)
    page = client.post("/devices/scan", headers=SCRIPT).text
    assert "/dev/ttyUSB0" in page and '<option value="id_card">' in page
    assert '<option value="ble_thermometer">' in page and "耳机" not in page
    assert "诊室血压计" in page, "what is there already is named, not offered again"


def test_the_rules_of_taking_readings_in_can_be_changed(client, node):
    sent = {"stale_minutes": "45", "clock_tolerance_minutes": "10", "duplicate_seconds": "20"}
    assert client.post("/devices/rules", data=sent, follow_redirects=False).status_code == 303
    rules = reading_rules(node.store)
    assert (rules.confirm_readings, rules.stale_minutes, rules.duplicate_seconds) == (False, 45, 20)
    answer = client.post("/devices/rules", data=sent | {"stale_minutes": "soon"})
    assert answer.status_code == 400 and "1 到 1440 分钟" in answer.text
    assert reading_rules(node.store) == rules


def test_those_who_write_no_records_use_no_instruments(client, node):
    node.seat.add_account("system", login="boss", name="钱主任", role=Role.MANAGER, password="mountain-road-9")
    token, _ = node.seat.sign_in("boss", "mountain-road-9")
    client.cookies.set(COOKIE, token)
    assert client.get("/devices").status_code == 403
    assert 'href="/devices"' not in client.get("/").text


def test_without_a_bench_nothing_of_instruments_is_offered(node, mini, seen):
    _, draft = seen
    with TestClient(create_app(Config(), mini, seat=node.seat)) as plain:
        plain.cookies.set(COOKIE, node.token)
        assert 'href="/devices"' not in plain.get("/").text and plain.get("/devices").status_code == 404
        assert 'id="arriving"' not in plain.get(f"/encounters/{draft.id}").text


# --- readings in the encounter


def test_a_reading_is_shown_with_whose_it_is_and_goes_into_the_form_with_one_tap(
    client, node, mini, bench, meter, seen
):
    person, draft = seen
    reading = arrive(node, mini, bench, meter, pressure(141.8), draft, person)
    page = client.get(f"/encounters/{draft.id}").text
    panel = page[page.index('id="arriving"') : page.index('id="case"')]
    assert "刘大山" in panel and "诊室血压计" in panel and "141.8" in panel and "18.9 kPa" in panel

    answer = client.post(f"/encounters/{draft.id}/arriving/{reading.id}/confirm", headers=SCRIPT)
    assert answer.status_code == 200
    done = answer.json()
    assert done["fields"] == {"systolic_mmhg": ["141.8"], "diastolic_mmhg": ["82"]}
    assert "141.8" not in done["html"], "what is confirmed waits no longer"
    assert waiting_for(node.store, node.account, draft.id) == []


def test_a_signed_record_names_the_instrument(client, node, mini, bench, meter, seen):
    person, draft = seen
    reading = arrive(node, mini, bench, meter, pressure(141.8), draft, person)
    client.post(f"/encounters/{draft.id}/arriving/{reading.id}/confirm", headers=SCRIPT)
    sent = {
        "kind": "home_visit",
        "occurred_on": node.clock().astimezone().date().isoformat(),
        "occurred_time": "00:01",
        "chief_complaint": "咳嗽3天",
        "systolic_mmhg": "141.8",
        "diastolic_mmhg": "90",
        "diagnosis_name": "肺炎",
    }
    answer = client.post(f"/encounters/{draft.id}/sign", data=sent, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    shown = client.get(answer.headers["location"]).text
    assert "诊室血压计" in shown
    with node.store.reading() as connection:
        kept = versions(connection, node.account.organisation, draft.encounter_id)
    devices_of = {each.item: each.device for each in kept[0].record.encounter.measured}
    assert devices_of == {"systolic_mmhg": "诊室血压计", "diastolic_mmhg": ""}, "what was changed by hand is typed"


def test_what_is_impossible_is_shown_refused_and_stays_out(client, node, mini, bench, meter, seen):
    person, draft = seen
    reading = arrive(node, mini, bench, meter, pressure(900.0), draft, person)
    panel = client.get(f"/encounters/{draft.id}/arriving").text
    assert "不采用" in panel and "900" in panel
    done = client.post(f"/encounters/{draft.id}/arriving/{reading.id}/confirm", headers=SCRIPT).json()
    assert "systolic_mmhg" not in done["fields"]


def test_all_are_confirmed_at_once_only_where_all_are_clean(client, node, mini, bench, meter, seen):
    person, draft = seen
    arrive(node, mini, bench, meter, pressure(141.0), draft, person)
    arrive(node, mini, bench, meter, pressure(139.0), draft, person)
    assert "data-confirm-all" in client.get(f"/encounters/{draft.id}/arriving").text
    arrive(node, mini, bench, meter, pressure(138.0, flags=("cuff_loose",)), draft, person)
    panel = client.get(f"/encounters/{draft.id}/arriving").text
    assert "data-confirm-all" not in panel and panel.count("data-reading=") == 3


def test_a_reading_is_given_to_whom_it_belongs_or_thrown_away_for_a_reason(client, node, mini, bench, meter, seen):
    person, draft = seen
    other = node.register("王小红", sex="female")
    others = begin_draft(node.store, node.account, other.id, {})
    reading = arrive(node, mini, bench, meter, pressure(141.0), draft, person)
    where = f"/encounters/{draft.id}/arriving"
    assert "王小红" in client.get(where).text
    given = client.post(f"{where}/{reading.id}/give", data={"draft_id": others.id}, headers=SCRIPT)
    # The ids in the tags are left out: they may hold these digits by chance.
    assert given.status_code == 200 and "141" not in re.sub(r"<[^>]*>", " ", given.json()["html"])
    assert [each.person_name for each in waiting_for(node.store, node.account, others.id)] == ["王小红"]

    where = f"/encounters/{others.id}/arriving"
    refused = client.post(f"{where}/{reading.id}/discard", data={"why": " "}, headers=SCRIPT)
    assert refused.status_code == 400 and "请写明为什么" in refused.json()["error"]["message"]
    assert client.post(f"{where}/{reading.id}/discard", data={"why": "测错了"}, headers=SCRIPT).status_code == 200
    assert waiting_for(node.store, node.account, others.id) == []


def test_a_confirmed_reading_of_another_encounter_is_refused_with_words(client, node, mini, bench, meter, seen):
    person, draft = seen
    others = begin_draft(node.store, node.account, node.register("王小红", sex="female").id, {})
    reading = arrive(node, mini, bench, meter, pressure(141.0), draft, person)
    answer = client.post(f"/encounters/{others.id}/arriving/{reading.id}/confirm", headers=SCRIPT)
    assert answer.status_code == 400 and "还没有归到这位居民" in answer.json()["error"]["message"]


def test_the_page_says_whose_readings_arrive(client, node, bench, seen):
    person, draft = seen
    assert bench.focused() is None
    assert client.post(f"/encounters/{draft.id}/focus").status_code == 204
    focus = bench.focused()
    assert (focus.draft_id, focus.person_id, focus.account_id) == (draft.id, person.id, node.account.id)
    client.post(f"/encounters/{draft.id}/focus")
    assert bench.focused().since == focus.since, "looking away and back is no new encounter"


def test_readings_of_nobody_wait_until_somebody_says_whose_they_are(client, node, mini, bench, meter, seen):
    _, draft = seen
    reading = arrive(node, mini, bench, meter, pressure(141.0))
    page = client.get("/devices").text
    assert "未认领的读数" in page and "141" in page and "刘大山" in page
    assert "还没有归属" in client.get(f"/encounters/{draft.id}/arriving").text
    client.post(f"/devices/readings/{reading.id}/give", data={"draft_id": draft.id})
    assert waiting_unassigned(node.store, node.account) == []
    assert [each.id for each in waiting_for(node.store, node.account, draft.id)] == [reading.id]

    reading = arrive(node, mini, bench, meter, pressure(151.0))
    assert client.post(f"/devices/readings/{reading.id}/discard", data={"why": ""}).status_code == 400
    client.post(f"/devices/readings/{reading.id}/discard", data={"why": "试机器"})
    assert waiting_unassigned(node.store, node.account) == []


def test_a_locked_screen_shows_no_reading(client, node, seen):
    _, draft = seen
    node.seat.lock(node.token)
    assert client.get(f"/encounters/{draft.id}/arriving", headers=SCRIPT).status_code == 423
    assert client.get("/devices/events", headers=SCRIPT).status_code == 423


# --- cards

needs_lines = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


@pytest.fixture
def swipe(node, bench):
    """Puts a card on a reader that speaks the real protocol; the token of what was read."""
    from cunyi.devices.simulation.card_reader import SimulatedCardReader

    with SimulatedCardReader(finds_again=True) as reader:
        add_device(
            node.store, node.account, driver="id_card", transport="serial", address=reader.port, name="巡诊包读卡器"
        )
        bench.look_again()

        async def read(card):
            events = bench.events(node.account.id)
            async for event in events:
                if event.kind is EventKind.STATUS and not event.device_id:
                    reader.put(card)
                if event.kind is EventKind.CARD:
                    reader.lift()
                    return event.card_token
            raise AssertionError("the stream ended")

        # In a thread of its own: the browser of other tests may keep a loop running in this one.
        with ThreadPoolExecutor(1) as alone:
            yield lambda card: alone.submit(lambda: asyncio.run(asyncio.wait_for(read(card), 30))).result()


@needs_lines
def test_a_card_opens_the_record_of_its_person(client, node, swipe):
    person = node.register("刘大山", identifier=NUMBER)
    answer = client.get(f"/card/{swipe(CARD)}", follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == f"/people/{person.id}"


@needs_lines
def test_what_differs_is_shown_and_only_what_is_ticked_is_taken_over(client, node, swipe):
    person = node.register("刘大川", identifier=NUMBER, address="山脚1号")
    where = f"/card/{swipe(CARD)}"
    page = client.get(where).text
    assert "证件上的姓名是刘大山" in page and "刘大川" in page and "打开档案" in page
    assert re.search(r'name="accepted" value="name">', page), "nothing is ticked beforehand"
    assert NUMBER not in where

    sent = {"person_id": person.id, "revision": str(person.revision), "accepted": ["name", "ethnic_group"]}
    answer = client.post(f"{where}/apply", data=sent, follow_redirects=False)
    assert answer.headers["location"] == f"/people/{person.id}"
    with node.store.reading() as connection:
        now = person_by_id(connection, node.account.organisation, person.id)
    assert (now.name, now.ethnic_group, now.address) == ("刘大山", "汉族", "山脚1号")


@needs_lines
def test_an_unknown_card_fills_in_the_form_of_registering(client, swipe):
    page = client.get(f"/card/{swipe(CARD)}").text
    assert 'id="person-form"' in page
    assert 'value="刘大山"' in page and f'value="{NUMBER}"' in page and 'value="1960-05-05"' in page


@needs_lines
def test_somebody_registered_without_papers_is_offered_first(client, node, swipe):
    person = node.register("刘大山", birth_on="1960-05-05")
    where = f"/card/{swipe(CARD)}"
    page = client.get(where).text
    assert "是不是下面这些人" in page and f"?person={person.id}" in page
    page = client.get(f"{where}?person={person.id}").text
    assert re.search(r'name="accepted" value="identifiers" checked', page)
    sent = {"person_id": person.id, "revision": str(person.revision), "accepted": "identifiers"}
    client.post(f"{where}/apply", data=sent)
    assert client.get(where, follow_redirects=False).headers["location"] == f"/people/{person.id}"
    assert 'id="person-form"' in client.post(f"{where}/register").text


@needs_lines
def test_a_card_of_another_person_asks_while_an_encounter_is_open(client, node, swipe, seen):
    _, draft = seen
    token = swipe(CARD)
    same = client.get(f"/card/{token}/beside?draft={draft.id}").text
    assert "证件与本人一致" in same and "另一个人" not in same
    others = begin_draft(node.store, node.account, node.register("王小红", sex="female").id, {})
    other = client.get(f"/card/{token}/beside?draft={others.id}").text
    assert "这是另一个人" in other and "刘大山" in other and "王小红" in other and f'href="/card/{token}"' in other


def test_a_card_that_lies_too_long_is_swiped_again(client):
    answer = client.get("/card/some-old-token")
    assert answer.status_code == 400 and "请再刷一次" in answer.text


# --- check-ups


def test_many_people_are_measured_in_a_row(client, node, mini, bench, meter):
    person = node.register("刘大山")
    assert "刘大山" in client.post("/checkup/find", data={"words": "lds"}, headers=SCRIPT).text
    answer = client.post(f"/checkup/people/{person.id}", data={"kind": "outpatient"}, follow_redirects=False)
    where = answer.headers["location"]
    with node.store.reading() as connection:
        (draft,) = drafts_of_account(connection, node.account.organisation, node.account.id)
    assert where == f"/checkup/{draft.id}" and bench.focused().draft_id == draft.id
    assert draft.form["kind"] == ["outpatient"] and draft.form["chief_complaint"] == ["健康体检"]

    reading = arrive(node, mini, bench, meter, pressure(141.0), draft, person)
    page = client.get(where).text
    assert "刘大山" in page and "141" in page and "下一位" in page
    done = client.post(f"{where}/{reading.id}/confirm", headers=SCRIPT).json()
    assert "141" in done["taken_html"] and "141" not in re.sub(r"<[^>]*>", " ", done["html"])
    assert form_of(node, draft)["systolic_mmhg"] == ["141"], "the draft that is signed later holds it"
    assert len(confirmed_for(node.store, node.account, draft.id)) == 1

    page = client.get("/checkup").text
    assert bench.focused() is None, "a reading that comes now is nobody's"
    assert "今天量过" in page and "刘大山" in page and "141" in page
    assert 'value="141"' in client.get(f"/encounters/{draft.id}").text


@needs_lines
def test_a_swiped_card_is_the_next_person_of_a_check_up(client, node, swipe):
    token = swipe(CARD)
    answer = client.post(f"/checkup/card/{token}", data={"kind": "home_visit"}, headers=SCRIPT)
    assert answer.json() == {"to": f"/card/{token}"}, "somebody unknown is registered first"
    node.register("刘大山", identifier=NUMBER)
    where = client.post(f"/checkup/card/{token}", data={"kind": "home_visit"}, headers=SCRIPT).json()["to"]
    assert re.fullmatch(r"/checkup/[0-9a-f-]{36}", where) and "刘大山" in client.get(where).text


@needs_lines
def test_a_card_that_is_out_of_date_does_not_hold_up_a_check_up(client, node, swipe):
    node.register("刘大山", identifier=NUMBER)
    token = swipe(msgspec.structs.replace(CARD, valid_until=date(2020, 2, 1)))
    where = client.post(f"/checkup/card/{token}", data={"kind": "home_visit"}, headers=SCRIPT).json()["to"]
    page = client.get(where).text
    assert "已经到期" in page and f'href="/card/{token}"' in page and "下一位" in page
