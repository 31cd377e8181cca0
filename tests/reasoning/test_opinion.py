"""The expert opinion: every section always, the assessment's level, no amount of a drug, checked for this patient."""

import re
from functools import cache

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.real_knowledge import real_knowledge, real_library

from cunyi.authoring.check_opinion import check_opinion
from cunyi.authoring.load import Entry
from cunyi.domain.case import Case
from cunyi.domain.errors import KnowledgeError
from cunyi.domain.intake import parse_case
from cunyi.domain.opinion import SECTIONS
from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.assess import assess
from cunyi.reasoning.opinion import expert_opinion
from cunyi.reasoning.treating import options_of
from cunyi.reasoning.withholding import has_amount, withhold_amounts

# Results in g/L are no doses.
DOSE = re.compile(r"[0-9]\s*(?:mg|mcg|[μµ]g|g|ml|mL|IU|U|毫克|微克|克|毫升|万?单位)(?![A-Za-z])(?!\s*/\s*d?[lL])")


@cache
def real():
    return real_library(), real_knowledge()


@cache
def case_library():
    library, _ = real()
    return [parse_case(dict(entry.raw["case"])) for entry in library.cases if "case" in entry.raw]


def opinion_on(case, knowledge):
    case = case if isinstance(case, Case) else parse_case(case)
    given_to = assess(case, knowledge)
    return expert_opinion(case, given_to, knowledge), given_to


def texts(opinion, code=None):
    return [s.text for section in opinion.sections if code in (None, section.code) for s in section.statements]


def every_statement(opinion):
    return [opinion.verdict, *(s for section in opinion.sections for s in section.statements), *opinion.notes]


