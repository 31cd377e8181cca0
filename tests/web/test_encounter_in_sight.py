"""The encounter on every size of screen: what is written can be read, and nothing lies over the triage."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from node_for_tests import Node, log_in
from playwright.sync_api import Page
from waiting import arrived, kept, pressed, until

from cunyi.domain.thread import ThreadKind
from cunyi.journeys.ringing import Ringing, Why

LINE = {
    "drug_name": "复方氨酚烷胺胶囊",
    "drug_strength": "0.25g×24片",
    "drug_dose": "0.5g",
    "drug_route": "口服",
    "drug_frequency": "每天3次",
    "drug_days": "3",
    "drug_quantity": "10片",
    "drug_note": "饭后服",
}
# What lies uppermost in the middle of an element: itself or something within it, where nothing covers it.
SEEN = """selector => {
    const box = document.querySelector(selector).getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return box.top >= 0 && top?.closest(selector) !== null;
}"""


def begin(page: Page, node: Node, address: str) -> None:
    log_in(page, address)
    page.goto(f"{address}/people/{node.register('周大福').id}")
    pressed(page, "form[action$='/encounter'] button.main-tap")
    arrived(page)


def push_up(page: Page) -> None:
    page.evaluate("window.scrollTo(0, 900)")
    until(page, "() => window.scrollY > 400")


def test_every_field_of_a_prescription_line_shows_what_is_in_it(page: Page, size: str, node: Node, node_address: str):
    begin(page, node, node_address)
    for name, words in LINE.items():
        page.fill(f"[name={name}]", words)
    for name in LINE:
        field = page.locator(f"[name={name}]")
        box = field.bounding_box()
        assert box and box["height"] >= 44, name
        assert field.evaluate("field => field.scrollWidth <= field.clientWidth"), f"{name} is cut off"
    assert page.locator(".drug-row [data-remove-entry]").bounding_box()["width"] >= 44
    if size == "phone":
        row, name = page.locator(".drug-row").bounding_box(), page.locator("[name=drug_name]").bounding_box()
        assert name["width"] > 0.8 * row["width"]
        assert all(page.locator(f"[name={each}]").bounding_box()["width"] > 140 for each in LINE)


@pytest.fixture
def bells(node: Node, monkeypatch) -> list[Ringing]:
    """What rings on every page of the node."""
    found: list[Ringing] = []
    for where in ("cunyi.web.gate.ringing", "cunyi.web.doctor.bell.ringing"):
        monkeypatch.setattr(where, lambda *_: found)
    return found


@pytest.mark.parametrize("loud", [False, True])
def test_no_notice_lies_over_the_triage(
    page: Page, size: str, node: Node, node_address: str, bells: list[Ringing], loud: bool
):
    told = Ringing(
        thread="0190a7c0-0000-7000-8000-00000000d001",
        kind=ThreadKind.CONSULTATION,
        why=Why.ANSWERED,
        loud=loud,
        name="厉青松",
        words="心电图要不要紧？药要不要调？",
        place="云上镇卫生院",
        since=node.clock() - timedelta(days=3),
        late_minutes=960,
    )
    bells.append(told)
    begin(page, node, node_address)
    with kept(page):
        page.fill("#chief_complaint", "胸痛2小时")
    push_up(page)
    assert page.evaluate(SEEN, "#triage .band"), "the triage stays in sight"
    if size != "desktop":
        assert page.evaluate(SEEN, "#show-assessment")
    in_sight = page.evaluate(SEEN, ".bell-answer")
    assert in_sight is loud, "only what is heard stays at the top with it"

    # What comes while the page is open, and what becomes more of it, moves the triage down and never covers it.
    bells[:] = [told, replace(told, loud=True, why=Why.ASKED)]
    page.evaluate("document.dispatchEvent(new Event('cunyi:alarm'))")
    page.wait_for_selector(".alarm-urgent .alarm-band:not(.bell-answer)")
    until(page, f"() => ({SEEN})('#triage .band')")
    assert page.evaluate(SEEN, ".alarm-urgent .alarm-band")
