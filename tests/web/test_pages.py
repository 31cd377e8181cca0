"""The workbench in a real browser, at desktop, tablet and phone size."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from slow_line import LATE_S
from waiting import arrived

from cunyi.web.rendering import component_names

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
MARKED = (
    "field => Array.from(document.querySelectorAll(`[data-field=${field}] .mark`), m => [m.textContent, m.className])"
)


def write(page: Page, field: str, text: str) -> None:
    page.fill(f"#{field}", text)


def settled(page: Page) -> None:
    page.wait_for_selector("#differential .candidate", state="attached")


def open_assessment(page: Page, size: str) -> None:
    if size == "tablet":
        page.click("#show-assessment")


def seriously_wrong(page: Page) -> list[str]:
    assert AXE.exists(), "npm ci --ignore-scripts brings axe-core"
    arrived(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def test_the_complaint_is_focused_and_the_page_says_what_to_do_first(page, address):
    page.goto(address)
    expect(page.locator("#chief_complaint")).to_be_focused()
    expect(page.locator("#triage")).to_contain_text("先写主诉")


def test_typing_updates_the_assessment_without_losing_focus(page, address, size):
    page.goto(address)
    page.keyboard.type("胸痛、冷汗2小时")
    expect(page.locator("#triage")).to_contain_text("立即转诊")
    expect(page.locator("#chief_complaint")).to_be_focused()
    open_assessment(page, size)
    expect(page.locator("#must-exclude")).to_contain_text("急性心肌梗死")
    expect(page.locator("#differential")).to_be_visible()


def test_the_update_comes_within_300_ms_of_a_pause(desktop, address):
    desktop.goto(address)
    desktop.evaluate(
        """() => {
          window.times = [];
          const area = document.getElementById("chief_complaint");
          area.addEventListener("input", () => (window.typed = performance.now()));
          document.body.addEventListener("htmx:afterSettle", () => window.times.push(performance.now() - window.typed));
        }"""
    )
    for text in ("咳嗽", "咳嗽发热", "咳嗽发热流涕"):
        write(desktop, "chief_complaint", text)
        desktop.wait_for_timeout(900)
    times = sorted(desktop.evaluate("times"))
    # 250 ms of it are the pause itself; the best of three, for a busy machine.
    # An answer that is late on purpose may be so much later.
    assert times[0] <= 250 + 300 + 1000 * LATE_S


def test_the_marks_lie_on_the_words(page, address):
    page.goto(address)
    write(page, "history_of_present_illness", "𠮷咳嗽3天，没有发热，可能胸痛。")
    page.wait_for_selector("[data-field=history_of_present_illness] .mark-absent.mark", state="attached")
    marks = dict(page.evaluate(MARKED, "history_of_present_illness"))
    assert marks["咳嗽"] == "mark mark-present"
    assert marks["发热"] == "mark mark-absent"
    assert marks["胸痛"] == "mark mark-possible"
    # Words are where the marks are: the backdrop has the size and the text of the field.
    sizes = page.evaluate(
        """() => { const f = document.querySelector("[data-field=history_of_present_illness]");
          const area = f.querySelector("textarea");
          const a = area.getBoundingClientRect(), b = f.querySelector(".backdrop").getBoundingClientRect();
          return [a.width - b.width, a.top - b.top, area.scrollHeight - area.clientHeight]; }"""
    )
    assert all(abs(difference) <= 1 for difference in sizes)


def test_marks_move_with_the_words_while_typing(desktop, address):
    desktop.goto(address)
    write(desktop, "chief_complaint", "咳嗽3天")
    desktop.wait_for_selector("[data-field=chief_complaint] .mark", state="attached")
    desktop.route("**/workbench/assess", lambda route: None)
    desktop.press("#chief_complaint", "Home")
    desktop.keyboard.type("病人")
    desktop.press("#chief_complaint", "End")
    desktop.keyboard.type("了")
    assert desktop.evaluate(MARKED, "chief_complaint") == [["咳嗽", "mark mark-present"]]
    desktop.unroute_all(behavior="ignoreErrors")


def test_a_past_and_a_family_finding_are_marked_so(desktop, address):
    desktop.goto(address)
    write(desktop, "past_history", "高血压病史10年")
    write(desktop, "family_history", "父亲有高血压")
    expect(desktop.locator("#seen-past_history .chip.mark-past")).to_have_count(1)
    expect(desktop.locator("#seen-family_history .chip.mark-family")).to_have_count(1)


def test_a_finding_is_corrected_with_a_tap_and_back(page, address):
    page.goto(address)
    write(page, "chief_complaint", "胸痛、冷汗2小时")
    expect(page.locator("#triage")).to_contain_text("立即转诊")
    chip = page.locator("#seen-chief_complaint button", has_text="冷汗")
    chip.click()
    expect(chip).to_contain_text("没有")
    expect(page.locator("#triage")).not_to_contain_text("立即转诊")
    chip.click()
    expect(chip).to_contain_text("不计")
    chip.click()
    expect(chip).not_to_contain_text("已更正")
    expect(page.locator("#triage")).to_contain_text("立即转诊")


def test_one_tap_answers_change_the_assessment_and_can_be_undone(page, address, size):
    page.goto(address)
    write(page, "chief_complaint", "胸痛2小时")
    expect(page.locator("#triage")).to_contain_text("先问清")
    open_assessment(page, size)
    question = page.locator("#question-cold_sweat")
    question.get_by_role("button", name="有", exact=True).click()
    expect(page.locator("#triage")).to_contain_text("立即转诊")
    expect(question).to_have_count(0)
    page.locator("#answer-cold_sweat button").click()
    expect(question).to_have_count(1)
    expect(page.locator("#triage")).not_to_contain_text("立即转诊")


def test_not_sure_is_not_no(desktop, address):
    desktop.goto(address)
    write(desktop, "chief_complaint", "胸痛2小时")
    desktop.locator("#question-cold_sweat").get_by_role("button", name="不清楚").click()
    expect(desktop.locator("#answer-cold_sweat")).to_contain_text("不清楚")
    expect(desktop.locator("#triage")).to_contain_text("暂定")


def test_an_opened_disease_stays_open_and_the_page_does_not_jump(desktop, address):
    desktop.goto(address)
    write(desktop, "chief_complaint", "咳嗽3天")
    settled(desktop)
    desktop.locator("#candidate-common_cold summary").click()
    write(desktop, "history_of_present_illness", "流鼻涕")
    expect(desktop.locator("#candidate-common_cold .weights")).to_contain_text(["流涕"])
    expect(desktop.locator("#candidate-common_cold details")).to_have_attribute("open", "")


def test_the_list_can_be_ordered_by_danger(page, address, size):
    page.goto(address)
    write(page, "chief_complaint", "流鼻涕2天")
    settled(page)
    open_assessment(page, size)
    page.get_by_label("按危急").check()
    expect(page.locator("#differential .candidates li").first).to_contain_text("急性心肌梗死")


def test_why_not_is_asked_by_name(page, address, size):
    page.goto(address)
    write(page, "chief_complaint", "流鼻涕2天")
    settled(page)
    open_assessment(page, size)
    page.fill("#why-not-words", "急性心肌梗死")
    expect(page.locator("#why-not-answer")).to_contain_text("I21")
    expect(page.locator("#why-not-words")).to_be_focused()
    expect(page.locator("#why-not-words")).to_have_value("急性心肌梗死")


def test_results_come_by_rows_with_their_usual_unit(page, address):
    page.goto(address)
    row = page.locator(".lab-row").first
    row.get_by_label("项目").fill("血红蛋白")
    row.get_by_label("结果").fill("50")
    expect(row.get_by_label("单位")).to_have_value("g/L")
    expect(page.locator("#critical-values")).to_contain_text("50")
    page.click("#add-lab")
    expect(page.locator(".lab-row")).to_have_count(2)
    page.locator(".lab-row").first.get_by_label("删除这一项").click()
    expect(page.locator("#critical-values")).to_have_count(0)


def test_the_draft_survives_a_reload(page, address):
    page.goto(address)
    write(page, "chief_complaint", "胸痛2小时")
    # As a person does it: on the words, which move when the assessment arrives above them.
    page.locator("label", has=page.locator("input[name=sex][value=male]")).click()
    expect(page.locator("input[name=sex][value=male]")).to_be_checked()
    page.fill("#temperature_c", "38.5")
    page.locator(".lab-row").first.get_by_label("项目").fill("血红蛋白")
    expect(page.locator("#draft-status")).to_have_text(re.compile(r"已保存 \d\d:\d\d"))
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.locator("#chief_complaint")).to_have_value("胸痛2小时")
    expect(page.locator("#temperature_c")).to_have_value("38.5")
    expect(page.locator("input[name=sex][value=male]")).to_be_checked()
    expect(page.locator(".lab-row [name=lab_name]").first).to_have_value("血红蛋白")
    expect(page.locator("#triage")).not_to_contain_text("尚未填写")


def test_what_was_cleared_can_be_brought_back(page, address):
    page.goto(address)
    write(page, "chief_complaint", "胸痛、冷汗2小时")
    expect(page.locator("#triage")).to_contain_text("立即转诊")
    page.click("#clear")
    expect(page.locator("#chief_complaint")).to_have_value("")
    expect(page.locator("#triage")).to_contain_text("尚未填写")
    page.click("#bring-back")
    expect(page.locator("#chief_complaint")).to_have_value("胸痛、冷汗2小时")
    expect(page.locator("#triage")).to_contain_text("立即转诊")


def test_a_failed_update_says_so_and_keeps_what_was_written(browser, address):
    desktop = browser.new_page(viewport={"width": 1440, "height": 900})
    desktop.goto(address)
    desktop.route("**/workbench/assess", lambda route: route.fulfill(status=503, body=""))
    write(desktop, "chief_complaint", "咳嗽")
    expect(desktop.locator("#trouble")).to_be_visible()
    expect(desktop.locator("#chief_complaint")).to_have_value("咳嗽")
    desktop.unroute_all(behavior="ignoreErrors")
    write(desktop, "chief_complaint", "咳嗽3天")
    expect(desktop.locator("#trouble")).to_be_hidden()
    desktop.close()


def test_the_assessment_slides_over_on_a_tablet_and_escape_closes_it(browser, address):
    context = browser.new_context(viewport={"width": 1024, "height": 768})
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#differential")).to_be_hidden()
    page.click("#show-assessment")
    expect(page.locator("#differential")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#differential")).to_be_hidden()
    context.close()


def test_the_triage_band_stays_on_top_on_a_phone(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(address)
    write(page, "chief_complaint", "胸痛、冷汗2小时")
    expect(page.locator("#triage")).to_contain_text("立即转诊")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert abs(page.locator(".verdict").bounding_box()["y"]) <= 1
    context.close()


def test_nothing_is_wider_than_the_page(page, address):
    page.goto(address)
    write(page, "chief_complaint", "胸痛、冷汗2小时")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_everything_that_is_tapped_is_large_enough(page, address, size):
    page.goto(address)
    write(page, "chief_complaint", "胸痛2小时")
    settled(page)
    open_assessment(page, size)
    small = page.evaluate(
        """() => Array.from(document.querySelectorAll(
            "button, summary, select, textarea, input:not([type=radio]):not([type=hidden]), .switch span"))
          .filter(e => e.checkVisibility({visibilityProperty: true}))
          .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
          .filter(([, r]) => r.height < 43.9).map(([html, r]) => html + " " + r.height)"""
    )
    assert small == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_workbench_has_no_serious_fault_of_access(page, address, size, language):
    page.goto(address)
    if language == "en":
        page.click(".language button")
        page.wait_for_selector("html[lang=en]")
    assert seriously_wrong(page) == []
    write(page, "chief_complaint", "胸痛、冷汗2小时，无发热")
    page.fill("#temperature_c", "38.5")
    page.locator(".lab-row input").first.fill("血红蛋白")
    page.locator(".lab-row input").nth(1).fill("50")
    page.wait_for_selector("#critical-values", state="attached")
    open_assessment(page, size)
    page.locator("#differential summary").first.click()
    page.wait_for_timeout(300)
    assert seriously_wrong(page) == []


def test_every_example_loads_with_one_tap(desktop, real_address):
    desktop.goto(real_address)
    count = desktop.locator("[data-example]").count()
    assert count >= 8
    for number in range(count):
        desktop.click("#examples summary")
        desktop.locator("[data-example]").nth(number).click()
        settled(desktop)
        expect(desktop.locator("#chief_complaint")).not_to_have_value("")
        expect(desktop.locator("#seen-chief_complaint .chip").first).to_be_visible()
        expect(desktop.locator("#examples")).not_to_have_attribute("open", "")


def test_the_patterns_show_every_component_without_fault(page, address):
    page.goto(f"{address}/patterns")
    shown = page.evaluate("Array.from(document.querySelectorAll('.pattern > h2'), h => h.textContent)")
    assert shown == component_names()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # Fixtures of one component repeat its ids; that is the page's nature and no fault of the component.
    faults = [fault for fault in seriously_wrong(page) if not fault.startswith(("duplicate-id", "landmark-unique"))]
    assert faults == []
