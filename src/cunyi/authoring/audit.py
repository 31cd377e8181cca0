"""The knowledge audit: everything the knowledge base says that facts, cases or its own structure speak against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cunyi.authoring.audit_facts import read_facts
from cunyi.authoring.audit_inside import Alike, Unreached, Unused, alike, unreached, unused
from cunyi.authoring.audit_links import LinkAudit, audit_links
from cunyi.authoring.audit_names import build_names
from cunyi.authoring.audit_priors import PriorAudit, audit_priors
from cunyi.authoring.audit_profile import build_profile
from cunyi.authoring.audit_ratios import RatioAudit, audit_ratios
from cunyi.authoring.audit_wordings import Contradicted, contradicted
from cunyi.authoring.load import Library
from cunyi.reasoning.prepared import Knowledge


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit lets pass: `factor` between two likelihood ratios, `evidence` (nats, both ways) that separates two
    diseases, `overlap` of age and sex from which they compete for the same patients."""

    factor: float = 3.0
    evidence: float = 8.0
    overlap: float = 0.6


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found (知识审核). `unreached` is None where no case was given."""

    limits: Limits
    ratios: RatioAudit
    links: LinkAudit
    priors: list[PriorAudit]
    unreached: list[Unreached] | None
    cases: int
    alike: list[Alike]
    unused: list[Unused]
    contradicted: list[Contradicted]
    missing_files: list[str]


def audit(
    library: Library,
    knowledge: Knowledge,
    *,
    facts: Path,
    names: Path | None,
    cases: Iterable[Mapping[str, Any]] | None,
    limits: Limits,
) -> Audit:
    """Compares a knowledge base with a folder of facts and with labelled cases. UserError for unusable files.

    `names` is a table of wordings (wording, kind, id); `cases` are of the tune split alone.
    """
    read = read_facts(facts)
    known = build_names(knowledge, names)
    profile = build_profile(knowledge)
    never, number = (None, 0) if cases is None else unreached(cases, profile)
    return Audit(
        limits=limits,
        ratios=audit_ratios(read.ratios, known, profile, limits.factor),
        links=audit_links(read, known, profile),
        priors=audit_priors(read, known, profile),
        unreached=never,
        cases=number,
        alike=alike(profile, least_evidence=limits.evidence, least_overlap=limits.overlap),
        unused=unused(library, profile),
        contradicted=contradicted(library, knowledge),
        missing_files=read.missing,
    )
