"""The drug list and the prescribing rules: known ids, names that mean one drug, compounds as strict as what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter
from typing import Any

from cunyi.authoring import shapes
from cunyi.authoring.check_references import known
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, LineList, Problem
from cunyi.knowledge.drugs import MESSAGE_SLOTS
from cunyi.text.normalize import plain

_SAFETY = ("avoid", "caution", "unknown", "ok")
_LEVELS = frozenset({"unrestricted", "restricted", "special"})
_OLDEST_LIMIT = 100


def check_drugs(library: Library) -> Iterator[Problem]:
    """Everything wrong with drugs, classes, allergy groups, interactions and prescribing rules."""
    drugs = {entry.id: entry for entry in library.drugs}
    classes = {entry.id for entry in library.drug_classes}
    groups = {entry.id for entry in library.allergy_groups}
    problems = {entry.id for entry in (*library.findings, *library.diseases)}
    for entry in (*library.drugs, *library.drug_classes):
        yield from _check_safety(entry, problems)
    for entry in library.drug_classes:
        yield from _one(entry, "allergy_group", groups, "过敏类别")
        if entry.id in drugs:
            yield entry.problem(f"标识 {entry.id} 既是药品又是类别（改一个）", "id")
    for entry in library.allergy_groups:
        yield from known(entry, entry.raw.get("cross") or (), groups, "过敏类别", "cross")
    for entry in library.drugs:
        yield from _one(entry, "class", classes, "药物类别")
        yield from known(entry, entry.raw.get("also") or (), classes, "药物类别", "also")
        yield from known(entry, entry.raw.get("allergy_groups") or (), groups, "过敏类别", "allergy_groups")
        yield from known(entry, entry.raw.get("ingredients") or (), set(drugs), "药品", "ingredients")
        yield from _check_compound(entry, drugs)
    yield from _check_names(library.drugs)
    yield from _check_words(library.drug_classes, "药物类别")
    yield from _check_words(library.allergy_groups, "过敏类别")
    yield from _check_interactions(library.interactions, classes | set(drugs))
    if library.prescribing is not None:
        yield from _check_rules(library.prescribing)
    elif library.drugs:
        yield library.drugs[0].problem("有药品表就要有 prescribing.yaml（处方规则）")


def _one(entry: Entry, key: str, ids: set[str], what: str) -> Iterator[Problem]:
    value = entry.raw.get(key)
    if value is not None and value not in ids:
        yield entry.problem(f"没有登记{what} {value}（{nearest(str(value), ids)}）", key)


def _check_safety(entry: Entry, problems: set[str]) -> Iterator[Problem]:
    for key, shape, what in (
        ("ages", shapes.AGE_LIMIT, "年龄限制"),
        ("contraindications", shapes.CONTRAINDICATION, "禁忌"),
    ):
        parts = entry.raw.get(key)
        if not isinstance(parts, LineList):
            continue
        for index, part in enumerate(parts):
            yield from check_shape(part, shape, entry.file, parts.lines[index], what)
            if not isinstance(part, LineDict):
                continue
            below = part.get("below")
            if isinstance(below, int | float) and not 0 < below <= _OLDEST_LIMIT:
                yield entry.problem(f"below {below} 应在 0 到 {_OLDEST_LIMIT} 岁之间", key, index, "below")
            for problem in part.get("problems") or ():
                if problem not in problems:
                    yield entry.problem(
                        f"没有登记征象或疾病 {problem}（{nearest(str(problem), problems)}）", key, index, "problems"
                    )
    if isinstance(entry.raw.get("elderly"), LineDict):
        yield from check_shape(entry.raw["elderly"], shapes.ELDERLY, entry.file, entry.line("elderly"), "老年人慎用")


def _check_compound(entry: Entry, drugs: dict[str, Entry]) -> Iterator[Problem]:
    """A compound that acts on the whole body is no safer in pregnancy and lactation than what is in it."""
    if entry.raw.get("topical"):
        return
    for ingredient in entry.raw.get("ingredients") or ():
        part = drugs.get(str(ingredient))
        if part is None or part is entry:
            continue
        if part.raw.get("ingredients"):
            yield entry.problem(f"成分 {ingredient} 自己也是复方（写它的各个成分）", "ingredients")
        for key in ("pregnancy", "lactation"):
            mine, its = entry.raw.get(key), part.raw.get(key)
            if mine in _SAFETY and its in _SAFETY and _SAFETY.index(mine) > _SAFETY.index(its):
                yield entry.problem(f"{key} 写了 {mine}，成分 {ingredient} 是 {its}（至少一样严）", key)


def _check_names(drugs: list[Entry]) -> Iterator[Problem]:
    owners: dict[str, Entry] = {}
    for entry in drugs:
        raw = entry.raw
        own = [(("name",), raw.get("name")), (("name_en",), raw.get("name_en"))]
        aliases = raw.get("aliases")
        own += [(("aliases",), alias) for alias in (aliases if isinstance(aliases, list) else ())]
        for path, name in own:
            owner = owners.setdefault(plain(str(name)), entry)
            if owner is not entry:
                yield entry.problem(f"药名“{name}”已是 {owner.id} 的（一个名字只能是一种药）", *path)


def _check_words(entries: list[Entry], what: str) -> Iterator[Problem]:
    owners: dict[str, Entry] = {}
    for entry in entries:
        words = entry.raw.get("words")
        for word in {str(entry.raw.get("name")), *(words if isinstance(words, list) else ())}:
            owner = owners.setdefault(plain(str(word)), entry)
            if owner is not entry:
                yield entry.problem(f"{what}的说法“{word}”已是 {owner.id} 的（只留一处）", "words")


def _check_interactions(entries: list[Entry], ids: set[str]) -> Iterator[Problem]:
    seen: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        between = entry.raw.get("between")
        if not isinstance(between, list):
            continue
        if len(between) != 2:
            yield entry.problem("between 要正好写两个药或类别", "between")
            continue
        yield from known(entry, between, ids, "药品或类别", "between")
        pair = tuple(sorted(map(str, between)))
        if pair in seen:
            yield entry.problem(f"{pair[0]} 与 {pair[1]} 第 {seen[pair].line()} 行已写（合并）", "between")
        seen[pair] = entry


def _check_rules(rules: Entry) -> Iterator[Problem]:
    levels = rules.raw.get("levels")
    for role, allowed in (levels if isinstance(levels, LineDict) else {}).items():
        for level in allowed if isinstance(allowed, list) else [allowed]:
            if level not in _LEVELS:
                yield rules.problem(f"抗菌药物级别 {level} 应是 {'、'.join(sorted(_LEVELS))} 之一", "levels", role)
    if isinstance(levels, LineDict) and rules.raw.get("lowest_role") not in levels:
        yield rules.problem("lowest_role 要是 levels 里的一个", "lowest_role")
    limits = [rules.raw.get(key) for key in ("emergency_days", "usual_days", "long_term_days", "longest_days")]
    if all(isinstance(limit, int | float) for limit in limits) and limits != sorted(limits, key=float):  # type: ignore[arg-type]
        yield rules.problem("天数要依次不减：emergency_days、usual_days、long_term_days、longest_days", "usual_days")
    messages = rules.raw.get("messages")
    if not isinstance(messages, LineDict):
        return
    for key in MESSAGE_SLOTS.keys() - messages.keys():
        yield rules.problem(f"messages 缺少 {key}（补上）", "messages")
    for key, message in messages.items():
        if key not in MESSAGE_SLOTS:
            yield rules.problem(f"没有提醒用语 {key}（{nearest(key, MESSAGE_SLOTS)}）", "messages", key)
            continue
        yield from check_shape(message, shapes.MESSAGE, rules.file, rules.line("messages", key), "提醒用语")
        for language in ("text", "text_en"):
            yield from _check_slots(rules, key, language, message)


def _check_slots(rules: Entry, key: str, language: str, message: Any) -> Iterator[Problem]:
    text = message.get(language) if isinstance(message, LineDict) else None
    if not isinstance(text, str):
        return
    try:
        slots = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        yield rules.problem("花括号没有配对（写成 {drug}）", "messages", key, language)
        return
    for slot in sorted(slots - MESSAGE_SLOTS[key]):
        allowed = "、".join(sorted(MESSAGE_SLOTS[key]))
        yield rules.problem(f"{key} 里没有 {{{slot}}} 可填（可用 {allowed}）", "messages", key, language)
