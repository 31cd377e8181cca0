"""Our likelihood ratios against published ones: which differ by more than a factor, or point the other way."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cunyi.authoring.audit_facts import Ratio
from cunyi.authoring.audit_names import Names, Wanted
from cunyi.authoring.audit_profile import Profile, among_others, columns_of, given_complaint, rows_of

_SPECIFICITY_FILLED = 1000
_FILLED_LEAST = 20.0
_SURE = 1.5
"""A published ratio says something about the direction when it is at least this far from one."""
_UNBOUNDED = 1e6
_FULL = 10.0
"""Beyond this factor a discrepancy matters no more than at it."""
_SPECTRUM_WEIGHT = 0.2
"""A ratio that differs although the share of patients with the finding agrees mostly says that controls were others."""


class RatioFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One pair where we and the literature disagree. `published` are the lowest and highest of its papers."""

    diseases: tuple[str, ...]
    findings: tuple[str, ...]
    wording: str
    diagnosis: str
    published_positive: tuple[float, float]
    published_negative: tuple[float, float]
    sensitivity: tuple[float, float]
    """Between which shares of patients with the disease the published ratios put the finding."""
    ours_positive: float
    ours_negative: float
    probability: float
    others: float
    compared_with_complaint: bool
    listed: bool
    factor: float
    direction: bool
    wrong: tuple[str, ...]
    """Which of LR+, LR- and the share of patients (敏感度) disagree."""
    pmids: tuple[str, ...]
    matter: float


class RatioAudit(msgspec.Struct, frozen=True):
    """What came out of the list of ratios."""

    rows: int
    unmapped_disease: int
    unmapped_finding: int
    contradictory: int
    compared: int
    implausible: list[RatioFinding]
    unmapped: list[tuple[str, str]]


def audit_ratios(ratios: Sequence[Ratio], names: Names, profile: Profile, factor: float) -> RatioAudit:
    """Compares every ratio whose disease and finding we have. `factor` is how far apart two ratios may be."""
    pairs: dict[tuple[tuple[str, ...], Wanted], list[Ratio]] = {}
    no_disease = no_finding = contradictory = 0
    unmapped = []
    for ratio in ratios:
        diseases = names.disease(ratio.diagnosis)
        wanted = names.finding(ratio.name, ratio.diagnosis) if diseases else None
        if not diseases:
            no_disease += 1
        elif wanted is None:
            no_finding += 1
            unmapped.append((ratio.diagnosis, ratio.name))
        elif _contradicts_itself(ratio):
            contradictory += 1
        else:
            pairs.setdefault((diseases, wanted), []).append(ratio)
    found = [_compare(*key, papers, names, profile, factor) for key, papers in pairs.items()]
    implausible = sorted((one for one in found if one.wrong), key=lambda one: -one.matter)
    return RatioAudit(len(ratios), no_disease, no_finding, contradictory, len(pairs), implausible, unmapped)


def _contradicts_itself(ratio: Ratio) -> bool:
    """Both ratios on the same side of one cannot be: the row lost a digit or its direction."""
    low, high = _positive_span(ratio)
    return (low > 1 and ratio.negative > 1) or (high < 1 and ratio.negative + 0.1 < 1)


def _positive_span(ratio: Ratio) -> tuple[float, float]:
    """Between which values the printed LR+ lies: its decimals were cut off or rounded.

    Where no control had the finding the file writes sensitivity over 0.001; that says no more than that it is high.
    """
    filled = abs(ratio.positive / _SPECIFICITY_FILLED - (1 - ratio.negative)) <= 0.1
    if ratio.positive >= _FILLED_LEAST and filled:
        return 2.0, _UNBOUNDED
    return max(ratio.positive - 0.5, 0.0), ratio.positive + 1


