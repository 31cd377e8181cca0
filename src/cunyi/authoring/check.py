"""The knowledge check: every rule about the knowledge folder, in one list of problems by file and line."""

from __future__ import annotations

from collections.abc import Iterator

from cunyi.authoring.check_answering import check_answering
from cunyi.authoring.check_departments import check_departments
from cunyi.authoring.check_diseases import check_diseases
from cunyi.authoring.check_doses import check_doses
from cunyi.authoring.check_drugs import check_drugs
from cunyi.authoring.check_findings import check_findings, check_items
from cunyi.authoring.check_follow_ups import check_follow_ups
from cunyi.authoring.check_interview import check_interview
from cunyi.authoring.check_opinion import check_opinion
from cunyi.authoring.check_references import (
    check_broad_names,
    check_parts,
    check_settings,
    check_sources,
    check_unique,
)
from cunyi.authoring.check_referral_loop import check_referral_loop
from cunyi.authoring.check_rules import check_rules
from cunyi.authoring.check_summary import check_summary
from cunyi.authoring.check_visit_rounds import check_visit_rounds
from cunyi.authoring.load import Library
from cunyi.authoring.patients import check_patients
from cunyi.authoring.spoken_levels import check_spoken_levels
from cunyi.authoring.strict_yaml import Problem

CHECKS = (
    check_unique,
    check_sources,
    check_parts,
    check_broad_names,
    check_settings,
    check_findings,
    check_items,
    check_diseases,
    check_departments,
    check_rules,
    check_drugs,
    check_doses,
    check_follow_ups,
    check_referral_loop,
    check_visit_rounds,
    check_opinion,
    check_answering,
    check_interview,
    check_summary,
    check_patients,
    check_spoken_levels,
)


def check_library(library: Library) -> list[Problem]:
    """Everything wrong with a library, those of loading included, in order of file and line."""
    return sorted(set(library.problems) | set(_all(library)))


def _all(library: Library) -> Iterator[Problem]:
    for check in CHECKS:
        yield from check(library)
