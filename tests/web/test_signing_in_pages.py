"""Login, lock, password and PIN, accounts, and the first page."""

import re

import pytest
from litestar.testing import TestClient
from node_for_tests import CHEAP, LOGIN, PASSWORD, Node, log_in

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Role
from cunyi.domain.encounter import ListKind
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.journeys.seat import Seat
from cunyi.journeys.today import check_in
from cunyi.web.gate import COOKIE

OTHER_PASSWORD = "river-bridge-7"


@pytest.fixture
def client(node: Node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def signed_in(client, node):
    client.cookies.set(COOKIE, node.token)
    return client


def enter(client, login=LOGIN, password=PASSWORD, **more):
    return client.post("/login", data={"login": login, "password": password, **more}, follow_redirects=False)


def sit_down(client, token):
    client.cookies.clear()
    client.cookies.set(COOKIE, token)


def test_every_page_leads_to_the_login_and_back(client):
    answer = client.get("/people", follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/login?next=/people"
    answer = enter(client, next="/people")
    assert answer.headers["location"] == "/people"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie.replace("Strict", "strict")


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
def test_the_login_leads_nowhere_else(client, elsewhere):
    assert enter(client, next=elsewhere).headers["location"] == "/"


def test_a_wrong_password_is_told_beside_the_field_and_the_name_is_kept(client):
    answer = enter(client, password="wrong")
    assert answer.status_code == 400 and "用户名或密码不对" in answer.text and f'value="{LOGIN}"' in answer.text
    assert "wrong" not in re.sub(r"<[^>]+>", "", answer.text)


def test_too_many_wrong_passwords_lock_the_account_for_a_while(client):
    for _ in range(5):
        enter(client, password="wrong")
    assert "已锁定" in enter(client).text


def test_a_locked_node_opens_with_the_first_login(node, mini):
    node.seat.close()
    seat = Seat(clock=node.clock, cost=CHEAP, folder=node.folder)
    with TestClient(create_app(Config(), mini, seat=seat), raise_server_exceptions=False) as client:
        assert "加密" in client.get("/login").text
        assert client.get("/", follow_redirects=False).headers["location"].startswith("/login")
        assert enter(client, password="wrong").status_code == 400
        assert not seat.is_open
        assert enter(client).status_code == 303
        assert seat.is_open and client.get("/").status_code == 200
    seat.close()


def test_the_demonstration_account_stands_on_its_login_page_only(node, mini, client):
    assert PASSWORD not in client.get("/login").text
    shown = create_app(Config(), mini, seat=node.seat, shown_account=(LOGIN, PASSWORD))
    with TestClient(shown) as demonstration:
        assert PASSWORD in demonstration.get("/login").text


def test_the_screen_locks_and_unlocks(signed_in, node):
    assert signed_in.post("/lock", follow_redirects=False).headers["location"] == "/unlock"
    assert signed_in.get("/", follow_redirects=False).headers["location"] == "/unlock?next=/"
    assert "PIN" in signed_in.get("/unlock").text
    assert signed_in.post("/unlock", data={"secret": "nope"}).status_code == 400
    assert signed_in.post("/unlock", data={"secret": PASSWORD}, follow_redirects=False).status_code == 303
    assert signed_in.get("/").status_code == 200


def test_a_pin_is_set_and_opens_the_screen_but_not_the_node(signed_in, node, mini):
    answer = signed_in.post("/me/pin", data={"pin_password": PASSWORD, "pin": "1111"})
    assert answer.status_code == 400 and 'id="error-pin"' in answer.text
    assert signed_in.post("/me/pin", data={"pin_password": "wrong", "pin": "270915"}).status_code == 400
    assert signed_in.post("/me/pin", data={"pin_password": PASSWORD, "pin": "270915"}).status_code == 200
    signed_in.post("/lock")
    assert signed_in.post("/unlock", data={"secret": "270915"}, follow_redirects=False).status_code == 303
    assert enter(signed_in, password="270915").status_code == 400


def test_a_password_is_changed_and_the_old_one_opens_nothing(signed_in, node):
    wrong = signed_in.post(
        "/me/password", data={"old_password": PASSWORD, "password": OTHER_PASSWORD, "password_again": "x"}
    )
    assert wrong.status_code == 400 and "两次输入" in wrong.text
    done = signed_in.post(
        "/me/password",
        data={"old_password": PASSWORD, "password": OTHER_PASSWORD, "password_again": OTHER_PASSWORD},
    )
    assert done.status_code == 200 and "密码已改" in done.text
    assert enter(signed_in).status_code == 400
    assert enter(signed_in, password=OTHER_PASSWORD).status_code == 303
    node.seat.close()
    seat = Seat(clock=node.clock, cost=CHEAP, folder=node.folder)
    seat.sign_in(LOGIN, OTHER_PASSWORD)
    seat.close()


def test_only_an_administrator_manages_accounts(signed_in, node, client):
    assert signed_in.get("/accounts").status_code == 403
    admin = node.seat.add_account(
        "system", login="guan", name="管理员", role=Role.ADMINISTRATOR, password=OTHER_PASSWORD
    )
    token, _ = node.seat.sign_in("guan", OTHER_PASSWORD)
    client.cookies.set(COOKIE, token)
    assert "李建国" in client.get("/accounts").text
    new = {"login": "wang", "name": "王护士", "role": "nurse", "areas": "360731101", "password": "first-password-1"}
    refused = client.post("/accounts", data={**new, "password": "short"})
    assert refused.status_code == 400 and 'value="王护士"' in refused.text and 'id="error-password"' in refused.text
    assert client.post("/accounts", data=new).status_code == 200
    assert "已经有人用" in client.post("/accounts", data=new).text
    answer = enter(client, "wang", "first-password-1")
    assert answer.headers["location"] == "/me", "the first password is changed first"
    sit_down(client, token)
    wang = next(account for account in node.seat.accounts(admin) if account.login == "wang")
    assert client.post(f"/accounts/{wang.id}", data={"act": "stop"}).status_code == 200
    assert "已停用" in enter(client, "wang", "first-password-1").text
    sit_down(client, token)
    assert "自己" in client.post(f"/accounts/{admin.id}", data={"act": "stop"}).text


def test_a_manager_sees_counts_and_no_patients(node, client):
    person = node.register("周大福")
    check_in(node.store, node.account, person.id, "头痛")
    node.seat.add_account("system", login="ming", name="管理", role=Role.MANAGER, password=OTHER_PASSWORD)
    token, _ = node.seat.sign_in("ming", OTHER_PASSWORD)
    client.cookies.set(COOKIE, token)
    page = client.get("/").text
    assert "已建档 1 人" in page and "周大福" not in page


def test_today_shows_who_waits_who_is_due_and_what_is_unfinished(signed_in, node):
    person = node.register("周大福")
    today = node.clock().date()
    assert "没有人候诊" in signed_in.get("/").text
    answer = signed_in.post(f"/people/{person.id}/check-in", data={"why": "头痛两天"}, follow_redirects=False)
    assert answer.status_code == 303
    add_to_list(node.store, node.account, person.id, ListKind.PLAN, name="高血压随访", due_on=today, today=today)
    signed_in.post(f"/people/{person.id}/encounter")
    page = signed_in.get("/").text
    assert "头痛两天" in page and "高血压随访" in page and "/encounters/" in page
    signed_in.post(f"/people/{person.id}/leave")
    assert "没有人候诊" in signed_in.get("/").text


def test_nothing_of_a_node_is_stored_by_a_browser(signed_in):
    for path in ("/", "/login", "/me"):
        assert signed_in.get(path).headers["cache-control"] == "no-store"


def test_logging_in_and_out_in_the_browser(page, node_address):
    # What the page asked for just before is refused after.
    page.refusals_expected = True
    log_in(page, node_address)
    assert page.is_visible("#words")
    page.click("form[action='/logout'] button")
    page.wait_for_url("**/login")
    page.goto(f"{node_address}/")
    assert page.url.endswith("/login?next=/")


def test_a_form_that_is_sent_after_the_screen_locked_is_not_lost(desktop, node, node_address):
    page = desktop
    page.refusals_expected = True
    log_in(page, node_address)
    page.goto(f"{node_address}/me")
    page.fill("#pin_password", PASSWORD)
    page.fill("#pin", "270915")
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == COOKIE)
    node.seat.lock(token)
    page.click("form[action='/me/pin'] button")
    page.wait_for_selector("#unlock-dialog[open]")
    page.fill("#unlock-secret", PASSWORD)
    page.press("#unlock-secret", "Enter")
    page.wait_for_selector(".done")
    page.goto(f"{node_address}/me")
    page.fill("#pin_password", PASSWORD)
    page.fill("#pin", "850427")
    node.seat.sign_out(token)
    with page.expect_popup() as popup:
        page.click("form[action='/me/pin'] button")
    login = popup.value
    login.fill("#login", LOGIN)
    login.fill("#password", PASSWORD)
    login.click("main form button.main-tap")
    login.wait_for_url("**/back")
    login.close()
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.wait_for_selector(".done")
