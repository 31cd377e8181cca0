"""The villager's pages: plain forms that work without a script and over a slow line, on a phone, and say nothing they should not."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from datetime import timedelta
from html import unescape
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from litestar.testing import TestClient
from node_for_tests import LOGIN, PASSWORD, Clock, Node, log_in, served
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader
from waiting import arrived, kept, until

import cunyi.web
from cunyi.app import create_app
from cunyi.config import Config, read_config
from cunyi.domain.errors import UserError
from cunyi.domain.identity import check_digit
from cunyi.journeys.preconsulting_rules import BEGIN_FROM_ADDRESS, UNFINISHED_KEPT, WRONG_LINK_FROM_ADDRESS
from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.passwords import Cost
from cunyi.web.gate import COOKIE
from cunyi.web.language import COOKIE as LANGUAGE
from cunyi.web.printing.qr import qr_svg
from cunyi.web.public_site import create_public_site

STATIC = Path(cunyi.web.__file__).parent / "static"
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
ADDRESS = "http://192.168.1.8:8321"
HEART = "胸口像石头压着一样痛，出冷汗，半个钟头了"
NUMBER = "11010519491231002X"
# Born on the same day, of the same sex, of another county.
STRANGER = "33010619491231002"
PHONE = {"width": 390, "height": 844}
HAN = re.compile(r"[\u3400-\u9fff]")
QUESTION = re.compile(r'name="at" value="(\d+)".*?name="question" value="([^"]+)"', re.S)


@pytest.fixture
def doctor(node: Node, knowledge: Knowledge):
    """A browser of the doctor's, without scripts."""
    with TestClient(create_app(Config(public_address=ADDRESS), knowledge, seat=node.seat)) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


@pytest.fixture
def phone(doctor: TestClient):
    """A villager's browser without scripts, at the same node."""
    with TestClient(doctor.app) as client:
        yield client


def words(html: str) -> str:
    """What a reader sees of a page."""
    body = re.sub(r"<(script|style|svg|title|template)\b.*?</\1>", " ", html, flags=re.S)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def begin(phone: TestClient, /, **who: str) -> str:
    """From the code at the door to the first question; the address of the link."""
    answer = phone.post("/v", data={"by": "self"}, follow_redirects=False)
    assert answer.status_code == 303
    link = answer.headers["location"]
    assert phone.post(f"{link}/who", data=who, follow_redirects=False).status_code == 303
    return link


def fields(html: str, complaint: str = "咳嗽三天，有痰", age: str = "45") -> dict[str, str]:
    """What an ordinary patient sends for the question of a page."""
    at, question = QUESTION.search(html).groups()
    sent = {"at": at, "question": question}
    kind = re.search(r"answers kind-(\w+)", html)[1]
    if kind == "text":
        first_of_all = "哪里不舒服" in re.search(r"<h1.*?</h1>", html, re.S)[0]
        sent["text"] = complaint if first_of_all else "没有别的"
    elif kind == "yes_no":
        sent[re.search(r'name="(status\.[^"]+)"', html)[1]] = "absent"
    elif kind == "several":
        sent["rest"] = "absent"
    elif kind in ("choice", "place"):
        sent["chosen"] = re.search(r'name="chosen" value="([^"]+)"', html)[1]
    elif kind == "number":
        sent["number"] = age
    else:
        sent["days"] = "2"
    return sent


def answer_all(phone: TestClient, link: str, **said: str) -> str:
    """Answers until there is no question left; the page at the end."""
    for _ in range(60):
        html = phone.get(link).text
        if "answers kind-" not in html:
            return html
        given = phone.post(f"{link}/answer", data=fields(html, **said), follow_redirects=False)
        assert given.status_code == 303, words(given.text)
    raise AssertionError("it never ends")


def test_the_first_page_is_small_enough_for_a_slow_line(phone: TestClient) -> None:
    page = phone.get("/v")
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert sorted(assets) == ["/static/icon.svg", "/static/patient.css", "/static/patient.js"]
    sizes = [len(page.content), *(len(phone.get(asset).content) for asset in assets)]
    # Not even compressed: no server in between has to do it.
    assert sum(sizes) <= 60_000, sizes


def test_a_whole_interview_without_a_script(phone: TestClient, doctor: TestClient) -> None:
    link = begin(phone)
    end = words(answer_all(phone, link))
    code = re.search(r"((?:\d ){3}\d)", end)[1].replace(" ", "")
    opened = doctor.post("/preconsultations/pick-up", data={"code": code})
    assert opened.status_code == 200 and "咳嗽三天" in words(opened.text)
    listed = words(doctor.get("/preconsultations").text)
    assert code in listed and "没有说是谁" in listed


def test_nothing_is_stored_cached_or_told_to_others(phone: TestClient) -> None:
    link = begin(phone)
    for page in (phone.get("/v"), phone.get(link), phone.get(f"{link}/answers"), phone.get("/v/nothing")):
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", page.text)


