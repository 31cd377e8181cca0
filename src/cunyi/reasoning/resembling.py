"""How much a case is worded like the example patients of each disease: what helps where no term of the lexicon fits.

A naive Bayes sum over the runs of one to three characters of the text, each once (multinomial smoothing after Manning,
Raghavan and Schütze, Introduction to Information Retrieval, 13.2). It moves only the order of the differential: danger and
triage never see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.case import TEXT_FIELDS
from cunyi.domain.finding import Span
from cunyi.knowledge.likelihoods import Matrix
from cunyi.reasoning.prepared import Knowledge
from cunyi.text.grams import Grams, grams_of
from cunyi.text.normalize import Normal

_BREAK = "\n"
_LONGEST_CLAUSE = 14
"""A longer clause is not shown whole."""


class Written(NamedTuple):
    """All text fields of a case in one normalised text, and where each character comes from."""

    text: str
    fields: tuple[tuple[str, int, Sequence[int]], ...]
    """Field name, where it begins in the text, and the original position of each of its characters."""

    def span(self, start: int, end: int) -> Span | None:
        """The place in the case of a stretch that lies in one field."""
        for name, begins, offsets in self.fields:
            if begins <= start and end <= begins + len(offsets) - 1:
                return Span(name, offsets[start - begins], offsets[end - begins - 1] + 1)
        return None


class Stretch(NamedTuple):
    """A stretch of a text that speaks for a disease: its words, its place in the case, its weight."""

    text: str
    span: Span
    weight: float


class Resemblance(msgspec.Struct):
    """How a case resembles the example patients (措辞相近): log-odds for each disease beside the average of all, and what of.

    `weights` are those of the table for the text's runs: of run `runs[i]` (a place in the sorted codes of the text) for
    disease `diseases[i]`; `run_of` gives the run of each occurrence in `grams`.
    """

    score: Matrix
    scale: float
    """What each run counted, 0–1."""
    written: Written
    grams: Grams
    run_of: NDArray[np.int64]
    runs: NDArray[np.int64]
    diseases: NDArray[np.int64]
    weights: NDArray[np.float32]
    average: NDArray[np.float64]
    """The weight of each run beside which it is told, its average over all diseases."""


def written_in(normals: Mapping[str, Normal]) -> Written:
    """The text fields of a case, normalised, as they are compared."""
    parts, fields, begins = list[str](), [], 0
    for name in TEXT_FIELDS:
        normal = normals.get(name)
        if normal is not None:
            fields.append((name, begins, normal.offsets))
            parts.append(normal.text)
            begins += len(normal.text) + len(_BREAK)
    return Written(_BREAK.join(parts), tuple(fields))


def resemble(normals: Mapping[str, Normal], knowledge: Knowledge) -> Resemblance | None:
    """The resemblance of a case by its normalised text fields; None without text or where there are no example patients."""
    table = knowledge.content.learned.wordings
    written = written_in(normals)
    if table is None or not written.text:
        return None
    grams = grams_of(written.text)
    codes, run_of = np.unique(grams.codes, return_inverse=True)
    first = table.starts[codes]
    many = table.starts[codes + 1] - first
    places = np.repeat(first - np.cumsum(many) + many, many) + np.arange(many.sum())
    diseases, weights = table.diseases[places].astype(np.int64), table.weights[places]
    total = np.bincount(diseases, weights=weights, minlength=len(knowledge.likelihoods.disease_ids))
    # Runs of one sentence are no independent witnesses: the longer a text, the less each counts.
    known = int((many > 0).sum())
    scale = min(1.0, knowledge.settings.wording_runs / known) ** 0.5 if known else 1.0
    return Resemblance(
        score=((total - total.mean()) * scale).astype(np.float32),
        scale=scale,
        written=written,
        grams=grams,
        run_of=run_of,
        runs=np.repeat(np.arange(len(codes)), many),
        diseases=diseases,
        weights=weights,
        average=table.sums[codes] / len(total),
    )


def telling_stretches(resemblance: Resemblance, columns: Sequence[int], most: int) -> list[list[Stretch]]:
    """For each disease the stretches of the text that make a case look like it, the most telling first, with their weight.

    The weight of each run beside its average over all diseases is laid on its characters; neighbouring characters that
    carry at least half as much as the most telling one are one stretch.
    """
    runs = len(resemblance.average)
    row_of = np.full(len(resemblance.score), -1)
    row_of[list(columns)] = np.arange(len(columns))
    rows = row_of[resemblance.diseases]
    asked = np.flatnonzero(rows >= 0)
    own = np.bincount(
        rows[asked] * runs + resemblance.runs[asked], weights=resemblance.weights[asked], minlength=len(columns) * runs
    ).reshape(len(columns), runs)
    starts, lengths = resemblance.grams.starts, resemblance.grams.lengths
    share = (own - resemblance.average)[:, resemblance.run_of] * (resemblance.scale / lengths)
    # What a run is worth is added where it begins and taken away again after its end.
    steps = np.zeros((len(columns), len(resemblance.written.text) + 1))
    for row, worth in enumerate(share):
        steps[row] = np.bincount(starts, weights=worth, minlength=steps.shape[1])
        steps[row] -= np.bincount(starts + lengths, weights=worth, minlength=steps.shape[1])
    return [_stretches(laid, resemblance.written, most) for laid in steps.cumsum(axis=1)[:, :-1]]


def _stretches(laid: NDArray[np.float64], written: Written, most: int) -> list[Stretch]:
    high = np.concatenate(([False], laid > max(0.0, float(laid.max(initial=0.0)) / 2), [False]))
    edges = np.flatnonzero(high[1:] != high[:-1])
    found: dict[tuple[int, int], float] = {}
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - start > 1:
            place = _clause_around(written.text, start, end)
            found[place] = found.get(place, 0.0) + float(laid[start:end].sum())
    stretches = [
        Stretch(written.text[start:end], span, weight)
        for (start, end), weight in found.items()
        if (span := written.span(start, end)) is not None
    ]
    return sorted(stretches, key=lambda each: (-each.weight, each.span))[:most]


def _clause_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The words between punctuation that hold a stretch; the stretch itself where they are long."""
    first, last = start, end
    while first > 0 and text[first - 1].isalnum():
        first -= 1
    while last < len(text) and text[last].isalnum():
        last += 1
    return (first, last) if last - first <= _LONGEST_CLAUSE else (start, end)
