"""What each setting does to the answers: `python -m benchmarks.tuning CASES.jsonl…`. Tune cases only; prints Markdown tables.

The tables of docs/evaluation.md come from here: ranking by the weights of priors and findings, triage by its
thresholds, the tune misses sorted, and how confidence compares with being right.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.app import load_knowledge
from cunyi.authoring.evaluate import calibration_error, is_covered, select
from cunyi.authoring.scoring import is_right, read_gold
from cunyi.domain.intake import parse_case
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.likelihoods import Matrix
from cunyi.reasoning.differential import Differential, rank
from cunyi.reasoning.evidence import Evidence, gather
from cunyi.reasoning.naming import name_weights
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.reasoning.resembling import resemble
from cunyi.reasoning.settings import Lapse, LevelThresholds
from cunyi.reasoning.triage import judge

PRIOR_WEIGHTS = (0.2, 0.4, 0.6, 0.8, 1.0)
EVIDENCE_WEIGHTS = (0.5, 0.75, 0.95)
EMERGENCY_SHARES = (0.3, 0.4, 0.5)
URGENT_SHARES = (0.3, 0.4, 0.5)
TELLING = 1.0
CONFIDENCE_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SHARPNESSES = (1.0, 2.0, 3.0, 4.0)
LAPSES = (0.05, 0.1, 0.15, 0.25, 0.3, 0.35, 0.5)
LEAST_SHARE = 0.003
"""What a disease that is given less counts as, in the log loss of the whole list."""


class Prepared(NamedTuple):
    """A tune case read once: which diseases would be right, and all that ranking needs."""

    right: NDArray[np.bool_]
    covered: bool
    urgency: str | None
    presentation: Presentation
    evidence: Evidence
    resemblance: Matrix | None
    named: Matrix | None


def main(paths: Sequence[str]) -> int:
    """Prints the tables for the files given."""
    knowledge = load_knowledge()
    files = {Path(path).stem: list(prepare(Path(path), knowledge)) for path in paths}
    print_ranking(files, knowledge)
    print_triage({name: cases for name, cases in files.items() if any(c.urgency for c in cases)}, knowledge)
    print_ablation(files, knowledge)
    print_misses(files, knowledge)
    print_calibration(files, knowledge)
    print_reliability(files, knowledge)
    return 0


def prepare(path: Path, knowledge: Knowledge) -> Iterable[Prepared]:
    """The tune cases of a file."""
    diseases = list(knowledge.content.diseases.values())
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for case in select(rows, "tune")[0]:
        gold = read_gold(case["gold"])
        parsed = parse_case(case)
        reception = receive(parsed, knowledge)
        resemblance = resemble(reception.written, knowledge)
        evidence = gather(
            reception.presentation,
            reception.explicit,
            knowledge.likelihoods,
            knowledge.content.findings,
            knowledge.settings.possible_weight,
        )
        right = np.array([is_right(gold, d.name, d.aliases, d.icd10) for d in diseases])
        yield Prepared(
            right,
            is_covered(gold, diseases),
            gold.urgency,
            reception.presentation,
            evidence,
            None if resemblance is None else resemblance.score,
            name_weights(reception.named, evidence, knowledge.settings),
        )


def answer(case: Prepared, knowledge: Knowledge) -> Differential:
    """The differential of a case by the knowledge's settings."""
    return rank(
        case.presentation, case.evidence, knowledge.likelihoods, knowledge.settings, None, case.resemblance, case.named
    )


def rank_of_right(case: Prepared, differential: Differential) -> int | None:
    """The place, from 1, of the first right disease; None where none is right or it was given nothing."""
    order = np.argsort(-differential.probability, kind="stable")
    hits = np.flatnonzero(case.right[order] & (differential.probability[order] > 0))
    return int(hits[0]) + 1 if len(hits) else None


def with_settings(knowledge: Knowledge, **changes: object) -> Knowledge:
    """The same knowledge under other settings."""
    return msgspec.structs.replace(knowledge, settings=msgspec.structs.replace(knowledge.settings, **changes))


