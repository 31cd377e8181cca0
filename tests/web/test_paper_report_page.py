"""The page of a paper report: a photograph in, rows beside their strips, nothing without a tap, nothing typed lost."""

import re
import socket
import threading
import time
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import pytest
import uvicorn
from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.static_files import create_static_files_router
from litestar.testing import TestClient
from node_for_tests import Node
from paper_for_tests import ToldReader, encoded, line, lines_of
from PIL import Image
from playwright.sync_api import expect
from waiting import until

import cunyi.web
from cunyi.devices.paper.page import MOST_BYTES
from cunyi.domain.errors import UserError
from cunyi.journeys.consulting import begin_draft, open_draft
from cunyi.web.doctor import paper_report
from cunyi.web.doctor.bell import bell_routes
from cunyi.web.doctor.encounter import encounter_routes
from cunyi.web.doctor.paper_report import paper_routes
from cunyi.web.doctor.signing_in import signing_in_routes
from cunyi.web.gate import (
    COOKIE,
    Gate,
    NotSignedInError,
    ScreenLockedError,
    lead_to_login,
    lead_to_unlock,
    refuse_page,
)
from cunyi.web.headers import protect
from cunyi.web.language import COOKIE as LANGUAGE
from cunyi.web.refusals import fail, refuse_request

PHOTO = encoded(Image.new("L", (1000, 400), 255))
ROWS = (("血红蛋白", "98 ↓", "115-150", "g/L"), ("白细胞", "82", "3.5-9.5", "10^9/L"))


def site(node, knowledge, reader):
    """The pages around the report's, with a recogniser that says what it is told."""
    gate = Gate(node.seat)
    static = Path(cunyi.web.__file__).parent / "static"
    return Litestar(
        route_handlers=[
            *signing_in_routes(node.seat, gate, None),
            *[each for each in encounter_routes(gate, knowledge)],
            *paper_routes(gate, knowledge, reader),
            *bell_routes(gate),
            create_static_files_router(path="/static", directories=[static], include_in_schema=False),
        ],
        exception_handlers={
            NotSignedInError: lead_to_login,
            ScreenLockedError: lead_to_unlock,
            UserError: refuse_page,
            HTTPException: refuse_request,
            Exception: fail,
        },
        before_send=[protect],
        request_max_body_size=256_000,
        openapi_config=None,
        logging_config=None,
    )


@pytest.fixture
def reader():
    return ToldReader(lines_of(*ROWS))


