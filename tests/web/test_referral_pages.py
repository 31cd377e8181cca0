"""The pages of referrals: the form filled, what is missing told, the thread on both sides, the sheets, the whole loop in a browser.

With the environment variable CUNYI_SCREENSHOTS=FOLDER the pictures are left in that folder.
"""

import os
import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient
from node_for_tests import LOGIN, PASSWORD, log_in, served
from pypdf import PdfReader
from referrals_for_tests import COUNTY, FACILITIES, TOWNSHIP, carry, register_facilities, two_nodes
from waiting import pressed

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Role
from cunyi.journeys.consulting import begin_draft
from cunyi.journeys.escalating import escalate_overdue
from cunyi.journeys.opening_record import who_saw
from cunyi.web.gate import COOKIE
from cunyi.web.language import COOKIE as LANGUAGE_COOKIE

SENT = {
    "place": TOWNSHIP,
    "urgency": "soon",
    "reason": "发热三天不退",
    "complaint": "咳嗽发热3天",
    "diagnosis": "普通感冒",
    "patient_phone": "13900000001",
    "results": "体温 39.1 ℃\n血氧 93 %",
}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with two_nodes(tmp_path_factory.mktemp("township")) as both:
        yield both


@pytest.fixture
def clients(nodes, mini):
    made = []
    for node in nodes:
        client = TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False)
        client.cookies.set(COOKIE, node.token)
        made.append(client.__enter__())
    yield made
    for client in made:
        client.__exit__(None, None, None)


def send(client, person, **changes):
    answer = client.post(f"/people/{person.id}/refer", data={**SENT, **changes}, follow_redirects=False)
    assert answer.status_code == 303, re.findall(r"field-error[^>]*>([^<]*)", answer.text)
    return answer.headers["location"]


def state(client, where):
    answer = client.get(where)
    assert answer.status_code == 200, answer.text[-2000:]
    return re.search(r'data-state="(\w+)"', answer.text)[1]


def words(answer):
    assert answer.status_code == 200, answer.text
    reader = PdfReader(BytesIO(answer.content))
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in reader.pages)), len(reader.pages)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_form_is_filled_and_says_what_is_missing(clients, nodes, language):
    client = clients[0]
    client.cookies.set(LANGUAGE_COOKIE, language)
    person = nodes[0].register("周大福")
    fields = {"chief_complaint": ["胸痛1小时"], "physical_examination": ["大汗"], "systolic_mmhg": ["168"]}
    draft = begin_draft(nodes[0].store, nodes[0].account, person.id, fields)
    page = client.get(f"/people/{person.id}/refer?draft={draft.id}").text
    assert "胸痛1小时" in page and "168 mmHg" in page and "坪山镇卫生院" in page
    refused = client.post(f"/people/{person.id}/refer", data={**SENT, "reason": "", "place": "", "history": "自己写的"})
    assert refused.status_code == 400 and "自己写的" in refused.text
    assert ("请写转诊原因" if language == "zh" else "Write why the patient is referred") in refused.text
    assert client.get(f"/people/{person.id}/refer?direction=down").status_code == 200


def test_whoever_coordinates_finds_what_nobody_answers_on_a_list_of_its_own(clients, nodes, mini):
    village, township = clients
    person = nodes[0].register("赖春梅")
    where = send(village, person, place=COUNTY, urgency="emergency")
    carry(nodes[0].store, nodes[1].store)
    assert "要您协调" not in township.get("/referrals").text
    clock = nodes[0].clock
    before, clock.at = clock.at, clock() + timedelta(hours=1)
    assert escalate_overdue(nodes[1].store, clock(), mini.content.referral_loop) == 1
    # The screen has locked itself meanwhile.
    township.cookies.set(COOKIE, nodes[1].seat.sign_in(LOGIN, PASSWORD)[0])
    page = township.get("/referrals").text
    pile = page[page.index('id="pile-coordinate"') :]
    assert "超时无人答复，要您协调" in page and where in pile and "打对方急诊电话" in pile
    opened = township.get(where).text
    assert "超时无人答复，程序已告知" in opened and "坪山镇卫生院" in opened
    assert "没有改变状态" not in opened[opened.index('id="course"') :]
    assert f"{where}/call" in opened and f"{where}/accept" not in opened
    assert township.post(f"{where}/call", data={"called": "县医院急诊", "words": "马上派车"}).status_code == 200
    assert township.post(f"{where}/accept", data={}).status_code == 400
    clock.at = before


