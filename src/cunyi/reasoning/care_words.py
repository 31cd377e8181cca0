"""The words in which a step of graded care, a department or a reason to refer is told; the knowledge base has them."""

from __future__ import annotations

from cunyi.reasoning.prepared import Knowledge

REASONS = (
    *("emergency", "referral", "urgent", "village", "later", "asking", "unknown", "likely_disease", "usual_reasons"),
    *("diseases", "words", "child", "pregnant", "first_emergency", "first_emergency_alone", "stands_in"),
)
"""What the knowledge base must have words for."""

Words = tuple[str, str]
"""The same words in Chinese and in English."""


def say(knowledge: Knowledge, key: str, **slots: Words) -> Words:
    """A reason in words; empty where the knowledge base has none."""
    if knowledge.content.care_words is None:
        return "", ""
    text, text_en = knowledge.content.care_words.reasons[key]
    return (
        text.format(**{name: words[0] for name, words in slots.items()}),
        text_en.format(**{name: words[1] for name, words in slots.items()}),
    )
