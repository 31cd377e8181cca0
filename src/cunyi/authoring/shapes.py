"""What each knowledge file may contain: keys, kinds of value, which are required. Data for the checker, not code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from cunyi.authoring.strict_yaml import LineDict, Problem
from cunyi.domain.prescription import ConcernKind, ConcernSeverity
from cunyi.domain.triage import REFERRAL_DEADLINES, REFERRAL_TARGETS, Criticality, TriageLevel

_ID = re.compile(r"[a-z][a-z0-9_]*\Z")
_DOTTED_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\Z")
_ICD10 = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{1,2}[0-9A-Za-z]?)?\Z")

Kind = Callable[[Any], str | None]
"""Checks one value; gives what is wrong in Chinese, or None."""


def text(value: Any) -> str | None:
    """Any non-empty text."""
    return None if isinstance(value, str) and value.strip() else "要写文字"


def number(value: Any) -> str | None:
    """An integer or decimal, not a truth value."""
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "要写数字"


def truth(value: Any) -> str | None:
    """true or false."""
    return None if isinstance(value, bool) else "要写 true 或 false"


def identifier(value: Any) -> str | None:
    """An English snake_case id."""
    return None if isinstance(value, str) and _ID.match(value) else "要写英文小写标识（如 chest_pain）"


def dotted(value: Any) -> str | None:
    """An id with a complaint before a dot."""
    return None if isinstance(value, str) and _DOTTED_ID.match(value) else "要写英文小写标识（如 chest_pain.acs）"


def icd10(value: Any) -> str | None:
    """An ICD-10 code."""
    return None if isinstance(value, str) and _ICD10.match(value) else "要写 ICD-10 编码（如 J18.9）"


def mapping(value: Any) -> str | None:
    """A mapping."""
    return None if isinstance(value, dict) and value else "要写“键: 值”的内容"


def one_of(*words: str) -> Kind:
    """One of a closed list."""

    def check(value: Any) -> str | None:
        if value is not None and not isinstance(value, bool) and str(value) in words:
            return None
        near = get_close_matches(str(value), words, 1)
        hint = f"，是不是 {near[0]}" if near else ""
        return f"只能是 {'、'.join(words)} 之一{hint}"

    return check


def many(kind: Kind, least: int = 0) -> Kind:
    """A list of one kind."""

    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return "要写列表，如 [a, b]"
        if len(value) < least:
            return f"至少要有 {least} 项"
        for item in value:
            wrong = kind(item)
            if wrong:
                return f"列表里的“{item}”：{wrong}"
        return None

    return check


def optional(kind: Kind) -> Kind:
    """The kind, or null."""

    def check(value: Any) -> str | None:
        return None if value is None else kind(value)

    return check


Shape = dict[str, tuple[Kind, bool]]
"""Key → (kind of its value, required)."""

SOURCES = (many(text, 1), True)
REVIEW = (mapping, False)
OBTAIN = ("ask", "village", "township", "county")

FINDING: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True),
    "kind": (one_of("symptom", "sign", "history", "exposure", "drug", "result"), True),
    "parent": (many(identifier), False), "background": (number, True), "obtain": (one_of(*OBTAIN), False),
    "sex": (one_of("male", "female"), False), "terms": (many(text), False), "spoken": (many(text), False),
    "local": (many(text), False), "in_context": (many(text), False), "context": (many(identifier), False), "absent_terms": (many(text), False),
    "ask": (text, False), "ask_en": (text, False), "when": (mapping, False), "group": (identifier, False),
    "note": (text, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
ITEM: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "names": (many(text), True),
    "unit": (optional(text), False), "units": (mapping, False), "possible": (mapping, False), "meter": (mapping, False), "scale": (many(text, 2), False),
    "obtain": (one_of(*OBTAIN), True), "normal": (many(mapping), False), "bands": (many(mapping), False),
    "critical": (many(mapping), False), "note": (text, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
PATIENTS: Shape = {
    "disease": (identifier, True),
    "texts": (many(mapping, 1), True),
    "sources": SOURCES,
    "review": REVIEW,
}
PATIENT_TEXT: Shape = {"kind": (one_of("vignette", "spoken", "note", "admission"), True), "text": (text, True)}
SPOKEN_LEVEL: Shape = {
    "level": (one_of(*[level.code for level in TriageLevel]), True), "sentences": (many(text, 1), True),
    "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
DISEASE: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "aliases": (many(text), True),
    "icd10": (icd10, True), "criticality": (one_of(*[level.code for level in Criticality]), True),
    "triage": (one_of(*[level.code for level in TriageLevel]), True), "department": (identifier, True),
    "base_rate": (number, True), "age": (mapping, False), "sex": (mapping, False), "season": (mapping, False),
    "region": (mapping, False), "pregnancy": (number, False), "requires_pregnancy": (truth, False),
    "risk_factors": (mapping, False), "findings": (mapping, True), "defining": (many(identifier, 1), False), "danger": (text, True), "exclude": (text, False),
    "workup": (many(mapping, 1), True), "referral": (mapping, True), "management": (many(mapping, 2), True),
    "note": (text, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
RED_FLAG_FILE: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "complaint": (many(identifier), True),
    "flags": (many(mapping, 1), True), "note": (text, False),
}  # fmt: skip
RED_FLAG: Shape = {
    "id": (dotted, True), "name": (text, True), "name_en": (text, True), "why": (text, True), "why_en": (text, True),
    "when": (mapping, True), "triage": (one_of("emergency", "urgent", "routine"), True), "referral": (mapping, False),
    "suspect": (many(identifier), False), "advice": (text, False), "fires": (many(mapping, 1), True),
    "spares": (many(mapping, 1), True), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
REFERRAL_RULE: Shape = {
    "id": (dotted, True), "name": (text, True), "when": (mapping, True), "to": (one_of(*REFERRAL_TARGETS), True),
    "within": (one_of(*REFERRAL_DEADLINES), True), "reason": (text, True), "reason_en": (text, True),
    "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
REFERRAL_TARGET: Shape = {
    "to": (one_of(*REFERRAL_TARGETS), True), "within": (optional(one_of(*REFERRAL_DEADLINES)), True), "when": (text, False),
}  # fmt: skip
WORKUP: Shape = {"examination": (identifier, True), "why": (text, True)}
MANAGEMENT: Shape = {"text": (text, True), "sources": SOURCES}
BAND: Shape = {
    "finding": (identifier, True), "sex": (one_of("male", "female"), False), "age": (mapping, False),
    "pregnant": (truth, False), "from": (number, False), "below": (number, False), "at_least": (text, False),
    "equals": (text, False),
}  # fmt: skip
CRITICAL: Shape = {
    "sex": (one_of("male", "female"), False), "age": (mapping, False), "from": (number, False), "below": (number, False),
    "note": (text, False), "sources": SOURCES,
}  # fmt: skip
DEPARTMENT: Shape = {
    "id": (identifier, True), "code": (text, True), "name": (text, True), "name_en": (text, True),
    "level": (one_of("township", "county"), True), "parent": (identifier, False), "child": (identifier, False),
    "adult": (identifier, False), "male": (identifier, False), "note": (text, False),
}  # fmt: skip
EXAMINATION: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "obtain": (one_of(*OBTAIN), True),
    "findings": (many(identifier), False), "items": (many(identifier), False), "note": (text, False),
}  # fmt: skip
SOURCE: Shape = {
    "id": (identifier, True), "title": (text, True),
    "kind": (one_of("guideline", "textbook", "paper", "data", "law", "general"), True), "year": (optional(number), True),
    "url": (optional(text), False), "pmid": (optional(text), False), "note": (text, False),
}  # fmt: skip

_SEVERITY = one_of(*ConcernSeverity)
_SAFETY = one_of("avoid", "caution", "ok", "unknown")
DRUG: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "aliases": (many(text), False),
    "class": (identifier, True), "also": (many(identifier), False), "ingredients": (many(identifier, 1), False),
    "ingredient_only": (truth, False), "allergy_groups": (many(identifier), False),
    "antimicrobial_level": (one_of("unrestricted", "restricted", "special"), False), "injection": (truth, False),
    "topical": (truth, False), "skin_test": (truth, False), "pregnancy": (_SAFETY, True), "lactation": (_SAFETY, True),
    "ages": (many(mapping, 1), False), "elderly": (mapping, False), "contraindications": (many(mapping, 1), False),
    "note": (text, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
DRUG_CLASS: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "words": (many(text), False),
    "allergy_group": (identifier, False), "duplicates": (truth, False), "long_term": (truth, False), "repeatable": (truth, False),
    "ages": (many(mapping, 1), False), "elderly": (mapping, False), "contraindications": (many(mapping, 1), False),
    "note": (text, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
ALLERGY_GROUP: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "words": (many(text, 1), True),
    "cross": (many(identifier), False), "note": (text, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
AGE_LIMIT: Shape = {
    "below": (number, True), "severity": (_SEVERITY, True), "reason": (text, True), "reason_en": (text, True),
}  # fmt: skip
ELDERLY: Shape = {"reason": (text, True), "reason_en": (text, True)}
CONTRAINDICATION: Shape = {
    "problems": (many(identifier, 1), True), "severity": (_SEVERITY, True), "reason": (text, True), "reason_en": (text, True),
}  # fmt: skip
INTERACTION: Shape = {
    "between": (many(identifier, 2), True), "severity": (_SEVERITY, True), "text": (text, True), "text_en": (text, True),
    "note": (text, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
PRESCRIBING: Shape = {
    "most_drugs": (number, True), "usual_days": (number, True), "emergency_days": (number, True),
    "long_term_days": (number, True), "longest_days": (number, True), "elderly_years": (number, True),
    "lowest_role": (identifier, True), "levels": (mapping, True), "intravenous_words": (many(text, 1), True),
    "county_approval_roles": (many(identifier), True), "form_words": (many(text, 1), True),
    "salt_words": (many(text, 1), True), "injection_words": (many(text, 1), True),
    "denial_words": (many(text, 1), True), "allergy_words": (many(text, 1), True), "nothing_words": (many(text, 1), True),
    "no_known_allergy": (mapping, True), "in_use": (mapping, True),
    "dosing_words": (many(text, 1), True), "other_allergens": (many(text), True),
    "routes": (many(text, 1), True), "frequencies": (many(text, 1), True), "doses": (mapping, True), "messages": (mapping, True),
    "sources": SOURCES,
}  # fmt: skip
DOSE: Shape = {
    "drug": (identifier, True), "route": (text, True), "age": (mapping, True), "single": (mapping, False),
    "times": (mapping, False), "daily": (mapping, False), "single_per_kg": (mapping, False), "daily_per_kg": (mapping, False),
    "kidney": (mapping, False), "liver": (one_of("reduce", "avoid"), False), "note": (text, False), "sources": SOURCES,
    "review": REVIEW,
}  # fmt: skip
DOSE_AGE: Shape = {"from": (number, False), "below": (number, False)}
DOSE_AMOUNT: Shape = {"low": (number, False), "high": (number, False), "unit": (text, True)}
DOSE_TIMES: Shape = {"low": (number, False), "high": (number, False)}
DOSE_KIDNEY: Shape = {"below": (number, True), "action": (one_of("reduce", "avoid"), True)}
DOSE_RULES: Shape = {
    "agreement": (number, True), "over_times": (number, True), "over_times_per_kg": (number, True), "stop_times": (number, True),
    "often_times": (number, True), "low_times": (number, True), "child_weight_days": (number, True),
    "creatinine_days": (number, True), "units": (mapping, True), "forms": (many(text, 1), True),
    "kilogram_words": (many(text, 1), True), "day_words": (many(text, 1), True), "daily_words": (many(text, 1), True),
    "every_words": (many(text, 1), True), "hour_words": (many(text, 1), True), "filler_words": (many(text, 1), True),
    "as_needed_words": (many(text, 1), True), "frequency_words": (mapping, True), "periods": (mapping, True),
    "route_words": (mapping, True), "liver_problems": (many(identifier), True), "kidney": (mapping, True),
    "unverified_sources": (many(identifier), True), "unverified": (mapping, True), "withheld": (mapping, True),
}  # fmt: skip
KIDNEY_FORMULA: Shape = {
    "youngest": (number, True), "mg_dl": (number, True), "scale": (number, True), "kappa": (mapping, True),
    "alpha": (mapping, True), "beta": (number, True), "yearly": (number, True), "factor": (mapping, True), "sources": SOURCES,
}  # fmt: skip
UNVERIFIED: Shape = {"text": (text, True), "text_en": (text, True)}
FOLLOW_UP: Shape = {
    "id": (identifier, True), "name": (text, True), "name_en": (text, True), "disease": (identifier, True),
    "readings": (many(identifier, 1), True), "no_complaints": (text, True), "interval_days": (number, True),
    "sooner": (mapping, False), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
SOONER: Shape = {"when": (mapping, True), "within_days": (number, True), "why": (text, True), "why_en": (text, True)}
MESSAGE: Shape = {
    "kind": (one_of(*ConcernKind), True), "severity": (_SEVERITY, False), "text": (text, True), "text_en": (text, True),
    "sources": SOURCES,
}  # fmt: skip

ANSWERING: Shape = {
    "consultation": (mapping, True), "critical_value": (mapping, True), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip

OPINION: Shape = {
    "shown": (mapping, True), "percent_least": (number, True), "weak_below": (number, True),
    "absent": (mapping, True), "levels": (mapping, True), "places": (mapping, True), "within": (mapping, True), "people": (mapping, True),
    "not_an_option": (many(text, 1), True), "allergy_words": (many(text, 1), True), "taking_words": (many(text, 1), True),
    "sentences": (mapping, True), "guard": (mapping, True), "sources": SOURCES, "review": REVIEW,
}  # fmt: skip
OPINION_GUARD: Shape = {
    "text": (text, True), "longest_times": (number, True), "levels": (mapping, True),
    "drug_words": (many(text, 1), True), "negations": (many(text, 1), True), "comparisons": (many(text, 1), True), "units": (many(text, 1), True),
}  # fmt: skip
OPINION_SENTENCE: Shape = {"text": (text, True), "text_en": (text, True), "sources": SOURCES}
OPINION_NAME: Shape = {"name": (text, True), "name_en": (text, True)}


def check_shape(raw: Any, shape: Shape, file: str, line: int, what: str) -> list[Problem]:
    """What is wrong with one entry's keys and kinds of value."""
    if not isinstance(raw, LineDict):
        return [Problem(file, line, f"{what}要写成“键: 值”（检查缩进）")]
    problems = []
    for key, value in raw.items():
        at = raw.lines.get(key, line)
        if key not in shape:
            problems.append(Problem(file, at, f"{what}没有“{key}”这个键（{nearest(key, shape)}）"))
            continue
        wrong = shape[key][0](value)
        if wrong:
            problems.append(Problem(file, at, f"{what}的 {key}：{wrong}"))
    problems += [
        Problem(file, raw.line or line, f"{what}缺少 {key}（补上）")
        for key, (_, required) in shape.items()
        if required and key not in raw
    ]
    return problems


def nearest(word: str, candidates: Iterable[str]) -> str:
    """A hint naming the most similar known word."""
    near = get_close_matches(word, list(candidates), 1, 0.5)
    return f"最接近的是 {near[0]}" if near else "没有相近的，先登记它"
