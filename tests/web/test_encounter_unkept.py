"""What is typed while the node does not answer, or the moment before the page is left: said plainly, and not lost."""

import re
import time

import pytest
from node_for_tests import Node, log_in
from playwright.sync_api import Dialog, Page, expect
from waiting import arrived, kept, pressed

from cunyi.store.drafts import drafts_of_account

WORDS = "胸痛2小时，大汗，说的话还在写"


@pytest.fixture
def encounter(desktop: Page, node: Node, node_address: str) -> Page:
    """The page of a draft with something kept already."""
    log_in(desktop, node_address)
    desktop.goto(f"{node_address}/people/{node.register('周大福').id}")
    pressed(desktop, "form[action$='/encounter'] button.main-tap")
    arrived(desktop)
    with kept(desktop):
        desktop.fill("#chief_complaint", "胸痛")
    expect(desktop.locator("#draft-status")).to_have_text(re.compile(r"^已保存 \d\d:\d\d$"))
    return desktop


def written(node: Node) -> str:
    with node.store.reading() as connection:
        drafts = drafts_of_account(connection, node.account.organisation, node.account.id)
    assert len(drafts) == 1, "no second copy is put aside"
    return drafts[0].form["chief_complaint"][0]


def cut(page: Page) -> None:
    page.context.set_offline(True)


def test_what_is_not_saved_says_so_and_is_saved_by_itself_later(encounter: Page, node: Node):
    encounter.unreachable_expected = True
    badge = encounter.locator("#draft-status")
    cut(encounter)
    encounter.evaluate("document.getElementById('sign').scrollIntoView()")
    encounter.fill("#plan", "观察")
    encounter.fill("#chief_complaint", WORDS)
    expect(badge).to_have_text("还没有保存")
    expect(encounter.locator("#unkept-here")).to_be_visible()
    expect(encounter.locator("#trouble")).to_contain_text("程序没有回应")
    assert encounter.locator("#trouble").bounding_box()["y"] >= 0, "in sight, wherever the page was pushed to"
    encounter.context.set_offline(False)
    expect(badge).to_have_text(re.compile(r"^已保存 \d\d:\d\d$"))
    expect(encounter.locator("#trouble")).to_be_hidden()
    expect(encounter.locator("#unkept-here")).to_be_hidden()
    assert written(node) == WORDS


def test_no_answer_for_a_while_is_told_before_it_has_failed(encounter: Page):
    encounter.route("**/keep", lambda route: None)
    encounter.fill("#chief_complaint", WORDS)
    expect(encounter.locator("#draft-status")).to_have_text("还没有保存")
    encounter.on("dialog", lambda dialog: dialog.accept())


def test_a_signature_that_cannot_be_sent_says_why_and_keeps_the_page(encounter: Page, node: Node):
    encounter.unreachable_expected = True
    asked: list[str] = []
    encounter.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    encounter.fill("[name=diagnosis_name]", "胸痛待查")
    cut(encounter)
    encounter.fill("#chief_complaint", WORDS)
    encounter.click("#sign")
    told = encounter.locator("#unreachable")
    expect(told).to_contain_text("没有签名：程序没有回应")
    sign = encounter.locator("#sign").bounding_box()
    assert abs(told.bounding_box()["y"] - sign["y"]) < 200, "beside what was pressed"
    encounter.close(run_before_unload=True)
    deadline = time.monotonic() + 10
    while not asked and time.monotonic() < deadline:
        encounter.wait_for_timeout(50)
    assert asked == ["beforeunload"], "what is not kept is asked about after that, too"
    encounter.context.set_offline(False)
    expect(encounter.locator("#draft-status")).to_have_text(re.compile(r"^已保存 \d\d:\d\d$"))
    pressed(encounter, "#sign")
    encounter.wait_for_url("**/records/**")


def test_other_buttons_say_so_as_well(encounter: Page, node: Node, node_address: str):
    encounter.unreachable_expected = True
    encounter.goto(f"{node_address}/")
    arrived(encounter)
    cut(encounter)
    encounter.click("main .quick-find button")
    expect(encounter.locator("#unreachable")).to_contain_text("没有送出：程序没有回应")
    encounter.context.set_offline(False)
    pressed(encounter, "main .quick-find button")


@pytest.mark.parametrize("pause", [0, 50, 150])
def test_the_last_words_before_a_reload_are_there_after_it(encounter: Page, node: Node, pause: int):
    encounter.on("dialog", lambda dialog: dialog.accept())
    encounter.fill("#chief_complaint", "")
    encounter.locator("#chief_complaint").press_sequentially(WORDS, delay=5)
    encounter.wait_for_timeout(pause)
    encounter.reload()
    expect(encounter.locator("#chief_complaint")).to_have_value(WORDS)
    assert written(node) == WORDS
    with kept(encounter):
        encounter.fill("#chief_complaint", WORDS + "。")
    assert written(node) == WORDS + "。"


def test_a_page_that_was_asked_for_too_early_catches_up(encounter: Page, node: Node):
    # What was sent at last comes to the node after the page was made.
    late: list = []

    def hold(route):
        late.append(route)

    def let_go(dialog: Dialog) -> None:
        dialog.accept()

    encounter.on("dialog", let_go)
    encounter.route("**/keep", hold)
    encounter.fill("#chief_complaint", WORDS)
    encounter.reload()
    arrived(encounter)
    assert encounter.input_value("#chief_complaint") == "胸痛"
    encounter.unroute("**/keep")
    for route in late:
        request = route.request
        encounter.context.request.post(
            request.url, headers={"Content-Type": request.headers["content-type"]}, data=request.post_data_buffer
        )
    expect(encounter.locator("#chief_complaint")).to_have_value(WORDS)


def test_nothing_of_the_patient_is_left_in_the_browser(encounter: Page):
    encounter.on("dialog", lambda dialog: dialog.accept())
    encounter.route("**/keep", lambda route: None)
    encounter.fill("#chief_complaint", WORDS)
    encounter.evaluate("window.dispatchEvent(new Event('pagehide'))")
    stored = encounter.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert "胸痛" not in stored and "周大福" not in stored
