"""What the files of the referral loop may contain."""

from __future__ import annotations

from cunyi.authoring.shapes import REVIEW, SOURCES, Shape, dotted, identifier, many, mapping, number, one_of, text
from cunyi.domain.referral import ReferralDirection, ReferralUrgency
from cunyi.domain.triage import REFERRAL_DEADLINES, REFERRAL_TARGETS
from cunyi.knowledge.referral_loops import LIMITED, WHOM

LOOP: Shape = {
    "sources": SOURCES, "review": REVIEW, "urgency_of": (mapping, True), "limits": (mapping, True),
    "reminders": (many(mapping, 1), True), "purposes": (mapping, True), "emergency_number": (text, True),
    "call_again": (mapping, True),
    "plans": (many(mapping, 1), True),
}  # fmt: skip
REMINDER: Shape = {
    "states": (many(one_of(*LIMITED), 1), True), "times": (number, True), "whom": (one_of(*WHOM), True),
    "urgencies": (many(one_of(*ReferralUrgency), 1), False),
    "text": (text, True), "text_en": (text, True),
}  # fmt: skip
PLAN: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "rules": (many(identifier, 1), True),
}  # fmt: skip
CRITERION: Shape = {
    "id": (dotted, True), "plan": (identifier, True), "direction": (one_of(*ReferralDirection), True),
    "name": (text, True), "when": (mapping, True), "to": (one_of(*REFERRAL_TARGETS), True),
    "within": (one_of(*REFERRAL_DEADLINES), True), "reason": (text, True), "reason_en": (text, True),
    "targets": (text, False), "fires": (many(mapping, 1), True), "spares": (many(mapping, 1), True),
    "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
