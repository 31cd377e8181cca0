"""What the prescription check is told of the patient: today's weight and results, and what was measured before."""

import pytest
from clinic_day import Desk
from tests.real_knowledge import real_knowledge

from cunyi.domain.case import Case, Lab
from cunyi.domain.encounter import EncounterKind
from cunyi.domain.finding import Reading, When
from cunyi.domain.prescription import ConcernSeverity, PatientForPrescribing, PrescriptionLine
from cunyi.journeys.case_of_person import patient_for
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.prescribing import check_prescription


def test_weight_results_and_past_readings_reach_the_check(desk: Desk, mini: Knowledge) -> None:
    past = Reading(item="creatinine", value=90.0, when=When.PAST, days_ago=20)
    lab = Lab("肌酐", 354, "μmol/L")
    case = Case(vitals={"weight_kg": 18.0, "temperature_c": 38.0}, labs=(lab,), previous=(past,))
    person = desk.register("曾小明")
    patient = patient_for(
        case, person, desk.account, EncounterKind.OUTPATIENT, mini, emergency=False, chronic_reason=""
    )
    assert (patient.weight_kg, patient.labs, patient.previous) == (18.0, (lab,), (past,))
    nothing = patient_for(
        Case(), person, desk.account, EncounterKind.OUTPATIENT, mini, emergency=False, chronic_reason=""
    )
    assert nothing.weight_kg is None and nothing.labs == () and nothing.previous == ()


def today(desk: Desk, words: str, field: str = "chief_complaint", **person: str) -> PatientForPrescribing:
    """Somebody of 29 years, with what was written of her today."""
    who = desk.register("曾小妹", **{"sex": "female", "birth_on": f"{desk.today.year - 29}-01-01", **person})
    case = Case(sex=who.sex, age_years=29, **{field: words})
    kind = EncounterKind.OUTPATIENT
    return patient_for(case, who, desk.account, kind, real_knowledge(), emergency=False, chronic_reason="")


def stopped(patient: PatientForPrescribing, drug: str) -> set[str]:
    concerns = check_prescription([PrescriptionLine(drug=drug)], patient, real_knowledge())
    return {concern.kind for concern in concerns if concern.severity is ConcernSeverity.STOP}


@pytest.mark.parametrize("words", ["怀孕6个月，血压高", "有喜三个月了", "孕36周，头痛", "怀孕了"])
def test_a_pregnancy_that_was_written_stops_what_harms_the_child(desk: Desk, words: str) -> None:
    patient = today(desk, words)
    assert patient.pregnant is True and "pregnancy" in stopped(patient, "依那普利")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("没有怀孕，血压高", "chief_complaint"),
        ("婆婆怀孕，我头晕", "chief_complaint"),
        ("儿媳妇怀孕6个月，我头晕", "chief_complaint"),
        ("可能怀孕了", "chief_complaint"),
        ("头晕", "chief_complaint"),
        ("去年怀孕过，头晕", "chief_complaint"),
        ("上次怀孕时血压高，头晕", "chief_complaint"),
        ("5年前怀孕6个月时血压高", "past_history"),
    ],
)
def test_a_pregnancy_denied_past_or_of_another_is_none(desk: Desk, words: str, field: str) -> None:
    patient = today(desk, words, field)
    assert patient.pregnant is not True and "pregnancy" not in stopped(patient, "依那普利")


def test_the_programme_counts_until_the_birth(desk: Desk) -> None:
    assert today(desk, "头晕", programmes="pregnancy").pregnant is True
    assert today(desk, "产后3天，头晕", programmes="pregnancy").pregnant is None


def test_breastfeeding_that_was_written_counts(desk: Desk) -> None:
    assert today(desk, "哺乳期，咽痛").lactating is True and today(desk, "咽痛").lactating is None


@pytest.mark.parametrize("drug", ["头孢曲松", "甲硝唑", "安定", "吗啡"])
def test_a_drunk_patient_stops_what_alcohol_makes_dangerous(desk: Desk, drug: str) -> None:
    assert "contraindication" in stopped(today(desk, "喝醉了叫不醒，一身酒味"), drug)
    assert "contraindication" not in stopped(today(desk, "不喝酒，发热咳嗽"), drug)
