"""Knowledge bases of any size, drawn from a fixed seed: for measuring how the engine grows, not for patients."""

from __future__ import annotations

import numpy as np

from cunyi.domain.finding import Fact, Origin, Status
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.likelihoods import Likelihoods, build_likelihoods
from cunyi.knowledge.model import Advice, Disease, Finding, Referral, WorkupStep

FINDINGS_PER_DISEASE = 20


def generate(diseases: int, findings: int, seed: int = 1) -> tuple[dict[str, Finding], dict[str, Disease]]:
    """A two-layer knowledge base: every disease shows about twenty findings with likelihoods up to 0.95, well above background."""
    draw = np.random.default_rng(seed)
    names = [f"finding_{i}" for i in range(findings)]
    backgrounds = np.exp(draw.uniform(np.log(0.002), np.log(0.1), findings))
    records = {
        name: Finding(
            id=name, name=name, name_en=name, kind="symptom", parents=(), background=float(backgrounds[i]),
            obtain="ask", sex=None, ask=name, ask_en=name, group=None, when=None, sources=("general",),
        )
        for i, name in enumerate(names)
    }  # fmt: skip
    generated = {}
    for number in range(diseases):
        shown = draw.choice(findings, size=min(FINDINGS_PER_DISEASE, findings), replace=False)
        generated[f"disease_{number}"] = Disease(
            id=f"disease_{number}", name=f"disease_{number}", name_en=f"disease_{number}", aliases=(), icd10="Z00",
            criticality="routine", triage="routine", department="general", base_rate=float(np.exp(draw.uniform(np.log(5), np.log(2000)))),
            age=(), sex={}, season={}, region={}, pregnancy=1.0, requires_pregnancy=False, risk_factors={},
            findings={names[f]: float(draw.uniform(max(0.15, 3 * backgrounds[f]), 0.95)) for f in shown}, danger="", exclude=None,
            workup=(WorkupStep("x", "x"),), referral=Referral("village", None), management=(Advice("x", ("general",)),),
            sources=("general",), review_status="draft",
        )  # fmt: skip
    return records, generated


def likelihoods_of(findings: dict[str, Finding], diseases: dict[str, Disease]) -> Likelihoods:
    """The arrays of a generated knowledge base, without reading error so that they equal the network's numbers."""
    return build_likelihoods(
        findings,
        diseases,
        region="none",
        reading_error=0.0,
        pregnant_share=0.02,
        told={},
        told_weights=(1, 1),
        volunteered=0.0,
    )


def patient_with(
    diseases: dict[str, Disease], findings: dict[str, Finding], present: int, absent: int, seed: int
) -> Presentation:
    """A patient with one generated disease: `present` findings it shows (and background), `absent` others denied."""
    draw = np.random.default_rng(seed)
    disease = diseases[f"disease_{int(draw.integers(len(diseases)))}"]
    ranked = sorted(disease.findings, key=lambda f: -disease.findings[f] * draw.uniform(0.5, 1))
    others = [f for f in findings if f not in disease.findings]
    draw.shuffle(others)
    shown = (ranked + others)[:present]
    denied = [f for f in others if f not in shown][:absent]
    facts = {f: Fact(finding=f, status=Status.PRESENT, origin=Origin.STATED) for f in shown}
    facts |= {f: Fact(finding=f, status=Status.ABSENT, origin=Origin.STATED) for f in denied}
    return Presentation(facts=facts, values={})