def test_an_address_holds_the_secret_of_the_link_and_nothing_of_the_patient(phone: TestClient) -> None:
    link = begin(phone, name="周大福", phone="13800001111")
    assert re.fullmatch(r"/v/[\w-]{20,}", link)
    html = answer_all(phone, link)
    for address in re.findall(r'(?:href|action)="([^"]*)"', html + phone.get(f"{link}/answers").text):
        assert "?" not in address and not HAN.search(address)


def test_only_the_level_of_care_is_told_and_no_illness(
    phone: TestClient, doctor: TestClient, knowledge: Knowledge
) -> None:
    link = begin(phone)
    end = words(answer_all(phone, link))
    diseases = {name for each in knowledge.content.diseases.values() for name in (each.name, *each.aliases)}
    assert not [name for name in diseases if len(name) > 2 and name in end]
    assert "居家" not in end or "暂" not in end
    assert "%" not in end


def test_a_level_that_is_not_sure_is_never_told_as_mild(phone: TestClient, node: Node, knowledge: Knowledge) -> None:
    link = begin(phone)
    phone.post(f"{link}/stop", data={})
    end = words(phone.get(link).text)
    mild = knowledge.interviewing.words.levels["self_care"]
    assert "取号码" in end and mild.title not in end


def test_whether_somebody_is_registered_cannot_be_told(phone: TestClient, node: Node) -> None:
    node.register("周大福", identifier=NUMBER, phone="13800001111")
    known = ({"number": NUMBER}, {"phone": "13800001111", "name": "周大福"})
    unknown = ({"number": STRANGER + check_digit(STRANGER)}, {"phone": "13900002222", "name": "钱小二"})
    for someone, nobody in zip(known, unknown, strict=True):
        pages = []
        for said in (someone, nobody):
            link = phone.post("/v", data={"by": "self"}, follow_redirects=False).headers["location"]
            answer = phone.post(f"{link}/who", data=said, follow_redirects=False)
            page = phone.get(link)
            pages.append((answer.status_code, page.status_code, page.text.replace(link, "")))
        assert pages[0] == pages[1]


def test_a_wrong_number_is_told_beside_its_field_and_nothing_is_lost(phone: TestClient) -> None:
    link = phone.post("/v", data={"by": "self"}, follow_redirects=False).headers["location"]
    page = phone.post(f"{link}/who", data={"number": "110105194912310021"})
    assert page.status_code == 400 and "身份证号是 18 位" in words(page.text)
    assert 'value="110105194912310021"' in page.text and '<details class="way" open>' in page.text


def test_an_unusable_answer_is_told_and_what_was_written_stays(phone: TestClient) -> None:
    link = begin(phone)
    html = phone.get(link).text
    while "answers kind-number" not in html:
        phone.post(f"{link}/answer", data=fields(html))
        html = phone.get(link).text
    page = phone.post(f"{link}/answer", data={**fields(html), "number": "900"})
    assert page.status_code == 400 and 'role="alert"' in page.text and 'value="900"' in page.text


def test_going_back_and_correcting(phone: TestClient) -> None:
    link = begin(phone)
    html = phone.get(link).text
    first = fields(html)
    phone.post(f"{link}/answer", data=first)
    again = phone.post(f"{link}/change", data={"question": first["question"]}).text
    assert "was" in re.search(rf'<button[^>]*value="{first["chosen"]}"', again)[0]
    other = next(value for value in re.findall(r'name="chosen" value="([^"]+)"', again) if value != first["chosen"])
    done = phone.post(
        f"{link}/answer", data={**fields(again), "chosen": other, "corrects": "yes"}, follow_redirects=False
    )
    assert done.status_code == 303
    overview = phone.get(f"{link}/answers").text
    assert len(re.findall(r"<li>", overview)) == 1 and ("女" in overview) != (
        "男" in overview.split('<p class="said">')[1][:40]
    )


def test_a_repeated_send_counts_once_and_an_old_page_is_told(phone: TestClient) -> None:
    link = begin(phone)
    html = phone.get(link).text
    sent = fields(html)
    for _ in range(3):
        assert phone.post(f"{link}/answer", data=sent, follow_redirects=False).status_code == 303
    assert len(re.findall(r"<li>", phone.get(f"{link}/answers").text)) == 1
    late = phone.post(f"{link}/answer", data={**sent, "chosen": "", "unknown": "yes"}, follow_redirects=False)
    assert late.status_code == 200 and "已经答过" in words(late.text)
    assert len(re.findall(r"<li>", phone.get(f"{link}/answers").text)) == 1


def test_a_guardian_agrees_before_anything_is_asked(phone: TestClient) -> None:
    page = phone.post("/v", data={"by": "guardian"})
    assert "监护人" in words(page.text) and 'name="guardian_name"' in page.text
    page = phone.post("/v", data={"by": "guardian", "guardian_name": " "})
    assert page.status_code == 400 and "请写监护人的姓名" in words(page.text)
    page = phone.post("/v", data={"by": "guardian", "guardian_name": "王桂花"})
    assert page.status_code == 400 and 'value="王桂花"' in page.text
    sent = {"by": "guardian", "guardian_name": "王桂花", "guardian_relation": "mother"}
    assert phone.post("/v", data=sent, follow_redirects=False).status_code == 303


