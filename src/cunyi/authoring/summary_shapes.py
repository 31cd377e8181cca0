"""What `knowledge/interview/summary.yaml` may contain. Data for the checker, not code."""

from __future__ import annotations

from cunyi.authoring.shapes import REVIEW, SOURCES, Shape, identifier, many, mapping, number, one_of, text
from cunyi.domain.case import TEXT_FIELDS
from cunyi.domain.interview import Slot, Topic

SUMMARY: Shape = {
    "limits": (mapping, True), "sentences": (mapping, True), "parts": (many(mapping, 1), True), "units": (many(mapping, 1), True),
    "options": (many(mapping), True), "places": (many(mapping), True), "names": (many(mapping), True),
    "questions": (many(mapping), True), "nothing_more": (many(identifier), True), "background": (mapping, True),
    "small_words": (many(text), True), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
LIMITS: Shape = {
    "complaint": (number, True), "unclear": (number, True), "own_words": (number, True), "dangers": (number, True),
    "signs": (number, True), "denied": (number, True), "denied_together": (number, True),
}  # fmt: skip
LINE: Shape = {"text": (text, True)}
PART: Shape = {
    "id": (identifier, True), "field": (one_of(*TEXT_FIELDS), True), "topics": (many(one_of(*Topic), 1), False),
    "slots": (many(one_of(*Slot), 1), False), "kinds": (many(one_of("history", "drug", "exposure"), 1), False), "told": (mapping, True), "denied": (mapping, True), "words": (mapping, True),
}  # fmt: skip
HEADING: Shape = {"text": (text, True), "text_en": (text, True)}
ENTRIES: dict[str, Shape] = {
    "parts": PART,
    "units": {"days": (number, True), "most": (number, True), "text": (text, True)},
    "options": {"question": (identifier, True), "option": (identifier, True), "text": (text, True)},
    "places": {"place": (identifier, True), "text": (text, True)},
    "names": {"finding": (identifier, True), "text": (text, True)},
    "questions": {"question": (identifier, True), "text": (text, True)},
}
"""The lists of the file and what each of their entries may contain."""
