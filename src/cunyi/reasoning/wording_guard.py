"""Whether a language model's words still say what the opinion says: the same numbers, drugs, diseases, denials and levels of care."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from cunyi.domain.opinion import ExpertOpinion, WordingRefusal, WordingRefusedError
from cunyi.knowledge.opinions import OpinionWords, WordingGuard
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.withholding import has_amount, withheld_mark
from cunyi.text.normalize import plain

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_HAN_NUMBER = "[零一二三四五六七八九十百千万两半几]+"
_LATIN = re.compile(r"[a-z]{2,}")
# A warning before a colon or in a list holds for all that follows.
_CLAUSES = re.compile(r"[，。；,;\n]")
_SHORTEST_NAME = 2


class _Reply(msgspec.Struct, forbid_unknown_fields=True):
    sections: dict[str, str]


def to_be_worded(opinion: ExpertOpinion) -> str:
    """What a model is given: the sentences by section, in Chinese; nothing of the patient but what they say."""
    sections = {section.code: [each.text for each in section.statements] for section in opinion.sections}
    return msgspec.json.encode({"sections": sections}).decode()


def accepted_wording(reply: str, opinion: ExpertOpinion, knowledge: Knowledge, words: OpinionWords) -> dict[str, str]:
    """The text of each section, in the opinion's order. WordingRefusedError where one says anything else or less."""
    try:
        written = msgspec.json.decode(reply, type=_Reply).sections
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise WordingRefusedError(WordingRefusal.NOT_READABLE) from error
    told = {section.code: "\n".join(each.text for each in section.statements) for section in opinion.sections}
    if written.keys() != told.keys() or not all(text.strip() for text in written.values()):
        raise WordingRefusedError(WordingRefusal.OTHER_SECTIONS)
    for code, original in told.items():
        _compare(original, written[code], knowledge, words)
    return {code: written[code].strip() for code in told}


def _compare(original: str, written: str, knowledge: Knowledge, words: OpinionWords) -> None:
    guard = words.guard
    mark = withheld_mark(knowledge.content.formulary).text
    if len(written) > guard.longest_times * len(original):
        raise WordingRefusedError(WordingRefusal.TOO_LONG)
    before, after = plain(original), plain(written)
    if _numbers(before, guard) != _numbers(after, guard) or _new(before, after, _han_numbers(guard.units)):
        raise WordingRefusedError(WordingRefusal.OTHER_NUMBERS)
    # The level first: a text that plays danger down is refused for that, whatever else it changes.
    if _level_words(after, guard) != _level_words(before, guard):
        raise WordingRefusedError(WordingRefusal.OTHER_LEVEL)
    if (
        has_amount(written)
        or _drugs(before, knowledge, words) != _drugs(after, knowledge, words)
        or any(word in after and word not in before for word in map(plain, guard.drug_words))
        or _new(before, after, _LATIN)
        or written.count(mark) != original.count(mark)
    ):
        raise WordingRefusedError(WordingRefusal.OTHER_DRUGS)
    if any(before.count(word) != after.count(word) for word in map(plain, guard.negations)):
        raise WordingRefusedError(WordingRefusal.OTHER_MEANING)
    names = knowledge.disease_names
    if _diseases(before, names) != _diseases(after, names):
        raise WordingRefusedError(WordingRefusal.OTHER_DISEASES)


def _numbers(text: str, guard: WordingGuard) -> frozenset[tuple[str, str, str]]:
    """The numbers of a text, each with the comparison before and the unit after it."""
    found = _number_pattern(guard.comparisons, guard.units).finditer(text)
    return frozenset((match[1] or "", match[2], match[3] or "") for match in found)


@lru_cache(maxsize=4)
def _number_pattern(comparisons: tuple[str, ...], units: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"({_any_of(comparisons)})?\s*({_NUMBER})\s*({_any_of(units)})?")


@lru_cache(maxsize=4)
def _han_numbers(units: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"{_HAN_NUMBER}\s*(?:{_any_of(units)})")


def _any_of(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(plain(word)) for word in sorted(words, key=lambda word: (-len(word), word)))


def _new(before: str, after: str, pattern: re.Pattern[str]) -> set[str]:
    return set(pattern.findall(after)) - set(pattern.findall(before))


def _level_words(text: str, guard: WordingGuard) -> set[str]:
    return {word for words in guard.levels.values() for word in words if plain(word) in text}


def _drugs(text: str, knowledge: Knowledge, words: OpinionWords) -> set[tuple[str, bool]]:
    """The drugs and classes of a text, each with whether the part of the sentence warns of it."""
    found = set()
    for clause in _CLAUSES.split(text):
        warned = any(plain(word) in clause for word in words.not_an_option)
        named = knowledge.drug_names.read(clause)
        ids = [drug.id for drug in named.drugs]
        ids += [kind.id for kind in named.classes]
        ids += [group.id for group in named.groups]
        found |= {(one, warned) for one in ids}
    return found


def _diseases(text: str, names: Mapping[str, str]) -> set[str]:
    return {disease for name, disease in names.items() if len(name) >= _SHORTEST_NAME and name in text}
