"""The visit round in the browser: who is listed and why, one tap to the visit, putting off with a reason, the sheet to take along."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
from litestar.testing import TestClient
from node_for_tests import Node, log_in, served
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from cunyi.app import artefact_path, create_app, load_knowledge
from cunyi.config import Config, read_config
from cunyi.domain.account import Role
from cunyi.domain.encounter import ListKind
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.gate import COOKIE
from cunyi.web.language import COOKIE as LANGUAGE


@pytest.fixture(scope="module")
def whole() -> Knowledge:
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge base was not built")
    return load_knowledge(path)


@pytest.fixture
def client(node: Node, whole: Knowledge) -> Iterator[TestClient]:
    with TestClient(create_app(Config(), whole, seat=node.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


def old_people(node: Node) -> None:
    for name, hamlet in (("钟桂英", "一组"), ("赖水生", "二组"), ("廖福生", "二组")):
        node.register(name, birth_on="1948-03-01", villager_group=hamlet, address=f"{hamlet}5号", phone="13800000000")


def in_order(html: str) -> list[str]:
    return re.findall(r'<span class="name" lang="zh">([^<]+)</span>', html[html.index("round-number") :])


def test_the_list_goes_hamlet_by_hamlet_and_the_way_can_be_changed(client: TestClient, node: Node) -> None:
    old_people(node)
    page = client.get("/visit-round").text
    assert in_order(page) == ["钟桂英", "赖水生", "廖福生"]
    assert "65 岁以上" in page and "没有接诊记录" in page and 'href="tel:13800000000"' in page
    [button] = re.findall(r'<form method="post" action="/visit-round/way">(.*?)</form>', page)
    client.post("/visit-round/way", data=dict(re.findall(r'name="(\w+)" value="([^"]*)"', button)))
    assert in_order(client.get("/visit-round").text) == ["赖水生", "廖福生", "钟桂英"]
    client.cookies.set(LANGUAGE, "en")
    english = client.get("/visit-round").text
    assert "Aged 65 or over, not seen for a year" in english and "no encounter on record" in english


def test_of_a_long_hamlet_the_first_are_shown_and_the_rest_on_a_page_of_its_own(client: TestClient, node: Node) -> None:
    for given in "甲乙丙丁戊己庚辛壬癸子丑寅卯":
        node.register(f"老{given}", birth_on="1948-03-01", villager_group="一组")
    page = client.get("/visit-round").text
    assert len(in_order(page)) == 12 and "还有 2 人" in page
    more = re.search(r'href="(/visit-round\?village=[^"]+)"', page)
    assert more is not None
    assert len(in_order(client.get(more[1].replace("&amp;", "&")).text)) == 14


def test_putting_off_is_refused_beside_its_field_and_nothing_typed_is_lost(client: TestClient, node: Node) -> None:
    person = node.register("钟桂英", birth_on="1948-03-01")
    today = node.clock().astimezone().date()
    where = f"/visit-round/{person.id}/put-off"
    late = (today + timedelta(days=60)).isoformat()
    refused = client.post(where, data={"until": late, "why": "上山采茶"})
    assert refused.status_code == 400
    assert "最多推迟 30 天" in refused.text and 'value="上山采茶"' in refused.text and f'value="{late}"' in refused.text
    assert "真有的日子" in client.post(where, data={"until": "2026-02-31", "why": "上山采茶"}).text
    soon = (today + timedelta(days=5)).isoformat()
    assert "为什么推迟" in client.post(where, data={"until": soon, "why": ""}).text
    assert client.post(where, data={"until": soon, "usual": "路不通"}).status_code == 200
    page = client.get("/visit-round").text
    assert 'id="round-number">0<' in page and f"推迟到 {soon}" in page and "路不通" in page
    assert client.get("/visit-round/00000000-0000-7000-8000-000000000000/put-off").status_code == 400


def test_the_sheet_names_who_why_and_where_on_a4(client: TestClient, node: Node) -> None:
    old_people(node)
    person = node.register("刘招娣", birth_on="1985-03-01", villager_group="新屋组")
    add_to_list(
        node.store, node.account, person.id, ListKind.PROBLEM, name="脑出血后偏瘫", today=node.clock().date()
    )  # fmt: skip
    answer = client.get("/visit-round/sheet")
    assert answer.headers["content-type"] == "application/pdf" and "no-store" in answer.headers["cache-control"]
    reader = PdfReader(BytesIO(answer.content))
    text = "".join(page.extract_text() for page in reader.pages)
    assert round(float(reader.pages[0].mediabox.width)) == 595
    for words in ("巡诊单", "要看：4 人", "钟桂英", "二组（2 人）", "卧床或不能自理：脑出血后偏瘫", "本周去"):
        assert words in text.replace("\n", ""), words


def test_who_may_not_read_records_has_no_list_and_nobody_is_named_in_an_address(client: TestClient, node: Node) -> None:
    old_people(node)
    assert "钟" not in "".join(re.findall(r'(?:href|action)="([^"]+)"', client.get("/visit-round").text))
    node.seat.add_account("system", login="boss", name="主任", role=Role.MANAGER, password="mountain-road-9", areas=())
    token, _ = node.seat.sign_in("boss", "mountain-road-9")
    client.cookies.set(COOKIE, token)
    assert client.get("/visit-round").status_code == 403
    assert "/visit-round" not in client.get("/").text.split("</nav>")[0]


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_the_list_one_tap_starts_the_home_visit(page: Page, size: str, node: Node, whole: Knowledge) -> None:
    old_people(node)
    with served(node.seat, whole) as address:
        log_in(page, address)
        page.goto(f"{address}/visit-round", wait_until="load")
        expect(page.locator("#round-number")).to_have_text("3")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the screen"
        page.locator(".round-one", has_text="赖水生").get_by_role("button", name="出诊").click()
        page.wait_for_url("**/encounters/*")
        expect(page.locator("input[name=kind][value=home_visit]")).to_be_checked()
        expect(page.locator("main")).to_contain_text("赖水生")
