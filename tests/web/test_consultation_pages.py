"""Consultations and critical values on the pages of a clinic and its hub, by requests as a browser sends them."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime

import msgspec
import pytest
from litestar.testing import TestClient
from node_for_tests import Clock
from two_nodes import FACILITIES, TOWNSHIP, two_nodes

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.audit import Action
from cunyi.domain.organisation import NodeRole
from cunyi.journeys.consulting import begin_draft
from cunyi.store.facilities import keep_facility
from cunyi.store.unit import SYSTEM
from cunyi.web.gate import COOKIE

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xdb\x00\x05abc\xff\xda\x00\x04xydata\xff\xd9"


@pytest.fixture
def both(tmp_path):
    with two_nodes(tmp_path, Clock(MORNING)) as made:
        yield made


@pytest.fixture
def clinic(both, mini):
    with TestClient(create_app(Config(), mini, seat=both.clinic.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, both.clinic.token)
        yield client


@pytest.fixture
def hub(both, mini):
    with TestClient(create_app(Config(), mini, seat=both.hub), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, both.hub_token)
        yield client


def thread_of(page):
    return re.search(r'name="thread" value="([0-9a-f-]{36})"', page).group(1)


def asked(both, clinic, person, **more):
    page = clinic.get(f"/people/{person.id}/consult").text
    thread = thread_of(page)
    sent = {
        "thread": thread,
        "to_facility": TOWNSHIP,
        "urgency": "now",
        "case": "男，65岁，胸痛2小时",
        "question": "要不要马上转？",
        "with_readings": "yes",
        **more,
    }
    answer = clinic.post(f"/people/{person.id}/consult", data=sent, follow_redirects=False)
    assert (answer.status_code, answer.headers.get("location")) == (303, f"/consultations/{thread}"), answer.text
    both.sync()
    return thread


def test_the_form_is_filled_from_the_encounter(both, clinic):
    person = both.clinic.register("周大福")
    form = {"chief_complaint": ["胸痛2小时"], "systolic_mmhg": ["92"], "pulse_bpm": ["118"]}
    draft = begin_draft(both.clinic.store, both.clinic.account, person.id, form)
    page = clinic.get(f"/people/{person.id}/consult?draft={draft.id}").text
    assert "主诉：胸痛2小时" in page and "男，65岁" in page and "<b>92</b>" in page and "云上镇卫生院" in page
    assert f'href="/people/{person.id}/consult?draft={draft.id}"' in clinic.get(f"/encounters/{draft.id}").text


def test_nothing_typed_is_lost_where_something_is_missing(both, clinic):
    person = both.clinic.register("周大福")
    thread = thread_of(clinic.get(f"/people/{person.id}/consult").text)
    sent_picture = clinic.post(f"/people/{person.id}/consult/{thread}/pictures", content=JPEG)
    picture = sent_picture.json()["id"]
    sent = {"thread": thread, "case": "写好的病情", "to_facility": TOWNSHIP, "picture": picture}
    answer = clinic.post(f"/people/{person.id}/consult", data=sent)
    assert answer.status_code == 400 and "请写要问什么" in answer.text and "请选择多急" in answer.text
    assert "写好的病情" in answer.text and f"/pictures/{picture}" in answer.text and thread_of(answer.text) == thread
    assert clinic.get(f"/pictures/{picture}").content.startswith(b"\xff\xd8")
    refused = clinic.post(f"/people/{person.id}/consult/{thread}/pictures", content=b"GIF89a")
    assert refused.status_code == 400
    assert clinic.post(f"/pictures/{picture}/forget", headers={"x-requested-with": "cunyi"}).status_code == 204


def test_both_sides_see_the_thread_and_only_what_they_may_do(both, clinic, hub):
    person = both.clinic.register("周大福")
    thread = asked(both, clinic, person)
    for path in ("/", "/people", "/consultations", f"/people/{person.id}"):
        page = hub.get(path).text
        assert 'data-alarms="1"' in page and "要不要马上转" in page, path
    ours, theirs = clinic.get(f"/consultations/{thread}").text, hub.get(f"/consultations/{thread}").text
    assert f"/consultations/{thread}/answer" in theirs and f"/consultations/{thread}/answer" not in ours
    assert f"/consultations/{thread}/close" in ours and f"/consultations/{thread}/close" not in theirs
    assert hub.post(f"/consultations/{thread}/see", follow_redirects=False).status_code == 303
    assert "data-alarms" not in hub.get("/alarms").text

    missing = hub.post(f"/consultations/{thread}/answer", data={"words": "电话里说过了"})
    assert missing.status_code == 400 and "请写诊断意见或处理意见" in missing.text and "电话里说过了" in missing.text
    hub.post(f"/consultations/{thread}/answer", data={"diagnosis": "急性冠脉综合征？", "plan": "转诊", "refer": "now"})
    both.sync()
    for path in ("/", f"/people/{person.id}", "/consultations"):
        assert 'data-answers="1"' in clinic.get(path).text, path
    assert "threads-about" in clinic.get(f"/people/{person.id}").text
    opened = clinic.get(f"/consultations/{thread}").text
    assert "急性冠脉综合征？" in opened and f"/people/{person.id}/refer" in opened
    assert "data-answers" not in clinic.get("/").text
    clinic.post(f"/consultations/{thread}/take_up", data={"taken": "yes"})
    clinic.post(f"/consultations/{thread}/close", data={"words": "已转"})
    both.sync()
    late = hub.post(f"/consultations/{thread}/answer", data={"plan": "再看看"})
    assert late.status_code == 400 and "已经不用做了" in late.text
    assert "已结束" in hub.get(f"/consultations/{thread}").text and "云上镇卫生院" in hub.get("/consultations").text


def test_the_bell_tells_no_name_behind_a_lock_and_keeps_no_session_awake(both, clinic, hub):
    asked(both, clinic, both.clinic.register("周大福"))
    assert "周大福" in hub.get("/alarms").text
    both.hub.lock(both.hub_token)
    locked = hub.get("/alarms")
    assert locked.status_code == 200 and "周大福" not in locked.text and "data-alarms" in locked.text


def test_a_critical_value_from_the_signature_to_the_end(both, clinic, hub):
    person = both.clinic.register("周大福")
    draft = begin_draft(both.clinic.store, both.clinic.account, person.id, {})
    sent = {
        "chief_complaint": "胸痛2小时",
        "spo2_pct": "70",
        "occurred_on": "2026-03-02",
        "occurred_time": "08:30",
        "diagnosis_name": "待查",
        "agreement": "accepted",
        "decided_level": "emergency",
    }
    signed = clinic.post(f"/encounters/{draft.id}/sign", data=sent, follow_redirects=False)
    assert signed.status_code == 303, signed.text
    page = clinic.get("/").text
    if "data-alarms" not in page:
        pytest.fail("no critical value was told")
    where = re.search(r'href="(/critical-values/[0-9a-f-]{36})"', page).group(1)
    assert clinic.post(f"{where}/acknowledge", follow_redirects=False).headers["location"] == where
    assert "data-alarms" not in clinic.get("/alarms").text
    assert clinic.post(f"{where}/act", data={}).status_code == 400
    clinic.post(f"{where}/act", data={"act": "refer", "words": "已送镇卫生院"})
    both.sync()
    for client in (clinic, hub):
        page = client.get(where).text
        assert "已转诊或叫120" in page and "已送镇卫生院" in page and "2026-03-02" in page
    clinic.post(f"{where}/close", data={"words": "住院"})
    assert "已结束" in clinic.get(where).text and where in clinic.get("/critical-values").text
    assert "threads-today" not in clinic.get("/").text


def test_the_pages_are_in_english_too(both, clinic):
    person = both.clinic.register("周大福")
    thread = asked(both, clinic, person)
    clinic.cookies.set("cunyi_language", "en")
    for path in ("/consultations", "/critical-values", f"/people/{person.id}/consult", f"/consultations/{thread}"):
        page = clinic.get(path)
        assert page.status_code == 200 and '<html lang="en"' in page.text
        for words in re.findall(r">([^<>]*[\u4e00-\u9fff][^<>]*)<", page.text):
            # Chinese stands only where it is said to be Chinese.
            assert re.search(r'lang="zh"[^<>]*>' + re.escape(words), page.text), (path, words)


def test_a_hub_watches_for_as_long_as_it_is_served(both, mini):
    def watching():
        return [thread for thread in threading.enumerate() if thread.name == "thread-watch"]

    with TestClient(create_app(Config(role=NodeRole.HUB), mini, seat=both.hub)):
        assert len(watching()) == 1
    assert watching() == []
    with TestClient(create_app(Config(), mini, seat=both.clinic.seat)):
        assert watching() == [], "a clinic passes nothing on"


def test_what_is_no_thread_is_told(clinic):
    nowhere = "018f0000-0000-7000-8000-0000000000ff"
    assert "没有这次会诊" in clinic.get(f"/consultations/{nowhere}").text
    assert "没有这条危急值" in clinic.get(f"/critical-values/{nowhere}").text
    assert clinic.get(f"/pictures/{nowhere}").status_code == 400


def test_a_facility_that_has_closed_meanwhile_is_told(both, clinic):
    thread = asked(both, clinic, both.clinic.register("周大福"))
    assert "address-closed" not in clinic.get(f"/consultations/{thread}").text
    with both.clinic.store.writing(SYSTEM) as writing:
        closed = msgspec.structs.replace(FACILITIES[1], open=False, closed_reason="停电")
        keep_facility(writing, closed)
        writing.audit(Action.CHANGE_FACILITY)
    page = clinic.get(f"/consultations/{thread}").text
    assert "address-closed" in page and "停电" in page
    person = both.clinic.register("孙桂兰")
    form = clinic.get(f"/people/{person.id}/consult").text
    assert TOWNSHIP not in form
    sent = {"thread": thread_of(form), "to_facility": TOWNSHIP, "urgency": "now", "case": "男", "question": "？"}
    refused = clinic.post(f"/people/{person.id}/consult", data=sent)
    assert refused.status_code == 400 and "云上镇卫生院现在不接诊" in refused.text
