"""The wording of records made of interviews: every sentence with its slots, every option that has no finding with words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from cunyi.authoring import summary_shapes
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, LineList, Problem
from cunyi.domain.interview import QuestionKind, Topic
from cunyi.knowledge.summaries import PART_SLOTS, SUMMARY_SLOTS

_WHAT = "病历用语"


def check_summary(library: Library) -> Iterator[Problem]:
    """Everything wrong with `interview/summary.yaml`."""
    words = library.interview_summary
    if words is None:
        return
    raw, file = words.raw, words.file
    yield from check_shape(raw.get("limits"), summary_shapes.LIMITS, file, words.line("limits"), _WHAT)
    yield from _sentences(words)
    for name, shape in summary_shapes.ENTRIES.items():
        for index, entry in enumerate(_list(words, name)):
            yield from check_shape(entry, shape, file, words.line(name, index), _WHAT)
    for index, part in enumerate(_list(words, "parts")):
        if isinstance(part, LineDict):
            for key, slots in PART_SLOTS.items():
                yield from _line(words, part.get(key), slots, "parts", index, key)
    background = raw.get("background")
    for topic, heading in background.items() if isinstance(background, LineDict) else ():
        if topic not in tuple(Topic):
            yield words.problem(f"没有 {topic} 这一类问题（{nearest(str(topic), tuple(Topic))}）", "background", topic)
        yield from check_shape(heading, summary_shapes.HEADING, file, words.line("background", topic), _WHAT)
    yield from _references(words, library)
    yield from _covered(words, library)


def _sentences(words: Entry) -> Iterator[Problem]:
    written = words.raw.get("sentences")
    table: Mapping[str, Any] = written if isinstance(written, LineDict) else {}
    for key in SUMMARY_SLOTS:
        if key not in table:
            yield words.problem(f"sentences 缺少 {key}（补上）", "sentences")
    for key, line in table.items():
        if key in SUMMARY_SLOTS:
            yield from _line(words, line, SUMMARY_SLOTS[key], "sentences", key)
        else:
            yield words.problem(f"sentences 没有 {key} 这一项（{nearest(str(key), SUMMARY_SLOTS)}）", "sentences", key)


def _line(words: Entry, line: Any, wanted: frozenset[str], *path: str | int) -> Iterator[Problem]:
    yield from check_shape(line, summary_shapes.LINE, words.file, words.line(*path), _WHAT)
    text = line.get("text") if isinstance(line, LineDict) else None
    if not isinstance(text, str):
        return
    try:
        slots = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        yield words.problem(f"花括号写得不对：{error}", *path)
        return
    if slots != wanted:
        slots_wanted = "、".join(f"{{{slot}}}" for slot in sorted(wanted)) or "没有空"
        yield words.problem(f"空应是 {slots_wanted}", *path)


def _list(words: Entry, name: str) -> list[Any]:
    entries = words.raw.get(name)
    return entries if isinstance(entries, LineList) else []


def _written_questions(library: Library) -> dict[str, Mapping[str, Any]]:
    fixed = library.interview_wording.raw.get("fixed") if library.interview_wording else None
    questions = list(fixed.values()) if isinstance(fixed, LineDict) else []
    questions += [entry.raw for entry in (*library.interview_follow_ups, *library.interview_background)]
    return {str(q["id"]): q for q in questions if isinstance(q, LineDict) and "id" in q}


def _references(words: Entry, library: Library) -> Iterator[Problem]:
    questions = _written_questions(library)
    known = {
        "names": ("finding", {entry.id for entry in library.findings}),
        "places": ("place", {entry.id for entry in library.interview_places}),
        "options": ("question", set(questions)),
        "questions": ("question", set(questions)),
    }
    for name, (key, ids) in known.items():
        for index, entry in enumerate(_list(words, name)):
            one = entry.get(key) if isinstance(entry, LineDict) else None
            if one is not None and one not in ids:
                yield words.problem(f"没有登记 {one}（{nearest(str(one), ids)}）", name, index)
    for index, entry in enumerate(_list(words, "options")):
        question = questions.get(str(entry.get("question"))) if isinstance(entry, LineDict) else None
        if question is not None and entry.get("option") not in _options(question):
            yield words.problem(f"问题 {entry['question']} 没有选项 {entry.get('option')}", "options", index)
    for index, one in enumerate(_list(words, "nothing_more")):
        if one not in questions:
            yield words.problem(f"没有问题 {one}（{nearest(str(one), questions)}）", "nothing_more", index)


def _options(question: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(option.get("id")): option for option in question.get("options") or () if isinstance(option, LineDict)}


def _covered(words: Entry, library: Library) -> Iterator[Problem]:
    """What is answered without a finding must have words of its own; nothing else says it."""
    options = {
        (str(e.get("question")), str(e.get("option"))) for e in _list(words, "options") if isinstance(e, LineDict)
    }
    places = {str(e.get("place")) for e in _list(words, "places") if isinstance(e, LineDict)}
    means = {entry.id: entry.raw.get("means") or {} for entry in library.interview_places}
    for question in _written_questions(library).values():
        if question.get("topic") == Topic.PERSON:
            continue
        if question.get("kind") == QuestionKind.CHOICE:
            for option_id, option in _options(question).items():
                said = option.get("findings") or option.get("absent")
                if not said and (str(question["id"]), option_id) not in options:
                    yield words.problem(f"缺少问题 {question['id']} 的选项 {option_id}（补上怎样写进病历）", "options")
        elif question.get("kind") == QuestionKind.PLACE:
            for place in question.get("places") or ():
                if not means.get(place, {}).get(str(question.get("part"))) and place not in places:
                    yield words.problem(f"缺少部位 {place}（补上怎样写进病历）", "places")
