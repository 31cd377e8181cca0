"""What the files of `knowledge/interview` may contain. Data for the checker, not code."""

from __future__ import annotations

from cunyi.authoring.shapes import (
    REVIEW,
    SOURCES,
    Shape,
    identifier,
    many,
    mapping,
    number,
    one_of,
    optional,
    text,
    truth,
)
from cunyi.domain.finding import Onset, Severity
from cunyi.domain.interview import QuestionKind, Slot, Topic

_WORDS = {"text": (text, True), "text_en": (text, True)}
_LABEL = {"label": (text, True), "label_en": (text, True)}
_NAMED = {"id": (identifier, True), "name": (text, True), "name_en": (text, True)}
_ASKED: Shape = {
    "topic": (one_of(*Topic), True), "kind": (one_of(*QuestionKind), True), **_WORDS, "options": (many(mapping, 1), False),
    "slot": (one_of(*Slot), False), "own_words": (truth, False), "unit": (text, False), "lowest": (number, False),
    "highest": (number, False), "when": (mapping, False), "only": (mapping, False), "known_by": (many(identifier, 1), False),
    "part": (identifier, False), "places": (many(identifier, 1), False),
}  # fmt: skip

WORDING: Shape = {
    "people": (mapping, True), "children_start": (many(text, 1), True), "sentences": (mapping, True), "fixed": (mapping, True),
    "review": REVIEW,
}  # fmt: skip
PERSON: Shape = {
    "you": (text, True), "you_en": (text, True), "prefix": (optional(lambda value: None if isinstance(value, str) else "要写文字"), True),
    "below_years": (number, False),
}  # fmt: skip
SENTENCE: Shape = dict(_WORDS)
FIXED: Shape = {"id": (identifier, True), **_ASKED}
ASKED: Shape = {"id": (identifier, True), **_ASKED, "review": REVIEW}
OPTION: Shape = {
    "id": (identifier, True), **_LABEL, "findings": (many(identifier, 1), False), "absent": (many(identifier, 1), False),
    "onset": (one_of(*Onset), False), "severity": (one_of(*Severity), False),
}  # fmt: skip
LIMITS: Shape = {"sex": (one_of("male", "female"), False), "age": (mapping, False)}
LIMITS_AGE: Shape = {"from": (number, False), "below": (number, False)}
FAMILY: Shape = {
    **_NAMED,
    "findings": (many(identifier, 1), True),
    "ask": (many(identifier, 1), True),
    "review": REVIEW,
}
GROUP: Shape = {**_NAMED, "findings": (many(mapping, 1), True), "review": REVIEW}
LABEL: Shape = {"finding": (identifier, True), **_LABEL}
PLACE: Shape = {"id": (identifier, True), **_LABEL, "side": (one_of("front", "back"), True), "means": (mapping, False)}
AID: Shape = {
    "id": (identifier, True),
    **_WORDS,
    "when": (mapping, False),
    "not_with": (many(identifier, 1), False),
    "sources": SOURCES,
    "review": REVIEW,
}
RULES_FILE: Shape = {"rules": (mapping, True), "levels": (mapping, True), "review": REVIEW}
RULES: Shape = {
    "most_gain": (number, True), "least_questions": (number, True), "most_empty": (number, True), "most_danger": (number, True), "most_together": (number, True), "most_sentences": (number, True), "most_follow_ups": (number, True),
    "most_families": (number, True), "least_gain": (number, True), "sure": (number, True), "clear": (number, True), "together_share": (number, True), "sentences_share": (number, True),
    "harm": (mapping, True), "review": (many(identifier), True), "most_review": (number, True), "told_from_years": (mapping, True), "first_aid_shown": (number, True), "sources": SOURCES,
    "general_dangers": (many(mapping, 1), True), "ask_if": (many(mapping, 1), False), "not_with": (mapping, False),
}  # fmt: skip
PREMISE: Shape = {"findings": (many(identifier, 1), True), "when": (mapping, True)}
LEVEL: Shape = {
    "title": (text, True), "title_en": (text, True), **_WORDS, "for_another": (text, False), "for_another_en": (text, False),
}  # fmt: skip
