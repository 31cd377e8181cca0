"""What is told of mistakes, in the reader's language: sentences that a catalogue can hold, all of them translated."""

import ast
import re
import string
from html import unescape
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from litestar.testing import TestClient
from node_for_tests import CHEAP, LOGIN, Node

import cunyi
from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.errors import UserError
from cunyi.domain.prescription import Concern, ConcernKind, ConcernSeverity
from cunyi.journeys.consulting import begin_draft
from cunyi.journeys.registering import DifferencesFoundError, read_person, register_person
from cunyi.web.gate import COOKIE, messages_of
from cunyi.web.language import COOKIE as LANGUAGE
from cunyi.web.language import catalogue

SOURCE = Path(cunyi.__file__).parent
PAGES = (
    "journeys/*.py",
    "domain/identity.py",
    "domain/names.py",
    "domain/archive_code.py",
    "web/doctor/*.py",
    "web/printing/*.py",
    *(f"store/{name}.py" for name in ("passwords", "people", "drafts", "nodes", "keyring")),
)
# What these tell reaches the pages too; what a person reads at a terminal stands beside it.
ALSO = tuple(f"store/{name}.py" for name in ("lists", "engine", "packing"))
# Where a sentence stands among the arguments of those who make an error of it, or who translate it.
PLACES = {"refuse": 1, "needed": 2, "translated": 0, "_lead": 3}
# Sentences that stand for themselves and are translated where they are used.
TABLES = {"web/refusals.py": ("_MESSAGES", "_OTHER", "_FAILED")}
HAN = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


def trees(*patterns):
    paths = sorted({path for pattern in patterns for path in SOURCE.glob(pattern)})
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def kinds_of_error():
    """UserError and what is derived from it, with those whose message is their own."""
    classes = [node for tree in trees("**/*.py").values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    kinds, own = {"UserError"}, set()
    for _ in classes:
        kinds |= {each.name for each in classes if kinds & {base.id for base in each.bases if isinstance(base, ast.Name)}}
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
        place = 0 if name in KINDS - OWN_MESSAGE else PLACES.get(name)
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
                found.setdefault(sentence, []).append({keyword.arg for keyword in call.keywords} - {"field"})
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
        for values in calls:
            if None not in values and "，" not in values and values:
                assert slots(sentence) | slots(english[sentence]) == values, sentence
