"""Checks of the interview's knowledge: questions that can be answered, findings that can be asked for, words for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cunyi.authoring import interview_shapes as shapes
from cunyi.authoring.check_references import known
from cunyi.authoring.check_rules import check_condition
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import Shape, check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, LineList, Problem
from cunyi.domain.interview import Informant, QuestionKind, Topic
from cunyi.domain.triage import Criticality, TriageLevel
from cunyi.knowledge.interviews import BACKGROUND_TOPICS, FIXED_QUESTIONS, PROVISIONAL, SENTENCES, UNHEARD

_SLOT = re.compile(r"\{(\w*)\}")
_SLOTS = frozenset({"you", "what", "count"})
_LISTED = frozenset({QuestionKind.YES_NO, QuestionKind.SEVERAL, QuestionKind.CHOICE})
_LEAST_CHOICES = 2


def check_interview(library: Library) -> Iterator[Problem]:
    """Every problem of `interview/`. A knowledge base without it has none."""
    if library.interview_wording is None and library.interview_rules is None:
        return
    findings = {entry.id for entry in library.findings}
    askable = {
        entry.id
        for entry in library.findings
        if entry.raw.get("ask")
        and entry.raw.get("when") is None
        and (entry.raw.get("obtain") or {"sign": "village", "result": "county"}.get(str(entry.raw.get("kind")), "ask"))
        == "ask"
    }
    items = {entry.id for entry in library.items}
    yield from _check_wording(library, findings, items)
    yield from _check_rules_file(library, askable)
    yield from _check_fitting(library, findings, askable, items)
    yield from _check_questions(library, findings, items)
    yield from _check_families(library, findings)
    yield from _check_groups(library, findings, askable)
    for place in library.interview_places:
        for part, meant in _mapping(place.raw.get("means")).items():
            if isinstance(meant, list):
                yield from known(place, meant, findings, "征象", "means", part)
            else:
                yield place.problem("means 要写成 部位用途: [征象]", "means", part)
    yield from _check_first_aid(library, findings, items)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, LineDict) else {}


def _all_there(entry: Entry, table: str, keys: Iterable[str], shape: Shape | None, what: str) -> Iterator[Problem]:
    """A mapping with exactly these keys, each of one shape."""
    written, wanted = _mapping(entry.raw.get(table)), list(keys)
    for key in wanted:
        if key not in written:
            yield entry.problem(f"{table} 缺少 {key}（补上）", table)
    for key, value in written.items():
        if key not in wanted:
            yield entry.problem(f"{table} 没有 {key} 这一项（{nearest(key, wanted)}）", table, key)
        elif shape is not None:
            yield from check_shape(value, shape, entry.file, entry.line(table, key), what)


def _check_wording(library: Library, findings: set[str], items: set[str]) -> Iterator[Problem]:
    entry = library.interview_wording
    if entry is None:
        return
    yield from _all_there(entry, "people", Informant, None, "称呼")
    for informant, people in _mapping(entry.raw.get("people")).items():
        if not isinstance(people, LineList) or not people:
            yield entry.problem("每种人至少写一个称呼", "people", informant)
            continue
        for index, person in enumerate(people):
            yield from check_shape(person, shapes.PERSON, entry.file, people.lines[index], "称呼")
        if "below_years" in _mapping(people[-1]):
            yield entry.problem("最后一个称呼不能有 below_years（它用于其余的人）", "people", informant)
    yield from _all_there(entry, "sentences", SENTENCES, shapes.SENTENCE, "用语")
    yield from _all_there(entry, "fixed", FIXED_QUESTIONS, shapes.FIXED, "问题")
    for key, asked in _mapping(entry.raw.get("fixed")).items():
        if isinstance(asked, LineDict):
            if asked.get("id") != key:
                yield entry.problem(f"id 要与键相同，写 {key}", "fixed", key, "id")
            yield from _check_asked(entry, asked, ("fixed", key), library, findings, items)
    for key, words in _mapping(entry.raw.get("sentences")).items():
        yield from _check_slots(entry, _mapping(words), ("sentences", key))


def _check_slots(entry: Entry, words: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Problem]:
    for key in ("text", "text_en"):
        for slot in _SLOT.findall(str(words.get(key, ""))):
            if slot not in _SLOTS:
                yield entry.problem(f"{key} 里的空只能是 {{you}}、{{what}} 或 {{count}}，不能是 {{{slot}}}", *path, key)


def _check_rules_file(library: Library, askable: set[str]) -> Iterator[Problem]:
    entry = library.interview_rules
    if entry is None:
        return
    rules = entry.raw.get("rules")
    yield from check_shape(rules, shapes.RULES, entry.file, entry.line("rules"), "问诊规则")
    yield from known(entry, _mapping(rules).get("review") or (), askable, "问得到的征象", "rules", "review")
    yield from known(
        entry, _mapping(_mapping(rules).get("told_from_years")), askable, "问得到的征象", "rules", "told_from_years"
    )
    harm = _mapping(_mapping(rules).get("harm"))
    for level in Criticality:
        if level.code not in harm:
            yield entry.problem(f"harm 缺少 {level.code}（补上）", "rules", "harm")
    for key, value in _mapping(rules).items():
        counted = key.startswith(("most_", "least_questions", "first_aid_shown"))
        if counted and not (isinstance(value, int) and value >= 0):
            yield entry.problem("要写 0 或更大的整数", "rules", key)
        if (
            key in ("sure", "clear", "together_share", "sentences_share")
            and isinstance(value, int | float)
            and not 0 <= value <= 1
        ):
            yield entry.problem("应在 0 到 1 之间", "rules", key)
    levels = [*(level.code for level in TriageLevel), PROVISIONAL, UNHEARD]
    yield from _all_there(entry, "levels", levels, shapes.LEVEL, "就医建议")


def _check_fitting(library: Library, findings: set[str], askable: set[str], items: set[str]) -> Iterator[Problem]:
    """What everybody is asked for, what is asked only where something holds, what is not asked beside its contrary."""
    entry = library.interview_rules
    rules = _mapping(entry.raw.get("rules")) if entry is not None else {}
    if entry is None:
        return
    labels = rules.get("general_dangers") or ()
    for index, label in enumerate(labels):
        yield from check_shape(
            label, shapes.LABEL, entry.file, entry.line("rules", "general_dangers", index), "口头说法"
        )
    named = [str(_mapping(label).get("finding")) for label in labels]
    yield from known(entry, named, askable, "问得到的征象", "rules", "general_dangers")
    for index, premise in enumerate(rules.get("ask_if") or ()):
        at = ("rules", "ask_if", index)
        yield from check_shape(premise, shapes.PREMISE, entry.file, entry.line(*at), "问的前提")
        yield from known(entry, _mapping(premise).get("findings") or (), findings, "征象", "rules", "ask_if")
        if _mapping(premise).get("when") is not None:
            yield from check_condition(entry, premise["when"], findings, items, (*at, "when"), raising=False)
    for told, not_asked in _mapping(rules.get("not_with")).items():
        contrary = not_asked if isinstance(not_asked, list) else [not_asked]
        yield from known(entry, [told, *contrary], findings, "征象", "rules", "not_with")


def _check_questions(library: Library, findings: set[str], items: set[str]) -> Iterator[Problem]:
    seen: set[str] = set(FIXED_QUESTIONS)
    for entry in (*library.interview_follow_ups, *library.interview_background):
        if entry.id in seen:
            yield entry.problem(f"问题 {entry.id} 重复（改名）", "id")
        seen.add(entry.id)
        yield from _check_asked(entry, entry.raw, (), library, findings, items)
    for entry in library.interview_follow_ups:
        if entry.raw.get("topic") != Topic.COURSE:
            yield entry.problem("追问的 topic 要写 course", "topic")
    asked: dict[str, str] = {}
    for entry in library.interview_background:
        if entry.raw.get("topic") not in BACKGROUND_TOPICS:
            yield entry.problem(f"背景问题的 topic 只能是 {'、'.join(sorted(BACKGROUND_TOPICS))}", "topic")
        for index, option in enumerate(entry.raw.get("options") or ()):
            for finding in _mapping(option).get("findings") or ():
                if asked.setdefault(finding, entry.id) != entry.id and not _apart(library, asked[finding], entry):
                    yield entry.problem(f"征象 {finding} 在 {asked[finding]} 里已经问了（只留一处）", "options", index)


def _apart(library: Library, first_id: str, second: Entry) -> bool:
    """Whether two background questions are for different people (children and grown-ups)."""
    first = next(entry for entry in library.interview_background if entry.id == first_id)
    return _mapping(first.raw.get("only")) != _mapping(second.raw.get("only"))


def _check_asked(
    entry: Entry,
    asked: LineDict,
    path: tuple[str | int, ...],
    library: Library,
    findings: set[str],
    items: set[str],
) -> Iterator[Problem]:
    yield from _check_slots(entry, asked, path)
    kind, options = asked.get("kind"), asked.get("options") or ()
    if kind in _LISTED and not options:
        yield entry.problem(f"{kind} 要写 options", *path)
    if kind == QuestionKind.CHOICE and len(options) < _LEAST_CHOICES:
        yield entry.problem("choice 至少要有两个选项", *path, "options")
    if kind not in _LISTED and options:
        yield entry.problem(f"{kind} 不能有 options", *path, "options")
    if kind == QuestionKind.NUMBER and not {"lowest", "highest"} <= set(asked):
        yield entry.problem("number 要写 lowest 和 highest", *path)
    if kind == QuestionKind.PLACE:
        places = {place.id for place in library.interview_places}
        yield from known(entry, asked.get("places") or (), places, "部位", *map(str, path), "places")
        if not asked.get("part") or not asked.get("places"):
            yield entry.problem("place 要写 part 和 places", *path)
    seen: set[str] = set()
    for index, option in enumerate(options):
        at = (*path, "options", index)
        yield from check_shape(option, shapes.OPTION, entry.file, entry.line(*at), "选项")
        raw = _mapping(option)
        if raw.get("id") in seen:
            yield entry.problem(f"选项 {raw.get('id')} 重复（改名）", *at)
        seen.add(str(raw.get("id")))
        for key in ("findings", "absent"):
            for finding in raw.get(key) or ():
                if finding not in findings:
                    yield entry.problem(f"没有登记征象 {finding}（{nearest(str(finding), findings)}）", *at)
        if kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL) and (
            len(raw.get("findings") or ()) != 1 or "absent" in raw
        ):
            yield entry.problem("一样一样问“有没有”的选项，正好写一个征象", *at)
    yield from known(entry, asked.get("known_by") or (), findings, "征象", *map(str, path), "known_by")
    if asked.get("when") is not None:
        yield from check_condition(entry, asked["when"], findings, items, (*path, "when"), raising=False)
    only = asked.get("only")
    if only is not None:
        yield from check_shape(only, shapes.LIMITS, entry.file, entry.line(*path, "only"), "问谁")
        if _mapping(only).get("age") is not None:
            yield from check_shape(only["age"], shapes.LIMITS_AGE, entry.file, entry.line(*path, "only"), "年龄")


def _check_families(library: Library, findings: set[str]) -> Iterator[Problem]:
    questions = {entry.id for entry in library.interview_follow_ups}
    for entry in library.interview_families:
        yield from known(entry, entry.raw.get("findings") or (), findings, "征象", "findings")
        yield from known(entry, entry.raw.get("ask") or (), questions, "追问", "ask")
    used = {question for entry in library.interview_families for question in entry.raw.get("ask") or ()}
    for entry in library.interview_follow_ups:
        if entry.id not in used:
            yield entry.problem("没有一类主诉会追问它（加到 families.yaml，或删去）")


def _check_groups(library: Library, findings: set[str], askable: set[str]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for entry in library.interview_groups:
        for index, label in enumerate(entry.raw.get("findings") or ()):
            at = ("findings", index)
            yield from check_shape(label, shapes.LABEL, entry.file, entry.line(*at), "口头说法")
            finding = str(_mapping(label).get("finding"))
            if finding not in findings:
                yield entry.problem(f"没有登记征象 {finding}（{nearest(finding, findings)}）", *at)
            elif finding not in askable:
                yield entry.problem(f"征象 {finding} 不是问得到的（要 obtain: ask 并有 ask）", *at)
            if finding in seen:
                yield entry.problem(f"征象 {finding} 在 {seen[finding]} 里已有（只留一处）", *at)
            seen[finding] = entry.id


def _check_first_aid(library: Library, findings: set[str], items: set[str]) -> Iterator[Problem]:
    for entry in library.interview_first_aid:
        if entry.raw.get("when") is not None:
            yield from check_condition(entry, entry.raw["when"], findings, items, ("when",), raising=True)
        aids = {aid.id for aid in library.interview_first_aid}
        yield from known(entry, entry.raw.get("not_with") or (), aids, "急救措施", "not_with")
    if library.interview_rules is not None and not any("when" not in e.raw for e in library.interview_first_aid):
        yield library.interview_rules.problem("first_aid.yaml 至少要有一条没有 when 的（什么急症都适用）")