@pytest.fixture
def client(node: Node, mini, reader):
    with TestClient(site(node, mini, reader), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


@pytest.fixture
def draft_id(node):
    person = node.register("周大福")
    return begin_draft(node.store, node.account, person.id, {"chief_complaint": ["乏力"]}).id


@pytest.fixture
def where(draft_id):
    return f"/encounters/{draft_id}/paper"


def photograph(client, where, data=PHOTO, name="report.png"):
    return client.post(where, files={"photo": (name, data, "image/png")}, follow_redirects=False)


def fields(html):
    """The fields of the rows as the page has them."""
    return {
        name: [unescape(value) for value in re.findall(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', html)]
        for name in ("row", "name", "value", "unit")
    }


def labs(node, draft_id):
    form = open_draft(node.store, node.account, draft_id).draft.form
    return list(zip(form.get("lab_name", ()), form.get("lab_value", ()), form.get("lab_unit", ()), strict=True))


def test_a_photograph_becomes_rows_to_compare(client, where, reader, node, draft_id):
    page = client.get(where).text
    assert 'type="file"' in page and 'capture="environment"' in page and 'id="paper-rows"' not in page
    assert "不联网" in page and "told" in page
    answer = photograph(client, where)
    assert (answer.status_code, answer.headers["location"]) == (303, where)
    page = client.get(where).text
    assert fields(page)["value"] == ["98", "82"] and fields(page)["name"] == ["血红蛋白", "白细胞"]
    assert page.count('<img class="strip" src="data:image/png;base64,') == 2
    assert "小数点可能没有读到" in page
    assert not re.search(r'name="sure"[^>]*checked', page)
    assert labs(node, draft_id) == [] and len(reader.asked) == 1


def test_confirmed_rows_go_into_the_record(client, where, node, draft_id):
    photograph(client, where)
    sent = fields(client.get(where).text)
    sent["value"][1] = "8.2"
    answer = client.post(f"{where}/take", data={**sent, "sure": sent["row"]}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/encounters/{draft_id}")
    assert labs(node, draft_id) == [("血红蛋白", "98", "g/L"), ("白细胞", "8.2", "10^9/L")]
    encounter = client.get(f"/encounters/{draft_id}").text
    assert 'value="98"' in encounter and 'value="8.2"' in encounter


def test_the_page_names_the_person_and_asks_about_a_report_of_somebody_else(client, where, reader, node, draft_id):
    page = client.get(where).text
    assert "记入谁的档案" in page and "周大福" in page
    said = [line("姓名：陆大旺 性别：男 年龄：70岁 报告日期：2026-03-02", 100, 40)]
    reader.lines = [*said, *reader.lines]
    photograph(client, where)
    page = client.get(where).text
    assert "陆大旺" in page and "2026-03-02" in page and 'name="theirs"' in page
    sent = {**fields(page), "sure": fields(page)["row"]}
    sent["value"][1] = "8.2"
    answer = client.post(f"{where}/take", data=sent, follow_redirects=False)
    assert answer.status_code == 400 and "请先在上面勾选" in answer.text and labs(node, draft_id) == []
    theirs = re.search(r'name="theirs" value="([^"]+)"', page)[1]
    assert client.post(f"{where}/take", data={**sent, "theirs": theirs}, follow_redirects=False).status_code == 303
    encounter = client.get(f"/encounters/{draft_id}").text
    assert len(re.findall(r'name="lab_on" type="date" value="2026-03-02"', encounter)) == 2


def test_without_a_tap_nothing_is_taken_and_what_was_typed_stays(client, where, node, draft_id):
    photograph(client, where)
    sent = fields(client.get(where).text)
    sent["value"][1] = "8.2"
    answer = client.post(f"{where}/take", data=sent, follow_redirects=False)
    assert answer.status_code == 400 and "还没有确认任何一行" in answer.text
    assert fields(answer.text)["value"] == ["98", "8.2"]
    answer = client.post(f"{where}/take", data={**sent, "value": ["98", "abc"], "sure": sent["row"]})
    assert answer.status_code == 400 and "请照纸上改正" in answer.text
    assert fields(answer.text)["value"] == ["98", "abc"] and answer.text.count("checked>") == 2
    assert labs(node, draft_id) == []


def test_what_is_typed_is_kept_and_doubts_are_told_anew(client, where):
    photograph(client, where)
    sent = fields(client.get(where).text)
    answer = client.post(f"{where}/keep", data={**sent, "value": ["98", "8.2"]}, headers={"x-requested-with": "cunyi"})
    assert answer.status_code == 200 and "小数点" not in answer.text and sent["row"][1] in answer.text
    assert fields(client.get(where).text)["value"] == ["98", "8.2"]


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"a,b\n1,2\n", "这个文件不是图片"), (b"", "没有收到照片"), (b"%PDF-1.7", "PDF"), (PHOTO[:300], "不完整")],
)
def test_what_is_no_picture_is_told_beside_the_field_and_the_rows_stay(client, where, data, words):
    photograph(client, where)
    answer = photograph(client, where, data)
    assert answer.status_code == 400 and words in answer.text and 'id="error-photo"' in answer.text
    assert fields(answer.text)["value"] == ["98", "82"]


def test_a_body_that_is_no_form_is_told_in_words(client, where):
    answer = client.post(where, content=PHOTO, headers={"content-type": "image/png"})
    assert answer.status_code == 400 and "没有收到照片" in answer.text


def test_a_large_photograph_passes_and_a_larger_one_is_told_so(client, where):
    assert photograph(client, where, PHOTO + b"\0" * 10_000_000).status_code == 303
    answer = photograph(client, where, b"\x89PNG" + b"x" * MOST_BYTES)
    assert answer.status_code == 400 and "20 MB" in answer.text
    assert photograph(client, where, b"x" * (MOST_BYTES + 200_000)).status_code == 413


def test_the_content_of_a_photograph_arrives_as_it_was_sent(client, where, reader):
    """Bytes that look like line ends or hyphens belong to the picture."""
    odd = encoded(Image.new("L", (64, 64), 255)) + b"\r\n--\r\n\r\n"
    assert photograph(client, where, odd).status_code == 303


def test_rows_thrown_away_are_gone(client, where):
    photograph(client, where)
    assert client.post(f"{where}/forget", follow_redirects=False).status_code == 303
    assert 'id="paper-rows"' not in client.get(where).text


def test_a_locked_screen_and_nobody_signed_in_send_no_photograph(client, where, node, reader):
    node.seat.lock(node.token)
    assert photograph(client, where).headers["location"].startswith("/unlock")
    client.cookies.delete(COOKIE)
    assert photograph(client, where).headers["location"].startswith("/login")
    assert reader.asked == []


def test_in_english(client, where):
    client.cookies.set(LANGUAGE, "en")
    photograph(client, where)
    page = client.get(where).text
    assert "Confirm this row" in page and "A decimal point may be missing" in page
    assert "This file is no picture" in photograph(client, where, b"hello").text


def test_where_the_recogniser_is_not_installed_there_is_no_page(node, mini, monkeypatch):
    monkeypatch.setattr(paper_report, "is_available", lambda: False)
    assert paper_routes(Gate(node.seat), mini) == []


@contextmanager
def running(application):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def test_a_doctor_photographs_compares_and_confirms(page, node, mini, reader, draft_id, where):
    with running(site(node, mini, reader)) as address:
        page.context.add_cookies([{"name": COOKIE, "value": node.token, "url": address}])
        page.goto(address + where)
        page.set_input_files("#photo", {"name": "report.png", "mimeType": "image/png", "buffer": PHOTO})
        page.click("#read-photo")
        rows = page.locator(".paper-row")
        expect(rows).to_have_count(2)
        expect(rows.nth(1).locator("[data-doubts]")).to_contain_text("小数点可能没有读到")
        assert page.locator("[name=sure]:checked").count() == 0
        # Nothing is wider than the screen once the strips of the photograph have their size.
        until(page, "document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        rows.nth(1).locator("[name=sure]").check()
        rows.nth(1).locator("[name=value]").fill("8.2")
        expect(rows.nth(1).locator("[name=sure]")).not_to_be_checked()
        expect(rows.nth(1).locator("[data-doubts] li")).to_have_count(0)
        # The screen locks; what was typed is there after it, the strips too.
        node.seat.lock(node.token)
        page.goto(address + where)
        page.wait_for_url("**/unlock**")
        page.fill("#secret", "mountain-road-9")
        page.click("main form button.main-tap")
        expect(rows.nth(1).locator("[name=value]")).to_have_value("8.2")
        assert rows.nth(1).locator("img.strip").evaluate("image => image.naturalWidth") > 100
        rows.nth(0).locator("[name=sure]").check()
        rows.nth(1).locator("[name=sure]").check()
        page.click("#take")
        page.wait_for_url(f"**/encounters/{draft_id}")
        expect(page.locator("[name=lab_value]").nth(1)).to_have_value("8.2")
    assert labs(node, draft_id) == [("血红蛋白", "98", "g/L"), ("白细胞", "8.2", "10^9/L")]
