"""Sentences of an opinion: those of the knowledge base with their slots filled, in Chinese and, piece by piece, in English."""

from __future__ import annotations

from collections.abc import Iterable
from string import Formatter
from typing import NamedTuple

from cunyi.domain.opinion import Statement, Words
from cunyi.knowledge.doses import Label
from cunyi.knowledge.opinions import Name, OpinionWords
from cunyi.reasoning.withholding import withhold_amounts

_LEAST_SHOWN = 0.01
_END = "。；;.．，, "


class Slot(NamedTuple):
    """What is put into a sentence: in Chinese, and in English where there is any."""

    chinese: str
    english: str | None


class Speaker:
    """Makes statements of the sentences of `opinion.yaml`."""

    def __init__(self, words: OpinionWords, withheld: Label) -> None:
        self.words = words
        self.withheld = withheld

    def say(self, key: str, *, sources: Iterable[str] = (), grave: bool = False, **slots: Slot) -> Statement:
        """The sentence `key` with its slots; `sources` in place of its own where what fills it has sources."""
        sentence = self.words.sentences[key]
        return Statement(
            text=sentence.text.format(**{name: slot.chinese for name, slot in slots.items()}),
            english=tuple(_pieces(sentence.text_en, slots)),
            sources=tuple(dict.fromkeys(sources)) or sentence.sources,
            grave=grave,
        )

    def prose(self, text: str, english: str | None = None) -> Slot:
        """Prose of the knowledge base without amounts of drugs and without its last stop."""
        chinese = withhold_amounts(text, self.withheld.text).rstrip(_END)
        return Slot(chinese, withhold_amounts(english, self.withheld.text_en).rstrip(_END) if english else None)


def named(name: str, name_en: str) -> Slot:
    """Something with a name in both languages."""
    return Slot(name, name_en)


def word(name: Name) -> Slot:
    """A word of `opinion.yaml`."""
    return Slot(name.name, name.name_en)


def same(text: str) -> Slot:
    """A number or a code, which is the same in both languages."""
    return Slot(text, text)


def absent(slot: Slot, words: OpinionWords) -> Slot:
    """A finding that is not there."""
    return Slot(f"{words.absent.name}{slot.chinese}", f"{words.absent.name_en} {slot.english or slot.chinese}")


def listed(slots: Iterable[Slot]) -> Slot:
    """Several names as one list."""
    all_of = list(slots)
    return Slot("、".join(slot.chinese for slot in all_of), ", ".join(slot.english or slot.chinese for slot in all_of))


def percent(probability: float) -> str:
    """A probability as people read it."""
    if probability < _LEAST_SHOWN:
        return "<1%"
    return f"{min(99, round(probability * 100))}%"


def _pieces(template: str, slots: dict[str, Slot]) -> list[Words]:
    pieces: list[Words] = []

    def add(text: str, lang: str) -> None:
        if not text:
            return
        if pieces and pieces[-1].lang == lang:
            text = pieces.pop().text + text
        pieces.append(Words(text, lang))

    for literal, name, _, _ in Formatter().parse(template):
        add(literal, "en")
        if name is not None:
            slot = slots[name]
            if slot.english is None:
                add(slot.chinese, "zh")
            else:
                add(slot.english, "en")
    return pieces
