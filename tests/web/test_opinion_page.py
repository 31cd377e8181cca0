"""The expert opinion on the pages: asked for with a tap, fresh after every change, in both languages, printed on A4."""

import re
from io import BytesIO

import pytest
from litestar.testing import TestClient
from node_for_tests import Node, log_in
from playwright.sync_api import expect
from pypdf import PdfReader

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.encounter import ListKind
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.journeys.opening_record import who_saw
from cunyi.web.gate import COOKIE
from cunyi.web.language import COOKIE as LANGUAGE

TITLES = (
    "最可能是什么，为什么",
    "必须排除什么，怎样排除",
    "现在在村卫生室做什么",
    "到卫生院或县医院查什么",
    "治疗可以考虑什么",
    "怎样跟病人说",
    "什么时候复诊",
    "什么时候马上去医院",
)
CASE = {"chief_complaint": "胸痛、冷汗2小时", "age": "60", "sex": "male"}
HAN = re.compile("[\u3400-\u9fff]")
TAG = re.compile(r"<[^>]+>")


@pytest.fixture
def at_node(node: Node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


def begin(client, person):
    return client.post(f"/people/{person.id}/encounter", data={}, follow_redirects=False).headers["location"]


def pdf_words(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf" and "no-store" in answer.headers["cache-control"]
    reader = PdfReader(BytesIO(answer.content))
    assert [float(each) for each in reader.pages[0].mediabox[2:]] == pytest.approx((595.28, 841.89), abs=0.5)
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in reader.pages))


def test_the_workbench_offers_the_opinion_and_gives_it(client):
    assert 'hx-post="/workbench/opinion"' in client.get("/").text
    answer = client.post("/workbench/opinion", data=CASE)
    assert answer.status_code == 200
    places = [answer.text.index(title) for title in TITLES]
    assert places == sorted(places)
    assert "急性心肌梗死" in answer.text and "立即转诊" in answer.text and "草稿" in answer.text
    assert "style=" not in answer.text and "<script" not in answer.text


def test_every_sentence_names_sources_that_are_listed(client):
    html = client.post("/workbench/opinion", data=CASE).text
    listed = html[html.index("opinion-sources") :].count("<li>")
    sentences = re.findall(r"<li[^>]*>(?!<cite)(.*?)</li>", html[: html.index("opinion-sources")], re.S)
    assert sentences and all(re.search(r"\[\d+(?:,\d+)*\]", sentence) for sentence in sentences)
    numbers = {int(n) for refs in re.findall(r"\[([\d,]+)\]", html) for n in refs.split(",")}
    assert numbers == set(range(1, listed + 1))


def test_in_english_what_has_no_translation_is_marked_chinese(client):
    client.cookies.set(LANGUAGE, "en")
    try:
        html = client.post("/workbench/opinion", data=CASE).text
    finally:
        client.cookies.delete(LANGUAGE)
    assert "What must be excluded, and how" in html and "Refer now / call 120" in html
    assert 'lang="zh"' in html and "in Chinese" in html
    without_chinese = re.sub(r'<(span|cite) lang="zh">.*?</\1>', "", html)
    without_hidden = re.sub(r"<input[^>]*>", "", without_chinese)
    assert not HAN.search(TAG.sub("", without_hidden))


def test_an_empty_workbench_gets_no_comfort(client):
    html = client.post("/workbench/opinion", data={}).text
    assert "还没有识别出征象" in html and "居家观察" not in html


def test_the_sheet_of_the_workbench_names_nobody_and_takes_what_was_shown(client):
    html = client.post("/workbench/opinion", data={**CASE, "past_history": '"><b>高血压'}).text
    fields = dict(re.findall(r'form="opinion-print" name="([^"]+)" value="([^"]*)"', html))
    assert fields["chief_complaint"] == CASE["chief_complaint"] and '"><b>' not in html
    text = pdf_words(client.post("/workbench/opinion/sheet", data=CASE))
    assert all(title in text for title in TITLES)
    assert "急性心肌梗死" in text and "60岁" in text and "不是处方" in text and "姓名" not in text


