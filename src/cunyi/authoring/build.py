"""Compiles the knowledge folder into the one JSON document that the engine reads: same input, same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cunyi.authoring.doses import join_doses
from cunyi.authoring.language import compile_language
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.patients import learn, patient_texts
from cunyi.authoring.spoken_levels import learn_alarms, sentences
from cunyi.authoring.strict_yaml import LineDict
from cunyi.knowledge.artefact import FORMAT
from cunyi.reasoning.prepared import prepare_document

ARTEFACT = "knowledge.json"


def compile_library(library: Library) -> dict[str, Any]:
    """The compiled document of a library without fatal problems."""
    flags: list[Any] = []
    complaints: dict[str, Any] = {}
    for file in library.red_flags:
        for flag in file.raw["flags"]:
            flags.append({key: value for key, value in flag.items() if key not in ("fires", "spares", "review")})
            complaints[flag["id"]] = file.raw["complaint"]
    document: dict[str, Any] = {
        "format": FORMAT,
        "findings": _entries(library.findings),
        "items": _entries(library.items),
        "diseases": _entries(library.diseases),
        "red_flags": sorted(flags, key=lambda flag: flag["id"]),
        "complaints": complaints,
        "referral": _entries(library.referral),
        "referral_loop": dict(library.referral_loop.raw) if library.referral_loop else {},
        "referral_criteria": _without_examples(library.referral_criteria),
        "departments": _entries(library.departments),
        "department_hints": dict(library.department_hints.raw) if library.department_hints else {},
        "care_steps": dict(library.care_steps.raw) if library.care_steps else {},
        "first_level_names": dict(library.first_level_names.raw["names"]) if library.first_level_names else {},
        "examinations": _entries(library.examinations),
        "sources": _entries(library.sources),
        "drugs": _entries(library.drugs),
        "drug_classes": _entries(library.drug_classes),
        "allergy_groups": _entries(library.allergy_groups),
        "interactions": sorted((entry.raw for entry in library.interactions), key=lambda raw: sorted(raw["between"])),
        "doses": join_doses(library).agreed,
        "prescribing": dict(library.prescribing.raw) if library.prescribing else {},
        "follow_ups": _entries(library.follow_ups),
        "visit_rounds": dict(library.visit_rounds.raw) if library.visit_rounds else {},
        "opinion": dict(library.opinion.raw) if library.opinion else {},
        "answering": _unreviewed(library.answering.raw) if library.answering else {},
        "interview": _interview(library),
        "summary": _unreviewed(library.interview_summary.raw) if library.interview_summary else {},
        "settings": dict(library.settings),
        "language": compile_language(
            _entries(library.findings), _entries(library.items), library.classes, library.tables
        ),
        "learned": {"told": {}, "wordings": {}, "alarms": {}},
    }
    texts, spoken = patient_texts(library), sentences(library)
    if texts or spoken:
        # What the texts tell is read with the knowledge base itself, before it has learned anything from them.
        unlearned = prepare_document(document)
        document["learned"] = {**learn(texts, unlearned), "alarms": learn_alarms(spoken, unlearned)}
    return document


def _interview(library: Library) -> dict[str, Any]:
    """The interview's files in one mapping; the order of follow-ups, families and background questions is the authors'."""
    if library.interview_wording is None or library.interview_rules is None:
        return {}
    lists = {
        name: [_unreviewed(entry.raw) for entry in getattr(library, f"interview_{name}")]
        for name in ("follow_ups", "families", "groups", "places", "background", "first_aid")
    }
    return {**_unreviewed(library.interview_wording.raw), **_unreviewed(library.interview_rules.raw), **lists}


def _unreviewed(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key != "review"}


def _without_examples(entries: list[Entry]) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in raw.items() if key not in ("fires", "spares", "review")}
        for raw in _entries(entries)
    ]


def _entries(entries: list[Entry]) -> list[LineDict]:
    return [entry.raw for entry in sorted(entries, key=lambda entry: entry.id)]


def to_bytes(document: dict[str, Any]) -> bytes:
    """The document's bytes: sorted keys, no blanks, UTF-8."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def write_artefact(document: dict[str, Any], path: Path) -> None:
    """Writes the document, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".partial")
    draft.write_bytes(to_bytes(document))
    draft.replace(path)
