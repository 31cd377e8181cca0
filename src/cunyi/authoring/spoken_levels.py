"""Learns from invented sentences of patients and relatives how an urgent case is told, whatever words the lexicon has."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cunyi.authoring.load import Library
from cunyi.authoring.patients import SPOKEN, patient_texts
from cunyi.authoring.strict_yaml import LineList, Problem
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.patients import ALARM_STEP
from cunyi.reasoning.prepared import Knowledge
from cunyi.text.grams import BITS, grams_of

_FEWEST_TEXTS = 2
_ROUNDS = 200
_RATE = 0.1
_MEAN_DECAY, _SQUARE_DECAY, _TINY = 0.9, 0.999, 1e-8
_HIGHEST = 127


class Sentence(NamedTuple):
    """A sentence with the mildest level of care that is safe for it, and how much it counts in learning."""

    text: str
    level: TriageLevel
    weight: float


def sentences(library: Library) -> list[Sentence]:
    """The sentences written for this, in the order of the files, and what example patients say, with the level of their disease."""
    found = [
        Sentence(text, TriageLevel.from_code(entry.raw["level"]), 1.0)
        for entry in library.spoken_levels
        for text in entry.raw["sentences"]
    ]
    if not found:
        return []
    weight = float(library.settings["spoken_alarm"]["patient_weight"])
    levels = {disease.id: TriageLevel.from_code(disease.raw["triage"]) for disease in library.diseases}
    found += [
        Sentence(patient.text, levels[patient.disease], weight)
        for patient in patient_texts(library)
        if patient.kind == SPOKEN and patient.disease in levels
    ]
    return found


def check_spoken_levels(library: Library) -> Iterator[Problem]:
    """A sentence written twice, with one level or two."""
    written: dict[str, str] = {}
    for entry in library.spoken_levels:
        texts = entry.raw.get("sentences")
        for index, text in enumerate(texts if isinstance(texts, LineList) else ()):
            level = str(entry.raw.get("level"))
            if text in written:
                other = "" if written[text] == level else f"，而且级别不同（{written[text]}）"
                yield entry.problem(f"这句话已经写过{other}", "sentences", index)
            written[str(text)] = level


def learn_alarms(given: Sequence[Sentence], knowledge: Knowledge) -> Mapping[str, Any]:
    """The alarms of a compiled document, by level: a weight for each run of characters, for being of the level or graver; empty without
    sentences.

    Ridge logistic regression (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 4.4) by Adam over all sentences at
    once (Kingma and Ba, ICLR 2015), so that the same sentences give the same weights.
    """
    if not given:
        return {}
    codes = [np.unique(grams_of(knowledge.language.normalize(each.text).text).codes) for each in given]
    texts = np.bincount(np.concatenate(codes), minlength=1 << BITS)
    known = np.flatnonzero(texts >= _FEWEST_TEXTS)
    place = np.full(1 << BITS, -1, dtype=np.int64)
    place[known] = np.arange(len(known))
    kept = [place[each][place[each] >= 0] for each in codes]
    columns, rows = np.concatenate(kept), np.repeat(np.arange(len(kept)), [len(each) for each in kept])
    weight = np.array([each.weight for each in given])
    alarms = {}
    for level in knowledge.settings.spoken_alarm.levels:
        least = TriageLevel.from_code(level)
        is_true = np.array([each.level >= least for each in given], dtype=np.float64)
        bias, values = fit_ridge(columns, rows, len(known), is_true, weight, knowledge.settings.spoken_alarm.ridge)
        steps = np.clip(np.rint(values / ALARM_STEP), -_HIGHEST, _HIGHEST)
        told = np.flatnonzero(steps)
        alarms[level] = {
            "bias": round(bias, 3),
            "size": 1 << BITS,
            "codes": base64.b64encode(known[told].astype("<u4").tobytes()).decode(),
            "weights": base64.b64encode(steps[told].astype("i1").tobytes()).decode(),
        }
    return alarms


def fit_ridge(
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    width: int,
    is_true: NDArray[np.float64],
    weight: NDArray[np.float64],
    ridge: float,
) -> tuple[float, NDArray[np.float64]]:
    """Bias and weights of a logistic regression over binary features: sentence `rows[i]` has feature `columns[i]`."""
    values = np.zeros(width + 1)
    mean, square = np.zeros(width + 1), np.zeros(width + 1)
    for number in range(1, _ROUNDS + 1):
        score = values[-1] + np.bincount(rows, weights=values[columns], minlength=len(is_true))
        miss = weight * (1 / (1 + np.exp(-score)) - is_true)
        slope = np.append(np.bincount(columns, weights=miss[rows], minlength=width) + ridge * values[:-1], miss.sum())
        mean = _MEAN_DECAY * mean + (1 - _MEAN_DECAY) * slope
        square = _SQUARE_DECAY * square + (1 - _SQUARE_DECAY) * slope**2
        step = mean / (1 - _MEAN_DECAY**number) / (np.sqrt(square / (1 - _SQUARE_DECAY**number)) + _TINY)
        values -= _RATE * (1 - number / (_ROUNDS + 1)) * step
    return float(values[-1]), values[:-1]