def test_a_child_who_answers_alone_is_stopped_and_may_have_everything_erased(phone: TestClient) -> None:
    link = begin(phone)
    html = phone.get(link).text
    while "guardian_name" not in html:
        phone.post(f"{link}/answer", data=fields(html, age="9"))
        html = phone.get(link).text
    assert "不满 14 岁" in words(html)
    page = phone.post(f"{link}/no-guardian", data={})
    assert "什么都没有留下" in words(page.text)
    assert phone.get(link).status_code == 404


def test_a_link_that_is_too_old_looks_like_one_that_never_was(node: Node, phone: TestClient) -> None:
    node.clock.at = node.clock()
    link = begin(phone)
    node.clock.at += UNFINISHED_KEPT + timedelta(seconds=1)
    old, never = phone.get(link), phone.get("/v/AAAAAAAAAAAAAAAAAAAAAA")
    assert old.status_code == never.status_code == 404
    assert old.text == never.text and "二维码" in words(old.text)


def test_the_same_phone_finds_its_interview_again_at_the_door(phone: TestClient) -> None:
    assert "没答完" not in words(phone.get("/v").text)
    link = begin(phone)
    phone.get(link)
    door = phone.get("/v").text
    assert "没答完" in words(door) and f'href="{link}"' in door
    answer_all(phone, link)
    assert "没答完" not in words(phone.get("/v").text)


def test_strangers_cannot_begin_without_end(phone: TestClient) -> None:
    for _ in range(BEGIN_FROM_ADDRESS.most):
        assert phone.post("/v", data={"by": "self"}, follow_redirects=False).status_code == 303
    answer = phone.post("/v", data={"by": "self"}, follow_redirects=False)
    assert answer.status_code == 429 and "120" in words(answer.text)


def test_another_sites_page_cannot_answer_in_the_villagers_name(phone: TestClient) -> None:
    elsewhere = {"sec-fetch-site": "cross-site", "origin": "https://elsewhere.example"}
    assert phone.post("/v", data={"by": "self"}, headers=elsewhere).status_code == 403


def test_a_form_that_is_too_long_is_refused(phone: TestClient) -> None:
    link = begin(phone)
    assert phone.post(f"{link}/answer", data={"text": "长" * 20_000}).status_code == 413


def test_a_node_that_nobody_opened_says_so_and_leads_nowhere(node: Node, knowledge: Knowledge) -> None:
    closed = Seat(clock=Clock(), cost=Cost(time_cost=1, memory_kib=64, parallelism=1), folder=node.folder)
    with TestClient(create_app(Config(), knowledge, seat=closed)) as client:
        page = client.get("/v")
        assert page.status_code == 503 and "还没有打开" in words(page.text) and "/login" not in page.text


def test_an_address_that_is_not_there_stays_on_the_villagers_pages(phone: TestClient) -> None:
    page = phone.get("/v/some/thing/else", headers={"accept": "text/html"})
    assert page.status_code == 404 and "patient.css" in page.text and 'href="/"' not in page.text


def test_the_tablet_is_handed_over_behind_the_doctors_lock(doctor: TestClient) -> None:
    page = doctor.post("/preconsultations/tablet", data={}, follow_redirects=False)
    link = page.headers["location"]
    assert page.status_code == 303 and link.startswith("/v/")
    for own in ("/", "/people", "/preconsultations", "/me", "/audit"):
        sent_to = doctor.get(own, follow_redirects=False)
        assert sent_to.status_code == 303 and sent_to.headers["location"].startswith("/unlock")
    refused = doctor.get(f"{link}/no").text
    assert f'href="{link}/no"' in doctor.get(link).text and "交还" in words(refused)
    doctor.post(f"{link}/consent", data={"by": "self"})
    doctor.post(f"{link}/who", data={})
    end = answer_all(doctor, link)
    assert "交还" in words(end) and 'href="/unlock?next=/preconsultations"' in end
    # The tablet goes from hand to hand: the next one must not find this interview.
    assert "没答完" not in words(doctor.get("/v").text)
    back = doctor.post("/unlock", data={"secret": PASSWORD, "next": "/preconsultations"}, follow_redirects=False)
    assert back.status_code == 303 and doctor.get("/preconsultations").status_code == 200


def test_the_alarm_is_on_every_page_and_tells_nothing_behind_a_lock(
    node: Node, phone: TestClient, doctor: TestClient
) -> None:
    link = begin(phone, name="周大福", phone="13800001111")
    end = words(answer_all(phone, link, complaint=HEART, age="68"))
    assert "120" in end and "救护车来以前" in end
    for own in ("/", "/people", "/preconsultations", "/me"):
        page = doctor.get(own).text
        assert 'data-alarms="1"' in page and "周大福" in page
    ringing = doctor.get("/alarms")
    assert "周大福" in ringing.text
    node.seat.lock(node.token)
    locked = doctor.get("/alarms")
    assert locked.status_code == 200 and "急症" in locked.text and "周大福" not in locked.text
    doctor.cookies.delete(COOKIE)
    assert doctor.get("/alarms", headers={"x-requested-with": "cunyi"}).status_code == 401


