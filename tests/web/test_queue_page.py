"""The queue on the first page: who is grave comes first and says why, staff change a level with a reason, the page follows by itself."""

import re
from collections.abc import Iterator

import pytest
from litestar.testing import TestClient
from node_for_tests import Node, log_in, served
from playwright.sync_api import Page, expect

from cunyi.app import artefact_path, create_app, load_knowledge
from cunyi.config import Config, read_config
from cunyi.domain.queue import QueueSource, Triaged
from cunyi.journeys.consulting import begin_draft
from cunyi.journeys.queueing import join_queue, retriage, the_queue
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.looking_again import look_again
from cunyi.web.gate import COOKIE
from cunyi.web.language import COOKIE as LANGUAGE

BACKGROUND = {"X-Requested-With": "cunyi"}


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


def look(level: str, *reasons: str, source: QueueSource = QueueSource.DRAFT) -> Triaged:
    return Triaged(level=level, provisional=False, reasons=reasons, source=source)


def wait(node: Node, name: str, level: str, *reasons: str, village: str = "360731101201") -> str:
    person = node.register(name, village_code=village)
    join_queue(node.store, node.account, person.id, "不舒服", triage=look(level, *reasons), reason="候诊")
    return person.id


def shown(html: str) -> list[str]:
    return re.findall(r'<span class="name" lang="zh">([^<]+)</span>', html)


def test_arriving_is_assessed_and_the_gravest_stands_first_with_why(client: TestClient, node: Node) -> None:
    mild, grave = node.register("周大福"), node.register("李桂花")
    client.post(f"/people/{mild.id}/check-in", data={"why": "来量血压"})
    client.post(f"/people/{grave.id}/check-in", data={"why": "突发胸痛，出冷汗，左臂痛"})
    page = client.get("/").text
    queue = page[page.index('id="queue"') :]
    assert queue.index("李桂花") < queue.index("周大福")
    assert "急症：马上看" in queue and "有 1 个急症在等" in queue
    assert "为什么：" in queue and "来自登记时的说法" in queue
    assert "等了 0 分钟" in queue


def test_what_is_written_in_the_draft_moves_who_waits_and_the_change_is_told(client: TestClient, node: Node) -> None:
    first, second = node.register("周大福"), node.register("李桂花")
    for person in (first, second):
        client.post(f"/people/{person.id}/check-in", data={"why": "头晕"})
    opened = client.post(f"/people/{second.id}/encounter", follow_redirects=False).headers["location"]
    sent = {"chief_complaint": "头晕", "spo2_pct": "82", "revision": "1", "window": "w", "stroke": "1"}
    assert client.post(f"{opened}/keep", data=sent, headers=BACKGROUND).status_code == 200
    queue = client.get("/queue", headers=BACKGROUND).text
    assert shown(queue) == ["李桂花", "周大福"]
    assert "有变化：" in queue and "来自正在写的记录" in queue
    waiting = the_queue(node.store, node.account, node.clock())[0].waiting
    assert waiting.triage.level == "emergency"
    steps = len(waiting.triage.steps)
    client.post(f"{opened}/keep", data={**sent, "stroke": "2"}, headers=BACKGROUND)
    assert len(the_queue(node.store, node.account, node.clock())[0].waiting.triage.steps) == steps


def test_a_level_is_changed_only_with_a_reason(client: TestClient, node: Node) -> None:
    person = wait(node, "周大福", "urgent", "高热")
    refused = client.post(f"/people/{person}/level", data={"level": "routine", "why": ""})
    assert refused.status_code == 400
    assert "请写明为什么改级别" in refused.text and 'value="routine" checked' in refused.text
    assert client.post(f"/people/{person}/level", data={"level": "routine", "why": "重测 36.8"}).status_code == 200
    queue = client.get("/queue", headers=BACKGROUND).text
    assert "重测 36.8" in queue and "人工定的" in queue
    client.cookies.set(LANGUAGE, "en")
    english = client.post(f"/people/{person}/level", data={"level": "", "why": "x"}).text
    assert "Choose the level" in english and "decided by staff" in english


