"""What the files about departments may contain. Data for the checker."""

from __future__ import annotations

from cunyi.authoring.shapes import REVIEW, SOURCES, Shape, identifier, many, mapping, number, text

HINTS: Shape = {
    "weights": (mapping, True), "most": (mapping, True), "evidence_weight": (number, True), "evidence_floor": (number, True),
    "widest_gap": (number, True), "something": (number, True), "child": (number, True), "pregnant": (number, True),
    "danger": (number, True), "danger_share": (number, True), "denied_before": (many(text), True),
    "child_words": (many(text, 1), True), "not_child_words": (many(text), True), "neutral": (many(text), True),
    "departments": (many(mapping, 1), True), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
HINTED: Shape = {
    "id": (identifier, True), "decisive": (many(text), False), "certain": (many(text), False), "strong": (many(text), False),
    "weak": (many(text), False),
}  # fmt: skip
KINDS = ("decisive", "certain", "strong", "weak")
CARE_STEPS: Shape = {"reasons": (mapping, True), "sources": SOURCES, "review": REVIEW}
REASON: Shape = {"text": (text, True), "text_en": (text, True)}
FIRST_LEVEL: Shape = {"names": (mapping, True), "note": (text, False)}