def test_the_alarm_says_why_and_in_whose_words(phone: TestClient, doctor: TestClient) -> None:
    answer_all(phone, begin(phone, name="周大福", phone="13800001111"), complaint=HEART, age="68")
    ringing = words(doctor.get("/alarms").text)
    assert HEART in ringing and "疑似急性冠脉综合征" in ringing
    assert "疑似急性冠脉综合征" in words(doctor.get("/preconsultations").text)
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/alarms").text)[0]
    assert "疑似急性冠脉综合征" in words(doctor.get(where).text)
    doctor.cookies.set(LANGUAGE, "en")
    told = re.search(r'id="why-this-level".*?</ul>', doctor.get(where).text, re.S)[0]
    assert not HAN.search(words(re.sub(r'<span lang="zh">.*?</span>', "", told)))


@pytest.mark.parametrize("size", [PHONE, {"width": 1366, "height": 768}], ids=["phone", "desktop"])
def test_many_alarms_are_one_line_that_leaves_the_page_in_sight(
    node: Node, knowledge: Knowledge, phone: TestClient, browser: Browser, size: dict[str, int]
) -> None:
    for number in range(5):
        answer_all(phone, begin(phone, name="周大福", phone=f"1380000111{number}"), complaint=HEART, age="68")
    with served(node.seat, knowledge) as here:
        page = browser.new_context(viewport=size).new_page()
        log_in(page, here)
        page.wait_for_selector("[data-alarms='5']")
        picture(page, f"alarms-{size['width']}")
        assert 0 < page.evaluate("document.querySelector('#alarm .alarm-band').offsetHeight") <= 0.15 * size["height"]
        expect(page.locator("#alarm form button >> visible=true")).to_have_count(1)
        page.click(".alarm-more > summary")
        picture(page, f"alarms-open-{size['width']}")
        expect(page.locator(".alarm-all form button >> visible=true")).to_have_count(5)
        page.evaluate("document.dispatchEvent(new Event('cunyi:alarm'))")
        page.locator(".alarm-all form button").last.click()
        page.wait_for_url("**/preconsultations/*")
        expect(page.locator("[data-alarms='4']")).to_have_count(1)
        page.context.close()


def test_how_many_have_answered_is_told_with_the_alarms(phone: TestClient, doctor: TestClient) -> None:
    assert doctor.get("/alarms").headers["x-cunyi-ready"] == "0"
    answer_all(phone, begin(phone))
    assert doctor.get("/alarms").headers["x-cunyi-ready"] == "1"


