"""The summary measured against what others wrote: dialogues read as interviews, findings counted by what they imply."""

import json
from functools import cache

import pytest
from tests.real_knowledge import real_bytes, real_knowledge

from cunyi.authoring.child_dialogues import read_child_dialogue
from cunyi.authoring.evaluate_summary import dialogues, summary_outcomes, summary_report
from cunyi.authoring.hospital_dialogues import read_hospital_dialogue
from cunyi.authoring.scoring import split_of
from cunyi.authoring.spoken_findings import findings_of_record
from cunyi.cli import main
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Status
from cunyi.domain.interview import Informant, QuestionKind, Topic
from cunyi.reasoning.summarising import summarise

# Written for these tests in the shape of the files.
PROMPT = """请根据以下的医患对话，生成一份小结：消化内科_腹泻
医生: 请问腹泻发生多久了？
患者: “4天” 
医生: 请问伴随症状有以下哪些？腹痛,发热,呕吐,怕光，流泪,其他
患者: 腹痛，心里发慌 
医生: 请问腹泻是否有规律？
患者:  
医生: 请问是否出现便血？
患者: 是 
医生: 请问粪便的气味是什么？酸臭味,鱼腥臭味
患者: 酸臭味 
医生: 是否有以下病史（多选）高血压,糖尿病,其它病史,无
患者: 不清楚 
医生: 是否使用过以下药物（多选）阿司匹林,布洛芬,其它药物,无
患者: 无"""
TARGET = "患者“4天”前出现腹泻，酸臭味，伴腹痛、便血，否认腹泻有规律，否认伴发热、呕吐等。"
TALK = [
    ("user", "孩子3岁，发烧两天，咳嗽"),
    ("assistant", "您好。"),
    ("assistant", "孩子有没有呕吐？"),
    ("user", "没有，就是不想吃东西"),
    ("assistant", "有喘息吗？"),
    ("user", "有"),
]


@cache
def real():
    return real_knowledge()


def asked(interview, words):
    return next(answer for answer in interview.answers if words in answer.question.wording)


def test_a_hospital_dialogue_becomes_questions_with_their_options():
    interview = read_hospital_dialogue(PROMPT, real())
    assert interview.answers[0].text == "腹泻" and interview.answers[0].question.topic == Topic.COMPLAINT
    since = asked(interview, "发生多久")
    assert since.question.kind == QuestionKind.DURATION and since.days == 4 and since.question.about == "diarrhea"
    with_it = asked(interview, "伴随症状")
    labels = {option.label: with_it.statuses[option.id] for option in with_it.question.options}
    assert labels == {"腹痛": Status.PRESENT, "发热": Status.ABSENT, "呕吐": Status.ABSENT, "怕光，流泪": Status.ABSENT}
    assert with_it.text == "心里发慌", "what no option says stays in the person's words"
    smell = asked(interview, "气味")
    assert list(smell.statuses.values()) == [Status.PRESENT], "of a choice the others are not denied"
    assert asked(interview, "病史").unknown
    drugs = asked(interview, "药物")
    assert set(drugs.statuses.values()) == {Status.ABSENT} and drugs.question.topic == Topic.DRUG
    assert len({answer.question.id for answer in interview.answers}) == len(interview.answers)


def test_an_empty_answer_to_a_yes_or_no_question_is_the_no_of_the_files_and_denies_no_complaint():
    rhythm = asked(read_hospital_dialogue(PROMPT, real()), "规律")
    assert list(rhythm.statuses.values()) == [Status.ABSENT]
    assert rhythm.question.options[0].findings == (), "the diarrhoea itself is not denied with its rhythm"
    assert "diarrhea" in asked(read_hospital_dialogue(PROMPT, real()), "腹泻发生").question.about


def test_a_talk_with_a_parent_becomes_settled_questions_and_own_words():
    interview = read_child_dialogue(TALK, real())
    assert interview.informant == Informant.CHILD
    vomiting = next(a for a in interview.answers if "呕吐" in a.question.wording and a.statuses)
    assert vomiting.statuses["vomiting"] == Status.ABSENT
    assert any(answer.text == "就是不想吃东西" for answer in interview.answers), "the rest of the answer is not lost"
    wheeze = next(a for a in interview.answers if "喘息" in a.question.wording)
    assert Status.PRESENT in wheeze.statuses.values()
    draft = summarise(interview, real())
    assert "2天" in draft.texts["chief_complaint"] and "否认呕吐。" in draft.texts["history_of_present_illness"]