def test_the_loop_by_its_pages_on_both_sides(clients, nodes):
    village, township = clients
    person = nodes[0].register("周大福")
    where = send(village, person)
    assert state(village, where) == "requested"
    carry(nodes[0].store, nodes[1].store)
    assert "周大福" in township.get("/referrals").text and "条要您处理" in township.get("/").text
    for step, fields in (
        ("receive", {}),
        ("accept", {"come_at": "今天下午内科门诊"}),
        ("arrive", {}),
        ("admit", {}),
    ):
        assert township.post(f"{where}/{step}", data=fields, follow_redirects=False).status_code == 303
    refused = township.post(f"{where}/return", data={"treatment": "抗感染", "diagnosis": ""})
    assert refused.status_code == 400 and "回转单要写诊断" in refused.text and "抗感染" in refused.text
    back = {
        "diagnosis": "肺炎（确诊）",
        "treatment": "抗感染",
        "plan": "继续口服",
        "check_on": "2099-01-02",
        "check_what": "复查胸片",
    }
    assert township.post(f"{where}/return", data=back, follow_redirects=False).status_code == 303
    assert village.post(f"{where}/accept", data={}).status_code == 400
    carry(nodes[1].store, nodes[0].store)
    page = village.get(where).text
    assert "复查胸片" in page and "与转出时对照" in page and "普通感冒" in page
    assert "肺炎" in village.get(f"/people/{person.id}").text
    assert village.post(f"{where}/follow_up", data={"words": "好了"}, follow_redirects=False).status_code == 303
    assert village.post(f"{where}/close", data={}, follow_redirects=False).status_code == 303
    assert state(village, where) == "closed"
    statistics = village.get("/referrals/statistics").text
    assert "普通感冒" in statistics and "周大福" not in statistics
    actions = [entry.action for entry in who_saw(nodes[0].store, nodes[0].account, person.id)]
    assert actions.count("write_referral") == 3 and "view_referral" in actions


def test_a_place_by_hand_is_answered_by_telephone(clients, nodes):
    client = clients[0]
    where = send(client, nodes[0].register("周大福"), place="by_hand", place_name="外省医院", place_department="骨科")
    refused = client.post(f"{where}/accept", data={})
    assert refused.status_code == 400 and "是谁" in refused.text
    assert client.post(f"{where}/accept", data={"told_by": "值班医生电话"}, follow_redirects=False).status_code == 303
    page = client.get(where).text
    assert "值班医生电话" in page and state(client, where) == "accepted"


def test_a_place_that_closed_is_told_on_the_page_and_left_for_another(clients, nodes):
    client, store = clients[0], nodes[0].store
    where = send(client, nodes[0].register("周大福"))
    try:
        register_facilities(store, msgspec.structs.replace(FACILITIES[1], open=False, closed_reason="装修停诊"))
        page = client.get(where).text
        assert 'id="place-closed"' in page and "装修停诊" in page
        assert "对方已停诊" in client.get("/referrals").text
        sent = {"place": "C1", "words": "改去县里"}
        assert client.post(f"{where}/redirect", data=sent, follow_redirects=False).status_code == 303
        page = client.get(where).text
        assert 'id="place-closed"' not in page and "县人民医院" in page
    finally:
        register_facilities(store)


def test_a_slip_is_found_by_its_code_and_a_wrong_code_is_told(clients, nodes):
    client = clients[0]
    where = send(client, nodes[0].register("周大福"))
    code = where.rsplit("/", 1)[1]
    assert (
        client.post("/referrals/find", data={"code": f" {code} "}, follow_redirects=False).headers["location"] == where
    )
    assert "编号不对" in client.post("/referrals/find", data={"code": "7"}).text
    assert client.get(f"/referrals/{code[:-4]}0000").status_code == 400
    assert client.post(f"{where}/dance", data={}).status_code == 400


