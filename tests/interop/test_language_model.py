"""A language model that misbehaves: slow, wrong, contradicting, gone. The opinion itself always stands."""

import http.server
import json
import logging
import re
import socket
import threading
import time
from contextlib import contextmanager
from functools import cache

import msgspec
import pytest
from litestar.testing import TestClient
from tests.real_knowledge import real_knowledge

from cunyi.app import create_app
from cunyi.config import Config, read_config
from cunyi.domain.errors import UserError
from cunyi.domain.intake import parse_case
from cunyi.domain.opinion import SECTIONS, OpinionSection, Statement, WordingRefusal, WordingRefusedError
from cunyi.interop.language_model import LanguageModel, ModelSettings
from cunyi.journeys.wording_opinion import word_opinion
from cunyi.reasoning.assess import assess
from cunyi.reasoning.opinion import expert_opinion
from cunyi.reasoning.wording_guard import to_be_worded

CASE = {
    "id": "person-17",
    "sex": "male",
    "age_years": 58,
    "chief_complaint": "胸痛2小时",
    "history_of_present_illness": "周大福，压榨样胸痛，放射到左臂，出冷汗",
    "past_history": "对周大福药过敏",
    "allergies": ["某某药过敏，问儿子周小福13800138000"],
}
SENT = {
    "sex": "male",
    "age": "58",
    "chief_complaint": "胸痛2小时",
    "history_of_present_illness": "压榨样胸痛，放射到左臂，出冷汗",
}


@cache
def knowledge():
    return real_knowledge()


@cache
def real_opinion():
    case = parse_case(CASE)
    return expert_opinion(case, assess(case, knowledge()), knowledge())


TOLD = {
    "likely": "最可能是急性心肌梗死（约60%）。",
    "exclude": "必须排除主动脉夹层。怎样排除：20分钟内量双上肢血压。",
    "now": "安排转诊。去向：拨打120，由救护车送。血氧低于90%才给氧；阿司匹林〔剂量略〕嚼服；右室梗死不含硝酸甘油。",
    "test": "县级医院：冠状动脉造影。",
    "treat": "可以考虑的药：阿司匹林、硝酸甘油。这位病人不宜用：氯吡格雷。",
    "tell": "这种情况有危险，您现在就要去医院。",
    "return": "14天内复诊。",
    "go": "昏迷、抽搐，马上去医院。",
}


def opinion():
    """An opinion that does not change with the knowledge base."""
    sections = tuple(
        OpinionSection(code, (Statement(text=TOLD[code], english=(), sources=("general",)),)) for code in SECTIONS
    )
    return msgspec.structs.replace(real_opinion(), sections=sections)


def faithful(sections):
    """A rewording that keeps every fact: the sentences as one paragraph with a word before it."""
    return {code: "综合来看，" + "".join(sentences) for code, sentences in sections.items()}


class Endpoint(http.server.ThreadingHTTPServer):
    """An endpoint on loopback that answers as it was told, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, answer):
        self.answer, self.asked, self.headers = answer, [], []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        """A client that gave up is what some tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        self.server.headers.append(dict(self.headers))
        self.server.answer(self, body)

    def log_message(self, *_):
        pass


