"""What the knowledge base says of departments: the national list, who stands in for whom, and the words each one sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Department(msgspec.Struct, frozen=True, kw_only=True):
    """A clinical department with its national code (科室).

    `parent` stands in for it where a hospital has none; `level` is the lowest hospital that usually has it. `child`, `adult`
    and `male` see its patients when they are children, grown up, or men (None: it sees them itself).
    """

    id: str
    code: str
    name: str
    name_en: str
    level: str
    parent: str | None
    child: str | None
    adult: str | None
    male: str | None

    @property
    def first_level(self) -> str:
        """The code of the first level of the national list that it belongs to."""
        return self.code.partition(".")[0]


class Patients(msgspec.Struct, frozen=True):
    """What of a patient decides which department sees him (就诊人群)."""

    child: bool
    grown_up: bool
    male: bool


def seen_by(department: str, patients: Patients, departments: Mapping[str, Department]) -> str:
    """Who sees a department's patients when they are a child, grown up or a man."""
    known = departments[department]
    if patients.child and known.child is not None and known.child in departments:
        return known.child
    if patients.male and not patients.child and known.male is not None and known.male in departments:
        return known.male
    if patients.grown_up and known.adult is not None and known.adult in departments:
        return known.adult
    return department


class HintWord(msgspec.Struct, frozen=True):
    """A word that names a department, with what it is worth in log-odds (科室提示词). `weak` and `strong` ones add up to a limit."""

    department: str
    kind: str
    weight: float


class DepartmentHints(msgspec.Struct, frozen=True, kw_only=True):
    """The words that say who sees this (科室提示词表): a word to what it hints at, words of a child, words that mislead."""

    words: dict[str, tuple[HintWord, ...]]
    child_words: frozenset[str]
    neutral: frozenset[str]
    most: dict[str, float]
    evidence_weight: float
    evidence_floor: float
    widest_gap: int
    child: float
    pregnant: float
    danger: float
    danger_share: float
    """What a department has more in log-odds that sees the dangerous diseases, where they have so much of the differential."""
    denied_before: tuple[str, ...]
    """A hint right after one of these words is denied."""
    something: float
    """How sure the choice must be of a word or finding before a department is named at all, in log-odds."""


class CareWords(msgspec.Struct, frozen=True, kw_only=True):
    """Why a level of care or a department was chosen, in words (分级诊疗用语): key to Chinese and English."""

    reasons: dict[str, tuple[str, str]]


def read_departments(entries: list[Mapping[str, Any]]) -> dict[str, Department]:
    """The departments by id."""
    return {
        entry["id"]: Department(
            id=entry["id"],
            code=str(entry["code"]),
            name=entry["name"],
            name_en=entry["name_en"],
            level=entry["level"],
            parent=entry.get("parent"),
            child=entry.get("child"),
            adult=entry.get("adult"),
            male=entry.get("male"),
        )
        for entry in entries
    }


def read_hints(raw: Mapping[str, Any]) -> DepartmentHints | None:
    """The hint words; None where the knowledge base has none."""
    if not raw:
        return None
    words: dict[str, list[HintWord]] = {}
    for entry in raw["departments"]:
        for kind, weight in raw["weights"].items():
            for word in entry.get(kind) or ():
                words.setdefault(word, []).append(HintWord(entry["id"], kind, float(weight)))
    return DepartmentHints(
        words={word: tuple(hints) for word, hints in words.items()},
        child_words=frozenset(raw["child_words"]),
        neutral=frozenset((*raw["neutral"], *raw["not_child_words"])),
        most={kind: float(most) for kind, most in raw["most"].items()},
        evidence_weight=float(raw["evidence_weight"]),
        evidence_floor=float(raw["evidence_floor"]),
        widest_gap=int(raw["widest_gap"]),
        child=float(raw["child"]),
        pregnant=float(raw["pregnant"]),
        danger=float(raw["danger"]),
        danger_share=float(raw["danger_share"]),
        denied_before=tuple(raw["denied_before"]),
        something=float(raw["something"]),
    )


def read_care_words(raw: Mapping[str, Any]) -> CareWords | None:
    """The reasons in words; None where the knowledge base has none."""
    if not raw:
        return None
    return CareWords(reasons={key: (entry["text"], entry["text_en"]) for key, entry in raw["reasons"].items()})