def test_the_official_slip_the_return_slip_and_the_handover(clients, nodes):
    village, township = clients
    person = nodes[0].register("周大福", address="12号")
    where = send(village, person, urgency="emergency", first_aid="平卧\n吸氧", history="长" * 900)
    thread = where.rsplit("/", 1)[1]
    for paper in ("a5", "a4"):
        text, pages = words(village.get(f"/print/referral/{thread}?paper={paper}"))
        for each in (
            "存根",
            "双向转诊",
            "坪山镇卫生院",
            "周大福",
            "1960-05-05",
            "发热三天不退",
            "咳嗽发热3天",
            "体温39.1℃",
            "李建国",
            "普通感冒",
        ):
            assert each in text, each
        assert pages <= 2
    text, pages = words(village.get(f"/print/handover/{thread}?paper=a4"))
    assert pages == 1
    told = ("周大福", "1960-05-05", f"档案编号{person.archive_code}", "吸氧", "发热三天不退")
    for each in ("急救交接单", "120", "07970120", *told):
        assert each in text, each
    assert village.get(f"/print/returned/{thread}").status_code == 400
    carry(nodes[0].store, nodes[1].store)
    township.post(f"{where}/return", data={"diagnosis": "肺炎", "plan": "继续口服"})
    text, _ = words(township.get(f"/print/returned/{thread}?paper=a4"))
    for each in ("回转", "1960-05-05", "诊断结果：肺炎", "继续口服", "上坪村卫生室", "王医生"):
        assert each in text, each
    draft = begin_draft(nodes[0].store, nodes[0].account, person.id, {"chief_complaint": ["胸痛大汗1小时"]})
    text, pages = words(village.get(f"/print/handover/draft/{draft.id}"))
    assert pages == 1 and "胸痛大汗1小时" in text and "急性心肌梗死" in text


def test_a_nurse_sees_and_does_not_write(clients, nodes):
    client, node = clients[0], nodes[0]
    person = node.register("周大福")
    where = send(client, person)
    node.seat.add_account(
        "system", login="hu", name="护士", role=Role.NURSE, password=PASSWORD, areas=("360731101201",)
    )
    token, _ = node.seat.sign_in("hu", PASSWORD)
    client.cookies.set(COOKIE, token)
    assert state(client, where) == "requested" and 'id="next"' not in client.get(where).text
    assert client.get(f"/people/{person.id}/refer").status_code == 403
    assert client.post(f"{where}/withdraw", data={"words": "不转了"}).status_code == 400