@contextmanager
def endpoint(answer):
    server = Endpoint(answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def say(handler, content, status=200, headers=()):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def message(text):
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


def wording(change=lambda sections: sections):
    """An endpoint's answer that rewords what it was sent, after `change`."""

    def answer(handler, body):
        sections = json.loads(body["messages"][1]["content"])["sections"]
        say(handler, message(json.dumps({"sections": change(faithful(sections))}, ensure_ascii=False)))

    return answer


def changed(code, old, new):
    def change(sections):
        assert re.search(old, sections[code]), (old, sections[code])
        return {**sections, code: re.sub(old, new, sections[code], count=1)}

    return change


def model_of(server, **settings):
    return LanguageModel(ModelSettings(url=server.url, model="small", **{"timeout_s": 5, **settings}))


def worded_by(answer, **settings):
    with endpoint(answer) as server:
        return word_opinion(opinion(), knowledge(), model_of(server, **settings))


def test_words_that_change_nothing_are_used():
    with endpoint(wording()) as server:
        worded = word_opinion(opinion(), knowledge(), model_of(server, key="secret"))
        (path, body), headers = server.asked[0], server.headers[0]
    assert worded.refusal is None and tuple(worded.sections) == SECTIONS and worded.model == "small"
    assert worded.sections["likely"].startswith("综合来看")
    assert path == "/v1/chat/completions" and body["model"] == "small" and body["temperature"] == 0
    assert headers["Authorization"] == "Bearer secret"


def test_no_key_is_sent_where_there_is_none():
    with endpoint(wording()) as server:
        word_opinion(opinion(), knowledge(), model_of(server))
        assert "Authorization" not in server.headers[0]


def test_nothing_of_the_patient_is_sent_but_what_the_opinion_says():
    with endpoint(wording()) as server:
        word_opinion(real_opinion(), knowledge(), model_of(server))
        sent = json.dumps(server.asked, ensure_ascii=False)
    assert "胸痛" in sent
    assert not any(word in sent for word in ("周大福", "周小福", "13800138000", "person-17", "58"))


OTHER = {
    "another number": (changed("likely", r"60%", "90%"), WordingRefusal.OTHER_NUMBERS),
    "a number less": (changed("likely", r"（约60%）", ""), WordingRefusal.OTHER_NUMBERS),
    "another unit": (changed("exclude", r"20分钟", "20小时"), WordingRefusal.OTHER_NUMBERS),
    "the other side of a limit": (changed("now", r"低于90%", "高于90%"), WordingRefusal.OTHER_NUMBERS),
    "a number in words": (changed("return", r"$", "过三天再来。"), WordingRefusal.OTHER_NUMBERS),
    "full-width digits of another number": (changed("return", r"14", "１５"), WordingRefusal.OTHER_NUMBERS),
    "a dose": (changed("treat", r"硝酸甘油", "硝酸甘油0.5 mg"), WordingRefusal.OTHER_NUMBERS),
    "a dose in words": (changed("treat", r"硝酸甘油", "硝酸甘油两片"), WordingRefusal.OTHER_NUMBERS),
    "the mark of an amount gone": (changed("now", r"〔剂量略〕", ""), WordingRefusal.OTHER_DRUGS),
    "a new drug": (changed("treat", r"硝酸甘油", "硝酸甘油、布洛芬"), WordingRefusal.OTHER_DRUGS),
    "a drug that is not in the list": (changed("treat", r"$", "可加用新霉素乙颗粒。"), WordingRefusal.OTHER_DRUGS),
    "a drug in Latin letters": (changed("treat", r"$", "也可用ibuprofen。"), WordingRefusal.OTHER_DRUGS),
    "a drug less": (changed("treat", r"、硝酸甘油", ""), WordingRefusal.OTHER_DRUGS),
    "an unsuitable drug proposed": (
        changed("treat", r"不宜用：氯吡格雷", "可用氯吡格雷，不"),
        WordingRefusal.OTHER_DRUGS,
    ),
    "a warning turned round": (changed("now", r"不含硝酸甘油", "含硝酸甘油"), WordingRefusal.OTHER_DRUGS),
    "a denial gone": (changed("test", r"$", "不必做。"), WordingRefusal.OTHER_MEANING),
    "a new disease": (changed("likely", r"$", "也像流行性感冒。"), WordingRefusal.OTHER_DISEASES),
    "a disease less": (changed("exclude", r"主动脉夹层", "那个病"), WordingRefusal.OTHER_DISEASES),
    "milder triage": (changed("tell", r"现在就要去医院", "先在家休息"), WordingRefusal.OTHER_LEVEL),
    "comfort beside the danger": (changed("tell", r"$", "可以放心。"), WordingRefusal.OTHER_LEVEL),
    "the referral left out": (changed("now", r"，由救护车送", ""), WordingRefusal.OTHER_LEVEL),
    "a part less": (lambda s: {k: v for k, v in s.items() if k != "go"}, WordingRefusal.OTHER_SECTIONS),
    "a part more": (lambda s: {**s, "prescription": "阿司匹林"}, WordingRefusal.OTHER_SECTIONS),
    "an empty part": (lambda s: {**s, "exclude": " "}, WordingRefusal.OTHER_SECTIONS),
    "a part that is a list": (lambda s: {**s, "go": ["马上去医院"]}, WordingRefusal.NOT_READABLE),
    "endless words": (lambda s: {**s, "test": s["test"] + "好" * 900}, WordingRefusal.TOO_LONG),
}


@pytest.mark.parametrize("name", OTHER)
def test_words_that_say_something_else_are_refused(name):
    change, why = OTHER[name]
    worded = worded_by(wording(change))
    assert worded.refusal == why and worded.sections == {}


def test_a_real_opinion_in_its_own_words_is_used():
    with endpoint(wording()) as server:
        worded = word_opinion(real_opinion(), knowledge(), model_of(server))
    assert worded.refusal is None and tuple(worded.sections) == SECTIONS


@pytest.mark.parametrize(
    "content",
    [
        "不是 JSON",
        "",
        '```json\n{"sections": {}}\n```',
        '{"sections": []}',
        '{"sections": {}, "triage": "self_care"}',
        "null",
        "[" * 20_000,
        '{"sections": {"likely": "\\ud800"}}',
    ],
)
def test_an_answer_that_is_no_wording_is_refused(content):
    refusal = worded_by(lambda handler, _: say(handler, message(content))).refusal
    assert refusal in (WordingRefusal.NOT_READABLE, WordingRefusal.OTHER_SECTIONS)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"\xff\xfe", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": null}}]}']
)
def test_an_endpoint_that_speaks_otherwise_is_refused(data):
    assert worded_by(lambda handler, _: say(handler, data)).refusal == WordingRefusal.NOT_READABLE


