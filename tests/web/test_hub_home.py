"""The pages of a hub: what waits and how the nodes stand, its nodes and codes, its organisation; and joining it from a kit."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from litestar.testing import TestClient
from node_for_tests import LOGIN, PASSWORD, Clock, a_node, log_in, served
from playwright.sync_api import expect
from sqlalchemy import insert
from township_for_tests import CENTRE, HOSPITAL, HUB_LOGIN, UPPER, UPPER_CLINIC, Hub, a_hub
from waiting import arrived

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Role
from cunyi.domain.encounter import canonical
from cunyi.domain.organisation import NodeRole
from cunyi.domain.thread import ThreadKind
from cunyi.journeys.hub_home import open_hub_home
from cunyi.journeys.joining import join
from cunyi.journeys.registering import read_person, register_person
from cunyi.journeys.revoking import wipe
from cunyi.store import packing
from cunyi.store.known_nodes import note_contact
from cunyi.store.township_schema import thread as threads
from cunyi.web.gate import COOKIE

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
HUB = Config(role=NodeRole.HUB)
TOO_SMALL = """() => Array.from(document.querySelectorAll("main button, main a.tap, main input, main select, main summary"))
  .filter(e => e.offsetParent !== null && e.type !== "radio" && e.type !== "hidden")
  .filter(e => e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML.slice(0, 90))"""


@pytest.fixture
def hub(tmp_path):
    with a_hub(tmp_path / "hub", Clock(MORNING)) as made:
        yield made


@pytest.fixture
def client(hub: Hub, mini):
    with TestClient(create_app(HUB, mini, seat=hub.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, hub.token)
        yield client


def sit_down(client, hub, login):
    """Somebody else sits down, with the first password changed already."""
    token, _ = hub.seat.sign_in(login, PASSWORD)
    client.cookies.set(COOKIE, token)


def waits(
    hub: Hub, doctor, kind: ThreadKind, name: str, *, urgency=0, to=CENTRE, changed=MORNING, due=None, state="asked"
):
    """A thread about somebody who is registered for it."""
    sent = {"name": [name], "village_code": [UPPER], "birth_on": ["1960-05-05"], "sex": ["male"]}
    entry = read_person(sent, organisation="360731", person=None, today=MORNING.date())
    person = register_person(hub.store, doctor, entry, not_the_same=True)
    with hub.store.writing("system", working_state=True) as writing:
        writing.connection.execute(
            insert(threads).values(
                organisation="360731",
                id=writing.new_id(),
                kind=kind,
                person_id=person.id,
                village_code=UPPER,
                state=state,
                closed=False,
                urgency=urgency,
                from_facility=UPPER_CLINIC,
                to_facility=to,
                opened_at=changed,
                changed_at=changed,
                due_at=due,
                details=packing.pack(canonical({"name": name, "from_name": "上坪村卫生室"})),
            )
        )


def test_doctors_see_what_was_sent_to_them_the_most_urgent_first_and_what_is_late(hub, client):
    doctor = hub.doctor("chen")
    hours = timedelta(hours=1)
    waits(hub, doctor, ThreadKind.CONSULTATION, "周大福", changed=MORNING - 3 * hours)
    waits(hub, doctor, ThreadKind.CONSULTATION, "吴老三", urgency=2, changed=MORNING - hours, due=MORNING - hours / 2)
    waits(hub, doctor, ThreadKind.REFERRAL, "郑小妹", to=HOSPITAL, state="requested")
    home = open_hub_home(hub.store, doctor, MORNING)
    lines = home.lines["consultation"]
    assert [(each.name, each.waiting_minutes, each.late_minutes) for each in lines] == [
        ("吴老三", 60, 30),
        ("周大福", 180, None),
    ]
    assert home.lines["referral"] == [] and home.late == 1 and home.ours
    sit_down(client, hub, "chen")
    page = client.get("/").text
    assert page.index("吴老三") < page.index("周大福") and "郑小妹" not in page
    assert f"/consultations/{lines[0].thread.id}" in page and "超时" in page and "已等" in page
    hospital = hub.doctor("he", HOSPITAL)
    assert [each.name for each in open_hub_home(hub.store, hospital, MORNING).lines["referral"]] == ["郑小妹"]


def test_managers_see_what_waits_anywhere_and_nobodys_name(hub, client):
    waits(hub, hub.doctor("chen"), ThreadKind.REFERRAL, "郑小妹", to=HOSPITAL, state="requested", urgency=1)
    home = open_hub_home(hub.store, hub.account, MORNING)
    assert [(each.name, each.path, each.addressee) for each in home.lines["referral"]] == [("", "", "云水县人民医院")]
    page = client.get("/").text
    assert "郑小妹" not in page and "上坪村卫生室" in page and "云水县人民医院" in page


def test_how_each_node_stands_is_told_in_words(hub, client, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    assert "还没有联系过" in client.get("/").text
    with hub.store.writing("system", working_state=True) as writing:
        note_contact(writing, kit.store.node.id, protocol=1, waiting=7, refused=2)
    page = client.get("/").text
    assert "在线" in page and "那里有 7 项待传" in page and "2 项被拒" in page
    with hub.store.writing("system", working_state=True) as writing:
        note_contact(writing, kit.store.node.id, protocol=1, waiting=0, refused=0)
    hub.clock.at = MORNING + timedelta(hours=5)
    sit_down(client, hub, HUB_LOGIN)
    assert "5 小时前联系过" in client.get("/").text and "已全部传到" in client.get("/").text
    hub.clock.at = MORNING + timedelta(days=18)
    sit_down(client, hub, HUB_LOGIN)
    assert "它的账号还能离线用 12 天" in client.get("/").text
    kit.close()


def test_the_page_looks_again_without_keeping_the_session_awake(hub, client):
    assert client.get("/hub/now").status_code == 200
    hub.clock.at = MORNING + timedelta(minutes=11)
    assert client.get("/hub/now", headers={"hx-request": "true"}).status_code == 423
    client.cookies.delete(COOKIE)
    assert client.get("/hub/now", headers={"hx-request": "true"}).status_code == 401


def test_a_code_is_made_on_the_page_and_shown_once(hub, client, tmp_path):
    answer = client.post(
        "/nodes/codes", data={"facility": UPPER_CLINIC, "name": "1 号巡诊包", "scope": "", "serials": "200"}
    )
    code = re.search(r'id="enrolment-code">([0-9A-Z-]{19})<', answer.text)[1]
    assert answer.status_code == 200 and f"--code {code}" in answer.text
    page = client.get("/nodes").text
    assert code not in page and "登记码还没有用" in page
    with a_node(tmp_path / "kit", hub.clock) as kit:
        join(kit.store, kit.seat.database_key, kit.account.id, code=code, send=hub.answer, address="a")
        page = client.get("/nodes").text
        assert "1 号巡诊包" in page and "密钥已托管" in page and "登记码还没有用" not in page
        more = {"act": "serials", "village": UPPER, "serials": "50"}
        assert client.post(f"/nodes/{kit.store.node.id}", data=more, follow_redirects=False).status_code == 303
        assert "201–250" in client.get("/nodes").text


def test_a_code_that_cannot_be_made_is_told_and_what_was_typed_stays(client):
    for sent, told in (
        ({"facility": "V-99"}, "没有编号为 V-99 的机构"),
        ({"scope": "110101"}, "没有代码以 110101 开头的村"),
        ({"serials": "x"}, "要写一个数"),
        ({"serials": "999999"}, "要在 0 到 20000 之间"),
    ):
        form = {"facility": UPPER_CLINIC, "name": "1 号巡诊包", "scope": UPPER, "serials": "500", **sent}
        answer = client.post("/nodes/codes", data=form)
        assert answer.status_code == 400 and told in answer.text and 'value="1 号巡诊包"' in answer.text


def test_a_node_is_taken_out_on_the_page(hub, client, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    where = f"/nodes/{kit.store.node.id}"
    assert "写明停用的原因" in client.post(where, data={"act": "revoke", "kind": "lost", "reason": ""}).text
    assert "请选择遗失还是退役" in client.post(where, data={"act": "revoke", "reason": "丢了"}).text
    assert client.post(where, data={"act": "revoke", "kind": "lost", "reason": "掉进河里"}).status_code == 200
    page = client.get("/nodes").text
    assert "掉进河里" in page and "还没有通知到它" in page
    assert "没有这台设备" in client.post(f"/nodes/{hub.store.node.id}", data={"act": "serials", "serials": "1"}).text
    kit.close()


def test_only_administrators_change_nodes_and_organisation(hub, client):
    hub.doctor("chen")
    sit_down(client, hub, "chen")
    assert 'id="new-code"' not in client.get("/nodes").text
    assert client.post("/nodes/codes", data={"facility": UPPER_CLINIC, "serials": "1"}).status_code == 400
    facility = f"/organisation/facilities/{CENTRE}"
    assert client.post(facility, data={"act": "close", "reason": "停电"}).status_code == 400
    assert 'type="file"' not in client.get("/organisation").text


def test_a_file_is_loaded_on_the_page_whole_or_not_at_all(hub, client):
    good = "类别,代码,名称,级别,负责区划\n区划,360731101203,石桥村,,\n机构,V-03,石桥村卫生室,村,360731101203\n"
    bad = good + "区划,3607311012,少几位,,\n机构,V-04,诊所,诊所,\n"
    answer = client.post("/organisation", files={"file": ("a.csv", bad.encode(), "text/csv")})
    assert answer.status_code == 400 and "第 4 行“代码”" in answer.text and "第 5 行“级别”" in answer.text
    assert "石桥村" not in client.get("/organisation").text
    answer = client.post("/organisation", files={"file": ("a.csv", good.encode("gb18030"), "text/csv")})
    assert answer.status_code == 200 and "石桥村卫生室" in answer.text and "机构 1 个" in answer.text
    assert client.post("/organisation", files={"file": ("a.csv", b"", "text/csv")}).status_code == 400


def test_a_facility_is_closed_for_a_reason_and_opened_again(client):
    where = f"/organisation/facilities/{UPPER_CLINIC}"
    assert "停诊的原因" in client.post(where, data={"act": "close", "reason": " "}).text
    assert "村医外出" in client.post(where, data={"act": "close", "reason": "村医外出"}).text
    assert "现在停诊" in client.get("/").text
    assert "村医外出" not in client.post(where, data={"act": "open"}).text


def test_accounts_of_a_hub_are_made_with_a_facility(hub, client):
    form = {"login": "zhao", "name": "赵医生", "role": "township_doctor", "facility": HOSPITAL, "areas": "360731"}
    answer = client.post("/accounts", data={**form, "password": PASSWORD})
    assert answer.status_code == 200 and "云水县人民医院" in answer.text
    assert [each.facility for each in hub.seat.accounts(hub.account) if each.login == "zhao"] == [HOSPITAL]
    account = next(each for each in hub.seat.accounts(hub.account) if each.login == "zhao")
    client.post(f"/accounts/{account.id}", data={"act": "facility", "facility": CENTRE})
    assert next(each for each in hub.seat.accounts(hub.account) if each.login == "zhao").facility == CENTRE
    refused = client.post("/accounts", data={**form, "login": "qian", "facility": "X", "password": PASSWORD})
    assert refused.status_code == 400 and "没有编号为 X 的机构" in refused.text


def test_a_kit_says_on_every_page_that_it_was_revoked(hub, mini, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    token, _ = kit.sign_in(LOGIN, PASSWORD)
    with TestClient(create_app(Config(), mini, seat=kit), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, token)
        assert client.get("/").status_code == 200
        wipe(kit, "掉进河里")
        for path in ("/", "/people", "/login"):
            page = client.get(path).text
            assert "已被停用" in page and "掉进河里" in page and "云水镇卫生院" in page
            assert "tel:07970000001" in page and 'action="/login"' not in page


def fits(page):
    """Nothing of the page lies beside the screen, and everything can be hit with a thumb."""
    arrived(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate(TOO_SMALL) == []


@pytest.mark.parametrize("size", ["phone"])
def test_on_a_phone_the_way_that_is_open_is_in_sight_and_more_are_seen_to_follow(hub, mini, page):
    with served(hub.seat, mini, config=HUB) as centre:
        log_in(page, centre, HUB_LOGIN)
        arrived(page)
        assert page.get_attribute("nav.ways", "data-more") == "true"
        page.goto(f"{centre}/audit")
        arrived(page)
        box = page.locator("nav.ways [aria-current=page]").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_an_administrator_enrols_a_kit_sees_it_and_takes_it_out(hub, mini, tmp_path, page, size):
    page.refusals_expected = True
    hub.clock.at = None
    with (
        a_node(tmp_path / "kit") as kit,
        served(hub.seat, mini, config=HUB) as centre,
        served(kit.seat, mini) as clinic,
    ):
        kit.seat.add_account("system", login="guanli", name="张三", role=Role.ADMINISTRATOR, password=PASSWORD)
        log_in(page, centre, HUB_LOGIN)
        expect(page.locator("#hub-nodes")).to_contain_text("还没有登记过设备")
        page.goto(f"{centre}/nodes")
        page.select_option("#facility", UPPER_CLINIC)
        page.fill("#name", "1 号巡诊包")
        page.click("#new-code button.main-tap")
        code = page.locator("#enrolment-code").inner_text()
        fits(page)

        log_in(page, clinic, "guanli")
        page.goto(f"{clinic}/enrolment")
        page.fill("#address", centre)
        page.fill("#code", "0000-0000-0000-0000")
        page.click("main form button.main-tap")
        expect(page.locator("#error-code")).to_contain_text("登记码不对")
        page.fill("#code", code.lower())
        page.click("main form button.main-tap")
        expect(page.locator("#joined")).to_contain_text("云水镇卫生院")

        page.context.clear_cookies()
        log_in(page, centre, HUB_LOGIN)
        expect(page.locator("#hub-nodes")).to_contain_text("1 号巡诊包")
        fits(page)
        page.goto(f"{centre}/nodes")
        page.locator("#nodes-in-use summary").click()
        page.locator("#nodes-in-use input[value=lost]").check()
        page.locator("#nodes-in-use .revoke input[name=reason]").fill("在去下坪村的路上遗失")
        fits(page)
        page.locator("#nodes-in-use .revoke button").click()
        expect(page.locator("#nodes-revoked")).to_contain_text("在去下坪村的路上遗失")
        page.goto(f"{centre}/organisation")
        fits(page)