CHEST_PAIN = {
    "sex": "male",
    "age_years": 58,
    "chief_complaint": "胸痛2小时",
    "history_of_present_illness": "压榨样胸痛，放射到左臂，出冷汗",
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_case_of_the_library_has_a_whole_opinion(data):
    _, knowledge = real()
    case = data.draw(st.sampled_from(case_library()))
    opinion, assessment = opinion_on(case, knowledge)
    assert tuple(section.code for section in opinion.sections) == SECTIONS
    assert all(section.statements for section in opinion.sections)
    levels = knowledge.content.opinion.levels
    assert opinion.level == assessment.triage.level
    told = {code for code, name in levels.items() if name.name in opinion.verdict.text}
    assert told == ({assessment.triage.level} if "分诊" in opinion.verdict.text else set())
    # A level is told only in the verdict, so that no other sentence can contradict it.
    assert ("{level}" in knowledge.content.opinion.sentences["verdict"].text) and "分诊" not in "".join(texts(opinion))
    sources = knowledge.content.sources
    for statement in every_statement(opinion):
        assert not DOSE.search(statement.text), statement.text
        assert not DOSE.search("".join(piece.text for piece in statement.english))
        assert statement.sources
        assert all(s in sources or s.startswith("PMID ") for s in statement.sources), statement.sources
        assert "{" not in statement.text and "。。" not in statement.text
    assert opinion == expert_opinion(case, assessment, knowledge)


@pytest.mark.parametrize("number", range(4))
def test_every_case_of_the_library(number):
    _, knowledge = real()
    for case in case_library()[number::4]:
        opinion, assessment = opinion_on(case, knowledge)
        assert len(opinion.sections) == len(SECTIONS) and all(section.statements for section in opinion.sections)
        assert not [s.text for s in every_statement(opinion) if DOSE.search(s.text)]
        excluded = texts(opinion, "exclude")
        assert all(any(m.name in text for text in excluded) for m in assessment.must_exclude)


def test_the_first_disease_is_told_with_what_weighs_for_and_against_it():
    _, knowledge = real()
    opinion, assessment = opinion_on({**CHEST_PAIN, "physical_examination": "无水肿"}, knowledge)
    first = assessment.differential[0]
    likely = texts(opinion, "likely")
    assert first.name in likely[0] and f"{round(first.probability * 100)}%" in likely[0]
    assert first.supports[0].name in likely[1]
    against = next((t for t in likely if t.startswith(f"不支持{first.name}")), "")
    for weighed in first.against[:5]:
        assert f"没有{weighed.name}" in against or weighed.name in against


def test_an_emergency_is_referred_first_and_its_danger_signs_are_told():
    _, knowledge = real()
    opinion, _ = opinion_on(CHEST_PAIN, knowledge)
    assert opinion.level == "emergency" and opinion.verdict.grave
    assert "120" in texts(opinion, "now")[0]
    assert any("疑似主动脉夹层" in text for text in texts(opinion, "go")), "a danger sign that is not there yet"
    assert any("〔剂量略〕" in text for text in texts(opinion, "now"))
    assert "心电图" in "".join(texts(opinion, "test"))


@pytest.mark.parametrize(
    ("more", "drug", "why"),
    [
        ({"allergies": ["阿司匹林过敏"]}, "阿司匹林", "过敏"),
        ({"past_history": "对阿司匹林过敏"}, "阿司匹林", "过敏"),
        ({"medications": ["华法林"]}, "阿司匹林", "华法林"),
        ({"past_history": "长期吃华法林"}, "阿司匹林", "华法林"),
    ],
)
def test_what_does_not_suit_this_patient_is_no_option(more, drug, why):
    _, knowledge = real()
    plain, _ = opinion_on(CHEST_PAIN, knowledge)
    opinion, _ = opinion_on({**CHEST_PAIN, **more}, knowledge)

    def offered(each):
        return "".join(t for t in texts(each, "treat") if "可以考虑的药" in t)

    assert drug in offered(plain) and drug not in offered(opinion)
    assert any("不宜用" in t and drug in t and why in t for t in texts(opinion, "treat"))


def test_a_denied_allergy_and_a_denied_drug_do_not_count():
    _, knowledge = real()
    opinion, _ = opinion_on({**CHEST_PAIN, "past_history": "否认阿司匹林过敏，没有服用华法林"}, knowledge)
    assert not any("不宜用" in text for text in texts(opinion, "treat"))


def test_pregnancy_speaks_against_a_drug():
    _, knowledge = real()
    case = {"sex": "female", "age_years": 26, "chief_complaint": "尿频尿急尿痛2天"}
    opinion, _ = opinion_on({**case, "pregnant": True}, knowledge)
    told = "".join(text for text in texts(opinion, "treat") if "孕妇" in text)
    assert told and any("怀孕的人" in text for text in texts(opinion, "go"))


def test_a_drug_that_is_warned_of_is_no_option():
    _, knowledge = real()
    opinion, _ = opinion_on(
        {"sex": "male", "age_years": 50, "chief_complaint": "突发撕裂样胸背痛1小时，两上肢血压不等"}, knowledge
    )
    assert "阿司匹林" not in "".join(t for t in texts(opinion, "treat") if "可以考虑的药" in t)


@pytest.mark.parametrize(
    ("disease", "drug"),
    [
        ("preeclampsia", "阿司匹林"),
        ("preeclampsia", "葡萄糖注射液"),
        ("chronic_gastritis", "阿司匹林"),
        ("chronic_gastritis", "去痛片"),
        ("acute_cholecystitis", "吗啡"),
        ("dengue", "布洛芬"),
        ("myasthenia_gravis", "庆大霉素"),
        ("erectile_dysfunction", "硝酸甘油"),
        ("kawasaki_disease", "华法林"),
    ],
)
def test_a_warning_a_later_prevention_or_a_drug_in_use_is_no_option(disease, drug):
    knowledge = real_knowledge()
    options = options_of(knowledge.content.diseases[disease], knowledge, knowledge.content.opinion)
    assert drug not in {option.name for option in options}


@pytest.mark.parametrize(
    ("disease", "drug"),
    [("preeclampsia", "葡萄糖酸钙"), ("acute_myocardial_infarction", "硝酸甘油"), ("leptospirosis", "青霉素")],
)
def test_what_is_proposed_stays_an_option(disease, drug):
    knowledge = real_knowledge()
    options = options_of(knowledge.content.diseases[disease], knowledge, knowledge.content.opinion)
    assert drug in {option.name for option in options}


def test_the_parents_of_a_child_are_told_of_their_child():
    _, knowledge = real()
    opinion, _ = opinion_on(
        {"age_years": 2, "chief_complaint": "发热咳嗽2天", "vitals": {"temperature_c": 38.7}}, knowledge
    )
    assert all("孩子" in text for text in texts(opinion, "tell"))
    assert any(text.startswith("孩子出现") for text in texts(opinion, "go"))


def test_a_follow_up_programme_says_when_to_come_back():
    _, knowledge = real()
    case = {"age_years": 60, "chief_complaint": "头晕", "problems": ["高血压"]}
    high, _ = opinion_on({**case, "vitals": {"systolic_mmhg": 165, "diastolic_mmhg": 98}}, knowledge)
    assert any("14天内复诊" in text for text in texts(high, "return"))


def test_a_disease_without_a_time_to_return_says_so():
    _, knowledge = real()
    opinion, assessment = opinion_on(CHEST_PAIN, knowledge)
    assert f"知识库没有写{assessment.differential[0].name}的复诊时间" in texts(opinion, "return")[0]


def test_nothing_recognised_gives_no_comfort():
    _, knowledge = real()
    opinion, _ = opinion_on({"chief_complaint": "嗯嗯"}, knowledge)
    assert not opinion.understood and opinion.diseases == () and opinion.drugs == ()
    assert "居家观察" not in opinion.verdict.text
    assert all(section.statements for section in opinion.sections)


def test_english_prose_that_is_missing_stays_marked_chinese():
    _, knowledge = real()
    opinion, _ = opinion_on(CHEST_PAIN, knowledge)
    han = re.compile("[\u3400-\u9fff]")
    languages = set()
    for statement in every_statement(opinion):
        for piece in statement.english:
            languages.add(piece.lang)
            assert piece.lang == "zh" or not han.search(piece.text), piece
    assert languages == {"zh", "en"}


def test_the_opinion_holds_nothing_that_identifies():
    _, knowledge = real()
    case = {**CHEST_PAIN, "id": "person-17", "history_of_present_illness": "周大福，电话13800138000，压榨样胸痛"}
    opinion, _ = opinion_on(case, knowledge)
    told = msgspec.json.encode(opinion).decode()
    assert not any(word in told for word in ("周大福", "13800138000", "person-17"))


def test_a_level_of_any_kind_has_its_words():
    _, knowledge = real()
    words = knowledge.content.opinion
    assert set(words.levels) == {level.code for level in TriageLevel}


def test_knowledge_without_words_says_what_to_do(mini):
    bare = msgspec.structs.replace(mini, content=msgspec.structs.replace(mini.content, opinion=None))
    case = Case(chief_complaint="咳嗽")
    with pytest.raises(KnowledgeError, match=r"opinion\.yaml"):
        expert_opinion(case, assess(case, bare), bare)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("阿司匹林300 mg嚼服", "阿司匹林#嚼服"),
        ("阿莫西林40 mg/kg/天分2次共5天", "阿莫西林#共5天"),
        ("对乙酰氨基酚10–15 mg/kg，一天不超过4次", "对乙酰氨基酚#，一天不超过4次"),
        ("氨氯地平5 mg每天一次，或依那普利10mg每日1–2次", "氨氯地平#，或依那普利#"),
        ("青霉素160万单位肌注", "青霉素#肌注"),
        ("滴眼液每次1滴", "滴眼液每次#"),
        ("收缩压<90 mmHg", "收缩压<90 mmHg"),
        ("血红蛋白<60 g/L", "血红蛋白<60 g/L"),
        ("体重30 kg", "体重30 kg"),
        ("血糖3.9 mmol/L", "血糖3.9 mmol/L"),
        ("eGFR 25 mL/min/1.73 m²", "eGFR 25 mL/min/1.73 m²"),
        ("补液２００ml", "补液#"),
    ],
)
def test_amounts_are_withheld_and_results_are_not(text, left):
    assert withhold_amounts(text, "#") == left
    assert has_amount(text) is ("#" in left)


