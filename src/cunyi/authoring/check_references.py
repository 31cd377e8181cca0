"""Ids that must be known, entries that must be unique, sources that must be named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cunyi.authoring import shapes
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.shapes import check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, LineList, Problem

_PMID = re.compile(r"PMID [1-9][0-9]{3,8}\Z")
_FORMULARY = ("drugs", "drug_classes", "allergy_groups", "interactions", "doses_first", "doses_second")
_KINDS = (
    *("findings", "items", "diseases", "red_flags", "referral", "departments", "examinations", "sources"),
    *("drugs", "drug_classes", "allergy_groups", "follow_ups", "referral_criteria"),
    *("interview_families", "interview_groups", "interview_places", "interview_first_aid"),
)


def check_unique(library: Library) -> Iterator[Problem]:
    """No id twice within a kind."""
    for kind in _KINDS:
        seen: dict[str, Entry] = {}
        for entry in getattr(library, kind):
            if entry.id in seen:
                first = seen[entry.id]
                yield entry.problem(f"标识 {entry.id} 重复，{first.file}:{first.line()} 已有（改名或合并）", "id")
            seen[entry.id] = entry


def known(entry: Entry, ids: Iterable[str], known_ids: set[str], what: str, *path: str) -> Iterator[Problem]:
    """A problem for each id that nothing defines, with the nearest one."""
    for index, one in enumerate(ids):
        if one not in known_ids:
            at: tuple[str | int, ...] = (*path, one) if isinstance(_part(entry.raw, path), LineDict) else (*path, index)
            yield entry.problem(f"没有登记{what} {one}（{nearest(str(one), known_ids)}）", *at)


def check_broad_names(library: Library) -> Iterator[Problem]:
    """A broad name (鼻炎) stands for diseases that there are."""
    diseases = {entry.id for entry in library.diseases}
    for table, rows in library.tables.items():
        for number, row in enumerate(rows):
            if row["kind"] != "broad_name":
                continue
            for disease in row["value"].split():
                if disease not in diseases:
                    yield Problem(
                        f"language/{table}.csv",
                        number + 2,
                        f"没有登记疾病 {disease}（{nearest(disease, diseases)}）",
                        # The language tables may serve a smaller library of diseases.
                        fatal=False,
                    )


def check_settings(library: Library) -> Iterator[Problem]:
    """The findings that the settings name are there: one that is not would be left out without a word."""
    findings = {entry.id for entry in library.findings}
    for number, finding in enumerate(library.settings.get("of_grown_women", ())):
        if finding not in findings:
            yield Problem(
                "case_mix.yaml",
                library.settings["of_grown_women"].lines[number],
                f"没有登记征象 {finding}（{nearest(finding, findings)}）",
                # The settings may serve a smaller library of findings.
                fatal=False,
            )


def _part(raw: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw


def check_sources(library: Library) -> Iterator[Problem]:
    """Every `sources` anywhere names registered sources or PubMed ids."""
    registered = {entry.id for entry in library.sources}
    for kind in (
        "findings",
        "items",
        "diseases",
        "red_flags",
        "referral",
        "referral_criteria",
        *_FORMULARY,
        "follow_ups",
        "interview_first_aid",
    ):
        for entry in getattr(library, kind):
            yield from _sources_of(entry, entry.raw, registered)
    if library.prescribing:
        yield from _sources_of(library.prescribing, library.prescribing.raw, registered)
    for departments in (library.department_hints, library.care_steps):
        if departments:
            yield from _sources_of(departments, departments.raw, registered)
    if library.interview_rules:
        yield from _sources_of(library.interview_rules, library.interview_rules.raw, registered)
    if library.answering:
        yield from _sources_of(library.answering, library.answering.raw, registered)
    if library.opinion:
        yield from _sources_of(library.opinion, library.opinion.raw, registered)
    if library.interview_summary:
        yield from _sources_of(library.interview_summary, library.interview_summary.raw, registered)
    if library.settings:
        settings = Entry(library.settings, "case_mix.yaml")  # type: ignore[arg-type]
        yield from _sources_of(settings, settings.raw, registered)


def _sources_of(entry: Entry, node: Any, registered: set[str]) -> Iterator[Problem]:
    if isinstance(node, LineDict):
        for key, value in node.items():
            if key == "sources" and isinstance(value, LineList):
                for index, source in enumerate(value):
                    if source not in registered and not _PMID.match(str(source)):
                        yield Problem(
                            entry.file,
                            value.lines[index],
                            f"没有登记来源 {source}（{nearest(str(source), registered)}；文献写 PMID 加号码）",
                        )
            else:
                yield from _sources_of(entry, value, registered)
    elif isinstance(node, LineList):
        for item in node:
            yield from _sources_of(entry, item, registered)


def check_parts(library: Library) -> Iterator[Problem]:
    """The shapes of nested parts: bands, critical values, work-up, referral, management, flags."""
    for item in library.items:
        for key, shape, what in (("bands", shapes.BAND, "区间"), ("critical", shapes.CRITICAL, "危急值")):
            yield from _parts(item, key, shape, what)
    for disease in library.diseases:
        yield from _parts(disease, "workup", shapes.WORKUP, "检查建议")
        yield from _parts(disease, "management", shapes.MANAGEMENT, "处置")
        if isinstance(disease.raw.get("referral"), LineDict):
            yield from check_shape(
                disease.raw["referral"], shapes.REFERRAL_TARGET, disease.file, disease.line("referral"), "转诊"
            )
    for file in library.red_flags:
        yield from _parts(file, "flags", shapes.RED_FLAG, "危险信号")


def _parts(entry: Entry, key: str, shape: shapes.Shape, what: str) -> Iterator[Problem]:
    value = entry.raw.get(key)
    if isinstance(value, LineList):
        for index, part in enumerate(value):
            yield from check_shape(part, shape, entry.file, value.lines[index], what)