def test_a_silent_endpoint_is_left_after_its_time():
    started = time.monotonic()
    assert worded_by(lambda *_: time.sleep(8), timeout_s=0.5).refusal == WordingRefusal.SLOW
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("where", ["head", "body"])
def test_an_endpoint_that_sends_byte_after_byte_is_left_after_its_time(where):
    def drip(handler, _):
        if where == "body":
            handler.send_response(200)
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(80):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    started = time.monotonic()
    assert worded_by(drip, timeout_s=0.6).refusal == WordingRefusal.SLOW
    assert time.monotonic() - started < 5


def test_a_redirect_is_not_followed():
    with endpoint(wording()) as other:
        answer = worded_by(lambda handler, _: say(handler, b"", 307, [("Location", other.url + "/chat/completions")]))
        assert answer.refusal == WordingRefusal.REDIRECTED and other.asked == []


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_an_error_of_the_endpoint_is_told_as_unreachable(status):
    assert worded_by(lambda handler, _: say(handler, b"secret detail", status)).refusal == WordingRefusal.UNREACHABLE


def test_a_huge_answer_is_not_read_to_its_end():
    def flood(handler, _):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(2000):
            handler.wfile.write(b"x" * 100_000)

    assert worded_by(flood).refusal == WordingRefusal.TOO_LONG


def test_an_endpoint_that_hangs_up_and_one_that_is_not_there():
    assert worded_by(lambda handler, _: handler.connection.close()).refusal == WordingRefusal.UNREACHABLE
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = ModelSettings(url=f"http://127.0.0.1:{free.getsockname()[1]}/v1", model="small", timeout_s=2)
    assert word_opinion(opinion(), knowledge(), LanguageModel(nobody)).refusal == WordingRefusal.UNREACHABLE


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert worded_by(wording()).refusal is None


def test_more_than_two_at_once_are_refused():
    go_on = threading.Event()

    def wait(handler, body):
        go_on.wait(5)
        wording()(handler, body)

    with endpoint(wait) as server:
        model = model_of(server)
        waiting = [threading.Thread(target=model.reply, args=("", to_be_worded(opinion()))) for _ in range(2)]
        for thread in waiting:
            thread.start()
        while len(server.asked) < 2:
            time.sleep(0.01)
        with pytest.raises(WordingRefusedError) as refused:
            model.reply("", "{}")
        assert refused.value.refusal == WordingRefusal.BUSY
        go_on.set()
        for thread in waiting:
            thread.join(5)
        assert model.reply("", to_be_worded(opinion())), "free again"