def test_the_filter_of_a_village_never_hides_an_emergency(client: TestClient, node: Node) -> None:
    wait(node, "上村人", "routine")
    wait(node, "下村人", "routine", village="360731101202")
    wait(node, "下村急症", "emergency", "胸痛", village="360731101202")
    queue = client.get("/queue?village=360731101201", headers=BACKGROUND).text
    assert shown(queue) == ["下村急症", "上村人"]
    assert "别的村还有 1 人" in queue
    assert shown(client.get("/queue", headers=BACKGROUND).text) == ["下村急症", "上村人", "下村人"]


def test_many_in_turn_are_folded_but_nobody_who_is_urgent(client: TestClient, node: Node) -> None:
    for name in "甲乙丙丁戊己庚辛壬癸子丑寅卯":
        wait(node, f"周{name}", "routine")
    wait(node, "李急", "urgent", "高热")
    queue = client.get("/queue", headers=BACKGROUND).text
    outside, fold = queue.split('<details class="more-waiting">')
    assert shown(outside)[0] == "李急" and len(shown(outside)) == 12
    assert "后面还有 3 人" in fold and len(shown(fold)) == 3


def test_the_queue_alone_is_for_who_is_signed_in_and_not_locked(client: TestClient, node: Node) -> None:
    wait(node, "周大福", "routine")
    node.seat.lock(node.token)
    locked = client.get("/queue", headers=BACKGROUND)
    assert locked.status_code == 423 and "周大福" not in locked.text
    client.cookies.clear()
    assert client.get("/queue", headers=BACKGROUND).status_code == 401


def test_an_open_page_shows_an_emergency_by_itself_and_leaves_a_form_alone(
    node: Node, whole: Knowledge, page: Page
) -> None:
    wait(node, "周大福", "routine")
    grave = wait(node, "李桂花", "routine")
    with served(node.seat, whole) as address:
        log_in(page, address)
        page.clock.install()
        page.goto(f"{address}/")
        expect(page.locator("#queue .waits")).to_have_count(2)
        retriage(node.store, node.account, grave, look("emergency", "血氧 82 %"))
        page.clock.run_for(16_000)
        first = page.locator("#queue .waits").first
        expect(first).to_contain_text("李桂花")
        expect(first).to_contain_text("血氧 82 %")
        expect(page.locator("#queue-told")).to_contain_text("有 1 个急症在等")
        page.locator(".set-level summary").nth(1).click()
        page.locator(".set-level[open] input[name=why]").fill("脸色差")
        retriage(node.store, node.account, grave, look("emergency", "血氧 82 %", "昏迷"))
        page.clock.run_for(31_000)
        expect(page.locator(".set-level[open] input[name=why]")).to_have_value("脸色差")
        page.locator(".set-level[open] input[value=urgent]").check()
        page.locator(".set-level[open] button").click()
        expect(page.locator("#queue .waits").nth(1)).to_contain_text("脸色差")
        expect(page.locator("#queue .waits").first).to_contain_text("昏迷")


def test_a_reading_kept_from_elsewhere_moves_who_waits(node: Node, whole: Knowledge) -> None:
    first, second = wait(node, "周大福", "routine"), wait(node, "李桂花", "routine")
    draft = begin_draft(node.store, node.account, second, {"spo2_pct": ["81"]})
    look_again(node.store, node.account, draft.id, whole, node.clock())
    assert [each.person.id for each in the_queue(node.store, node.account, node.clock())] == [second, first]
    quiet = node.register("陈阿四")
    other = begin_draft(node.store, node.account, quiet.id, {"spo2_pct": ["81"]})
    look_again(node.store, node.account, other.id, whole, node.clock())
    assert len(the_queue(node.store, node.account, node.clock())) == 2
