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

    `weights` are those of the table for the text's runs, for disease `diseases[i]` each. Those of the first run (in the order
    of codes) come first and end at `ends[0]`; `run_of` gives the run of each occurrence in `grams`.
    """

    score: Matrix
    scale: float
    """What each run counted, 0–1."""
    written: Written
    grams: Grams
    run_of: NDArray[np.int64]
    ends: NDArray[np.int64]
    diseases: NDArray[np.uint16]
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
    codes, run_of = _distinct(grams.codes)
    first = table.starts[codes]
    many = table.starts[codes + 1] - first
    ends = many.cumsum()
    places = np.arange(ends[-1] if len(ends) else 0) + (first - ends + many).repeat(many)
    diseases, weights = table.diseases[places], table.weights[places]
    total = np.bincount(diseases, weights=weights, minlength=len(knowledge.likelihoods.disease_ids))
    # Runs of one sentence are no independent witnesses: the longer a text, the less each counts.
    known = int(np.count_nonzero(many))
    scale = min(1.0, knowledge.settings.wording_runs / known) ** 0.5 if known else 1.0
    return Resemblance(
        score=((total - total.mean()) * scale).astype(np.float32),
        scale=scale,
        written=written,
        grams=grams,
        run_of=run_of,
        ends=ends,
        diseases=diseases,
        weights=weights,
        average=table.sums[codes] / len(total),
    )


def _distinct(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each code once, in order, and for each of those given its place among them: `np.unique` without what it asks before."""
    order = codes.argsort()
    ordered = codes[order]
    is_first = np.ones(len(codes), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    place_of = np.empty(len(codes), dtype=np.int64)
    place_of[order] = is_first.cumsum() - 1
    return ordered[is_first], place_of


def telling_stretches(resemblance: Resemblance, columns: Sequence[int], most: int) -> list[list[Stretch]]:
    """For each disease the stretches of the text that make a case look like it, the most telling first, with their weight.

    The weight of each run beside its average over all diseases is laid on its characters; neighbouring characters that
    carry at least half as much as the most telling one are one stretch.
    """
    own = np.zeros((len(columns), len(resemblance.average)))
    asked = np.array(columns, dtype=resemblance.diseases.dtype)
    rows, places = divmod(np.flatnonzero(resemblance.diseases == asked[:, None]), len(resemblance.diseases))
    own[rows, resemblance.ends.searchsorted(places, side="right")] = resemblance.weights[places]
    starts, lengths = resemblance.grams.starts, resemblance.grams.lengths
    share = ((own - resemblance.average).take(resemblance.run_of, axis=1) * (resemblance.scale / lengths)).ravel()
    # What a run is worth is added where it begins and taken away again after its end. Each row has a place more than the text
    # has characters, for what ends with the text.
    width = len(resemblance.written.text) + 1
    of_row = width * np.arange(len(columns))[:, None]
    steps = np.bincount((starts + of_row).ravel(), weights=share, minlength=width * len(columns))
    steps -= np.bincount((starts + lengths + of_row).ravel(), weights=share, minlength=width * len(columns))
    laid = steps.reshape(len(columns), width).cumsum(axis=1)
    laid[:, -1] = 0
    high = laid > laid.max(axis=1, initial=0.0, keepdims=True) / 2
    return _stretches(laid, high, resemblance.written, most)


def _stretches(laid: NDArray[np.float64], high: NDArray[np.bool_], written: Written, most: int) -> list[list[Stretch]]:
    """The stretches of more than one character that are marked in each row. The last place of a row is never marked."""
    marked = np.concatenate(([False], high.ravel()))
    edges = np.flatnonzero(marked[1:] != marked[:-1]).tolist()
    width = laid.shape[1]
    found: list[dict[tuple[int, int], float]] = [{} for _ in laid]
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first > 1:
            row, start = divmod(first, width)
            end = start + last - first
            place = _clause_around(written.text, start, end)
            found[row][place] = found[row].get(place, 0.0) + float(np.add.reduce(laid[row, start:end]))
    return [_weightiest(each, written, most) for each in found]


def _weightiest(found: Mapping[tuple[int, int], float], written: Written, most: int) -> list[Stretch]:
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
