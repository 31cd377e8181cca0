"""One medicine and one patient: allergies, diseases, age, pregnancy and lactation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cunyi.domain.case import Sex
from cunyi.domain.prescription import Concern, ConcernSeverity, PatientForPrescribing
from cunyi.knowledge.drugs import AgeLimit, PrescribingRules
from cunyi.reasoning.concerns import Pair, Wording
from cunyi.reasoning.medicines import Allergies, Medicine, read_allergies, read_problems
from cunyi.reasoning.prepared import Knowledge

_SEVERITIES = list(ConcernSeverity)
_SAFETY = ("avoid", "caution", "unknown", "ok")


def check_allergies(
    medicines: Sequence[Medicine], patient: PatientForPrescribing, knowledge: Knowledge, rules: PrescribingRules
) -> Iterator[Concern]:
    """The same drug, ingredient or group, then relatives of it; allergies that were not understood are named."""
    wording, formulary = Wording(rules), knowledge.content.formulary
    allergies = read_allergies(patient.allergies, knowledge, rules)
    crossing = {
        other: group
        for group in allergies.groups.values()
        for other in formulary.allergy_groups
        if other in group.cross or group.id in formulary.allergy_groups[other].cross
    }
    for one in medicines:
        direct = _allergic_to(one, allergies, knowledge)
        related = sorted(one.groups & crossing.keys())
        classes = [kind for kind in one.classes if kind.id in allergies.classes]
        if direct is not None:
            yield wording.about(one, "allergy", what=direct)
        elif related:
            group = crossing[related[0]]
            yield wording.about(one, "cross_allergy", what=(group.name, group.name_en))
        elif classes:
            yield wording.about(one, "cross_allergy", what=(classes[0].name, classes[0].name_en))
    for text in allergies.unread:
        yield wording.record("allergy_not_read", text=text)


def _allergic_to(one: Medicine, allergies: Allergies, knowledge: Knowledge) -> Pair | None:
    drugs = knowledge.content.formulary.drugs
    for ingredient in sorted((one.ingredients | {drug.id for drug in one.drugs}) & allergies.ingredients):
        return drugs[ingredient].name, drugs[ingredient].name_en
    for group in sorted(one.groups & allergies.groups.keys()):
        return allergies.groups[group].name, allergies.groups[group].name_en
    return None


def check_problems(
    medicines: Sequence[Medicine], patient: PatientForPrescribing, knowledge: Knowledge, rules: PrescribingRules
) -> Iterator[Concern]:
    """Contraindications of drugs, their ingredients and classes by the patient's problems."""
    wording, content = Wording(rules), knowledge.content
    problems = read_problems(patient, knowledge, rules)
    for one in medicines:
        for holder in one.rules:
            for rule in holder.contraindications:
                met = [problem for problem in rule.problems if problem in problems.said]
                if met:
                    known = content.diseases.get(met[0]) or content.findings[met[0]]
                    yield wording.about(
                        one,
                        "contraindication",
                        severity=rule.severity,
                        sources=holder.sources,
                        what=(known.name, known.name_en),
                        reason=(rule.reason, rule.reason_en),
                    )
    if medicines and problems.unread:
        yield wording.record("problems_not_read", text="、".join(problems.unread))


def check_person(
    medicines: Sequence[Medicine], patient: PatientForPrescribing, knowledge: Knowledge, rules: PrescribingRules
) -> Iterator[Concern]:
    """Age, pregnancy, lactation. What is not known and matters to a drug is asked for."""
    wording = Wording(rules)
    for one in medicines:
        yield from _check_age(one, patient.age_years, rules, wording)
        for known, what in ((patient.pregnant, "pregnancy"), (patient.lactating, "lactation")):
            safety = _worst([getattr(drug, what) for drug in one.parts]) if known else "ok"
            if safety != "ok":
                yield wording.about(one, f"{what}_{safety}")
    unaged = [one for one in medicines if patient.age_years is None and _limits(one)]
    if unaged:
        yield wording.about_all(unaged, "age_unknown")
    unasked = [one for one in medicines if _is_unasked(one, patient)]
    if unasked and may_bear(patient.sex, patient.age_years, knowledge):
        yield wording.about_all(unasked, "pregnancy_not_asked")


def _worst(safeties: Sequence[str]) -> str:
    return min(safeties, key=_SAFETY.index, default="ok")


def _limits(one: Medicine) -> list[tuple[AgeLimit, tuple[str, ...]]]:
    return [(limit, holder.sources) for holder in one.rules for limit in holder.ages]


def _check_age(one: Medicine, age: float | None, rules: PrescribingRules, wording: Wording) -> Iterator[Concern]:
    if age is None:
        return
    met = [(limit, sources) for limit, sources in _limits(one) if age < limit.below]
    if met:
        limit, sources = min(met, key=lambda m: (_SEVERITIES.index(m[0].severity), m[0].below))
        reason = (limit.reason, limit.reason_en)
        yield wording.about(one, "age", severity=limit.severity, sources=sources, reason=reason)
    if age >= rules.elderly_years:
        for holder in one.rules:
            if holder.elderly is not None:
                reason = (holder.elderly.reason, holder.elderly.reason_en)
                yield wording.about(one, "elderly", sources=holder.sources, reason=reason)


def _is_unasked(one: Medicine, patient: PatientForPrescribing) -> bool:
    if patient.pregnant:
        return False
    return (patient.pregnant is None and any(drug.pregnancy == "avoid" for drug in one.parts)) or (
        patient.lactating is None and any(drug.lactation == "avoid" for drug in one.parts)
    )


def may_bear(sex: str | None, age_years: float | None, knowledge: Knowledge) -> bool:
    """Whether a pregnancy has to be thought of; what is not known of sex or age does not rule it out."""
    youngest, oldest = knowledge.settings.possibly_pregnant_years
    return sex != Sex.MALE and (age_years is None or youngest <= age_years <= oldest)