def _compare(
    diseases: tuple[str, ...],
    wanted: Wanted,
    papers: Sequence[Ratio],
    names: Names,
    profile: Profile,
    factor: float,
) -> RatioFinding:
    columns = columns_of(profile, diseases)
    complaints = _complaints(papers, wanted, names)
    probability = given_complaint(profile, wanted.ids, columns, complaints)
    others = among_others(profile, wanted.ids, columns, complaints)
    with_complaint = others is not None
    background = profile.knowledge.likelihoods.background
    if others is None:
        others = max(float(background[row]) for row in rows_of(profile, wanted.ids))
    if wanted.absent:
        probability, others = 1 - probability, 1 - others
    ours_positive, ours_negative = probability / others, (1 - probability) / (1 - others)
    spans = [_positive_span(paper) for paper in papers]
    positive = min(low for low, _ in spans), max(high for _, high in spans)
    negative = max(min(p.negative for p in papers) - 0.05, 0.0), max(p.negative for p in papers) + 0.1
    wrong, worst, direction = [], 1.0, False
    for label, ours, span in (("LR+", ours_positive, positive), ("LR-", ours_negative, negative)):
        apart = _apart(ours, span)
        against = (span[0] >= _SURE and ours < 1) or (span[1] <= 1 / _SURE and ours > 1)
        if apart > factor or against:
            wrong.append(label)
            worst, direction = max(worst, apart), direction or against
    sensitivity = _sensitivity(positive, negative)
    share_apart = _odds_apart(probability, sensitivity)
    if share_apart > factor:
        wrong.append("敏感度")
    listed = profile.knowledge.likelihoods.listed
    weight = min(share_apart, _FULL) if share_apart > factor else 0.0
    weight += _SPECTRUM_WEIGHT * min(worst, _FULL) + (_FULL / 4 if direction else 0.0)
    return RatioFinding(
        diseases=diseases,
        findings=wanted.ids,
        wording=papers[0].name,
        diagnosis=papers[0].diagnosis,
        published_positive=(min(p.positive for p in papers), max(p.positive for p in papers)),
        published_negative=(min(p.negative for p in papers), max(p.negative for p in papers)),
        sensitivity=sensitivity,
        ours_positive=ours_positive,
        ours_negative=ours_negative,
        probability=probability,
        others=others,
        compared_with_complaint=with_complaint,
        listed=bool(listed[rows_of(profile, wanted.ids)][:, columns].any()),
        factor=max(worst, share_apart),
        direction=direction,
        wrong=tuple(wrong),
        pmids=tuple(dict.fromkeys(p.pmid for p in papers if p.pmid)),
        matter=float(profile.matter[columns].max()) * weight,
    )


def _complaints(papers: Sequence[Ratio], wanted: Wanted, names: Names) -> tuple[str, ...]:
    """The complaints of the patients that were studied, as our findings; none that is the finding itself."""
    found: dict[str, None] = {}
    for paper in papers:
        for complaint in paper.complaints:
            mapped = names.finding(complaint)
            if mapped is not None and not mapped.absent:
                found |= dict.fromkeys(mapped.ids)
    return tuple(one for one in found if one not in wanted.ids)


def _apart(ours: float, span: tuple[float, float]) -> float:
    """By which factor a value lies outside a span; 1 inside."""
    low, high = span
    floor = 0.02
    if ours < low:
        return low / max(ours, floor)
    return ours / max(high, floor) if ours > high else 1.0


def _sensitivity(positive: tuple[float, float], negative: tuple[float, float]) -> tuple[float, float]:
    """The share of patients with the finding that two ratios imply, at the corners of their spans: p(1-n)/(p-n)."""
    shares = [
        p * (1 - n) / (p - n) for p in positive for n in negative if (p > 1 > n or p < 1 < n) and abs(p - n) > 1e-9
    ]
    if not shares or positive[0] <= 1 <= positive[1] or negative[0] <= 1 <= negative[1]:
        # Where the printed ratios may both be one they say nothing about how many patients have the finding.
        return 0.0, 1.0
    return max(min(shares), 0.0), min(max(shares), 1.0)


def _odds_apart(ours: float, span: tuple[float, float]) -> float:
    """By which odds ratio a share lies outside a span; 1 inside."""
    low, high = (min(max(one, 0.01), 0.99) for one in span)
    own = min(max(ours, 0.01), 0.99)
    odds = own / (1 - own)
    if own < low:
        return low / (1 - low) / odds
    return odds / (high / (1 - high)) if own > high else 1.0