def print_ranking(files: dict[str, list[Prepared]], knowledge: Knowledge) -> None:
    """Top-1/3/5 of covered cases by the weights of priors and findings; a line per combination."""
    print("| prior weight | evidence weight |", " | ".join(files), "| mean |")
    print("|---|---|" + "---|" * (len(files) + 1))
    for prior_weight, evidence_weight in product(PRIOR_WEIGHTS, EVIDENCE_WEIGHTS):
        given = knowledge.settings.prior_weight
        share = prior_weight / given.few
        scaled = msgspec.structs.replace(given, few=prior_weight, least=given.least * share, step=given.step * share)
        changed = with_settings(knowledge, prior_weight=scaled, evidence_weight=evidence_weight)
        shares = []
        for cases in files.values():
            ranks = [rank_of_right(c, answer(c, changed)) or 1000 for c in cases if c.covered]
            shares.append([100 * float(np.mean([r <= k for r in ranks])) for k in (1, 3, 5)])
        cells = [*shares, np.mean(shares, axis=0).tolist()]
        text = " | ".join("/".join(f"{value:.0f}" for value in cell) for cell in cells)
        print(f"| {prior_weight} | {evidence_weight} | {text} |")
    print()


def print_triage(files: dict[str, list[Prepared]], knowledge: Knowledge) -> None:
    """Triage by the share of a typical picture that emergencies and urgent diseases must show, and the safety net."""
    print("| emergency share | urgent share | safety net |", " | ".join(files), "|")
    print("|---|---|---|" + "---|" * len(files))
    given = knowledge.settings
    nets = {"yes": given.suspected, "no": msgspec.structs.replace(given.suspected, log_odds=float("inf"))}
    answers = {name: [(c, answer(c, knowledge)) for c in cases if c.urgency] for name, cases in files.items()}
    for emergency, urgent, net in product(EMERGENCY_SHARES, URGENT_SHARES, nets):
        thresholds: dict[str, LevelThresholds] = dict(given.triage)
        for code, typical_share in (("emergency", emergency), ("urgent", urgent)):
            thresholds[code] = msgspec.structs.replace(thresholds[code], typical_share=typical_share)
        changed = with_settings(knowledge, triage=thresholds, suspected=nets[net])
        cells = []
        for judged in answers.values():
            errors = np.array(
                [
                    int(judge(c.presentation, c.evidence, differential, changed).level)
                    - int(TriageLevel.from_code(c.urgency or ""))
                    for c, differential in judged
                ]
            )
            cells.append(
                f"exact {100 * (errors == 0).mean():.0f}, under {100 * (errors < 0).mean():.0f}, "
                f"severe {100 * (errors <= -2).mean():.0f}, over {100 * (errors > 0).mean():.0f}"
            )
        print(f"| {emergency} | {urgent} | {net} |", " | ".join(cells), "|")
    print()


def print_ablation(files: dict[str, list[Prepared]], knowledge: Knowledge) -> None:
    """What each part of the engine is worth: the answers without it, everything else being as it is."""
    variants = {
        "as in force": knowledge,
        "correlated findings count in full": with_settings(knowledge, repeat_weight=1.0),
        "no pairs of diseases": with_settings(knowledge, pair_candidates=1),
        "no 'something else'": with_settings(knowledge, other_prior=1e-12),
        "any evidence may set a level of care": msgspec.structs.replace(
            knowledge, defining=tuple(frozenset[str]() for _ in knowledge.diseases)
        ),
    }
    print("| variant |", " | ".join(files), "| calibration error |", "triage exact / severe under / over |")
    print("|---|" + "---|" * (len(files) + 2))
    for name, changed in variants.items():
        confidence, right, errors, cells = [], [], [], []
        for cases in files.values():
            ranks = []
            for case in cases:
                differential = answer(case, changed)
                place = rank_of_right(case, differential)
                if case.covered:
                    ranks.append(place or 1000)
                if case.urgency:
                    confidence.append(float(differential.confidence.max(initial=0)))
                    right.append(place == 1)
                    level = int(judge(case.presentation, case.evidence, differential, changed).level)
                    errors.append(level - int(TriageLevel.from_code(case.urgency)))
            cells.append("/".join(f"{100 * float(np.mean([r <= k for r in ranks])):.0f}" for k in (1, 3, 5)))
        calibration = calibration_error(np.array(confidence), np.array(right, dtype=np.float64))
        wrong = np.array(errors)
        figures = [100 * (wrong == 0).mean(), 100 * (wrong <= -2).mean(), 100 * (wrong > 0).mean()]
        print(f"| {name} |", " | ".join(cells), f"| {calibration:.2f} |", " / ".join(f"{f:.0f}" for f in figures), "|")
    print()


