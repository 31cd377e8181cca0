"""Every page of a node, filled by the demonstration: for everybody (axe), in one language, without a sideways scroll."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from node_for_tests import CHEAP, Clock, log_in, served
from playwright.sync_api import Page

from cunyi.app import artefact_path, load_knowledge
from cunyi.config import read_config
from cunyi.journeys.demonstration import SHOWN_ACCOUNT, open_demonstration
from cunyi.journeys.today import open_today, search
from cunyi.store.folder import Folder
from cunyi.store.records import timeline

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
PAGES = ("login", "today", "people", "new", "edit", "record", "signed", "encounter", "follow_up", "log", "me")
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
HAN = re.compile(r"[\u3400-\u9fff]")
VISIBLE = """language => {
  const walk = (node, found) => {
    if (node.nodeType === Node.TEXT_NODE) { if (node.textContent.trim()) found.push(node.textContent.trim()); return found; }
    if (node.nodeType !== Node.ELEMENT_NODE) return found;
    if (["SCRIPT", "STYLE", "TEMPLATE", "TEXTAREA", "DATALIST"].includes(node.tagName)) return found;
    const lang = node.getAttribute("lang");
    if (lang && lang !== language && node !== document.documentElement) return found;
    for (const name of ["placeholder", "title", "aria-label"]) if (node.getAttribute(name)) found.push(node.getAttribute(name));
    if (node.tagName === "INPUT") return found;
    for (const child of node.childNodes) walk(child, found);
    return found;
  };
  return walk(document.body, []);
}"""

TOO_SMALL = """() => Array.from(document.querySelectorAll("main button, main a.tap, header a.tap, header button, main input, main select"))
  .filter(e => e.offsetParent !== null && !e.closest("[aria-hidden=true]") && !["hidden", "radio"].includes(e.type))
  .map(e => [e.outerHTML.slice(0, 90), (e.type === "checkbox" ? (e.closest("label") ?? e) : e).getBoundingClientRect().height])
  .filter(([, height]) => height < 43.5)"""


class Village:
    """A served demonstration and where its pages are."""

    def __init__(self, address: str, paths: dict[str, str]) -> None:
        self.address = address
        self.paths = paths

    def open(self, page: Page, name: str) -> None:
        if name in ("encounter", "follow_up"):
            page.goto(f"{self.address}{self.paths['record']}")
            chosen = "[data-follow-up]" if name == "follow_up" else ".actions form:first-child button"
            page.click(f"{chosen} >> nth=0")
            page.wait_for_url("**/encounters/**")
            page.fill("#history_of_present_illness", "头痛、胸闷2小时，出冷汗。")
            page.fill("[name=drug_name]", "阿莫西林")
            page.wait_for_selector(".concern", state="attached")
        else:
            page.goto(f"{self.address}{self.paths[name]}")
        page.wait_for_load_state("networkidle")


@pytest.fixture(scope="module")
def village(tmp_path_factory) -> Iterator[Village]:
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    knowledge = load_knowledge(path)
    folder = Folder(tmp_path_factory.mktemp("village") / "node")
    seat = open_demonstration(folder, knowledge, clock=Clock(), cost=CHEAP)
    me = seat.sign_in(*SHOWN_ACCOUNT)[1].account
    assert open_today(seat.store, me, datetime.now(UTC)).queue
    person = search(seat.store, me, "区阿福").people[0]
    with seat.store.reading() as connection:
        encounter = timeline(connection, me.organisation, [person.id])[0].encounter_id
    paths = {
        "login": "/login",
        "today": "/",
        "people": "/people",
        "new": "/people/new",
        "edit": f"/people/{person.id}/edit",
        "record": f"/people/{person.id}",
        "signed": f"/records/{encounter}",
        "log": f"/people/{person.id}/audit",
        "me": "/me",
    }
    with served(seat, knowledge, SHOWN_ACCOUNT) as address:
        yield Village(address, paths)
    seat.close()


@pytest.fixture
def inside(page: Page, village: Village) -> Page:
    log_in(page, village.address, *SHOWN_ACCOUNT)
    return page


@pytest.fixture
def inside_desktop(desktop: Page, village: Village) -> Page:
    log_in(desktop, village.address, *SHOWN_ACCOUNT)
    return desktop


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_for_everybody(inside, village, name):
    village.open(inside, name)
    assert AXE.exists(), "npm ci --ignore-scripts brings axe-core"
    inside.evaluate(AXE.read_text(encoding="utf-8"))
    result = inside.evaluate("axe.run(document, {resultTypes: ['violations']})")
    wrong = [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert wrong == []
    sideways = inside.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 1
    assert inside.evaluate(TOO_SMALL) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_in_one_language(inside_desktop, village, name):
    page = inside_desktop
    village.open(page, name)
    left = [
        text
        for text in page.evaluate(VISIBLE, "zh")
        if re.search(r"[A-Za-z]{3,} [A-Za-z]{2,}", text) or (re.search(r"[a-z]{4,}", text) and not HAN.search(text))
    ]
    assert [text for text in left if text not in ("yisheng", "mmHg", "mmol/L", "English")] == []
    page.click(".language button")
    page.wait_for_selector("html[lang=en]")
    village.open(page, name)
    assert [text for text in page.evaluate(VISIBLE, "en") if CHINESE.search(text)] == []