def test_the_opinion_of_a_draft_knows_the_record_of_the_person(at_node, node):
    person = node.register("周大福")
    add_to_list(node.store, node.account, person.id, kind=ListKind.ALLERGY, name="阿司匹林", today=node.clock().date())
    where = begin(at_node, person)
    assert f'hx-post="{where}/opinion"' in at_node.get(where).text
    html = at_node.post(f"{where}/opinion", data=CASE).text
    assert all(title in html for title in TITLES) and "周大福" not in html
    assert f"/print/opinion/{where.rsplit('/', 1)[-1]}" in html


def test_the_sheet_of_a_draft_is_printed_and_written_into_the_log(at_node, node):
    person = node.register("周大福")
    where = begin(at_node, person)
    at_node.post(f"{where}/keep", data={**CASE, "window": "w", "stroke": "1"})
    text = pdf_words(at_node.get(f"/print/opinion/{where.rsplit('/', 1)[-1]}"))
    assert "周大福" in text and "上坪村卫生室" in text and "急性心肌梗死" in text and "不是病历" in text
    looks = who_saw(node.store, node.account, person.id)
    assert any(look.action == "print" and "opinion" in look.detail for look in looks)


@pytest.mark.parametrize("path", ["/encounters/{}/opinion", "/print/opinion/{}"])
def test_the_opinion_is_behind_the_login_and_the_lock(at_node, node, path):
    draft = begin(at_node, node.register("周大福")).rsplit("/", 1)[-1]
    ask = at_node.post if path.startswith("/enc") else at_node.get
    nobody = "00000000-0000-7000-8000-000000000000"
    assert ask(path.format(nobody), headers={"x-requested-with": "cunyi"}).status_code == 400
    node.seat.lock(node.token)
    assert ask(path.format(draft), headers={"x-requested-with": "cunyi"}).status_code == 423
    at_node.cookies.delete(COOKIE)
    assert ask(path.format(draft), headers={"x-requested-with": "cunyi"}).status_code == 401


def test_the_opinion_follows_what_is_written(desktop, address):
    desktop.goto(address)
    desktop.fill("#chief_complaint", "胸痛、冷汗2小时")
    expect(desktop.locator("#triage")).to_contain_text("立即转诊")
    desktop.click("#opinion-ask")
    expect(desktop.locator("#opinion")).to_contain_text("急性心肌梗死")
    desktop.click("#opinion-likely summary")
    desktop.fill("#chief_complaint", "")
    expect(desktop.locator("#opinion")).to_contain_text("还没有识别出征象")
    assert desktop.locator("#opinion-likely").get_attribute("open") is None, "what was folded stays folded"
    desktop.fill("#chief_complaint", "胸痛、冷汗2小时")
    expect(desktop.locator("#opinion")).to_contain_text("急性心肌梗死")
    with desktop.context.expect_page() as opened:
        desktop.click("button[form=opinion-print]")
    assert opened.value


def test_the_opinion_in_an_encounter_leaves_what_is_written_alone(desktop, node, node_address):
    log_in(desktop, node_address)
    person = node.register("周大福")
    desktop.goto(f"{node_address}/people/{person.id}")
    desktop.evaluate(
        "id => { const form = document.createElement('form'); form.method = 'post';"
        " form.action = `/people/${id}/encounter`; document.body.append(form); form.submit(); }",
        person.id,
    )
    desktop.wait_for_selector("#opinion-ask")
    desktop.wait_for_load_state("load")
    desktop.fill("#chief_complaint", "胸痛、冷汗2小时")
    desktop.click("#opinion-ask")
    expect(desktop.locator("#opinion")).to_contain_text("急性心肌梗死")
    expect(desktop.locator("#chief_complaint")).to_have_value("胸痛、冷汗2小时")
    expect(desktop.locator("#opinion-print-link")).to_have_attribute("href", re.compile("^/print/opinion/"))