def print_misses(files: dict[str, list[Prepared]], knowledge: Knowledge) -> None:
    """Tune cases whose first disease is not right: not covered; text (too little read that speaks for it); reasoning."""
    print("| file | tune cases | right first | not covered | text not understood | reasoning |")
    print("|---|---|---|---|---|---|")
    for name, cases in files.items():
        kinds = Counter(_kind(case, answer(case, knowledge)) for case in cases)
        figures = [kinds[kind] for kind in ("right", "uncovered", "text", "reasoning")]
        print(f"| {name} | {len(cases)} |", " | ".join(map(str, figures)), "|")
    print()


def _kind(case: Prepared, differential: Differential) -> str:
    if not case.covered:
        return "uncovered"
    if rank_of_right(case, differential) == 1:
        return "right"
    telling = (case.evidence.for_rows[:, case.right] >= TELLING).sum(axis=0)
    return "text" if int(telling.max(initial=0)) < 2 else "reasoning"


def print_calibration(files: dict[str, list[Prepared]], knowledge: Knowledge) -> None:
    """Log loss (nats; less is better) of the first disease's confidence, and of the right ones' among the whole list, something else for
    what is not covered, by sharpness and lapse; in the mean all files count alike."""
    print("| sharpness | lapse |", " | ".join(files), "| mean |")
    print("|---|---|" + "---|" * (len(files) + 1))
    mix = knowledge.settings.case_mix
    for sharpness, lapse in product(SHARPNESSES, LAPSES):
        given = msgspec.structs.replace(
            knowledge.settings.case_mixes[mix], sharpness=sharpness, lapse=Lapse(told=lapse, measured=lapse)
        )
        changed = with_settings(knowledge, case_mixes={mix: given})
        losses = []
        for cases in files.values():
            answers = [answer(case, changed) for case in cases]
            right = np.array([rank_of_right(c, a) == 1 for c, a in zip(cases, answers, strict=True)])
            confidence = np.clip([a.confidence.max(initial=0) for a in answers], 1e-3, 1 - 1e-3)
            shares = [
                float(a.confidence[c.right].sum()) if c.covered else a.something_else
                for c, a in zip(cases, answers, strict=True)
            ]
            of_list = float(-np.log(np.maximum(shares, LEAST_SHARE)).mean())
            losses.append((float(-np.log(np.where(right, confidence, 1 - confidence)).mean()), of_list))
        cells = [*losses, np.mean(losses, axis=0).tolist()]
        print(f"| {sharpness} | {lapse} |", " | ".join(f"{first:.3f} / {of_list:.3f}" for first, of_list in cells), "|")
    print()


def print_reliability(files: dict[str, list[Prepared]], knowledge: Knowledge) -> None:
    """How often the first disease is right, by its confidence; a bar of ten characters is the reliability diagram."""
    print("| confidence of the first | cases | mean confidence | right | |")
    print("|---|---|---|---|---|")
    confidence, right = [], []
    for cases in files.values():
        for case in cases:
            differential = answer(case, knowledge)
            confidence.append(float(differential.confidence.max(initial=0)))
            right.append(rank_of_right(case, differential) == 1)
    given, correct = np.array(confidence), np.array(right, dtype=np.float64)
    for low, high in pairwise(CONFIDENCE_EDGES):
        inside = (given >= low) & ((given < high) | (high == CONFIDENCE_EDGES[-1]))
        if inside.any():
            share = float(correct[inside].mean())
            bar = "█" * round(10 * share)
            print(f"| {low:.1f}–{high:.1f} | {inside.sum()} | {given[inside].mean():.2f} | {share:.2f} | {bar} |")
    print()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m benchmarks.tuning CASES.jsonl…")
    raise SystemExit(main(sys.argv[1:]))
