"""The texts of an encounter as a referral slip may tell them: what nobody checked is marked, what the record contradicts stays out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby

import msgspec

from cunyi.domain.encounter import Encounter
from cunyi.reasoning.contradicting import OnRecord, contradicted_by
from cunyi.reasoning.prepared import Knowledge

_TOLD = ("chief_complaint", "history_of_present_illness", "past_history")
_SENTENCES = re.compile(r"(?<=[。；\n])")


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence that does not go into a slip (没有写进单子的话): nobody has checked it, or it denies what is on the record (`against`)."""

    text: str
    against: tuple[str, ...] = ()


class SlipTexts(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of an encounter for a slip (转诊单文字), by field of the case."""

    texts: Mapping[str, str] = {}
    left_out: tuple[LeftOut, ...] = ()


def slip_texts(encounter: Encounter, on_record: OnRecord, knowledge: Knowledge) -> SlipTexts:
    """What the encounter tells. A villager's sentence that no doctor has checked is marked as such, an unchecked denial left out."""
    texts, left_out = dict(encounter.texts), list[LeftOut]()
    for field in (each for each in _TOLD if each in texts):
        kept = list[tuple[bool, str]]()
        for piece in _pieces(texts[field], encounter, field):
            sentence = piece.strip()
            unchecked = {each.text: each for each in encounter.unchecked or () if each.field == field}.get(sentence)
            against = contradicted_by(field, sentence, on_record, knowledge) if sentence else ()
            if against or (unchecked is not None and unchecked.denied):
                left_out.append(LeftOut(text=sentence, against=against))
            else:
                kept.append((unchecked is not None, piece))
        # Neighbours that nobody checked are marked once, together.
        runs = (("".join(text for _, text in run), marked) for marked, run in groupby(kept, key=lambda each: each[0]))
        texts[field] = "".join(_marked(text, knowledge) if marked else text for text, marked in runs).strip()
    return SlipTexts(texts=texts, left_out=tuple(left_out))


def _pieces(text: str, encounter: Encounter, field: str) -> list[str]:
    """The text taken apart: the villager's unchecked sentences each as one piece, the rest by its stops."""
    said = [re.escape(each.text) for each in encounter.unchecked or () if each.field == field and each.text]
    whole = re.split(f"({'|'.join(sorted(said, key=len, reverse=True))})", text) if said else [text]
    return [
        piece
        for index, part in enumerate(whole)
        for piece in ([part] if index % 2 else _SENTENCES.split(part))
        if piece
    ]


def _marked(sentence: str, knowledge: Knowledge) -> str:
    words = knowledge.content.summary
    return words.sentences["unchecked"].text.format(text=sentence) if words else ""
