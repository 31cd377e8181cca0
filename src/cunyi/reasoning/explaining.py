"""The engine's result in words and records: names, evidence, reasons and sources. Every shown item names a source."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from cunyi.domain.assessment import (
    AdviceGiven,
    Candidate,
    ConflictShown,
    CriticalValueFound,
    DiseaseNamed,
    ExaminationProposed,
    FindingShown,
    MustExclude,
    Question,
    ReadingShown,
    Reason,
    TriageResult,
    WeighedFinding,
    WordingFound,
)
from cunyi.domain.finding import Fact, Span
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.conditions import Bounds
from cunyi.reasoning.asking import RankedExamination, RankedQuestion
from cunyi.reasoning.danger import Raised
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.evidence import Evidence
from cunyi.reasoning.measuring import CriticalValue
from cunyi.reasoning.naming import explained, name_weight
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import Reception
from cunyi.reasoning.resembling import Resemblance, telling_stretches
from cunyi.reasoning.triage import Triage
from cunyi.reasoning.withholding import withheld_mark, withhold_amounts
from cunyi.text.disease_names import NamedDisease

SPOKEN_ALARM = "own_words"
"""The rule of a level that only the wording raised."""
_UNKNOWN_SHOWN = 8
_ADVISED = 2
_NOTABLE = 0.05
_WORDED = 3
"""For how many of the first diseases it is told which words of the text are like those of example patients."""
_STRETCHES_SHOWN = 3
"""Log-odds below which a finding is not worth showing as evidence."""


def _source_title(ids: tuple[str, ...] | list[str], knowledge: Knowledge) -> str:
    sources = knowledge.content.sources
    return "；".join([sources[i].title if i in sources else i for i in ids])


def triage_result(triage: Triage, knowledge: Knowledge) -> TriageResult:
    """The level with the red flags and diseases that reach it."""
    reasons = [
        Reason(rule=r.flag.id, text=f"{r.flag.name}：{r.flag.why}", source=_source_title(r.flag.sources, knowledge))
        for r in triage.flags
    ]
    diseases = knowledge.diseases
    if triage.alarm is not None:
        text, _ = triage.alarm.said(knowledge)
        reasons.append(
            Reason(rule=SPOKEN_ALARM, text=text, source=_source_title(knowledge.settings.sources, knowledge))
        )
    shown = (
        [] if triage.flags and triage.level > TriageLevel.from_code(triage.flags[0].flag.triage) else triage.diseases
    )
    if not shown:
        shown = triage.diseases
    for column in shown[:3]:
        disease = diseases[column]
        reasons.append(
            Reason(
                rule=f"disease.{disease.id}",
                text=f"{disease.name}：{disease.danger}",
                source=_source_title(disease.sources, knowledge),
            )
        )
    return TriageResult(
        level=triage.level.code, reasons=reasons, provisional=triage.provisional, ask_first=triage.ask_first
    )


def candidates(
    differential: Differential,
    evidence: Evidence,
    presentation: Presentation,
    resemblance: Resemblance | None,
    named: Sequence[NamedDisease],
    knowledge: Knowledge,
) -> list[Candidate]:
    """The most probable diseases with what speaks for and against each, how the text is worded or names it, and what is not known."""
    shown = knowledge.settings.shown["differential"]
    order = differential.first(shown)
    counted = [*evidence.for_ids, *evidence.against_ids]
    weights = np.concatenate((evidence.for_rows[:, order], evidence.against_rows[:, order])).T.astype(np.float64)
    # As Python rounds, for weights of single precision: a hundred times such a one is exact in double precision.
    rounded = np.round(weights, 2).tolist()
    told = [(f, knowledge.content.findings[f].name, presentation.facts[f].span) for f in counted]
    worded = _wordings(order[:_WORDED], resemblance, knowledge)
    probabilities = differential.confidence[order].tolist()
    accounts = explained(evidence, knowledge.settings.named_explains) if named else None
    result: list[Candidate] = []
    for column, probability, row, shown_row in zip(order, probabilities, weights.tolist(), rounded, strict=True):
        if probability <= 0:
            continue
        disease = knowledge.diseases[column]
        supports, against = _weighed(told, row, shown_row)
        result.append(
            Candidate(
                disease=disease.id,
                name=disease.name,
                aliases=disease.aliases,
                name_en=disease.name_en,
                icd10=disease.icd10,
                probability=round(probability, 4),
                criticality=disease.criticality,
                supports=supports,
                against=against,
                unknown=_unknown(column, presentation, knowledge),
                sources=list(disease.sources),
                review_status=disease.review_status,
                wording=worded[len(result)] if len(result) < len(worded) else [],
                named=_names(column, named, float(accounts[column]), evidence, knowledge)
                if accounts is not None
                else [],
            )
        )
    return result


def _wordings(columns: list[int], resemblance: Resemblance | None, knowledge: Knowledge) -> list[list[WordingFound]]:
    if resemblance is None:
        return [[] for _ in columns]
    weight = knowledge.settings.wording_weight
    return [
        [
            WordingFound(stretch.text, round(stretch.weight * weight, 2), stretch.span)
            for stretch in stretches
            if stretch.weight * weight > _NOTABLE
        ]
        for stretches in telling_stretches(resemblance, columns, _STRETCHES_SHOWN)
    ]


_Told = tuple[str, str, Span | None]
"""A finding, its name and where it was told."""


def _weighed(
    told: list[_Told], weights: list[float], shown: list[float]
) -> tuple[list[WeighedFinding], list[WeighedFinding]]:
    """What speaks for a disease and what against it, the weightiest first and then by finding, with the weights as `shown`."""
    supports: list[tuple[float, str, int]] = []
    against: list[tuple[float, str, int]] = []
    for place, weight in enumerate(weights):
        if weight > _NOTABLE:
            supports.append((-weight, told[place][0], place))
        elif weight < -_NOTABLE:
            against.append((weight, told[place][0], place))
    return _in_order(supports, told, shown), _in_order(against, told, shown)


def _in_order(ranked: list[tuple[float, str, int]], told: list[_Told], shown: list[float]) -> list[WeighedFinding]:
    ranked.sort()
    return [WeighedFinding(finding, told[place][1], shown[place], told[place][2]) for _, finding, place in ranked]


def _names(
    column: int, named: Sequence[NamedDisease], accounts: float, evidence: Evidence, knowledge: Knowledge
) -> list[DiseaseNamed]:
    settings = knowledge.settings
    return [
        DiseaseNamed(
            each.text,
            round(settings.named_weight * name_weight(each, evidence, settings) * accounts, 2),
            each.span,
        )
        for each in named
        if column in each.diseases
    ]


def _unknown(column: int, presentation: Presentation, knowledge: Knowledge) -> list[str]:
    facts = presentation.facts
    return list(islice((f for f in knowledge.telling_findings[column] if f not in facts), _UNKNOWN_SHOWN))


def exclusions(excluded: list[Raised], differential: Differential, knowledge: Knowledge) -> list[MustExclude]:
    """The must-exclude strip."""
    diseases = knowledge.diseases
    findings = knowledge.content.findings
    return [
        MustExclude(
            disease=diseases[r.disease].id,
            name=diseases[r.disease].name,
            aliases=diseases[r.disease].aliases,
            name_en=diseases[r.disease].name_en,
            icd10=diseases[r.disease].icd10,
            probability=round(float(differential.confidence[r.disease]), 4),
            criticality=diseases[r.disease].criticality,
            raised_by=[findings[f].name for f in r.raised_by],
            how=diseases[r.disease].exclude or diseases[r.disease].danger,
            sources=list(diseases[r.disease].sources),
        )
        for r in excluded
    ]


def critical_values_found(critical: list[CriticalValue]) -> list[CriticalValueFound]:
    """Critical values with the limit they pass and its source."""
    return [
        CriticalValueFound(
            item=c.item.name,
            value=c.reading.value,
            unit=c.item.unit,
            threshold=_limit(c.band.value) if c.band.value else "、".join(sorted(c.band.ordinals)),
            source="；".join(c.band.sources),
            span=c.reading.span,
        )
        for c in critical
    ]


def _limit(bounds: Bounds) -> str:
    parts = []
    if bounds.lower is not None:
        parts.append(f"≥{bounds.lower:g}")
    if bounds.upper is not None:
        parts.append(f"<{bounds.upper:g}")
    return " ".join(parts)


def questions(
    ranked: list[RankedQuestion], triage: Triage, presentation: Presentation, knowledge: Knowledge
) -> list[Question]:
    """Red flags that nobody asked about first, then by expected gain."""
    gains = {q.finding: q.gain for q in ranked}
    order = [*triage.ask_first, *(q.finding for q in ranked if q.finding not in triage.ask_first)]
    shown = []
    for finding_id in order[: knowledge.settings.shown["questions"]]:
        finding = knowledge.content.findings[finding_id]
        shown.append(
            Question(
                finding=finding_id,
                name=finding.name,
                ask=finding.ask or f"{finding.name}？",
                ask_en=finding.ask_en or f"{finding.name_en}?",
                gain=round(gains.get(finding_id, 0.0), 4),
                source=_source_title(finding.sources, knowledge),
            )
        )
    return shown


def examinations(ranked: list[RankedExamination], knowledge: Knowledge) -> list[ExaminationProposed]:
    """What to examine next and where."""
    diseases = knowledge.diseases
    shown = []
    for r in ranked:
        examination = knowledge.content.examinations[r.examination]
        disease = diseases[r.disease]
        shown.append(
            ExaminationProposed(
                examination=examination.id,
                name=examination.name,
                name_en=examination.name_en,
                why=f"{disease.name}：{r.why}",
                available_at="village" if examination.obtain == "ask" else examination.obtain,
                source=_source_title(disease.sources, knowledge),
            )
        )
    return shown


def advice(
    triage: Triage, excluded: list[Raised], differential: Differential, knowledge: Knowledge
) -> list[AdviceGiven]:
    """What to do now: the red flags' first, then first aid for what reaches the level, then the likely diseases.

    Amounts of drugs are withheld: none of this prose was checked against a label.
    """
    mark = withheld_mark(knowledge.content.formulary).text
    given = [
        AdviceGiven(
            text=withhold_amounts(r.flag.advice, mark),
            source=_source_title(r.flag.sources, knowledge),
            for_disease=None,
        )
        for r in triage.flags
        if r.flag.advice
    ]
    diseases = knowledge.diseases
    probable = np.flatnonzero(differential.confidence >= knowledge.settings.advice_probability)
    likely = differential.first(_ADVISED, among=probable)
    grave = triage.diseases[:1] if triage.level >= TriageLevel.URGENT else []
    for column in dict.fromkeys([*likely, *grave]):
        disease = diseases[column]
        given += [
            AdviceGiven(
                text=withhold_amounts(a.text, mark),
                source=_source_title(a.sources, knowledge),
                for_disease=disease.name,
            )
            for a in disease.management
        ]
    unique = {a.text: a for a in reversed(given)}
    return [unique[a] for a in dict.fromkeys(a.text for a in given)][: knowledge.settings.shown["advice"]]


def findings_shown(reception: Reception, knowledge: Knowledge) -> list[FindingShown]:
    """Every mention in the text, then what was entered, measured or derived."""
    facts = reception.presentation.facts
    rest = [facts[f] for f in sorted(reception.explicit) if facts[f].origin.value != "text"]
    return [_shown(fact, knowledge) for fact in (*reception.mentions, *rest)]


def _shown(fact: Fact, knowledge: Knowledge) -> FindingShown:
    return FindingShown(
        finding=fact.finding,
        name=knowledge.content.findings[fact.finding].name,
        status=fact.status.value,
        who=fact.who.value,
        when=fact.when.value,
        onset=fact.onset.value if fact.onset else None,
        duration_days=fact.duration_days,
        severity=fact.severity.value if fact.severity else None,
        span=fact.span,
        value=fact.value,
        unit=fact.unit,
        origin=fact.origin.value,
    )


def readings_shown(reception: Reception, knowledge: Knowledge) -> list[ReadingShown]:
    """Every value as it was understood."""
    items = knowledge.content.items
    return [
        ReadingShown(item=r.item, name=items[r.item].name, value=r.value, unit=r.unit, days_ago=r.days_ago, span=r.span)
        for r in reception.readings
    ]


def conflicts_shown(presentation: Presentation, knowledge: Knowledge) -> list[ConflictShown]:
    """What was said against what was measured."""
    return [
        ConflictShown(
            finding=c.finding,
            name=knowledge.content.findings[c.finding].name,
            stated=c.stated.status.value,
            kept=c.kept.status.value,
            value=c.kept.value,
            unit=c.kept.unit,
            span=c.stated.span,
        )
        for c in presentation.conflicts
    ]
