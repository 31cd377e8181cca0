"""How much a text names each disease itself: who says 过敏性鼻炎又犯了 most often has what he says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cunyi.domain.finding import Status
from cunyi.knowledge.likelihoods import Matrix
from cunyi.text.disease_names import NamedDisease


def name_weight(named: NamedDisease, possible_weight: float) -> float:
    """1 for a disease that is stated, `possible_weight` for one that is suspected or asked about."""
    return 1.0 if named.status == Status.PRESENT and not named.asked else possible_weight


def name_weights(named: Sequence[NamedDisease], diseases: int, possible_weight: float) -> Matrix | None:
    """The weight of the surest name of each disease; None where none is named."""
    if not named:
        return None
    weights = np.zeros(diseases, dtype=np.float32)
    for each in named:
        for disease in each.diseases:
            weights[disease] = max(weights[disease], name_weight(each, possible_weight))
    return weights
