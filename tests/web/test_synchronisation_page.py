"""The page of synchronising and that of disagreements: what they say, and every way from them to the hub and back."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from types import SimpleNamespace

import msgspec
import pytest
from litestar.testing import TestClient
from node_for_tests import PASSWORD, log_in
from playwright.sync_api import expect
from sqlalchemy import update
from tests.sync.served_township import a_township, people, running, serving, set_address, signed_records, waiting
from township_for_tests import LOWER_CLINIC

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Role
from cunyi.domain.audit import Action
from cunyi.domain.change import Outcome, Reason
from cunyi.domain.organisation import NodeRole
from cunyi.journeys.meeting_kits import Meetings
from cunyi.store import schema
from cunyi.store.people import person_by_id, replace_person
from cunyi.store.unit import SYSTEM
from cunyi.web.doctor.synchronisation import Ways
from cunyi.web.gate import COOKIE
from cunyi.web.language import COOKIE as LANGUAGE

HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def township(tmp_path):
    with a_township(tmp_path) as made:
        yield made


@pytest.fixture
def kit(township):
    return township.kit()


@contextmanager
def pages_of(township, kit, mini, *, role=NodeRole.KIT, started=False):
    """The pages of a kit with its ways, or of the hub."""
    synchroniser = township.synchroniser(kit) if role is NodeRole.KIT else None
    meetings = Meetings(kit.seat, port=8321, host="0.0.0.0") if role is NodeRole.KIT else None
    application = create_app(
        Config(role=role), mini, seat=kit.seat, ways=Ways(synchroniser=synchroniser, meetings=meetings)
    )
    if started:
        synchroniser.start()
    with TestClient(application, raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, kit.token)
        client.synchroniser = synchroniser
        yield client
    if started:
        synchroniser.stop()


@pytest.fixture
def client(township, kit, mini):
    with pages_of(township, kit, mini) as made:
        yield made


def page(client):
    answer = client.get("/synchronisation")
    assert answer.status_code == 200
    return answer.text


def said(answer):
    """What is told beside the fields."""
    assert answer.status_code == 400
    return " ".join(re.findall(r'<p class="field-error"[^>]*>(.*?)</p>', answer.text, re.S))


def test_a_node_without_a_hub_says_so(node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat)) as client:
        client.cookies.set(COOKIE, node.token)
        words = page(client)
        assert "还没有登记到中心" in words and "立即同步" not in words and "U 盘" not in words
        assert "请先登记" in said(client.post("/synchronisation/find", data={"identifier": "1"}))
        assert "还没有登记到中心" in said(client.post("/synchronisation/file"))


def test_the_page_tells_what_waits_and_when_the_hub_was_last_reached(client, kit):
    kit.see(kit.register("周大福"))
    words = page(client)
    assert "还没有联系到中心" in words and "签名的接诊记录" in words and "云水镇卫生院" in words
    client.synchroniser.contact()
    words = client.get("/synchronisation/state").text
    assert "上次联系到中心" in words and "2026-03-02" in words and "没有等着送出的" in words
    set_address(kit.store, "http://127.0.0.1:9")
    client.synchroniser.contact()
    assert "现在连不上中心；有网络时会自动再试" in page(client)


def test_today_leads_there(client):
    assert 'href="/synchronisation"' in client.get("/").text


def test_the_button_synchronises_at_once(township, kit, mini):
    with pages_of(township, kit, mini, started=True) as client:
        deadline = time.monotonic() + 15
        kit.register("周大福")
        while waiting(kit.store) and time.monotonic() < deadline:
            assert client.post("/synchronisation/now", follow_redirects=False).status_code == 303
            time.sleep(0.1)
    assert waiting(kit.store) == 0


def refuse_a_change(kit, sentence="这位居民不在本机负责的村"):
    with kit.store.writing(SYSTEM, working_state=True) as writing:
        writing.connection.execute(
            update(schema.change)
            .where(schema.change.c.kind == "person")
            .values(sent_at=writing.at, outcome=Outcome.REFUSED, reason=Reason(sentence=sentence).text())
        )


def test_what_was_refused_is_shown_with_why_and_can_be_sent_again(client, kit):
    kit.register("周大福")
    refuse_a_change(kit)
    words = page(client)
    assert "中心没有收的" in words and "这位居民不在本机负责的村" in words and "周大福" in words
    assert client.post("/synchronisation/again", follow_redirects=False).status_code == 303
    assert "中心没有收的" not in page(client)
    client.synchroniser.contact()
    assert waiting(kit.store) == 0


def test_a_file_goes_out_by_the_page_is_answered_by_the_hub_s_and_taken(township, client, kit, mini):
    kit.see(kit.register("周大福"))
    out = client.post("/synchronisation/file")
    assert out.status_code == 200 and "attachment" in out.headers["content-disposition"]
    assert "周大福".encode() not in out.content and out.headers["cache-control"] == "no-store"
    with pages_of(township, township.hub, mini, role=NodeRole.HUB) as hub:
        assert "这台电脑是中心" in page(hub)
        back = hub.post("/synchronisation/carried", files={"file": ("a.sync", out.content)})
        assert back.status_code == 200 and back.headers["content-type"] == "application/octet-stream"
        assert "以前处理过" in said(hub.post("/synchronisation/carried", files={"file": ("a.sync", out.content)}))
    taken = client.post("/synchronisation/carried", files={"file": ("back.sync", back.content)})
    assert taken.status_code == 200 and "已收下中心带回的文件" in taken.text and "中心都有了" in taken.text
    assert signed_records(kit.store) == signed_records(township.hub.store)
    again = client.post("/synchronisation/carried", files={"file": ("back.sync", back.content)})
    assert "里面没有新的" in again.text
    for wrong, told in ((b"", "请先选"), (b"PK", "这不是同步文件"), (back.content[:-9], "不完整")):
        assert told in said(client.post("/synchronisation/carried", files={"file": ("x", wrong)}))


def test_somebody_from_elsewhere_is_found_on_the_hub_and_fetched(township, client, kit):
    other = township.kit("lower", LOWER_CLINIC)
    stranger = other.register("温小妹", village_code="360731101202", birth_on="1971-03-04")
    record = other.see(stranger)
    township.synchroniser(other).contact()
    client.synchroniser.contact()
    assert record.id not in {row[0] for row in signed_records(kit.store)}
    assert "请写身份证号" in said(client.post("/synchronisation/find", data={"name": "温小妹"}))
    nobody = client.post("/synchronisation/find", data={"name": "温大妹", "birth_on": "1971-03-04"})
    assert "中心没有这样的人" in nobody.text
    found = client.post("/synchronisation/find", data={"name": "温小妹", "birth_on": "1971-03-04"})
    assert found.status_code == 200 and stranger.id in found.text and "调来档案" in found.text
    sent = {"person": stranger.id, "reason": "", "name": "温小妹", "birth_on": "1971-03-04"}
    assert "请写明为什么" in said(client.post("/synchronisation/follow", data=sent))
    fetched = client.post("/synchronisation/follow", data=sent | {"reason": "来本室就诊"}, follow_redirects=False)
    assert fetched.headers["location"] == f"/people/{stranger.id}"
    shown = client.get(fetched.headers["location"])
    assert "温小妹" in shown.text and "咳嗽3天" in shown.text
    assert record.id in {row[0] for row in signed_records(kit.store)}
    set_address(kit.store, "http://127.0.0.1:9")
    assert "现在连不上中心" in said(client.post("/synchronisation/find", data={"identifier": "360731197103041234"}))


def test_two_kits_meet_by_their_pages(township, client, kit, mini):
    host = township.kit("host")
    for each in (host, kit, host):
        township.synchroniser(each).contact()
    record = host.see(host.register("周大福"))
    meetings = Meetings(host.seat, port=8321, host="0.0.0.0")
    ways = Ways(meetings=meetings)
    application = create_app(Config(), mini, seat=host.seat, ways=ways)
    with running(application) as port, TestClient(application) as shows:
        shows.cookies.set(COOKIE, host.token)
        assert shows.post("/synchronisation/code", data={"show": "yes"}, follow_redirects=False).status_code == 303
        code = re.search(r'id="meeting-code">([\d ]+)<', page(shows))[1]
        wrong = {"address": f"127.0.0.1:{port}", "code": "1"}
        answer = client.post("/synchronisation/visit", data=wrong)
        assert "见面码是 8 位数字" in said(answer) and f'value="127.0.0.1:{port}"' in answer.text
        met = client.post("/synchronisation/visit", data=wrong | {"code": code})
        assert met.status_code == 200 and "已和对方交换" in met.text
        assert "已连上" in page(shows)
        shows.post("/synchronisation/code", data={"show": "no"})
        assert "meeting-code" not in page(shows)
    assert record.id in {row[0] for row in signed_records(kit.store)}


def test_who_neither_cares_nor_administers_sees_none_of_it(client, kit):
    kit.seat.add_account(SYSTEM, login="jingli", name="经理", role=Role.MANAGER, password=PASSWORD, areas=())
    token, _ = kit.seat.sign_in("jingli", PASSWORD)
    client.cookies.set(COOKIE, token)
    assert 'href="/synchronisation"' not in client.get("/").text
    for ask in (client.get("/synchronisation"), client.post("/synchronisation/now"), client.get("/conflicts")):
        assert ask.status_code == 403
    client.cookies.delete(COOKIE)
    assert client.post("/synchronisation/file", follow_redirects=False).headers["location"].startswith("/login")
    assert client.get("/synchronisation/state", headers={"hx-request": "true"}).status_code == 401


def test_the_pages_speak_english(client, kit):
    person = kit.register("周大福")
    refuse_a_change(kit)
    client.cookies.set(LANGUAGE, "en")
    words = re.sub(r"<(script|style).*?</\1>", "", page(client) + client.get("/conflicts").text, flags=re.S)
    words = re.sub(r'<(\w+)[^>]*lang="zh"[^>]*>.*?</\1>', "", words, flags=re.S)
    assert not HAN.search(words), HAN.search(words)
    assert "Synchronise now" in words and person.name not in words


def change_phone(store, account, person_id, phone):
    with store.writing(account.id) as writing:
        known = person_by_id(writing.connection, account.organisation, person_id)
        replace_person(writing, msgspec.structs.replace(known, phone=phone))
        writing.audit(Action.CHANGE_PERSON, person=person_id)


@pytest.fixture
def disputed(township, kit):
    """Two kits that gave one person two phones; the second kit and the person."""
    other = township.kit("other")
    person = kit.register("周大福", phone="07971111111")
    for each in (kit, other):
        township.synchroniser(each).contact()
    change_phone(kit.store, kit.account, person.id, "07972222222")
    change_phone(other.store, other.account, person.id, "07973333333")
    for each in (kit, other, kit):
        township.synchroniser(each).contact()
    return other, person


def test_a_disagreement_is_shown_with_both_values_and_decided_once(township, client, kit, mini, disputed):
    other, person = disputed
    listed = client.get("/conflicts").text
    assert "周大福" in listed and "1 处分歧等您决定" in page(client)
    where = re.search(r'href="(/conflicts/[0-9a-f-]+)"', listed)[1]
    one = client.get(where).text
    assert "07972222222" in one and "07973333333" in one and "李建国" in one and "电话" in one
    assert "请选一个值" in said(client.post(where, data={}))
    third = {"choice_phone": "third", "typed_phone": "12"}
    assert "07972222222" in (refused := client.post(where, data=third)).text and said(refused)
    assert client.post(where, data=third | {"typed_phone": "0797-4444444"}, follow_redirects=False).status_code == 303
    assert "没有要决定的分歧" in client.get("/conflicts").text
    decided = client.get(where).text
    assert "已决定" in decided and "07974444444" in decided
    with pages_of(township, other, mini) as second:
        second.post(where, data={"choice_phone": "ours"})
        township.synchroniser(kit).contact()
        second.synchroniser.contact()
        township.synchroniser(kit).contact()
        late = second.post(where, data={"choice_phone": "theirs"})
        assert "已由别人决定" in said(late)
    assert people(kit.store) == people(other.store) == people(township.hub.store)
    assert people(kit.store)[person.id]["phone"] == "07974444444"


def test_a_disagreement_is_decided_at_the_hub_too(township, kit, mini, disputed):
    other, person = disputed
    doctor = township.hub.doctor("zhao")
    hub = township.hub.seat
    hub.change_password(doctor, PASSWORD, "another-road-17")
    token, _ = hub.sign_in("zhao", "another-road-17")
    with pages_of(township, SimpleNamespace(seat=hub, token=token), mini, role=NodeRole.HUB) as pages:
        assert "1 处分歧等您决定" in page(pages)
        where = re.search(r'href="(/conflicts/[0-9a-f-]+)"', pages.get("/conflicts").text)[1]
        assert pages.post(where, data={"choice_phone": "theirs"}, follow_redirects=False).status_code == 303
    for each in (kit, other):
        township.synchroniser(each).contact()
    assert people(kit.store) == people(other.store) == people(township.hub.store)
    assert people(kit.store)[person.id]["phone"] == "07973333333"


def test_a_disagreement_of_another_village_is_not_shown(client, kit, disputed):
    listed = client.get("/conflicts").text
    where = re.search(r'href="(/conflicts/[0-9a-f-]+)"', listed)[1]
    kit.colleague("other", areas=("360731101202",))
    token, _ = kit.seat.sign_in("other", PASSWORD)
    client.cookies.set(COOKIE, token)
    assert "没有要决定的分歧" in client.get("/conflicts").text
    assert client.get(where).status_code == 403
    assert client.get("/conflicts/018f0000-0000-7000-8000-000000000009").status_code == 400


def test_the_page_in_a_browser_looks_again_by_itself(township, kit, mini, desktop):
    township.synchroniser(kit).contact()
    meetings = Meetings(kit.seat, port=8321, host="0.0.0.0", public_host="192.168.1.8")
    ways = Ways(synchroniser=township.synchroniser(kit), meetings=meetings)
    with serving(kit.seat, mini, ways) as port:
        log_in(desktop, f"http://127.0.0.1:{port}")
        desktop.click('nav a[href="/synchronisation"]')
        state = desktop.locator("#sync-state")
        expect(state).to_contain_text("没有等着送出的")
        kit.register("周大福")
        expect(state).to_contain_text("居民档案")
        desktop.click("#show-code")
        expect(desktop.locator("#nearby")).to_contain_text("192.168.1.8:8321")
        with desktop.expect_download() as download:
            desktop.click("#save-file")
        assert download.value.suggested_filename.endswith(".sync")
        desktop.set_viewport_size({"width": 390, "height": 844})
        assert desktop.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
