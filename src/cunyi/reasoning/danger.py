"""Critical diseases that a fact of this patient raised and nothing excludes (需排除)."""

from __future__ import annotations

import msgspec
import numpy as np

from cunyi.domain.triage import Criticality
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.evidence import Evidence
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.triage import Triage


class Raised(msgspec.Struct, frozen=True):
    """A critical disease to exclude and the facts that raised it."""

    disease: int
    raised_by: tuple[str, ...]


def must_exclude(differential: Differential, evidence: Evidence, triage: Triage, knowledge: Knowledge) -> list[Raised]:
    """At most the shown number, the most harm-weighted first; those that a fired red flag suspects come in too."""
    settings = knowledge.settings
    critical = knowledge.criticality >= Criticality.CRITICAL
    suspected = np.zeros(len(critical), dtype=np.bool_)
    for raised in triage.flags:
        for disease in raised.flag.suspect:
            suspected[knowledge.likelihoods.disease_index[disease]] = True
    strongest = evidence.for_rows.max(axis=0, initial=0)
    raised_here = strongest >= settings.must_exclude_raise
    likely = differential.probability >= settings.must_exclude_probability
    chosen = np.flatnonzero(critical & raised_here & (likely | (suspected & np.isfinite(differential.score))))
    boost = np.where(suspected, settings.suspect_weight, 1.0)
    order = sorted(chosen, key=lambda c: (-differential.probability[c] * boost[c] * knowledge.harm[c], c))
    return [Raised(int(c), _raised_by(int(c), evidence)) for c in order[: settings.shown["must_exclude"]]]


def _raised_by(column: int, evidence: Evidence) -> tuple[str, ...]:
    weights = evidence.for_rows[:, column]
    order = np.argsort(-weights, kind="stable")[:3]
    return tuple(evidence.for_ids[i] for i in order if weights[i] > 0)
