"""The doctors' own tests: examples of red flags and plan criteria that must fire or spare, and the cases under `knowledge/cases`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cunyi.authoring.load import Entry, Library
from cunyi.authoring.strict_yaml import Problem
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Status
from cunyi.domain.intake import parse_case
from cunyi.knowledge.conditions import evaluate
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive

_VITALS = frozenset(
    {
        "temperature_c", "pulse_bpm", "respiratory_rate_bpm", "systolic_mmhg", "diastolic_mmhg", "spo2_pct", "weight_kg",
        "height_cm", "glucose_mmol_l",
    }
)  # fmt: skip
EXPECTATIONS = frozenset(
    {
        "triage",
        "triage_at_least",
        "among_first",
        "must_exclude",
        "findings",
        "not_first",
        "referral_to",
        "flags",
        "values",
    }
)


def check_examples(library: Library, knowledge: Knowledge) -> Iterator[Problem]:
    """Every rule fires on its examples and spares its near misses; every case comes out as its author expects."""
    for file in library.red_flags:
        for index, flag in enumerate(file.raw["flags"]):
            for kind, wanted in (("fires", True), ("spares", False)):
                for number, example in enumerate(flag[kind]):
                    fired = _fires(flag["id"], example, knowledge)
                    if fired != wanted:
                        said = "应触发而没有" if wanted else "不该触发却触发了"
                        yield file.problem(
                            f"危险信号 {flag['id']} 的例子{said}（改条件或改例子）", "flags", index, kind, number
                        )
    yield from _check_criteria(library, knowledge)
    for case in library.cases:
        yield from _check_case(case, knowledge)


def example_case(example: Mapping[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    """An example of a red-flag file as a case."""
    facts = [
        {"finding": finding, "status": status, **_manner(example)}
        for status in ("present", "absent")
        for finding in example.get(status) or ()
    ]
    items = knowledge.content.items
    labs = [
        {"name": items[item].name, "value": value, "unit": items[item].unit}
        for item, value in (example.get("labs") or {}).items()
    ]
    return {
        "id": "example",
        "age_years": example.get("age"),
        "sex": example.get("sex"),
        "pregnant": example.get("pregnant"),
        "month": example.get("month"),
        "findings": facts,
        "vitals": dict(example.get("vitals") or {}),
        "labs": labs,
    }


def _manner(example: Mapping[str, Any]) -> dict[str, Any]:
    return {key: example[key] for key in ("onset", "severity", "duration_days") if key in example}


def _fires(flag_id: str, example: Mapping[str, Any], knowledge: Knowledge) -> bool:
    case = parse_case(example_case(example, knowledge))
    presentation = receive(case, knowledge).presentation
    return evaluate(knowledge.content.red_flags[flag_id].when, presentation) is True


def _check_criteria(library: Library, knowledge: Knowledge) -> Iterator[Problem]:
    loop = knowledge.content.referral_loop
    conditions = {each.id: each.when for each in loop.criteria} if loop else {}
    for entry in library.referral_criteria:
        for kind, wanted in (("fires", True), ("spares", False)):
            for number, example in enumerate(entry.raw[kind]):
                case = parse_case(example_case(example, knowledge))
                if (evaluate(conditions[entry.id], receive(case, knowledge).presentation) is True) != wanted:
                    said = "应符合而没有" if wanted else "不该符合却符合了"
                    yield entry.problem(f"指征 {entry.id} 的例子{said}（改条件或改例子）", kind, number)


def _check_case(entry: Entry, knowledge: Knowledge) -> Iterator[Problem]:
    expect = entry.raw.get("expect")
    case = entry.raw.get("case")
    title = entry.raw.get("title", "")
    if not isinstance(expect, Mapping) or not isinstance(case, Mapping) or not expect:
        yield entry.problem("病例要写 title、by、case 和 expect")
        return
    for key in set(expect) - EXPECTATIONS:
        yield entry.problem(f"expect 里没有“{key}”（可用 {'、'.join(sorted(EXPECTATIONS))}）", "expect", key)
    try:
        result = assess({"id": title, **case}, knowledge).to_dict()
    except UserError as error:
        yield entry.problem(f"病例读不了：{error.message}", "case")
        return
    for message in _differences(expect, result):
        yield entry.problem(f"病例“{title}”与预期不符（{entry.raw.get('by', '未署名')}）：{message}", "expect")


_LEVELS = ("self_care", "routine", "urgent", "emergency")


def _differences(expect: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    level = result["triage"]["level"]
    if "triage" in expect and level != expect["triage"]:
        yield f"分诊应为 {expect['triage']}，实为 {level}"
    if "triage_at_least" in expect and _LEVELS.index(level) < _LEVELS.index(expect["triage_at_least"]):
        yield f"分诊至少应为 {expect['triage_at_least']}，实为 {level}"
    order = [candidate["disease"] for candidate in result["differential"]]
    for disease, within in (expect.get("among_first") or {}).items():
        if disease not in order[:within]:
            yield f"{disease} 应在前 {within} 位，实际前几位是 {'、'.join(order[:5])}"
    if order and order[0] in (expect.get("not_first") or ()):
        yield f"{order[0]} 不该排第一"
    excluded = {one["disease"] for one in result["must_exclude"]} | set(order[:5])
    for disease in expect.get("must_exclude") or ():
        if disease not in excluded:
            yield f"需排除里应有 {disease}"
    if "referral_to" in expect and result["referral"]["to"] != str(expect["referral_to"]):
        yield f"转诊应到 {expect['referral_to']}，实为 {result['referral']['to']}"
    fired = {reason["rule"] for reason in result["triage"]["reasons"]}
    for flag in expect.get("flags") or ():
        if flag not in fired:
            yield f"危险信号 {flag} 应触发"
    yield from _finding_differences(expect, result)


def _finding_differences(expect: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    found: dict[str, set[str]] = {}
    for finding in result["findings"]:
        status = finding["status"]
        if finding["who"] == "family":
            status = "family"
        elif finding["when"] == "past" and status == Status.PRESENT:
            found.setdefault(finding["finding"], set()).add("past")
        found.setdefault(finding["finding"], set()).add(status)
    for finding, status in (expect.get("findings") or {}).items():
        statuses = found.get(finding, {"unknown"})
        if status not in statuses:
            yield f"征象 {finding} 应为 {status}，实为 {'、'.join(sorted(statuses))}"
    values = {reading["item"]: reading["value"] for reading in result["readings"]}
    for item, value in (expect.get("values") or {}).items():
        if values.get(item) != value:
            yield f"读数 {item} 应为 {value}，实为 {values.get(item)}"
