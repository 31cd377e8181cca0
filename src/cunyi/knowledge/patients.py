"""What was learned from the example patients: how often their texts tell of each finding, and which runs of characters they share."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

ALARM_STEP = 1 / 32
"""Weights of an alarm are kept as whole thirty-seconds below 4."""
WEIGHT_STEP = 1 / 16
"""Weights are kept as whole sixteenths below 16."""


class Told(msgspec.Struct, frozen=True):
    """What the example patients of one disease tell (示例病人的征象): number of texts, and in how many each finding is present."""

    texts: int
    findings: dict[str, int]


class Wordings(msgspec.Struct, frozen=True):
    """Weights of runs of characters for diseases (措辞表), by code: those of code c are at `starts[c]` to `starts[c + 1]`.

    `diseases` are columns of the knowledge base, `weights` log(1 + c / (smoothing · share of all texts)), float32.
    """

    starts: NDArray[np.int32]
    diseases: NDArray[np.uint16]
    weights: NDArray[np.float32]
    sums: NDArray[np.float64]
    """The weights of each code over all diseases together."""


class Alarm(msgspec.Struct, frozen=True):
    """How a case of one level of care is told (说法警示): log-odds of that level or a graver for each run of characters, by code, and
    without any."""

    bias: float
    weights: NDArray[np.float32]


class Learned(msgspec.Struct, frozen=True):
    """All that was learned from example patients (示例病人所得), by disease id; empty where a knowledge base has none."""

    told: dict[str, Told]
    wordings: Wordings | None
    alarms: dict[str, Alarm]
    """By the level of care that they sound for."""


def read_learned(raw: Mapping[str, Any]) -> Learned:
    """The learned part of a compiled document."""
    told = {disease: Told(entry["texts"], dict(entry["findings"])) for disease, entry in raw["told"].items()}
    if not told:
        return Learned({}, None, read_alarms(raw["alarms"]))
    table = raw["wordings"]
    counts = _array(table["counts"], np.uint16)
    weights = _array(table["weights"], np.uint8).astype(np.float32) * np.float32(WEIGHT_STEP)
    codes = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return Learned(
        told,
        Wordings(
            starts=np.concatenate(([0], np.cumsum(counts, dtype=np.int32)), dtype=np.int32),
            diseases=_array(table["diseases"], np.uint16),
            weights=weights,
            sums=np.bincount(codes, weights=weights, minlength=len(counts)).astype(np.float64, copy=False),
        ),
        read_alarms(raw["alarms"]),
    )


def read_alarms(raw: Mapping[str, Any]) -> dict[str, Alarm]:
    """The alarms of a compiled document, by level."""
    alarms = {}
    for level, entry in raw.items():
        weights = np.zeros(entry["size"], dtype=np.float32)
        weights[_array(entry["codes"], np.uint32)] = _array(entry["weights"], np.int8).astype(np.float32) * ALARM_STEP
        alarms[level] = Alarm(entry["bias"], weights)
    return alarms


def _array(text: str, kind: type[np.generic]) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype=np.dtype(kind).newbyteorder("<"))