def test_links_are_not_tried_without_end(phone: TestClient) -> None:
    for _ in range(WRONG_LINK_FROM_ADDRESS.most):
        assert phone.get("/v/AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
    assert phone.get("/v/AAAAAAAAAAAAAAAAAAAAAA").status_code == 429


def test_asking_for_alarms_does_not_keep_a_session_awake(node: Node, doctor: TestClient) -> None:
    node.clock.at = node.clock()
    for _ in range(4):
        node.clock.at += timedelta(minutes=3)
        assert doctor.get("/alarms").status_code == 200
    sent_to = doctor.get("/", follow_redirects=False)
    assert sent_to.status_code == 303 and sent_to.headers["location"].startswith("/unlock")


def test_seeing_to_an_emergency_ends_the_alarm_and_the_villager_is_told(phone: TestClient, doctor: TestClient) -> None:
    link = begin(phone)
    answer_all(phone, link, complaint=HEART, age="68")
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/alarms").text)[0]
    assert "正在通知" in words(phone.get(link).text)
    assert doctor.post(f"{where}/acknowledge", data={}).status_code == 200
    assert "data-alarms" not in doctor.get("/").text
    assert "已经看到" in words(phone.get(link).text)


def test_the_doctor_finds_the_person_and_opens_the_draft(node: Node, phone: TestClient, doctor: TestClient) -> None:
    person = node.register("周大福", phone="13800001111")
    link = begin(phone, name="周大福", phone="13800001111")
    answer_all(phone, link)
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/preconsultations").text)[0]
    page = doctor.get(where).text
    assert "自报" in words(page) and f'value="{person.id}"' in page
    draft = doctor.post(f"{where}/take-over", data={"person_id": person.id})
    assert draft.status_code == 200 and "/encounters/" in str(draft.url)
    assert re.search(r'<textarea id="chief_complaint"[^>]*>[^<]*咳嗽', draft.text)
    assert len(re.findall(r'data-state="open"', draft.text)) > 2 and "未核对" in words(draft.text)
    assert "医生已经收到" in words(phone.get(link).text)
    assert phone.post(f"{link}/answer", data={"at": "0", "question": "x"}, follow_redirects=False).status_code == 303


def test_a_sentence_is_open_until_it_is_checked_or_written_otherwise(
    node: Node, phone: TestClient, doctor: TestClient
) -> None:
    person = node.register("周大福")
    answer_all(phone, begin(phone))
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/preconsultations").text)[0]
    page = doctor.post(f"{where}/take-over", data={"person_id": person.id})
    draft = re.search(r"/encounters/[0-9a-f-]{36}", str(page.url))[0]
    said = unescape(re.search(r'name="villager_said" value="([^"]*)"', page.text)[1])
    kept = {
        "chief_complaint": "发热一天",
        "history_of_present_illness": unescape(
            re.search(r'<textarea id="history_of_present_illness"[^>]*>([^<]*)<', page.text)[1]
        ),
        "villager_said": said,
        "villager_checked": "1",
        "revision": "1",
        "window": "w",
        "stroke": "1",
    }
    assert doctor.post(f"{draft}/keep", data=kept).status_code == 200
    states = dict(re.findall(r'data-sentence="(\d+)" data-state="(\w+)"', doctor.get(draft).text))
    assert states["0"] == "changed" and states["1"] == "checked" and "open" in states.values()


def test_a_graver_level_by_the_villagers_own_answers_stays_in_sight(
    node: Node, phone: TestClient, doctor: TestClient
) -> None:
    person = node.register("周大福")
    answer_all(phone, begin(phone), complaint=HEART)
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/preconsultations").text)[0]
    page = doctor.post(f"{where}/take-over", data={"person_id": person.id})
    draft = re.search(r"/encounters/[0-9a-f-]{36}", str(page.url))[0]
    level = unescape(re.search(r'name="villager_level" value="([^"]*)"', page.text)[1])
    kept = {"villager_level": level, "revision": "1", "window": "w", "stroke": "1"}

    def notice(**written: str) -> str:
        html = doctor.post(f"{draft}/keep", data=kept | written).text
        return words(re.search(r'<div id="told-before".*?</div>', html, re.S)[0])

    assert "立即转诊" in notice(chief_complaint="流清鼻涕两天")
    assert notice(chief_complaint=HEART).strip() == ""
    assert "told-before" in doctor.get(draft).text


def test_the_answers_are_exported_as_fhir_without_who_it_is_until_that_is_confirmed(
    node: Node, phone: TestClient, doctor: TestClient
) -> None:
    person = node.register("周大福", phone="13800001111")
    answer_all(phone, begin(phone, name="周大福", phone="13800001111"))
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/preconsultations").text)[0]
    answer = doctor.get(f"{where}/fhir")
    made = answer.json()
    assert answer.headers["content-type"].startswith("application/fhir+json")
    assert made["resourceType"] == "QuestionnaireResponse" and made["status"] == "completed"
    assert "subject" not in made and "周大福" not in answer.text and "13800001111" not in answer.text
    doctor.post(f"{where}/take-over", data={"person_id": person.id})
    assert doctor.get(f"{where}/fhir").json()["subject"] == {"reference": f"Patient/{person.id}"}


def test_who_has_answered_stands_on_the_first_page(phone: TestClient, doctor: TestClient) -> None:
    assert "预问诊答完的" not in words(doctor.get("/").text)
    answer_all(phone, begin(phone))
    assert "预问诊答完的" in words(doctor.get("/").text)


def test_a_first_page_that_is_open_learns_who_has_answered(phone: TestClient, doctor: TestClient) -> None:
    looked = {"X-Requested-With": "cunyi"}
    assert "预问诊答完的" not in words(doctor.get("/queue", headers=looked).text)
    answer_all(phone, begin(phone))
    assert "预问诊答完的" in words(doctor.get("/queue", headers=looked).text)


def test_throwing_away_needs_a_reason(phone: TestClient, doctor: TestClient) -> None:
    link = begin(phone)
    answer_all(phone, link)
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/preconsultations").text)[0]
    refused = doctor.post(f"{where}/discard", data={"why": ""})
    assert refused.status_code == 400 and "请写明" in words(refused.text)
    assert doctor.post(f"{where}/discard", data={"why": "小孩乱点的"}).status_code == 200
    assert phone.get(link).status_code == 404


def test_the_register_form_is_filled_in_from_what_was_said(phone: TestClient, doctor: TestClient) -> None:
    answer_all(phone, begin(phone, name="周大福", phone="13800001111"))
    where = re.search(r"/preconsultations/[0-9a-f-]{36}", doctor.get("/preconsultations").text)[0]
    form = doctor.post(f"{where}/register", data={}).text
    assert 'value="周大福"' in form and 'value="13800001111"' in form


def test_the_code_for_the_door_and_the_slip_are_printed(node: Node, doctor: TestClient) -> None:
    person = node.register("周大福")
    for paper in ("a4", "a5"):
        door = doctor.get(f"/print/door?paper={paper}")
        [page] = PdfReader(BytesIO(door.content)).pages
        text = page.extract_text()
        assert door.headers["content-type"] == "application/pdf"
        assert "上坪村卫生室" in text and f"{ADDRESS}/v" in text and "120" in text
    doctor.post(f"/people/{person.id}/check-in", data={"why": "咳嗽"})
    assert person.id in doctor.get("/preconsultations").text
    slip = doctor.post("/preconsultations/slip", data={"person_id": person.id})
    [page] = PdfReader(BytesIO(slip.content)).pages
    assert "周大福" in page.extract_text() and slip.headers["cache-control"] == "no-store"


def test_a_link_is_shown_with_its_code_and_opens_the_consent(phone: TestClient, doctor: TestClient) -> None:
    page = doctor.post("/preconsultations/link", data={}).text
    link = re.search(rf"{ADDRESS}(/v/[\w-]+)", page)
    assert qr_svg(link[0]) in page
    assert "同意" in words(phone.get(link[1]).text)
    assert phone.post(f"{link[1]}/consent", data={"by": "self"}, follow_redirects=False).status_code == 303


def test_a_code_that_no_phone_could_open_is_not_printed(node: Node, knowledge: Knowledge) -> None:
    with TestClient(create_app(Config(), knowledge, seat=node.seat), base_url="http://127.0.0.1:8321") as client:
        client.cookies.set(COOKIE, node.token)
        page = client.get("/print/door")
        assert page.status_code == 400 and "CUNYI_PUBLIC_ADDRESS" in page.text


@pytest.mark.parametrize(
    "words_of_it", ["192.168.1.8", "ftp://clinic", "http://clinic/path", "http://a@clinic", "http://"]
)
def test_an_address_for_phones_that_cannot_be_one_is_refused(words_of_it: str) -> None:
    with pytest.raises(UserError) as refused:
        read_config({"CUNYI_PUBLIC_ADDRESS": words_of_it})
    assert refused.value.field == "CUNYI_PUBLIC_ADDRESS"


def test_settings_for_phones_are_read() -> None:
    config = read_config({"CUNYI_PUBLIC_ADDRESS": "http://192.168.1.8:8322/", "CUNYI_PUBLIC_PORT": "8322"})
    assert (config.public_address, config.public_port) == ("http://192.168.1.8:8322", 8322)
    for wrong in ("8321", "0", "x"):
        with pytest.raises(UserError) as refused:
            read_config({"CUNYI_PUBLIC_PORT": wrong})
        assert refused.value.field == "CUNYI_PUBLIC_PORT"


def test_on_the_port_for_phones_there_is_nothing_but_the_villagers_pages(node: Node, knowledge: Knowledge) -> None:
    rung: list[bool] = []
    site = create_public_site(knowledge, node.seat, lambda: rung.append(True), largest_body_bytes=256_000)
    with TestClient(site) as phone:
        assert phone.get("/").url.path == "/v"
        for own in ("/login", "/people", "/alarms", "/preconsultations", "/api/assess", "/schema", "/static/lock.js"):
            page = phone.get(own, headers={"accept": "text/html"})
            assert page.status_code == 404 and "/login" not in page.text
        assert phone.get("/static/patient.css").headers["content-type"].startswith("text/css")
        answer_all(phone, begin(phone), complaint=HEART, age="68")
        assert rung


def test_a_served_node_answers_phones_on_a_port_of_their_own(node: Node) -> None:
    with socket.socket() as first_free, socket.socket() as second_free:
        first_free.bind(("127.0.0.1", 0))
        second_free.bind(("127.0.0.1", 0))
        own, phones = first_free.getsockname()[1], second_free.getsockname()[1]
    environment = {
        **os.environ,
        "CUNYI_DATA": str(node.folder.path),
        "CUNYI_PORT": str(own),
        "CUNYI_PUBLIC_PORT": str(phones),
        "PYTHONUTF8": "1",
    }
    serving = subprocess.Popen(
        [sys.executable, "-m", "cunyi.cli", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    wanted = {"accept": "text/html"}

    def asked(port: int, path: str) -> httpx.Response:
        deadline = time.monotonic() + 60
        while True:
            try:
                return httpx.get(f"http://127.0.0.1:{port}{path}", headers=wanted)
            except httpx.ConnectError:
                assert time.monotonic() < deadline and serving.poll() is None, "it does not serve"
                time.sleep(0.1)

    try:
        page = asked(phones, "/v")
        assert page.status_code == 503 and "还没有打开" in page.text
        assert asked(phones, "/login").status_code == 404
        assert asked(own, "/login").status_code == 200
    finally:
        serving.terminate()
        said, _ = serving.communicate(timeout=30)
    assert str(phones) in said and serving.returncode == 0


# In a real browser, at the size of a phone.

TOO_SMALL = """() => {
  const seen = e => e.offsetParent !== null && getComputedStyle(e).visibility === "visible" && !e.closest("[aria-hidden=true]");
  const targets = [...document.querySelectorAll("button, a[href], select, textarea, summary, .pick span, .place-row, input:not([type=hidden], [type=radio], [type=checkbox])")]
    .filter(seen).map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()]).filter(([, box]) => box.height < 47.5 || box.width < 47.5).map(([html]) => html);
  const letters = [...document.querySelectorAll("body *")].filter(e => seen(e) && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && !e.closest(".unseen"))
    .filter(e => parseFloat(getComputedStyle(e).fontSize) < 20).map(e => e.outerHTML.slice(0, 80));
  const spots = [...document.querySelectorAll(".spot")].filter(e => getComputedStyle(e).display !== "none").filter(e => e.offsetWidth < 48 || e.offsetHeight < 48).map(e => e.className);
  return { targets, letters, spots, wide: document.documentElement.scrollWidth > window.innerWidth };
}"""
NOTHING = {"targets": [], "letters": [], "spots": [], "wide": False}


@pytest.fixture
def whole(node: Node, knowledge: Knowledge):
    """The served pages of `node` with the whole knowledge."""
    with served(node.seat, knowledge) as address:
        yield address


@pytest.fixture
def mobile(browser: Browser):
    """A villager's phone."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("CUNYI_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"patient-{name}.png", full_page=True)


def judge(page: Page, name: str) -> None:
    """Large enough for anybody, and nothing that axe finds wrong."""
    arrived(page)
    picture(page, name)
    assert page.evaluate(TOO_SMALL) == NOTHING, name
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == [], name


def tap_through(page: Page, complaint: str, age: str, *, present: bool = False, judged: bool = False) -> None:
    """Taps as a villager would until there is no question left."""
    kinds: set[str] = set()
    for _ in range(60):
        form = page.query_selector("form[data-keep]")
        if form is None:
            return
        kind = re.search(r"kind-(\w+)", form.get_attribute("class"))[1]
        if judged and kind not in kinds:
            judge(page, kind)
        kinds.add(kind)
        tap_one(page, kind, complaint, age, present=present)
    raise AssertionError("it never ends")


def tap_one(page: Page, kind: str, complaint: str, age: str, *, present: bool = False) -> None:
    before = page.input_value("form[data-keep] [name=question]")
    match kind:
        case "text":
            page.fill("#text", complaint if "哪里不舒服" in page.inner_text("h1") else "没有别的")
            page.click("form[data-keep] .big.main >> nth=0")
        case "yes_no":
            page.click(f"form[data-keep] button[value={'present' if present else 'absent'}]")
        case "several":
            if present:
                for row in page.query_selector_all("label.pick:has([value=present])"):
                    row.click()
            page.click("button[name=rest][value=absent]")
        case "choice":
            page.click("form[data-keep] button[name=chosen] >> nth=0")
        case "place":
            page.click("form[data-keep] .places label >> nth=0")
            page.click("form[data-keep] > .big.main")
        case "number":
            for digit in age:
                page.click(f".pad button:text-is('{digit}')")
            page.click("form[data-keep] .big.main")
        case _:
            page.click("form[data-keep] .quick button >> nth=2")
    until(page, "before => document.querySelector('form[data-keep] [name=question]')?.value !== before", before)


def test_from_the_code_to_the_doctors_encounter_over_a_line_that_breaks(
    node: Node, whole: str, mobile: Page, desktop: Page
) -> None:
    person = node.register("周大福", phone="13800001111")
    log_in(desktop, whole)
    desktop.goto(f"{whole}/preconsultations")
    desktop.click("form[action='/preconsultations/link'] button")
    link = desktop.inner_text(".link-words")
    assert desktop.locator(".qr svg").bounding_box()["width"] > 150

    mobile.goto(link)
    judge(mobile, "start")
    mobile.click("button[value=self]")
    mobile.wait_for_selector("details.way")
    mobile.click("details.way >> nth=1 >> summary")
    judge(mobile, "who")
    # Who the patient is waits in the page and is nowhere on the phone.
    mobile.context.set_offline(True)
    mobile.fill("#name", "周大福")
    mobile.fill("#phone", "13800001111")
    mobile.click("details[open] button.main")
    expect(mobile.locator("#line")).to_contain_text("没有网")
    assert mobile.evaluate("JSON.stringify(localStorage)") == "{}"
    mobile.context.set_offline(False)
    mobile.wait_for_selector("form[data-keep]")

    mobile.wait_for_selector("form.kind-choice")
    tap_one(mobile, "choice", "", "")
    # The line breaks while the age is sent: it is kept, said, and sent by itself when the line is back.
    mobile.context.set_offline(True)
    for digit in "45":
        mobile.click(f".pad button:text-is('{digit}')")
    mobile.click("form[data-keep] .big.main")
    expect(mobile.locator("#line")).to_contain_text("没有网")
    picture(mobile, "offline")
    mobile.context.set_offline(False)
    mobile.wait_for_selector("form.kind-text")
    expect(mobile.locator("#line")).to_contain_text("已经送出")
    assert mobile.evaluate("Object.keys(localStorage).length") == 0

    # The phone is switched off and on again: the same link goes on where it was.
    again = mobile.context.browser.new_context(viewport=PHONE).new_page()
    again.goto(link)
    again.wait_for_selector("form.kind-text")
    tap_through(again, "肚子痛一天", "45", judged=True)
    judge(again, "end")
    again.click("text=看我答的")
    again.wait_for_selector(".given")
    judge(again, "answers")
    again.context.close()

    desktop.goto(f"{whole}/preconsultations")
    picture(desktop, "list")
    desktop.click("#ready-title + ol a.line")
    desktop.wait_for_selector("text=自报")
    picture(desktop, "one")
    desktop.click(f"form:has(input[value='{person.id}']) button.main-tap")
    desktop.wait_for_url("**/encounters/**")
    desktop.wait_for_selector("#differential li")
    assert "肚子" in desktop.input_value("#chief_complaint") or "腹痛" in desktop.input_value("#chief_complaint")
    open_before = desktop.locator("[data-sentence][data-state=open]").count()
    assert open_before > 2
    desktop.click("[data-check] >> nth=1")
    expect(desktop.locator("[data-sentence][data-state=open]")).to_have_count(open_before - 1)
    with kept(desktop, "上腹痛2天"):
        desktop.fill("#chief_complaint", "上腹痛2天")
    expect(desktop.locator("[data-sentence='0']")).to_have_attribute("data-state", "changed")
    picture(desktop, "encounter")
    desktop.reload()
    desktop.wait_for_selector("[data-sentence='0'][data-state=changed]")
    assert desktop.locator("[data-sentence][data-state=checked]").count() == 1


def test_an_unsent_answer_is_sent_to_its_interview_when_the_phone_comes_back_by_the_door(
    whole: str, mobile: Page
) -> None:
    mobile.goto(f"{whole}/v")
    mobile.click("button[value=self]")
    mobile.click("form:has(> button.big:only-child) button.big")
    mobile.wait_for_selector("form.kind-choice")
    mobile.context.set_offline(True)
    mobile.click("form[data-keep] button[name=chosen] >> nth=0")
    expect(mobile.locator("#line")).to_contain_text("没有网")
    assert mobile.evaluate("Object.keys(localStorage).length") == 1
    mobile.context.set_offline(False)
    mobile.goto(f"{whole}/v")
    # It goes where it belongs, and whoever holds the phone now is shown nothing of it.
    until(mobile, "() => Object.keys(localStorage).length === 0")
    assert mobile.query_selector("form[data-keep]") is None
    mobile.click("a[href^='/v/'].main")
    mobile.wait_for_selector("form.kind-number")


def test_an_emergency_answer_stops_it_and_the_clinic_sees_the_alarm(whole: str, mobile: Page, desktop: Page) -> None:
    log_in(desktop, whole)
    mobile.goto(f"{whole}/v")
    mobile.click("button[value=relative]")
    mobile.click("text=不说是谁")
    mobile.wait_for_selector("form[data-keep]")
    tap_through(mobile, HEART, "68", present=True)
    assert "120" in mobile.inner_text("h1")
    assert mobile.get_attribute("a.call-now", "href") == "tel:120"
    judge(mobile, "emergency")
    desktop.wait_for_selector("[data-alarms]")
    assert desktop.title().startswith("⚠")
    picture(desktop, "alarm")
    desktop.click("#lock-now button")
    expect(desktop.locator("#alarm-while-locked")).to_be_visible()
    desktop.fill("#unlock-secret", PASSWORD)
    desktop.click("#unlock-form button")
    desktop.click("#alarm form button")
    desktop.wait_for_url("**/preconsultations/*")
    expect(desktop.locator("[data-alarms]")).to_have_count(0)
    expect(mobile.locator("main")).to_contain_text("已经看到")


def test_the_browsers_back_button_does_not_lead_behind_the_lock(whole: str, desktop: Page) -> None:
    log_in(desktop, whole)
    desktop.goto(f"{whole}/preconsultations")
    desktop.click("form[action='/preconsultations/tablet'] button >> nth=0")
    desktop.wait_for_url("**/v/*")
    for _ in range(3):
        desktop.go_back()
        desktop.wait_for_load_state()
        path = desktop.evaluate("window.location.pathname")
        assert path.startswith(("/v/", "/unlock", "/login")), path


def test_the_pages_are_in_one_language(whole: str, mobile: Page) -> None:
    mobile.context.add_cookies([{"name": LANGUAGE, "value": "en", "url": whole}])
    visible = """() => { const found = []; const walk = node => {
      if (node.nodeType === 3) { if (node.textContent.trim()) found.push(node.textContent.trim()); return; }
      if (node.nodeType !== 1 || ["SCRIPT", "STYLE", "TEXTAREA"].includes(node.tagName)) return;
      const lang = node.getAttribute("lang"); if (lang && lang !== "en" && node !== document.documentElement) return;
      node.childNodes.forEach(walk); }; walk(document.body); return found; }"""
    mobile.goto(f"{whole}/v")
    assert [words for words in mobile.evaluate(visible) if HAN.search(words)] == []
    mobile.click("button[value=self]")
    mobile.click("text=I do not say who")
    for _ in range(6):
        mobile.wait_for_selector("form[data-keep]")
        assert [words for words in mobile.evaluate(visible) if HAN.search(words)] == []
        before = mobile.input_value("[name=question]")
        mobile.click("button[name=unknown], button[name=rest][value=unknown], button[value=unknown]")
        until(mobile, "b => document.querySelector('[name=question]')?.value !== b", before)


def test_who_logs_in_is_not_shown_the_villagers_pages_by_mistake(whole: str, desktop: Page) -> None:
    desktop.goto(f"{whole}/login?next=/preconsultations")
    desktop.fill("#login", LOGIN)
    desktop.fill("#password", PASSWORD)
    desktop.click("main form button.main-tap")
    desktop.wait_for_url("**/preconsultations")
