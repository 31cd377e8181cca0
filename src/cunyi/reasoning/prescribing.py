"""The prescription check: what a doctor should look at before signing. It never writes, changes or completes a prescription."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cunyi.domain.errors import KnowledgeError, UserError
from cunyi.domain.prescription import (
    Concern,
    ConcernKind,
    ConcernSeverity,
    PatientForPrescribing,
    PrescriptionLine,
)
from cunyi.knowledge.drugs import Drug, DrugClass, PrescribingRules
from cunyi.reasoning.checking_doses import DoseCheck
from cunyi.reasoning.checking_pairs import check_pairs
from cunyi.reasoning.checking_patient import check_allergies, check_person, check_problems
from cunyi.reasoning.concerns import Wording
from cunyi.reasoning.medicines import Medicine, medicine, read_current
from cunyi.reasoning.prepared import Knowledge

_SEVERITIES, _KINDS = list(ConcernSeverity), list(ConcernKind)


def find_drug(words: str, knowledge: Knowledge) -> Drug | None:
    """The drug that a text names by its name, a trade name or an everyday name; None where it is none or not certain."""
    return knowledge.drug_names.find(words)


def suggest_drugs(words: str, knowledge: Knowledge, limit: int = 8) -> list[Drug]:
    """Drugs whose names begin with or contain what was typed so far, the best first."""
    return knowledge.drug_names.suggest(words, limit)


def check_prescription(
    lines: Sequence[PrescriptionLine], patient: PatientForPrescribing, knowledge: Knowledge
) -> list[Concern]:
    """Everything to mind about a prescription, gravest first, in a fixed order.

    What could not be checked (a drug not in the list, an allergy not understood) is itself a concern. UserError where a
    line's days are no positive number, KnowledgeError where the knowledge base has no prescribing rules.
    """
    rules = knowledge.content.formulary.rules
    if rules is None:
        raise KnowledgeError("知识库里没有处方规则（prescribing.yaml），请补上后运行 cunyi knowledge build")
    for index, line in enumerate(lines):
        if line.days is not None and not (math.isfinite(line.days) and line.days > 0):
            raise UserError(f"第 {index + 1} 个药的天数要写大于 0 的数字；不知道就不写", field=f"lines[{index}].days")
    wording = Wording(rules)
    medicines = _medicines(lines, knowledge)
    doses = DoseCheck(patient, knowledge, rules)
    current = read_current(patient.current_drugs, knowledge, rules)
    concerns = [
        *check_allergies(medicines, patient, knowledge, rules),
        *check_pairs(medicines, current.medicines, knowledge.content.formulary, wording),
        *check_problems(medicines, patient, knowledge, rules),
        *check_person(medicines, patient, knowledge, rules),
        *doses.amounts(medicines, lines),
        *doses.organs(medicines, lines),
        *_check_rights(medicines, lines, patient, rules),
        *_check_amounts(medicines, lines, patient, rules),
        *_check_reading(medicines, wording),
        *(wording.record("current_not_read", text=text) for text in current.unread),
    ]
    unique = list(dict.fromkeys(concerns))
    return sorted(unique, key=lambda c: (_SEVERITIES.index(c.severity), _KINDS.index(c.kind), c.lines))


def _medicines(lines: Sequence[PrescriptionLine], knowledge: Knowledge) -> list[Medicine]:
    formulary, names = knowledge.content.formulary, knowledge.drug_names
    return [
        medicine(names.read(line.drug), formulary, line=index, written=line.drug.strip())
        for index, line in enumerate(lines)
        if line.drug.strip()
    ]


def _check_rights(
    medicines: Sequence[Medicine],
    lines: Sequence[PrescriptionLine],
    patient: PatientForPrescribing,
    rules: PrescribingRules,
) -> Iterator[Concern]:
    """Antimicrobials above the prescriber's level, and infusions of them where the county must have approved it."""
    wording = Wording(rules)
    role = patient.role if patient.role in rules.levels else rules.lowest_role
    for one in medicines:
        assert one.line is not None
        levels = {drug.antimicrobial_level for drug in one.parts if drug.antimicrobial_level}
        if levels - set(rules.levels[role]):
            yield wording.about(one, "antimicrobial_level")
        route = lines[one.line].route.lower()
        if levels and role in rules.county_approval_roles and any(word in route for word in rules.intravenous_words):
            yield wording.about(one, "intravenous")


def _check_amounts(
    medicines: Sequence[Medicine],
    lines: Sequence[PrescriptionLine],
    patient: PatientForPrescribing,
    rules: PrescribingRules,
) -> Iterator[Concern]:
    wording = Wording(rules)
    for one in medicines:
        assert one.line is not None
        days = lines[one.line].days
        found = None if days is None else _length(one, days, patient, rules)
        if found is not None:
            key, limit = found
            yield wording.about(one, key, days=f"{days:g}", limit=f"{limit:g}")
    if len(medicines) > rules.most_drugs:
        yield wording.about_all(medicines, "too_many", count=str(len(medicines)), limit=str(rules.most_drugs))


def _length(
    one: Medicine, days: float, patient: PatientForPrescribing, rules: PrescribingRules
) -> tuple[str, float] | None:
    """The message about the days of a line and the limit it names; None where they are as usual."""
    if patient.emergency_visit:
        return ("too_long_emergency", rules.emergency_days) if days > rules.emergency_days else None
    if days <= rules.usual_days:
        return None
    if not patient.chronic_reason.strip():
        return "too_long", rules.usual_days
    if any(not kind.long_term for kind in one.classes):
        return "too_long_not_allowed", rules.usual_days
    if days <= rules.long_term_days:
        return "long_term", rules.long_term_days
    if days <= rules.longest_days:
        return "long_term_extended", rules.long_term_days
    return "longest", rules.longest_days


def _check_reading(medicines: Sequence[Medicine], wording: Wording) -> Iterator[Concern]:
    for one in medicines:
        if not one.exact:
            recognised: list[Drug | DrugClass] = [*one.drugs, *one.named_classes]
            if recognised:
                what = ("、".join(entry.name for entry in recognised), ", ".join(entry.name_en for entry in recognised))
                yield wording.about(one, "partly_in_list", text=one.name, what=what)
            else:
                yield wording.about(one, "not_in_list", text=one.name)
        if any(drug.skin_test and not drug.topical for drug in one.drugs):
            yield wording.about(one, "skin_test")
