"""Records of explicit and implicit symptoms (slots), as published symptom checkers are measured on: who asks what, how right.

Told are the explicit symptoms alone; asked may be every slot of the file's own vocabulary, and the patient answers yes or no
where the record says so, else "not sure". The answer is one of the file's labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.authoring.scoring import Share, is_right, share, split_of
from cunyi.authoring.symptom_slots import LabelCode, SlotCase, gold_of
from cunyi.domain.case import Case
from cunyi.domain.finding import Fact, Origin, Status
from cunyi.reasoning.asking import is_open, question_gains
from cunyi.reasoning.differential import Differential, rank
from cunyi.reasoning.evidence import gather
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.text.reader import read_case

MOST_TURNS = 20
_LEAST_GAIN = 0.01
_SURE = 0.95


class Played(msgspec.Struct, frozen=True):
    """How one record came out: right with the explicit symptoms alone, after asking, with every slot; questions and how many of
    them the patient could answer."""

    right_at_first: bool
    right_after: bool
    right_with_all: bool
    turns: int
    answered: int


class SlotReport(msgspec.Struct, frozen=True):
    """The figures of one file of records (槽位报告)."""

    file: str
    split: str
    records: int
    labels: int
    slots: int
    unmapped: tuple[str, ...]
    at_first: Share
    after: Share
    with_all: Share
    turns: float
    answered: float


class Slots(msgspec.Struct):
    """A file's vocabulary in the engine's terms: the finding of each slot, the diseases (columns) of each label."""

    findings: dict[str, str]
    unmapped: tuple[str, ...]
    columns: dict[str, NDArray[np.int64]]
    candidates: NDArray[np.bool_]


def read_slots(records: Sequence[SlotCase], labels: Mapping[str, LabelCode], knowledge: Knowledge) -> Slots:
    """What the words of a file mean. A slot is the first finding that is read in its word; a label without a gold is an error."""
    words = sorted({word for record in records for word in (*record.explicit, *record.implicit)})
    findings: dict[str, str] = {}
    for word in words:
        facts = read_case(Case(chief_complaint=word), knowledge.language).facts
        known = [fact.finding for fact in facts if fact.status == Status.PRESENT]
        if known:
            findings[word] = max(known, key=lambda f: len(knowledge.likelihoods.ancestors[f]))
    columns: dict[str, NDArray[np.int64]] = {}
    candidates = np.zeros(len(knowledge.likelihoods.disease_ids), dtype=np.bool_)
    diseases = list(knowledge.content.diseases.values())
    for label in sorted({record.label for record in records}):
        gold = gold_of(label, labels)
        right = [i for i, d in enumerate(diseases) if is_right(gold, d.name, d.aliases, d.icd10)]
        columns[label] = np.array(right, dtype=np.int64)
        candidates[right] = True
    return Slots(findings, tuple(word for word in words if word not in findings), columns, candidates)


def play(record: SlotCase, slots: Slots, knowledge: Knowledge) -> Played:
    """Asks slot after slot by expected gain over the labels until sure, until nothing helps, or for the most turns."""
    facts = _facts(record.explicit, slots)
    asked: set[str] = set(record.explicit)
    first = _label(facts, slots, knowledge)[0]
    turns = answered = 0
    while turns < MOST_TURNS:
        _, differential, presentation = _label(facts, slots, knowledge)
        totals = _totals(differential, slots)
        words = [
            word
            for word, finding in slots.findings.items()
            if word not in asked and finding not in facts and is_open(finding, presentation, knowledge)
        ]
        if not words or max(totals.values(), default=0) >= _SURE:
            break
        rows = [knowledge.likelihoods.finding_index[slots.findings[word]] for word in words]
        gains = question_gains(rows, presentation, differential, knowledge, slots.candidates.astype(np.float64))
        best = int(np.argmax(gains))
        if gains[best] < _LEAST_GAIN:
            break
        word = words[best]
        asked.add(word)
        turns += 1
        status = record.implicit.get(word)
        if status is not None:
            answered += 1
            facts[slots.findings[word]] = _fact(slots.findings[word], status)
    everything = {**_facts(record.implicit, slots), **_facts(record.explicit, slots)}
    return Played(
        right_at_first=first == record.label,
        right_after=_label(facts, slots, knowledge)[0] == record.label,
        right_with_all=_label(everything, slots, knowledge)[0] == record.label,
        turns=turns,
        answered=answered,
    )


def _facts(told: Mapping[str, bool | None], slots: Slots) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for word, present in told.items():
        finding = slots.findings.get(word)
        if finding is not None and present is not None and (present or finding not in facts):
            facts[finding] = _fact(finding, present)
    return facts


def _fact(finding: str, present: bool) -> Fact:
    status = Status.PRESENT if present else Status.ABSENT
    return Fact(finding=finding, status=status, origin=Origin.STATED)


def _label(facts: Mapping[str, Fact], slots: Slots, knowledge: Knowledge) -> tuple[str, Differential, Any]:
    reception = receive(Case(findings=tuple(facts.values())), knowledge)
    evidence = gather(
        reception.presentation,
        reception.explicit,
        knowledge.likelihoods,
        knowledge.content.findings,
        knowledge.settings.possible_weight,
    )
    differential = rank(reception.presentation, evidence, knowledge.likelihoods, knowledge.settings, slots.candidates)
    differential = msgspec.structs.replace(differential, probability=_even(differential, slots))
    totals = _totals(differential, slots)
    return max(totals, key=lambda label: totals[label]), differential, reception.presentation


def _even(differential: Differential, slots: Slots) -> NDArray[np.float64]:
    """The diseases' shares with every label equally likely beforehand: these files hold about as many of each, which says
    nothing about visitors of a village clinic."""
    mass = np.exp(np.where(slots.candidates, differential.score - differential.score.max(), -np.inf))
    even = np.zeros_like(mass)
    for columns in slots.columns.values():
        prior = np.exp(differential.prior_weight * differential.prior[columns].astype(np.float64))
        even[columns] = mass[columns] / prior.sum() if len(columns) else 0
    shares: NDArray[np.float64] = even / even.sum()
    return shares


def _totals(differential: Differential, slots: Slots) -> dict[str, float]:
    return {label: float(differential.probability[columns].sum()) for label, columns in slots.columns.items()}


def slot_report(
    file: str, split: str | None, records: Iterable[SlotCase], labels: Mapping[str, LabelCode], knowledge: Knowledge
) -> SlotReport:
    """The figures of a file's records of one split, or of all. The vocabulary is always the whole file's."""
    every = list(records)
    slots = read_slots(every, labels, knowledge)
    chosen = [record for record in every if split is None or split_of(record.id) == split]
    played = [play(record, slots, knowledge) for record in chosen]
    number = max(1, len(played))
    return SlotReport(
        file=file,
        split=split or "all",
        records=len(played),
        labels=len(slots.columns),
        slots=len(slots.findings) + len(slots.unmapped),
        unmapped=slots.unmapped,
        at_first=share([one.right_at_first for one in played]),
        after=share([one.right_after for one in played]),
        with_all=share([one.right_with_all for one in played]),
        turns=sum(one.turns for one in played) / number,
        answered=sum(one.answered for one in played) / number,
    )
