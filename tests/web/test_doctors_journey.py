"""A doctor's day in a real browser on the demonstration: found, seen, assessed, checked, signed, printed, corrected.

With the environment variable CUNYI_SCREENSHOTS=FOLDER the same day leaves the pictures of the README in that folder.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from node_for_tests import CHEAP, Clock, log_in, served
from waiting import kept

from cunyi.app import artefact_path, load_knowledge
from cunyi.config import read_config
from cunyi.journeys.demonstration import SHOWN_ACCOUNT, open_demonstration
from cunyi.store.folder import Folder

PENICILLIN, CHEST = "区阿福", "翟有田"
# Seconds of a practised person: a tap with its pointing, a key, making up one's mind.
TAP, KEY, DECISION = 1.10, 0.28, 1.35


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    """The demonstration, served with the whole knowledge; its address."""
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    knowledge = load_knowledge(path)
    folder = Folder(tmp_path_factory.mktemp("village") / "node")
    seat = open_demonstration(folder, knowledge, clock=Clock(), cost=CHEAP)
    with served(seat, knowledge, SHOWN_ACCOUNT) as address:
        yield address
    seat.close()


def shown_account(page):
    """Name and password as the login page tells them."""
    return re.findall(r"[A-Za-z0-9-]+", page.inner_text(".demonstration-account"))[-2:]


@pytest.fixture
def doctor(desktop, village):
    """A page of the doctor, logged in with what the login page says."""
    desktop.refusals_expected = True
    desktop.set_default_timeout(30_000)
    desktop.goto(f"{village}/login")
    log_in(desktop, village, *shown_account(desktop))
    return desktop


def picture(page, name):
    folder = os.environ.get("CUNYI_SCREENSHOTS")
    if folder:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=Path(folder) / f"{name}.png")


def see_from_queue(page, village, name):
    page.goto(f"{village}/")
    page.click(f"section[aria-labelledby=queue-title] li:has-text('{name}') button.main-tap")
    page.wait_for_url("**/encounters/**")


def sign(page):
    page.click("#sign")
    page.wait_for_url("**/records/**")
    page.wait_for_load_state("networkidle")


def test_the_login_page_says_how_to_come_in(desktop, village):
    desktop.goto(f"{village}/login")
    assert tuple(shown_account(desktop)) == SHOWN_ACCOUNT
    picture(desktop, "login")


def test_somebody_is_found_by_initials_and_the_record_opened(doctor, village):
    for section in ("queue-title", "visits-title", "drafts-title"):
        assert doctor.locator(f"section[aria-labelledby={section}] li").count() > 0
    picture(doctor, "today")
    doctor.goto(f"{village}/people")
    doctor.locator("#words").press_sequentially("zmt")
    doctor.wait_for_selector("#results[data-words=zmt] a.line:has-text('曾满堂')")
    doctor.keyboard.press("Enter")
    doctor.wait_for_url(re.compile(r"/people/[0-9a-f-]{36}$"))
    doctor.wait_for_selector("#trends canvas")
    assert doctor.locator("#timeline li").count() == 7
    assert doctor.locator("#problem li:has-text('高血压病')").count() == 1
    picture(doctor, "record")
    doctor.locator("#trends").scroll_into_view_if_needed()
    picture(doctor, "record-trends")


def test_an_encounter_from_the_queue_to_the_printed_and_corrected_record(doctor, village):
    see_from_queue(doctor, village, PENICILLIN)
    assert "青霉素" in doctor.inner_text(".allergies.known")
    with kept(doctor):
        doctor.fill("#chief_complaint", "咳嗽、咳黄痰、发热3天")
    doctor.wait_for_selector("#differential li")
    assert doctor.locator("[data-diagnosis]").count() > 1
    with kept(doctor):
        doctor.fill("#temperature_c", "38.7")
        doctor.fill("#spo2_pct", "93")
    doctor.wait_for_selector(".question")
    asked = doctor.locator(".question").first.get_attribute("id")
    with kept(doctor):
        doctor.click(f"#{asked} [data-status=absent]")
    doctor.wait_for_selector(f"#{asked.replace('question', 'answer')}")
    assert doctor.locator(f"#{asked}").count() == 0
    with kept(doctor):
        doctor.locator("[data-diagnosis]").first.click()
    assert doctor.input_value("[name=diagnosis_name]") == doctor.locator("[data-diagnosis]").first.get_attribute(
        "data-diagnosis"
    )

    doctor.evaluate("window.scrollTo(0, 0)")
    picture(doctor, "encounter-desktop")
    with kept(doctor):
        doctor.fill("[name=drug_name]", "阿莫西林")
    doctor.wait_for_selector("#concerns .concern-stop:has-text('青霉素')")
    doctor.locator("#concerns").scroll_into_view_if_needed()
    picture(doctor, "prescription-warning")
    doctor.click("#sign")
    doctor.wait_for_selector("#sign-errors:has-text('用药提醒')")
    assert doctor.input_value("[name=drug_name]") == "阿莫西林", "a refused signature keeps what was written"
    with kept(doctor):
        doctor.click(".drug-row [data-remove-entry]")
    doctor.wait_for_selector(".concern-stop", state="detached")

    with kept(doctor):
        doctor.fill("#advice", "多喝温水；气促加重马上来。")
        doctor.fill("#next_visit_on", doctor.evaluate("new Date(Date.now() + 3 * 864e5).toISOString().slice(0, 10)"))
        doctor.fill("#next_visit_reason", "看咳嗽好没好")
    sign(doctor)
    record = doctor.url
    assert "多喝温水" in doctor.inner_text("main") and "阿莫西林" not in doctor.inner_text("main")

    doctor.click("#amend")
    doctor.wait_for_url("**/encounters/**")
    assert doctor.input_value("#advice") == "多喝温水；气促加重马上来。"
    doctor.fill("#advice", "多喝温水；气促加重打120。")
    doctor.click("#sign")
    doctor.wait_for_selector("#sign-errors:has-text('更正的原因')")
    doctor.fill("[name=amendment_reason]", "补充急救电话")
    sign(doctor)
    assert doctor.url == record
    assert doctor.locator("details:has-text('气促加重马上来')").count() == 1, "the first version stays to be read"
    assert "补充急救电话" in doctor.inner_text(".notice:has-text('补充急救电话')")

    doctor.goto(f"{village}/")
    assert doctor.locator(f"section[aria-labelledby=queue-title] li:has-text('{PENICILLIN}')").count() == 0


def test_a_signed_record_is_printed(doctor, village):
    doctor.goto(f"{village}/people")
    doctor.locator("#words").press_sequentially("曾满堂")
    doctor.wait_for_selector("#results[data-words=曾满堂] a.line")
    doctor.keyboard.press("Enter")
    doctor.click("#timeline li a >> nth=0")
    doctor.wait_for_selector("#amend")
    links = doctor.locator("a[href^='/print/']").all()
    assert links
    for link in links:
        answer = doctor.request.get(f"{village}{link.get_attribute('href')}")
        assert answer.status == 200 and answer.body().startswith(b"%PDF"), link.get_attribute("href")


def test_an_emergency_is_seen_at_once(doctor, village):
    see_from_queue(doctor, village, CHEST)
    with kept(doctor):
        doctor.fill("#chief_complaint", "胸骨后压榨样疼痛1小时，大汗")
    doctor.wait_for_selector("#triage [class*=emergency]")
    assert doctor.locator("#must-exclude").count() == 1


def test_what_was_typed_outlives_a_lock_and_a_reload(doctor, village):
    see_from_queue(doctor, village, "仇小兰")
    doctor.fill("#chief_complaint", "黑便一次")
    doctor.click("#lock-now button")
    doctor.wait_for_selector("#unlock-dialog[open]")
    doctor.keyboard.press("Escape")
    assert doctor.is_visible("#unlock-dialog")
    doctor.fill("#unlock-secret", SHOWN_ACCOUNT[1])
    with kept(doctor, "黑便一次"):
        doctor.press("#unlock-secret", "Enter")
    doctor.wait_for_selector("#unlock-dialog:not([open])", state="attached")
    assert doctor.input_value("#chief_complaint") == "黑便一次"
    with kept(doctor, "先别走"):
        doctor.fill("#advice", "先别走")
    doctor.reload()
    assert doctor.input_value("#chief_complaint") == "黑便一次" and doctor.input_value("#advice") == "先别走"


@dataclass
class Effort:
    """What a task costs a practised hand (the keystroke-level model); the machine's own time is not in it."""

    steps: list[tuple[str, int, int, int]] = field(default_factory=list)

    def step(self, what, *, taps=0, keys=0, decisions=0):
        self.steps.append((what, taps, keys, decisions))

    @property
    def seconds(self):
        return sum(taps * TAP + keys * KEY + decisions * DECISION for _, taps, keys, decisions in self.steps)

    def table(self):
        lines = [f"{'step':<44}{'taps':>6}{'keys':>6}{'decisions':>11}"]
        lines += [f"{what:<44}{taps:>6}{keys:>6}{decisions:>11}" for what, taps, keys, decisions in self.steps]
        return "\n".join([*lines, f"{self.seconds:.1f} s"])