def picture(page, name):
    folder = os.environ.get("CUNYI_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def press(page, step):
    """Opens a step and does it."""
    page.click(f"#next details:has(#step-{step}) > summary")
    if step == "accept":
        page.fill("#come_at", "现在就来，急诊科")
    pressed(page, f"#step-{step} button.main-tap")


def test_the_whole_loop_in_a_browser_between_two_nodes(browser, desktop, tmp_path, mini):
    desktop.refusals_expected = True
    with two_nodes(tmp_path) as nodes:
        walk_the_loop(browser, desktop, mini, *nodes)


def walk_the_loop(browser, desktop, mini, village, township):
    person = village.register("周大福", phone="13900000001", address="12号")
    fields = {
        "chief_complaint": ["胸痛大汗1小时"],
        "physical_examination": ["大汗，面色苍白"],
        "systolic_mmhg": ["168"],
    }
    begin_draft(village.store, village.account, person.id, fields)
    with served(village.seat, mini) as here, served(township.seat, mini) as there:
        log_in(desktop, here)
        desktop.goto(f"{here}/people/{person.id}")
        # The page of the person has a way to refer as well.
        pressed(desktop, "form[action$='/encounter'] button.main-tap")
        desktop.click("#refer")
        desktop.wait_for_selector("form#refer")
        assert desktop.input_value("#complaint") == "胸痛大汗1小时"
        picture(desktop, "referral-form")
        desktop.click("input[name=place][value=T1]")
        desktop.fill("#reason", "")
        desktop.click("#send")
        desktop.wait_for_selector("#refer-errors")
        desktop.fill("#reason", "胸痛伴大汗，疑似心肌梗死")
        desktop.click("#send")
        desktop.wait_for_selector("#state[data-state=requested]")
        where = desktop.url.removeprefix(here)
        picture(desktop, "referral-sent")
        carry(village.store, township.store)
        phone = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        log_in(phone, there)
        phone.goto(f"{there}/referrals")
        picture(phone, "referrals-phone")
        phone.click("#pile-mine a.line")
        phone.wait_for_selector("#state[data-state=requested]")
        for step, state in (
            ("receive", "received"),
            ("accept", "accepted"),
            ("arrive", "arrived"),
            ("admit", "admitted"),
        ):
            press(phone, step)
            phone.wait_for_selector(f"#state[data-state={state}]")
        picture(phone, "referral-answering-phone")
        phone.click("#next details:has(#step-return) > summary")
        phone.fill("#step-return #diagnosis", "急性心肌梗死（确诊）")
        phone.fill("#step-return #plan", "双抗治疗，忌剧烈活动")
        phone.fill("#step-return input[name=check_on] >> nth=0", "2099-01-02")
        phone.fill("#step-return input[name=check_what] >> nth=0", "复查心电图")
        phone.click("#step-return button.main-tap")
        phone.wait_for_selector("#state[data-state=returned]")
        carry(township.store, village.store)
        desktop.goto(here)
        desktop.click("#referrals-told a")
        picture(desktop, "referrals")
        desktop.click("#pile-mine a.line")
        desktop.wait_for_selector("#returned")
        picture(desktop, "referral-returned")
        desktop.click("#next details:has(#step-follow_up) > summary")
        desktop.fill("#words-follow_up", "胸不痛了，按时服药")
        desktop.click("#step-follow_up button.main-tap")
        desktop.wait_for_selector("#state[data-state=followed_up]")
        press(desktop, "close")
        desktop.wait_for_selector("#state[data-state=closed]")
        desktop.goto(f"{here}/people/{person.id}")
        picture(desktop, "referral-record")
        assert desktop.inner_text("#referrals-of-person").count("急性心肌梗死") == 1
        assert "复查心电图" in desktop.inner_text("#plan")
        desktop.goto(f"{here}/referrals/statistics")
        picture(desktop, "referral-statistics")
        carry(village.store, township.store)
        phone.goto(there + where)
        phone.wait_for_selector("#state[data-state=closed]")
        phone.context.close()


def test_managers_find_the_statistics_and_no_false_zeros(clients, nodes):
    client, node = clients[0], nodes[0]
    node.seat.add_account("system", login="guanli", name="张三", role=Role.ADMINISTRATOR, password=PASSWORD)
    client.cookies.set(COOKIE, node.seat.sign_in("guanli", PASSWORD)[0])
    page = client.get("/").text
    assert 'href="/referrals/statistics"' in page and client.get("/referrals/statistics").status_code == 200
    assert "待随访" not in page and "草稿" not in page and 'id="queue"' not in page and 'id="not-shown"' in page
    client.cookies.set(COOKIE, node.seat.sign_in(LOGIN, PASSWORD)[0])
    assert "待随访" in client.get("/").text


def test_a_second_slip_to_the_same_place_asks_first(clients, nodes):
    client, person = clients[0], nodes[0].register("周大福")
    where = send(client, person)
    assert where in client.get(f"/people/{person.id}/refer").text
    refused = client.post(f"/people/{person.id}/refer", data=SENT)
    assert refused.status_code == 400 and "那次还没有结束" in refused.text and 'name="again"' in refused.text
    assert (
        client.post(f"/people/{person.id}/refer", data={**SENT, "again": "yes"}, follow_redirects=False).status_code
        == 303
    )
