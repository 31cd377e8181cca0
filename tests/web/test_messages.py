"""What is told of mistakes, in the reader's language: sentences that a catalogue can hold, all of them translated."""

import ast
import re
import string
from html import unescape
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from litestar.testing import TestClient
from node_for_tests import LOGIN, Node

import cunyi
from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.encounter import ListKind
from cunyi.domain.errors import UserError
from cunyi.journeys.consulting import begin_draft
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.web.gate import COOKIE, messages_of
from cunyi.web.language import COOKIE as LANGUAGE

SOURCE = Path(cunyi.__file__).parent
PAGES = (
    "journeys/*.py",
    "devices/paper/*.py",
    *(f"devices/transports/{name}.py" for name in ("ble", "radio")),
    "devices/simulation/*.py",
    "domain/identity.py",
    "domain/interview.py",
    "domain/names.py",
    "domain/archive_code.py",
    "web/doctor/*.py",
    "web/manager/*.py",
    "web/patient/*.py",
    "web/printing/*.py",
    *(f"store/{name}.py" for name in ("passwords", "people", "drafts", "nodes", "keyring", "enrolments")),
)
# What these tell reaches the pages too; what a person reads at a terminal stands beside it.
ALSO = (
    *(f"store/{name}.py" for name in ("lists", "engine", "packing")),
    "interop/speech.py",
    "interop/hub_http.py",
    "sync/*.py",
)
# Where a sentence stands among the arguments of those who make an error or an answer of it.
PLACES = {"refuse": 1, "not_taken": 0, "needed": 2, "_lead": 3}
# Sentences that stand for themselves and are translated where they are used.
TABLES = {
    "web/refusals.py": ("_MESSAGES", "_OTHER", "_FAILED"),
    "sync/hub_side.py": ("_NOT_HERE", "_NO_PICTURE", "_OUTSIDE"),
    "sync/meeting.py": ("_NO_PICTURE",),
    "sync/receiving_states.py": ("_CONFLICT", "_DECIDED"),
}
HAN = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