def test_a_talk_without_a_word_of_the_parent_is_an_empty_interview():
    assert read_child_dialogue([("assistant", "您好")], real()).answers == ()


def test_denied_along_with_is_denied():
    """否认伴 is one word of denial; 伴 alone would begin something present."""
    said = findings_of_record({"history_of_present_illness": "伴腹痛，否认伴发热、呕吐，否认伴有头痛。"}, real())
    assert said.present == {"abdominal_pain"} and said.absent == {"fever", "vomiting", "headache"}


def scored(lines, split=None):
    return list(summary_outcomes(dialogues(lines, split, real()), real()))


def test_findings_and_words_are_counted_against_the_reference():
    ((outcome, sentences),) = scored([{"prompt": PROMPT, "target": TARGET}])
    assert sentences > 5
    assert (outcome.present.found, outcome.present.wanted) == (3, 3)
    assert (outcome.absent.found, outcome.absent.wanted) == (2, 2)
    assert outcome.missed == ()
    assert outcome.absent.right < outcome.absent.given, "photophobia was denied and is not in the reference"
    assert "畏光" in outcome.added and "阿司匹林" not in outcome.added, (
        "a field that the reference does not have is not compared"
    )
    assert 0 < outcome.tokens.found <= outcome.tokens.wanted


def test_a_variant_counts_for_what_it_is_a_variant_of():
    prompt = "请根据以下的医患对话，生成一份小结：消化内科_腹痛\n医生: 请问腹痛的部位是？右下腹痛,上腹痛,其他\n患者: 右下腹痛"
    ((outcome, _),) = scored([{"prompt": prompt, "target": "患者出现腹痛。"}])
    assert outcome.present.found == outcome.present.wanted == 1
    assert outcome.present.right < outcome.present.given, "the place is more than the reference says"


def test_only_what_the_talk_says_counts_as_said():
    talk = [{"from": who, "value": words} for who, words in TALK]
    report = {
        "主诉": "发热、咳嗽2天。",
        "现病史": "2天前出现发热、咳嗽，无腹泻，无呕吐。",
        "既往史": "无。",
        "诊断": "支气管炎",
    }
    ((outcome, _),) = scored([{"id": "a", "dialogue": talk, "report": report}])
    assert (outcome.present.found, outcome.present.wanted) == (2, 2)
    assert (outcome.absent.found, outcome.absent.wanted) == (1, 2)
    assert (outcome.said_absent.found, outcome.said_absent.wanted) == (1, 1), "nobody spoke of diarrhoea"


def test_the_split_is_by_the_prompt_and_hold_shows_no_dialogue():
    prompts = [PROMPT.replace("4天", f"{number}天") for number in range(2, 8)]
    lines = [{"prompt": prompt, "target": TARGET} for prompt in prompts]
    tune, hold = scored(lines, "tune"), scored(lines, "hold")
    assert len(tune) == sum(split_of(prompt) == "tune" for prompt in prompts) and len(tune) + len(hold) == len(lines)
    assert summary_report("f", "tune", tune).worst and not summary_report("f", "hold", hold).worst


def test_the_report_pools_dialogues_and_gives_intervals():
    lines = [{"prompt": PROMPT, "target": TARGET}, {"prompt": PROMPT, "target": "患者出现腹泻、胸痛。"}]
    report = summary_report("f", None, scored(lines))
    assert report.dialogues == 2 and report.present.wanted == 5
    assert report.present.recall.value == pytest.approx(4 / 5)
    assert report.present.recall.low < report.present.recall.value < report.present.recall.high
    empty = summary_report("f", None, [])
    assert empty.dialogues == 0 and empty.present.recall.value == 0


def test_a_line_of_another_shape_is_refused_with_its_number():
    with pytest.raises(UserError, match="第 2 行"):
        dialogues([{"prompt": PROMPT, "target": TARGET}, {"id": "x"}], None, real())


def test_the_command_prints_the_table_and_the_json(tmp_path, capsys, monkeypatch):
    compiled = tmp_path / "knowledge.json"
    compiled.write_bytes(real_bytes())
    monkeypatch.setenv("CUNYI_KNOWLEDGE", str(compiled))
    file = tmp_path / "dialogues.jsonl"
    file.write_text(json.dumps({"prompt": PROMPT, "target": TARGET}, ensure_ascii=False), encoding="utf-8")
    assert main(["evaluate", "--summary", str(file), "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert report["dialogues"] == 1 and report["present"]["recall"]["value"] == 1
    assert main(["evaluate", "--summary", str(file)]) == 0
    assert "有的 召回" in capsys.readouterr().out
