"""One language at a time: every word of the interface is translated, and nothing is left over."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from waiting import arrived

import cunyi.web
from cunyi.app import artefact_path, load_knowledge
from cunyi.config import read_config
from cunyi.web.doctor.wording import Wording
from cunyi.web.language import COOKIE, chosen

WEB = Path(cunyi.web.__file__).parent
# What stands in both languages: codes, units, abbreviations of the clinic.
CODES = re.compile(
    r"ICD-10|[A-Z]\d{2}(?:\.\d+)?|mmHg|mmol/L|umol/L|μmol/L|g/L|kg|10\^9/L|English|X|CT|[0-9a-f]{12}|\d+\.\d+\.\d+"
)
HAN = re.compile(r"[\u3400-\u9fff]")
VISIBLE = """language => {
  const walk = (node, found) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.textContent.trim()) found.push(node.textContent.trim());
      return found;
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return found;
    if (["SCRIPT", "STYLE", "TEMPLATE", "TEXTAREA", "DATALIST"].includes(node.tagName)) return found;
    const lang = node.getAttribute("lang");
    if (lang && lang !== language && node !== document.documentElement) return found;
    for (const name of ["placeholder", "title", "aria-label"]) {
      if (node.getAttribute(name)) found.push(node.getAttribute(name));
    }
    if (node.tagName === "INPUT") return found;
    for (const child of node.childNodes) walk(child, found);
    return found;
  };
  return walk(document.body, []);
}"""


def words():
    found = extract_from_dir(
        str(WEB), method_map=[("**.html", "jinja2")], options_map={"**.html": {"newstyle_gettext": "true"}}
    )
    return {message for _, _, message, _, _ in found}


def test_every_word_of_the_templates_is_translated_and_none_is_left_over():
    translated = {}
    for source in sorted((WEB / "locale/zh_CN/LC_MESSAGES").glob("*.po")):
        with source.open("rb") as file:
            for message in read_po(file):
                if message.id:
                    # Twice in two files would leave one of them unseen.
                    assert message.id not in translated, (source.name, message.id)
                    translated[message.id] = message.string
    assert set(translated) == words()
    assert all(translated.values())


def test_templates_hold_no_chinese():
    for path in WEB.rglob("*.html"):
        text = path.read_text(encoding="utf-8").replace('lang="zh">中文', "")
        assert not re.search(r"[\u4e00-\u9fff]", text), path


@pytest.mark.parametrize("value", [None, "", "fr", "zh-CN;x", "en\n"])
def test_an_unknown_language_is_chinese(value):
    assert chosen(value) == "zh"


def test_choosing_sets_a_cookie_and_goes_back_only_to_known_pages(client):
    answer = client.post("/language", data={"language": "en", "page": "//elsewhere"}, follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    assert f"{COOKIE}=en" in answer.headers["set-cookie"] and "HttpOnly" in answer.headers["set-cookie"]
    client.cookies.clear()


def load_everything(page, address, example):
    arrived(page)
    page.click("#examples summary")
    page.click(f"[data-example={example}]")
    page.wait_for_selector("#differential .candidate", state="attached")
    page.wait_for_timeout(400)
    page.fill("#why-not-words", "")


@pytest.mark.parametrize("example", ["heart_attack", "preeclampsia", "scrub_typhus"])
def test_no_chinese_is_left_in_english_pages(desktop, real_address, example):
    desktop.goto(real_address)
    desktop.click(".language button")
    desktop.wait_for_selector("html[lang=en]")
    load_everything(desktop, real_address, example)
    left = [
        text
        for text in desktop.evaluate(VISIBLE, "en")
        if re.search(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]", text)
    ]
    assert left == []


@pytest.mark.parametrize("example", ["heart_attack", "preeclampsia", "scrub_typhus"])
def test_no_english_is_left_in_chinese_pages(desktop, real_address, example):
    desktop.goto(real_address)
    load_everything(desktop, real_address, example)
    texts = [CODES.sub("", text) for text in desktop.evaluate(VISIBLE, "zh")]
    # Knowledge prose may name a drug or a test by its letters; words alone or one after another are English.
    left = [
        text
        for text in texts
        if re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", text) or (re.search(r"[a-z]{3,}", text) and not HAN.search(text))
    ]
    assert left == []


def test_every_unit_has_its_english():
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    knowledge = load_knowledge(path)
    wording = Wording(knowledge, "en")
    assert [u for item in knowledge.content.items.values() if HAN.search(u := wording.unit(item.unit))] == []
