"""The compiled knowledge: one JSON document, its bytes named by their hash. Turned into records here, without I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from cunyi.domain.errors import KnowledgeError
from cunyi.knowledge import model
from cunyi.knowledge.answering import read_answering
from cunyi.knowledge.conditions import Bounds, parse_condition
from cunyi.knowledge.departments import read_care_words, read_departments, read_hints
from cunyi.knowledge.drugs import read_formulary
from cunyi.knowledge.follow_ups import read_follow_up
from cunyi.knowledge.interviews import read_interview_words
from cunyi.knowledge.opinions import read_opinion_words
from cunyi.knowledge.patients import read_learned
from cunyi.knowledge.referral_loops import read_referral_loop
from cunyi.knowledge.summaries import read_summary_words
from cunyi.knowledge.visit_rounds import read_visit_rules

FORMAT = 4
FREQUENCY_CLASSES = {
    "almost_always": 0.95,
    "very_common": 0.8,
    "common": 0.6,
    "frequent": 0.4,
    "occasional": 0.2,
    "uncommon": 0.1,
    "rare": 0.03,
    "very_rare": 0.01,
}


def version_of(data: bytes) -> str:
    """The name of a compiled knowledge base: the first twelve hexadecimal digits of its SHA-256."""
    return hashlib.sha256(data).hexdigest()[:12]


def decode(data: bytes) -> tuple[model.Content, dict[str, Any], str]:
    """The content, the compiled language and the version of an artefact. KnowledgeError when it cannot be used."""
    try:
        raw = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise KnowledgeError("知识库文件已损坏，请重新安装或运行 cunyi knowledge build") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise KnowledgeError("知识库文件与程序版本不符，请运行 cunyi knowledge build 重新生成")
    return _content(raw), raw["language"], version_of(data)


def likelihood(value: float | str) -> float:
    """The probability that a number or a named frequency class stands for. KeyError for an unknown class."""
    return FREQUENCY_CLASSES[value] if isinstance(value, str) else float(value)


def parse_age_band(text: str) -> tuple[float, float]:
    """The years of an age band written `15-45`. ValueError for anything else."""
    lower, upper = (float(part) for part in text.split("-"))
    if lower >= upper:
        raise ValueError(text)
    return lower, upper


def _content(raw: Mapping[str, Any]) -> model.Content:
    return model.Content(
        findings={entry["id"]: _finding(entry) for entry in raw["findings"]},
        items={entry["id"]: _item(entry) for entry in raw["items"]},
        diseases={entry["id"]: _disease(entry) for entry in raw["diseases"]},
        red_flags={entry["id"]: _red_flag(entry, raw["complaints"]) for entry in raw["red_flags"]},
        referral={
            entry["id"]: model.ReferralRule(
                id=entry["id"],
                name=entry["name"],
                when=parse_condition(entry["when"]),
                to=str(entry["to"]),
                within=entry["within"],
                reason=entry["reason"],
                reason_en=entry["reason_en"],
                sources=tuple(entry["sources"]),
            )
            for entry in raw["referral"]
        },
        referral_loop=read_referral_loop(raw.get("referral_loop") or {}, raw.get("referral_criteria") or ()),
        departments=read_departments(raw["departments"]),
        department_hints=read_hints(raw["department_hints"]),
        care_words=read_care_words(raw["care_steps"]),
        first_level_names={name: tuple(names) for name, names in raw["first_level_names"].items()},
        examinations={
            entry["id"]: model.Examination(
                entry["id"],
                entry["name"],
                entry["name_en"],
                entry["obtain"],
                tuple(entry.get("findings") or ()),
                tuple(entry.get("items") or ()),
            )
            for entry in raw["examinations"]
        },
        sources={
            entry["id"]: model.Source(
                entry["id"], entry["title"], entry["kind"], entry.get("year"), entry.get("url"), entry.get("pmid")
            )
            for entry in raw["sources"]
        },
        formulary=read_formulary(raw),
        follow_ups={entry["id"]: read_follow_up(entry) for entry in raw["follow_ups"]},
        visit_rounds=read_visit_rules(raw.get("visit_rounds")),
        opinion=read_opinion_words(raw["opinion"]),
        answering=read_answering(raw.get("answering") or {}),
        interview=read_interview_words(raw["interview"]),
        summary=read_summary_words(raw["summary"]),
        learned=read_learned(raw["learned"]),
        settings=raw["settings"],
    )


def _finding(entry: Mapping[str, Any]) -> model.Finding:
    default_obtain = {"sign": "village", "result": "county"}.get(entry["kind"], "ask")
    return model.Finding(
        id=entry["id"],
        name=entry["name"],
        name_en=entry["name_en"],
        kind=entry["kind"],
        parents=tuple(entry.get("parent") or ()),
        background=float(entry["background"]),
        obtain=entry.get("obtain") or default_obtain,
        sex=entry.get("sex"),
        ask=entry.get("ask"),
        ask_en=entry.get("ask_en"),
        group=entry.get("group"),
        when=parse_condition(entry["when"]) if entry.get("when") else None,
        sources=tuple(entry["sources"]),
    )


def _bounds(raw: Mapping[str, Any] | None) -> Bounds | None:
    if not raw or (raw.get("from") is None and raw.get("below") is None):
        return None
    lower, upper = raw.get("from"), raw.get("below")
    return Bounds(None if lower is None else float(lower), None if upper is None else float(upper))


def _band(raw: Mapping[str, Any], scale: tuple[str, ...]) -> model.Band:
    ordinals: frozenset[str] = frozenset()
    if "at_least" in raw:
        ordinals = frozenset(scale[scale.index(raw["at_least"]) :])
    elif "equals" in raw:
        ordinals = frozenset({raw["equals"]})
    return model.Band(
        finding=raw.get("finding"),
        sex=raw.get("sex"),
        age=_bounds(raw.get("age")),
        pregnant=raw.get("pregnant"),
        value=_bounds(raw),
        ordinals=ordinals,
        note=raw.get("note"),
        sources=tuple(raw.get("sources") or ()),
    )


def _item(entry: Mapping[str, Any]) -> model.Item:
    scale = tuple(entry.get("scale") or ())
    return model.Item(
        id=entry["id"],
        name=entry["name"],
        name_en=entry["name_en"],
        unit=entry.get("unit"),
        possible=_bounds(entry.get("possible")),
        meter=_bounds(entry.get("meter")),
        scale=scale,
        obtain=entry["obtain"],
        normal=tuple(_band(band, scale) for band in entry.get("normal") or ()),
        bands=tuple(_band(band, scale) for band in entry.get("bands") or ()),
        critical=tuple(_band(band, scale) for band in entry.get("critical") or ()),
        sources=tuple(entry["sources"]),
    )


def _disease(entry: Mapping[str, Any]) -> model.Disease:
    return model.Disease(
        id=entry["id"],
        name=entry["name"],
        name_en=entry["name_en"],
        aliases=tuple(entry.get("aliases") or ()),
        icd10=entry["icd10"],
        criticality=entry["criticality"],
        triage=entry["triage"],
        department=entry["department"],
        base_rate=float(entry["base_rate"]),
        age=tuple((*parse_age_band(band), float(factor)) for band, factor in (entry.get("age") or {}).items()),
        sex={sex: float(factor) for sex, factor in (entry.get("sex") or {}).items()},
        season={int(month): float(factor) for month, factor in (entry.get("season") or {}).items()},
        region={place: float(factor) for place, factor in (entry.get("region") or {}).items()},
        pregnancy=float(entry.get("pregnancy", 1)),
        requires_pregnancy=bool(entry.get("requires_pregnancy", False)),
        risk_factors={finding: float(risk) for finding, risk in (entry.get("risk_factors") or {}).items()},
        findings={finding: likelihood(value) for finding, value in entry["findings"].items()},
        defining=tuple(entry.get("defining") or ()),
        danger=entry["danger"],
        exclude=entry.get("exclude"),
        workup=tuple(model.WorkupStep(step["examination"], step["why"]) for step in entry["workup"]),
        referral=_referral(entry["referral"]),
        management=tuple(model.Advice(step["text"], tuple(step["sources"])) for step in entry["management"]),
        sources=tuple(entry["sources"]),
        review_status=(entry.get("review") or {}).get("status", "draft"),
    )


def _referral(raw: Mapping[str, Any]) -> model.Referral:
    return model.Referral(str(raw["to"]), raw.get("within"), raw.get("when"))


def _red_flag(entry: Mapping[str, Any], complaints: Mapping[str, list[str]]) -> model.RedFlag:
    return model.RedFlag(
        id=entry["id"],
        name=entry["name"],
        name_en=entry["name_en"],
        complaint=tuple(complaints[entry["id"]]),
        why=entry["why"],
        why_en=entry["why_en"],
        when=parse_condition(entry["when"]),
        triage=entry["triage"],
        referral=_referral(entry["referral"]) if entry.get("referral") else None,
        suspect=tuple(entry.get("suspect") or ()),
        advice=entry.get("advice"),
        sources=tuple(entry["sources"]),
    )