def test_a_follow_up_takes_half_a_minute_of_the_doctors_hands(doctor, village):
    """Each step is carried out as it is counted.

    ==========================================  ====  ====  =========
    step                                        taps  keys  decisions
    ==========================================  ====  ====  =========
    who is due: tap the name on the first page     1     0          1
    tap the follow-up                              1     0          1
    tap "no complaints, takes the drugs"           1     0          1
    tap the first box, type 146 ⇥ 92               1     6          1
    look at the assessment and the next visit      0     0          2
    sign                                           1     0          1
    ==========================================  ====  ====  =========

    5 taps × 1.10 s + 6 keys × 0.28 s + 7 decisions × 1.35 s = 16.6 s
    """
    effort = Effort()
    doctor.goto(f"{village}/")
    doctor.click("section[aria-labelledby=visits-title] li:has-text('高血压随访') >> nth=0 >> a")
    doctor.wait_for_selector("[data-follow-up=hypertension]")
    effort.step("who is due: tap the name", taps=1, decisions=1)

    doctor.click("[data-follow-up=hypertension]")
    doctor.wait_for_url("**/encounters/**")
    assert doctor.input_value("#chief_complaint") == "高血压随访" and doctor.input_value("#next_visit_on")
    effort.step("tap the follow-up", taps=1, decisions=1)

    with kept(doctor):
        doctor.click("#no-complaints")
    effort.step("tap “no complaints”", taps=1, decisions=1)

    doctor.click("#systolic_mmhg")
    with kept(doctor, "92"):
        for key in ("1", "4", "6", "Tab", "9", "2"):
            doctor.keyboard.press(key)
    assert doctor.input_value("#systolic_mmhg") == "146" and doctor.input_value("#diastolic_mmhg") == "92"
    effort.step("tap the first box, type 146 ⇥ 92", taps=1, keys=6, decisions=1)

    doctor.wait_for_load_state("networkidle")
    assert doctor.locator("[name=diagnosis_name]").first.input_value()
    effort.step("look at the assessment and the next visit", decisions=2)

    sign(doctor)
    effort.step("sign", taps=1, decisions=1)
    print(f"\n{effort.table()}")
    assert "146" in doctor.inner_text("main") and "92" in doctor.inner_text("main")
    assert effort.seconds <= 30


def test_the_encounter_on_a_phone(browser, village):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    log_in(page, village, *SHOWN_ACCOUNT)
    see_from_queue(page, village, "单桂英")
    with kept(page):
        page.fill("#chief_complaint", "头晕、视物旋转1天，恶心")
    page.wait_for_selector("#differential li")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing hangs over the edge"
    picture(page, "encounter-phone")
    context.close()


def test_after_logging_out_nothing_is_open(doctor, village):
    doctor.click("form[action='/logout'] button")
    doctor.wait_for_url("**/login**")
    assert doctor.request.get(f"{village}/people", max_redirects=0).status in (303, 401)
