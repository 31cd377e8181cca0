"""Saying an answer instead of writing it, with a real browser and its microphone, at the size of a phone.

The microphone beeps, as Chromium's own for tests does; the words come from a recogniser of the test.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from node_for_tests import Node, served
from playwright.sync_api import Browser, Page, expect
from recogniser_for_tests import Recogniser, a_recogniser, settings
from waiting import arrived, until

from cunyi.config import Config
from cunyi.reasoning.prepared import Knowledge

PHONE = {"width": 360, "height": 740}
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
HEARD = "胸口痛两天"
SAY = "button.say:not(.say-aloud)"
NOTE = "form[data-keep] [role=status]"
OWN = ("--no-sandbox", "--disable-gpu", "--lang=zh-CN", "--disable-background-networking")
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
REFUSED = ("--use-fake-device-for-media-stream", "--deny-permission-prompts")
TOO_SMALL = """() => {
  const seen = e => e.offsetParent !== null && getComputedStyle(e).visibility === "visible";
  const targets = [...document.querySelectorAll("button, a[href], textarea")].filter(seen)
    .filter(e => { const box = e.getBoundingClientRect(); return box.height < 47.5 || box.width < 47.5; }).map(e => e.outerHTML.slice(0, 80));
  const letters = [...document.querySelectorAll("body *")]
    .filter(e => seen(e) && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && !e.closest(".unseen"))
    .filter(e => parseFloat(getComputedStyle(e).fontSize) < 20).map(e => e.outerHTML.slice(0, 80));
  return { targets, letters, wide: document.documentElement.scrollWidth > window.innerWidth };
}"""
# How long a sound is, and how loud at its loudest.
SOUND = """async words => {
  const bytes = Uint8Array.from(atob(words), c => c.charCodeAt(0));
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes.buffer);
  return [sound.duration, sound.getChannelData(0).reduce((most, each) => Math.max(most, Math.abs(each)), 0)];
}"""
# Every microphone that the page opened, to be asked whether it is still open.
WATCHED = """() => {
  window.opened = [];
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async wanted => {
    const stream = await ask(wanted);
    window.opened.push(...stream.getTracks());
    return stream;
  };
}"""
ALL_CLOSED = "() => window.opened.length > 0 && window.opened.every(each => each.readyState === 'ended')"


@pytest.fixture
def recogniser() -> Iterator[Recogniser]:
    with a_recogniser() as server:
        hear(server, HEARD)
        yield server


@pytest.fixture
def clinic(node: Node, knowledge: Knowledge, recogniser: Recogniser) -> Iterator[str]:
    """The served pages of a clinic that has a recogniser."""
    with served(node.seat, knowledge, config=Config(speech=settings(recogniser))) as address:
        yield address


def _phone(browser: Browser, *, may: bool) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    if may:
        context.grant_permissions(["microphone"])
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.add_init_script(f"({WATCHED})()")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


@contextmanager
def _another(browser: Browser, arguments: tuple[str, ...]) -> Iterator[Browser]:
    """A browser beside the other tests', started otherwise. Where there is one of Playwright's already, there can be no second."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    made = browser.browser_type.launch(executable_path=path, args=[*OWN, *arguments])
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def hearing(browser: Browser) -> Iterator[Browser]:
    with _another(browser, MICROPHONE) as made:
        yield made


@pytest.fixture
def mobile(hearing: Browser) -> Iterator[Page]:
    """A villager's phone that may use its microphone."""
    yield from _phone(hearing, may=True)


@pytest.fixture
def forbidding(browser: Browser) -> Iterator[Page]:
    """A villager's phone whose owner does not allow the microphone."""
    with _another(browser, REFUSED) as made:
        yield from _phone(made, may=False)


def at_free_text(page: Page, address: str) -> Page:
    """From the code at the door to the first question that is answered in one's own words."""
    page.goto(f"{address}/v")
    arrived(page)
    page.click("button[value=self]")
    page.click("text=不说是谁")
    page.wait_for_selector("form.kind-choice")
    page.click("form[data-keep] button[name=chosen] >> nth=0")
    page.wait_for_selector("form.kind-number")
    for digit in "45":
        page.click(f".pad button:text-is('{digit}')")
    page.click("form[data-keep] .big.main")
    page.wait_for_selector("form.kind-text")
    return page


