"""A consultation and a critical value in a real browser, the clinic's page and the hub's side by side.

With the environment variable CUNYI_SCREENSHOTS=FOLDER the pictures are left in that folder.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from node_for_tests import Clock, log_in, served
from two_nodes import TOWNSHIP, two_nodes
from waiting import arrived, until

from cunyi.domain.assessment import CriticalValueFound
from cunyi.journeys.consulting import begin_draft
from cunyi.journeys.critical_values import notify_found
from cunyi.journeys.drawn_picture import drawn_strip

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
TOO_SMALL = """() => Array.from(document.querySelectorAll("main button, main a.tap, header a.tap, main input, main select"))
  .filter(e => e.offsetParent !== null && !["hidden", "radio", "checkbox", "file"].includes(e.type))
  .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect().height]).filter(([, height]) => height < 43.5)"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with two_nodes(tmp_path_factory.mktemp("both"), Clock(NOW)) as made:
        yield made


@pytest.fixture(scope="module")
def pages(both, browser, mini):
    """The clinic's doctor at a phone, the township's at a desk."""
    with served(both.clinic.seat, mini) as clinic_address, served(both.hub, mini) as hub_address:
        phone = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        desk = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        problems: list[str] = []
        for page in (phone, desk):
            page.set_default_timeout(30_000)
            page.on("pageerror", lambda error: problems.append(str(error)))
        log_in(phone, clinic_address)
        log_in(desk, hub_address, "zhang")
        yield phone, desk, clinic_address, hub_address
        phone.context.close()
        desk.context.close()
        assert problems == []


def picture(page, name):
    folder = os.environ.get("CUNYI_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fits(page):
    arrived(page)
    assert page.evaluate(TOO_SMALL) == [] and page.evaluate(TOO_WIDE) <= 0


def go(page, address):
    page.goto(address)


def test_a_question_rings_at_the_desk_and_the_answer_on_the_phone(both, pages):
    phone, desk, clinic, hub = pages
    person = both.clinic.register("周大福")
    form = {"chief_complaint": ["胸痛2小时"], "systolic_mmhg": ["92"], "diastolic_mmhg": ["60"]}
    draft = begin_draft(both.clinic.store, both.clinic.account, person.id, form)
    go(phone, f"{clinic}/people/{person.id}/consult?draft={draft.id}")
    fits(phone)
    phone.fill("#question", "ST段抬高吗？要不要马上转？")
    phone.check("input[name=urgency][value=now]")
    phone.select_option("#to_facility", TOWNSHIP)
    phone.set_input_files("#pictures", {"name": "ecg.png", "mimeType": "image/png", "buffer": drawn_strip()})
    phone.wait_for_selector("[data-picture-list] img")
    picture(phone, "consult-form-phone")
    phone.click("#ask")
    phone.wait_for_url("**/consultations/*")
    picture(phone, "consult-asked-phone")
    go(desk, f"{hub}/consultations")
    assert desk.get_attribute("html", "data-alarm") == "no"
    both.sync()
    # The page looks every few seconds; here it looks at once.
    desk.evaluate("document.dispatchEvent(new Event('cunyi:alarm'))")
    desk.wait_for_selector("html[data-alarm=yes]")
    assert "⚠" in desk.title() and "ST段抬高吗" in desk.inner_text("#alarm")
    picture(desk, "consult-list-desk")
    both.pass_minutes(3)
    desk.click("#alarm form[action$='/see'] button")
    desk.wait_for_url("**/consultations/*")
    desk.wait_for_load_state("load")
    until(desk, "document.querySelector('.pictures img')?.naturalWidth === 720")
    assert desk.query_selector("[data-alarms]") is None
    desk.fill("#diagnosis", "急性下壁心肌梗死？")
    desk.fill("#plan", "平卧，吸氧，立即拨打120送县医院；途中不要让病人走动。")
    desk.select_option("#refer", "now")
    fits(desk)
    picture(desk, "consult-answering-desk")
    desk.click("#answer button.main-tap")
    desk.wait_for_selector("li[data-step=answer]")
    both.sync()

    go(phone, f"{clinic}/people")
    phone.wait_for_selector("#alarm [data-answers]")
    assert "周大福" in phone.inner_text("#alarm")
    fits(phone)
    picture(phone, "consult-answer-bar-phone")
    go(phone, f"{clinic}/people/{person.id}")
    assert phone.is_visible("#threads-about")
    picture(phone, "consult-record-phone")
    phone.click("#alarm a.tap")
    phone.wait_for_url("**/consultations/*")
    phone.wait_for_load_state("load")
    assert (
        "立即拨打120" in phone.inner_text("li[data-step=answer]")
        and phone.query_selector("#alarm [data-answers]") is None
    )
    fits(phone)
    picture(phone, "consult-answer-phone")
    phone.check("#take-up input[value=yes]")
    phone.click("#take-up button")
    phone.wait_for_selector("li[data-step=take_up]")
    phone.fill("#close textarea", "已由120送县医院")
    phone.click("#close button")
    phone.wait_for_selector("li[data-step=close]")
    both.sync()
    go(desk, f"{hub}/consultations")
    assert desk.is_visible("#ended") and "云上镇卫生院" in desk.inner_text("#times")
    picture(desk, "consult-ended-desk")


def test_a_critical_value_rings_until_somebody_sees_to_it(both, pages):
    phone, desk, clinic, _ = pages
    person = both.clinic.register("孙桂兰", sex="female")
    draft = begin_draft(both.clinic.store, both.clinic.account, person.id, {})
    found = CriticalValueFound("血钾", 6.8, "mmol/L", "≥6.2", "general", None)
    with both.clinic.store.writing(both.clinic.account.id) as writing:
        notify_found(writing, both.clinic.account, person, draft.encounter_id, [found], None)
    go(phone, f"{clinic}/")
    phone.wait_for_selector("html[data-alarm=yes]")
    assert phone.is_visible("#threads-today") and "血钾 6.8" in phone.inner_text("#alarm")
    fits(phone)
    picture(phone, "critical-today-phone")
    phone.click("#alarm form[action$='/acknowledge'] button")
    phone.wait_for_url("**/critical-values/*")
    phone.wait_for_load_state("load")
    phone.wait_for_selector("html[data-alarm=no]")
    phone.check("input[name=act][value=refer]")
    phone.fill("#act-words", "已打电话给家属，车在路上")
    fits(phone)
    picture(phone, "critical-act-phone")
    phone.click("#act-form button.main-tap")
    phone.wait_for_selector("li[data-step=act]")
    both.sync()
    go(phone, f"{clinic}/critical-values")
    fits(phone)
    picture(phone, "critical-list-phone")
    phone.set_viewport_size({"width": 1440, "height": 900})
    phone.click("#acted a.line")
    phone.wait_for_url("**/critical-values/*")
    picture(phone, "critical-desk")
    assert desk.is_visible("main")
