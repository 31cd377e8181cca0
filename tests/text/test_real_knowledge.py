"""The real lexicon reads a page of plain sentences, and reads it fast."""

import time
from pathlib import Path

import pytest

from cunyi.authoring.language import compile_language
from cunyi.authoring.load import load_library
from cunyi.domain.case import Case
from cunyi.text.reader import Language, read_case

KNOWLEDGE = Path(__file__).parents[2] / "knowledge"
# The aim is 1.5 ms for such a case; the bound leaves room for a busy machine.
MOST_SECONDS = 0.006
CASE = Case(
    age_years=58,
    sex="male",
    chief_complaint="咳嗽、咳痰10余年，加重伴气促3天",
    history_of_present_illness=(
        "患者10余年前开始反复咳嗽、咳白痰，天冷时加重，每年发作两三次。3天前受凉后咳嗽加重，咳黄痰，活动后气促，"
        "昨晚烧到38度5，自己吃了退烧药。无胸痛、咯血，无双下肢水肿，夜间能平卧。否认盗汗、消瘦。精神、食欲差，大小便正常。"
    )
    * 2,
    past_history="高血压病史5年，否认糖尿病、冠心病史。青霉素过敏。",
    personal_history="抽烟30年，不喝酒。",
    physical_examination=(
        "T38.2℃，P102次/分，R24次/分，BP150/90mmHg。神清，口唇无发绀，桶状胸，双肺可闻及散在湿啰音及哮鸣音，心律齐，腹软，无压痛。"
    ),
)


@pytest.fixture(scope="module")
def language():
    library = load_library(KNOWLEDGE)
    findings, items = ([entry.raw for entry in entries] for entries in (library.findings, library.items))
    return Language.from_compiled(compile_language(findings, items, library.classes, library.tables))


def test_a_plain_case_is_read(language):
    reading = read_case(CASE, language)
    first = {}
    for fact in reading.facts:
        first.setdefault(fact.finding, fact)
    assert first["cough"].status == "present" and first["cough"].duration_days > 3650
    assert first["hemoptysis"].status == first["chest_pain"].status == "absent"
    assert first["fever"].status == "present"
    assert first["wheezing_on_auscultation"].status == "present"
    assert first["history_hypertension"].status == "present" and first["history_hypertension"].when == "past"
    assert first["history_diabetes"].status == "absent"
    assert first["smoking"].status == "present"
    assert {("temperature_c", 38.5), ("systolic_mmhg", 150.0)} <= {(r.item, r.value) for r in reading.readings}


def test_a_case_of_usual_length_is_read_in_milliseconds(language):
    seconds = []
    for _ in range(20):
        start = time.process_time()
        read_case(CASE, language)
        seconds.append(time.process_time() - start)
    assert min(seconds) < MOST_SECONDS
