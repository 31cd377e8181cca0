"""What the latest readings say of a patient's weight and kidneys."""

from __future__ import annotations

from cunyi.domain.case import Sex
from cunyi.domain.finding import Reading
from cunyi.domain.prescription import PatientForPrescribing
from cunyi.knowledge.doses import DoseRules, KidneyFormula
from cunyi.reasoning.measuring import is_possible
from cunyi.reasoning.prepared import Knowledge

_WEIGHT, _CREATININE, _EGFR = "weight_kg", "creatinine", "egfr"


def weight_of(patient: PatientForPrescribing, knowledge: Knowledge, rules: DoseRules) -> float | None:
    """The body weight in kg, today's or the latest; None where a growing child's is too old."""
    is_child = patient.age_years is None or patient.age_years < knowledge.settings.child_years
    known = _latest(_WEIGHT, patient, knowledge)
    if known is None or (is_child and known[1] > rules.child_weight_days):
        return None
    return known[0]


def kidney_function(patient: PatientForPrescribing, knowledge: Knowledge, rules: DoseRules) -> float | None:
    """The latest eGFR in mL/min/1.73 m², as reported or from creatinine; None where neither is known or recent."""
    reported, creatinine = (_latest(item, patient, knowledge) for item in (_EGFR, _CREATININE))
    estimates: list[tuple[float, float]] = [] if reported is None else [reported]
    if creatinine is not None and patient.age_years is not None and patient.sex is not None:
        value, days_ago = creatinine
        estimate = glomerular_filtration(value, patient.age_years, patient.sex, rules.kidney)
        if estimate is not None:
            estimates.append((estimate, days_ago))
    recent = [each for each in estimates if each[1] <= rules.creatinine_days]
    return min(recent, key=lambda each: each[1])[0] if recent else None


def glomerular_filtration(creatinine: float, age_years: float, sex: Sex, formula: KidneyFormula) -> float | None:
    """eGFR in mL/min/1.73 m² of an adult by CKD-EPI 2021, from creatinine in μmol/L; None for ages it is not for."""
    if age_years < formula.youngest or creatinine <= 0:
        return None
    share = creatinine / formula.mg_dl / formula.kappa[sex]
    curve = float(min(share, 1.0) ** formula.alpha[sex] * max(share, 1.0) ** formula.beta)
    return float(formula.scale * curve * formula.yearly**age_years * formula.factor[sex])


def _latest(item: str, patient: PatientForPrescribing, knowledge: Knowledge) -> tuple[float, float] | None:
    """The latest possible value of an item and how many days old it is."""
    known = knowledge.content.items.get(item)
    if known is None:
        return None
    readings = list(patient.previous)
    if item == _WEIGHT and patient.weight_kg is not None:
        readings.append(Reading(item=item, value=patient.weight_kg))
    results = (knowledge.language.read_result(lab.name, lab.value, lab.unit) for lab in patient.labs)
    readings += [result for result in results if result is not None]
    usable = [
        (float(reading.value), reading.days_ago)
        for reading in readings
        if reading.item == item and not isinstance(reading.value, str) and is_possible(known, reading.value)
    ]
    return min(usable, key=lambda each: each[1]) if usable else None
