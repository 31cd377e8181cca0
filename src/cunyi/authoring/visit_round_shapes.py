"""What the file of visit rounds may contain. Data for the checker."""

from __future__ import annotations

from cunyi.authoring.shapes import REVIEW, SOURCES, Shape, identifier, many, mapping, number, one_of, text, truth
from cunyi.domain.person import Programme
from cunyi.domain.thread import ThreadKind
from cunyi.knowledge.visit_rounds import GROUNDS, URGENCIES

BOUNDED = ("age_of_reading_days", "age_years", "age_days", "child_age_days", "overdue_days")
VISIT_ROUNDS: Shape = {
    "urgencies": (mapping, True), "done_days": (number, True), "most_residents": (number, True),
    "first_shown": (number, True), "readings_shown": (many(identifier, 1), True), "put_off": (mapping, True),
    "rules": (many(mapping, 1), True), "review": REVIEW,
}  # fmt: skip
URGENCY: Shape = {"name": (text, True), "name_en": (text, True)}
PUT_OFF: Shape = {"longest_days": (mapping, True), "reasons": (many(text, 1), True)}
BOUNDS: Shape = {"from": (number, False), "below": (number, False)}
RULE: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "urgency": (one_of(*URGENCIES), True),
    "ground": (one_of(*GROUNDS), True), "thread": (one_of(*ThreadKind), False), "states": (many(identifier), False),
    "critical": (truth, False), "findings": (many(identifier), False), "programmes": (many(one_of(*Programme), 1), False),
    "words": (many(text, 1), False), "within_days": (number, False), "unseen_days": (number, False), "never_seen": (truth, False),
    "sources": SOURCES, **{name: (mapping, False) for name in BOUNDED},
}  # fmt: skip
