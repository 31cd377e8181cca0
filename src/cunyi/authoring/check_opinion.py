"""The words of the expert opinion: every sentence there, with all its slots in both languages, and no amount of a drug."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from cunyi.authoring import shapes
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, Problem
from cunyi.domain.triage import REFERRAL_DEADLINES, REFERRAL_TARGETS, TriageLevel
from cunyi.knowledge.opinions import SENTENCE_SLOTS, SHOWN
from cunyi.reasoning.withholding import has_amount

_NAMES: Mapping[str, tuple[str, ...]] = {
    "levels": tuple(level.code for level in TriageLevel),
    "places": REFERRAL_TARGETS,
    "within": REFERRAL_DEADLINES,
    "people": ("adult", "child"),
}


def check_opinion(library: Library) -> Iterator[Problem]:
    """Everything wrong with `opinion.yaml`."""
    words = library.opinion
    if words is None:
        return
    yield from _all_there(words, "shown", SHOWN)
    yield from check_shape(words.raw.get("absent"), shapes.OPINION_NAME, words.file, words.line("absent"), "用词")
    yield from check_shape(words.raw.get("guard"), shapes.OPINION_GUARD, words.file, words.line("guard"), "措辞约束")
    for table, keys in _NAMES.items():
        yield from _all_there(words, table, keys)
        for key, name in _table(words, table).items():
            yield from check_shape(name, shapes.OPINION_NAME, words.file, words.line(table, key), "用词")
    yield from _all_there(words, "sentences", SENTENCE_SLOTS)
    for key, sentence in _table(words, "sentences").items():
        yield from check_shape(
            sentence, shapes.OPINION_SENTENCE, words.file, words.line("sentences", key), "专家意见语句"
        )
        for language in ("text", "text_en"):
            yield from _check_sentence(words, key, language, sentence)


def _table(words: Entry, name: str) -> Mapping[str, Any]:
    table = words.raw.get(name)
    return table if isinstance(table, LineDict) else {}


def _all_there(words: Entry, table: str, keys: Any) -> Iterator[Problem]:
    written = _table(words, table)
    for key in keys:
        if key not in written:
            yield words.problem(f"{table} 缺少 {key}（补上）", table)
    for key in written:
        if key not in keys:
            yield words.problem(f"{table} 没有 {key} 这一项（{nearest(str(key), keys)}）", table, key)


def _check_sentence(words: Entry, key: str, language: str, sentence: Any) -> Iterator[Problem]:
    text = sentence.get(language) if isinstance(sentence, LineDict) else None
    if not isinstance(text, str) or key not in SENTENCE_SLOTS:
        return
    try:
        slots = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        yield words.problem(f"{language} 的花括号写得不对：{error}", "sentences", key, language)
        return
    if slots != SENTENCE_SLOTS[key]:
        wanted = "、".join(f"{{{slot}}}" for slot in sorted(SENTENCE_SLOTS[key])) or "没有空"
        yield words.problem(f"{language} 的空应是 {wanted}", "sentences", key, language)
    if has_amount(text):
        yield words.problem(f"{language} 里不能有药的用量", "sentences", key, language)