def judge(page: Page, name: str) -> None:
    """Large enough for anybody, and nothing that axe finds wrong."""
    if folder := os.environ.get("CUNYI_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"dictation-{name}.png")
    assert page.evaluate(TOO_SMALL) == {"targets": [], "letters": [], "wide": False}, name
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == [], name


def speak(page: Page, seconds: float = 1) -> None:
    """Taps and speaks; it goes on listening."""
    page.click(SAY)
    expect(page.locator(SAY)).to_have_text("正在听……说完点一下")
    # The microphone needs this time, nobody waits for the page.
    page.wait_for_timeout(seconds * 1000)


def hear(recogniser: Recogniser, words: str) -> None:
    """What the recogniser understands from now on."""
    recogniser.status, recogniser.wait = 200, 0.0
    recogniser.answer = json.dumps({"text": words}).encode()


def posted_by(page: Page) -> list[str]:
    """The last part of every address that the page posts to from now on."""
    posted: list[str] = []
    page.on("request", lambda asked: posted.append(asked.url.rpartition("/")[2]) if asked.method == "POST" else None)
    return posted


def gone_on(page: Page) -> None:
    """The next question is there."""
    until(page, "() => !document.querySelector('h1').innerText.includes('哪里不舒服')")


def test_what_is_said_becomes_words_that_can_be_corrected(clinic: str, recogniser: Recogniser, mobile: Page) -> None:
    page = at_free_text(mobile, clinic)
    posted = posted_by(page)
    judge(page, "offered")
    speak(page, 2)
    judge(page, "listening")
    assert posted == [] and recogniser.asked == []
    recogniser.wait = 1.5
    page.click(SAY)
    expect(page.locator(SAY)).to_have_text("请等一下……")
    # Nobody listens any more while the words are looked for.
    until(page, ALL_CLOSED)
    judge(page, "waiting")
    expect(page.locator("#text")).to_have_value(HEARD)
    expect(page.locator(NOTE)).to_have_text("请看看写得对不对，不对可以改。")
    judge(page, "heard")
    [(name, kind, sound)] = recogniser.files()
    assert (name, kind) == ("said.webm", "audio/webm") and b"A_OPUS" in sound
    seconds, loudest = page.evaluate(SOUND, base64.b64encode(sound).decode())
    assert seconds > 1.5 and loudest > 0.05
    # The words wait for the person: only they send them.
    assert posted == ["dictation"]
    page.fill("#text", f"{HEARD}，出汗")
    page.click("form[data-keep] .big.main")
    gone_on(page)
    assert posted == ["dictation", "answer"]
    page.click("a[href$='/answers']")
    expect(page.locator(".given")).to_contain_text(f"{HEARD}，出汗")


@pytest.mark.parametrize(
    ("status", "answer", "wait", "said"),
    [
        (500, b"{}", 0.0, "语音识别现在用不了；请直接写"),
        (200, b"{}", 4.0, "语音识别现在用不了；请直接写"),
        (200, b'{"text": ', 0.0, "没有听清；请再说一遍，或者直接写"),
        (200, b'{"text": " "}', 0.0, "没有听清；请再说一遍，或者直接写"),
    ],
    ids=["fails", "slow", "broken", "silent"],
)
def test_where_no_words_come_that_is_said_and_what_was_written_stays(
    clinic: str, recogniser: Recogniser, mobile: Page, status: int, answer: bytes, wait: float, said: str
) -> None:
    page = at_free_text(mobile, clinic)
    page.fill("#text", "没有发烧")
    recogniser.status, recogniser.answer, recogniser.wait = status, answer, wait
    speak(page)
    page.click(SAY)
    expect(page.locator(NOTE)).to_have_text(said)
    judge(page, f"failed-{status}-{len(answer)}-{wait:.0f}")
    assert page.input_value("#text") == "没有发烧" and page.is_hidden("#line")
    # Said again it works, and the denial that was written does not swallow what was said.
    hear(recogniser, HEARD)
    speak(page)
    assert page.inner_text(NOTE) == ""
    page.click(SAY)
    expect(page.locator("#text")).to_have_value(f"没有发烧。{HEARD}")
    expect(page.locator(NOTE)).to_have_text("请看看写得对不对，不对可以改。")
    assert page.evaluate(ALL_CLOSED)


def test_without_a_line_nothing_is_promised_that_is_not_so(clinic: str, recogniser: Recogniser, mobile: Page) -> None:
    page = at_free_text(mobile, clinic)
    page.fill("#text", "头晕")
    speak(page)
    page.context.set_offline(True)
    page.click(SAY)
    expect(page.locator(NOTE)).to_have_text("刚才说的没有变成文字。请再说一遍，或者直接写。")
    judge(page, "offline")
    assert page.is_hidden("#line") and page.evaluate("JSON.stringify(localStorage)") == "{}"
    page.context.set_offline(False)
    speak(page)
    page.click(SAY)
    expect(page.locator("#text")).to_have_value(f"头晕。{HEARD}")
    assert len(recogniser.asked) == 1


def test_who_does_not_allow_the_microphone_is_told_and_writes(
    clinic: str, recogniser: Recogniser, forbidding: Page
) -> None:
    page = at_free_text(forbidding, clinic)
    page.fill("#text", "头晕")
    for _ in range(2):
        page.click(SAY)
        expect(page.locator(NOTE)).to_contain_text("话筒没有打开")
        expect(page.locator(SAY)).to_have_text("用嘴说，不用写")
    judge(page, "refused")
    assert page.input_value("#text") == "头晕"
    page.fill("#text", "头晕一天")
    page.click("form[data-keep] .big.main")
    gone_on(page)
    assert recogniser.asked == []


def test_without_a_recogniser_there_is_no_button(node: Node, knowledge: Knowledge, mobile: Page) -> None:
    with served(node.seat, knowledge) as address:
        page = at_free_text(mobile, address)
        arrived(page)
        # The button would stand there once the browser said that it does not recognise speech itself.
        page.evaluate("() => window.SpeechRecognition?.available?.({ langs: ['zh-CN'], processLocally: true })")
        expect(page.locator(SAY)).to_have_count(0)
        page.fill("#text", "头晕一天")
        page.click("form[data-keep] .big.main")
        gone_on(page)


def test_impatient_taps_open_one_microphone(clinic: str, recogniser: Recogniser, mobile: Page) -> None:
    page = at_free_text(mobile, clinic)
    page.evaluate("say => { const button = document.querySelector(say); button.click(); button.click(); }", SAY)
    expect(page.locator(SAY)).to_have_text("正在听……说完点一下")
    page.wait_for_timeout(500)
    assert page.evaluate("window.opened.length") == 1
    page.evaluate("say => { const button = document.querySelector(say); button.click(); button.click(); }", SAY)
    expect(page.locator("#text")).to_have_value(HEARD)
    assert page.evaluate(ALL_CLOSED) and len(recogniser.asked) == 1


def test_who_taps_on_while_speaking_sees_the_words_first(clinic: str, recogniser: Recogniser, mobile: Page) -> None:
    page = at_free_text(mobile, clinic)
    posted = posted_by(page)
    speak(page)
    page.click("form[data-keep] .big.main")
    expect(page.locator("#text")).to_have_value(HEARD)
    assert posted == ["dictation"] and page.evaluate(ALL_CLOSED)
    page.click("form[data-keep] .big.main")
    gone_on(page)
    assert posted == ["dictation", "answer"]


@pytest.mark.parametrize("way", ["button[name=unknown]", "form[action$='/change'] button"], ids=["not sure", "back"])
def test_who_leaves_while_speaking_is_heard_no_more(
    clinic: str, recogniser: Recogniser, mobile: Page, way: str
) -> None:
    page = at_free_text(mobile, clinic)
    posted = posted_by(page)
    speak(page)
    page.click(way)
    gone_on(page)
    until(page, ALL_CLOSED)
    assert "dictation" not in posted and recogniser.asked == []


def test_a_recording_ends_by_itself_and_never_another_one(clinic: str, recogniser: Recogniser, mobile: Page) -> None:
    mobile.clock.install()
    page = at_free_text(mobile, clinic)
    speak(page)
    page.click(SAY)
    expect(page.locator("#text")).to_have_value(HEARD)
    page.clock.fast_forward(20_000)
    speak(page)
    page.clock.fast_forward(35_000)
    page.wait_for_timeout(500)
    assert page.inner_text(SAY) == "正在听……说完点一下"
    page.clock.fast_forward(20_000)
    expect(page.locator("#text")).to_have_value(f"{HEARD}。{HEARD}")
    assert page.evaluate(ALL_CLOSED) and len(recogniser.asked) == 2


def test_what_is_said_is_kept_nowhere_and_in_no_log(
    node: Node,
    clinic: str,
    recogniser: Recogniser,
    mobile: Page,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    caplog.set_level(logging.DEBUG)
    page = at_free_text(mobile, clinic)
    speak(page)
    page.click(SAY)
    expect(page.locator("#text")).to_have_value(HEARD)
    recogniser.status = 500
    speak(page)
    page.click(SAY)
    expect(page.locator(NOTE)).to_contain_text("语音识别现在用不了")
    # The head of a recording is alike in all of them; what was heard is in the middle.
    pieces = [sound[len(sound) // 2 :][:48] for _, _, sound in recogniser.files()]
    assert len(pieces) == 2 and all(len(piece) == 48 for piece in pieces)
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    with node.store.reading() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        assert "interview" in " ".join(tables)
        for table in tables:
            for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"'):
                kept += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    written = capfd.readouterr()
    kept += [caplog.text.encode(), written.out.encode(), written.err.encode()]
    assert list(temporary.iterdir()) == []
    for piece in pieces:
        forms = (piece, base64.b64encode(piece)[:40], piece.hex().encode(), repr(piece)[2:-1].encode())
        assert not [form for form in forms if any(form in each for each in kept)]
    # Words that nobody has sent are no answer yet, and the key is nobody's business.
    assert not [secret for secret in (HEARD.encode(), b"k-1") if any(secret in each for each in kept[-3:])]
    assert not any(HEARD.encode() in each or json.dumps(HEARD)[1:-1].encode() in each for each in kept)
    assert page.evaluate("JSON.stringify([localStorage, sessionStorage])") == "[{},{}]"
    assert page.evaluate("caches.keys()") == []


OF_ITS_OWN = """() => {
  window.SpeechRecognition = class extends EventTarget {
    static async available() { return "available"; }
    start() { window.recognising = this; }
    say(transcript) {
      const result = Object.assign([{ transcript }], { isFinal: true });
      this.dispatchEvent(Object.assign(new Event("result"), { resultIndex: 0, results: [result] }));
    }
    end(error) {
      if (error) this.dispatchEvent(Object.assign(new Event("error"), { error }));
      this.dispatchEvent(new Event("end"));
    }
    stop() { this.say("两天"); this.end(); }
    abort() { window.aborted = true; this.say("不算"); this.end("aborted"); }
  };
}"""


def test_a_phone_that_recognises_speech_itself_asks_nobody_else(
    clinic: str, recogniser: Recogniser, mobile: Page
) -> None:
    mobile.add_init_script(f"({OF_ITS_OWN})()")
    page = at_free_text(mobile, clinic)
    assert page.locator("main").inner_text().count("语音识别") == 0
    page.fill("#text", "没有发烧")
    page.click(SAY)
    page.evaluate("window.recognising.end('not-allowed')")
    expect(page.locator(NOTE)).to_contain_text("话筒没有打开")
    speak(page, 0)
    page.evaluate("window.recognising.say('胸口痛')")
    page.click(SAY)
    expect(page.locator("#text")).to_have_value(f"没有发烧。{HEARD}")
    expect(page.locator(NOTE)).to_contain_text("请看看")
    speak(page, 0)
    page.click("button[name=unknown]")
    gone_on(page)
    assert page.evaluate("window.aborted") and recogniser.asked == []
