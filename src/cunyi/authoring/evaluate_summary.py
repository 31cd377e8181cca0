"""Measures the summary of an interview against what a hospital wrote of the same dialogue: findings found again, words shared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from cunyi.authoring.child_dialogues import read_child_dialogue
from cunyi.authoring.evaluate import Interval
from cunyi.authoring.hospital_dialogues import read_hospital_dialogue
from cunyi.authoring.scoring import split_of
from cunyi.authoring.spoken_findings import findings_of_record
from cunyi.domain.errors import UserError
from cunyi.domain.interview import Interview
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.summarising import summarise

_TOKEN = re.compile(r"[㐀-鿿]|[A-Za-z]+|[0-9]+(?:\.[0-9]+)?")
_RESAMPLES = 1000
_SEED = 20260101
_WORST = 10
_ILLNESS = ("chief_complaint", "history_of_present_illness")
_RECORD_FIELDS = {"主诉": "chief_complaint", "现病史": "history_of_present_illness", "既往史": "past_history"}


class Dialogue(msgspec.Struct, frozen=True):
    """One dialogue (对话): the interview made of it, the talk where it is one, and the record that was written of it, by field.

    `compared` are the fields of a summary that can be right or wrong by this reference; the others it does not have.
    """

    id: str
    interview: Interview
    said: str
    reference: dict[str, str]
    compared: tuple[str, ...]


class Counts(msgspec.Struct, frozen=True):
    """How many of a reference's things a summary has, and how many of the summary's are in the reference (计数)."""

    found: int
    wanted: int
    right: int
    given: int


class SummaryOutcome(msgspec.Struct, frozen=True):
    """How one summary compares (小结对照结果). `said` counts only reference findings that the talk itself states so; nothing is
    counted where the dialogue is a list of questions, in which only the answers say anything."""

    id: str
    present: Counts
    absent: Counts
    said_present: Counts
    said_absent: Counts
    tokens: Counts
    missed: tuple[str, ...]
    added: tuple[str, ...]


class Match(msgspec.Struct, frozen=True):
    """Recall and precision over all dialogues with intervals from resampled dialogues (召回与精确)."""

    wanted: int
    given: int
    recall: Interval
    precision: Interval


class SummaryReport(msgspec.Struct, frozen=True):
    """The figures of one file and split (小结评价). `worst` is empty for the hold split: its dialogues are never shown."""

    file: str
    split: str
    dialogues: int
    sentences: float
    present: Match
    absent: Match
    said_present: Match
    said_absent: Match
    tokens: Match
    worst: list[SummaryOutcome]


def dialogues(lines: Iterable[Mapping[str, Any]], split: str | None, knowledge: Knowledge) -> list[Dialogue]:
    """The dialogues of a split with their references, by the shape of the file. UserError for a line of neither shape."""
    chosen = []
    for number, line in enumerate(lines, start=1):
        prompt, target, turns, report = (line.get(key) for key in ("prompt", "target", "dialogue", "report"))
        if isinstance(prompt, str) and isinstance(target, str):
            if split is None or split_of(prompt) == split:
                interview = read_hospital_dialogue(prompt, knowledge)
                chosen.append(Dialogue(str(number), interview, "", {_ILLNESS[1]: target}, _ILLNESS))
        elif isinstance(turns, list) and isinstance(report, dict):
            if split is None or split_of(str(line.get("id"))) == split:
                talk = [(str(turn.get("from")), str(turn.get("value") or "")) for turn in turns]
                said = "\n".join(words for _, words in talk)
                reference = {field: str(report.get(name) or "") for name, field in _RECORD_FIELDS.items()}
                interview = read_child_dialogue(talk, knowledge)
                chosen.append(Dialogue(str(line.get("id")), interview, said, reference, tuple(_RECORD_FIELDS.values())))
        else:
            raise UserError(
                f"第 {number} 行没有 prompt 和 target，也没有 dialogue 和 report，不能用来衡量小结", field="prompt"
            )
    return chosen


def summary_outcomes(chosen: Iterable[Dialogue], knowledge: Knowledge) -> Iterator[tuple[SummaryOutcome, int]]:
    """Summarises each dialogue and compares; beside the outcome how many sentences the summary has."""
    names = knowledge.content.findings

    def above(findings: frozenset[str]) -> frozenset[str]:
        return _above(findings, knowledge)

    def below(findings: frozenset[str]) -> frozenset[str]:
        return _below(findings, knowledge)

    for dialogue in chosen:
        draft = summarise(dialogue.interview, knowledge)
        reference = findings_of_record(dialogue.reference, knowledge)
        given = findings_of_record(draft.texts, knowledge)
        said = findings_of_record({"history_of_present_illness": dialogue.said}, knowledge)
        compared = findings_of_record({field: draft.texts.get(field, "") for field in dialogue.compared}, knowledge)
        missed = (reference.present - _above(given.present, knowledge)) | (
            reference.absent - _below(given.absent, knowledge)
        )
        added = (compared.present - _above(reference.present, knowledge)) | (
            compared.absent - _below(reference.absent, knowledge)
        )
        outcome = SummaryOutcome(
            id=dialogue.id,
            present=_counts(reference.present, given.present, compared.present, above),
            absent=_counts(reference.absent, given.absent, compared.absent, below),
            said_present=_counts(reference.present & above(said.present), given.present, compared.present, above),
            said_absent=_counts(reference.absent & below(said.absent), given.absent, compared.absent, below),
            tokens=_shared("".join(dialogue.reference.values()), "".join(draft.texts.values())),
            missed=tuple(sorted(names[finding].name for finding in missed)),
            added=tuple(sorted(names[finding].name for finding in added)),
        )
        yield outcome, len(draft.sentences)


def _above(findings: frozenset[str], knowledge: Knowledge) -> frozenset[str]:
    """Present findings with what they are variants of: who has the variant has that too."""
    ancestors = knowledge.likelihoods.ancestors
    return findings.union(*(ancestors[finding] for finding in findings))


def _below(findings: frozenset[str], knowledge: Knowledge) -> frozenset[str]:
    """Absent findings with their variants."""
    descendants = knowledge.likelihoods.descendants
    return findings.union(*(descendants[finding] for finding in findings))


def _counts(
    wanted: frozenset[str],
    given: frozenset[str],
    compared: frozenset[str],
    implied: Callable[[frozenset[str]], frozenset[str]],
) -> Counts:
    return Counts(len(wanted & implied(given)), len(wanted), len(compared & implied(wanted)), len(compared))


def _shared(reference: str, given: str) -> Counts:
    """Characters, words and numbers that both texts have, each as often as in the text that has it less often."""
    wanted, made = Counter(_TOKEN.findall(reference)), Counter(_TOKEN.findall(given))
    shared = sum((wanted & made).values())
    return Counts(shared, sum(wanted.values()), shared, sum(made.values()))


def summary_report(file: str, split: str | None, scored: Sequence[tuple[SummaryOutcome, int]]) -> SummaryReport:
    """The figures; single dialogues are listed for the tune split alone."""
    outcomes = [outcome for outcome, _ in scored]
    worst = sorted(outcomes, key=lambda o: (-len(o.missed) - len(o.added), o.id))
    return SummaryReport(
        file=file,
        split=split or "all",
        dialogues=len(outcomes),
        sentences=sum(sentences for _, sentences in scored) / max(1, len(scored)),
        present=_match([outcome.present for outcome in outcomes]),
        absent=_match([outcome.absent for outcome in outcomes]),
        said_present=_match([outcome.said_present for outcome in outcomes]),
        said_absent=_match([outcome.said_absent for outcome in outcomes]),
        tokens=_match([outcome.tokens for outcome in outcomes]),
        worst=worst[:_WORST] if split == "tune" else [],
    )


def _match(counts: Sequence[Counts]) -> Match:
    table = np.array([[c.found, c.wanted, c.right, c.given] for c in counts], dtype=np.float64).reshape(-1, 4)
    generator = np.random.default_rng(_SEED)
    draws = generator.integers(0, max(1, len(table)), size=(_RESAMPLES, len(table)))
    sums = table[draws].sum(axis=1) if len(table) else np.zeros((1, 4))
    total = table.sum(axis=0)
    return Match(
        wanted=int(total[1]),
        given=int(total[3]),
        recall=_interval(total[0], total[1], sums[:, 0], sums[:, 1]),
        precision=_interval(total[2], total[3], sums[:, 2], sums[:, 3]),
    )


def _interval(hits: float, of: float, drawn_hits: np.ndarray, drawn_of: np.ndarray) -> Interval:
    """A share of all with the middle 95 % of the shares of the resamples."""
    usable = drawn_of > 0
    if of == 0 or not usable.any():
        return Interval(0.0, 0.0, 0.0)
    low, high = np.percentile(drawn_hits[usable] / drawn_of[usable], [2.5, 97.5])
    return Interval(float(hits / of), float(low), float(high))