def _with(library, change):
    raw = msgspec.json.decode(msgspec.json.encode(library.opinion.raw))
    change(raw)
    changed = type(library)()
    changed.opinion = Entry(_lines(raw), "opinion.yaml")
    return [problem.message for problem in check_opinion(changed)]


def _lines(raw):
    from cunyi.authoring.strict_yaml import LineDict

    if not isinstance(raw, dict):
        return raw
    made = LineDict({key: _lines(value) for key, value in raw.items()})
    made.line, made.lines = 1, dict.fromkeys(raw, 1)
    return made


def test_the_check_finds_missing_sentences_wrong_slots_and_amounts():
    library, _ = real()
    assert _with(library, lambda raw: None) == []
    assert any("缺少 likely" in m for m in _with(library, lambda raw: raw["sentences"].pop("likely")))
    assert any("缺少 urgent" in m for m in _with(library, lambda raw: raw["levels"].pop("urgent")))

    def wrong(key, text):
        return lambda raw: raw["sentences"][key].update(text=text)

    assert any("{disease}" in m for m in _with(library, wrong("likely", "最可能是{what}。")))
    assert any("花括号" in m for m in _with(library, wrong("likely", "最可能是{disease。")))
    assert any("用量" in m for m in _with(library, wrong("refer_not", "先吃阿司匹林100 mg。")))
