"""Measures the engine on labelled cases: accuracy, triage, must-not-miss, calibration, coverage, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from cunyi.authoring.scoring import Gold, Outcome, Share, is_right, read_gold, score, share, split_of
from cunyi.knowledge.model import Disease
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge

TOP = (1, 3, 5, 10)
_BINS = 10
_RESAMPLES = 1000
_WORST = 25


class Interval(msgspec.Struct, frozen=True):
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Report(msgspec.Struct, frozen=True):
    """The figures of one file and split. `worst` is empty for the hold split: its cases are never shown."""

    file: str
    split: str
    cases: int
    unusable: int
    coverage: Share
    top: dict[str, Share]
    top_covered: dict[str, Share]
    triage: dict[str, Share]
    triage_by_level: dict[str, dict[str, Share]]
    """For each gold level the shares given exactly, milder (under), two or more milder and graver (over)."""
    must_not_miss_captured: Share
    calibration_error: Interval
    brier: Interval
    uncovered: dict[str, int]
    worst: list[Outcome]


def outcomes(cases: Iterable[Mapping[str, Any]], knowledge: Knowledge) -> Iterator[Outcome]:
    """Assesses labelled cases one by one."""
    diseases = list(knowledge.content.diseases.values())
    covered: dict[str, bool] = {}
    for case in cases:
        gold = read_gold(case["gold"])
        key = repr(gold)
        if key not in covered:
            covered[key] = is_covered(gold, diseases)
        yield score(str(case["id"]), gold, assess(case, knowledge), covered[key])


def is_covered(gold: Gold, diseases: Sequence[Disease]) -> bool:
    """Whether the knowledge base holds the gold diagnosis at all."""
    return any(is_right(gold, d.name, d.aliases, d.icd10) for d in diseases)


def select(cases: Iterable[Mapping[str, Any]], split: str | None) -> tuple[list[Mapping[str, Any]], int]:
    """The cases of a split that can be scored, and how many were left out as unusable."""
    chosen = [case for case in cases if split is None or split_of(str(case["id"])) == split]
    usable = [case for case in chosen if case.get("usable", True) is not False]
    return usable, len(chosen) - len(usable)


def report(file: str, split: str | None, unusable: int, scored: Sequence[Outcome]) -> Report:
    """The figures of scored cases. Without a split, or on hold, no single case is listed."""
    covered = [o for o in scored if o.covered]
    levelled = [o.level_error for o in scored if o.level_error is not None]
    uncovered: dict[str, int] = {}
    for outcome in scored:
        if not outcome.covered and split == "tune":
            uncovered[outcome.gold_name] = uncovered.get(outcome.gold_name, 0) + 1
    confidence = np.array([o.confidence for o in scored])
    right = np.array([o.rank == 1 for o in scored], dtype=float)
    return Report(
        file=file,
        split=split or "all",
        cases=len(scored),
        unusable=unusable,
        coverage=share([o.covered for o in scored]),
        top={str(k): share([0 < o.rank <= k for o in scored]) for k in TOP},
        top_covered={str(k): share([0 < o.rank <= k for o in covered]) for k in TOP},
        triage=_triage(levelled),
        triage_by_level={
            level: _triage([o.level_error for o in scored if o.gold_level == level and o.level_error is not None])
            for level in sorted({o.gold_level for o in scored if o.gold_level is not None})
        },
        must_not_miss_captured=share([o.captured for o in scored if o.must_not_miss]),
        calibration_error=_bootstrap(confidence, right, calibration_error),
        brier=_bootstrap(confidence, right, _brier),
        uncovered=dict(sorted(uncovered.items(), key=lambda item: (-item[1], item[0]))),
        worst=_worst(scored) if split == "tune" else [],
    )


def _triage(errors: Sequence[int]) -> dict[str, Share]:
    return {
        "exact": share([e == 0 for e in errors]),
        "under": share([e < 0 for e in errors]),
        "severe_under": share([e <= -2 for e in errors]),
        "over": share([e > 0 for e in errors]),
    }


def _worst(scored: Sequence[Outcome]) -> list[Outcome]:
    def badness(outcome: Outcome) -> tuple[int, int, float]:
        missed = int(outcome.must_not_miss and not outcome.captured)
        error = outcome.level_error or 0
        return (missed, max(0, -error), outcome.confidence if outcome.rank != 1 else 0.0)

    wrong = [o for o in scored if o.rank != 1 or (o.level_error or 0) < 0]
    return sorted(wrong, key=badness, reverse=True)[:_WORST]


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten equal bins (Naeini et al., AAAI 2015)."""
    if not len(confidence):
        return 0.0
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for b in range(_BINS):
        inside = bins == b
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(error)


def _brier(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean squared error of the first disease's confidence (Brier, Mon Weather Rev 1950)."""
    return float(((confidence - right) ** 2).mean()) if len(confidence) else 0.0


def _bootstrap(confidence: np.ndarray, right: np.ndarray, figure: Any) -> Interval:
    value = figure(confidence, right)
    if not len(confidence):
        return Interval(value, value, value)
    generator = np.random.default_rng(20260101)
    draws = generator.integers(0, len(confidence), size=(_RESAMPLES, len(confidence)))
    samples = [figure(confidence[draw], right[draw]) for draw in draws]
    low, high = np.percentile(samples, [2.5, 97.5])
    return Interval(value, float(low), float(high))