def trees(*patterns):
    paths = sorted({path for pattern in patterns for path in SOURCE.glob(pattern)})
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def kinds_of_error():
    """UserError and what is derived from it, with those whose message is their own."""
    classes = [node for tree in trees("**/*.py").values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    kinds, own = {"UserError"}, set()
    for _ in classes:
        kinds |= {
            each.name for each in classes if kinds & {base.id for base in each.bases if isinstance(base, ast.Name)}
        }
    for each in classes:
        makes = [node for node in each.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
        if each.name in kinds - {"UserError"} and makes:
            own.add(each.name)
    return kinds, own


KINDS, OWN_MESSAGE = kinds_of_error()


def constants(tree):
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def sentences(node, known):
    """The sentences that an expression may be; None where it cannot be told from the text of the program."""
    match node:
        case ast.Constant(value=str(words)):
            return {words}
        case ast.IfExp():
            both = [sentences(each, known) for each in (node.body, node.orelse)]
        case ast.Dict():
            both = [sentences(each, known) for each in node.values]
        case ast.BinOp(op=ast.Add()):
            left, right = sentences(node.left, known), sentences(node.right, known)
            return None if left is None or right is None else {a + b for a in left for b in right}
        case ast.Subscript():
            return sentences(node.value, known)
        case ast.Name() if node.id in known:
            return sentences(known[node.id], known)
        case _:
            return None
    return None if None in both else set().union(*both)


def told(tree):
    """Every call that makes a message: the call and the expression of its sentence."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.ClassDef) and scope.name in OWN_MESSAGE:
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
                    yield node, node.args[0]
        if not isinstance(scope, ast.Call):
            continue
        name = scope.func.id if isinstance(scope.func, ast.Name) else getattr(scope.func, "attr", "")
        makes = name in KINDS - OWN_MESSAGE or ast.unparse(scope.func) == "translated"
        place = 0 if makes else PLACES.get(name)
        if place is not None and len(scope.args) > place:
            yield scope, scope.args[place]


def relayed(node):
    """A sentence that is handed on by those in PLACES, or by a message made of others."""
    return ast.unparse(node) in ("message", "missing", "self.sentence", "error.sentence")


def used():
    """The sentences of the program that the pages may show, with the values given to each."""
    found = {}
    for tree in trees(*PAGES, *ALSO, "web/gate.py").values():
        known = constants(tree)
        for call, expression in told(tree):
            for sentence in sentences(expression, known) or ():
                given = found.setdefault(sentence, [])
                # An error with a message of its own fills in its slots itself.
                if ast.unparse(call.func) != "super().__init__":
                    given.append({keyword.arg for keyword in call.keywords} - {"field"})
    for name, tables in TABLES.items():
        known = constants(ast.parse((SOURCE / name).read_text(encoding="utf-8")))
        for table in tables:
            found |= {sentence: [] for sentence in sentences(known[table], known)}
    return found


def slots(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def translations():
    with (SOURCE / "web/locale/en/LC_MESSAGES/errors.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file) if message.id}


def test_what_is_told_is_a_sentence_that_a_catalogue_can_hold():
    untold = []
    for path, tree in trees(*PAGES).items():
        known = constants(tree)
        for call, expression in told(tree):
            if sentences(expression, known) is None and not relayed(expression):
                untold.append(f"{path.name}:{call.lineno} {ast.unparse(expression)}")
    assert untold == []


def test_every_sentence_is_translated_and_none_is_left_over():
    assert set(translations()) == set(used())


def test_translations_have_the_slots_of_their_sentence_and_no_chinese():
    for sentence, english in translations().items():
        assert english and not HAN.search(english), sentence
        # A value that has an English word of its own has it beside it, with `_en` after its name.
        assert {slot.removesuffix("_en") for slot in slots(english)} == slots(sentence), sentence


def test_every_slot_is_given_its_value():
    english = translations()
    for sentence, calls in used().items():
        wanted = slots(sentence) | slots(english[sentence])
        for values in calls:
            # None stands for values that are given as a dictionary.
            assert values - {None} <= wanted and (None in values or values == wanted), sentence


def test_no_sentence_is_in_two_catalogues():
    folder = SOURCE / "web/locale/en/LC_MESSAGES"
    others = set()
    for path in folder.glob("*.po"):
        if path.name != "errors.po":
            with path.open("rb") as file:
                others |= {message.id for message in read_po(file)}
    assert set(translations()) & others - {""} == set()


@pytest.fixture
def client(node: Node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        client.cookies.set(LANGUAGE, "en")
        yield client


FIELD_ERROR = re.compile(r'<p class="field-error"[^>]*>(.*?)</p>', re.S)


def field_errors(answer):
    """What is told beside the fields of a refused form, all of it in English and said to be so."""
    assert answer.status_code == 400
    tags = [tag for tag in re.findall(r"<p [^>]*>", answer.text) if 'class="field-error"' in tag]
    told_of = [unescape(re.sub(r"<[^>]+>", "", words)).strip() for words in FIELD_ERROR.findall(answer.text)]
    shown = [words for words in told_of if words]
    assert shown and not HAN.search(" ".join(shown)), shown
    assert all('lang="zh"' not in tag for tag in tags)
    return shown


def test_a_refused_registration_is_told_in_english(client):
    sent = {
        "name": "周9",
        "village_code": "",
        "birth_on": "1953-02-30",
        "phone": "12",
        "identifier": "11010519491231002",
        "address": "山" * 300,
        "contact_name": ["周大福", ""],
        "contact_phone": ["7", ""],
    }
    shown = field_errors(client.post("/people/new", data=sent))
    assert "There are digits in the name; enter only the name here, numbers go into other fields" in shown
    assert "Choose the village" in shown
    assert any(words.startswith("A resident identity card has a number of 18 places") for words in shown)
    assert any(words.startswith("Contact: A phone number has 7 to 12 digits") for words in shown)
    assert "This field holds at most 200 characters, there are 300; write less" in shown


def test_what_differs_from_the_papers_is_told_in_english(client):
    sent = {
        "name": "周大福",
        "village_code": "360731101201",
        "identifier": "11010519491231002X",
        "birth_on": "1985-06-15",
        "sex": "male",
    }
    shown = " ".join(field_errors(client.post("/people/new", data=sent)))
    assert (
        "The date of birth in the document number is 1949-12-31, what was typed is 1985-06-15; "
        "The sex in the document number is female, what was entered is male. Look at the document"
    ) in shown


def test_a_wrong_login_is_told_in_english(client):
    shown = field_errors(client.post("/login", data={"login": LOGIN, "password": "wrong"}))
    assert shown == [
        "The user name or the password is wrong; enter them again, or ask the system administrator for a new password"
    ]
    for _ in range(4):
        client.post("/login", data={"login": LOGIN, "password": "wrong"})
    assert (
        "the account is locked. Try again in"
        in field_errors(client.post("/login", data={"login": LOGIN, "password": "wrong"}))[0]
    )


def test_an_encounter_that_is_not_signed_is_told_in_english(client, node):
    where = begin_draft(node.store, node.account, node.register("周大福").id, {}).id
    sent = {"chief_complaint": "", "occurred_on": "2026-01-31", "occurred_time": "09:30", "temperature_c": "abc"}
    assert "Temperature: “abc” cannot be read" in " ".join(
        field_errors(client.post(f"/encounters/{where}/sign", data=sent))
    )
    shown = field_errors(client.post(f"/encounters/{where}/sign", data={**sent, "temperature_c": ""}))
    assert "Write the chief complaint: why the patient came" in shown
    assert any(words.startswith("Write a diagnosis; where it is not clear yet") for words in shown)


def test_a_warning_about_a_prescription_is_told_in_english(client, node):
    person = node.register("周大福")
    add_to_list(node.store, node.account, person.id, ListKind.ALLERGY, name="青霉素", today=node.clock().date())
    where = begin_draft(node.store, node.account, person.id, {}).id
    sent = {
        "chief_complaint": "咳嗽3天",
        "occurred_on": "2026-01-31",
        "diagnosis_name": "肺炎",
        "drug_name": "阿莫西林",
        "drug_days": "3",
        "agreement": "accepted",
    }
    shown = field_errors(client.post(f"/encounters/{where}/sign", data=sent))
    assert any(re.match(r"About the prescription: .*allerg.*\. Change it, or write down why", words) for words in shown)


@pytest.mark.parametrize("headers", [{"accept": "text/html"}, {"x-requested-with": "cunyi"}])
def test_what_no_form_shows_is_told_in_the_readers_language(client, headers):
    answer = client.get("/nowhere", headers=headers)
    assert answer.status_code == 404 and "There is no such address" in answer.text
    client.cookies.set(LANGUAGE, "zh")
    assert "没有这个地址" in client.get("/nowhere", headers=headers).text


def test_a_script_is_told_of_a_session_that_ended_in_the_readers_language(client, node):
    node.seat.lock(node.token)
    answer = client.get("/people", headers={"x-requested-with": "cunyi"})
    assert answer.status_code == 423 and answer.json()["error"]["message"].startswith("The screen is locked")
    client.cookies.delete(COOKIE)
    answer = client.get("/people", headers={"x-requested-with": "cunyi"})
    assert answer.status_code == 401 and answer.json()["error"]["message"].startswith("You are no longer logged in")


def test_a_chinese_reader_is_told_the_sentence_as_it_stands():
    error = UserError("{name}已经在这一户", field="household_id", name="周{大}福")
    assert messages_of(error) == {"household_id": "周{大}福已经在这一户"}
    assert messages_of(error, "en") == {"household_id": "周{大}福 is in this household already"}
