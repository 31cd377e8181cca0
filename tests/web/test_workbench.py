"""The workbench's answers without a browser: forms in, fragments out."""

import json
import re

import pytest

from cunyi.domain.intake import parse_case
from cunyi.reasoning.assess import assess
from cunyi.web.doctor.form import read_form
from cunyi.web.doctor.workbench import read_examples


def assessed(client, **fields):
    answer = client.post("/workbench/assess", data=fields)
    assert answer.status_code == 200
    return answer.text


def test_the_page_is_never_stored_and_loads_nothing_from_elsewhere(client):
    answer = client.get("/")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert " style=" not in answer.text and "<script>" not in answer.text


def test_the_assessment_has_the_order_of_the_page(client):
    html = assessed(
        client,
        chief_complaint="胸痛、冷汗2小时",
        age="60",
        sex="male",
        lab_name="血红蛋白",
        lab_value="50",
        systolic_mmhg="84",
    )
    parts = ["critical-values", "must-exclude", "differential", "why-not", "questions", "referral"]
    places = [html.index(f'id="{part}"') for part in parts]
    assert places == sorted(places)
    assert "立即转诊" in html and "仅供有资质医务人员参考" in html


def test_a_measured_fever_beats_a_denied_one_and_the_conflict_is_shown(client):
    html = assessed(client, chief_complaint="咳嗽3天", history_of_present_illness="无发热", temperature_c="38.5")
    assert 'id="conflicts"' in html and "38.5" in html


def test_what_is_not_a_number_is_left_out_and_said_so(client, mini):
    form = read_form({"temperature_c": ["38。5"], "pulse_bpm": ["快"], "systolic_mmhg": ["9999"], "age": ["200"]}, mini)
    assert form.case.vitals == {"temperature_c": 38.5}
    assert set(form.unusable) == {"pulse_bpm", "systolic_mmhg", "age"}
    assert "心率“快”读不懂" in (html := assessed(client, pulse_bpm="快")) or "脉搏“快”读不懂" in html


def test_an_impossible_result_is_called_so_with_the_possible_range(client):
    html = assessed(client, lab_name=["血红蛋白", "谷丙"], lab_value=["-5", "30"])
    assert "血红蛋白 -5 不可能（应不低于 10 g/L、低于 300 g/L）" in html
    assert re.search(r"未识别[^<]*谷丙", html) and not re.search(r"未识别[^<]*血红蛋白", html)


def test_full_width_digits_and_months_are_read(mini):
    form = read_form({"age": ["１８"], "age_unit": ["months"], "temperature_c": ["３８．５"]}, mini)
    assert form.case.age_years == 1.5
    assert form.case.vitals == {"temperature_c": 38.5}


def test_line_ends_of_a_browser_do_not_move_the_marks(mini):
    assert read_form({"chief_complaint": ["咳\r\n嗽"]}, mini).texts["chief_complaint"] == "咳\n嗽"


def test_a_tap_overrides_the_text_and_can_be_undone(mini):
    form = read_form(
        {"chief_complaint": ["咳嗽"], "answers": [json.dumps({"cough": "absent", "nonsense": "present"})]}, mini
    )
    assert [(f.finding, f.status) for f in form.case.findings] == [("cough", "absent")]


@pytest.mark.parametrize("answers", ["{", "[]", "null", '{"cough": 3}', "[" * 50_000])
def test_senseless_answers_are_no_answers(mini, answers):
    assert read_form({"answers": [answers]}, mini).answers == {}


def test_an_unknown_result_is_named_and_not_used(client):
    assert "未识别，未采用： 不知名" in assessed(client, lab_name="不知名", lab_value="3")


def test_why_not_shows_the_evidence_of_any_disease(client):
    html = assessed(client, chief_complaint="流鼻涕2天", why_not="急性心肌梗死")
    answer = html[html.index('id="why-not-answer"') :]
    assert "急性心肌梗死" in answer[: answer.index("</section>")]


def test_why_not_does_not_change_the_numbers(client):
    strip = lambda html: html[html.index('id="differential"') : html.index('id="why-not"')]  # noqa: E731
    plain = assessed(client, chief_complaint="流鼻涕2天")
    assert strip(plain) == strip(assessed(client, chief_complaint="流鼻涕2天", why_not="肺炎"))


def test_the_order_by_danger_puts_the_dangerous_first(client):
    html = assessed(client, chief_complaint="流鼻涕、咳嗽2天", order="danger")
    marks = re.findall(r'class="candidate candidate-(\w+)"', html)
    grades = ["critical", "urgent", "routine", "minor"]
    assert marks == sorted(marks, key=grades.index)


def test_hostile_text_is_shown_as_text(client):
    html = assessed(
        client, chief_complaint="<script>alert(1)</script>", why_not='"><img src=x>', lab_name="<b>x", lab_value="1"
    )
    assert "<script>alert" not in html and "<img" not in html and "<b>x" not in html


def test_any_form_is_answered(client):
    for body in (b"", b"%", b"a=%ff&age=%00", b"=&=&&", b"answers=" + b"[" * 2000):
        answer = client.post(
            "/workbench/assess", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 200
    answer = client.post(
        "/workbench/assess", content=b"--x", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code in (200, 400)


def test_the_examples_are_cases(mini):
    examples = read_examples()
    assert len(examples) >= 8 and len({e.id for e in examples}) == len(examples)
    for example in examples:
        assess(parse_case({"id": example.id, **example.case}), mini)


def test_words_that_say_nothing_to_the_program_give_no_comfort(client):
    html = assessed(client, chief_complaint="嗯嗯啊啊")
    assert "没有读懂" in html and "居家观察" not in html
