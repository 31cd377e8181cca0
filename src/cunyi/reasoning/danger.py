"""Critical diseases that a fact of this patient raised and nothing excludes (需排除)."""

from __future__ import annotations

import msgspec
import numpy as np

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
    suspected = [
        knowledge.likelihoods.disease_index[disease] for raised in triage.flags for disease in raised.flag.suspect
    ]
    considered = differential.probability >= settings.must_exclude_probability
    considered[suspected] |= np.isfinite(differential.score[suspected])
    columns = knowledge.critical[considered[knowledge.critical]]
    strongest = evidence.for_rows[:, columns].max(axis=0, initial=0)
    harm: dict[int, float] = {}
    for column in columns[strongest >= settings.must_exclude_raise].tolist():
        boost = settings.suspect_weight if column in suspected else 1.0
        harm[column] = differential.probability[column] * boost * knowledge.harm[column]
    order = sorted(harm, key=lambda column: (-harm[column], column))
    return [Raised(column, _raised_by(column, evidence)) for column in order[: settings.shown["must_exclude"]]]


def _raised_by(column: int, evidence: Evidence) -> tuple[str, ...]:
    weights = evidence.for_rows[:, column]
    order = np.argsort(-weights, kind="stable")[:3]
    return tuple(evidence.for_ids[i] for i in order if weights[i] > 0)