def test_what_is_logged_has_nothing_of_the_case(caplog):
    with caplog.at_level(logging.DEBUG):
        worded_by(wording(changed("likely", r"60%", "90%")), key="secret-key")
    assert [record.getMessage() for record in caplog.records if record.name == "cunyi.opinion"] == [
        "wording not used: other_numbers"
    ]
    assert not any(word in caplog.text for word in ("secret-key", "心肌梗死"))


def client_of(server):
    settings = ModelSettings(url=server.url, model="small", timeout_s=5)
    return TestClient(create_app(Config(language_model=settings), knowledge()))


def test_the_page_labels_the_words_and_keeps_the_opinion():
    with endpoint(wording()) as server, client_of(server) as client:
        page = client.post("/workbench/opinion", data=SENT).text
        assert 'hx-post="/workbench/opinion/worded"' in page and server.asked == [], "only when it is asked for"
        html = client.post("/workbench/opinion/worded", data=SENT).text
    assert html.count("AI 生成，仅供参考") == 2 and 'data-generated="ai"' in html and "综合来看" in html


def test_the_page_says_why_the_words_are_not_used():
    milder = changed("tell", r"现在就要去医院", "先在家休息")
    with endpoint(wording(milder)) as server, client_of(server) as client:
        html = client.post("/workbench/opinion/worded", data=SENT).text
    assert "没有采用AI的措辞" in html and "与分诊不一致" in html and "在家休息" not in html


def test_markup_of_a_model_is_text():
    with endpoint(wording(changed("test", r"$", "<b>"))) as server, client_of(server) as client:
        html = client.post("/workbench/opinion/worded", data=SENT).text
    assert "&lt;b&gt;" in html or "没有采用" in html
    assert "<b></p>" not in html


def test_it_is_off_unless_configured():
    assert read_config({}).language_model is None
    with TestClient(create_app(Config(), knowledge())) as client:
        assert "opinion/worded" not in client.post("/workbench/opinion", data=SENT).text
        assert client.post("/workbench/opinion/worded", data=SENT).status_code == 404


def test_the_settings_are_read_and_the_key_never_shows():
    environment = {"CUNYI_LLM_URL": "https://model.example/v1", "CUNYI_LLM_MODEL": "m", "CUNYI_LLM_KEY": "secret-key"}
    config = read_config({**environment, "CUNYI_LLM_TIMEOUT": "7"})
    assert config.language_model == ModelSettings(
        url="https://model.example/v1", model="m", key="secret-key", timeout_s=7
    )
    assert "secret-key" not in repr(config) + repr(config.language_model) + str(config.language_model)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"CUNYI_LLM_URL": "model.example"}, "CUNYI_LLM_URL"),
        ({"CUNYI_LLM_URL": "http://model.example/v1"}, "CUNYI_LLM_URL"),
        ({"CUNYI_LLM_URL": "https://me:secret-key@model.example/v1"}, "CUNYI_LLM_URL"),
        ({"CUNYI_LLM_URL": "https://model.example:99999/v1"}, "CUNYI_LLM_URL"),
        ({"CUNYI_LLM_MODEL": ""}, "CUNYI_LLM_MODEL"),
        ({"CUNYI_LLM_TIMEOUT": "0"}, "CUNYI_LLM_TIMEOUT"),
        ({"CUNYI_LLM_TIMEOUT": "soon"}, "CUNYI_LLM_TIMEOUT"),
    ],
)
def test_settings_that_cannot_be_used_are_named(changes, field):
    with pytest.raises(UserError) as error:
        read_config({"CUNYI_LLM_URL": "https://model.example/v1", "CUNYI_LLM_MODEL": "m", **changes})
    assert error.value.field == field and "secret-key" not in error.value.message
