"""The record: opened and written down, lists, trends, signed records with their versions, who saw it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from litestar.testing import TestClient
from node_for_tests import Node, log_in
from waiting import arrived

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Role
from cunyi.domain.encounter import (
    Agreement,
    Decision,
    Diagnosis,
    Encounter,
    EncounterKind,
    ListKind,
    Measured,
    Override,
)
from cunyi.domain.prescription import PrescriptionLine
from cunyi.journeys.consulting import begin_amendment, begin_draft, sign
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.journeys.merging_people import merge, preview_merge
from cunyi.journeys.opening_record import who_saw
from cunyi.reasoning.assess import assess
from cunyi.store.lists import entries_of
from cunyi.web.gate import COOKIE

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"


def seriously_wrong(page):
    arrived(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.fixture
def client(node: Node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


def written(node, systolic=128.0, **changes):
    now = node.clock()
    values = {
        "kind": EncounterKind.OUTPATIENT,
        "occurred_at": now,
        "texts": {"chief_complaint": "头晕两天", "history_of_present_illness": "无呕吐。"},
        "measured": (
            Measured(item="systolic_mmhg", value=systolic, unit="mmHg", at=now, by="李建国"),
            Measured(item="diastolic_mmhg", value=80.0, unit="mmHg", at=now, by="李建国"),
            Measured(item="尿蛋白", value="2+", at=now, by="李建国", laboratory=True),
        ),
        "diagnoses": (Diagnosis(name="高血压", icd10="I10"),),
        "prescription": (PrescriptionLine(drug="氨氯地平", dose="5mg", frequency="每日1次", days=14.0),),
        "advice": "少吃盐",
        "decision": Decision(agreement=Agreement.ACCEPTED, triage="routine"),
    }
    return Encounter(**{**values, **changes})


def seen(node, mini, person, encounter=None):
    draft = begin_draft(node.store, node.account, person.id, {})
    proposed = assess({"id": "", "chief_complaint": "头晕两天"}, mini)
    return sign(node.store, node.account, draft.id, encounter or written(node), [], proposed=proposed, now=node.clock())


@pytest.mark.parametrize("words", ["无", "没有", "否认药物过敏史", "无过敏。"])
def test_none_typed_as_an_allergy_is_no_allergy(client, node, words):
    person = node.register("周大福")
    page = f"/people/{person.id}"
    client.post(f"{page}/lists", data={"kind": "allergy", "name": words})
    shown = client.get(page).text
    assert "没有已知过敏" in shown and f"{node.clock().astimezone():%Y-%m-%d} 问过" in shown
    assert "allergy-line known" not in shown and "没有记录不等于没有过敏" not in shown
    where = client.post(f"{page}/encounter", follow_redirects=False).headers["location"]
    assert "没有已知过敏" in client.get(where).text and "allergies known" not in client.get(where).text
    client.post(f"{page}/lists", data={"kind": "allergy", "name": "青霉素"})
    shown = client.get(page).text
    assert "allergy-line known" in shown and "没有已知过敏" not in shown


def test_the_record_shows_what_a_doctor_needs_beside_the_patient(client, node, mini):
    person = node.register("周大福", phone="13800000001", programmes=["hypertension"], new_household="1")
    wife = node.register("李桂兰", sex="female", household_id=person.household_id)
    today = node.clock().date()
    assert "没有记录不等于没有过敏" in client.get(f"/people/{person.id}").text
    add_to_list(node.store, node.account, person.id, ListKind.ALLERGY, name="青霉素", detail="皮疹", today=today)
    seen(node, mini, person, written(node, systolic=162.0))
    page = client.get(f"/people/{person.id}").text
    for words in (
        "周大福",
        "青霉素",
        "皮疹",
        "高血压",
        "氨氯地平",
        "162",
        "偏高",
        "头晕两天",
        "36073110120100001",
        "上坪村",
    ):
        assert words in page, words
    assert f"/people/{wife.id}" in page and "tel:13800000001" in page


def test_opening_a_record_is_written_down(client, node):
    person = node.register("周大福")
    client.get(f"/people/{person.id}")
    client.get(f"/people/{person.id}")
    actions = [entry.action for entry in who_saw(node.store, node.account, person.id)]
    assert actions.count("view_record") == 2
    page = client.get(f"/people/{person.id}/audit").text
    assert page.count("打开档案") == 2 and "李建国" in page


def test_somebody_of_elsewhere_is_opened_only_with_a_reason(client, node):
    person = node.register("周大福")
    other = node.seat.add_account(
        "system",
        login="far",
        name="远村医生",
        role=Role.VILLAGE_DOCTOR,
        password="far-village-1",
        areas=("360731101299",),
    )
    token, _ = node.seat.sign_in("far", "far-village-1")
    client.cookies.clear()
    client.cookies.set(COOKIE, token)
    page = client.get(f"/people/{person.id}")
    assert "周大福" not in page.text and f"/people/{person.id}/open" in page.text
    assert client.post(f"/people/{person.id}/open", data={"reason": " "}).status_code == 400
    assert "周大福" not in client.get(f"/people/{person.id}").text
    answer = client.post(f"/people/{person.id}/open", data={"reason": "赶集时来看病"})
    assert "周大福" in answer.text
    entries = who_saw(node.store, node.account, person.id)
    assert ("view_outside_area", other.id, "赶集时来看病") in [(e.action, e.account, e.detail) for e in entries]


def test_lists_are_added_to_and_ended_and_a_mistake_is_told_beside_its_field(client, node):
    person = node.register("周大福")
    empty = client.post(f"/people/{person.id}/lists", data={"kind": "allergy", "name": " ", "detail": "起疹子"})
    assert empty.status_code == 400 and "请填写过敏的药物或食物" in empty.text and 'value="起疹子"' in empty.text
    late = client.post(f"/people/{person.id}/lists", data={"kind": "plan", "name": "复查", "due_on": "2001-01-01"})
    assert late.status_code == 400 and "在今天以前" in late.text and 'value="复查"' in late.text
    bad = client.post(f"/people/{person.id}/lists", data={"kind": "plan", "name": "复查", "due_on": "2026-02-30"})
    assert "要写成 2026-01-31 这样" in bad.text
    done = client.post(f"/people/{person.id}/lists", data={"kind": "problem", "name": "肺炎"}, follow_redirects=False)
    assert done.status_code == 303
    page = client.get(f"/people/{person.id}").text
    entry = page.split('action="/lists/')[1].split("/")[0]
    stale = client.post(f"/lists/{entry}/end", data={"person": person.id, "revision": "7", "why": "误填"})
    assert stale.status_code == 400 and "在别处刚改过" in stale.text
    assert "请写明原因" in client.post(f"/lists/{entry}/end", data={"person": person.id, "revision": "1"}).text
    client.post(f"/lists/{entry}/end", data={"person": person.id, "revision": "1", "why": "误填"})
    assert "没有记录慢性病" in client.get(f"/people/{person.id}").text


def test_trends_hold_every_value_with_the_normal_band(client, node, mini):
    person = node.register("周大福")
    now = datetime.now(UTC)
    for days, systolic in ((60, 150.0), (30, 142.0), (0, 128.0)):
        node.clock.at = now - timedelta(days=days)
        seen(node, mini, person, written(node, systolic=systolic))
    node.clock.at = None
    charts = json.loads(client.get(f"/people/{person.id}/trends.json").content)
    lines = {line["name"]: line for line in charts[0]["lines"]}
    assert [point[1] for point in lines["收缩压"]["points"]] == [150.0, 142.0, 128.0]
    assert lines["收缩压"]["upper"] == 140 and len(lines["舒张压"]["points"]) == 3


def test_a_signed_record_is_shown_as_it_was_signed_with_its_versions(client, node, mini):
    person = node.register("周大福")
    record = seen(node, mini, person)
    page = client.get(f"/records/{record.encounter_id}").text
    for words in ("头晕两天", "128", "2+", "高血压", "I10", "氨氯地平", "少吃盐", "李建国", "采纳"):
        assert words in page, words
    draft = begin_amendment(node.store, node.account, record.encounter_id, {})
    proposed = assess({"id": "", "chief_complaint": "头晕两天"}, mini)
    sign(
        node.store,
        node.account,
        draft.id,
        written(node, advice="少吃盐，戒酒"),
        [],
        proposed=proposed,
        reason="漏写戒酒",
        now=node.clock(),
    )
    page = client.get(f"/records/{record.encounter_id}").text
    assert "少吃盐，戒酒" in page and "漏写戒酒" in page and "第 2 版" in page and "第 1 版" in page
    assert "更正过" in client.get(f"/people/{person.id}").text


def test_what_was_proposed_stands_beside_what_the_doctor_decided(client, node, mini):
    person = node.register("周大福")
    draft = begin_draft(node.store, node.account, person.id, {})
    grave = {"id": "", "chief_complaint": "压榨样胸痛、大汗2小时", "vitals": {"systolic_mmhg": 82, "spo2_pct": 70}}
    proposed = assess(grave, mini)
    decided = Decision(agreement=Agreement.CHANGED, triage="urgent", reason="已联系县医院")
    override = Override(concern="x", message="与华法林同用会出血", reason="已停华法林")
    encounter = written(node, decision=decided, overrides=(override,), kind=EncounterKind.HOME_VISIT)
    record = sign(node.store, node.account, draft.id, encounter, [], proposed=proposed, now=node.clock())
    page = client.get(f"/records/{record.encounter_id}").text
    assert proposed.triage.level == "emergency" and proposed.critical_values and proposed.must_exclude
    for words in (
        "立即转诊",
        "当日转诊",
        "修改",
        "已联系县医院",
        "危急值",
        "急性心肌梗死",
        "出诊",
        "与华法林同用会出血",
        "已停华法林",
        proposed.triage.reasons[0].text,
        proposed.knowledge_version,
        "手工录入",
    ):
        assert words in page, words
    assert "当日转诊" in client.get(f"/people/{person.id}").text


def test_many_encounters_are_chosen_from_by_kind_and_year(client, node, mini):
    person = node.register("周大福")
    few = client.get(f"/people/{person.id}").text
    assert 'id="timeline-kind"' not in few
    now = datetime.now(UTC)
    for index in range(13):
        node.clock.at = now - timedelta(days=60 * (13 - index))
        phone = EncounterKind.PHONE if index == 3 else EncounterKind.OUTPATIENT
        seen(node, mini, person, written(node, kind=phone, texts={"chief_complaint": f"第{index}次来"}))
    year = f"{(now - timedelta(days=600)).astimezone():%Y}"
    node.clock.at = None
    page = client.get(f"/people/{person.id}").text
    assert 'id="timeline-kind"' in page and page.count("/records/") == 13
    page = client.get(f"/people/{person.id}?kind=phone").text
    assert page.count("/records/") == 1 and "第3次来" in page
    assert "第3次来" in client.get(f"/people/{person.id}?kind=phone&year={year}").text
    page = client.get(f"/people/{person.id}?year=1999").text
    assert page.count("/records/") == 0 and "这一年没有这种就诊" in page


def test_a_merged_record_leads_to_the_one_in_use_and_asks_once(client, node, mini):
    kept, replaced = node.register("周大福"), node.register("周大福", birth_on="1960-05-06")
    seen(node, mini, replaced)
    merge(node.store, node.account, preview_merge(node.store, node.account, kept.id, replaced.id), reason="")
    answer = client.get(f"/people/{replaced.id}", follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == f"/people/{kept.id}"
    page = client.get(f"/people/{kept.id}").text
    assert "头晕两天" in page and "/undo" in page
    node.seat.add_account(
        "system",
        login="far",
        name="远村医生",
        role=Role.VILLAGE_DOCTOR,
        password="far-village-1",
        areas=("360731101299",),
    )
    token, _ = node.seat.sign_in("far", "far-village-1")
    client.cookies.clear()
    client.cookies.set(COOKIE, token)
    page = client.post(f"/people/{replaced.id}/open", data={"reason": "赶集时来看病"})
    assert "周大福" in page.text and page.url.path == f"/people/{kept.id}"


def test_why_an_entry_ends_is_not_lost_and_what_was_ended_elsewhere_is_told(client, node):
    person = node.register("周大福")
    client.post(f"/people/{person.id}/lists", data={"kind": "medication", "name": "氨氯地平", "detail": "每日1次"})
    with node.store.reading() as connection:
        entry = entries_of(connection, person.organisation, [person.id])[0]
    stale = client.post(f"/lists/{entry.id}/end", data={"person": person.id, "revision": "9", "why": "已停药"})
    assert stale.status_code == 400 and 'value="已停药"' in stale.text and f"error-end-{entry.id}" in stale.text
    client.post(f"/lists/{entry.id}/end", data={"person": person.id, "revision": "1", "why": "已停药"})
    again = client.post(f"/lists/{entry.id}/end", data={"person": person.id, "revision": "1", "why": "已停药"})
    assert again.status_code == 400 and "刚改过" in again.text, "told though the entry is no longer listed"
    nonsense = client.post(f"/lists/{entry.id}/end", data={"person": "x", "revision": "1", "why": "已停药"})
    assert nonsense.status_code == 400 and "Traceback" not in nonsense.text
    unknown = client.post(f"/people/{person.id}/lists", data={"kind": "x", "name": "青霉素"})
    assert unknown.status_code == 400 and "请选择要加到哪一项" in unknown.text


def test_a_disease_of_the_list_gets_its_code_and_its_follow_up(client, node):
    person = node.register("周大福")
    client.post(f"/people/{person.id}/lists", data={"kind": "problem", "name": "急性心肌梗死"})
    page = client.get(f"/people/{person.id}").text
    assert "I21" in page and 'data-follow-up="hypertension"' in page


def test_nobody_and_nothing_unknown_is_a_clear_page(client):
    nobody = "01900000-0000-7000-8000-000000000000"
    for path in (f"/people/{nobody}", f"/records/{nobody}", f"/encounters/{nobody}"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 400 and "这样不行" in answer.text and "Traceback" not in answer.text


def test_the_charts_are_drawn_in_the_browser(page, node, mini, node_address):
    person = node.register("周大福")
    now = datetime.now(UTC)
    for days, systolic in ((60, 150.0), (0, 128.0)):
        node.clock.at = now - timedelta(days=days)
        seen(node, mini, person, written(node, systolic=systolic))
    node.clock.at = None
    log_in(page, node_address)
    page.goto(f"{node_address}/people/{person.id}")
    page.wait_for_selector("#trends[data-drawn='1']")
    assert page.locator("#chart-0 canvas").count() == 1
    page.click(".trend summary")
    assert "150" in page.inner_text(".trend table")
    page.click(".timeline a >> nth=0")
    page.wait_for_url("**/records/**")
    assert "少吃盐" in page.inner_text("main")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_serve_everybody_at_every_size(page, node, mini, node_address, language):
    person = node.register("周大福", new_household="1", phone="13800000001", programmes=["hypertension"])
    today = node.clock().date()
    add_to_list(node.store, node.account, person.id, ListKind.ALLERGY, name="青霉素", detail="皮疹", today=today)
    add_to_list(node.store, node.account, person.id, ListKind.PLAN, name="复查", due_on=today, today=today)
    now = datetime.now(UTC)
    for days in (9, 0):
        node.clock.at = now - timedelta(days=days)
        record = seen(node, mini, person, written(node, systolic=162.0))
    node.clock.at = None
    log_in(page, node_address)
    if language == "en":
        page.click(".language button")
    for path in (f"/people/{person.id}", f"/records/{record.encounter_id}", f"/people/{person.id}/audit"):
        page.goto(f"{node_address}{path}")
        page.wait_for_load_state("networkidle")
        assert page.get_attribute("html", "lang") == language
        assert seriously_wrong(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_a_point_of_a_chart_says_when_how_much_and_from_where(desktop, node, mini, node_address):
    person = node.register("周大福")
    now = datetime.now(UTC)
    for days, systolic in ((60, 150.0), (0, 128.0)):
        node.clock.at = now - timedelta(days=days)
        cuff = Measured(item="systolic_mmhg", value=systolic, unit="mmHg", at=node.clock.at, device="袖带血压计")
        seen(node, mini, person, written(node, measured=(cuff,)))
    node.clock.at = None
    log_in(desktop, node_address)
    desktop.goto(f"{node_address}/people/{person.id}")
    desktop.wait_for_selector("#trends[data-drawn='1']")
    box = desktop.locator("#chart-0").bounding_box()
    desktop.locator("#chart-0").hover(position={"x": box["width"] - 60, "y": box["height"] / 2})
    tip = desktop.inner_text(".tip")
    assert f"{now.astimezone():%Y-%m-%d}" in tip and "128" in tip and "袖带血压计" in tip


def test_an_allergy_is_added_by_keyboard_and_stands_first_in_red_words(desktop, node, node_address):
    person = node.register("周大福")
    log_in(desktop, node_address)
    desktop.goto(f"{node_address}/people/{person.id}")
    desktop.focus("#allergy details summary")
    desktop.keyboard.press("Enter")
    desktop.keyboard.press("Tab")
    desktop.keyboard.type("青霉素")
    desktop.keyboard.press("Enter")
    desktop.wait_for_selector(".allergy-line.known")
    assert "青霉素" in desktop.inner_text(".allergy-line")
