"""What the record lists: drugs, allergies, problems."""

from cunyi.domain.case import Case
from cunyi.text.reader import read_case


def found(language, **lists):
    return [(f.finding, f.origin.value, f.when.value, f.span) for f in read_case(Case(**lists), language).facts]


def test_a_listed_drug_is_taken(language):
    assert found(language, medications=("青霉素 0.5g",)) == [("penicillin_use", "record", "past", None)]


def test_a_listed_problem_is_a_history(language):
    assert found(language, problems=("高血压2级",)) == [("history_hypertension", "record", "past", None)]


def test_a_listed_disease_is_a_history(language):
    assert found(language, problems=("脑梗死",)) == [("history_stroke", "record", "past", None)]


def test_a_listed_disease_of_a_listed_drug_is_a_history_only_where_the_entry_begins_with_it(language):
    assert found(language, medications=("高血压药",)) == [("history_hypertension", "record", "past", None)]
    assert found(language, medications=("青霉素，查高血压",)) == [("penicillin_use", "record", "past", None)]


def test_a_listed_symptom_is_no_present_symptom(language):
    assert found(language, problems=("咳嗽",)) == []


def test_who_is_allergic_to_a_drug_does_not_take_it(language):
    assert found(language, allergies=("青霉素",)) == []
    assert found(language, allergies=("青霉素过敏",)) == [("history_drug_allergy", "record", "past", None)]


def test_an_allergy_in_the_text_is_no_drug_taken(statuses_in):
    assert "penicillin_use" not in statuses_in("对青霉素和头孢过敏", "past_history")
