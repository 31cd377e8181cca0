"""Simulated interviews: a patient who says what the case says and nothing more, and figures that mean what they say."""

import pytest

from cunyi.authoring.scoring import Gold
from cunyi.authoring.simulated_interview import Patient, interview_report, simulate, simulations
from cunyi.authoring.slot_interview import MOST_TURNS, play, read_slots, slot_report
from cunyi.authoring.symptom_slots import LabelCode, SlotCase, read_label_codes, read_slot_cases
from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Status
from cunyi.domain.intake import parse_case
from cunyi.domain.interview import Finish, Interview
from cunyi.reasoning.interviewing import case_of_interview

PNEUMONIA = {
    "id": "a",
    "sex": "male",
    "age_years": 60,
    "chief_complaint": "咳嗽3天",
    "history_of_present_illness": "发烧，怕冷，不流鼻涕，抽烟",
    "gold": {"name": "肺炎", "accept_names": ["肺炎"], "urgency": "urgent", "must_not_miss": True},
}
INFARCTION = {
    "id": "b",
    "sex": "female",
    "age_years": 70,
    "chief_complaint": "胸痛出冷汗1小时",
    "gold": {"name": "急性心肌梗死", "accept_icd10": ["I21"], "urgency": "emergency"},
}


def test_the_patient_starts_from_the_complaint_and_answers_from_the_case(mini):
    interview, finish, spent = simulate(PNEUMONIA, mini)
    assert finish in (Finish.ENOUGH, Finish.LIMIT)
    assert len(spent) == len(interview.answers) + 1
    case = case_of_interview(interview, mini)
    assert case.chief_complaint == "咳嗽3天"
    assert case.history_of_present_illness == ""
    statuses = {fact.finding: fact.status for fact in case.findings}
    assert statuses["fever"] == Status.PRESENT
    assert statuses["rhinorrhea"] == Status.ABSENT
    assert statuses["smoking"] == Status.PRESENT


def test_the_patient_is_not_sure_of_what_the_case_does_not_say(mini):
    interview, _, _ = simulate(PNEUMONIA, mini)
    said = {o: s for a in interview.answers for o, s in a.statuses.items()}
    assert said.get("hypertension") == Status.UNKNOWN
    taken = interview.answer_to("taken")
    assert taken is None or taken.unknown


def test_the_patient_never_answers_what_the_case_denies_or_leaves_open(mini):
    case = parse_case(PNEUMONIA)
    patient = Patient(case, mini)
    interview, _, _ = simulate(PNEUMONIA, mini)
    present = {f.finding for f in case_of_interview(interview, mini).findings if f.status == Status.PRESENT}
    assert present <= {"cough", "fever", "chills", "smoking"}
    assert all(patient.answer(a.question) == a for a in interview.answers)


def test_an_emergency_stops_the_simulated_interview(mini):
    interview, finish, _ = simulate(INFARCTION, mini)
    assert finish == Finish.EMERGENCY
    assert len(interview.answers) == 1


def test_figures_after_the_interview_stand_beside_those_with_everything_known(mini):
    simulated = list(simulations([PNEUMONIA, INFARCTION], mini))
    report = interview_report("cases.jsonl", None, simulated)
    assert (report.cases, report.split) == (2, "all")
    assert report.finished["emergency"] == 1
    assert (report.emergencies_stopped.hits, report.emergencies_stopped.cases) == (1, 1)
    assert (report.others_stopped.hits, report.others_stopped.cases) == (0, 1)
    assert report.top_full["1"].hits == sum(one.full.rank == 1 for one in simulated)
    assert report.top_after["1"].hits == sum(one.after.rank == 1 for one in simulated)
    assert report.kept["3"] == pytest.approx(report.top_after["3"].value / report.top_full["3"].value)
    assert report.must_not_miss_after.cases == 1
    assert report.questions == sum(one.questions for one in simulated) / 2
    assert report.most_by_gain <= mini.interviewing.words.rules.most_gain
    assert 0 < report.milliseconds_median <= report.milliseconds_95


def test_no_cases_give_an_empty_report(mini):
    report = interview_report("none.jsonl", "hold", [])
    assert (report.cases, report.questions, report.kept["3"], report.milliseconds_median) == (0, 0, 0, 0)


ROWS = [
    {
        "id": "1",
        "explicit": {"咳嗽": True},
        "implicit": {"发热": True, "流涕": False, "没听说过": True},
        "label": "肺炎",
    },
    {"id": "2", "explicit": {"胸痛": True}, "implicit": {"冷汗": True}, "label": "心梗"},
]
GOLDS = {
    "肺炎": LabelCode("肺炎", (), ("肺炎",)),
    "心梗": LabelCode("心梗", ("I21",), ()),
}


def test_slots_are_read_as_findings_and_labels_as_diseases(mini):
    slots = read_slots(read_slot_cases(ROWS), GOLDS, mini)
    assert slots.findings["发热"] == "fever"
    assert slots.unmapped == ("没听说过",)
    assert [mini.likelihoods.disease_ids[c] for c in slots.columns["心梗"]] == ["acute_myocardial_infarction"]
    assert int(slots.candidates.sum()) == 2


def test_only_slots_of_the_file_are_asked_and_only_the_record_answers(mini):
    records = read_slot_cases(ROWS)
    slots = read_slots(records, GOLDS, mini)
    for record in records:
        played = play(record, slots, mini)
        assert played.turns <= min(MOST_TURNS, len(slots.findings) - len(record.explicit))
        assert played.answered <= min(played.turns, len(record.implicit))
        assert played.right_with_all
    silent = SlotCase("3", {"咳嗽": True}, {}, "肺炎")
    assert play(silent, slots, mini).answered == 0


def test_the_report_of_slots_counts_records_and_turns(mini):
    report = slot_report("slots.jsonl", None, read_slot_cases(ROWS), GOLDS, mini)
    assert (report.records, report.labels, report.slots) == (2, 2, 6)
    assert report.with_all.value == 1
    assert report.turns >= report.answered


def test_a_label_that_nobody_explained_is_an_error(mini):
    with pytest.raises(UserError, match="心梗"):
        read_slots(read_slot_cases(ROWS), {"肺炎": GOLDS["肺炎"]}, mini)


def test_labels_are_read_from_their_file():
    labels = read_label_codes([{"label": "肺炎", "accept_icd10": ["J18"], "accept_names": ["肺炎"]}])
    assert labels["肺炎"].gold() == Gold(name="肺炎", accept_names=("肺炎",), accept_icd10=("J18",))


def test_a_malformed_record_is_refused():
    with pytest.raises(UserError, match="第 1 个症状槽病例"):
        read_slot_cases([{"id": "1", "explicit": ["咳嗽"], "implicit": {}, "label": "肺炎"}])


def test_an_unknown_person_is_not_guessed(mini):
    interview, _, _ = simulate({"id": "c", "chief_complaint": "咳嗽", "gold": {"name": "x"}}, mini)
    assert isinstance(interview, Interview)
    case = case_of_interview(interview, mini)
    assert (case.sex, case.age_years) == (None, None)
    assert Sex.MALE not in (interview.sex,)
