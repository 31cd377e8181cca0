"""What the prescription check is told of the patient: today's weight and results, and what was measured before."""

from clinic_day import Desk

from cunyi.domain.case import Case, Lab
from cunyi.domain.encounter import EncounterKind
from cunyi.domain.finding import Reading, When
from cunyi.journeys.case_of_person import patient_for


def test_weight_results_and_past_readings_reach_the_check(desk: Desk) -> None:
    past = Reading(item="creatinine", value=90.0, when=When.PAST, days_ago=20)
    lab = Lab("肌酐", 354, "μmol/L")
    case = Case(vitals={"weight_kg": 18.0, "temperature_c": 38.0}, labs=(lab,), previous=(past,))
    person = desk.register("曾小明")
    patient = patient_for(case, person, desk.account, EncounterKind.OUTPATIENT, emergency=False, chronic_reason="")
    assert (patient.weight_kg, patient.labs, patient.previous) == (18.0, (lab,), (past,))
    nothing = patient_for(Case(), person, desk.account, EncounterKind.OUTPATIENT, emergency=False, chronic_reason="")
    assert nothing.weight_kg is None and nothing.labs == () and nothing.previous == ()
