"""How much a text names each disease itself: who says 过敏性鼻炎又犯了 most often has what he says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cunyi.domain.finding import Status
from cunyi.knowledge.likelihoods import Matrix
from cunyi.reasoning.evidence import Evidence
from cunyi.reasoning.settings import Settings
from cunyi.text.disease_names import NamedDisease


def explained(evidence: Evidence, full: float) -> NDArray[np.float64]:
    """How far each disease accounts for what ails the patient, 0-1: in full from the share `full` of what the best one does. Who tells of a
    pain in the stomach and mentions his high blood pressure has not come for it."""
    speaks = np.maximum(evidence.for_rows[evidence.for_ailing], 0).sum(axis=0, dtype=np.float64)
    best = speaks.max(initial=0.0)
    return np.clip(speaks / (best * full), 0, 1) if best > 0 else np.ones_like(speaks)


def name_weight(named: NamedDisease, evidence: Evidence, settings: Settings) -> float:
    """1 for a disease that is stated, less for one that is suspected or asked about, and for an illness of long standing beside
    something that ails the patient."""
    weight = 1.0 if named.status == Status.PRESENT and not named.asked else settings.possible_weight
    return weight * settings.named_beside.weight if named.beside and evidence.for_ailing else weight


def name_weights(named: Sequence[NamedDisease], evidence: Evidence, settings: Settings) -> Matrix | None:
    """The weight of the surest name of each disease, as far as the disease is `explained`; None where none is named."""
    if not named:
        return None
    weights: Matrix = np.zeros(evidence.for_rows.shape[1], dtype=np.float32)
    for each in named:
        weight = name_weight(each, evidence, settings)
        for disease in each.diseases:
            weights[disease] = max(weights[disease], weight)
    weights *= explained(evidence, settings.named_explains).astype(np.float32)
    return weights
